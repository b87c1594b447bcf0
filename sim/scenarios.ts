// The named settings: farms, owners, faults and builds, each decided by a seed. Figures of one name and seed can always be made again.
import { boundMs } from './bounds.ts';
import { sample, streamOf } from './random.ts';
import { LAN, OFFICE_FAULTS, NO_FAULTS, farm, slotsOf } from './farms.ts';
import { buildsOf } from './tasks.ts';
import type { TaskMix } from './tasks.ts';
import type { DelegatorPlan, MachinePlan, Scenario } from './types.ts';

export interface Setting {
  readonly name: string;
  /** One line for people. */
  readonly about: string;
  /** `mix`: where task lengths come from; a setting that has none of its own takes compile-like ones. */
  make(seed: number, mix?: TaskMix): Scenario;
}

/** The same with make's -j at so many jobs per slot of the farm: a delegator can only order what it has been given. */
export function withJobs(scenario: Scenario, perSlot: number): Scenario {
  const jobs = Math.max(1, Math.round(perSlot * slotsOf(scenario.machines)));
  return {
    ...scenario,
    builds: scenario.builds.map((build) => ({ ...build, jobs: Math.min(jobs, build.tasks.length) })),
  };
}

/** Sizes of the figures. */
export const SIZES = [10, 30, 100, 300, 1000, 3000, 10_000] as const;
const OFFICE_MACHINES = 60;
const OFFICE_TASKS = 10_000;
const SMALL_TASKS = 200;
const OWN_SLOTS = 8;
/** In the settings of other sizes: tasks per machine, and the largest build there is. */
const TASKS_PER_MACHINE = 160;
const TASKS_MAX = 20_000;
const SPARSE_TASKS_MAX = 4000;

export const settings: readonly Setting[] = [
  {
    name: 'office',
    about: '60 machines with owners, gray and crashing ones; one full build of 10,000 tasks',
    make: (seed, mix) => office('office', seed, mix, { builds: 1, tasks: OFFICE_TASKS }),
  },
  {
    name: 'office-small',
    about: 'the same office; two small builds of 200 tasks at once',
    make: (seed, mix) => office('office-small', seed, mix, { builds: 2, tasks: SMALL_TASKS }),
  },
  {
    name: 'office-new',
    about: 'the same office and full build, with no duration known from a build before',
    make: (seed, mix) => office('office-new', seed, mix, { builds: 1, tasks: OFFICE_TASKS, known: 0 }),
  },
  {
    name: 'far',
    about: 'the same office and full build, half the machines 30 ms away (one way)',
    make: (seed, mix) => office('far', seed, mix, { builds: 1, tasks: OFFICE_TASKS, farShare: 0.5 }),
  },
  {
    name: 'calm',
    about: '60 machines without owners and faults; the full build',
    make: (seed, mix) => calm('calm', seed, mix, OFFICE_MACHINES, 1, OFFICE_TASKS),
  },
  {
    name: 'frozen-quarter',
    about: 'the calm farm, of which a quarter freezes for good at two fifths of the bound',
    make: (seed, mix) => frozenQuarter('frozen-quarter', seed, mix, OFFICE_TASKS),
  },
  {
    name: 'listeners-1000',
    about: '1,000 calm machines hear one build of 300 tasks',
    make: (seed, mix) => calm('listeners-1000', seed, mix, 1000, 1, 300),
  },
  {
    name: 'fair',
    about: 'four delegators with builds of 1,000 tasks compete for 20 calm machines',
    make: (seed, mix) => calm('fair', seed, mix, 20, 4, 1000),
  },
  ...SIZES.map((machines): Setting => ({
    name: sizeName(machines),
    about: `an office of ${machines} machines; one build of ${tasksFor(machines)} tasks`,
    make: (seed, mix) => office(sizeName(machines), seed, mix, { machines, builds: 1, tasks: tasksFor(machines) }),
  })),
];

export function settingOf(name: string): Setting | undefined {
  return settings.find((setting) => setting.name === name);
}

/** The office's setting with so many machines. */
export function sizeName(machines: number): string {
  return `farm-${machines}`;
}

export function tasksFor(machines: number): number {
  return Math.min(TASKS_MAX, machines * TASKS_PER_MACHINE);
}

/** A calm farm and a make that keeps a quarter of its slots busy: one is free for each task, what remains is the time until it is there. */
export function sparse(seed: number, machines: number, mix?: TaskMix): Scenario {
  const slots = slotsOf(farm(seed, machines, NO_FAULTS, 0));
  const tasks = Math.min(SPARSE_TASKS_MAX, slots);
  return withJobs(calm(`sparse-${machines}`, seed, mix, machines, 1, tasks), Math.min(0.25, tasks / slots / 4));
}

interface OfficeOptions {
  readonly machines?: number;
  readonly builds: number;
  readonly tasks: number;
  readonly farShare?: number;
  /** Share of the tasks whose duration is known from a build before. */
  readonly known?: number;
}

function office(name: string, seed: number, mix: TaskMix | undefined, options: OfficeOptions): Scenario {
  const machines = farm(seed, options.machines ?? OFFICE_MACHINES, OFFICE_FAULTS, options.farShare ?? 0);
  return scenarioOf(name, seed, machines, options, mix, 0.01);
}

function calm(
  name: string,
  seed: number,
  mix: TaskMix | undefined,
  machines: number,
  builds: number,
  tasks: number,
): Scenario {
  return scenarioOf(name, seed, farm(seed, machines, NO_FAULTS, 0), { builds, tasks }, mix, 0);
}

function frozenQuarter(name: string, seed: number, mix: TaskMix | undefined, tasks: number): Scenario {
  const before = calm(name, seed, mix, OFFICE_MACHINES, 1, tasks);
  const frozen = sample(streamOf(seed, 'frozen'), before.machines.length, before.machines.length / 4);
  const freezes = [{ fromMs: 0.4 * boundMs(before), untilMs: Infinity }];
  const machines = before.machines.map((machine, i) => (frozen.has(i) ? { ...machine, freezes } : machine));
  return { ...before, machines };
}

function scenarioOf(
  name: string,
  seed: number,
  machines: readonly MachinePlan[],
  { builds, tasks, known }: OfficeOptions,
  mix: TaskMix | undefined,
  loss: number,
): Scenario {
  const delegators = Array.from({ length: builds }, (_, i): DelegatorPlan => ({
    id: `d${i}`,
    site: 0,
    ownSlots: OWN_SLOTS,
  }));
  const plans = buildsOf(seed, { delegators, tasks, known, mix });
  const network = { ...LAN, loss, duplication: loss / 2, reordering: loss };
  return { name, seed, machines, delegators, builds: plans, network };
}
