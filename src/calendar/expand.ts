// When events take place: rules, extra and left-out dates, changed instances, in a window of instants. Rules run in wall time, and
// only what may lie in the window is turned into instants.
import { DAY_MS, HOUR_MS } from './civil.ts';
import { recur, STEPS_MAX } from './recurrence.ts';
import type {
  Calendar,
  CalendarDuration,
  CalendarEvent,
  CalendarTime,
  EventFacts,
  Occurrence,
  RuleSpec,
} from './types.ts';
import { instantOf, spanOf, touches, type Span, type Window } from './spans.ts';
import { unavailableTimes } from './unavailable.ts';
import { utc, type Zone } from './zones.ts';

export interface Expansion {
  /** All that touches the window, by start; cut neither to it nor to each other. */
  readonly occurrences: readonly Occurrence[];
  readonly problems: readonly string[];
}

export const OCCURRENCES_MAX = 50_000;
/** Steps of rules in a whole calendar: a hundred times what busy people need. */
const CALENDAR_STEPS_MAX = 300_000;
/** No zone's clock jumps by more. */
const JUMP_MS = 2 * HOUR_MS;
/** An event that began before the window is found if it is no longer than this. */
const LENGTH_MAX_MS = 400 * DAY_MS;

/** All occurrences of a calendar that touch the window. `owner`: the zone of all-day and floating times. */
export function expand(calendar: Calendar, window: Window, owner: Zone): Expansion {
  const log = new Log(calendar.problems);
  const occurrences: Occurrence[] = [];
  for (const group of byUid(calendar.events)) {
    for (const found of expandGroup(group, window, owner, log)) {
      if (occurrences.length >= OCCURRENCES_MAX) break;
      occurrences.push({ ...found, source: 'event' });
    }
  }
  for (const { type, period } of calendar.freeBusy) {
    if (type === 'free') continue;
    const found = spanOf(period.start, period.end, period.duration, owner);
    if (touches(found, window)) occurrences.push({ ...found, facts: busyFacts(type), source: 'free-busy' });
  }
  const unavailable = unavailableTimes(calendar.availability, window, owner, (event, within) =>
    expandGroup([event], within, owner, log),
  );
  for (const { startMs, endMs, busy } of unavailable) {
    occurrences.push({ startMs, endMs, facts: busyFacts(busy), source: 'availability' });
  }
  if (occurrences.length >= OCCURRENCES_MAX)
    log.problem(`more than ${OCCURRENCES_MAX} occurrences: the rest is left out`);
  occurrences.sort((a, b) => a.startMs - b.startMs || a.endMs - b.endMs);
  return { occurrences, problems: log.problems };
}

/** An event with its changed instances: newer versions replace older ones. */
function byUid(events: readonly CalendarEvent[]): CalendarEvent[][] {
  const groups = new Map<string, CalendarEvent[]>();
  for (const [index, event] of events.entries()) {
    const key = event.uid === '' ? `\0${index}` : event.uid;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [event]);
    else group.push(event);
  }
  return [...groups.values()];
}

function newer(a: CalendarEvent, b: CalendarEvent): boolean {
  return a.sequence !== b.sequence ? a.sequence > b.sequence : a.stampMs > b.stampMs;
}

/** What went wrong, each thing once, and how much work rules may still make. */
class Log {
  stepsLeft = CALENDAR_STEPS_MAX;
  readonly #problems: Set<string>;

  constructor(problems: readonly string[]) {
    this.#problems = new Set(problems);
  }

