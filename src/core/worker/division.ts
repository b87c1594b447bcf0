// How a worker's slots are divided among the delegators that want them: one at a time, each to whoever has least,
// ties to the least served. So nobody gets all while another waits, and nothing wanted stays unused. What runs now is
// nobody's to divide: it counts against its delegator's share.
import type { NodeId } from '../types.ts';

export interface Claim {
  readonly delegator: NodeId;
  /** Slots in which its tasks run now. */
  readonly used: number;
  /** Slots that it could use, the used ones included. */
  readonly wanted: number;
  /** Slot time it has had lately; only compared. */
  readonly served: number;
}

/** The fair number of slots of each claimant, at least what it uses; the sum is at most `capacity`, or what is used. */
export function divide(capacity: number, claims: readonly Claim[]): Map<NodeId, number> {
  const shares = new Map(claims.map((claim) => [claim.delegator, claim.used]));
  const shareOf = (claim: Claim): number => shares.get(claim.delegator) ?? 0;
  let left = Math.floor(capacity) - claims.reduce((sum, claim) => sum + claim.used, 0);
  for (; left > 0; left--) {
    let poorest: Claim | null = null;
    for (const claim of claims) {
      if (shareOf(claim) >= claim.wanted) continue;
      if (poorest === null || isPoorer(claim, poorest, shareOf)) poorest = claim;
    }
    if (poorest === null) break;
    shares.set(poorest.delegator, shareOf(poorest) + 1);
  }
  return shares;
}

function isPoorer(a: Claim, b: Claim, shareOf: (claim: Claim) => number): boolean {
  if (shareOf(a) !== shareOf(b)) return shareOf(a) < shareOf(b);
  if (a.served !== b.served) return a.served < b.served;
  return a.delegator < b.delegator;
}
