// The figures that the design promised, measured: `npm run sim -- goals` prints them, test/sim/goals.test.ts holds them.
import { measure, spreadOf } from './measure.ts';
import type { Sample } from './measure.ts';
import { settingOf } from './scenarios.ts';

export interface Goal {
  readonly id: string;
  readonly about: string;
  readonly limit: number;
  /** The figure of one seed. */
  readonly figure: (run: Run) => number;
}

/** Tender's sample of a setting, for one seed. */
export type Run = (setting: string) => Sample;

export interface GoalRow {
  readonly id: string;
  readonly about: string;
  readonly limit: number;
  readonly median: number;
  readonly least: number;
  readonly most: number;
  readonly met: boolean;
}

export const goals: readonly Goal[] = [
  {
    id: 'office',
    about: 'office, full build: makespan over the bound',
    limit: 1.15,
    figure: (run) => run('office').ratio,
  },
  {
    id: 'office-small',
    about: 'office, two small builds: makespan over the bound',
    limit: 1.6,
    figure: (run) => run('office-small').ratio,
  },
  {
    id: 'far',
    about: 'office, half the machines 30 ms away: makespan over the bound',
    limit: 1.2,
    figure: (run) => run('far').ratio,
  },
  {
    id: 'calm',
    about: 'without owners and faults: makespan over the bound',
    limit: 1.05,
    figure: (run) => run('calm').ratio,
  },
  {
    id: 'messages',
    about: 'office, full build: messages per task',
    limit: 2.5,
    figure: (run) => run('office').messagesPerTask,
  },
  {
    id: 'offers',
    about: '1,000 listeners: most offers that one announcement draws',
    limit: 20,
    figure: (run) => run('listeners-1000').offersMost,
  },
  {
    id: 'waste',
    about: 'office, full build: machine time of copies that lost, over all',
    limit: 0.08,
    figure: (run) => run('office').hedgeWaste,
  },
  {
    // Both over their own bounds: the machines that froze are missing in the bound too, what remains is the cost of noticing.
    id: 'frozen-quarter',
    about: 'a quarter freezes: ratio to the bound, over that without freezing, less 1',
    limit: 0.15,
    figure: (run) => run('frozen-quarter').ratio / run('calm').ratio - 1,
  },
];

/** Each setting is run once a seed, whatever number of goals look at it. */
export function measureGoals(seeds: readonly number[], ids?: readonly string[]): GoalRow[] {
  const wanted = goals.filter((goal) => ids === undefined || ids.includes(goal.id));
  const figures = new Map(wanted.map((goal) => [goal, [] as number[]]));
  for (const seed of seeds) {
    const samples = new Map<string, Sample>();
    const run: Run = (name) => {
      const sample = samples.get(name) ?? runOnce(name, seed);
      samples.set(name, sample);
      return sample;
    };
    for (const [goal, values] of figures) values.push(goal.figure(run));
  }
  return [...figures].map(([{ id, about, limit }, values]) => {
    const spread = spreadOf(values);
    return { id, about, limit, ...spread, met: spread.median <= limit };
  });
}

function runOnce(name: string, seed: number): Sample {
  const setting = settingOf(name);
  if (setting === undefined) throw new Error(`no setting of the name ${name}`);
  return measure('tender', setting.make(seed));
}
