// Recurrence rules of RFC 5545 (section 3.3.10) in wall time: which moments a rule names, period by period. What a moment is in
// the world is the zone's business (zones.ts).
import { civilDate, DAY_MS, dayNumber, dayOf, daysInMonth, daysInYear, weekdayOf, type Weekday } from './civil.ts';

export type Frequency = 'YEARLY' | 'MONTHLY' | 'WEEKLY' | 'DAILY' | 'HOURLY' | 'MINUTELY' | 'SECONDLY';

export interface Rule {
  readonly freq: Frequency;
  /** At least 1. */
  readonly interval: number;
  /** How many in all, the start included; null: no end by number. */
  readonly count: number | null;
  /** The last wall time that may be one; null: no end by time. */
  readonly untilWallMs: number | null;
  readonly weekStart: Weekday;
  readonly bySecond: readonly number[];
  readonly byMinute: readonly number[];
  readonly byHour: readonly number[];
  /** `nth` 0: every one; 2: the second; -1: the last of the month or year. */
  readonly byDay: readonly { readonly weekday: Weekday; readonly nth: number }[];
  readonly byMonthDay: readonly number[];
  readonly byYearDay: readonly number[];
  readonly byWeekNo: readonly number[];
  readonly byMonth: readonly number[];
  readonly bySetPos: readonly number[];
}

/** Periods looked at for one rule: what needs more is hostile, or has its next occurrence beyond every window. */
export const STEPS_MAX = 20_000;

export interface RuleWindow {
  readonly fromWallMs: number;
  readonly untilWallMs: number;
}

export interface RuleResult {
  /** Within the window, in order, the start itself included if it lies there. */
  readonly wallMs: readonly number[];
  /** The bound on steps ended it before the window did. */
  readonly cut: boolean;
  /** Periods looked at and moments found: what it cost. */
  readonly steps: number;
}

/**
 * The wall times of a rule within a window (both ends included). The start is always the first, whether the rule matches it or
 * not, and counts. Periods long before the window are passed over by arithmetic, unless `count` needs them counted.
 */
export function recur(rule: Rule, startWallMs: number, window: RuleWindow, stepsMax: number = STEPS_MAX): RuleResult {
  const periods = periodsOf(rule, startWallMs);
  const lastWallMs = Math.min(rule.untilWallMs ?? Infinity, window.untilWallMs);
  const found: number[] = [];
  let counted = 1;
  let steps = 0;
  const done = (cut: boolean): RuleResult => ({ wallMs: found, cut, steps: steps + found.length });
  if (startWallMs >= window.fromWallMs && startWallMs <= window.untilWallMs) found.push(startWallMs);
  if (rule.count !== null && rule.count <= 1) return done(false);
  let index = rule.count === null ? periods.indexBefore(window.fromWallMs) : 0;
  for (; ; index++) {
    if (periods.startOf(index) > lastWallMs) return done(false);
    if (++steps > stepsMax) return done(true);
    for (const wallMs of pick(periods.times(index), rule.bySetPos)) {
      if (wallMs <= startWallMs) continue;
      if (wallMs > lastWallMs) return done(false);
      if (wallMs >= window.fromWallMs) found.push(wallMs);
      counted += 1;
      if (rule.count !== null && counted >= rule.count) return done(false);
      if (found.length >= stepsMax) return done(true);
    }
  }
}

/** BYSETPOS: some of each period's set, by position from its start or its end. */
function pick(times: readonly number[], positions: readonly number[]): readonly number[] {
  if (positions.length === 0) return times;
  const chosen = new Set<number>();
  for (const position of positions) {
    const time = times[position > 0 ? position - 1 : times.length + position];
    if (time !== undefined) chosen.add(time);
  }
  return [...chosen].sort((a, b) => a - b);
}

interface Periods {
  /** A wall time that nothing of the period lies before. */
  startOf(index: number): number;
  /** An index at or before the first period that reaches to `wallMs`, at least 0. */
  indexBefore(wallMs: number): number;
  /** All that the rule names in the period, in order. */
  times(index: number): readonly number[];
}

