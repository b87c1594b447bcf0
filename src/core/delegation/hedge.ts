// A second copy of a task on another machine: for stragglers, and at the tail for what another machine would finish much sooner.
// Bounded by a share of the build's work, or it wastes a third. Now and then all that is away is looked at for what may want
// one; those few are tried whenever a slot is free, stragglers before the tasks that wait, and slots are asked for them.
import { finishMs } from '../selection/finish.ts';
import type { Candidate } from '../selection/types.ts';
import { award } from './attempts.ts';
import type { Book } from './book.ts';
import type { Doubt } from './doubts.ts';
import { expectedWorkMs, leftMs } from './expected.ts';
import { fastestOpen } from './fastest.ts';
import { areaMs } from './horizon.ts';
import { candidateOf, freeLease } from './leases.ts';
import {
  HEDGE_BUDGET,
  HEDGE_BUDGET_IDLE,
  HEDGE_CHECK_MS,
  HEDGE_GAIN,
  HEDGE_GAIN_LATE,
  HEDGE_GAIN_UNSEEN,
  STRAGGLER_ESTIMATES,
  STRAGGLER_MIN_MS,
  TAIL_AFTER_MS,
} from './limits.ts';
import type { Attempt, BuildBook, Lease, Task, WorkerBook } from './parts.ts';

/** More of them are not looked at: the next look finds those that are left. */
const DOUBTS_MAX = 32;
/** A task never seen may be long: its only copy waits for a machine that is nearly as fast as the fastest. */
const NEARLY_FASTEST = 0.7;

/** When to look again, or Infinity. */
export function nextLookAt(book: Book): number {
  return book.away.size > 0 ? book.doubts.lookAt : Infinity;
}

/** Looks through what is away, when it is time to. */
export function lookForDoubts(book: Book, now: number): void {
  if (now < book.doubts.lookAt) return;
  book.doubts.lookAt = now + HEDGE_CHECK_MS;
  const found: Doubt[] = [];
  let bestRate = 0;
  for (const worker of book.workers.values()) if (worker.connected) bestRate = Math.max(bestRate, book.rate(worker));
  for (const task of book.away) {
    const doubt = doubtOf(book, task, bestRate, now);
    if (doubt !== null) found.push(doubt);
  }
  found.sort((a, b) => b.leftMs - a.leftMs);
  book.doubts.list = found.slice(0, DOUBTS_MAX);
}

/** Doubles as many tasks as slots and budget allow; the one with most time left first. `urgent`: those that may not wait for what waits. */
export function hedge(book: Book, which: 'urgent' | 'any', now: number): void {
  for (const doubt of book.doubts.list) {
    doubt.lacksPlace = false;
    if (which === 'urgent' && !doubt.isUrgent) continue;
    const { task, attempt, kind } = doubt;
    if (attempt.state !== 'live' || task.place.at !== 'away' || book.liveAttempts(task).length !== 1) continue;
    const build = book.build(task.spec.build);
    if (!withinBudget(book, build, kind, task.estimateMs)) continue;
    const other = book.free > 0 ? bestOther(book, task, now) : null;
    doubt.lacksPlace = other === null;
    if (other === null || !pays(book, doubt, other.place, which, now)) continue;
    award(book, other.worker, other.lease, task, kind, now, [other.place]);
  }
}

function doubtOf(book: Book, task: Task, bestRate: number, now: number): Doubt | null {
  const [attempt, second] = book.liveAttempts(task);
  if (attempt === undefined || second !== undefined) return null;
  const build = book.build(task.spec.build);
  const elapsedMs = now - attempt.awardedAt;
  const straggles = elapsedMs > Math.max(STRAGGLER_MIN_MS, STRAGGLER_ESTIMATES * attempt.estimateMs);
  if (!straggles && now < build.lastSubmitAt + TAIL_AFTER_MS) return null;
  const left = leftMs(book, attempt, now);
  const outlasts = now >= build.lastSubmitAt + TAIL_AFTER_MS && left > areaMs(book, now);
  if (!straggles && !outlasts && !book.isTail(build, now)) return null;
  const kind = straggles ? 'straggler' : 'tail';
  if (kind === 'tail' && elsewhereMs(book, attempt, now) / bestRate >= gainOf(attempt, now) * left) return null;
  return { task, attempt, kind, isUrgent: straggles || outlasts, leftMs: left, lacksPlace: false };
}

function pays(
  book: Book,
  { task, attempt, kind }: Doubt,
  place: Candidate,
  which: 'urgent' | 'any',
  now: number,
): boolean {
  if (task.sigma > 0 && place.rate < NEARLY_FASTEST * fastestRate(book, task.scope)) return false;
  // A slot that is idle costs nobody anything, and nobody knows why a straggler takes so long.
  if (kind === 'straggler' && which === 'any') return true;
  const costMs = finishMs({ ...task, estimateMs: elsewhereMs(book, attempt, now) }, place);
  return costMs < gainOf(attempt, now) * leftMs(book, attempt, now);
}

/** What the task takes on another machine, of rate 1: one that was seen before what it took then, the machine is what is slow. */
function elsewhereMs(book: Book, { task, awardedAt, waitsMs, worker }: Attempt, now: number): number {
  if (task.sigma === 0) return task.estimateMs;
  // At the tail an idle slot costs nothing, and a copy helps when the task is as long as most are.
  if (now >= book.build(task.spec.build).lastSubmitAt + TAIL_AFTER_MS) return task.meanMs;
  return expectedWorkMs(task, Math.max(0, now - awardedAt - waitsMs) * book.rate(worker, task.scope));
}

function gainOf({ awardedAt, estimateMs, task }: Attempt, now: number): number {
  if (task.sigma > 0) return HEDGE_GAIN_UNSEEN;
  return now - awardedAt >= 2 * estimateMs ? HEDGE_GAIN_LATE : HEDGE_GAIN;
}

function fastestRate(book: Book, scope: string): number {
  let fastest = 0;
  for (const worker of book.holding) fastest = Math.max(fastest, book.rate(worker, scope));
  return fastest;
}

function withinBudget(book: Book, build: BuildBook, kind: Doubt['kind'], estimateMs: number): boolean {
  const budgetMs = (book.free >= book.away.size ? HEDGE_BUDGET_IDLE : HEDGE_BUDGET) * build.workMs;
  if (kind === 'tail') return build.tailMs + estimateMs <= budgetMs;
  return build.stragglerMs + estimateMs <= budgetMs || !anyDoubled(book, build);
}

function anyDoubled(book: Book, build: BuildBook): boolean {
  for (const task of book.away) {
    if (task.spec.build === build.id && book.liveAttempts(task).length > 1) return true;
  }
  return false;
}

interface Other {
  readonly worker: WorkerBook;
  readonly lease: Lease;
  readonly place: Candidate;
}

function bestOther(book: Book, task: Task, now: number): Other | null {
  const classId = task.spec.class?.id ?? '';
  const used = new Set<string>(task.failedOn);
  for (const attempt of task.attempts) used.add(attempt.worker.id);
  let best: Other | null = null;
  let bestMs = Infinity;
  for (const worker of fastestOpen(book, classId, used, now)) {
    const lease = freeLease(worker, classId);
    if (lease === null) continue;
    const place = candidateOf(book, worker, lease, task);
    const costMs = finishMs(task, place);
    if (costMs >= bestMs) continue;
    best = { worker, lease, place };
    bestMs = costMs;
  }
  return best;
}
