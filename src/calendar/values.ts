// Values of iCalendar properties as ical.js gives them (jCal, RFC 7265) turned into our own, strictly: what is not a real date, a
// real rule or a real duration is a problem that is told, never a guess.
import { parseWall, type Weekday } from './civil.ts';
import type { Frequency, Rule } from './recurrence.ts';
import type { CalendarDuration, CalendarPeriod, CalendarTime, RuleSpec } from './types.ts';
import { utc, type Zone } from './zones.ts';

/** One property of jCal: name, parameters, type, values. */
export type Property = readonly [string, Readonly<Record<string, unknown>>, string, ...unknown[]];

/** A value that cannot be read; the message is for people. */
export class BadValue extends Error {}

/** What TZIDs mean in this calendar; a name that nobody knows is read as the owner's own zone, and told. */
export type ZoneFinder = (tzid: string) => Zone | null;

export function parameter(property: Property, name: string): string {
  const value = property[1][name];
  return typeof value === 'string' ? value : Array.isArray(value) ? String(value[0] ?? '') : '';
}

export function valuesOf(property: Property): readonly unknown[] {
  return property.slice(3);
}

export function textOf(property: Property | undefined, max = 1000): string {
  const value = property?.[3];
  return typeof value === 'string' ? value.slice(0, max) : Array.isArray(value) ? value.join(' ').slice(0, max) : '';
}

/** A date or a date and time. `zone`: of the TZID; null for one that is unknown. */
export function readTime(text: unknown, tzid: string, findZone: ZoneFinder): CalendarTime {
  if (typeof text !== 'string') throw new BadValue('a date is missing');
  const isUtc = text.endsWith('Z');
  const parsed = parseWall(isUtc ? text.slice(0, -1) : text);
  if (parsed === null) throw new BadValue(`«${text.slice(0, 40)}» is no date`);
  if (parsed.isDate) return { wallMs: parsed.wallMs, kind: 'date', zone: null };
  if (isUtc) return { wallMs: parsed.wallMs, kind: 'utc', zone: utc };
  const zone = tzid === '' ? null : findZone(tzid);
  if (zone === null) return { wallMs: parsed.wallMs, kind: 'floating', zone: null };
  return { wallMs: parsed.wallMs, kind: 'zoned', zone };
}

export function timesOf(property: Property, findZone: ZoneFinder): CalendarTime[] {
  const tzid = parameter(property, 'tzid');
  return valuesOf(property).map((value) => readTime(value, tzid, findZone));
}

const DAYS_MAX = 36_600;

