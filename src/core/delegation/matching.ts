// Late binding: at the moment a slot is free, the longest waiting task gets the best place. Runs after every event
// and does nothing quickly when there is nothing to do.
import { assert } from '../../base/assert.ts';
import { policies } from '../selection/index.ts';
import type { Candidate } from '../selection/types.ts';
import { isAlone } from './asking.ts';
import { award, runHere, untilOneEnds } from './attempts.ts';
import type { Book } from './book.ts';
import { isNewBuild } from './estimates.ts';
import { fastestOpen } from './fastest.ts';
import { aheadLease, anyLeaseFor, candidateOf, covers, freeLease } from './leases.ts';
import { horizonMs } from './horizon.ts';
import {
  FIRST_ALONE_MS,
  FIRST_CHECK_MS,
  FIRST_OFFERS_MS,
  FIRST_TASKS_MS,
  FIRST_WAIT_SHARE,
  HELD_MORE_MS,
  HELD_MORE_SHARE,
  NOBODY_ROUND_TRIPS,
} from './limits.ts';
import { freeOf } from './parts.ts';
import type { BuildBook, Lease, Task, WorkerBook } from './parts.ts';

/** Awards go ahead while more than one task waits for so many slots. */
const AHEAD_PER_WAITING = 2;

/** See giveSlowTheShortest: tasks waiting per slot, speed of slow machines over the best's, jobs of those that make may have, pauses of make. */
const WAITING_SHARE = 0.5;
const SLOW_SHARE = 0.5;
const FULL_SHARE = 0.95;
const FULL_MS = 1000;
const NONE: ReadonlySet<string> = new Set();

const OWN: Candidate = {
  worker: null,
  leaseId: null,
  rate: 1,
  past: 1,
  info: null,
  load: 0,
  linkMs: 0,
  overheadMs: 0,
  freeFor: [],
  arrival: 0,
};

export function match(book: Book, now: number): void {
  runWhatStays(book, now);
  matchTravellers(book, now);
  runWhatNobodyTakes(book, now);
}

/** When tasks that nobody took so far should run here, or Infinity. */
export function nextNobodyAt(book: Book): number {
  if (book.hereUsed >= book.options.hereSlots) return Infinity;
  let at = Infinity;
  for (const classId of book.waiting.classes()) {
    const since = book.leaselessSince.get(classId);
    if (since !== undefined) at = Math.min(at, since + nobodyAfterMs(book));
  }
  return at;
}

/** An offer needs three round trips, to open the session and to come: to the nearest machine, where several are known. */
function nobodyAfterMs(book: Book): number {
  return Math.max(book.options.nobodyAfterMs, book.nearestMs === Infinity ? 0 : NOBODY_ROUND_TRIPS * book.nearestMs);
}

function runWhatStays(book: Book, now: number): void {
  while (book.hereUsed < book.options.hereSlots) {
    const task = book.waiting.nextHere();
    if (task?.place.at !== 'queued-here') return;
    runHere(book, task, task.place.reason, task.place.detail, true, now);
  }
}

function matchTravellers(book: Book, now: number): void {
  book.retryAt = Infinity;
  if (book.waiting.travelling === 0) return;
  if (mayPlace(book)) placeTravellers(book, now);
  if (mayAwardAhead(book)) awardAhead(book, now);
}

/** Most events find every slot busy: nothing that grows with what waits or runs is looked at then. */
function mayPlace(book: Book): boolean {
  return hasOwnSlot(book) || book.free > 0;
}

function hasOwnSlot({ ownUsed, hereUsed, options }: Book): boolean {
  return ownUsed < options.ownSlots && hereUsed < options.hereSlots;
}

function placeTravellers(book: Book, now: number): void {
  giveSlowTheShortest(book, now);
  const ceilings = new Map<string, number>();
  const limitMs = longestToPlaceMs(book, now);
  for (let task = book.waiting.next(ceilings, now); task !== undefined; task = book.waiting.next(ceilings, now)) {
    const classId = task.spec.class?.id ?? '';
    const places = placesFor(book, task, classId, now);
    const allowed = elsewhereFirst(book, task, classId, places, now);
    const policy = policies[task.spec.policy ?? book.options.policy];
    const { fitting, ceilingMs } =
      policy.name === 'finish' ? fits(book, task, allowed, limitMs, now) : { fitting: allowed, ceilingMs: 0 };
    const choice = fitting.length === 0 ? null : policy.choose(task, fitting, null);
    if (choice === null) {
      // What failed somewhere may have no place where others of its class have one.
      const most = places.length > 0 && allowed.length === 0 ? task.orderMs : ceilingMs;
      ceilings.set(classId, Math.min(most, justUnder(task.orderMs)));
      continue;
    }
    book.waiting.served(classId, now);
    if (choice.worker === null) {
      runHere(book, task, 'own-slot', '', true, now, fitting);
    } else {
      const worker = book.worker(choice.worker);
      const lease = freeLease(worker, classId);
      assert(lease !== null, 'the policy chose a place that was not offered to it');
      award(book, worker, lease, task, 'no', now, fitting);
    }
  }
}

