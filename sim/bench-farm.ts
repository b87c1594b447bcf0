// The farm of `npm run bench -- farm` as a virtual one: the same machines, units and order of submission, without what real agents
// cost. A first build by a delegator that knows nothing, and one that knows the durations from that build alone.
import { makePlan } from '../bench/farm/farm-plan.ts';
import { PastRecord } from '../src/core/record/record.ts';
import { sampleInfo } from '../src/core/testing/samples.ts';
import { LAN, NO_FAULTS, farm } from './farms.ts';
import { runTender } from './tender.ts';
import type { MachinePlan, Outcome, Scenario } from './types.ts';

const WORKERS = 20;
const SLOTS = 2;
const TASKS = 500;
const MEDIAN_MS = 500;
/** All machines of the benchmark are one: only their compilers differ, and bench scores say nothing. */
const BENCH = 1000;
const OWN = sampleInfo({ bench: BENCH });
const BYTES = 2000;
/** What an award and its result cost there beside the sleeping. */
const START_MS = 4;

/** The benchmark's build of a seed at make's -j; task lengths and speeds are those of `makePlan`. */
export function benchFarm(seed: number, jobs = 2 * WORKERS * SLOTS): Scenario {
  const plan = makePlan(seed, { workers: WORKERS, tasks: TASKS, medianMs: MEDIAN_MS });
  const machines = farm(seed, WORKERS, NO_FAULTS, 0).map((machine, i): MachinePlan => {
    const speed = 1 / (plan.slowness[i] ?? 1);
    return {
      ...machine,
      speed,
      slots: SLOTS,
      cores: SLOTS,
      memBytes: 64 * 2 ** 30,
      benchScore: BENCH,
      diskMs: START_MS,
    };
  });
  const tasks = plan.durationsMs.map((workMs, i) => {
    const name = `unit${i}`;
    return { id: name, label: `${name}.c`, workMs, predictedP80Ms: null, bytes: BYTES, memBytes: 2 ** 20 };
  });
  return {
    name: 'bench-farm',
    seed,
    machines,
    delegators: [{ id: 'd0', site: 0, ownSlots: 0, hereSlots: 2, nobodyAfterMs: 60_000 }],
    builds: [{ delegator: 'd0', startsAtMs: 0, jobs, tasks }],
    network: LAN,
  };
}

/** The first build, and the same once more with what the first one taught. */
export function runBenchFarm(scenario: Scenario): { readonly first: Outcome; readonly again: Outcome } {
  const record = new PastRecord();
  const options = { delegator: { own: OWN }, records: new Map([['d0', record]]) };
  const first = runTender(scenario, options);
  return { first, again: runTender(scenario, options) };
}