  get problems(): readonly string[] {
    return [...this.#problems];
  }

  problem(text: string): void {
    if (this.#problems.size < 40) this.#problems.add(text);
  }
}

type Found = Span & { readonly facts: EventFacts };

interface Instance {
  /** The instant that names it: where the rule put it. */
  readonly idMs: number;
  readonly wallMs: number;
  /** Of an RDATE that is a period. */
  readonly end: CalendarTime | null;
  readonly duration: CalendarDuration | null;
}

function expandGroup(group: readonly CalendarEvent[], window: Window, owner: Zone, log: Log): Found[] {
  let master: CalendarEvent | null = null;
  const changes = new Map<number, CalendarEvent>();
  const futures: { idMs: number; event: CalendarEvent }[] = [];
  for (const event of group) {
    if (event.recurrenceId === null) {
      if (master === null || newer(event, master)) master = event;
    }
  }
  for (const event of group) {
    if (event.recurrenceId === null) continue;
    const idMs = idOf(event.recurrenceId, master, owner);
    const known = changes.get(idMs);
    if (known === undefined || newer(event, known)) changes.set(idMs, event);
  }
  for (const [idMs, event] of changes) if (event.andFuture) futures.push({ idMs, event });
  futures.sort((a, b) => a.idMs - b.idMs);

  const found: Found[] = [];
  const add = (span: Span, facts: EventFacts): void => {
    if (touches(span, window)) found.push({ ...span, facts });
  };
  for (const event of changes.values()) add(spanOf(event.start, event.end, event.duration, owner), event.facts);
  if (master === null) return found;
  const moved = futures.length === 0 ? 0 : Math.max(...futures.map((each) => Math.abs(shiftOf(each.event, owner))));
  for (const instance of instancesOf(master, window, owner, log, moved)) {
    if (changes.has(instance.idMs)) continue;
    const since = futures.findLast((each) => each.idMs <= instance.idMs)?.event;
    if (since === undefined) add(instanceSpan(master, instance, owner), master.facts);
    else {
      const wallMs = instance.wallMs + shiftOf(since, owner);
      add(instanceSpan(since, { ...instance, wallMs, end: null, duration: null }, owner), since.facts);
    }
  }
  return found;
}

/** How far «this and future» moves the instances, in wall time. */
function shiftOf(event: CalendarEvent, owner: Zone): number {
  const { start, recurrenceId } = event;
  if (recurrenceId === null) return 0;
  const zone = start.zone ?? owner;
  return start.wallMs - zone.toWall(instantOf(recurrenceId, owner));
}

/** Which instance a recurrence id names; a date alone names the one of that date. */
function idOf(id: CalendarTime, master: CalendarEvent | null, owner: Zone): number {
  if (id.kind !== 'date' || master === null || master.start.kind === 'date') return instantOf(id, owner);
  const timeOfDay = master.start.wallMs - Math.floor(master.start.wallMs / DAY_MS) * DAY_MS;
  return (master.start.zone ?? owner).toInstant(id.wallMs + timeOfDay);
}

function instanceSpan(event: CalendarEvent, instance: Instance, owner: Zone): Span {
  const { start } = event;
  const zone = start.zone ?? owner;
  const at: CalendarTime = { ...start, wallMs: instance.wallMs };
  if (instance.end !== null || instance.duration !== null) return spanOf(at, instance.end, instance.duration, owner);
  if (event.end === null || instance.wallMs === start.wallMs) return spanOf(at, event.end, event.duration, owner);
  // RFC 5545, 3.8.5.3: an end gives the same exact length to all instances; days are days whatever the clocks do.
  if (start.kind === 'date') {
    return {
      startMs: zone.toInstant(at.wallMs),
      endMs: zone.toInstant(at.wallMs + Math.max(0, event.end.wallMs - start.wallMs)),
    };
  }
  const first = spanOf(start, event.end, null, owner);
  const startMs = zone.toInstant(at.wallMs);
  return { startMs, endMs: startMs + (first.endMs - first.startMs) };
}

function instancesOf(event: CalendarEvent, window: Window, owner: Zone, log: Log, movedMs: number): Iterable<Instance> {
  const { start } = event;
  const zone = start.zone ?? owner;
  const span = spanOf(start, event.end, event.duration, owner);
  const lengthMs = Math.min(LENGTH_MAX_MS, span.endMs - span.startMs);
  const wall = {
    fromWallMs: zone.toWall(window.fromMs) - lengthMs - movedMs - JUMP_MS,
    untilWallMs: zone.toWall(window.untilMs) + movedMs + JUMP_MS,
  };
  const instances = new Map<number, Instance>();
  const put = (wallMs: number, end: CalendarTime | null = null, duration: CalendarDuration | null = null): void => {
    const idMs = zone.toInstant(wallMs);
    if (!instances.has(idMs) || end !== null || duration !== null) instances.set(idMs, { idMs, wallMs, end, duration });
  };
  const run = (spec: RuleSpec): readonly number[] => {
    const rule = { ...spec.rule, untilWallMs: untilWall(spec, start, owner) };
    const result = recur(rule, start.wallMs, wall, Math.min(STEPS_MAX, log.stepsLeft));
    log.stepsLeft = Math.max(0, log.stepsLeft - result.steps);
    if (result.cut) log.problem('a rule that takes too many steps to the days asked for is followed no further');
    return result.wallMs;
  };
  put(start.wallMs);
  for (const spec of event.rules) for (const wallMs of run(spec)) put(wallMs);
  for (const rdate of event.rdates) {
    put(wallIn(rdate.start, start, zone, owner), rdate.end, rdate.duration);
  }
  for (const spec of event.exceptRules) for (const wallMs of run(spec)) instances.delete(zone.toInstant(wallMs));
  const dates = new Set<number>();
  for (const exdate of event.exdates) {
    if (exdate.kind === 'date' && start.kind !== 'date') dates.add(exdate.wallMs);
    else if (exdate.kind !== 'date' && start.kind === 'date') {
      instances.delete(zone.toInstant(Math.floor(zone.toWall(instantOf(exdate, owner)) / DAY_MS) * DAY_MS));
      instances.delete(zone.toInstant(Math.floor(exdate.wallMs / DAY_MS) * DAY_MS));
    } else instances.delete(instantOf(exdate, owner));
  }
  if (dates.size > 0) {
    for (const [idMs, { wallMs }] of instances)
      if (dates.has(Math.floor(wallMs / DAY_MS) * DAY_MS)) instances.delete(idMs);
  }
  return instances.values();
}

/** A time as a wall time in the event's own zone; a date among times takes the event's time of day. */
function wallIn(time: CalendarTime, start: CalendarTime, zone: Zone, owner: Zone): number {
  if (time.kind === 'date' && start.kind !== 'date') {
    return time.wallMs + (start.wallMs - Math.floor(start.wallMs / DAY_MS) * DAY_MS);
  }
  if (time.kind === 'date' || (time.kind === 'floating' && start.zone === null)) return time.wallMs;
  const wallMs = zone.toWall(instantOf(time, owner));
  return start.kind === 'date' ? Math.floor(wallMs / DAY_MS) * DAY_MS : wallMs;
}

/** UNTIL in the event's wall time: a date lasts to its end, UTC is seen from the event's zone. */
function untilWall(spec: RuleSpec, start: CalendarTime, owner: Zone): number | null {
  const { until } = spec;
  if (until === null) return null;
  if (until.kind === 'date') return start.kind === 'date' ? until.wallMs : until.wallMs + DAY_MS - 1;
  const wallMs = until.kind === 'utc' ? (start.zone ?? owner).toWall(until.wallMs) : until.wallMs;
  // «Until» the UTC instant of an all-day event's last day: its date counts, wherever the owner is.
  return start.kind === 'date' && until.kind === 'utc' ? Math.max(wallMs, utc.toWall(until.wallMs)) : wallMs;
}

/** What a busy time says when nothing else is known of it. */
function busyFacts(type: 'busy' | 'unavailable' | 'tentative'): EventFacts {
  return {
    summary: '',
    location: '',
    categories: [],
    cancelled: false,
    tentative: type === 'tentative',
    transparent: false,
    busyStatus: type === 'unavailable' ? 'away' : 'busy',
    private: true,
    allDay: false,
    attendees: 0,
    hasRoom: false,
    declined: false,
    conference: false,
    special: null,
  };
}
