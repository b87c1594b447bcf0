// RFC 7953: outside of what an availability leaves free its owner is unavailable; of several, the more important one decides.
import { DAY_MS } from './civil.ts';
import { instantOf, type Span, type Window } from './spans.ts';
import type { Availability, CalendarEvent } from './types.ts';
import type { Zone } from './zones.ts';

type State = 'free' | Availability['busy'];

interface Stretch extends Span {
  readonly state: State;
}

/** The times within the window at which the owner is unavailable, in order and apart from each other. */
export function unavailableTimes(
  availability: readonly Availability[],
  window: Window,
  owner: Zone,
  expandEvent: (event: CalendarEvent, window: Window) => readonly Span[],
): readonly (Span & { readonly busy: Availability['busy'] })[] {
  if (availability.length === 0) return [];
  let line: Stretch[] = [];
  // 1 is the most important, 0 the least: paint the least important first.
  const rank = (each: Availability): number => (each.priority >= 1 && each.priority <= 9 ? each.priority : 10);
  for (const each of [...availability].sort((a, b) => rank(b) - rank(a))) {
    const startMs = each.start === null ? -Infinity : instantOf(each.start, owner);
    const endMs = endOf(each, startMs, owner);
    const span = { startMs: Math.max(window.fromMs, startMs), endMs: Math.min(window.untilMs, endMs) };
    if (span.startMs >= span.endMs) continue;
    line = paint(line, { ...span, state: each.busy });
    for (const event of each.available) {
      for (const free of expandEvent(event, window)) {
        const cut = { startMs: Math.max(span.startMs, free.startMs), endMs: Math.min(span.endMs, free.endMs) };
        if (cut.startMs < cut.endMs) line = paint(line, { ...cut, state: 'free' });
      }
    }
  }
  return join(line).flatMap(({ startMs, endMs, state }) => (state === 'free' ? [] : [{ startMs, endMs, busy: state }]));
}

function endOf(each: Availability, startMs: number, owner: Zone): number {
  if (each.end !== null) return instantOf(each.end, owner);
  if (each.duration === null || startMs === -Infinity) return Infinity;
  return startMs + each.duration.days * DAY_MS + each.duration.ms;
}

/** Lays a stretch over what is there. */
function paint(line: readonly Stretch[], over: Stretch): Stretch[] {
  const next: Stretch[] = [];
  for (const each of line) {
    if (each.endMs <= over.startMs || each.startMs >= over.endMs) next.push(each);
    else {
      if (each.startMs < over.startMs) next.push({ ...each, endMs: over.startMs });
      if (each.endMs > over.endMs) next.push({ ...each, startMs: over.endMs });
    }
  }
  next.push(over);
  return next.sort((a, b) => a.startMs - b.startMs);
}

function join(line: readonly Stretch[]): Stretch[] {
  const joined: Stretch[] = [];
  for (const each of line) {
    const last = joined.at(-1);
    if (last !== undefined && last.endMs === each.startMs && last.state === each.state) {
      joined[joined.length - 1] = { ...last, endMs: each.endMs };
    } else joined.push(each);
  }
  return joined;
}
