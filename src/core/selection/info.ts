// By what machines say of themselves in their offers, configuration and load, and not by what they did: how fast a core is, how
// much of it is left, whether memory is short, how far away it is. For farms of which nothing is known yet.
import type { Candidate, Policy } from './types.ts';

/** A processor that does not tell its clock. */
const GHZ_UNKNOWN = 2;
/** Memory that a task wants; with less than that the machine would swap, or refuse. */
const TASK_BYTES = 512 * 1024 ** 2;

export const info: Policy = {
  name: 'info',
  choose(task, candidates) {
    // Scores compare with scores, and clocks with clocks.
    const byBench = candidates.every(({ info: told }) => told !== null && told.bench > 0);
    let best: Candidate | null = null;
    let bestMs = Infinity;
    let fastest = 0;
    for (const candidate of candidates) fastest = Math.max(fastest, scoreOf(candidate, byBench));
    for (const candidate of candidates) {
      const ms = candidate.linkMs + (task.estimateMs * fastest) / Math.max(1e-9, scoreOf(candidate, byBench));
      if (ms < bestMs || (ms === bestMs && best !== null && candidate.arrival < best.arrival)) {
        best = candidate;
        bestMs = ms;
      }
    }
    return best;
  },
};

/**
 * What a task may expect of a core there, in GHz or in the unit of the measured scores: shared with what else runs, less the share
 * of time in which something waited, less again when memory is short. Nothing is told: an idle machine of no known clock.
 */
export function scoreOf({ info: told, load }: Pick<Candidate, 'info' | 'load'>, byBench = false): number {
  if (told === null) return GHZ_UNKNOWN;
  const speed = byBench ? told.bench : told.ghz > 0 ? told.ghz : GHZ_UNKNOWN;
  // Above half a process per core the owner's work and ours begin to share cores and caches.
  const shared = load <= 0.5 ? 1 : 0.5 / load;
  const waited = 1 - Math.min(100, told.pressure) / 100;
  const memory = told.memTotalBytes > 0 ? Math.min(1, told.memFreeBytes / TASK_BYTES) : 1;
  return speed * shared * waited * memory;
}
