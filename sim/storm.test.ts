// The invariants of protocol.md under everything that can go wrong, for a thousand seeds; `npm run sim:long` takes a
// hundred thousand. A seed that fails is printed with the command that replays it and shrinks its world.
import { describe, expect, test } from 'vitest';
import { mutations, type Mutation } from './mutations.ts';
import { explainTrouble, runStorm, type Ran } from './run-seed.ts';
import { stormOf } from './storm.ts';

const SEEDS = 1000;

/** A failing seed shows its small world as well. */
function runAndExplain(seed: number): Ran {
  try {
    return runStorm(seed);
  } catch (error) {
    const lines = explainTrouble(stormOf(seed), 'none', 300)?.lines ?? [];
    throw new Error([(error as Error).message, ...lines].join('\n'), { cause: error });
  }
}

test(`invariants 1 to 6 hold through ${SEEDS} storms`, { timeout: 300_000 }, () => {
  const sum: Record<string, number> = {};
  for (let seed = 1; seed <= SEEDS; seed++) {
    for (const [what, count] of Object.entries(runAndExplain(seed).tally)) sum[what] = (sum[what] ?? 0) + Number(count);
  }
  console.log(`simulation, ${SEEDS} storms: ${JSON.stringify(sum)}`);
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
    expect(sum[what], what).toBeGreaterThan(50);
  }
});

test('a seed replays exactly', () => {
  expect(runStorm(7)).toEqual(runStorm(7));
});

describe('the checker sees a bug', () => {
  const expected: Record<Exclude<Mutation, 'none'>, RegExp> = {
    'cancel-unheard': /invariant [13]/,
    'loser-delivered': /invariant [13]/,
    'local-end-unheard': /invariant [13]/,
    'run-local-twice': /invariant 1/,
    'one-slot-too-many': /invariant 2/,
    'memory-forgotten': /invariant 2/,
    'lease-for-ever': /invariant [24]/,
    'session-end-unheard': /invariant 2/,
    'old-news-obeyed': /invariant 4/,
  };
  test.each(mutations)('%s', (mutation) => {
    let message = 'no seed of 200 shows it';
    for (let seed = 1; seed <= 200 && message.startsWith('no seed'); seed++) {
      try {
        runStorm(seed, mutation);
      } catch (error) {
        message = error instanceof Error ? error.message : String(error);
      }
    }
    expect(message).toMatch(expected[mutation]);
    expect(message).toMatch(new RegExp(`npm run sim -- --scenario storm --seed \\d+ --mutation ${mutation}`));
  });
});

test('the world of a failing seed is made smaller until little but the trouble is left', () => {
  const storm = stormOf(1);
  const small = explainTrouble(storm, 'run-local-twice', 300);
  expect(small?.scenario.builds).toHaveLength(1);
  expect(small?.scenario.builds[0]?.tasks).toHaveLength(1);
  expect(small?.scenario.machines.length).toBeLessThan(2);
  expect(small?.scenario.incidents).toEqual([]);
  expect(small?.lines.join('\n')).toMatch(/build 0 of d\d at \d+: 1 tasks[\s\S]*invariant 1/);
  expect(explainTrouble(storm, 'none', 300)).toBeNull();
});
