// From iCalendar text to events: ical.js reads the grammar, each component for itself, and this file takes from it what the
// classes and the expander need. A broken component is left out and told; the others stand.
import ICAL from 'ical.js';
import { err, ok, type Result } from '../base/result.ts';
import { embeddedZone, type Observance } from './embedded-zones.ts';
import { factsOf } from './facts.ts';
import { splitComponents } from './lines.ts';
import type { Availability, Calendar, CalendarEvent, CalendarTime, FreeBusy } from './types.ts';
import {
  BadValue,
  parameter,
  periodsOf,
  readDuration,
  readRule,
  readTime,
  textOf,
  timesOf,
  type Property,
  type ZoneFinder,
} from './values.ts';
import { findZone, type Zone } from './zones.ts';

/** One component of jCal: name, properties, components within. */
type Component = readonly [string, readonly Property[], readonly Component[]];

const PROBLEMS_MAX = 20;

export interface ParseOptions {
  /** The owner's mail addresses, lower case: whose answer to an invitation counts. */
  readonly ownAddresses: readonly string[];
}

/** Reads a calendar. The error says why nothing of it can be used. */
export function parseCalendar(text: string, options: ParseOptions = { ownAddresses: [] }): Result<Calendar, string> {
  const split = splitComponents(text);
  if (!split.ok) return split;
  const reader = new Reader(options, split.value.problems);
  const parsed = split.value.components.map(({ text: part, line, name }) => ({
    line,
    name,
    component: reader.grammar(part, name, line),
  }));
  // Zones first: events may stand before the zones they name.
  for (const { component, line } of parsed) if (component?.[0] === 'vtimezone') reader.zone(component, line);
  for (const { component, line } of parsed) {
    if (component?.[0] === 'vevent')
      reader.attempt('an event', line, () => reader.events.push(reader.event(component)));
    else if (component?.[0] === 'vavailability')
      reader.attempt('a time of availability', line, () => reader.availability.push(reader.available(component)));
    else if (component?.[0] === 'vfreebusy')
      reader.attempt('a list of busy times', line, () => reader.freeBusy.push(...reader.busyTimes(component)));
  }
  const { events, availability, freeBusy, problems } = reader;
  if (parsed.length > 0 && parsed.every(({ component }) => component === null)) {
    return err(problems[0] ?? 'nothing in it can be read');
  }
  return ok({ events, availability, freeBusy, problems: problems.slice(0, PROBLEMS_MAX) });
}

class Reader {
  readonly events: CalendarEvent[] = [];
  readonly availability: Availability[] = [];
  readonly freeBusy: FreeBusy[] = [];
  readonly problems: string[];
  readonly #options: ParseOptions;
  readonly #zones = new Map<string, Zone>();
  readonly #strange = new Set<string>();

  constructor(options: ParseOptions, problems: readonly string[]) {
    this.#options = options;
    this.problems = [...problems];
  }

  /** Null, and a problem, for what the parser refuses. */
  grammar(text: string, name: string, line: number): Component | null {
    try {
      return ICAL.parse(text) as unknown as Component;
    } catch (error) {
      this.#problem(`line ${line}: ${name} cannot be read: ${message(error)}`);
      return null;
    }
  }

  attempt(what: string, line: number, read: () => void): void {
    try {
      read();
    } catch (error) {
      if (!(error instanceof BadValue)) throw error;
      this.#problem(`line ${line}: ${what} is left out: ${error.message}`);
    }
  }