function periodsOf(rule: Rule, startWallMs: number): Periods {
  switch (rule.freq) {
    case 'YEARLY':
      return yearly(rule, startWallMs);
    case 'MONTHLY':
      return monthly(rule, startWallMs);
    case 'WEEKLY':
      return weekly(rule, startWallMs);
    case 'DAILY':
      return daily(rule, startWallMs);
    case 'HOURLY':
      return within(rule, startWallMs, 3_600_000);
    case 'MINUTELY':
      return within(rule, startWallMs, 60_000);
    case 'SECONDLY':
      return within(rule, startWallMs, 1000);
  }
}

function yearly(rule: Rule, startWallMs: number): Periods {
  const start = civilDate(dayOf(startWallMs));
  const times = timesOfDay(rule, startWallMs);
  const yearAt = (index: number): number => start.year + index * rule.interval;
  // A numbered week may begin in the December before its year.
  const early = rule.byWeekNo.length > 0 ? 7 : 0;
  return {
    startOf: (index) => (dayNumber(yearAt(index), 1, 1) - early) * DAY_MS,
    indexBefore: (wallMs) => Math.max(0, Math.floor((civilDate(dayOf(wallMs)).year - start.year) / rule.interval) - 1),
    times: (index) => onDays(daysOfYear(rule, yearAt(index), startWallMs), times),
  };
}

function daysOfYear(rule: Rule, year: number, startWallMs: number): number[] {
  const start = civilDate(dayOf(startWallMs));
  const { byMonth, byWeekNo, byYearDay, byMonthDay, byDay } = rule;
  const inMonths = (day: number): boolean => byMonth.length === 0 || byMonth.includes(civilDate(day).month);
  if (byWeekNo.length > 0) {
    const weekdays = byDay.length > 0 ? byDay.map((each) => each.weekday) : [weekdayOf(dayOf(startWallMs))];
    const days = daysOfWeeks(rule, year).filter((day) => weekdays.includes(weekdayOf(day)) && inMonths(day));
    return days.filter((day) => onMonthDay(rule, day) && onYearDay(rule, day));
  }
  if (byYearDay.length > 0) {
    const length = daysInYear(year);
    const first = dayNumber(year, 1, 1);
    const numbers = byYearDay.map((n) => (n > 0 ? n : length + n + 1)).filter((n) => n >= 1 && n <= length);
    const days = sorted(numbers.map((n) => first + n - 1));
    return days.filter((day) => inMonths(day) && onMonthDay(rule, day) && onPlainWeekday(rule, day));
  }
  const months = byMonth.length > 0 ? byMonth : byMonthDay.length > 0 ? allMonths : [];
  if (byMonthDay.length > 0) {
    const days = months.flatMap((month) => monthDays(byMonthDay, year, month));
    if (byDay.length === 0) return sorted(days);
    const named = new Set(
      byMonth.length > 0 ? months.flatMap((m) => weekdaysOfMonth(rule, year, m)) : weekdaysOfYear(rule, year),
    );
    return sorted(days.filter((day) => named.has(day)));
  }
  if (byDay.length > 0) {
    return sorted(
      byMonth.length > 0 ? byMonth.flatMap((month) => weekdaysOfMonth(rule, year, month)) : weekdaysOfYear(rule, year),
    );
  }
  const named = byMonth.length > 0 ? byMonth : [start.month];
  return sorted(named.flatMap((month) => monthDays([start.day], year, month)));
}

function monthly(rule: Rule, startWallMs: number): Periods {
  const start = civilDate(dayOf(startWallMs));
  const times = timesOfDay(rule, startWallMs);
  const firstMonth = start.year * 12 + start.month - 1;
  const monthAt = (index: number): { year: number; month: number } => {
    const months = firstMonth + index * rule.interval;
    return { year: Math.floor(months / 12), month: (months % 12) + 1 };
  };
  return {
    startOf: (index) => {
      const { year, month } = monthAt(index);
      return dayNumber(year, month, 1) * DAY_MS;
    },
    indexBefore: (wallMs) => {
      const { year, month } = civilDate(dayOf(wallMs));
      return Math.max(0, Math.floor((year * 12 + month - 1 - firstMonth) / rule.interval) - 1);
    },
    times: (index) => {
      const { year, month } = monthAt(index);
      if (rule.byMonth.length > 0 && !rule.byMonth.includes(month)) return [];
      const days = rule.byMonthDay.length > 0 ? monthDays(rule.byMonthDay, year, month) : null;
      if (rule.byDay.length === 0) return onDays(sorted(days ?? monthDays([start.day], year, month)), times);
      const named = weekdaysOfMonth(rule, year, month);
      return onDays(sorted(days === null ? named : days.filter((day) => named.includes(day))), times);
    },
  };
}