/**
 * make shows no more than its -j: a long task can begin only when it is shown, and short ones on slow machines bring it forward.
 * So while make has more, machines of half the best's speed take the shortest, and the long ones wait for the fast.
 */
function giveSlowTheShortest(book: Book, now: number): void {
  if (book.options.policy !== 'finish' || book.waiting.travelling < WAITING_SHARE * book.slots || isFirst(book, now))
    return;
  if (![...book.builds.values()].some((build) => isFull(build, now))) return;
  let fastest = 0;
  for (const worker of book.holding) fastest = Math.max(fastest, book.rate(worker));
  for (const worker of book.open) {
    if (book.rate(worker) > SLOW_SHARE * fastest) continue;
    for (const lease of worker.leases.values()) {
      while (freeOf(lease) > 0 && book.waiting.travelling >= WAITING_SHARE * book.slots) {
        const task = book.waiting.shortestOf(lease.classIds);
        if (task?.isKnown !== true || task.failedOn.size > 0) break;
        award(book, worker, lease, task, 'no', now, [candidateOf(book, worker, lease, task)]);
      }
    }
  }
}

/** make has all the jobs that it may have, and starts another as soon as one ends. */
function isFull(build: BuildBook, now: number): boolean {
  return build.demand >= FULL_SHARE * build.peak && now < build.lastSubmitAt + FULL_MS;
}

/** The first offers after a pause may still be on their way. */
function isFirst(book: Book, now: number): boolean {
  return now < book.startedAt + FIRST_OFFERS_MS && !isAlone(book);
}

/** On a machine of rate 1. While the first offers of a build come in, long tasks wait a moment for the best of them. */
function longestToPlaceMs(book: Book, now: number): number {
  const limitMs = horizonMs(book, now);
  if (!isFirst(book, now)) return limitMs;
  const sinceMs = now - book.startedAt;
  book.retryAt = Math.min(book.retryAt, now + FIRST_CHECK_MS);
  const atOnceMs = book.waiting.travelling === 1 ? FIRST_ALONE_MS : FIRST_TASKS_MS;
  return Math.min(limitMs, atOnceMs + sinceMs / FIRST_WAIT_SHARE);
}

/**
 * The places where the task would not outlast the build, and the longest task for which any of them is fast enough. A task
 * that fits nowhere takes any place when no busy slot that it could get would have it done sooner.
 */
function fits(
  book: Book,
  task: Task,
  places: readonly Candidate[],
  limitMs: number,
  now: number,
): { readonly fitting: readonly Candidate[]; readonly ceilingMs: number } {
  const fitMs = fitMsOf(book, task);
  const fitting = places.filter(({ rate }) => fitMs <= limitMs * rate);
  if (fitting.length > 0 || places.length === 0) return { fitting, ceilingMs: 0 };
  let fastest = 0;
  for (const { rate } of places) fastest = Math.max(fastest, rate);
  if (isFirst(book, now) || isHeldBack(book, task, fitMs / fastest, now)) {
    return { fitting, ceilingMs: limitMs * fastest };
  }
  return { fitting: places, ceilingMs: 0 };
}

/**
 * Whether a slot that is busy now would have the task done in less than `hereMs`, its present task's end included. When
 * that slot is not free in the time that was expected, the expectation was wrong, and the task waits no longer.
 */
function isHeldBack(book: Book, task: Task, hereMs: number, now: number): boolean {
  if (now >= task.heldUntil) return false;
  const classId = task.spec.class?.id ?? '';
  let waitMs = Infinity;
  let gainMs = 0;
  for (const worker of book.holding) {
    if (book.open.has(worker) || task.failedOn.has(worker.id) || !covers(worker, classId)) continue;
    const theirMs = fitMsOf(book, task) / book.rate(worker, task.scope);
    if (theirMs >= hereMs) continue;
    const untilFreeMs = untilOneEnds(worker, now);
    if (untilFreeMs + theirMs >= hereMs) continue;
    waitMs = Math.min(waitMs, untilFreeMs);
    gainMs = Math.max(gainMs, hereMs - untilFreeMs - theirMs);
  }
  if (waitMs === Infinity) return false;
  if (task.heldUntil === Infinity) task.heldUntil = now + waitMs + Math.max(HELD_MORE_MS, HELD_MORE_SHARE * gainMs);
  book.retryAt = Math.min(book.retryAt, task.heldUntil);
  return true;
}

