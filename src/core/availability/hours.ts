// The hours in which the owner lends the machine: «18:00-8:00», «mon-fri 18:00-8:00, sat, sun», in wall time. Outside of them it helps
// nobody; without any, presence and calendar decide alone.
import { err, ok, type Result } from '../../base/result.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const WEEK_MS = 7 * DAY_MS;

/** Stretches of a week that begins on Monday at 0:00, in order and apart; an end beyond the week runs on into the next. */
export interface Hours {
  readonly spans: readonly { readonly fromMs: number; readonly untilMs: number }[];
}

export interface HoursFault {
  /** Into the text, from 0. */
  readonly position: number;
  readonly message: string;
}

const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

/** Parts are set apart by commas: days, a time span, or both. */
export function parseHours(text: string): Result<Hours, HoursFault> {
  const spans: { fromMs: number; untilMs: number }[] = [];
  let position = 0;
  for (const part of text.split(',')) {
    const at = position + (part.length - part.trimStart().length);
    position += part.length + 1;
    const words = part
      .trim()
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== '');
    if (words.length === 0)
      return err({ position: at, message: 'days or a time span are wanted, as in «mon-fri 18:00-8:00, sat»' });
    if (words.length > 2)
      return err({ position: at, message: `«${part.trim()}» is too long; parts are set apart by commas` });
    const [first = '', second] = words;
    const named = daysOf(first);
    const times = named === null ? first : second;
    if (named === null && second !== undefined)
      return err({ position: at, message: `«${first}» is no day; days are ${days.join(' ')}` });
    const span = times === undefined ? { from: 0, until: 1440 } : spanOf(times);
    if (span === null) {
      return err({
        position:
          at +
          Math.max(
            0,
            part
              .trim()
              .toLowerCase()
              .lastIndexOf(times ?? ''),
          ),
        message: `«${times}» is neither days (mon-fri) nor a time span (18:00-8:00)`,
      });
    }
    for (const day of named ?? [0, 1, 2, 3, 4, 5, 6]) {
      const until = span.until > span.from ? span.until : span.until + 1440;
      spans.push({ fromMs: day * DAY_MS + span.from * MINUTE_MS, untilMs: day * DAY_MS + until * MINUTE_MS });
    }
  }
  return ok({ spans: joined(spans) });
}

/** Whether a wall time (milliseconds since 1970-01-01 on the owner's wall) is within, and until when that stays so. */
export function withinHours(hours: Hours, wallMs: number): { readonly within: boolean; readonly untilWallMs: number } {
  // 1970-01-05 was a Monday.
  const intoWeek = (((wallMs - 4 * DAY_MS) % WEEK_MS) + WEEK_MS) % WEEK_MS;
  const weekStart = wallMs - intoWeek;
  const around = [-WEEK_MS, 0, WEEK_MS].flatMap((shift) =>
    hours.spans.map(({ fromMs, untilMs }) => ({ fromMs: fromMs + shift, untilMs: untilMs + shift })),
  );
  const spans = joined(around);
  const inside = spans.find(({ fromMs, untilMs }) => fromMs <= intoWeek && intoWeek < untilMs);
  if (inside !== undefined) {
    const always = inside.untilMs - inside.fromMs >= WEEK_MS;
    return { within: true, untilWallMs: always ? Infinity : weekStart + inside.untilMs };
  }
  const next = spans.find(({ fromMs }) => fromMs > intoWeek);
  return { within: false, untilWallMs: next === undefined ? Infinity : weekStart + next.fromMs };
}

function daysOf(word: string): number[] | null {
  const [from = '', to = from, ...more] = word.split('-');
  const [first, last] = [days.indexOf(from.slice(0, 3)), days.indexOf(to.slice(0, 3))];
  if (first < 0 || last < 0 || more.length > 0 || !/^[a-z]+$/.test(from + to)) return null;
  return Array.from({ length: ((last - first + 7) % 7) + 1 }, (_, i) => (first + i) % 7);
}

/** Minutes after midnight. */
function spanOf(text: string): { from: number; until: number } | null {
  const found = /^(\d{1,2})(?::(\d\d))?-(\d{1,2})(?::(\d\d))?$/.exec(text);
  if (found === null) return null;
  const [fromHour = 0, fromMinute = 0, untilHour = 0, untilMinute = 0] = found
    .slice(1)
    .map((part) => Number(part ?? 0));
  if (fromHour > 23 || untilHour > 24 || fromMinute > 59 || untilMinute > 59) return null;
  return { from: fromHour * 60 + fromMinute, until: Math.min(1440, untilHour * 60 + untilMinute) };
}

function joined(spans: readonly { fromMs: number; untilMs: number }[]): { fromMs: number; untilMs: number }[] {
  const found: { fromMs: number; untilMs: number }[] = [];
  for (const span of [...spans].sort((a, b) => a.fromMs - b.fromMs)) {
    const last = found.at(-1);
    if (last !== undefined && span.fromMs <= last.untilMs) last.untilMs = Math.max(last.untilMs, span.untilMs);
    else found.push({ ...span });
  }
  return found;
}
