// Time zones: from a calendar's names for them to instants. Names are looked for among IANA's, then Windows', then in the
// calendar's own VTIMEZONE; transitions are found once per zone and year, so that thousands of occurrences cost a search each.
import { Temporal } from 'temporal-polyfill';
import { findIana } from 'windows-iana';
import { civilDate, DAY_MS, dayNumber, dayOf, MINUTE_MS } from './civil.ts';

/** How wall times and instants (milliseconds since 1970 UTC) relate in one place. */
export interface Zone {
  readonly name: string;
  /**
   * A time that is skipped is read with the offset before the gap, one that comes twice is the first of both (RFC 5545, 3.3.5).
   */
  toInstant(wallMs: number): number;
  toWall(instantMs: number): number;
}

/** A change of offset. */
export interface Transition {
  readonly atMs: number;
  /** East of UTC, from then on. */
  readonly offsetMs: number;
}

/** Offsets by transitions that `ask` gives for a year; asked once for each. */
export class TableZone implements Zone {
  readonly name: string;
  readonly #offsetAtMs: (instantMs: number) => number;
  readonly #ask: (year: number) => readonly Transition[];
  readonly #years = new Map<number, { readonly before: number; readonly changes: readonly Transition[] }>();

  constructor(
    name: string,
    offsetAtMs: (instantMs: number) => number,
    transitionsOf: (year: number) => readonly Transition[],
  ) {
    this.name = name;
    this.#offsetAtMs = offsetAtMs;
    this.#ask = transitionsOf;
  }

  toWall(instantMs: number): number {
    return instantMs + this.#offset(instantMs);
  }

  toInstant(wallMs: number): number {
    // No zone has two transitions within two days, so a day before and a day after tell both offsets.
    const before = this.#offset(wallMs - DAY_MS);
    const after = this.#offset(wallMs + DAY_MS);
    const early = wallMs - before;
    if (before === after || this.#offset(early) === before) return early;
    const late = wallMs - after;
    return this.#offset(late) === after ? late : early;
  }

  #offset(instantMs: number): number {
    const { year } = civilDate(dayOf(instantMs));
    let known = this.#years.get(year);
    if (known === undefined) {
      known = { before: this.#offsetAtMs(dayNumber(year, 1, 1) * DAY_MS), changes: this.#ask(year) };
      if (this.#years.size >= 200) this.#years.clear();
      this.#years.set(year, known);
    }
    let offset = known.before;
    for (const change of known.changes) if (change.atMs <= instantMs) offset = change.offsetMs;
    return offset;
  }
}

export const utc: Zone = { name: 'UTC', toInstant: (wallMs) => wallMs, toWall: (instantMs) => instantMs };

/** A zone of constant offset. */
export function fixedZone(offsetMs: number): Zone {
  const minutes = Math.abs(offsetMs) / MINUTE_MS;
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  const name = `${offsetMs < 0 ? '-' : '+'}${two(minutes / 60)}:${two(minutes % 60)}`;
  return { name, toInstant: (wallMs) => wallMs - offsetMs, toWall: (instantMs) => instantMs + offsetMs };
}

const known = new Map<string, Zone | null>();
const KNOWN_MAX = 2000;

/** The zone of an IANA name, of any letter case; null when there is none of that name. */
export function ianaZone(name: string): Zone | null {
  const cached = known.get(name);
  if (cached !== undefined) return cached;
  if (known.size >= KNOWN_MAX) known.clear();
  const made = makeIanaZone(name);
  known.set(name, made);
  return made;
}

function makeIanaZone(name: string): Zone | null {
  if (!/^[A-Za-z][A-Za-z0-9_+\-/]{0,60}$/.test(name)) return null;
  if (/^(?:utc|etc\/utc|gmt|etc\/gmt|z|zulu)$/i.test(name)) return utc;
  const at = (instantMs: number): Temporal.ZonedDateTime =>
    Temporal.Instant.fromEpochMilliseconds(instantMs).toZonedDateTimeISO(name);
  try {
    at(0);
  } catch {
    return null;
  }
  const offsetAt = (instantMs: number): number => at(instantMs).offsetNanoseconds / 1e6;
  return new TableZone(name, offsetAt, (year) => {
    const found: Transition[] = [];
    const endMs = dayNumber(year + 1, 1, 1) * DAY_MS;
    let next = at(dayNumber(year, 1, 1) * DAY_MS).getTimeZoneTransition('next');
    // Morocco changes four times in a year; more than twelve is no zone of this world.
    while (next !== null && next.epochMilliseconds < endMs && found.length < 12) {
      found.push({ atMs: next.epochMilliseconds, offsetMs: next.offsetNanoseconds / 1e6 });
      next = next.getTimeZoneTransition('next');
    }
    return found;
  });
}

/**
 * The zone that a TZID means: an IANA name, perhaps behind a vendor's path («/freeassociation.sourceforge.net/Europe/Berlin»), a
 * Windows name, a plain offset, or what the calendar itself defines (`embedded`). Null: nobody knows.
 */
export function findZone(tzid: string, embedded: ReadonlyMap<string, Zone>): Zone | null {
  const name = tzid.trim().replace(/^"(.*)"$/, '$1');
  const iana = ianaZone(name);
  if (iana !== null) return iana;
  const windows = windowsZone(name);
  if (windows !== null) return windows;
  const own = embedded.get(tzid) ?? embedded.get(name);
  if (own !== undefined) return own;
  const parts = name.split('/').filter((part) => part !== '');
  for (let keep = Math.min(3, parts.length - 1); keep >= 1; keep--) {
    const found = ianaZone(parts.slice(-keep).join('/'));
    // A vendor's last word alone («…/Berlin») is no zone, but «…/UTC» is.
    if (found !== null) return found;
  }
  return offsetZone(name);
}

function windowsZone(name: string): Zone | null {
  // Outlook writes either the key («W. Europe Standard Time») or what it shows («(UTC+01:00) Amsterdam, Berlin, …»): only the key is known.
  const [first] = findIana(name);
  return first === undefined ? null : ianaZone(first);
}

/** «GMT+0100», «UTC-5», «(UTC+05:30) Chennai, …»: better than nothing, right for half the year at least. */
function offsetZone(name: string): Zone | null {
  const found = /^\(?(?:UTC|GMT)\s*(?:([+-])(\d{1,2})(?::?(\d\d))?)?\)?/i.exec(name);
  if (found === null) return null;
  const [, sign = '+', hours = '0', minutes = '0'] = found;
  const ms = (Number(hours) * 60 + Number(minutes)) * MINUTE_MS;
  return ms > 18 * 60 * MINUTE_MS ? null : fixedZone(sign === '-' ? -ms : ms);
}
