// Which entries go when the store is too large: in one walk the oldest are found that together are large enough, without
// keeping the names of all the others in memory.
import { Heap } from '../../base/heap.ts';
import type { Census, Found } from './census.ts';
import { drop, lookAt } from './disk.ts';

/** Of names held at once; a store of very small entries takes several walks. */
const maxCandidates = 100_000;
const maxRounds = 8;

/**
 * When the store is above `maxBytes`, by exact figures, removes the entries used longest ago until it is at `toBytes`; how many.
 * Entries that were used, replaced or removed by others in the meantime are left to the next round.
 */
export function evict(census: Census, maxBytes: number, toBytes: number): number {
  let removed = 0;
  for (let round = 0; round < maxRounds; round++) {
    const oldest = findOldest(census, census.bytes - toBytes);
    const before = census.bytes;
    if (round === 0 && before <= maxBytes) return 0;
    for (const found of oldest) {
      if (census.bytes <= toBytes) break;
      const now = lookAt(found.path);
      if (now !== null && now.mtimeMs !== found.usedMs && found.usedMs !== 0) continue;
      if (!drop(found.path)) continue;
      census.add(found.path, { bytes: -found.bytes, count: -1 });
      if (now !== null) removed += 1;
    }
    if (census.bytes <= toBytes || census.bytes === before) break;
  }
  return removed;
}

/** Of the oldest entries as many as make up `needBytes`, the oldest first. Counts the whole store anew. */
function findOldest(census: Census, needBytes: number): readonly Found[] {
  // The youngest of those chosen is on top: it is the first to be unchosen.
  const chosen = new Heap<Found>((a, b) => a.usedMs > b.usedMs);
  let chosenBytes = 0;
  census.walk((found) => {
    chosen.push(found);
    chosenBytes += found.bytes;
    for (let top = chosen.peek(); top !== undefined; top = chosen.peek()) {
      if (chosenBytes - top.bytes < needBytes && chosen.size <= maxCandidates) break;
      chosen.pop();
      chosenBytes -= top.bytes;
    }
  });
  return chosen.values().toSorted((a, b) => a.usedMs - b.usedMs);
}