function weekly(rule: Rule, startWallMs: number): Periods {
  const startDay = dayOf(startWallMs);
  const times = timesOfDay(rule, startWallMs);
  const firstDay = startDay - ((weekdayOf(startDay) - rule.weekStart + 7) % 7);
  const weekdays = new Set(rule.byDay.length > 0 ? rule.byDay.map((each) => each.weekday) : [weekdayOf(startDay)]);
  const dayAt = (index: number): number => firstDay + index * rule.interval * 7;
  return {
    startOf: (index) => dayAt(index) * DAY_MS,
    indexBefore: (wallMs) => Math.max(0, Math.floor((dayOf(wallMs) - firstDay) / (7 * rule.interval)) - 1),
    times: (index) => {
      const first = dayAt(index);
      const days = week.map((n) => first + n).filter((day) => weekdays.has(weekdayOf(day)));
      return onDays(
        days.filter((day) => rule.byMonth.length === 0 || rule.byMonth.includes(civilDate(day).month)),
        times,
      );
    },
  };
}

function daily(rule: Rule, startWallMs: number): Periods {
  const startDay = dayOf(startWallMs);
  const times = timesOfDay(rule, startWallMs);
  return {
    startOf: (index) => (startDay + index * rule.interval) * DAY_MS,
    indexBefore: (wallMs) => Math.max(0, Math.floor((dayOf(wallMs) - startDay) / rule.interval) - 1),
    times: (index) => {
      const day = startDay + index * rule.interval;
      return passes(rule, day) ? onDays([day], times) : [];
    },
  };
}

/** Hours, minutes and seconds: the unit steps, the smaller parts expand, the larger ones limit. */
function within(rule: Rule, startWallMs: number, unitMs: number): Periods {
  const stepMs = unitMs * rule.interval;
  const first = Math.floor(startWallMs / unitMs) * unitMs;
  const second = Math.floor(startWallMs / 1000) % 60;
  const minute = Math.floor(startWallMs / 60_000) % 60;
  const minutes = unitMs > 60_000 ? (rule.byMinute.length > 0 ? rule.byMinute : [mod(minute, 60)]) : [0];
  const seconds = unitMs > 1000 ? (rule.bySecond.length > 0 ? rule.bySecond : [mod(second, 60)]) : [0];
  const offsets = sorted(minutes.flatMap((m) => seconds.map((s) => (m * 60 + s) * 1000)));
  return {
    startOf: (index) => first + index * stepMs,
    indexBefore: (wallMs) => Math.max(0, Math.floor((wallMs - first) / stepMs) - 1),
    times: (index) => {
      const at = first + index * stepMs;
      const day = dayOf(at);
      const timeMs = at - day * DAY_MS;
      if (!passes(rule, day)) return [];
      if (rule.byHour.length > 0 && !rule.byHour.includes(Math.floor(timeMs / 3_600_000))) return [];
      if (unitMs <= 60_000 && rule.byMinute.length > 0 && !rule.byMinute.includes(Math.floor(timeMs / 60_000) % 60))
        return [];
      if (unitMs <= 1000 && rule.bySecond.length > 0 && !rule.bySecond.includes(Math.floor(timeMs / 1000) % 60))
        return [];
      return offsets.map((offset) => at + offset);
    },
  };
}

const week = [0, 1, 2, 3, 4, 5, 6] as const;
const allMonths = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] as const;

/** Whether a single day passes all limits on days. */
function passes(rule: Rule, day: number): boolean {
  if (rule.byMonth.length > 0 && !rule.byMonth.includes(civilDate(day).month)) return false;
  return onMonthDay(rule, day) && onYearDay(rule, day) && onPlainWeekday(rule, day);
}

