// S(d): what must hold of it always, and how well it forecasts owners of our own making whose calendars are good, middling and poor.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createPrng } from '../../base/prng.ts';
import { Habits } from './habits.ts';
import { componentsOf, DRAIN_BEFORE_MS, drainAt, stayFree } from './mixture.ts';
import { OwnerModel } from './owner-model.ts';
import { Reliability } from './reliability.ts';
import { BreakLengths, BreaksByHour, eventSurvival, normalAbove } from './survival.ts';
import { calendars, liveThrough, synthesise } from './synthetic-owner.ts';
import type { Stretch, StretchClass } from './types.ts';

const utc = { toWall: (ms: number): number => ms, toInstant: (ms: number): number => ms };
const knowledge = (): Parameters<typeof componentsOf>[3] => ({
  breaks: new BreaksByHour(),
  habits: new Habits(),
  reliability: new Reliability(),
  clock: utc,
});
const HOUR = 3_600_000;
const monday = 4 * 86_400_000;

const classes: StretchClass[] = [
  'REMOTE_OK',
  'NO_REMOTE',
  'WANTED',
  'AWAY_LONG',
  'ELSEWHERE',
  'DESK_MEETING',
  'AWAY_MEETING',
  'SOLO_BLOCK',
];
const stretchArbitrary: fc.Arbitrary<Stretch> = fc
  .record({
    startAtMs: fc.integer({ min: monday, max: monday + 48 * HOUR }),
    lengthMs: fc.integer({ min: 60_000, max: 30 * HOUR }),
    class: fc.constantFrom(...classes),
    weight: fc.constantFrom(0.5, 1),
    source: fc.constantFrom('a', 'b'),
  })
  .map(({ lengthMs, ...rest }) => ({ ...rest, endAtMs: rest.startAtMs + lengthMs }));

