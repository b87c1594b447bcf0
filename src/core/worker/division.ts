// How a worker's slots are divided among the delegators that want them: one at a time, each to whoever has least of
// this round, ties to the least served. So nobody gets all while another waits, and nothing wanted stays unused.
import type { NodeId } from '../types.ts';

export interface Claim {
  readonly delegator: NodeId;
  /** Slots that it could use, those that it has included. */
  readonly wanted: number;
  /** Slot time it has had lately; only compared. */
  readonly served: number;
}

/** The fair number of slots of each claimant; the sum is at most `capacity`. */
export function divide(capacity: number, claims: readonly Claim[]): Map<NodeId, number> {
  const shares = new Map<NodeId, number>();
  const open = [...claims].sort((a, b) => a.served - b.served || (a.delegator < b.delegator ? -1 : 1));
  for (const claim of open) shares.set(claim.delegator, 0);
  let left = Math.max(0, Math.floor(capacity));
  while (left > 0) {
    let given = 0;
    for (const claim of open) {
      const share = shares.get(claim.delegator) ?? 0;
      if (left === 0 || share >= claim.wanted) continue;
      shares.set(claim.delegator, share + 1);
      left -= 1;
      given += 1;
    }
    if (given === 0) break;
  }
  return shares;
}