/** A task never seen goes where a long one would, unless most of the build is like it: then it goes where the mean of them does. */
function fitMsOf(book: Book, task: Task): number {
  if (task.isKnown) return task.orderMs;
  return isNewBuild(book.build(task.spec.build)) ? task.meanMs : task.orderMs;
}

/** Below it by less than any two estimates differ. */
function justUnder(ms: number): number {
  return ms * (1 - 1e-9);
}

/** With little waiting, whoever is free first should take it; what is ahead on one machine cannot go to another. */
function mayAwardAhead(book: Book): boolean {
  return book.takingAhead.size > 0 && book.waiting.travelling * AHEAD_PER_WAITING > book.slots;
}

/** Tasks whose files travel while the slots of a machine far away are busy. */
function awardAhead(book: Book, now: number): void {
  const ceilings = new Map<string, number>();
  const limitMs = horizonMs(book, now);
  for (let task = book.waiting.next(ceilings, now); task !== undefined; task = book.waiting.next(ceilings, now)) {
    const classId = task.spec.class?.id ?? '';
    let choice: { worker: WorkerBook; lease: Lease } | null = null;
    let ceilingMs = 0;
    for (const worker of mayAwardAhead(book) ? book.takingAhead : []) {
      const lease = task.failedOn.has(worker.id) ? null : aheadLease(worker, classId);
      if (lease === null) continue;
      const longestMs = (limitMs - untilOneEnds(worker, now)) * book.rate(worker);
      if (longestMs <= ceilingMs) continue;
      ceilingMs = longestMs;
      choice = { worker, lease };
    }
    if (choice === null || task.orderMs > ceilingMs) {
      ceilings.set(classId, Math.min(ceilingMs, justUnder(task.orderMs)));
      continue;
    }
    book.waiting.served(classId, now);
    const { worker, lease } = choice;
    award(book, worker, lease, task, 'no', now, [candidateOf(book, worker, lease, task)]);
  }
}

function placesFor(book: Book, task: Task, classId: string, now: number): Candidate[] {
  const places: Candidate[] = [];
  if (hasOwnSlot(book)) places.push(ownPlace(book));
  const usesRate = (task.spec.policy ?? book.options.policy) === 'finish';
  for (const worker of usesRate ? fastestOpen(book, classId, NONE, now) : book.open) {
    const lease = freeLease(worker, classId);
    if (lease !== null) places.push(candidateOf(book, worker, lease, task));
  }
  return places;
}

/** What runs here for choice is this machine's load. */
function ownPlace(book: Book): Candidate {
  const { own } = book.options;
  if (own === undefined) return OWN;
  return { ...OWN, info: own, load: book.hereUsed / Math.max(1, own.cores) };
}

/** A task that failed on a worker waits for another one while there is another; only then, and later, may it go there again. */
function elsewhereFirst(
  book: Book,
  task: Task,
  classId: string,
  places: readonly Candidate[],
  now: number,
): readonly Candidate[] {
  if (task.failedOn.size === 0) return places;
  const elsewhere = places.filter((place) => place.worker === null || !task.failedOn.has(place.worker));
  for (const worker of book.holding) {
    if (!task.failedOn.has(worker.id) && covers(worker, classId)) return elsewhere;
  }
  if (now >= task.retrySameAt) return places;
  book.retryAt = Math.min(book.retryAt, task.retrySameAt);
  return elsewhere;
}

function runWhatNobodyTakes(book: Book, now: number): void {
  for (const classId of [...book.leaselessSince.keys()]) {
    if (anyLeaseFor(book, classId)) book.leaselessSince.delete(classId);
  }
  for (const classId of [...book.waiting.classes()]) {
    if (anyLeaseFor(book, classId)) continue;
    let since = book.leaselessSince.get(classId);
    if (since === undefined) {
      since = now;
      book.leaselessSince.set(classId, since);
    }
    if (now < since + nobodyAfterMs(book)) continue;
    for (let task = book.waiting.longestOf(classId); task !== undefined; task = book.waiting.longestOf(classId)) {
      if (book.hereUsed >= book.options.hereSlots) return;
      runHere(book, task, 'nobody', 'no machine offered a slot in time', true, now);
    }
  }
}
