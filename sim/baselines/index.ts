// The other ways of scheduling, each run on the same scenarios as Tender.
import type { Outcome, Scenario } from '../types.ts';
import { Central } from './central.ts';
import { Farm } from './farm.ts';
import type { Scheduler } from './farm.ts';
import { HostsFile } from './hosts-file.ts';
import { LeastLoaded } from './least-loaded.ts';

export const BASELINES = ['round-robin', 'random', 'least-loaded', 'central'] as const;
export type Baseline = (typeof BASELINES)[number];

/** Runs all builds of the scenario to their end as that scheduler would. Equal scenarios give equal outcomes. */
export function runBaseline(name: Baseline, scenario: Scenario): Outcome {
  const farm = new Farm(scenario, schedulerOf(name));
  farm.run();
  return farm.count.outcome();
}

function schedulerOf(name: Baseline): Scheduler {
  switch (name) {
    case 'round-robin':
      return new HostsFile(name, 'turns');
    case 'random':
      return new HostsFile(name, 'random');
    case 'least-loaded':
      return new LeastLoaded();
    case 'central':
      return new Central();
  }
}
