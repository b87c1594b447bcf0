// Past performance only: the machine that was fastest so far in this project and with this kind of task, as the record's
// moving average says. A machine never seen counts as one like this; among equals the one that came first.
import type { Candidate, Policy } from './types.ts';

export const record: Policy = {
  name: 'record',
  choose(_task, candidates) {
    let best: Candidate | null = null;
    for (const candidate of candidates) {
      if (best !== null && candidate.past < best.past) continue;
      if (best === null || candidate.past > best.past || candidate.arrival < best.arrival) best = candidate;
    }
    return best;
  },
};
