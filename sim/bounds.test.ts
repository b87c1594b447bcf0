// The bound against the best of all schedules of tiny farms, found by trying every one; and that it is not idle talk: it is met
// where a schedule without any idling exists.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { courseOf, isFree } from './availability.ts';
import { boundMs, buildBoundMs, ownMachine } from './bounds.ts';
import { LAN } from './farms.ts';
import { settings } from './scenarios.ts';
import type { MachinePlan, Scenario } from './types.ts';

interface Shape {
  readonly machines: readonly Partial<MachinePlan>[];
  readonly works: readonly number[];
  readonly latencyMs?: number;
}

function scenarioOf({ machines, works, latencyMs }: Shape): Scenario {
  const tasks = works.map((workMs, i) => ({
    id: `t${i}`,
    label: `t${i}`,
    workMs,
    predictedP80Ms: workMs,
    bytes: 0,
    memBytes: 0,
  }));
  return {
    name: 'tiny',
    seed: 1,
    machines: machines.map((machine, i) => ({ ...ownMachine(`m${i}`, 0, 1), ...machine })),
    delegators: [{ id: 'd0', site: 0, ownSlots: 1 }],
    builds: [{ delegator: 'd0', startsAtMs: 0, jobs: works.length, tasks }],
    network: { ...LAN, latencyMs: latencyMs ?? 0, jitter: 0, bytesPerMs: 0 },
  };
}

/** The least end over every way of giving the tasks to slots in every order, each started as soon as its slot and machine allow. */
function bestEnd(scenario: Scenario): number {
  const { latencyMs } = scenario.network;
  const slots = scenario.machines.flatMap((machine) =>
    Array.from({ length: machine.slots }, () => ({ machine, wayMs: latencyMs })),
  );
  for (const { id, site, ownSlots } of scenario.delegators) {
    for (let i = 0; i < ownSlots; i++) slots.push({ machine: ownMachine(id, site, 1), wayMs: 0 });
  }
  const works = scenario.builds.flatMap((build) => build.tasks.map((task) => task.workMs));
  let best = Infinity;
  const place = (left: readonly number[], readyAt: readonly number[], end: number): void => {
    if (end >= best) return;
    if (left.length === 0) {
      best = end;
      return;
    }
    for (const [i, work] of left.entries()) {
      const rest = left.filter((_, j) => j !== i);
      for (const [s, slot] of slots.entries()) {
        const doneAt = soonestEnd(slot.machine, Math.max(slot.wayMs, readyAt[s] ?? 0), work);
        const ready = readyAt.map((at, j) => (j === s ? doneAt : at));
        place(rest, ready, Math.max(end, doneAt + slot.wayMs));
      }
    }
  };
  place(
    works,
    slots.map(() => 0),
    0,
  );
  return best;
}

/** A clairvoyant scheduler also waits when starting at once would be in vain. */
function soonestEnd(machine: MachinePlan, readyAt: number, work: number): number {
  const edges = [...machine.crashes, ...machine.freezes, ...machine.ownerThere].map((span) => span.untilMs);
  const starts = [readyAt, ...edges.filter((at) => at > readyAt)].filter((at) => isFree(machine, at));
  const courses = starts.map((at) => courseOf(machine, at, work)).filter((course) => course.how === 'done');
  return Math.min(Infinity, ...courses.map((course) => course.atMs));
}

const span = fc
  .tuple(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 1, max: 200 }))
  .map(([fromMs, lastsMs]) => ({ fromMs, untilMs: fromMs + lastsMs }));
const longSpan = span.map(({ fromMs }) => ({ fromMs, untilMs: fromMs + 15_000 }));
const graySpan = fc.tuple(span, fc.integer({ min: 2, max: 5 })).map(([at, slowdown]) => ({ ...at, slowdown }));
const machine = fc.record({
  speed: fc.integer({ min: 1, max: 4 }),
  slots: fc.integer({ min: 1, max: 2 }),
  ownerThere: fc.array(fc.oneof(span, longSpan), { maxLength: 1 }),
  crashes: fc.array(span, { maxLength: 1 }),
  freezes: fc.array(span, { maxLength: 1 }),
  gray: fc.array(graySpan, { maxLength: 1 }),
});
const shape = fc.record({
  machines: fc.array(machine, { minLength: 1, maxLength: 2 }),
  works: fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 4 }),
  latencyMs: fc.integer({ min: 0, max: 20 }),
});

describe('the clairvoyant lower bound', () => {
  it('is never above the best of all schedules', () => {
    fc.assert(
      fc.property(shape, (tiny) => {
        const scenario = scenarioOf(tiny);
        expect(boundMs(scenario)).toBeLessThanOrEqual(bestEnd(scenario) + 1e-6);
      }),
      { numRuns: 400, seed: 4 },
    );
  });

  it('is what equal tasks on a farm that they fill take', () => {
    const scenario = scenarioOf({ machines: [{ speed: 1, slots: 3 }], works: [100, 100, 100, 100] });
    expect(boundMs(scenario)).toBe(100);
    expect(bestEnd(scenario)).toBe(100);
  });

  it('is the longest task on the fastest machine that stays there', () => {
    const leaving = { speed: 4, crashes: [{ fromMs: 10, untilMs: 1000 }] };
    const staying = { speed: 2 };
    const scenario = scenarioOf({ machines: [leaving, staying], works: [100], latencyMs: 5 });
    expect(boundMs(scenario)).toBe(60);
  });

  it('knows that two long tasks do not share the one fast slot', () => {
    const scenario = scenarioOf({ machines: [{ speed: 4 }], works: [100, 100] });
    expect(boundMs(scenario)).toBe(40);
  });

  it('counts a gray machine as slow and a frozen or owned one as gone', () => {
    const gray = scenarioOf({
      machines: [{ speed: 2, gray: [{ fromMs: 0, untilMs: 50, slowdown: 2 }] }],
      works: [300],
    });
    // 50 ms at half its speed of two, then 125 ms: one of the own slots would take 300.
    expect(boundMs(gray)).toBe(175);
    const gone = [{ fromMs: -60_000, untilMs: 80 }];
    const owned = scenarioOf({ machines: [{ speed: 2, ownerThere: gone }], works: [100, 100] });
    expect(boundMs(owned)).toBe(Math.max(100, 80 + (200 - 80) / 3));
  });

  it('is at most the bound of the farm for each build of it alone', () => {
    for (const { make } of settings.slice(0, 5)) {
      const scenario = make(3);
      for (const build of scenario.builds) {
        expect(build.startsAtMs + buildBoundMs(scenario, build)).toBeLessThanOrEqual(boundMs(scenario));
      }
    }
  });
});
