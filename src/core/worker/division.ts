// How a worker's slots are divided among the delegators that want them: one at a time, each to whoever has least,
// ties to the least served. So nobody gets all while another waits, and nothing wanted stays unused. Tasks that run
// now are not interrupted for it: who has more than its share gives slots back as its tasks end.
import type { NodeId } from '../types.ts';
import { HOLD_MS } from './limits.ts';

export interface Claim {
  readonly delegator: NodeId;
  /** Slots that it has now. */
  readonly held: number;
  /** Slots that it could use, those it has included. */
  readonly wanted: number;
  /** Slot time it has had lately; only compared. */
  readonly served: number;
}

/** The fair number of slots of each claimant; the sum is at most `capacity`. */
export function divide(capacity: number, claims: readonly Claim[]): Map<NodeId, number> {
  const shares = new Map(claims.map((claim) => [claim.delegator, 0]));
  const shareOf = (claim: Claim): number => shares.get(claim.delegator) ?? 0;
  for (let left = Math.floor(capacity); left > 0; left--) {
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
  const [servedA, servedB] = [weighed(a, shareOf(a)), weighed(b, shareOf(b))];
  if (servedA !== servedB) return servedA < servedB;
  return a.delegator < b.delegator;
}

/** Moving a slot costs three messages and a pause: who holds the odd one keeps it for a while. */
function weighed(claim: Claim, share: number): number {
  return claim.held > share ? claim.served - HOLD_MS : claim.served;
}
