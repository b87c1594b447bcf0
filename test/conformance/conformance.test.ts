// The conformance suite: every case of `cases/` and random combinations of options, by the compiler alone and through the
// launcher: by a worker, beside a compiler here, and each again from the store of results. Exit code, outputs, files, modes
// and bytes must be the same, and each must run where it should.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Case } from './case.ts';
import { differences } from './compare.ts';
import { anyCombination } from './combos.ts';
import { allCases } from './cases/index.ts';
import { canRun, Rig, type Way } from './rig.ts';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start();
}, 120_000);
afterAll(() => rig.close());

function check({ name, alone, through, ran, expected, why, lost }: Way): void {
  expect(through, `${name}:\n${differences(alone, through)}`).toEqual(alone);
  expect(ran, `${name}: ran ${ran.join(', ')}; ${why}`).toEqual(expected);
  expect(lost, `${name}: results that were not kept`).toEqual([]);
}

test('there are enough cases, and no two of one name', () => {
  expect(new Set(allCases.map(({ title }) => title)).size).toBe(allCases.length);
  expect(allCases.length).toBeGreaterThanOrEqual(300);
});

// Each case goes through Tender in four ways. Groups of tests run one after the other, what is in one runs at once. The first
// two ways and the compiler alone come together; then all cases go through a machine that is alone, in a phase of its own:
// while directories are being removed, a compiler here is not trusted to have read what lies there now, and nothing is kept.
const here = new Map<Case, Way>();
/** Which of them a compiler here left nothing for: on a machine that is too busy, an agent is not sure of what was read. */
const notKeptHere: string[] = [];

describe('case', () => {
  for (const unit of allCases) {
    const known = unit.broken === undefined ? '' : ` (known fault: ${unit.broken})`;
    const ready = canRun(unit);
    const { skip, fails } = test.concurrent;
    const run = !ready ? skip : unit.broken === undefined ? test.concurrent : fails;
    run(`${unit.title}${known}`, () => checkByWorkers(unit), 120_000);
  }
});

async function checkByWorkers(unit: Case): Promise<void> {
  const { outcome, steadyAfterAll } = await rig.alone(unit);
  const exits = outcome.ended.map(({ exit }) => exit);
  const said = outcome.ended.map(({ stderr }) => stderr).join('');
  expect(exits, `the compiler alone: ${said}`).toEqual(unit.commands.map(({ exit }) => exit));
  expect(steadyAfterAll, 'declared as unsteady, but two runs of the compiler alone do not differ').toEqual([]);
  const made = await goAndKeep(unit);
  check(made);
  if (made.kept.includes(true)) check(await rig.through(unit, 'with workers', made));
  await rig.refresh(unit);
}

/**
 * While other cases remove their projects an agent may not be sure that nothing was changed in this one, and then keeps nothing:
 * once more.
 */
async function goAndKeep(unit: Case): Promise<Way> {
  let made = await rig.through(unit, 'with workers', null);
  for (let again = 0; again < 3 && made.lost.length > 0; again++) made = await rig.through(unit, 'with workers', null);
  return made;
}

/** One of so many is run beside a compiler, too; all of them with TENDER_ALL_CASES=1, which takes some minutes more. */
const oneOf = process.env['TENDER_ALL_CASES'] === '1' ? 1 : 8;
/** What may not travel is run in one way wherever it is called. */
const travelling = allCases
  .filter((unit) => unit.commands.some((command) => command.expect === 'travels'))
  .filter((_unit, index) => index % oneOf === 0);

describe('beside the compiler', () => {
  for (const unit of travelling) {
    const run = canRun(unit) ? test.concurrent : test.skip;
    const checkHere = async (): Promise<void> => {
      const made = await rig.through(unit, 'alone', null);
      here.set(unit, made);
      notKeptHere.push(...made.lost);
      check({ ...made, lost: [] });
    };
    run(unit.title, checkHere, 120_000);
  }
});

describe('kept beside the compiler', () => {
  for (const unit of travelling.filter(({ commands }) => commands.some(({ exit }) => exit === 0))) {
    const run = canRun(unit) ? test.concurrent : test.skip;
    const checkAgain = async (): Promise<void> => {
      const made = here.get(unit) ?? (await rig.through(unit, 'alone', null));
      if (made.kept.includes(true)) check(await rig.through(unit, 'alone', made));
    };
    run(unit.title, checkAgain, 120_000);
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

describe('random combinations of options', () => {
  for (let share = 0; share < shares; share++) {
    const numRuns = Math.max(1, Math.ceil(runs / shares));
    test.concurrent(
      `${numRuns} with seed ${firstSeed + share}`,
      async () => {
        const same = fc.asyncProperty(anyCombination, checkCombination);
        await fc.assert(same, {
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

async function checkCombination(unit: Case): Promise<void> {
  for (const kind of ['with workers', 'alone'] as const) {
    const made = await rig.through(unit, kind, null);
    // Others remove their trees meanwhile: what is kept here is chance.
    check(kind === 'alone' ? { ...made, lost: [] } : made);
    if (made.kept.includes(true)) check(await rig.through(unit, kind, made));
  }
  await rig.forget(unit);
}

test('nearly all that may be kept is kept', () => {
  if (notKeptHere.length > 0) console.warn(`not kept: ${notKeptHere.join('; ')}`);
  expect(notKeptHere.length).toBeLessThan(1 + here.size / 20);
});

test('the agents counted what the launchers said, and nothing failed by a fault of Tender', async () => {
  for (const { seen, counted, faults } of await rig.settle()) {
    expect(counted).toEqual(seen);
    expect(seen.stored).toBeGreaterThan((seen.remote + seen.local) / 4);
    expect(faults, faults.join('\n')).toEqual([]);
  }
});
