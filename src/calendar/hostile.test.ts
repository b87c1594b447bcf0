// Texts made to hurt: each ends with a sentence or with what can be read, in bounded time and memory. And old, large calendars.
import { describe, expect, test } from 'vitest';
import { expand } from './expand.ts';
import { parseCalendar } from './parse.ts';
import { TEXT_MAX } from './lines.ts';
import { findZone, utc, type Zone } from './zones.ts';

const berlin: Zone = findZone('Europe/Berlin', new Map()) ?? utc;
const window = { fromMs: Date.UTC(2026, 2, 1), untilMs: Date.UTC(2026, 2, 15) };
const wrap = (body: string): string => `BEGIN:VCALENDAR\nVERSION:2.0\n${body}\nEND:VCALENDAR\n`;
const event = (body: string): string => `BEGIN:VEVENT\nUID:a\n${body}\nEND:VEVENT`;

/** CPU time of this process, ms: what others do on the machine does not count. */
function cpuMs(run: () => void): number {
  const before = process.cpuUsage();
  run();
  const used = process.cpuUsage(before);
  return (used.user + used.system) / 1000;
}

const hostile: readonly (readonly [string, string, RegExp | null])[] = [
  ['nothing', '', /empty/],
  ['no calendar at all', '<!doctype html><html>Sign in</html>', /no iCalendar text/],
  ['binary', '\0\u0001\u0002'.repeat(100_000), /no iCalendar text/],
  ['cut off in an event', 'BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:2026', /cut off/],
  ['a hundred thousand openings', 'BEGIN:VCALENDAR\n'.repeat(100_000), /nested deeper/],
  ['ends without beginnings', 'BEGIN:VCALENDAR\nEND:VEVENT\n', /END:VEVENT/],
  ['larger than anything', `BEGIN:VCALENDAR\n${'X'.repeat(TEXT_MAX)}`, /at most/],
  ['one endless line', wrap(event(`DTSTART:20260302T090000Z\nSUMMARY:${'x'.repeat(4_000_000)}`)), null],
  [
    'a line folded a million times',
    wrap(event(`DTSTART:20260302T090000Z\nSUMMARY:a${'\n b'.repeat(1_000_000)}`)),
    null,
  ],
  ['half a million parameters', wrap(event(`DTSTART:20260302T090000Z\nSUMMARY${';A=B'.repeat(500_000)}:x`)), null],
  ['a million categories', wrap(event(`DTSTART:20260302T090000Z\nCATEGORIES:${'a,'.repeat(1_000_000)}`)), null],
  ['a rule by the second since 1970', wrap(event('DTSTART:19700101T000000Z\nRRULE:FREQ=SECONDLY')), null],
  ['a rule that never fits', wrap(event('DTSTART:00010101T000000Z\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=31')), null],
  [
    'a thousand rules in one event',
    wrap(event(`DTSTART:20200101T000000Z\n${'RRULE:FREQ=MINUTELY\n'.repeat(50)}`)),
    null,
  ],
  ['a count of a billion', wrap(event('DTSTART:19000101T000000Z\nRRULE:FREQ=MINUTELY;COUNT=1000000000')), null],
  ['an interval beyond all time', wrap(event('DTSTART:19000101T000000Z\nRRULE:FREQ=YEARLY;INTERVAL=999999999')), null],
  [
    'lists that multiply',
    wrap(
      event(
        `DTSTART:20260101T000000Z\nRRULE:FREQ=YEARLY;BYHOUR=${Array.from({ length: 24 }, (_, i) => i).join()};BYMINUTE=${Array.from({ length: 60 }, (_, i) => i).join()};BYSECOND=${Array.from({ length: 60 }, (_, i) => i).join()};BYMONTHDAY=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31`,
      ),
    ),
    null,
  ],
  [
    'a zone that changes every second',
    wrap(
      `BEGIN:VTIMEZONE\nTZID:Z\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0000\nTZOFFSETTO:+0100\nRRULE:FREQ=SECONDLY\nEND:STANDARD\nEND:VTIMEZONE\n${event('DTSTART;TZID=Z:20260302T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY')}`,
    ),
    null,
  ],
  [
    'an event of ten thousand years',
    wrap(event('DTSTART:00010101T000000Z\nDTEND:99991231T000000Z\nRRULE:FREQ=DAILY')),
    null,
  ],
  [
    'prototype names as uids',
    wrap(
      ['__proto__', 'constructor', 'toString']
        .map((uid) => `BEGIN:VEVENT\nUID:${uid}\nDTSTART:20260302T090000Z\nEND:VEVENT`)
        .join('\n'),
    ),
    null,
  ],
];

describe('hostile texts', () => {
  test.each(hostile)('%s', (_name, text, error) => {
    let found = '';
    const used = cpuMs(() => {
      const calendar = parseCalendar(text);
      if (!calendar.ok) found = calendar.error;
      else found = JSON.stringify(expand(calendar.value, window, berlin).problems);
    });
    if (error !== null) expect(found).toMatch(error);
    expect(used).toBeLessThan(500);
  });
});

test('two hundred series of ten years expand in well under a second', () => {
  const series = Array.from({ length: 200 }, (_, i) => {
    const rules = ['FREQ=DAILY', 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR', 'FREQ=MONTHLY;BYDAY=2TU', 'FREQ=WEEKLY;COUNT=700'];
    return `BEGIN:VEVENT\nUID:${i}\nDTSTART;TZID=Europe/Berlin:2016030${(i % 9) + 1}T090000\nDURATION:PT30M\nRRULE:${rules[i % 4]}\nEND:VEVENT`;
  });
  const calendar = parseCalendar(wrap(series.join('\n')));
  if (!calendar.ok) throw new Error(calendar.error);
  let count = 0;
  const used = cpuMs(() => (count = expand(calendar.value, window, berlin).occurrences.length));
  expect(count).toBeGreaterThan(1000);
  expect(used).toBeLessThan(1000);
});
