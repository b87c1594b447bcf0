// What knowing owners is worth, on a small office: the direction of docs/calendars.md's table. And that owners who come back are
// given way to as in an agent: a grace, a pause, an end.
import { beforeAll, describe, expect, test } from 'vitest';
import { LAN } from './farms.ts';
import { measureEvictions, type EvictionRow, type Kind, type Size } from './evictions.ts';
import type { MachinePlan, Span } from './types.ts';
import { World } from './world.ts';

const small: Size = { machines: 10, learnDays: 14, days: 1, builds: 10 };
const long: Kind = { name: '8 min', workMs: 480_000, tasks: 8 };
const short: Kind = { name: '2 s', workMs: 2_000, tasks: 20 };

describe('with good calendars', () => {
  let rows: readonly EvictionRow[] = [];
  beforeAll(() => {
    rows = measureEvictions(['good'], [1, 2], small, () => undefined, [long, short]);
  }, 120_000);
  const row = (task: string, knowledge: string): EvictionRow => {
    const found = rows.find((each) => each.task === task && each.knowledge === knowledge);
    if (found === undefined) throw new Error('no such row');
    return found;
  };

  test('tasks of eight minutes are evicted less often, lose less, and builds end no later', () => {
    const [none, calendar] = [row('8 min', 'none'), row('8 min', 'calendar')];
    expect(none.evicted.median).toBeGreaterThan(0.05);
    expect(calendar.evicted.median).toBeLessThan(0.6 * none.evicted.median);
    expect(calendar.lost.median).toBeLessThan(0.6 * none.lost.median);
    // Habits alone are not what does it.
    expect(calendar.lost.median).toBeLessThan(row('8 min', 'habits').lost.median);
    expect(calendar.makespan.median).toBeLessThan(1.05);
  });

  test('tasks of two seconds have nothing to gain, and lose nothing by it', () => {
    const [none, calendar] = [row('2 s', 'none'), row('2 s', 'calendar')];
    expect(none.evicted.most).toBeLessThan(0.005);
    expect(calendar.evicted.most).toBeLessThan(0.005);
    expect(calendar.makespan.median).toBeLessThan(1.1);
  });
});

describe('an owner who comes back five seconds after a command of twenty began', () => {
  test('and stays only for a bumped mouse: it stands still meanwhile and goes on', () => {
    expect(course([{ fromMs: 5_000, untilMs: 35_000 }], 60_000)).toEqual({ failures: 0, endedAfterS: 40 });
  });

  test('and stays: it is ended after the grace and the pause, and done elsewhere', () => {
    expect(course([{ fromMs: 5_000, untilMs: 900_000 }], 60_000)).toEqual({ failures: 1, endedAfterS: 95 });
  });

  test('and stays, without a pause: it is ended after the grace', () => {
    expect(course([{ fromMs: 5_000, untilMs: 900_000 }], 0)).toEqual({ failures: 1, endedAfterS: 35 });
  });

  test('a command that ends within the grace ends', () => {
    expect(course([{ fromMs: 12_000, untilMs: 900_000 }], 60_000)).toEqual({ failures: 0, endedAfterS: 20 });
  });
});

/** One task of twenty seconds on one machine, and on the delegator's own when that gives it up. */
function course(ownerThere: readonly Span[], freezeMs: number): { failures: number; endedAfterS: number } {
  const machine: MachinePlan = {
    id: 'm',
    speed: 1,
    slots: 1,
    cores: 1,
    memBytes: 2 ** 33,
    site: 0,
    diskMs: 0,
    skewPpm: 0,
    ownerThere,
    crashes: [],
    freezes: [],
    gray: [],
    failureProbability: 0,
  };
  const task = { id: 't', label: 't.cc', workMs: 20_000, predictedP80Ms: 20_000, bytes: 1000, memBytes: 2 ** 28 };
  const world = new World(
    {
      name: 'course',
      seed: 1,
      machines: [machine],
      delegators: [{ id: 'd', site: 0, ownSlots: 0, hereSlots: 1 }],
      builds: [{ delegator: 'd', startsAtMs: 0, jobs: 1, tasks: [task] }],
      network: LAN,
    },
    { freezeMs },
  );
  world.run();
  const { failures, makespanMs } = world.tally.outcome(world.scenario);
  return { failures, endedAfterS: Math.floor(makespanMs / 1000) };
}
