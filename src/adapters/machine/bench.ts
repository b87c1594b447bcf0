// How fast one core is, as one number for comparison: a few milliseconds of what compilers do, hashing words into a table
// that fits no first-level cache, and branching on what is found. The best of some runs counts, because others only disturb.
// Kept in a file, because a machine that starts its agent under load would seem slow for as long as the agent lives.
import fs from 'node:fs';
import { join } from 'node:path';

const tableWords = 1 << 18;
const steps = 200_000;
const runs = 6;
/** An office machine of 2020 comes out near 1,000. */
const unitsPerStepMs = 1000 / 80_000;

export interface BenchOptions {
  /** Where the score is kept. */
  readonly dir: string;
  /** Names the processor: another one is measured anew. */
  readonly key: string;
}

/** The score of this machine: measured once in about ten milliseconds, then read. */
export function benchScore({ dir, key }: BenchOptions): number {
  const file = join(dir, 'bench.json');
  const kept = readKept(file, key);
  if (kept !== null) return kept;
  const score = measureBench();
  try {
    fs.writeFileSync(file, `${JSON.stringify({ key, score })}\n`, { mode: 0o600 });
  } catch {
    // A home that cannot be written complains elsewhere; measuring again costs ten milliseconds.
  }
  return score;
}

/** Measures now. At least 1. */
export function measureBench(): number {
  const table = new Int32Array(tableWords);
  let fastestMs = Infinity;
  for (let run = 0; run < runs; run++) {
    const began = performance.now();
    hashInto(table, run + 1);
    fastestMs = Math.min(fastestMs, performance.now() - began);
  }
  return Math.max(1, Math.round((steps / Math.max(0.01, fastestMs)) * unitsPerStepMs));
}

function hashInto(table: Int32Array, seed: number): void {
  let word = seed | 1;
  for (let step = 0; step < steps; step++) {
    word = Math.imul(word ^ (word >>> 15), 0x2c1b3c6d);
    word ^= word << 7;
    const place = word & (tableWords - 1);
    const found = table[place] as number;
    if ((found & 1) === 0) table[place] = found + word;
    else word += found >>> 3;
  }
}

function readKept(file: string, key: string): number | null {
  try {
    const kept: unknown = JSON.parse(fs.readFileSync(file, 'utf8'));
    if (typeof kept !== 'object' || kept === null || !('key' in kept) || !('score' in kept)) return null;
    const { key: of, score } = kept;
    return of === key && typeof score === 'number' && score >= 1 && score <= 1e9 ? Math.round(score) : null;
  } catch {
    return null;
  }
}
