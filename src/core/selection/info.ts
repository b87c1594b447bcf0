// By what machines say of themselves in their offers, configuration and load, and not by what they did: the processor's
// speed, how much of it is left, whether memory is short. For farms whose machines differ and of which nothing is known yet.
import type { Candidate, Policy } from './types.ts';

/** A processor that does not tell its clock. */
const GHZ_UNKNOWN = 2;
/** Memory that a task wants; with less than that the machine would swap, or refuse. */
const TASK_BYTES = 512 * 1024 ** 2;

export const info: Policy = {
  name: 'info',
  choose(_task, candidates) {
    let best: Candidate | null = null;
    let bestScore = -Infinity;
    for (const candidate of candidates) {
      const score = scoreOf(candidate);
      if (score > bestScore || (score === bestScore && best !== null && candidate.arrival < best.arrival)) {
        best = candidate;
        bestScore = score;
      }
    }
    return best;
  },
};

/**
 * The clock that a task may expect there, in GHz: shared with what else runs, less the share of time in which something
 * waited, less again when memory is short. Nothing is known: an idle machine of no known clock.
 */
export function scoreOf({ info: told, load }: Pick<Candidate, 'info' | 'load'>): number {
  if (told === null) return GHZ_UNKNOWN;
  const ghz = told.ghz > 0 ? told.ghz : GHZ_UNKNOWN;
  // Above half a process per core the owner's work and ours begin to share cores and caches.
  const shared = load <= 0.5 ? 1 : 0.5 / load;
  const waited = 1 - Math.min(100, told.pressure) / 100;
  const memory = told.memTotalBytes > 0 ? Math.min(1, told.memFreeBytes / TASK_BYTES) : 1;
  return ghz * shared * waited * memory;
}
