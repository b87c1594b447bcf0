// Why this place: the figures by which a policy compares, for the chosen place and the next best ones.
import { finishMs, probabilityFree } from '../selection/finish.ts';
import type { PolicyName } from '../selection/index.ts';
import { scoreOf } from '../selection/info.ts';
import type { Candidate } from '../selection/types.ts';
import type { Weighed } from '../delegation/types.ts';
import type { NodeId } from '../types.ts';
import type { Choice, WeighedPlace } from './types.ts';

/** Beside the chosen one. */
const OTHERS_KEPT = 3;

/** A choice as kept in memory: names come later. */
export type KeptChoice = Omit<Choice, 'places'> & { readonly places: readonly Omit<WeighedPlace, 'name'>[] };

/** Picks what is worth keeping; one pass over the candidates. */
export function keepChoice(weighed: Weighed, chosen: NodeId | null, policy: PolicyName): KeptChoice {
  const { estimateMs, candidates } = weighed;
  const order = weighed.hedge === 'no' ? policy : 'finish';
  const others: { candidate: Candidate; cost: number }[] = [];
  let taken: Candidate | null = null;
  for (const candidate of candidates) {
    if (candidate.worker === chosen && taken === null) {
      taken = candidate;
      continue;
    }
    const cost = costFor(order, estimateMs, candidate);
    if (others.length === OTHERS_KEPT && cost >= (others[OTHERS_KEPT - 1]?.cost ?? Infinity)) continue;
    others.push({ candidate, cost });
    others.sort((a, b) => a.cost - b.cost);
    if (others.length > OTHERS_KEPT) others.pop();
  }
  const kept = others.map(({ candidate }) => candidate);
  const places = (taken === null ? kept : [taken, ...kept]).map((candidate) => placeOf(estimateMs, candidate));
  return { policy: order, estimateMs, count: candidates.length, places };
}

/** Less is better. */
function costFor(policy: PolicyName, estimateMs: number, candidate: Candidate): number {
  switch (policy) {
    case 'first':
      return candidate.arrival;
    case 'info':
      return -scoreOf(candidate);
    case 'record':
      return -candidate.past;
    case 'finish':
      return finishMs({ estimateMs }, candidate);
  }
}

function placeOf(estimateMs: number, candidate: Candidate): Omit<WeighedPlace, 'name'> {
  const { worker, rate, overheadMs, freeFor, info, load } = candidate;
  const runMs = estimateMs / rate;
  return {
    worker,
    rate,
    overheadMs,
    runMs,
    staysFree: probabilityFree(freeFor, overheadMs + runMs),
    costMs: finishMs({ estimateMs }, candidate),
    load: info === null ? null : load,
    ghz: info === null || info.ghz === 0 ? null : info.ghz,
  };
}
