// Owners of our own making: people who work office hours, take breaks, and keep their calendars well, middling or badly. For tests and
// for the plot of docs/availability.md; nothing of it is in an agent.
import type { Prng } from '../../base/prng.ts';
import type { OwnerModel } from './owner-model.ts';
import type { Presence, Stretch } from './types.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export interface CalendarKind {
  /** Of the meetings that take place, so many are in the calendar. */
  readonly listed: number;
  /** Of those in the calendar, so many take place, away from the desk. */
  readonly attended: number;
  readonly meetingsADay: number;
}

export const calendars: { readonly good: CalendarKind; readonly middling: CalendarKind; readonly poor: CalendarKind } =
  {
    good: { listed: 0.95, attended: 0.93, meetingsADay: 3.5 },
    middling: { listed: 0.7, attended: 0.7, meetingsADay: 3 },
    poor: { listed: 0.35, attended: 0.35, meetingsADay: 2.5 },
  };

export interface SyntheticOwner {
  readonly startAtMs: number;
  readonly endAtMs: number;
  /** When the owner is at the machine, in order, apart. */
  readonly there: readonly { readonly fromMs: number; readonly untilMs: number }[];
  readonly stretches: readonly Stretch[];
}

/** `days` of an owner's life, the first a Monday. */
export function synthesise(kind: CalendarKind, days: number, prng: Prng): SyntheticOwner {
  const startAtMs = 4 * DAY_MS;
  const there: { fromMs: number; untilMs: number }[] = [];
  const stretches: Stretch[] = [];
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - prng())) * Math.cos(2 * Math.PI * prng());
  const logNormal = (median: number, sigma: number): number => median * Math.exp(sigma * normal());
  let holidayUntil = -1;
  for (let day = 0; day < days; day++) {
    const midnight = startAtMs + day * DAY_MS;
    if (day % 7 >= 5) continue;
    if (day > holidayUntil && prng() < 0.015) {
      holidayUntil = day + 4;
      if (prng() < kind.listed) {
        stretches.push({
          startAtMs: midnight,
          endAtMs: midnight + 5 * DAY_MS,
          class: 'AWAY_LONG',
          weight: 1,
          source: 'calendar',
        });
      }
    }
    if (day <= holidayUntil) continue;
    const comes = midnight + 9 * HOUR_MS + normal() * 25 * MINUTE_MS;
    const goes = midnight + 17.5 * HOUR_MS + normal() * 40 * MINUTE_MS;
    const away: { fromMs: number; untilMs: number }[] = [];
    const lunch = midnight + 12.25 * HOUR_MS + normal() * 15 * MINUTE_MS;
    away.push({ fromMs: lunch, untilMs: lunch + logNormal(40, 0.25) * MINUTE_MS });
    for (let i = 0; i < 12; i++) {
      if (prng() >= kind.meetingsADay / 12) continue;
      const startsAt = midnight + (9.5 + i * 0.625) * HOUR_MS;
      const endsAt = startsAt + (prng() < 0.5 ? 30 : 60) * MINUTE_MS;
      const inCalendar = prng() < kind.listed;
      if (inCalendar)
        stretches.push({ startAtMs: startsAt, endAtMs: endsAt, class: 'AWAY_MEETING', weight: 1, source: 'calendar' });
      if (inCalendar && prng() >= kind.attended) continue;
      const leaves =
        prng() < 0.1 ? startsAt + prng() * (endsAt - startsAt) : endsAt + MINUTE_MS + normal() * 5 * MINUTE_MS;
      away.push({ fromMs: startsAt - (1 + 3 * prng()) * MINUTE_MS, untilMs: Math.max(startsAt + MINUTE_MS, leaves) });
    }
    let at = comes;
    while (at < goes) {
      at += logNormal(25, 0.9) * MINUTE_MS;
      const untilMs = at + Math.max(1.5, logNormal(5, 1)) * MINUTE_MS;
      if (untilMs < goes) away.push({ fromMs: at, untilMs });
      at = untilMs;
    }
    let from = comes;
    for (const each of away.sort((a, b) => a.fromMs - b.fromMs)) {
      if (each.fromMs > from + MINUTE_MS) there.push({ fromMs: from, untilMs: Math.min(goes, each.fromMs) });
      from = Math.max(from, each.untilMs);
      if (from >= goes) break;
    }
    if (from < goes) there.push({ fromMs: from, untilMs: goes });
  }
  return { startAtMs, endAtMs: startAtMs + days * DAY_MS, there, stretches };
}

/** Lets a model see the owner's whole life, once a minute; `seen` is told of each minute after the model. */
export function liveThrough(
  model: OwnerModel,
  owner: SyntheticOwner,
  seen: (nowMs: number, presence: Presence, stretches: readonly Stretch[]) => void = () => undefined,
): void {
  let index = 0;
  let lastThere = owner.startAtMs;
  let near: readonly Stretch[] = [];
  let nearUntil = -Infinity;
  for (let now = owner.startAtMs; now < owner.endAtMs; now += MINUTE_MS) {
    while (index < owner.there.length && (owner.there[index]?.untilMs ?? 0) <= now) {
      lastThere = owner.there[index]?.untilMs ?? lastThere;
      index += 1;
    }
    if (now >= nearUntil) {
      near = owner.stretches.filter((each) => each.endAtMs > now - 6 * HOUR_MS && each.startAtMs < now + 3 * DAY_MS);
      nearUntil = now + 2 * HOUR_MS;
    }
    const isThere = (owner.there[index]?.fromMs ?? Infinity) <= now;
    const presence: Presence = isThere
      ? { state: 'present', because: 'input' }
      : { state: 'away', sinceAtMs: lastThere, locked: false };
    model.look(now, presence, near);
    seen(now, presence, near);
  }
}
