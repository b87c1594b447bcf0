// Stretches of time in the world: what a start with an end or a length comes to, in the owner's zone or its own.
import { DAY_MS } from './civil.ts';
import type { CalendarDuration, CalendarTime } from './types.ts';
import type { Zone } from './zones.ts';

export interface Window {
  /** Milliseconds since 1970 UTC. */
  readonly fromMs: number;
  readonly untilMs: number;
}

export interface Span {
  readonly startMs: number;
  readonly endMs: number;
}

/** A time as an instant; dates begin at the owner's midnight. */
export function instantOf(time: CalendarTime, owner: Zone): number {
  return (time.zone ?? owner).toInstant(time.wallMs);
}

/** Start and end of what is written so; an end before the start counts as none. */
export function spanOf(
  start: CalendarTime,
  end: CalendarTime | null,
  duration: CalendarDuration | null,
  owner: Zone,
): Span {
  const startMs = instantOf(start, owner);
  const zone = start.zone ?? owner;
  if (end !== null) return { startMs, endMs: Math.max(startMs, instantOf(end, owner)) };
  if (duration !== null) return { startMs, endMs: Math.max(startMs, addDuration(start.wallMs, duration, zone)) };
  return { startMs, endMs: start.kind === 'date' ? zone.toInstant(start.wallMs + DAY_MS) : startMs };
}

/** Days by the calendar, then hours by the clock. */
function addDuration(wallMs: number, duration: CalendarDuration, zone: Zone): number {
  return zone.toInstant(wallMs + duration.days * DAY_MS) + duration.ms;
}

/** Whether any of it lies in the window; what has no length counts by its moment. */
export function touches(span: Span, window: Window): boolean {
  if (span.startMs === span.endMs) return span.startMs >= window.fromMs && span.startMs < window.untilMs;
  return span.startMs < window.untilMs && span.endMs > window.fromMs;
}
