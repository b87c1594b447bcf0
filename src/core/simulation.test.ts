// The invariants of protocol.md under everything that can go wrong, for hundreds of seeds. A seed that fails is
// printed and replays exactly: `SEED=123 npx vitest run src/core/simulation.test.ts`.
import { describe, expect, test } from 'vitest';
import { createPrng } from '../base/prng.ts';
import { runCalmFarm } from './testing/calm.ts';
import type { Tally } from './testing/checker.ts';
import { World } from './testing/world.ts';
import type { Mutation, Plan } from './testing/world.ts';

const SEEDS = 400;

/** The seed decides the size of the world and the weather, too. */
function planOf(seed: number, mutation: Mutation = 'none'): Plan {
  const prng = createPrng(seed ^ 0x5eed);
  return {
    delegators: 1 + Math.floor(prng() * 3),
    workers: 1 + Math.floor(prng() * 5),
    tasksEach: 20 + Math.floor(prng() * 100),
    stormMs: 40_000,
    faultEveryMs: [Infinity, 20_000, 8000, 3000][Math.floor(prng() * 4)] ?? 8000,
    announcementLoss: prng() < 0.3 ? 0.4 : 0.05,
    workersVanish: prng() < 0.1,
    mutation,
  };
}

function runSeed(seed: number, mutation: Mutation = 'none'): Tally {
  const plan = planOf(seed, mutation);
  const world = new World(seed, plan);
  try {
    world.run();
  } catch (error) {
    const story = `seed ${seed} at ${Math.round(world.clock.now)} ms of ${JSON.stringify(plan)}`;
    throw new Error(`${story}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  return world.checker.tally;
}

test(`invariants 1 to 6 hold through ${SEEDS} storms`, { timeout: 60_000 }, () => {
  const only = process.env['SEED'];
  const seeds = only === undefined ? Array.from({ length: SEEDS }, (_, i) => i + 1) : [Number(only)];
  const sum: Record<string, number> = {};
  for (const seed of seeds) {
    for (const [what, count] of Object.entries(runSeed(seed))) sum[what] = (sum[what] ?? 0) + Number(count);
  }
  console.log(`simulation, ${seeds.length} seeds: ${JSON.stringify(sum)}`);
  if (only !== undefined) return;
  // A storm in which these do not happen proves nothing.
  for (const what of [
    'delivered',
    'local',
    'cancelled',
    'discarded',
    'hedges',
    'failures',
    'excluded',
    'refusedAwards',
  ]) {
    expect(sum[what], what).toBeGreaterThan(20);
  }
});

test('a seed replays exactly', () => {
  expect(runSeed(7)).toEqual(runSeed(7));
});

describe('a calm farm is used well', () => {
  /** Exponential durations, as compilers have them, the mean given. */
  function durations(count: number, meanMs: number): number[] {
    const prng = createPrng(count);
    return Array.from({ length: count }, () => Math.round(100 - Math.log(1 - prng()) * meanMs));
  }
  const equal = [1, 1, 1].map((speed) => ({ slots: 4, speed }));
  const unequal = [1, 2, 4, 1].map((speed) => ({ slots: 4, speed }));
  const many = Array.from({ length: 60 }, (_, i) => ({ slots: 4, speed: 1 + (i % 4) }));
  const base = { predicted: true, ownSlots: 0, policy: 'finish' as const, latencyMs: 1 };

  test.each([
    ['equal machines', { ...base, jobs: 24, durationsMs: durations(240, 1000), workers: equal }, 1.15],
    [
      'equal, unknown durations',
      { ...base, predicted: false, jobs: 24, durationsMs: durations(240, 1000), workers: equal },
      1.25,
    ],
    ['with own slots', { ...base, ownSlots: 2, jobs: 24, durationsMs: durations(240, 1000), workers: equal }, 1.15],
    [
      'first come',
      { ...base, policy: 'first' as const, jobs: 24, durationsMs: durations(240, 1000), workers: equal },
      1.15,
    ],
    ['speeds 1 to 4', { ...base, jobs: 40, durationsMs: durations(300, 1500), workers: unequal }, 1.25],
    ['240 slots', { ...base, jobs: 400, durationsMs: durations(3000, 2000), workers: many }, 1.4],
    ['a short build', { ...base, jobs: 16, durationsMs: durations(16, 1000), workers: equal }, 1.6],
    ['far away', { ...base, latencyMs: 20, jobs: 24, durationsMs: durations(240, 1000), workers: equal }, 1.25],
  ])('%s', (_name, plan, limit) => {
    const outcome = runCalmFarm(plan);
    expect(outcome.makespanMs / outcome.boundMs).toBeLessThan(limit);
    // Award and result, and little else; workers that are only told of the demand count, too.
    expect(outcome.messages / plan.durationsMs.length).toBeLessThan(5);
    expect(outcome.hedges / plan.durationsMs.length).toBeLessThan(0.1);
  });

  test('a fast machine gets more', () => {
    const outcome = runCalmFarm({ ...base, jobs: 8, durationsMs: durations(200, 1000), workers: unequal });
    expect(outcome.done[2]).toBeGreaterThan(100);
  });
});

describe('the checker sees a bug', () => {
  const expected: Record<Exclude<Mutation, 'none'>, RegExp> = {
    'cancel-unheard': /invariant [13]/,
    'loser-delivered': /invariant [13]/,
    'local-end-unheard': /invariant [13]/,
    'run-local-twice': /invariant 1/,
    'one-slot-too-many': /invariant 2/,
    'memory-forgotten': /invariant 2/,
    'lease-for-ever': /invariant 2/,
  };
  test.each(Object.entries(expected))('%s', (mutation, message) => {
    const errors: string[] = [];
    for (let seed = 1; seed <= 40 && errors.length === 0; seed++) {
      try {
        runSeed(seed, mutation as Mutation);
      } catch (error) {
        errors.push(error instanceof Error ? error.message : String(error));
      }
    }
    expect(errors[0] ?? 'no seed of 40 shows it').toMatch(message);
  });
});
