// [calendar] of config.toml: what an owner may say, what comes of it, and what is said of a fault, with its line.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Classifier, type EventClass } from '../../calendar/classes.ts';
import { parseCalendar } from '../../calendar/parse.ts';
import { expand } from '../../calendar/expand.ts';
import { utc } from '../../calendar/zones.ts';
import { classOptions } from './calendar-section.ts';
import { loadConfig, type Config } from './config.ts';

const dir = mkdtempSync(join(tmpdir(), 'tender-calendar-section-'));
afterAll(() => rmSync(dir, { recursive: true }));

function load(text: string): ReturnType<typeof loadConfig> {
  writeFileSync(join(dir, 'config.toml'), text);
  return loadConfig(dir);
}

function good(text: string): Config['calendar'] {
  const loaded = load(text);
  if (!loaded.ok) throw new Error(loaded.error);
  return loaded.value.calendar;
}

function classOf(said: Config['calendar'], calendar: string, ...lines: string[]): EventClass {
  const event = ['BEGIN:VEVENT', 'UID:1', 'DTSTART:20260302T090000Z', 'DTEND:20260302T100000Z', ...lines, 'END:VEVENT'];
  const text = ['BEGIN:VCALENDAR', 'VERSION:2.0', ...event, 'END:VCALENDAR', ''].join('\r\n');
  const parsed = parseCalendar(text, { ownAddresses: said.own_addresses });
  if (!parsed.ok) throw new Error(parsed.error);
  const window = { fromMs: Date.UTC(2026, 2, 1), untilMs: Date.UTC(2026, 2, 8) };
  const [occurrence] = expand(parsed.value, window, utc).occurrences;
  if (occurrence === undefined) throw new Error('it does not take place');
  return new Classifier(classOptions(said, calendar)).classify(occurrence).class;
}

test('words of one’s own are added to those that are known', () => {
  const said = good(
    '[calendar.words]\nwanted = ["Rückschau*", "sync"]\naway = ["dentist"]\nelsewhere = ["beach office"]\n',
  );
  expect(classOf(said, '', 'SUMMARY:RUCKSCHAUTAG')).toBe('WANTED');
  expect(classOf(said, '', 'SUMMARY:Syncopation')).toBe('SOLO_BLOCK');
  expect(classOf(said, '', 'SUMMARY:Dentist')).toBe('AWAY_LONG');
  expect(classOf(said, '', 'SUMMARY:Demo')).toBe('WANTED');
  expect(classOf(good(''), '', 'SUMMARY:Dentist')).toBe('SOLO_BLOCK');
});

test('rules: the first that fits, in all calendars or one, before words and attendees', () => {
  const said = good(
    [
      '[[calendar.rules]]\nmatch = "demo of the band"\nmeans = "away"',
      '[[calendar.rules]]\nmatch = "Demo"\nmeans = "free"\ncalendar = "team"',
      '[[calendar.rules]]\nmatch = "room 7"\nmeans = "no-jobs"',
    ].join('\n'),
  );
  expect(classOf(said, 'own', 'SUMMARY:Demo of the Band')).toBe('AWAY_LONG');
  expect(classOf(said, 'team', 'SUMMARY:Demo of the Band')).toBe('AWAY_LONG');
  expect(classOf(said, 'team', 'SUMMARY:Big demo')).toBe('NONE');
  expect(classOf(said, 'own', 'SUMMARY:Big demo')).toBe('WANTED');
  expect(classOf(said, 'own', 'SUMMARY:x', 'LOCATION:ROOM 7')).toBe('NO_REMOTE');
});

test('an invitation that one of the own addresses has declined is none', () => {
  const said = good('[calendar]\nown_addresses = ["anna@example.org", "a.b@old.example.org"]\n');
  const invited = (state: string): string[] => [
    'ORGANIZER:mailto:boss@example.org',
    `ATTENDEE;PARTSTAT=${state}:MAILTO:Anna@Example.org`,
    'ATTENDEE;PARTSTAT=ACCEPTED:mailto:bob@example.org',
  ];
  expect(classOf(said, '', ...invited('DECLINED'))).toBe('IGNORE');
  expect(classOf(said, '', ...invited('ACCEPTED'))).toBe('AWAY_MEETING');
  expect(classOf(good(''), '', ...invited('DECLINED'))).toBe('AWAY_MEETING');
});

test.each([
  ['[calendar]\nzone = "Mars/Olympus"\n', /config\.toml:2: calendar\.zone: nobody knows this zone/],
  ['[calendar]\nown_addresses = ["anna"]\n', /config\.toml:2: calendar\.own_addresses\.0: a mail address is wanted/],
  [
    '[calendar.words]\nbusy = ["x"]\n',
    /config\.toml:2: "busy" is not known in \[calendar\.words\]; known .* wanted, away, elsewhere/,
  ],
  ['[calendar.words]\nwanted = [" *"]\n', /config\.toml:2: calendar\.words\.wanted\.0: a word is wanted/],
  [
    '[[calendar.rules]]\nmatch = "a"\nmeans = "free"\n\n[[calendar.rules]]\nmatch = "b"\nmeans = "holiday"\n',
    /config\.toml:7: calendar\.rules\.1\.means: .*"free".*"wanted"/,
  ],
  [
    '[[calendar.rules]]\nmatch = "a"\nmeans = "free"\n[[calendar.rules]]\nmatch = "b"\nmeans = "free"\nwhen = 3\n',
    /config\.toml:7: "when" is not known in \[calendar\.rules\.1\]; known .* match, means, calendar/,
  ],
  ['[[calendar.rules]]\nmatch = "a"\n', /config\.toml:1: calendar\.rules\.0\.means/],
  ['[calendar]\nrules = "demo"\n', /config\.toml:2: calendar\.rules: /],
])('a fault is told with its line: %j', (text, said) => {
  const loaded = load(text);
  expect(loaded.ok ? '' : loaded.error).toMatch(said);
});
