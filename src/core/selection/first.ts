// The simplest policy: places in the order in which they came; this machine's own slots were there first.
import type { Candidate, Policy } from './types.ts';

export const first: Policy = {
  name: 'first',
  choose(_task, candidates) {
    let best: Candidate | null = null;
    for (const candidate of candidates) if (best === null || candidate.arrival < best.arrival) best = candidate;
    return best;
  },
};
