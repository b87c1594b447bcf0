// The invariants of protocol.md under everything that can go wrong, for hundreds of seeds. A seed that fails is
// printed and replays exactly: `SEED=123 npx vitest run src/core/simulation.test.ts`.
import { describe, expect, test } from 'vitest';
import { createPrng } from '../base/prng.ts';
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
