// Late binding: at the moment a slot is free, the longest waiting task gets the best place. Runs after every event
// and does nothing quickly when there is nothing to do.
import { assert } from '../../base/assert.ts';
import { policies } from '../selection/index.ts';
import type { Candidate, Tail } from '../selection/types.ts';
import type { NodeId } from '../types.ts';
import { award, runHere } from './attempts.ts';
import type { Book } from './book.ts';
import { aheadLease, anyLeaseFor, candidateOf, covers, freeLease } from './leases.ts';
import { NOBODY_ROUND_TRIPS } from './limits.ts';
import type { Lease, Task, WorkerBook } from './parts.ts';

/** Few tasks are left when there are no more than this many per slot. */
const TAIL_TASKS_PER_SLOT = 3;

/** Awards go ahead while more than one task waits for so many slots. */
const AHEAD_PER_WAITING = 2;

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
  let nearestMs = Infinity;
  for (const { rttMs } of book.workers.values()) if (rttMs > 0) nearestMs = Math.min(nearestMs, rttMs);
  return Math.max(book.options.nobodyAfterMs, nearestMs === Infinity ? 0 : NOBODY_ROUND_TRIPS * nearestMs);
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
  return book.ownUsed < book.options.ownSlots || book.freeSlots() > 0;
}

function placeTravellers(book: Book, now: number): void {
  const blocked = new Set<string>();
  const aside: Task[] = [];
  const tail = tailOf(book, now);
  for (let task = book.waiting.next(blocked, now); task !== undefined; task = book.waiting.next(blocked, now)) {
    const classId = task.spec.class?.id ?? '';
    const places = placesFor(book, task, classId);
    if (places.length === 0) {
      blocked.add(classId);
      continue;
    }
    const allowed = elsewhereFirst(book, task, classId, places, now);
    const policy = policies[task.spec.policy ?? book.options.policy];
    const choice = policy.choose(task, allowed, tailFor(book, task, classId, tail, now));
    if (choice === null) {
      book.waiting.remove(task);
      aside.push(task);
      continue;
    }
    book.waiting.served(classId, now);
    if (choice.worker === null) {
      runHere(book, task, 'own-slot', '', true, now, allowed);
    } else {
      const worker = book.worker(choice.worker);
      const lease = freeLease(worker, classId);
      assert(lease !== null, 'the policy chose a place that was not offered to it');
      award(book, worker, lease, task, 'no', now, allowed);
    }
  }
  for (const task of aside) book.waiting.add(task, now);
}

/** With little waiting, whoever is free first should take it; what is ahead on one machine cannot go to another. */
function mayAwardAhead(book: Book): boolean {
  const slots = book.totalSlots();
  if (book.waiting.travelling * AHEAD_PER_WAITING <= slots) return false;
  for (const worker of book.workers.values()) {
    for (const lease of worker.leases.values())
      if (lease.ahead > 0 && lease.used < lease.slots + lease.ahead) return true;
  }
  return false;
}

/** Tasks whose files travel while the slots of a machine far away are busy. */
function awardAhead(book: Book, now: number): void {
  const blocked = new Set<string>();
  for (let task = book.waiting.next(blocked, now); task !== undefined; task = book.waiting.next(blocked, now)) {
    const classId = task.spec.class?.id ?? '';
    let choice: { worker: WorkerBook; lease: Lease } | null = null;
    for (const worker of book.workers.values()) {
      const lease = task.failedOn.has(worker.id) ? null : aheadLease(worker, classId);
      if (lease !== null && (choice === null || book.rate(worker) > book.rate(choice.worker)))
        choice = { worker, lease };
    }
    if (choice === null || !mayAwardAhead(book)) {
      blocked.add(classId);
      continue;
    }
    book.waiting.served(classId, now);
    const { worker, lease } = choice;
    award(book, worker, lease, task, 'no', now, [candidateOf(book, worker, lease, task)]);
  }
}

function placesFor(book: Book, task: Task, classId: string): Candidate[] {
  const places: Candidate[] = [];
  const { ownSlots, hereSlots } = book.options;
  if (book.ownUsed < ownSlots && book.hereUsed < hereSlots) places.push(ownPlace(book));
  for (const worker of book.workers.values()) {
    const lease = freeLease(worker, classId);
    if (lease === null) continue;
    places.push(candidateOf(book, worker, lease, task));
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
  for (const worker of book.workers.values()) {
    if (!task.failedOn.has(worker.id) && covers(worker, classId)) return elsewhere;
  }
  if (now >= task.retrySameAt) return places;
  book.retryAt = Math.min(book.retryAt, task.retrySameAt);
  return elsewhere;
}

interface BusySlot {
  readonly worker: NodeId;
  readonly rate: number;
  readonly remainingMs: number;
}

type WholeTail = Tail & { readonly busy: readonly BusySlot[] };

/** Only slots that this task may get when they are free are worth waiting for. */
function tailFor(book: Book, task: Task, classId: string, tail: WholeTail | null, now: number): Tail | null {
  if (tail === null || !book.isTail(book.build(task.spec.build), now)) return null;
  const mayTake = ({ worker }: BusySlot): boolean => !task.failedOn.has(worker) && covers(book.worker(worker), classId);
  return { ...tail, busy: tail.busy.filter(mayTake) };
}

function tailOf(book: Book, now: number): WholeTail | null {
  const slots = book.totalSlots() + book.options.ownSlots;
  if (book.waiting.travelling > TAIL_TASKS_PER_SLOT * slots) return null;
  const busy: BusySlot[] = [];
  let runningMs = 0;
  let rates = 0;
  for (const task of book.away) {
    for (const attempt of task.attempts) {
      if (attempt.state !== 'live') continue;
      const rate = book.rate(attempt.worker, task.scope);
      const remainingMs = Math.max(0, attempt.estimateMs - (now - attempt.awardedAt));
      busy.push({ worker: attempt.worker.id, rate, remainingMs });
      runningMs = Math.max(runningMs, remainingMs);
      rates += rate;
    }
  }
  if (busy.length === 0) return null;
  let waitingMs = 0;
  for (const task of book.waiting.travellers()) waitingMs += task.estimateMs;
  return { runningMs, queueMs: waitingMs / rates / 2, busy };
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