export function readDuration(text: unknown): CalendarDuration {
  const found = /^([+-])?P(?:(\d{1,6})W)?(?:(\d{1,6})D)?(?:T(?:(\d{1,7})H)?(?:(\d{1,8})M)?(?:(\d{1,9})S)?)?$/.exec(
    String(text),
  );
  if (found === null || !/\d/.test(String(text))) throw new BadValue(`«${String(text).slice(0, 40)}» is no duration`);
  const [weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = found.slice(2).map((part) => Number(part ?? 0));
  const sign = found[1] === '-' ? -1 : 1;
  const duration = { days: sign * (weeks * 7 + days), ms: sign * ((hours * 60 + minutes) * 60 + seconds) * 1000 };
  if (Math.abs(duration.days) > DAYS_MAX || Math.abs(duration.ms) > DAYS_MAX * 86_400_000) {
    throw new BadValue(`«${String(text).slice(0, 40)}» is longer than a century`);
  }
  return duration;
}

/** RDATE and FREEBUSY: moments, or periods with an end or a length. */
export function periodsOf(property: Property, findZone: ZoneFinder): CalendarPeriod[] {
  const tzid = parameter(property, 'tzid');
  return valuesOf(property).map((value) => {
    if (!Array.isArray(value)) return { start: readTime(value, tzid, findZone), end: null, duration: null };
    const [start, end] = value as readonly unknown[];
    const isDuration = typeof end === 'string' && /^[+-]?P/.test(end);
    return {
      start: readTime(start, tzid, findZone),
      end: isDuration ? null : readTime(end, tzid, findZone),
      duration: isDuration ? readDuration(end) : null,
    };
  });
}

const frequencies = new Set<string>(['YEARLY', 'MONTHLY', 'WEEKLY', 'DAILY', 'HOURLY', 'MINUTELY', 'SECONDLY']);
const weekdays = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'];
const PARTS_MAX = 400;
/** Every five minutes: no event of a person's takes place more often. */
const TIMES_A_DAY_MAX = 288;

/** RRULE and EXRULE. */
export function readRule(property: Property, findZone: ZoneFinder): RuleSpec {
  const parts = property[3];
  if (typeof parts !== 'object' || parts === null) throw new BadValue('a rule without parts');
  const part = new Map<string, unknown>(Object.entries(parts as Record<string, unknown>));
  if (part.has('rscale') && String(part.get('rscale')).toUpperCase() !== 'GREGORIAN') {
    throw new BadValue(`rules of the ${String(part.get('rscale')).slice(0, 20)} calendar are not known`);
  }
  const freq = textIn(part.get('freq')).toUpperCase();
  if (!frequencies.has(freq)) throw new BadValue(`a rule of frequency «${freq.slice(0, 20)}»`);
  const numbers = (name: string, min: number, max: number, zero = false): number[] => {
    const listed = listOf(part.get(name)).map(Number);
    if (listed.length > PARTS_MAX) throw new BadValue(`${name.toUpperCase()} lists too much`);
    for (const n of listed) {
      if (!Number.isInteger(n) || n < min || n > max || (n === 0 && !zero))
        throw new BadValue(`${name.toUpperCase()}=${n}`);
    }
    return listed;
  };
  const single = (name: string): number | null => {
    const value = part.get(name);
    if (value === undefined) return null;
    const number = Number(value);
    if (!Number.isInteger(number) || number < 1)
      throw new BadValue(`${name.toUpperCase()}=${textIn(value).slice(0, 20)}`);
    return number;
  };
  const weekStart = part.get('wkst');
  const rule: Rule = {
    freq: freq as Frequency,
    interval: single('interval') ?? 1,
    count: single('count'),
    untilWallMs: null,
    // ical.js counts from Sunday = 1; text is the standard's own.
    weekStart: (typeof weekStart === 'number'
      ? (weekStart + 5) % 7
      : Math.max(0, weekdays.indexOf(textIn(weekStart ?? 'MO')))) as Weekday,
    bySecond: numbers('bysecond', 0, 60, true).map((n) => Math.min(n, 59)),
    byMinute: numbers('byminute', 0, 59, true),
    byHour: numbers('byhour', 0, 23, true),
    byDay: listOf(part.get('byday')).map(readWeekday),
    byMonthDay: numbers('bymonthday', -31, 31),
    byYearDay: numbers('byyearday', -366, 366),
    byWeekNo: numbers('byweekno', -53, 53),
    byMonth: numbers('bymonth', 1, 12),
    bySetPos: numbers('bysetpos', -366, 366),
  };
  const timesADay = [rule.byHour, rule.byMinute, rule.bySecond].reduce(
    (all, list) => all * Math.max(1, list.length),
    1,
  );
  if (timesADay > TIMES_A_DAY_MAX) throw new BadValue(`a rule for ${timesADay} times a day`);
  const until = part.get('until');
  return { rule, until: until === undefined ? null : readTime(until, '', findZone) };
}

function readWeekday(value: unknown): { weekday: Weekday; nth: number } {
  const [, nth = '', name = ''] = /^([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)$/i.exec(String(value)) ?? [];
  const weekday = weekdays.indexOf(name.toUpperCase());
  if (weekday < 0 || Math.abs(Number(nth)) > 53) throw new BadValue(`BYDAY=${String(value).slice(0, 20)}`);
  return { weekday: weekday as Weekday, nth: Number(nth) };
}

function textIn(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

function listOf(value: unknown): readonly unknown[] {
  return value === undefined || value === null ? [] : Array.isArray(value) ? value : [value];
}
