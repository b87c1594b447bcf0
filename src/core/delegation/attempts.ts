// The life of an attempt: award, signs of life, result or failure, cancellation; and with it the end of its task.
// A task ends in exactly one place, `end`; an attempt leaves the books in exactly one place, `book.dropAttempt`.
import { assert } from '../../base/assert.ts';
import type { Candidate } from '../selection/types.ts';
import type { Exit, FailureCode, LocalReason } from '../types.ts';
import type { Book } from './book.ts';
import { learntFrom } from './estimates.ts';
import { strike } from './exclusion.ts';
import {
  CANCELLED_FORGOTTEN_MS,
  DEADLINE_ESTIMATES,
  DEADLINE_MIN_MS,
  EVICTIONS_MAX,
  FAILURES_MAX,
  REFUSALS_PER_FAILURE,
  RETRY_SAME_AFTER_MS,
  SLOW_NEW,
  UNCONFIRMED_AFTER_MS,
  UNNAMED_AFTER_MS,
} from './limits.ts';
import { kindOf } from './parts.ts';
import type { Attempt, Lease, Task, WorkerBook } from './parts.ts';

/** Gives `task` to a free slot of `lease`. */
export function award(
  book: Book,
  worker: WorkerBook,
  lease: Lease,
  task: Task,
  hedge: Attempt['hedge'],
  now: number,
  candidates: readonly Candidate[],
): void {
  assert(lease.used < lease.slots + lease.ahead, `lease ${lease.id} has no free slot`);
  task.attemptsMade += 1;
  const ahead = lease.used >= lease.slots;
  const waitsMs = ahead ? untilOneEnds(worker, now) : 0;
  const estimateMs = task.estimateMs / book.rate(worker, task.scope) + waitsMs;
  const attempt: Attempt = {
    id: `${task.spec.id}#${task.attemptsMade}${book.salt}`,
    task,
    worker,
    leaseId: lease.id,
    awardedAt: now,
    estimateMs,
    waitsMs,
    deadlineAt: now + Math.max(DEADLINE_MIN_MS, DEADLINE_ESTIMATES * estimateMs),
    usualMs: task.orderMs / book.usualRate(worker, task.scope) + book.overheadMs(worker, task.spec.bytes),
    hedge,
    ahead,
    state: 'live',
    cancelledAt: Infinity,
    seenAt: now,
    confirmed: false,
    unnamed: 0,
  };
  lease.used += 1;
  book.recount(worker);
  book.attempts.set(attempt.id, attempt);
  worker.attempts.set(attempt.id, attempt);
  task.attempts.add(attempt);
  if (task.place.at !== 'away') book.place(task, { at: 'away' });
  const build = book.build(task.spec.build);
  if (hedge === 'tail') build.tailMs += task.estimateMs;
  else if (hedge === 'straggler') build.stragglerMs += task.estimateMs;
  else build.workMs += task.estimateMs;
  book.wakeBy(silentAt(attempt));
  book.emit({ type: 'award', worker: worker.id, leaseId: lease.id, task: task.spec.id, attempt: attempt.id });
  const weighed = { estimateMs: task.estimateMs, candidates, hedge };
  const note = { task: task.spec.id, attempt: attempt.id, worker: worker.id, hedge: hedge !== 'no', weighed };
  book.note({ kind: 'awarded', ...note });
}

/** When a slot of this worker is expected to be free. */
export function untilOneEnds(worker: WorkerBook, now: number): number {
  let soonest = Infinity;
  for (const attempt of worker.attempts.values()) {
    if (attempt.state === 'live') soonest = Math.min(soonest, attempt.awardedAt + attempt.estimateMs - now);
  }
  return soonest === Infinity ? 0 : Math.max(0, soonest);
}

/** When an attempt of which nothing more is heard counts as lost. */
export function silentAt(attempt: Attempt): number {
  return attempt.seenAt + (attempt.confirmed ? UNNAMED_AFTER_MS : UNCONFIRMED_AFTER_MS);
}

/** Tells the launcher to run the real compiler. There is no way back: the copies that still run elsewhere are ended. */
export function runHere(
  book: Book,
  task: Task,
  reason: LocalReason,
  detail: string,
  holdsSlot: boolean,
  now: number,
  candidates: readonly Candidate[] = [],
): void {
  book.place(task, { at: 'here', reason, since: now, holdsSlot });
  for (const attempt of task.attempts) cancelAttempt(book, attempt, 'the task runs on its own machine now', now);
  book.emit({ type: 'run-local', task: task.spec.id, reason, detail });
  const weighed = candidates.length === 0 ? null : { estimateMs: task.estimateMs, candidates, hedge: 'no' as const };
  book.note({ kind: 'local', task: task.spec.id, reason, detail, weighed });
}

export function started(book: Book, attempt: Attempt, now: number): void {
  attempt.confirmed = true;
  attempt.unnamed = 0;
  attempt.seenAt = now;
  if (attempt.state === 'live') book.wakeBy(silentAt(attempt));
}

export interface Outcome {
  readonly exit: Exit;
  readonly ranMs: number;
  readonly memBytes?: number;
}

