// What each figure is made of: which settings and schedulers are run over which seeds, and what is read from the runs.
import { BASELINES } from './baselines/index.ts';
import { measure, spreadOf } from './measure.ts';
import type { Sample, Scheduler, Spread } from './measure.ts';
import { SIZES, settingOf, sizeName, sparse, withJobs } from './scenarios.ts';
import type { TaskMix } from './tasks.ts';
import type { Scenario } from './types.ts';

export type FigureId = 'sizes' | 'awards' | 'waste' | 'recovery' | 'jobs';

export interface FigureOptions {
  readonly seeds: readonly number[];
  readonly quick: boolean;
  readonly mix: TaskMix | undefined;
  readonly log: (line: string) => void;
}

/** One point: a setting, a scheduler, and the medians and spreads over the seeds of all that was measured. */
export interface FigureRow {
  readonly setting: string;
  readonly scheduler: Scheduler;
  /** What the figure's axis is about: machines, jobs per slot; 0 where it has none. */
  readonly x: number;
  readonly seeds: number;
  readonly values: Readonly<Record<Measured, Spread>>;
}

export interface FigureRun {
  readonly rows: readonly FigureRow[];
}

type Measured = Exclude<keyof Sample, 'scheduler' | 'seed'>;
const MEASURED: readonly Measured[] = [
  'makespanMs',
  'boundMs',
  'ratio',
  'messagesPerTask',
  'sendsPerTask',
  'offersMost',
  'awardP50',
  'awardP90',
  'hedgeWaste',
  'waste',
  'silenceMs',
  'failures',
];

const SCHEDULERS: readonly Scheduler[] = ['tender', ...BASELINES];
const QUICK_SIZE_MAX = 300;
/** From this size on fewer seeds are run: a run takes minutes, and so many machines vary less. */
const LARGE = 1000;
const LARGE_SEEDS = 3;
const HUGE = 10_000;
const JOBS_PER_SLOT = [1, 1.5, 2, 3, 5, 10, 25] as const;
const WASTE_SETTINGS = ['office', 'office-small', 'far', 'calm', 'frozen-quarter', 'fair'] as const;

export const figures: Readonly<Record<FigureId, (options: FigureOptions) => FigureRun>> = {
  sizes: (options) => ({
    rows: sizes(options).flatMap((machines) =>
      SCHEDULERS.map((scheduler) => row(options, sizeName(machines), scheduler, machines)),
    ),
  }),
  awards: (options) => ({
    rows: sizes(options).flatMap((machines) =>
      SCHEDULERS.map((scheduler) =>
        rowOf(options, `sparse-${machines}`, scheduler, machines, (seed) => sparse(seed, machines, options.mix)),
      ),
    ),
  }),
  waste: (options) => ({ rows: WASTE_SETTINGS.map((name) => row(options, name, 'tender', 0)) }),
  recovery: (options) => ({
    rows: SCHEDULERS.flatMap((scheduler) => ['calm', 'frozen-quarter'].map((name) => row(options, name, scheduler, 0))),
  }),
  jobs: (options) => ({
    rows: ['calm', 'office'].flatMap((name) =>
      JOBS_PER_SLOT.map((perSlot) =>
        rowOf(options, name, 'tender', perSlot, (seed) => withJobs(made(name, seed, options.mix), perSlot)),
      ),
    ),
  }),
};

function sizes({ quick }: FigureOptions): number[] {
  return SIZES.filter((size) => !quick || size <= QUICK_SIZE_MAX);
}

function row(options: FigureOptions, name: string, scheduler: Scheduler, x: number): FigureRow {
  return rowOf(options, name, scheduler, x, (seed) => made(name, seed, options.mix));
}

function rowOf(
  { seeds, log }: FigureOptions,
  setting: string,
  scheduler: Scheduler,
  x: number,
  make: (seed: number) => Scenario,
): FigureRow {
  const most = x >= HUGE ? 1 : x >= LARGE ? LARGE_SEEDS : Infinity;
  const samples = seeds.slice(0, most).map((seed) => measure(scheduler, make(seed)));
  const values = Object.fromEntries(
    MEASURED.map((key) => [key, spreadOf(samples.map((sample) => sample[key]))]),
  ) as Record<Measured, Spread>;
  log(`${setting} ${x === 0 ? '' : `${x} `}${scheduler}: ${values.ratio.median.toFixed(3)} × the bound`);
  return { setting, scheduler, x, seeds: samples.length, values };
}

function made(name: string, seed: number, mix: TaskMix | undefined): Scenario {
  const setting = settingOf(name);
  if (setting === undefined) throw new Error(`no setting of the name ${name}`);
  return setting.make(seed, mix);
}
