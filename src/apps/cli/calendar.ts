// `tender calendar add|list|remove|test|show`: the owner's calendars. Passwords are asked for, kept in a file that nobody else may read,
// and never shown.
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { forgetOthers, saveCopy } from '../../adapters/calendars/copies.ts';
import { fetchSource } from '../../adapters/calendars/calendars.ts';
import { parseAddress } from '../../adapters/calendars/http.ts';
import { loadSources, saveSources } from '../../adapters/calendars/source-file.ts';
import type { Copy, SourceKind, StoredSource } from '../../adapters/calendars/types.ts';
import { homeDirectory, prepareHome } from '../../adapters/config/config.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { parseCalendar } from '../../calendar/parse.ts';
import { complain } from '../complain.ts';
import type { OwnerReport } from '../owner-report.ts';
import { ask } from './agent-client.ts';
import { describeState } from './calendar-state.ts';
import { askPassword } from './password.ts';

export interface AddOptions {
  readonly name: string;
  readonly kind: SourceKind | null;
  readonly user: string;
  readonly passwordStdin: boolean;
}

/** Adds a calendar after it could be read once. */
export async function runCalendarAdd(place: string, options: AddOptions): Promise<number> {
  const home = homeDirectory();
  const prepared = prepareHome(home);
  if (!prepared.ok) return complain(prepared.error);
  const known = loadSources(home);
  if (!known.ok) return complain(known.error);
  const made = await makeSource(place, options, known.value);
  if (!made.ok) return complain(made.error);
  const read = await readOnce(made.value);
  if (!read.ok) return complain(`${made.value.place}: ${read.error}; it is not added`);
  const saved = saveSources(home, [...known.value, read.value.source]);
  if (!saved.ok) return complain(saved.error);
  // The agent begins with what was read just now.
  const { copy, source, said } = read.value;
  if (copy !== null) saveCopy(home, source.name, source.place, { copy, goodAtMs: Date.now() });
  await ask(home, { cmd: 'calendars-changed' });
  process.stdout.write(`added «${source.name}» (${source.kind}): ${said}\n`);
  return 0;
}

async function makeSource(
  given: string,
  options: AddOptions,
  known: readonly StoredSource[],
): Promise<Result<StoredSource, string>> {
  const isAddress = /^[a-z][a-z0-9+.-]*:\/\//i.test(given);
  let place = resolve(given);
  let { user } = options;
  let password = '';
  if (isAddress) {
    const parsed = parseAddress(given);
    if (!parsed.ok) return parsed;
    place = parsed.value.place;
    if (parsed.value.login !== null) {
      user = user === '' ? parsed.value.login.user : user;
      password = parsed.value.login.password;
    }
  } else if (!existsSync(place)) return err(`${place}: there is no such file; an address begins with https://`);
  const kind = options.kind ?? (isAddress ? (user === '' ? 'url' : 'caldav') : 'file');
  if ((kind === 'file') === isAddress) return err(`--kind ${kind} does not go with ${given}`);
  if (user !== '' && password === '') {
    const asked = options.passwordStdin
      ? ok(readFileSync(0, 'utf8').replace(/\r?\n$/, ''))
      : await askPassword(`password of ${user} at ${new URL(place).host}: `);
    if (!asked.ok) return asked;
    password = asked.value;
  }
  const name = options.name === '' ? freeName(place, known) : options.name;
  if (!/^[a-z0-9][a-z0-9._-]{0,40}$/.test(name)) return err(`«${name}»: a name is made of a-z, 0-9, dots and dashes`);
  if (known.some((each) => each.name === name)) {
    return err(
      `there is a calendar «${name}» already; \`tender calendar remove ${name}\` removes it, --name gives another name`,
    );
  }
  return ok({ name, kind, place, user, password });
}

/** From the place: its host or its file's name. */
function freeName(place: string, known: readonly StoredSource[]): string {
  const base = place.includes('://') ? new URL(place).hostname : (place.split('/').at(-1) ?? '').replace(/\.ics$/i, '');
  const name =
    base
      .toLowerCase()
      .replace(/[^a-z0-9.-]+/g, '-')
      .replace(/^[^a-z0-9]+/, '')
      .slice(0, 30) || 'calendar';
  for (let i = 1; ; i++) {
    const candidate = i === 1 ? name : `${name}-${i}`;
    if (!known.some((each) => each.name === candidate)) return candidate;
  }
}

interface Read {
  readonly source: StoredSource;
  /** Null: nothing was read anew. */
  readonly copy: Copy | null;
  readonly said: string;
}

