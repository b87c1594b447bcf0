// Rules against a second reading of RFC 5545 that looks at every single day, for thousands of random rules; and what must hold for
// any rule: order, bounds, the same answer for every window.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { civilDate, DAY_MS, dayNumber, dayOf, daysInMonth, daysInYear, weekdayOf, type Weekday } from './civil.ts';
import { recur, type Rule } from './recurrence.ts';

const none: Rule = {
  freq: 'DAILY',
  interval: 1,
  count: null,
  untilWallMs: null,
  weekStart: 0,
  bySecond: [],
  byMinute: [],
  byHour: [],
  byDay: [],
  byMonthDay: [],
  byYearDay: [],
  byWeekNo: [],
  byMonth: [],
  bySetPos: [],
};
const start = dayNumber(2024, 1, 31) * DAY_MS + 9 * 3_600_000;
const startDay = dayOf(start);

/** Whether the rule names this day, by looking at the day alone. */
function names(rule: Rule, day: number): boolean {
  const { year, month, day: date } = civilDate(day);
  const first = civilDate(startDay);
  const inMonth = rule.byMonth.length === 0 || rule.byMonth.includes(month);
  const onDate =
    rule.byMonthDay.length === 0 ||
    rule.byMonthDay.some((n) => (n > 0 ? n === date : daysInMonth(year, month) + n + 1 === date));
  const nthOf = (position: number, length: number, nth: number): boolean =>
    nth === 0 || (nth > 0 ? Math.ceil(position / 7) === nth : Math.ceil((length - position + 1) / 7) === -nth);
  const onWeekday = (position: number, length: number): boolean =>
    rule.byDay.length === 0 ||
    rule.byDay.some((each) => each.weekday === weekdayOf(day) && nthOf(position, length, each.nth));
  switch (rule.freq) {
    case 'DAILY':
      return (day - startDay) % rule.interval === 0 && inMonth && onDate && onWeekday(1, 1);
    case 'WEEKLY': {
      const weekOf = (d: number): number => Math.floor((d - 4 - rule.weekStart) / 7);
      const [a, b] = [weekOf(day), weekOf(startDay)];
      const named = rule.byDay.length > 0 ? onWeekday(1, 1) : weekdayOf(day) === weekdayOf(startDay);
      return (a - b) % rule.interval === 0 && inMonth && named;
    }
    case 'MONTHLY': {
      const months = (year - first.year) * 12 + month - first.month;
      const byDefault = rule.byMonthDay.length > 0 || rule.byDay.length > 0 || date === first.day;
      return (
        months % rule.interval === 0 && inMonth && onDate && onWeekday(date, daysInMonth(year, month)) && byDefault
      );
    }
    case 'YEARLY': {
      const position = day - dayNumber(year, 1, 1) + 1;
      const monthly = rule.byMonth.length > 0;
      const weekday = monthly ? onWeekday(date, daysInMonth(year, month)) : onWeekday(position, daysInYear(year));
      const free = rule.byMonthDay.length > 0 || rule.byDay.length > 0;
      const byDefault = free || (date === first.day && (monthly || month === first.month));
      return (year - first.year) % rule.interval === 0 && inMonth && onDate && weekday && byDefault;
    }
    default:
      throw new Error(rule.freq);
  }
}

const some = <T>(values: readonly T[], max: number): fc.Arbitrary<T[]> =>
  fc.uniqueArray(fc.constantFrom(...values), { maxLength: max });