function onMonthDay(rule: Rule, day: number): boolean {
  if (rule.byMonthDay.length === 0) return true;
  const { year, month } = civilDate(day);
  return monthDays(rule.byMonthDay, year, month).includes(day);
}

function onYearDay(rule: Rule, day: number): boolean {
  if (rule.byYearDay.length === 0) return true;
  const { year } = civilDate(day);
  const number = day - dayNumber(year, 1, 1) + 1;
  return rule.byYearDay.includes(number) || rule.byYearDay.includes(number - daysInYear(year) - 1);
}

function onPlainWeekday(rule: Rule, day: number): boolean {
  return rule.byDay.length === 0 || rule.byDay.some((each) => each.weekday === weekdayOf(day));
}

function monthDays(numbers: readonly number[], year: number, month: number): number[] {
  const length = daysInMonth(year, month);
  const days = numbers.map((n) => (n > 0 ? n : length + n + 1)).filter((n) => n >= 1 && n <= length);
  return days.map((n) => dayNumber(year, month, n));
}

function weekdaysOfMonth(rule: Rule, year: number, month: number): number[] {
  return nthWeekdays(rule, dayNumber(year, month, 1), daysInMonth(year, month));
}

function weekdaysOfYear(rule: Rule, year: number): number[] {
  return nthWeekdays(rule, dayNumber(year, 1, 1), daysInYear(year));
}

/** The days that BYDAY names in a month or a year: every such weekday, or the nth from either end. */
function nthWeekdays(rule: Rule, first: number, length: number): number[] {
  const days: number[] = [];
  for (const { weekday, nth } of rule.byDay) {
    const firstSuch = first + ((weekday - weekdayOf(first) + 7) % 7);
    const count = Math.floor((first + length - 1 - firstSuch) / 7) + 1;
    if (nth === 0) for (let i = 0; i < count; i++) days.push(firstSuch + 7 * i);
    else if (nth > 0 && nth <= count) days.push(firstSuch + 7 * (nth - 1));
    else if (nth < 0 && -nth <= count) days.push(firstSuch + 7 * (count + nth));
  }
  return days;
}

/** The days of the numbered weeks of a year: week 1 is the first with at least four days in it. */
function daysOfWeeks(rule: Rule, year: number): number[] {
  const first = firstWeek(year, rule.weekStart);
  const count = (firstWeek(year + 1, rule.weekStart) - first) / 7;
  const weeks = sorted(rule.byWeekNo.map((n) => (n > 0 ? n : count + n + 1)).filter((n) => n >= 1 && n <= count));
  return weeks.flatMap((n) => week.map((i) => first + 7 * (n - 1) + i));
}

function firstWeek(year: number, weekStart: Weekday): number {
  const january = dayNumber(year, 1, 1);
  const before = (weekdayOf(january) - weekStart + 7) % 7;
  return before <= 3 ? january - before : january - before + 7;
}

/** Times of day that the rule names, milliseconds from midnight; what it leaves open comes from the start. */
function timesOfDay(rule: Rule, startWallMs: number): number[] {
  const second = Math.floor((startWallMs - dayOf(startWallMs) * DAY_MS) / 1000);
  const hours = rule.byHour.length > 0 ? rule.byHour : [Math.floor(second / 3600)];
  const minutes = rule.byMinute.length > 0 ? rule.byMinute : [Math.floor(second / 60) % 60];
  const seconds = rule.bySecond.length > 0 ? rule.bySecond : [second % 60];
  return sorted(hours.flatMap((h) => minutes.flatMap((m) => seconds.map((s) => ((h * 60 + m) * 60 + s) * 1000))));
}

function onDays(days: readonly number[], times: readonly number[]): number[] {
  return days.flatMap((day) => times.map((time) => day * DAY_MS + time));
}

function sorted(values: readonly number[]): number[] {
  return [...new Set(values)].sort((a, b) => a - b);
}

function mod(value: number, by: number): number {
  return ((value % by) + by) % by;
}
