// What a compile takes from its machine besides files: its environment, the language of its messages and the time zone of __DATE__.
// The locale itself travels as files; translated messages do not, and the zone is reduced to an offset that needs no file.
import { existsSync, readdirSync } from 'node:fs';
import { isReserved } from '../../adapters/sandbox/paths.ts';
import { envSubset } from '../../compiler/command/environment.ts';

/** One environment, read once for all the calls of a build that have it. */
export interface Surroundings {
  readonly env: ReadonlyMap<string, string>;
  readonly variables: Readonly<Record<string, string>>;
  readonly build: string;
  /** Of equal number: the same compile comes out, wherever it was called. */
  readonly kind: number;
  /** What goes along, as `NAME=value`; without the time zone. */
  readonly sent: readonly string[];
  /** Of `sent`: what can show in an output. */
  readonly telling: readonly string[];
  /** Of `sent`: what shows in messages only. */
  readonly cosmetic: readonly string[];
  readonly translated: boolean;
  /** Directories that variables name: compilers look at them, some even at those that are not for their language. */
  readonly dirs: readonly string[];
}

const DIR_LISTS = ['CPATH', 'C_INCLUDE_PATH', 'CPLUS_INCLUDE_PATH', 'OBJC_INCLUDE_PATH', 'OBJCPLUS_INCLUDE_PATH'];

const KEPT = 64;
const KEPT_KINDS = 1_000;
/** They differ from call to call, and no compiler reads them. */
const IDLE = /^(?:TENDER_|MAKELEVEL=|MAKEFLAGS=|MFLAGS=|MAKE_TERM|_=|OLDPWD=|SHLVL=|NINJA_STATUS=)/;
const COSMETIC = /^(?:TERM|COLUMNS|GCC_COLORS|GCC_URLS|TERM_URLS|GCC_EXTRA_DIAGNOSTIC_OUTPUT)=/;

/** Reads environments; calls of one build mostly share theirs. */
export class SurroundingsReader {
  readonly #known = new Map<string, Surroundings>();
  readonly #kinds = new Map<string, number>();
  #lastKind = 0;

  read(entries: readonly string[]): Surroundings {
    const whole = entries.join('\0');
    let known = this.#known.get(whole);
    if (known === undefined) {
      known = readSurroundings(entries, this.#kindOf(entries));
      for (const oldest of this.#known.keys()) {
        if (this.#known.size < KEPT) break;
        this.#known.delete(oldest);
      }
      this.#known.set(whole, known);
    }
    return known;
  }

  #kindOf(entries: readonly string[]): number {
    const text = entries.filter((entry) => !IDLE.test(entry)).join('\0');
    let kind = this.#kinds.get(text);
    if (kind === undefined) {
      kind = ++this.#lastKind;
      if (this.#kinds.size >= KEPT_KINDS) this.#kinds.clear();
      this.#kinds.set(text, kind);
    }
    return kind;
  }
}

function readSurroundings(entries: readonly string[], kind: number): Surroundings {
  const env = new Map<string, string>();
  for (const entry of entries) {
    const at = entry.indexOf('=');
    if (at > 0) env.set(entry.slice(0, at), entry.slice(at + 1));
  }
  const sent = envSubset(env).filter((entry) => !entry.startsWith('TZ='));
  return {
    env,
    variables: Object.fromEntries(env),
    build: env.get('TENDER_BUILD') ?? 'adhoc',
    kind,
    sent,
    telling: sent.filter((entry) => !COSMETIC.test(entry)),
    cosmetic: sent.filter((entry) => COSMETIC.test(entry)),
    translated: speaksTranslated(env),
    dirs: namedDirectories(env),
  };
}

function namedDirectories(env: ReadonlyMap<string, string>): string[] {
  const dirs = DIR_LISTS.flatMap((name) => env.get(name)?.split(':') ?? []).filter((dir) => dir !== '');
  const pwd = env.get('PWD') ?? '';
  // One in /proc is as good there as here: the compiler compares it with its own directory.
  return pwd.startsWith('/') && !isReserved(pwd) ? [...dirs, pwd] : dirs;
}

const translated = new Map<string, boolean>();

/** Whether the compiler would speak another language than English here: its translations are not part of a toolchain. */
function speaksTranslated(env: ReadonlyMap<string, string>): boolean {
  const messages = env.get('LC_ALL') || env.get('LC_MESSAGES') || env.get('LANG') || 'C';
  if (/^(?:C|POSIX)(?:[._@]|$)/.test(messages)) return false;
  const languages = `${env.get('LANGUAGE') ?? ''}:${messages}`.split(':').map((name) => name.split(/[_.@]/)[0] ?? '');
  return languages.some((language) => {
    if (language === '' || language === 'en') return false;
    let known = translated.get(language);
    if (known === undefined) {
      known = hasTranslation(language);
      translated.set(language, known);
    }
    return known;
  });
}

function hasTranslation(language: string): boolean {
  const directory = `/usr/share/locale/${language}/LC_MESSAGES`;
  return existsSync(directory) && readdirSync(directory).some((name) => /^(?:gcc|cpplib|binutils|gas)\b/.test(name));
}

const ZONE_MS = 10_000;
const zones = new Map<string | undefined, { readonly rule: string; readonly atMs: number }>();

/** The caller's time zone as a POSIX rule with today's offset, e.g. `<+02>-02:00`. */
export function travellingZone(env: ReadonlyMap<string, string>): string {
  const name = env.get('TZ');
  const known = zones.get(name);
  const atMs = performance.now();
  if (known !== undefined && atMs - known.atMs < ZONE_MS) return known.rule;
  const rule = zoneRule(env);
  if (zones.size >= KEPT) zones.clear();
  zones.set(name, { rule, atMs });
  return rule;
}

function zoneRule(env: ReadonlyMap<string, string>): string {
  const minutes = offsetMinutes(env.get('TZ'));
  const absolute = Math.abs(minutes);
  const clock = `${String(Math.floor(absolute / 60)).padStart(2, '0')}:${String(absolute % 60).padStart(2, '0')}`;
  return minutes === 0
    ? 'UTC0'
    : `<${minutes > 0 ? '+' : '-'}${clock.replace(':', '')}>${minutes > 0 ? '-' : ''}${clock}`;
}

/** East of UTC; a zone that cannot be read is UTC, as for the C library. */
function offsetMinutes(zone: string | undefined): number {
  if (zone === undefined) return -new Date().getTimezoneOffset();
  try {
    const format = new Intl.DateTimeFormat('en', {
      timeZone: zone.replace(/^:/, '') || 'UTC',
      timeZoneName: 'longOffset',
    });
    const name = format.formatToParts(new Date()).find((part) => part.type === 'timeZoneName')?.value ?? '';
    const match = /GMT([+-])(\d\d):(\d\d)/.exec(name);
    if (match === null) return 0;
    const minutes = Number(match[2]) * 60 + Number(match[3]);
    return match[1] === '-' ? -minutes : minutes;
  } catch {
    return 0;
  }
}
