// The conformance suite: every case of `cases/` and random combinations of options, by the compiler alone and through
// the launcher and two workers. Exit code, outputs, files, modes and bytes must be the same, and each must run where
// it should.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Case } from './case.ts';
import { differences } from './compare.ts';
import { anyCombination } from './combos.ts';
import { allCases } from './cases/index.ts';
import { canRun, Rig, type Compared } from './rig.ts';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start();
}, 120_000);
afterAll(() => rig.close());

async function checkCase(unit: Case): Promise<void> {
  const compared = await rig.compare(unit);
  const exits = compared.alone.commands.map(({ exit }) => exit);
  const said = compared.alone.commands.map(({ stderr }) => stderr).join('');
  expect(exits, `the compiler alone: ${said}`).toEqual(unit.commands.map(({ exit }) => exit));
  checkSame(unit, compared);
}

/** Everything but how the commands end. */
function checkSame(unit: Case, { alone, through, travel, steadyAfterAll }: Compared): void {
  expect(through, differences(alone, through)).toEqual(alone);
  const ran = unit.commands.map(({ expect: where }) => where);
  expect(travel.ran, `ran ${travel.ran.join(', ')}; ${travel.why}`).toEqual(ran);
  expect(steadyAfterAll, 'declared as unsteady, but two runs of the compiler alone do not differ').toEqual([]);
}

test('there are enough cases, and no two of one name', () => {
  expect(new Set(allCases.map(({ title }) => title)).size).toBe(allCases.length);
  expect(allCases.length).toBeGreaterThanOrEqual(300);
});

describe.concurrent('case', () => {
  for (const unit of allCases) {
    const known = unit.broken === undefined ? '' : ` (known fault: ${unit.broken})`;
    const ready = canRun(unit);
    const run = !ready ? test.skip : unit.broken === undefined ? test : test.fails;
    run(`${unit.title}${known}`, () => checkCase(unit), 120_000);
  }
});

// More than CI's: TENDER_CONFORMANCE_RUNS=2000, and TENDER_CONFORMANCE_SEED for others.
const runs = Number(process.env['TENDER_CONFORMANCE_RUNS'] ?? 60);
const firstSeed = Number(process.env['TENDER_CONFORMANCE_SEED'] ?? 20_240_229);
const shares = 5;

/** The smallest command line that still fails, and in what. */
function tellFailure(details: fc.RunDetails<[Case]>): void {
  if (!details.failed) return;
  const [unit] = details.counterexample ?? [];
  const how = { env: unit?.env, umask: unit?.umask, seed: details.seed, path: details.counterexamplePath };
  const what = details.errorInstance instanceof Error ? details.errorInstance.message : 'interrupted before any run';
  throw new Error(`${unit?.title ?? ''}\n${JSON.stringify(how)}\n${what}`);
}

describe.concurrent('random combinations of options', () => {
  for (let share = 0; share < shares; share++) {
    const numRuns = Math.max(1, Math.ceil(runs / shares));
    test(
      `${numRuns} with seed ${firstSeed + share}`,
      async () => {
        const check = fc.asyncProperty(anyCombination, async (unit) => checkSame(unit, await rig.compare(unit)));
        await fc.assert(check, {
          numRuns,
          seed: firstSeed + share,
          interruptAfterTimeLimit: 30_000 + numRuns * 2_000,
          reporter: tellFailure,
        });
      },
      60_000 + numRuns * 4_000,
    );
  }
});

test('the agent counted what the launchers said, and no worker failed by a fault of Tender', async () => {
  const { seen, counted, faults } = await rig.settle();
  expect(counted).toEqual(seen);
  expect(faults, faults.join('\n')).toEqual([]);
});