  zone(component: Component, line: number): void {
    this.attempt('a time zone', line, () => {
      const name = textOf(property(component, 'tzid'), 200);
      const location = textOf(property(component, 'x-lic-location'), 200);
      const zone =
        findZone(location, new Map()) ??
        embeddedZone(
          name,
          component[2].map((part) => this.#observance(part)),
        );
      if (name !== '' && zone !== null) this.#zones.set(name, zone);
    });
  }

  event(component: Component): CalendarEvent {
    const start = property(component, 'dtstart');
    if (start === undefined) throw new BadValue('it has no start');
    const end = property(component, 'dtend');
    const duration = property(component, 'duration');
    const recurrenceId = property(component, 'recurrence-id');
    const stamp = property(component, 'last-modified') ?? property(component, 'dtstamp');
    const startTime = this.#time(start);
    const find = this.#find;
    const all = (name: string): readonly Property[] => component[1].filter((each) => each[0] === name);
    return {
      uid: textOf(property(component, 'uid'), 500),
      sequence: Number(property(component, 'sequence')?.[3] ?? 0) || 0,
      stampMs: stampOf(stamp),
      start: startTime,
      end: end === undefined ? null : this.#time(end),
      duration: end !== undefined || duration === undefined ? null : readDuration(duration[3]),
      recurrenceId: recurrenceId === undefined ? null : this.#time(recurrenceId),
      andFuture: recurrenceId !== undefined && parameter(recurrenceId, 'range').toUpperCase() === 'THISANDFUTURE',
      rules: all('rrule').map((each) => readRule(each, find)),
      exceptRules: all('exrule').map((each) => readRule(each, find)),
      rdates: all('rdate').flatMap((each) => periodsOf(each, find)),
      exdates: all('exdate').flatMap((each) => timesOf(each, find)),
      facts: factsOf(component[1], startTime.kind === 'date', this.#options.ownAddresses),
    };
  }

  available(component: Component): Availability {
    const one = (name: string): CalendarTime | null => {
      const found = property(component, name);
      return found === undefined ? null : this.#time(found);
    };
    const duration = property(component, 'duration');
    const type = textOf(property(component, 'busytype')).toUpperCase();
    return {
      priority: Number(property(component, 'priority')?.[3] ?? 0) || 0,
      start: one('dtstart'),
      end: one('dtend'),
      duration: duration === undefined ? null : readDuration(duration[3]),
      busy: type === 'BUSY' ? 'busy' : type === 'BUSY-TENTATIVE' ? 'tentative' : 'unavailable',
      available: component[2].filter((part) => part[0] === 'available').map((part) => this.event(part)),
    };
  }

  busyTimes(component: Component): FreeBusy[] {
    return component[1]
      .filter((each) => each[0] === 'freebusy')
      .flatMap((each) => {
        const type = busyTypes.get(parameter(each, 'fbtype').toUpperCase()) ?? 'busy';
        return periodsOf(each, this.#find).map((period) => ({ type, period }));
      });
  }

  #observance(component: Component): Observance {
    const start = property(component, 'dtstart');
    const noZone: ZoneFinder = () => null;
    return {
      startWallMs: readTime(start?.[3], '', noZone).wallMs,
      fromMs: offsetOf(property(component, 'tzoffsetfrom')),
      toMs: offsetOf(property(component, 'tzoffsetto')),
      rules: component[1]
        .filter((each) => each[0] === 'rrule')
        .map((each) => {
          const { rule, until } = readRule(each, noZone);
          if (until === null) return rule;
          // A zone's UNTIL is in UTC; its onsets are told in the time before them.
          const untilWallMs =
            until.kind === 'utc' ? until.wallMs + offsetOf(property(component, 'tzoffsetfrom')) : until.wallMs;
          return { ...rule, untilWallMs };
        }),
      rdatesWallMs: component[1]
        .filter((each) => each[0] === 'rdate')
        .flatMap((each) => timesOf(each, noZone).map((time) => time.wallMs)),
    };
  }

  #time(found: Property): CalendarTime {
    return readTime(found[3], parameter(found, 'tzid'), this.#find);
  }

  readonly #find: ZoneFinder = (tzid) => {
    const zone = findZone(tzid, this.#zones);
    if (zone === null && !this.#strange.has(tzid)) {
      this.#strange.add(tzid);
      this.#problem(`nobody knows the time zone «${tzid.slice(0, 80)}»; its times are read as the owner's own`);
    }
    return zone;
  };

  #problem(text: string): void {
    if (this.problems.length < PROBLEMS_MAX) this.problems.push(text);
  }
}

const busyTypes = new Map<string, FreeBusy['type']>([
  ['FREE', 'free'],
  ['BUSY', 'busy'],
  ['BUSY-UNAVAILABLE', 'unavailable'],
  ['BUSY-TENTATIVE', 'tentative'],
]);

function property(component: Component, name: string): Property | undefined {
  return component[1].find((each) => each[0] === name);
}

/** `+05:30`, `-01:30:45`; a whole day or more is no offset. */
function offsetOf(found: Property | undefined): number {
  const [, sign = '', hours = '', minutes = '', seconds = '0'] =
    /^([+-])(\d\d):?(\d\d)(?::?(\d\d))?$/.exec(textOf(found)) ?? [];
  if (sign === '' || Number(hours) > 23 || Number(minutes) > 59)
    throw new BadValue(`«${textOf(found, 40)}» is no offset from UTC`);
  const ms = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
  return sign === '-' ? -ms : ms;
}

function stampOf(found: Property | undefined): number {
  if (found === undefined) return 0;
  try {
    return readTime(found[3], '', () => null).wallMs;
  } catch {
    return 0;
  }
}

function message(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\s+/g, ' ').slice(0, 120);
}
