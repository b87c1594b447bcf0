// Expands one case, as text that can be compared. Also a program of its own (`node expand-case.ts`), so that all cases can be run in
// another process time zone.
import { Classifier } from '../../src/calendar/classes.ts';
import { formatWall, parseWall } from '../../src/calendar/civil.ts';
import { expand } from '../../src/calendar/expand.ts';
import { parseCalendar } from '../../src/calendar/parse.ts';
import { findZone, utc } from '../../src/calendar/zones.ts';
import { calendarText, cases, type CalendarCase } from './cases-data.ts';

/** `start end CLASS` for each occurrence, in minutes of UTC. */
export function expandCase(each: CalendarCase): string[] {
  const zone = findZone(each.zone ?? 'UTC', new Map()) ?? utc;
  const at = (text: string): number => zone.toInstant(parseWall(text)?.wallMs ?? NaN);
  const calendar = parseCalendar(calendarText(each));
  if (!calendar.ok) return [calendar.error];
  const classifier = new Classifier();
  const window = { fromMs: at(each.from), untilMs: at(each.to) };
  return expand(calendar.value, window, zone).occurrences.map((occurrence) => {
    const [start, end] = [occurrence.startMs, occurrence.endMs].map((ms) => formatWall(ms).slice(0, 16));
    return `${start} ${end} ${classifier.classify(occurrence).class}`;
  });
}

if (process.argv[1] === import.meta.filename) {
  process.stdout.write(JSON.stringify(cases.map((each) => expandCase(each))));
}
