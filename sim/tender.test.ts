// Scenarios through the real state machines: equal scenarios give equal outcomes, and a calm farm is used well.
import { describe, expect, test } from 'vitest';
import { createPrng } from '../src/base/prng.ts';
import { GIB } from '../src/core/testing/samples.ts';
import { runTender } from './tender.ts';
import type { MachinePlan, NetworkPlan, Scenario } from './types.ts';

const QUIET: NetworkPlan = {
  latencyMs: 1,
  farLatencyMs: 1,
  jitter: 0,
  loss: 0,
  duplication: 0,
  reordering: 0,
  partitions: [],
  bytesPerMs: 0,
};

function machine(id: string, parts: Partial<MachinePlan>): MachinePlan {
  return {
    id,
    speed: 1,
    slots: 4,
    cores: 4,
    memBytes: 64 * GIB,
    site: 0,
    diskMs: 0,
    skewPpm: 0,
    ownerThere: [],
    crashes: [],
    freezes: [],
    gray: [],
    failureProbability: 0,
    ...parts,
  };
}

interface Farm {
  readonly machines: readonly Partial<MachinePlan>[];
  readonly durationsMs: readonly number[];
  readonly jobs: number;
  readonly predicted?: boolean;
  readonly ownSlots?: number;
  readonly policy?: 'first' | 'finish';
  readonly network?: Partial<NetworkPlan>;
}

function scenarioOf({ machines, durationsMs, jobs, predicted = true, ownSlots = 0, policy, network }: Farm): Scenario {
  return {
    name: 'calm',
    seed: 1,
    machines: machines.map((parts, i) => machine(`w${i}`, parts)),
    delegators: [{ id: 'd', site: 0, ownSlots, ...(policy === undefined ? {} : { policy }) }],
    builds: [
      {
        delegator: 'd',
        startsAtMs: 0,
        jobs,
        tasks: durationsMs.map((workMs, i) => ({
          id: `t${i}`,
          label: `t${i}.cc`,
          workMs,
          predictedP80Ms: predicted ? Math.round(1.2 * workMs) : null,
          bytes: 50_000,
          memBytes: GIB / 4,
        })),
      },
    ],
    network: { ...QUIET, ...network },
  };
}

/** Exponential durations, as compilers have them, the mean given. */
function durations(count: number, meanMs: number): number[] {
  const prng = createPrng(count);
  return Array.from({ length: count }, () => Math.round(100 - Math.log(1 - prng()) * meanMs));
}

/** All work over all speed, or the longest task on the fastest machine. */
function boundOf({ machines, durationsMs, ownSlots = 0 }: Farm): number {
  const total = durationsMs.reduce((sum, ms) => sum + ms, 0);
  const speed = machines.reduce((sum, { slots = 4, speed: each = 1 }) => sum + slots * each, ownSlots);
  return Math.max(total / speed, Math.max(...durationsMs) / Math.max(1, ...machines.map((m) => m.speed ?? 1)));
}

const equal = [{}, {}, {}];
const unequal = [1, 2, 4, 1].map((speed) => ({ speed }));
const many = Array.from({ length: 60 }, (_, i) => ({ speed: 1 + (i % 4) }));
const base: Farm = { machines: equal, jobs: 24, durationsMs: durations(240, 1000) };

test.each<[string, Farm, number]>([
  ['equal machines', base, 1.15],
  ['equal, unknown durations', { ...base, predicted: false }, 1.5],
  ['with own slots', { ...base, ownSlots: 2 }, 1.15],
  ['first come', { ...base, policy: 'first' }, 1.15],
  ['speeds 1 to 4', { ...base, machines: unequal, jobs: 40, durationsMs: durations(300, 1500) }, 1.25],
  ['240 slots', { ...base, machines: many, jobs: 400, durationsMs: durations(3000, 2000) }, 1.4],
  ['a short build', { ...base, jobs: 16, durationsMs: durations(16, 1000) }, 1.6],
  ['far away', { ...base, network: { latencyMs: 20 } }, 1.25],
])('a calm farm is used well: %s', (_name, farm, limit) => {
  const outcome = runTender(scenarioOf(farm));
  expect(outcome.makespanMs / boundOf(farm)).toBeLessThan(limit);
  expect(outcome.messages / farm.durationsMs.length).toBeLessThan(6);
  expect(outcome.hedges / farm.durationsMs.length).toBeLessThan(0.1);
});

