// How far a command gets on a machine that turns gray or freezes meanwhile.
import type { MachinePlan, Span } from './types.ts';

export function isWithin(spans: readonly Span[], at: number): boolean {
  return spans.some((span) => at >= span.fromMs && at < span.untilMs);
}

/** When work of `workMs` (on the reference machine) that starts at `fromMs` is done; Infinity: never. */
export function doneAt(plan: MachinePlan, fromMs: number, workMs: number): number {
  if (plan.gray.length === 0 && plan.freezes.length === 0) return fromMs + workMs / plan.speed;
  let at = fromMs;
  let left = workMs;
  for (;;) {
    const rate = paceAt(plan, at);
    const until = nextChange(plan, at);
    if (rate * (until - at) >= left) return at + left / rate;
    if (until === Infinity) return Infinity;
    left -= rate * (until - at);
    at = until;
  }
}

function paceAt(plan: MachinePlan, at: number): number {
  if (isWithin(plan.freezes, at)) return 0;
  let slowdown = 1;
  for (const span of plan.gray) if (at >= span.fromMs && at < span.untilMs) slowdown *= span.slowdown;
  return plan.speed / slowdown;
}

function nextChange(plan: MachinePlan, after: number): number {
  let next = Infinity;
  for (const { fromMs, untilMs } of [...plan.gray, ...plan.freezes]) {
    if (fromMs > after) next = Math.min(next, fromMs);
    if (untilMs > after) next = Math.min(next, untilMs);
  }
  return next;
}