/** Reads it now. An address with a user may be a plain text behind a password, too: then it is no CalDAV. */
export async function readOnce(source: StoredSource): Promise<Result<Read, string>> {
  const signal = new AbortController().signal;
  const fetched = await fetchSource(source, null, signal);
  if (!fetched.ok && source.kind === 'caldav') {
    const plain = await fetchSource({ ...source, kind: 'url' }, null, signal);
    if (plain.ok && plain.value.is === 'new')
      return ok({ source: { ...source, kind: 'url' }, copy: plain.value.copy, said: describe(plain.value.copy) });
  }
  if (!fetched.ok) return err(fetched.error.message);
  if (fetched.value.is !== 'new') return ok({ source, copy: null, said: 'unchanged' });
  const texts = Object.values(fetched.value.copy.texts).map(({ text }) => parseCalendar(text));
  const broken = texts.find((each) => !each.ok);
  if (broken?.ok === false && texts.every((each) => !each.ok)) return broken;
  return ok({ source, copy: fetched.value.copy, said: describe(fetched.value.copy) });
}

function describe(copy: Copy): string {
  let events = 0;
  const problems: string[] = [];
  for (const { text } of Object.values(copy.texts)) {
    const parsed = parseCalendar(text);
    if (!parsed.ok) problems.push(parsed.error);
    else {
      events += parsed.value.events.length + parsed.value.freeBusy.length + parsed.value.availability.length;
      problems.push(...parsed.value.problems);
    }
  }
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  return `${events} ${events === 1 ? 'event' : 'events'}${problems.length > 0 ? `; ${problems[0]}${more}` : ''}`;
}

/** With what the agent knows of each, when one runs. */
export async function runCalendarList(json: boolean): Promise<number> {
  const home = homeDirectory();
  const known = loadSources(home);
  if (!known.ok) return complain(known.error);
  const answered = known.value.length === 0 ? null : await ask(home, { cmd: 'owner' });
  const states = answered?.ok === true ? (answered.value[0] as OwnerReport).calendars : [];
  const shown = known.value.map(({ name, kind, place, user }) => {
    const found = states.find((each) => each.name === name && each.place === place);
    const { state = null, problem = '', events = null, goodAtMs = null, nextAtMs = null } = found ?? {};
    return { name, kind, place, user, state, problem, events, goodAtMs, nextAtMs };
  });
  if (json) process.stdout.write(`${JSON.stringify(shown)}\n`);
  else if (shown.length === 0) process.stdout.write('no calendars; `tender calendar add FILE-OR-ADDRESS` adds one\n');
  const width = Math.max(0, ...shown.map(({ name }) => name.length));
  if (!json)
    for (const each of shown) {
      const state = states.find(({ name, place }) => name === each.name && place === each.place);
      const how = state === undefined ? '' : `\n${' '.repeat(width + 2)}${describeState(state, Date.now())}`;
      process.stdout.write(`${each.name.padEnd(width)}  ${each.kind.padEnd(8)}  ${each.place}${how}\n`);
    }
  if (!json && shown.length > 0 && states.length === 0)
    process.stdout.write('no agent runs: `tender calendar test` reads them now\n');
  return 0;
}

export async function runCalendarRemove(name: string): Promise<number> {
  const home = homeDirectory();
  const known = loadSources(home);
  if (!known.ok) return complain(known.error);
  const left = known.value.filter((each) => each.name !== name);
  if (left.length === known.value.length) return complain(unknown(name, known.value));
  const saved = saveSources(home, left);
  if (!saved.ok) return complain(saved.error);
  await ask(home, { cmd: 'calendars-changed' });
  // Without an agent its copy would stay until the next one starts.
  forgetOthers(home, new Set(left.map((each) => each.name)));
  process.stdout.write(`removed «${name}», its password and its copy\n`);
  return 0;
}

/** Reads all calendars, or one, now; 1 when any cannot be read. */
export async function runCalendarTest(name: string): Promise<number> {
  const known = loadSources(homeDirectory());
  if (!known.ok) return complain(known.error);
  const chosen = known.value.filter((each) => name === '' || each.name === name);
  if (chosen.length === 0) return complain(name === '' ? 'there are no calendars' : unknown(name, known.value));
  let failed = 0;
  for (const source of chosen) {
    const read = await readOnce(source);
    if (read.ok) process.stdout.write(`${source.name}: ${read.value.said}\n`);
    else {
      failed += 1;
      complain(`${source.name} (${source.place}): ${read.error}`);
    }
  }
  return failed === 0 ? 0 : 1;
}

function unknown(name: string, known: readonly StoredSource[]): string {
  const names = known.map((each) => each.name).join(', ');
  return `there is no calendar «${name}»; ${names === '' ? 'there are none' : `there are ${names}`}`;
}