describe('S(d), whatever the calendar says', () => {
  const situation = fc.tuple(
    fc.array(stretchArbitrary, { maxLength: 12 }),
    fc.integer({ min: monday, max: monday + 48 * HOUR }),
    fc.integer({ min: 0, max: 20 * HOUR }),
  );

  test('weights add up to 1', () => {
    fc.assert(
      fc.property(situation, ([stretches, now, away]) => {
        const components = componentsOf(stretches, now - away, now, knowledge());
        expect(components.reduce((sum, each) => sum + each.weight, 0)).toBeCloseTo(1, 9);
        for (const { weight } of components) expect(weight).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  test('is 1 at 0, never rises, and is 0 past a drain', () => {
    fc.assert(
      fc.property(
        situation,
        fc.array(fc.integer({ min: 0, max: 12 * HOUR }), { minLength: 2, maxLength: 20 }),
        ([stretches, now, away], durations) => {
          const components = componentsOf(stretches, now - away, now, knowledge());
          const drain = drainAt(stretches, now);
          expect(stayFree(components, now, 0, drain)).toBe(1);
          let last = 1;
          for (const d of [...durations].sort((a, b) => a - b)) {
            const s = stayFree(components, now, d, drain);
            expect(s).toBeLessThanOrEqual(last + 1e-9);
            expect(s).toBeGreaterThanOrEqual(0);
            if (d > 0 && now + d > drain) expect(s).toBe(0);
            last = s;
          }
        },
      ),
    );
  });

  test('what an offer tells is in steps of 5 %', () => {
    fc.assert(
      fc.property(situation, ([stretches, now, away]) => {
        const model = new OwnerModel(utc);
        const told = model.forecast(now, { state: 'away', sinceAtMs: now - away, locked: false }, stretches);
        expect(told).toHaveLength(8);
        for (const [i, value] of told.entries()) {
          expect(Math.abs(value * 20 - Math.round(value * 20))).toBeLessThan(1e-9);
          if (i > 0) expect(value).toBeLessThanOrEqual(told[i - 1] ?? 1);
        }
      }),
    );
  });
});

describe('what a calendar is worth', () => {
  const meeting: Stretch = {
    startAtMs: monday + 10 * HOUR,
    endAtMs: monday + 11 * HOUR,
    class: 'AWAY_MEETING',
    weight: 1,
    source: 'a',
  };
  const at = (stretches: Stretch[], minutesAway: number, d: number): number => {
    const now = monday + 10 * HOUR + minutesAway * 60_000;
    return stayFree(
      componentsOf(stretches, now - minutesAway * 60_000, now, knowledge()),
      now,
      d,
      drainAt(stretches, now),
    );
  };

  test('an owner who left at the start of a meeting stays away longer than one who just left', () => {
    expect(at([meeting], 5, HOUR / 2)).toBeGreaterThan(at([], 5, HOUR / 2) + 0.3);
  });

  test('the longer the owner has been away in it, the surer', () => {
    expect(at([meeting], 20, HOUR / 4)).toBeGreaterThan(at([meeting], 2, HOUR / 4));
  });

  test('shortly before its end it promises little more', () => {
    expect(at([meeting], 57, HOUR / 2)).toBeLessThan(0.5);
  });

  test('half as much when tentative', () => {
    const tentative = { ...meeting, weight: 0.5 };
    expect(at([tentative], 5, HOUR / 2)).toBeLessThan(at([meeting], 5, HOUR / 2));
  });

  test('a demo at noon: nothing that would run into it', () => {
    const demo: Stretch = {
      startAtMs: monday + 12 * HOUR,
      endAtMs: monday + 13 * HOUR,
      class: 'WANTED',
      weight: 1,
      source: 'a',
    };
    const now = monday + 11 * HOUR;
    const components = componentsOf([demo], now - HOUR, now, knowledge());
    const drain = drainAt([demo], now);
    expect(drain).toBe(demo.startAtMs - DRAIN_BEFORE_MS);
    expect(stayFree(components, now, 59 * 60_000, drain)).toBe(0);
    expect(stayFree(components, now, 57 * 60_000, drain)).toBeGreaterThan(0);
  });

  test('who leaves in the evening comes back in the morning', () => {
    const now = monday + 19 * HOUR;
    const components = componentsOf([], now - HOUR, now, knowledge());
    expect(stayFree(components, now, 8 * HOUR, Infinity)).toBeGreaterThan(0.8);
    expect(stayFree(components, now, 16 * HOUR, Infinity)).toBeLessThan(0.1);
  });
});

test('survival functions fall from one to nothing', () => {
  expect(normalAbove(0)).toBeCloseTo(0.5, 6);
  expect(normalAbove(1.96)).toBeCloseTo(0.025, 4);
  expect(normalAbove(-1.96)).toBeCloseTo(0.975, 4);
  const breaks = new BreakLengths();
  expect(breaks.survival(5 * 60_000)).toBeCloseTo(0.5, 2);
  for (let i = 0; i < 500; i++) breaks.observe(60_000 * (20 + (i % 10)));
  expect(breaks.survival(10 * 60_000)).toBeGreaterThan(0.9);
  expect(breaks.survival(60 * 60_000)).toBeLessThan(0.1);
  expect(eventSurvival(0, HOUR, 0)).toBeGreaterThan(0.99);
  expect(eventSurvival(0, HOUR, 2 * HOUR)).toBeLessThan(0.01);
});

describe('owners of our own making, half a year each', () => {
  test.each([
    ['good', 0.5],
    ['middling', 0.3],
    ['poor', 0.2],
  ] as const)('a %s calendar: skill at least %d, well calibrated', (kind, skill) => {
    for (const seed of [1, 2, 3]) {
      const owner = synthesise(calendars[kind], 180, createPrng(seed));
      const model = new OwnerModel(utc);
      liveThrough(model, owner);
      const [quarter, hour] = model.calibration.scores;
      expect.soft(quarter?.skill, `15 min, seed ${seed}`).toBeGreaterThanOrEqual(skill);
      expect.soft(hour?.skill, `60 min, seed ${seed}`).toBeGreaterThanOrEqual(skill);
      expect.soft(quarter?.calibrationError, `15 min, seed ${seed}`).toBeLessThanOrEqual(0.035);
      expect.soft(hour?.calibrationError, `60 min, seed ${seed}`).toBeLessThanOrEqual(0.035);
    }
  });

  test('a calendar that says the contrary of what happens is switched off, one that helps is not', () => {
    const owner = synthesise(calendars.good, 90, createPrng(5));
    const wrong = owner.stretches.map((each) => ({
      ...each,
      startAtMs: each.startAtMs + 3 * HOUR,
      endAtMs: each.endAtMs + 3 * HOUR,
      source: 'wrong',
    }));
    const model = new OwnerModel(utc);
    liveThrough(model, { ...owner, stretches: [...owner.stretches, ...wrong] });
    expect(model.calibration.isOff('calendar', owner.endAtMs)).toBe(false);
    expect(model.calibration.isOff('wrong', owner.endAtMs)).toBe(true);
    expect(model.calibration.skillOf('calendar')).toBeGreaterThan(0);
    expect(model.calibration.skillOf('wrong')).toBeLessThan(model.calibration.skillOf('calendar') ?? 0);
  });

  test('of a calendar that is removed nothing is kept', () => {
    const owner = synthesise(calendars.good, 60, createPrng(9));
    const gone = owner.stretches.map((each) => ({ ...each, source: 'gone one' }));
    const model = new OwnerModel(utc);
    liveThrough(model, { ...owner, stretches: [...owner.stretches, ...gone] });
    const said = (): string => JSON.stringify([model.export().reliability, model.export().sources]);
    expect(said()).toContain('gone one');
    model.keepOnly(new Set(['calendar']));
    expect(said()).not.toContain('gone one');
    expect(said()).toContain('calendar AWAY_MEETING');
  });

  test('what was learned is kept', () => {
    const owner = synthesise(calendars.good, 60, createPrng(9));
    const model = new OwnerModel(utc);
    liveThrough(model, owner);
    const again = new OwnerModel(utc, JSON.parse(JSON.stringify(model.export())));
    const now = owner.endAtMs;
    const presence = { state: 'away' as const, sinceAtMs: now - 600_000, locked: true };
    expect(again.forecast(now, presence, owner.stretches)).toEqual(model.forecast(now, presence, owner.stretches));
  });
});
