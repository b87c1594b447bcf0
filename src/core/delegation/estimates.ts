// What a task is expected to take: from its own past, else from what its kind did. Tasks never seen are told anew while results
// of their kind come in: what make starts in its first moments must not keep for the whole build what was guessed then.
import type { PastRecord } from '../record/record.ts';
import type { Book } from './book.ts';
import { P99_OVER_P80 } from './limits.ts';
import { P80_SIGMAS } from './expected.ts';
import { kindOf } from './parts.ts';
import type { Attempt, BuildBook, Task } from './parts.ts';
import type { TaskSpec } from './types.ts';

/** After so many results of a kind in this process its tasks are estimated anew, then after twice as many, and so on. */
const FIRST_AFTER = 8;
/** Quantiles so far apart are of two sorts of tasks and not of one distribution. */
const SIGMA_MAX = 1.5;

/** With more of its tasks never seen a build is a new one. */
const UNSEEN_SHARE = 0.5;

export type Estimate = Pick<Task, 'estimateMs' | 'orderMs' | 'meanMs' | 'sigma' | 'isKnown'>;

/** Of tasks never seen few are long, but one of those that begins last costs the build most: they go early. */
export function estimateOf(record: PastRecord, spec: TaskSpec): Estimate {
  if (spec.class === null) return { estimateMs: 1, orderMs: 1, meanMs: 1, sigma: 0, isKnown: true };
  const kind = kindOf(spec);
  const past = record.predict(spec.label, kind, spec);
  const own = spec.p80Ms ?? (past.known ? past.p80Ms : null);
  if (own !== null) {
    const ms = Math.max(1, own);
    return { estimateMs: ms, orderMs: ms, meanMs: ms, sigma: 0, isKnown: true };
  }
  const { p50Ms, p80Ms } = record.knowsClass(kind, spec.project) ? past : spec.class;
  const spread = Math.max(1, p80Ms / Math.max(1, p50Ms));
  const sigma = Math.min(SIGMA_MAX, Math.log(spread) / P80_SIGMAS);
  return {
    estimateMs: Math.max(1, p80Ms),
    orderMs: Math.max(1, p50Ms * spread ** P99_OVER_P80),
    meanMs: Math.max(1, p50Ms * Math.exp(sigma ** 2 / 2)),
    sigma,
    isKnown: false,
  };
}

/** Whether most of what it had so far was never seen. */
export function isNewBuild({ submitted, unseen }: BuildBook): boolean {
  return unseen > UNSEEN_SHARE * submitted;
}

/**
 * A result of the task's kind was taken in: now and then all that waits or runs of its kind in new builds is estimated anew. Where
 * most is known the longest go first, and their results say nothing of the others.
 */
export function learntFrom(book: Book, { scope }: Task): void {
  const count = (book.resultsOf.get(scope) ?? 0) + 1;
  book.resultsOf.set(scope, count);
  const times = Math.log2(count / FIRST_AFTER);
  if (times < 0 || !Number.isInteger(times)) return;
  const revise = (task: Task): boolean => {
    if (task.isKnown || task.scope !== scope || !isNewBuild(book.build(task.spec.build))) return false;
    Object.assign(task, estimateOf(book.record, task.spec));
    return true;
  };
  book.waiting.revise(revise);
  for (const task of book.away) {
    if (!revise(task)) continue;
    for (const attempt of task.attempts) if (attempt.state === 'live') expect(book, attempt);
  }
}

/** What the attempt takes where it is, by what is known now; `waitsMs`: before it begins there. */
export function expect(book: Book, attempt: Attempt): void {
  const { worker, task } = attempt;
  attempt.estimateMs = task.estimateMs / book.rate(worker, task.scope) + attempt.waitsMs;
  attempt.usualMs = task.orderMs / book.usualRate(worker, task.scope) + book.overheadMs(worker, task.spec.bytes);
}
