// A second copy of a task on another machine, when nothing waits and a slot is idle: for stragglers, and at the tail
// for what another machine would finish much sooner. Bounded by a share of the build's work, or it wastes a third.
import { finishMs } from '../selection/finish.ts';
import type { Candidate } from '../selection/types.ts';
import { award } from './attempts.ts';
import type { Book } from './book.ts';
import { candidateOf, freeLease } from './leases.ts';
import {
  HEDGE_BUDGET,
  HEDGE_BUDGET_IDLE,
  HEDGE_GAIN,
  HEDGE_GAIN_LATE,
  STRAGGLER_ESTIMATES,
  STRAGGLER_MIN_MS,
} from './limits.ts';
import type { Attempt, BuildBook, Lease, Task, WorkerBook } from './parts.ts';

interface Doubling {
  readonly task: Task;
  readonly kind: 'tail' | 'straggler';
  readonly leftMs: number;
  readonly worker: WorkerBook;
  readonly lease: Lease;
  readonly place: Candidate;
}

/** Whether it is worth looking again after HEDGE_CHECK_MS. */
export function mayHedge(book: Book): boolean {
  return book.away.size > 0 && book.free > 0;
}

/** Doubles as many tasks as slots and budget allow; the one with most time left first. */
export function hedge(book: Book, now: number): void {
  while (mayHedge(book)) {
    let best: Doubling | null = null;
    let mostLeftMs = -Infinity;
    for (const task of book.away) {
      const doubling = consider(book, task, mostLeftMs, now);
      if (doubling === null) continue;
      best = doubling;
      mostLeftMs = doubling.leftMs;
    }
    if (best === null) return;
    award(book, best.worker, best.lease, best.task, best.kind, now, [best.place]);
  }
}

/** Only what has more time left than `moreThanMs` is looked at: looking for another machine is what costs. */
function consider(book: Book, task: Task, moreThanMs: number, now: number): Doubling | null {
  const [attempt, second] = book.liveAttempts(task);
  if (attempt === undefined || second !== undefined) return null;
  const build = book.build(task.spec.build);
  const elapsedMs = now - attempt.awardedAt;
  const leftMs = timeLeft(book, attempt, elapsedMs);
  if (leftMs <= moreThanMs) return null;
  const straggles = elapsedMs > Math.max(STRAGGLER_MIN_MS, STRAGGLER_ESTIMATES * attempt.estimateMs);
  const kind = straggles ? 'straggler' : 'tail';
  if (kind === 'tail' && !book.isTail(build, now)) return null;
  if (!withinBudget(book, build, kind, task.estimateMs)) return null;
  const other = bestOther(book, task);
  if (other === null) return null;
  const gain = elapsedMs >= 2 * attempt.estimateMs ? HEDGE_GAIN_LATE : HEDGE_GAIN;
  if (kind === 'tail' && other.costMs >= gain * leftMs) return null;
  return { task, kind, leftMs, worker: other.worker, lease: other.lease, place: other.place };
}

/** On a machine where others are late all are. Past its estimate an attempt is expected to need half as much again as it has had: durations have heavy tails. */
function timeLeft(book: Book, attempt: Attempt, elapsedMs: number): number {
  const late = book.lateness(attempt.worker);
  const expectedMs = late > 1 ? Math.max(attempt.estimateMs, late * attempt.usualMs) : attempt.estimateMs;
  return Math.max(expectedMs - elapsedMs, elapsedMs > attempt.estimateMs ? elapsedMs / 2 : 0);
}

function withinBudget(book: Book, build: BuildBook, kind: Doubling['kind'], estimateMs: number): boolean {
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
  readonly costMs: number;
}

function bestOther(book: Book, task: Task): Other | null {
  const classId = task.spec.class?.id ?? '';
  const used = new Set<string>(task.failedOn);
  for (const attempt of task.attempts) used.add(attempt.worker.id);
  let best: Other | null = null;
  for (const worker of book.open) {
    if (used.has(worker.id)) continue;
    const lease = freeLease(worker, classId);
    if (lease === null) continue;
    const place = candidateOf(book, worker, lease, task);
    const costMs = finishMs(task, place);
    if (best === null || costMs < best.costMs) best = { worker, lease, place, costMs };
  }
  return best;
}
