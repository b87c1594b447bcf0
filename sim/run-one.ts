// One scenario by name and seed: its outcome for people or as JSON, a journal of one of its nodes if asked for, and for a
// world in which an invariant breaks the smaller world in which it breaks, too.
import { join } from 'node:path';
import { err, ok, type Result } from '../src/base/result.ts';
import { farm, NO_FAULTS, OFFICE_FAULTS } from './farms.ts';
import { openJournal } from './journal-file.ts';
import type { Mutation } from './mutations.ts';
import { explainTrouble } from './run-seed.ts';
import { readScenario, writeScenario } from './scenario-file.ts';
import { settingOf, settings } from './scenarios.ts';
import { stormOf } from './storm.ts';
import type { Outcome, Scenario } from './types.ts';
import { World } from './world.ts';

export interface RunRequest {
  /** A file with a scenario, in place of a name. */
  readonly world?: string;
  readonly scenario: string;
  readonly seed: number;
  readonly machines?: number;
  readonly journal?: string;
  readonly node?: string;
  readonly mutation: Mutation;
  readonly json?: boolean;
  /** Where the small world of a broken invariant is written, so that it can be run again. */
  readonly smallWorldDir?: string;
}

export interface Terminal {
  /** For people, on the way. */
  readonly log: (line: string) => void;
  /** The result. */
  readonly print: (text: string) => void;
}

const SHRINK_TRIES = 600;
/** A large world is not worth shrinking: each try would take as long as the run did. */
const SHRINK_MACHINES_MAX = 20;

/** @returns one line for each scenario: its name, and what it is about */
export function namesOfScenarios(): string[] {
  const storm = 'storm: a few machines and delegators, and everything that can go wrong';
  return [storm, ...settings.map(({ name, about }) => `${name}: ${about}`)];
}

/** @returns the exit code: 0 when all invariants held, 1 when one broke, 2 when there is no such scenario or node */
export function runOne(request: RunRequest, { log, print }: Terminal): number {
  const found = request.world === undefined ? scenarioOf(request) : readScenario(request.world);
  if (!found.ok) {
    log(`sim: ${found.error}`);
    return 2;
  }
  const scenario = found.value;
  const node = request.node ?? scenario.delegators[0]?.id ?? '';
  if (![...scenario.delegators, ...scenario.machines].some(({ id }) => id === node)) {
    log(`sim: nobody in this scenario is called «${node}»`);
    return 2;
  }
  const journal = request.journal === undefined ? null : openJournal(request.journal, node);
  const startedAt = performance.now();
  const world = new World(scenario, {
    mutation: request.mutation,
    ...(journal === null ? {} : { watch: journal.watch }),
  });
  try {
    world.run();
    if (scenario.name === 'storm') world.rest();
  } catch (error) {
    log(
      `sim: ${scenario.name}, seed ${scenario.seed}, at ${Math.round(world.clock.now)} ms: ${(error as Error).message}`,
    );
    log(`replay: npm run sim -- ${commandOf(request)}`);
    if (scenario.machines.length <= SHRINK_MACHINES_MAX) {
      const small = explainTrouble(scenario, request.mutation, SHRINK_TRIES);
      for (const line of small?.lines ?? []) log(line);
      if (small !== null) tellSmallWorld(request, small.scenario, log);
    }
    return 1;
  } finally {
    journal?.close();
  }
  const outcome = world.tally.outcome(scenario);
  print(request.json === true ? JSON.stringify(outcome) : renderOutcome(outcome, performance.now() - startedAt));
  return 0;
}

function tellSmallWorld({ smallWorldDir, mutation }: RunRequest, scenario: Scenario, log: Terminal['log']): void {
  if (smallWorldDir === undefined) return;
  const path = join(smallWorldDir, `${scenario.name}-${scenario.seed}.json`);
  writeScenario(path, scenario);
  log(`this small world again: npm run sim -- --world ${path}${mutation === 'none' ? '' : ` --mutation ${mutation}`}`);
}

function scenarioOf({ scenario: name, seed, machines }: RunRequest): Result<Scenario, string> {
  if (name === 'storm') return ok(stormOf(seed, machines));
  const scenario = settingOf(name)?.make(seed);
  if (scenario === undefined) {
    return err(`there is no scenario «${name}»; there are:\n  ${namesOfScenarios().join('\n  ')}`);
  }
  if (machines === undefined) return ok(scenario);
  const isCalm = scenario.machines.every(({ crashes, ownerThere }) => crashes.length + ownerThere.length === 0);
  return ok({ ...scenario, machines: farm(seed, machines, isCalm ? NO_FAULTS : OFFICE_FAULTS, 0) });
}

function commandOf({ world, scenario, seed, machines, mutation }: RunRequest): string {
  const words = [world === undefined ? `--scenario ${scenario} --seed ${seed}` : `--world ${world}`];
  if (machines !== undefined) words.push(`--machines ${machines}`);
  if (mutation !== 'none') words.push(`--mutation ${mutation}`);
  return words.join(' ');
}

function renderOutcome(outcome: Outcome, tookMs: number): string {
  const { builds, messages, announcements, offers, hedges, failures, checkedSteps } = outcome;
  const tasks = builds.reduce((sum, build) => sum + build.tasks, 0);
  const lines = [`${outcome.scenario}, seed ${outcome.seed}: ${seconds(outcome.makespanMs)} s of the virtual clock`];
  for (const [index, build] of builds.entries()) {
    lines.push(
      `  build ${index} of ${build.delegator}: ${build.tasks} tasks in ${seconds(build.makespanMs)} s, ` +
        `${build.remote} away, ${build.local} here; silent for ${seconds(build.longestSilenceMs)} s at most`,
    );
  }
  const kinds = Object.entries(outcome.messagesByKind ?? {}).map(([kind, count]) => `${kind} ${count}`);
  lines.push(`  ${messages} messages, ${(messages / Math.max(1, tasks)).toFixed(2)} a task (${kinds.join(', ')})`);
  lines.push(`  ${announcements} announcements, ${offers} offers, ${hedges} hedges, ${failures} failed attempts`);
  lines.push(`  waste ${percent(outcome.waste)}, of it ${percent(outcome.hedgeWaste ?? 0)} by hedges`);
  lines.push(`  ${checkedSteps} steps checked in ${seconds(tookMs)} s`);
  return lines.join('\n');
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