describe('what a scenario says happens', () => {
  test('equal scenarios have equal outcomes, jitter, loss and skew included', () => {
    const network = { jitter: 0.5, loss: 0.1, duplication: 0.1, reordering: 0.1 };
    const machines = [{ skewPpm: 500 }, { skewPpm: -500 }, { diskMs: 30, failureProbability: 0.1 }];
    const scenario = scenarioOf({ ...base, machines, network });
    expect(runTender(scenario)).toEqual(runTender(scenario));
    expect(runTender({ ...scenario, seed: 2 })).not.toEqual(runTender(scenario));
  });

  test('ten thousand machines hear one build, and few of them answer', { timeout: 120_000 }, () => {
    const machines = Array.from({ length: 10_000 }, (_, i) => ({ speed: 1 + (i % 4), slots: 2 + (i % 15) }));
    const outcome = runTender(scenarioOf({ machines, durationsMs: durations(1000, 2000), jobs: 1000 }));
    expect(outcome.builds[0]).toMatchObject({ tasks: 1000, remote: 1000, local: 0 });
    expect(outcome.messagesByKind?.['announcement']).toBeGreaterThanOrEqual(10_000);
    expect(outcome.offers).toBeLessThan(5000);
  });

  test('with every machine gone all tasks are done here', () => {
    const machines = equal.map(() => ({ crashes: [{ fromMs: 2000, untilMs: Infinity }] }));
    const { builds } = runTender(scenarioOf({ ...base, machines }));
    expect(builds[0]?.remote).toBeGreaterThan(0);
    expect((builds[0]?.remote ?? 0) + (builds[0]?.local ?? 0)).toBe(240);
    expect(builds[0]?.local).toBeGreaterThan(100);
  });

  test('a frozen machine costs seconds, and its work is waste', () => {
    const healthy = runTender(scenarioOf(base));
    const machines = [{}, {}, { freezes: [{ fromMs: 5000, untilMs: Infinity }] }];
    const frozen = runTender(scenarioOf({ ...base, machines }));
    expect(frozen.builds[0]?.remote).toBe(240);
    expect(frozen.makespanMs).toBeGreaterThan(healthy.makespanMs);
    expect(frozen.failures).toBeGreaterThan(0);
    expect(frozen.waste).toBeGreaterThan(healthy.waste);
  });

  test('an owner who comes back gets the machine after the grace', () => {
    const machines = equal.map(() => ({ ownerThere: [{ fromMs: 5000, untilMs: 60_000 }] }));
    const outcome = runTender(scenarioOf({ ...base, durationsMs: durations(12, 40_000), jobs: 12, machines }), {
      graceMs: 2000,
    });
    expect(outcome.failures).toBeGreaterThan(5);
    expect(outcome.messagesByKind?.['returning']).toBe(3);
  });

  test('slow disks and slow links take their time', () => {
    const quick = runTender(scenarioOf(base)).makespanMs;
    expect(runTender(scenarioOf({ ...base, machines: equal.map(() => ({ diskMs: 200 })) })).makespanMs).toBeGreaterThan(
      quick + 1000,
    );
    // 240 tasks of 50,000 bytes over one link of 500 bytes a millisecond.
    expect(runTender(scenarioOf({ ...base, network: { bytesPerMs: 500 } })).makespanMs).toBeGreaterThan(24_000);
  });

  test('a partition that lasts breaks sessions, and the build goes on', () => {
    const partitions = [{ fromMs: 3000, untilMs: 40_000, sites: [1] }];
    const outcome = runTender(
      scenarioOf({ ...base, machines: [{}, { site: 1 }, { site: 1 }], network: { partitions } }),
    );
    expect(outcome.failures).toBeGreaterThan(0);
    expect(outcome.builds[0]?.remote).toBe(240);
  });
});
