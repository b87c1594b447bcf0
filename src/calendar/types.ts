// A calendar as this project sees it: neutral of who wrote it, with nothing in it that the classes do not need.
import type { Rule } from './recurrence.ts';
import type { Zone } from './zones.ts';

/** A date or a date and time of a property, with how it is to be read. */
export interface CalendarTime {
  readonly wallMs: number;
  /** `floating`: of whoever looks. A date is floating too. */
  readonly kind: 'date' | 'floating' | 'zoned' | 'utc';
  /** Of `zoned`, and UTC for `utc`; else null. */
  readonly zone: Zone | null;
}

/** Weeks and days are nominal (a day may have 23 hours), the rest is exact. */
export interface CalendarDuration {
  readonly days: number;
  readonly ms: number;
}

export type BusyStatus = 'free' | 'tentative' | 'busy' | 'away' | 'elsewhere';

/** What the classes are chosen by. Texts are kept no longer than that takes, and never leave the machine. */
export interface EventFacts {
  readonly summary: string;
  readonly location: string;
  readonly categories: readonly string[];
  readonly cancelled: boolean;
  readonly tentative: boolean;
  /** TRANSP. */
  readonly transparent: boolean;
  /** X-MICROSOFT-CDO-BUSYSTATUS (or INTENDEDSTATUS), and what Google's event types say; null: not said. */
  readonly busyStatus: BusyStatus | null;
  readonly private: boolean;
  readonly allDay: boolean;
  /** Persons, rooms and other things not counted. */
  readonly attendees: number;
  readonly hasRoom: boolean;
  /** The owner has said no to the invitation. */
  readonly declined: boolean;
  readonly conference: boolean;
  /** Focus time, working location: Google's and Apple's kinds of events. */
  readonly special: 'focus' | 'out-of-office' | 'working-location-home' | 'working-location-office' | 'birthday' | null;
}

export interface CalendarEvent {
  readonly uid: string;
  readonly sequence: number;
  readonly stampMs: number;
  readonly start: CalendarTime;
  /** Null with `duration` null too: a day for dates, nothing for times. */
  readonly end: CalendarTime | null;
  readonly duration: CalendarDuration | null;
  readonly recurrenceId: CalendarTime | null;
  /** RANGE=THISANDFUTURE on the recurrence id. */
  readonly andFuture: boolean;
  readonly rules: readonly RuleSpec[];
  readonly exceptRules: readonly RuleSpec[];
  readonly rdates: readonly CalendarPeriod[];
  readonly exdates: readonly CalendarTime[];
  readonly facts: EventFacts;
}

/** A rule with its UNTIL as written: what it means in wall time depends on the start's zone. */
export interface RuleSpec {
  readonly rule: Rule;
  readonly until: CalendarTime | null;
}

/** An extra date; with an end of its own when it was written as a period. */
export interface CalendarPeriod {
  readonly start: CalendarTime;
  readonly end: CalendarTime | null;
  readonly duration: CalendarDuration | null;
}

/** RFC 7953: when the owner is there at all. */
export interface Availability {
  /** 1 is the highest, 0 none. */
  readonly priority: number;
  readonly start: CalendarTime | null;
  readonly end: CalendarTime | null;
  readonly duration: CalendarDuration | null;
  readonly busy: 'busy' | 'unavailable' | 'tentative';
  /** Within it, free. */
  readonly available: readonly CalendarEvent[];
}

export interface FreeBusy {
  readonly type: 'free' | 'busy' | 'unavailable' | 'tentative';
  readonly period: CalendarPeriod;
}

export interface Calendar {
  readonly events: readonly CalendarEvent[];
  readonly availability: readonly Availability[];
  readonly freeBusy: readonly FreeBusy[];
  /** What could not be read and was left out: one sentence each, at most twenty. */
  readonly problems: readonly string[];
}

/** One time at which an event takes place. Instants are milliseconds since 1970 UTC. */
export interface Occurrence {
  readonly startMs: number;
  readonly endMs: number;
  readonly facts: EventFacts;
  /** Where it comes from. */
  readonly source: 'event' | 'availability' | 'free-busy';
}
