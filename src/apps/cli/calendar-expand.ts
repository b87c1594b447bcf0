// `tender calendar expand FILE`: what Tender sees in a calendar, for owners who wonder. No agent is asked, nothing is kept.
import { readFileSync } from 'node:fs';
import { classOptions } from '../../adapters/config/calendar-section.ts';
import { homeDirectory, loadConfig } from '../../adapters/config/config.ts';
import { Classifier } from '../../calendar/classes.ts';
import { formatWall, parseWall } from '../../calendar/civil.ts';
import { expand } from '../../calendar/expand.ts';
import { parseCalendar } from '../../calendar/parse.ts';
import { findZone, type Zone } from '../../calendar/zones.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { complain } from '../complain.ts';

export interface ExpandOptions {
  /** A date, or a date and time, in the zone; empty: today. */
  readonly from: string;
  /** The same, not included; empty: fourteen days later. */
  readonly to: string;
  /** The owner's zone; empty: as config.toml says, or this machine's. */
  readonly zone: string;
  readonly json: boolean;
}

const DEFAULT_DAYS = 14;
const DAYS_MAX = 4000;
const DAY_MS = 86_400_000;

export function runCalendarExpand(file: string, options: ExpandOptions): number {
  // The owner's words and rules hold here, too, but those for one calendar: a file has no name.
  const config = loadConfig(homeDirectory());
  if (!config.ok) return complain(config.error);
  const said = config.value.calendar;
  const zone = zoneOf(options.zone === '' ? said.zone : options.zone);
  if (!zone.ok) return complain(zone.error);
  const window = windowOf(options, zone.value);
  if (!window.ok) return complain(window.error);
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return complain(
      `cannot read the calendar ${file}: ${isMissing ? 'there is no such file' : (error as Error).message}`,
    );
  }
  const calendar = parseCalendar(text, { ownAddresses: said.own_addresses.map((each) => each.toLowerCase()) });
  if (!calendar.ok) return complain(`${file}: ${calendar.error}`);
  const { occurrences, problems } = expand(calendar.value, window.value, zone.value);
  for (const problem of problems) complain(`${file}: ${problem}`);
  const classifier = new Classifier(classOptions(said, ''));
  const rows = occurrences.map((occurrence) => ({
    start: formatWall(occurrence.startMs, 'Z'),
    end: formatWall(occurrence.endMs, 'Z'),
    class: classifier.classify(occurrence).class,
  }));
  if (options.json) process.stdout.write(`${JSON.stringify(rows)}\n`);
  else for (const row of rows) process.stdout.write(`${row.start}  ${row.end}  ${row.class}\n`);
  return 0;
}

function zoneOf(name: string): Result<Zone, string> {
  const wanted = name === '' ? new Intl.DateTimeFormat().resolvedOptions().timeZone : name;
  const zone = findZone(wanted, new Map());
  return zone === null
    ? err(`--zone: nobody knows «${wanted}»; IANA's names are meant, such as Europe/Berlin`)
    : ok(zone);
}

function windowOf(options: ExpandOptions, zone: Zone): Result<{ fromMs: number; untilMs: number }, string> {
  const today = Math.floor(zone.toWall(Date.now()) / DAY_MS) * DAY_MS;
  const moment = (text: string, what: string): Result<number, string> => {
    const isUtc = text.endsWith('Z');
    const parsed = parseWall(isUtc ? text.slice(0, -1) : text);
    if (parsed === null) return err(`${what}: «${text}» is no date; 2026-03-29 is one, and 2026-03-29T14:00:00 a time`);
    return ok(isUtc ? parsed.wallMs : zone.toInstant(parsed.wallMs));
  };
  const from = options.from === '' ? ok(zone.toInstant(today)) : moment(options.from, '--from');
  if (!from.ok) return from;
  const defaultTo = zone.toInstant(zone.toWall(from.value) + DEFAULT_DAYS * DAY_MS);
  const to = options.to === '' ? ok(defaultTo) : moment(options.to, '--to');
  if (!to.ok) return to;
  if (to.value <= from.value) return err('--to must be later than --from');
  if (to.value - from.value > DAYS_MAX * DAY_MS) return err(`at most ${DAYS_MAX} days are expanded`);
  return ok({ fromMs: from.value, untilMs: to.value });
}