/** The first result of a task that has not ended is its result; the others are told to stop at once. */
export function result(book: Book, attempt: Attempt, outcome: Outcome, now: number): void {
  const { task, worker } = attempt;
  book.dropAttempt(attempt);
  if (attempt.state === 'cancelled') {
    book.emit({ type: 'discard', attempt: attempt.id, worker: worker.id });
    return;
  }
  // What was never seen may well take ten times what its kind does: that says nothing of the machine.
  if (task.isKnown && !attempt.ahead) {
    const times = (now - attempt.awardedAt) / attempt.usualMs;
    worker.slow += SLOW_NEW * (times - worker.slow);
  }
  worker.strikes = 0;
  worker.done += 1;
  const ordinary = outcome.exit.how === 'exit' && outcome.exit.code === 0 && attempt.state === 'live';
  if (ordinary && task.spec.class !== null) {
    book.record.observe({
      label: task.spec.label,
      classKey: kindOf(task.spec),
      project: task.spec.project,
      bytes: task.spec.bytes,
      memBytes: outcome.memBytes,
      worker: worker.id,
      ranMs: outcome.ranMs,
      overheadMs: attempt.ahead
        ? book.overheadMs(worker, task.spec.bytes)
        : Math.max(0, now - attempt.awardedAt - outcome.ranMs),
    });
    learntFrom(book, task);
  }
  book.emit({ type: 'deliver', task: task.spec.id, attempt: attempt.id, worker: worker.id });
  end(book, task, 'remote', worker.id, 'another copy was done first', now);
}

/** The worker says why there is no result; an attempt that was cancelled only gives its slot back. */
export function failed(book: Book, attempt: Attempt, code: FailureCode, message: string, now: number): void {
  const state = attempt.state;
  if (code === 'lease-expired') shrinkToUsed(book, attempt);
  book.dropAttempt(attempt);
  if (state !== 'live') return;
  giveUp(book, attempt, code, message, now);
  strike(book, attempt.worker, code, now);
}

/** The session that carried the attempt is gone: no result can come any more. */
export function lost(book: Book, attempt: Attempt, message: string, now: number): void {
  const state = attempt.state;
  book.dropAttempt(attempt);
  if (state === 'live') giveUp(book, attempt, 'worker-lost', message, now);
}

/** No sign of life: the task goes elsewhere, but a late result still counts while the task has not ended. */
export function silence(book: Book, attempt: Attempt, message: string, now: number): void {
  assert(attempt.state === 'live', 'only a live attempt can fall silent');
  book.releaseSlot(attempt);
  attempt.state = 'silent';
  giveUp(book, attempt, 'silent', message, now);
}

export function pastDeadline(book: Book, attempt: Attempt, now: number): void {
  const ranMs = now - attempt.awardedAt;
  cancelAttempt(book, attempt, 'past its deadline', now);
  giveUp(book, attempt, 'deadline', `no result after ${Math.round(ranMs / 1000)} s`, now);
  strike(book, attempt.worker, 'deadline', now);
}

/** Stops an attempt. It keeps its slot in our books until the worker lets go of it. */
export function cancelAttempt(book: Book, attempt: Attempt, why: string, now: number): void {
  if (attempt.state === 'cancelled') return;
  const held = attempt.state === 'live';
  attempt.task.attempts.delete(attempt);
  book.emit({ type: 'cancel-attempt', worker: attempt.worker.id, attempt: attempt.id, why });
  if (!held) {
    book.dropAttempt(attempt);
    return;
  }
  attempt.state = 'cancelled';
  attempt.cancelledAt = now;
  book.wakeBy(now + CANCELLED_FORGOTTEN_MS);
}

/** The one end of a task. Whatever still runs of it is cancelled; its books are closed. */
export function end(
  book: Book,
  task: Task,
  how: 'remote' | 'local' | 'cancelled',
  worker: string | null,
  why: string,
  now: number,
): void {
  for (const attempt of task.attempts) cancelAttempt(book, attempt, why, now);
  book.place(task, { at: 'ended' });
  const { id, build } = task.spec;
  book.note({ kind: 'ended', task: id, build, how, worker, tookMs: now - task.submittedAt });
}

/** Counts a failure against the task, and sends the task on when no other copy is alive. */
function giveUp(book: Book, attempt: Attempt, code: FailureCode, message: string, now: number): void {
  const { task, worker } = attempt;
  book.note({ kind: 'attempt-failed', task: task.spec.id, attempt: attempt.id, worker: worker.id, code, message });
  if (code === 'lease-expired') {
    task.refusals += 1;
    if (task.refusals % REFUSALS_PER_FAILURE === 0) task.failures += 1;
  } else if (code === 'owner-returned' || code === 'stopping') {
    task.evictions += 1;
    task.failedOn.add(worker.id);
  } else {
    task.failures += 1;
    task.failedOn.add(worker.id);
  }
  task.retrySameAt = now + RETRY_SAME_AFTER_MS;
  task.lastFailure = message === '' ? code : `${code}: ${message}`;
  if (book.liveAttempts(task).length === 0) sendOn(book, task);
}

function sendOn(book: Book, task: Task): void {
  assert(task.place.at === 'away', 'only a task that was away can come back');
  const tired = task.failures >= FAILURES_MAX || task.evictions >= EVICTIONS_MAX;
  if (tired) {
    book.place(task, { at: 'queued-here', reason: 'failed', detail: task.lastFailure });
  } else {
    book.place(task, { at: 'waiting' });
    book.build(task.spec.build).announceSoon = true;
  }
}

/** A refused award says that the worker's count of the lease is lower than ours; its next offer says by how much. */
function shrinkToUsed(book: Book, attempt: Attempt): void {
  const { worker } = attempt;
  const lease = worker.leases.get(attempt.leaseId);
  if (lease === undefined) return;
  const used = lease.used - (attempt.state === 'silent' ? 0 : 1);
  lease.slots = Math.min(lease.slots, used);
  lease.keep = Math.min(lease.keep, lease.slots);
  if (lease.slots <= 0) worker.leases.delete(lease.id);
  book.recount(worker);
}
