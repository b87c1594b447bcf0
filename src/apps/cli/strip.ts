// A readable strip of the owner's next days: one row a day, a mark for each stretch of it, the events below, and how likely the machine
// stays free from now on.
import { findZone, utc } from '../../calendar/zones.ts';
import type { OwnerShow } from '../owner-report.ts';

const DAY_MS = 86_400_000;

/** What a class looks like; later ones win where they overlap. */
const marks: readonly (readonly [classes: readonly string[], mark: string, color: string, means: string])[] = [
  [['SOLO_BLOCK'], '▒', '\x1b[33m', 'busy'],
  [['AWAY_MEETING', 'DESK_MEETING', 'ELSEWHERE'], '▓', '\x1b[36m', 'meeting or elsewhere'],
  [['AWAY_LONG', 'REMOTE_OK'], '█', '\x1b[32m', 'away, free to help'],
  [['WANTED', 'NO_REMOTE'], '✗', '\x1b[31m', 'needed by you'],
];

export interface StripOptions {
  readonly color: boolean;
  readonly columns: number;
}

export function drawStrip(show: OwnerShow, days: number, options: StripOptions): string {
  const zone = findZone(show.zone, new Map()) ?? utc;
  const cells = options.columns >= 112 ? 96 : options.columns >= 64 ? 48 : 24;
  const stepMs = DAY_MS / cells;
  const paint = (text: string, color: string): string => (options.color ? `${color}${text}\x1b[0m` : text);
  const today = Math.floor(zone.toWall(show.nowMs) / DAY_MS);
  const lines: string[] = [];
  const hours = Array.from({ length: 8 }, (_, i) => String(i * 3).padEnd(cells / 8)).join('');
  lines.push(`${' '.repeat(11)}${hours.trimEnd()}`);
  for (let day = today; day < today + days; day++) {
    let row = '';
    for (let cell = 0; cell < cells; cell++) {
      const fromMs = zone.toInstant(day * DAY_MS + cell * stepMs);
      const here = show.events
        .filter((each) => each.startMs < fromMs + stepMs && each.endMs > fromMs)
        .map((each) => each.class);
      const found = marks.findLast(([classes]) => here.some((kind) => classes.includes(kind)));
      const isNow = show.nowMs >= fromMs && show.nowMs < fromMs + stepMs;
      row += isNow ? paint('┃', '\x1b[1m') : found === undefined ? '·' : paint(found[1], found[2]);
    }
    lines.push(`${dayName(day)} ${row}`);
  }
  lines.push(
    '',
    `${' '.repeat(11)}${marks.map(([, mark, color, means]) => `${paint(mark, color)} ${means}`).join('   ')}   ┃ now`,
  );
  const likely = [0.25, 0.5, 1, 2, 4, 8].flatMap((hour) => {
    const s = show.stayFree[Math.round(hour * 4)];
    return s === undefined ? [] : [`${hour < 1 ? `${hour * 60} min` : `${hour} h`} ${Math.round(s * 100)} %`];
  });
  lines.push('', `Stays free from now for: ${likely.join(', ')}`);
  const told = show.events.filter((each) => each.class !== 'IGNORE' && each.class !== 'NONE').slice(0, 30);
  if (told.length > 0) lines.push('');
  const width = Math.max(0, ...told.map((each) => each.class.length));
  for (const each of told) {
    const start = zone.toWall(each.startMs);
    const line = `${dayName(Math.floor(start / DAY_MS))} ${clock(start)}-${clock(zone.toWall(each.endMs))}  ${each.class.padEnd(width)}  ${each.summary}`;
    lines.push(Array.from(line).slice(0, Math.max(40, options.columns)).join('').trimEnd());
  }
  return `${lines.join('\n')}\n`;
}

const weekdays = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function dayName(day: number): string {
  const date = new Date(day * DAY_MS);
  return `${weekdays[(date.getUTCDay() + 6) % 7]} ${String(date.getUTCDate()).padStart(2)} ${months[date.getUTCMonth()]}`;
}

function clock(wallMs: number): string {
  return new Date(wallMs).toISOString().slice(11, 16);
}