const ordinals = [0, 0, 0, 1, 2, 5, -1, -2];
const ruleArbitrary: fc.Arbitrary<Rule> = fc
  .record({
    freq: fc.constantFrom('DAILY' as const, 'WEEKLY' as const, 'MONTHLY' as const, 'YEARLY' as const),
    interval: fc.integer({ min: 1, max: 5 }),
    weekStart: fc.constantFrom(0 as const, 6 as const),
    byMonth: some([1, 2, 3, 7, 12], 2),
    byMonthDay: some([1, 13, 29, 31, -1, -31], 2),
    byDay: fc.uniqueArray(
      fc.record({
        weekday: fc.integer({ min: 0, max: 6 }) as fc.Arbitrary<Weekday>,
        nth: fc.constantFrom(...ordinals),
      }),
      { maxLength: 2, selector: (each) => `${each.weekday} ${each.nth}` },
    ),
  })
  .map((parts) => {
    const plain = parts.freq === 'DAILY' || parts.freq === 'WEEKLY';
    return {
      ...none,
      ...parts,
      byMonthDay: parts.freq === 'WEEKLY' ? [] : parts.byMonthDay,
      byDay: plain ? parts.byDay.map((each) => ({ ...each, nth: 0 })) : parts.byDay,
    };
  });

describe('rules', () => {
  test('name the days that a look at each single day names', () => {
    const untilDay = startDay + 6 * 366;
    fc.assert(
      fc.property(ruleArbitrary, (rule) => {
        const expected = [start];
        for (let day = startDay + 1; day <= untilDay; day++) {
          if (names(rule, day)) expected.push(day * DAY_MS + 9 * 3_600_000);
        }
        const window = { fromWallMs: start, untilWallMs: (untilDay + 1) * DAY_MS - 1 };
        expect(recur(rule, start, window)).toMatchObject({ wallMs: expected, cut: false });
      }),
      { numRuns: 400 },
    );
  });

  test('give the same for a window as for all, however far the window is from the start', () => {
    fc.assert(
      fc.property(ruleArbitrary, fc.nat(3000), fc.nat(200), (rule, from, days) => {
        const window = { fromWallMs: start + from * DAY_MS, untilWallMs: start + (from + days) * DAY_MS };
        const all = recur(rule, start, { fromWallMs: start, untilWallMs: window.untilWallMs }).wallMs;
        expect(recur(rule, start, window).wallMs).toEqual(all.filter((wallMs) => wallMs >= window.fromWallMs));
      }),
      { numRuns: 300 },
    );
  });

  test('BYSETPOS picks from each period’s set', () => {
    fc.assert(
      fc.property(ruleArbitrary, fc.constantFrom(1, 2, -1, -2), (rule, position) => {
        const window = { fromWallMs: start, untilWallMs: start + 2000 * DAY_MS };
        const all = new Set(recur(rule, start, window).wallMs);
        const picked = recur({ ...rule, bySetPos: [position] }, start, window).wallMs;
        for (const wallMs of picked) expect(all.has(wallMs)).toBe(true);
        expect([...picked].sort((a, b) => a - b)).toEqual(picked);
      }),
      { numRuns: 100 },
    );
  });

  test('count counts the start, whatever the window', () => {
    const rule = { ...none, count: 10 };
    const days = recur(rule, start, { fromWallMs: start + 8 * DAY_MS, untilWallMs: Infinity }).wallMs;
    expect(days).toEqual([start + 8 * DAY_MS, start + 9 * DAY_MS]);
  });

  test('what never ends is cut at its bound', () => {
    const rule: Rule = { ...none, freq: 'SECONDLY' };
    const result = recur(rule, start, { fromWallMs: start, untilWallMs: Infinity });
    expect(result.cut).toBe(true);
    expect(result.wallMs.length).toBeLessThanOrEqual(20_000);
    const never = recur({ ...none, freq: 'YEARLY', byMonth: [2], byMonthDay: [30] }, start, {
      fromWallMs: start,
      untilWallMs: Infinity,
    });
    expect(never).toMatchObject({ wallMs: [start], cut: true });
  });
});

test('day numbers and dates are each other’s inverse', () => {
  expect(dayNumber(1970, 1, 1)).toBe(0);
  expect(dayNumber(2000, 3, 1)).toBe(11_017);
  expect(weekdayOf(dayNumber(2026, 11, 22))).toBe(6);
  fc.assert(
    fc.property(fc.integer({ min: -1_000_000, max: 3_000_000 }), (day) => {
      const { year, month, day: date } = civilDate(day);
      expect(dayNumber(year, month, date)).toBe(day);
      expect(date).toBeLessThanOrEqual(daysInMonth(year, month));
    }),
  );
});
