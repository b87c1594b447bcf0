// `tender why`, `pause`, `resume`, `hours`, `calendar show`: what the owner asks and says. What is said holds without an agent, too.
import { loadSaid, saveSaid, type OwnerSaid } from '../../adapters/owner/owner-files.ts';
import { homeDirectory, prepareHome } from '../../adapters/config/config.ts';
import { parseHours } from '../../core/availability/hours.ts';
import type { OwnerReport, OwnerShow } from '../owner-report.ts';
import { complain } from '../complain.ts';
import { ask, ensureAgent } from './agent-client.ts';
import { drawStrip } from './strip.ts';

export async function runWhy(json: boolean): Promise<number> {
  const home = homeDirectory();
  const started = await ensureAgent(home);
  if (!started.ok) return complain(started.error);
  const answered = await ask(home, { cmd: 'owner' });
  if (!answered.ok) return complain(answered.error);
  const report = answered.value[0] as OwnerReport;
  if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
  else {
    process.stdout.write(`${report.why}\n`);
    for (const { name, state, problem } of report.calendars) {
      if (problem !== '')
        complain(
          `calendar «${name}» ${state === 'failing' ? 'cannot be read' : 'is read from an older copy'}: ${problem}`,
        );
    }
  }
  return 0;
}

/** `1h30m`, `90m`, `2h`, `1d`, a bare number of minutes; null: not a length. */
export function parseLength(text: string): number | null {
  const found = /^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m?)?$/.exec(text.trim().toLowerCase());
  if (found === null || text.trim() === '') return null;
  const [days = 0, hours = 0, minutes = 0] = found.slice(1).map((part) => Number(part ?? 0));
  const ms = ((days * 24 + hours) * 60 + minutes) * 60_000;
  return ms > 0 ? ms : null;
}

export function runPause(length: string): Promise<number> {
  return sayFor(length, (until) => ({ paused: until, resumed: null }));
}

/** Without a length: what `pause` said no longer holds. With one: help for so long although the owner is here. */
export function runResume(length: string): Promise<number> {
  if (length === '') return say({ paused: null, resumed: null });
  return sayFor(length, (until) => ({ paused: null, resumed: until }));
}

export async function runHours(text: string | null): Promise<number> {
  const home = homeDirectory();
  if (text === null) {
    const said = loadSaid(home);
    if (!said.ok) return complain(said.error);
    process.stdout.write(`${said.value.hours === '' ? 'always (presence and calendar decide)' : said.value.hours}\n`);
    return 0;
  }
  if (text === 'always' || text === '') return say({ hours: '' });
  const parsed = parseHours(text);
  if (!parsed.ok)
    return complain(`hours: ${parsed.error.message} (at character ${parsed.error.position + 1} of «${text}»)`);
  return say({ hours: text });
}

function sayFor(length: string, make: (until: number | 'forever') => Partial<OwnerSaid>): Promise<number> {
  if (length === '') return say(make('forever'));
  const ms = parseLength(length);
  if (ms === null) return Promise.resolve(complain(`«${length}» is no length of time; 90m, 2h and 1d are`));
  return say(make(Date.now() + ms));
}

async function say(change: Partial<OwnerSaid>): Promise<number> {
  const home = homeDirectory();
  const prepared = prepareHome(home);
  if (!prepared.ok) return complain(prepared.error);
  const said = loadSaid(home);
  const before: OwnerSaid = said.ok ? said.value : { version: 1, paused: null, resumed: null, hours: '' };
  const saved = saveSaid(home, { ...before, ...change });
  if (!saved.ok) return complain(saved.error);
  const answered = await ask(home, { cmd: 'owner-reread' });
  // Without an agent nothing runs here for others; the next one reads what was said.
  const line = answered.ok
    ? (answered.value[0] as OwnerReport).why
    : 'noted: no agent runs now, the next one keeps to it';
  process.stdout.write(`${line}\n`);
  return 0;
}

export async function runCalendarShow(days: number, json: boolean): Promise<number> {
  const home = homeDirectory();
  const started = await ensureAgent(home);
  if (!started.ok) return complain(started.error);
  const answered = await ask(home, { cmd: 'owner-show', days });
  if (!answered.ok) return complain(answered.error);
  const show = answered.value[0] as OwnerShow;
  const color = process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === '';
  process.stdout.write(
    json ? `${JSON.stringify(show)}\n` : drawStrip(show, days, { color, columns: process.stdout.columns ?? 100 }),
  );
  return 0;
}
