// A thread of range.ts: runs the storms that it is sent, and tells what came of them.
import { parentPort, workerData } from 'node:worker_threads';
import { emptyTally } from './checker.ts';
import type { Mutation } from './mutations.ts';
import type { RangeReport, SeedRange } from './range.ts';
import { runStorm } from './run-seed.ts';

const { mutation } = workerData as { mutation: Mutation };

parentPort?.on('message', ({ from, to }: SeedRange) => {
  const tally = emptyTally();
  const failures: { seed: number; story: string }[] = [];
  let steps = 0;
  for (let seed = from; seed <= to; seed++) {
    try {
      const ran = runStorm(seed, mutation);
      steps += ran.steps;
      for (const what of Object.keys(tally) as (keyof typeof tally)[]) tally[what] += ran.tally[what];
    } catch (error) {
      failures.push({ seed, story: error instanceof Error ? error.message : String(error) });
    }
  }
  parentPort?.postMessage({ from, to, steps, tally, failures } satisfies RangeReport);
});
