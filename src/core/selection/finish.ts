// The default policy: the place where the task is expected to be done first, weighed by the probability that the
// machine stays free so long. Near the end of a build a slow slot stays idle when a fast one is free soon enough.
import type { Candidate, Policy, Tail, TaskNeed } from './types.ts';

/** The minutes that `WorkerInfo.freeFor` speaks of. */
const FREE_FOR_MINUTES = [1, 5, 15, 30, 60, 120, 240, 480] as const;
const MINUTE_MS = 60_000;
/** A machine that will surely be taken back still gets a finite cost. */
const FREE_MIN = 0.02;
/** Only a clearly faster slot is worth waiting for. */
const CLEARLY_FASTER = 1.3;

export const finish: Policy = {
  name: 'finish',
  choose(task, candidates, tail) {
    let best: Candidate | null = null;
    let bestMs = Infinity;
    for (const candidate of candidates) {
      const costMs = finishMs(task, candidate);
      if (costMs < bestMs || (costMs === bestMs && best !== null && candidate.arrival < best.arrival)) {
        best = candidate;
        bestMs = costMs;
      }
    }
    if (best === null || tail === null || !outlastsTheBuild(task, best, bestMs, tail)) return best;
    return null;
  },
};

/** Expected time from award to result, over the probability that the machine stays free for it. */
export function finishMs(task: TaskNeed, candidate: Candidate): number {
  const busyMs = candidate.overheadMs + task.estimateMs / candidate.rate;
  return busyMs / Math.max(FREE_MIN, probabilityFree(candidate.freeFor, busyMs));
}

/** S(d) between the given points by straight lines, 1 at d = 0, constant after the last point. */
export function probabilityFree(freeFor: readonly number[], durationMs: number): number {
  const minutes = durationMs / MINUTE_MS;
  let beforeMinutes = 0;
  let before = 1;
  for (const [i, p] of freeFor.entries()) {
    const at = FREE_FOR_MINUTES[i];
    if (at === undefined) break;
    if (minutes <= at) return before + ((p - before) * (minutes - beforeMinutes)) / (at - beforeMinutes);
    beforeMinutes = at;
    before = p;
  }
  return before;
}

/** Whether the task would end later here than all the rest of the build, this task included, without this slot. */
function outlastsTheBuild(task: TaskNeed, candidate: Candidate, costMs: number, tail: Tail): boolean {
  if (costMs <= tail.runningMs) return false;
  for (const slot of tail.busy) {
    if (slot.rate < candidate.rate * CLEARLY_FASTER) continue;
    if (tail.queueMs + slot.remainingMs + task.estimateMs / slot.rate < costMs) return true;
  }
  return false;
}
