// What a machine of a scenario does to a command that starts at some moment: when it ends and how. One place for the bound, the
// baselines and the tests, so that all of them speak of the same world.
import { doneAt, isWithin } from './pace.ts';
import type { MachinePlan, Span } from './types.ts';

/** So long a command may go on after the owner has come back (availability.md's grace). */
export const GRACE_MS = 10_000;

export interface Course {
  /** Infinity with `how` `never`: the machine froze for good. */
  readonly atMs: number;
  readonly how: 'done' | 'crashed' | 'evicted' | 'never';
}

/** The span that holds at a moment. Spans are half open: the machine is back at `untilMs`. */
export function spanAt<S extends Span>(spans: readonly S[], ms: number): S | null {
  for (const span of spans) if (span.fromMs <= ms && ms < span.untilMs) return span;
  return null;
}

/** Whether a command may start: there is no owner, and the machine is up and not stopped. */
export function isFree(machine: MachinePlan, ms: number): boolean {
  return !isWithin(machine.crashes, ms) && !isWithin(machine.freezes, ms) && !isWithin(machine.ownerThere, ms);
}

/** When the owner who comes back at or after `ms` ends what runs then; Infinity: nobody does. */
function evictionAfter(machine: MachinePlan, ms: number): number {
  let at = Infinity;
  for (const span of machine.ownerThere) {
    if (span.fromMs < ms || span.untilMs <= span.fromMs + GRACE_MS) continue;
    at = Math.min(at, span.fromMs + GRACE_MS);
  }
  return at;
}

/** The end of a command of `workMs` that starts on a machine that is free at `startMs`. */
export function courseOf(machine: MachinePlan, startMs: number, workMs: number): Course {
  let crashAt = Infinity;
  for (const { fromMs } of machine.crashes) if (fromMs > startMs) crashAt = Math.min(crashAt, fromMs);
  const evictAt = evictionAfter(machine, startMs);
  const endMs = doneAt(machine, startMs + machine.diskMs, workMs) + machine.diskMs;
  if (endMs <= Math.min(crashAt, evictAt) && endMs !== Infinity) return { atMs: endMs, how: 'done' };
  if (crashAt <= evictAt && crashAt !== Infinity) return { atMs: crashAt, how: 'crashed' };
  if (evictAt !== Infinity) return stopped(machine, evictAt);
  return { atMs: Infinity, how: 'never' };
}

/** A frozen machine ends nothing before it thaws. */
function stopped(machine: MachinePlan, evictAt: number): Course {
  const freeze = spanAt(machine.freezes, evictAt);
  const atMs = freeze === null ? evictAt : freeze.untilMs;
  return { atMs, how: atMs === Infinity ? 'never' : 'evicted' };
}
