// A calendar's own VTIMEZONE: its observances as transitions. Used when nobody else knows the name.
import { civilDate, DAY_MS, dayNumber, dayOf } from './civil.ts';
import { recur, type Rule } from './recurrence.ts';
import { TableZone, type Transition, type Zone } from './zones.ts';

/** STANDARD or DAYLIGHT: from each onset on, `toMs` holds; the onset itself is told in the time before it. */
export interface Observance {
  readonly startWallMs: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly rules: readonly Rule[];
  readonly rdatesWallMs: readonly number[];
}

const STEPS_MAX = 2000;

/** Null when there is no observance to go by. */
export function embeddedZone(name: string, observances: readonly Observance[]): Zone | null {
  const usable = observances.filter(({ rules }) =>
    rules.every((rule) => rule.freq === 'YEARLY' || rule.freq === 'MONTHLY'),
  );
  const [first] = [...usable].sort((a, b) => a.startWallMs - b.startWallMs);
  if (first === undefined) return null;
  const onsets = (fromMs: number, untilMs: number): Transition[] =>
    usable.flatMap((observance) => onsetsOf(observance, fromMs, untilMs)).sort((a, b) => a.atMs - b.atMs);
  const offsetAt = (instantMs: number): number => {
    const year = civilDate(dayOf(instantMs)).year;
    // Nearly always one of the last two years has an onset; a zone that stopped changing needs all of its past.
    for (const since of [dayNumber(year - 2, 1, 1) * DAY_MS, -Infinity]) {
      const last = onsets(since, instantMs).at(-1);
      if (last !== undefined) return last.offsetMs;
    }
    return first.fromMs;
  };
  return new TableZone(name, offsetAt, (year) =>
    onsets(dayNumber(year, 1, 1) * DAY_MS, dayNumber(year + 1, 1, 1) * DAY_MS - 1),
  );
}

function onsetsOf(observance: Observance, fromMs: number, untilMs: number): Transition[] {
  const { startWallMs, fromMs: before, toMs } = observance;
  const window = { fromWallMs: Math.max(startWallMs, fromMs + before), untilWallMs: untilMs + before };
  const wall = new Set<number>();
  for (const rule of observance.rules) {
    for (const at of recur(rule, startWallMs, window, STEPS_MAX).wallMs) wall.add(at);
  }
  for (const at of [startWallMs, ...observance.rdatesWallMs]) {
    if (at >= window.fromWallMs && at <= window.untilWallMs) wall.add(at);
  }
  return [...wall].map((at) => ({ atMs: at - before, offsetMs: toMs }));
}
