// The benchmark's farm as a virtual one: what a build costs whose durations nobody knows, and the same build once more.
import { expect, test } from 'vitest';
import { areaBoundMs, makePlan } from '../bench/farm/farm-plan.ts';
import { benchFarm, runBenchFarm } from './bench-farm.ts';
import { quantile } from './measure.ts';

const SEEDS = Array.from({ length: 12 }, (_, i) => i + 1);

test('a first build comes near the bound, and one whose durations are known nearer', { timeout: 60_000 }, () => {
  const runs = SEEDS.map((seed) => {
    const boundMs = areaBoundMs(makePlan(seed, { workers: 20, tasks: 500, medianMs: 500 }));
    const { first, again } = runBenchFarm(benchFarm(seed));
    return { first: first.makespanMs / boundMs, again: again.makespanMs / boundMs };
  });
  const median = (which: 'first' | 'again'): number =>
    quantile(
      runs.map((run) => run[which]),
      0.5,
    );
  expect(median('first')).toBeLessThan(1.32);
  expect(median('again')).toBeLessThan(1.13);
});
