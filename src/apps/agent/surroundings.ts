// What a compile takes from its machine besides files: the language and character set of messages, and the time zone of __DATE__.
// Both are reduced to what needs no files on the worker, so that the bytes come out as here.
import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { promisify } from 'node:util';

const run = promisify(execFile);
const known = new Map<string, Promise<string | null>>();

/** `C` or `C.UTF-8`, whichever prints as the caller's locale does; null when its messages are translated. */
export function travellingLocale(env: ReadonlyMap<string, string>): Promise<string | null> {
  const wanted = ['LC_ALL', 'LC_CTYPE', 'LC_MESSAGES', 'LANG', 'LANGUAGE'].map((name) => env.get(name) ?? '');
  const key = wanted.join('\0');
  let locale = known.get(key);
  if (locale === undefined) {
    locale = askLocale(env);
    known.set(key, locale);
  }
  return locale;
}

async function askLocale(env: ReadonlyMap<string, string>): Promise<string | null> {
  const messages = env.get('LC_ALL') || env.get('LC_MESSAGES') || env.get('LANG') || 'C';
  if (!/^(?:C|POSIX|en)(?:[._@]|$)/.test(messages) || /^(?!en|C)\w/.test(env.get('LANGUAGE') ?? '')) {
    const language = (env.get('LANGUAGE') || messages).split(/[_.@:]/)[0] ?? '';
    if (hasTranslation(language)) return null;
  }
  const locale: Record<string, string> = {};
  for (const name of ['LC_ALL', 'LC_CTYPE', 'LANG']) {
    const value = env.get(name);
    if (value !== undefined) locale[name] = value;
  }
  // What the variables name may not be installed: then the C library falls back, and so must the worker.
  const asked = await run('locale', ['charmap'], { env: { PATH: '/usr/bin:/bin', ...locale } }).catch(() => null);
  return asked?.stdout.trim() === 'UTF-8' ? 'C.UTF-8' : 'C';
}

function hasTranslation(language: string): boolean {
  const directory = `/usr/share/locale/${language}/LC_MESSAGES`;
  return existsSync(directory) && readdirSync(directory).some((name) => /^(?:gcc|cpplib|binutils|gas)\b/.test(name));
}

/** The caller's time zone as a POSIX rule with today's offset, e.g. `<+02>-02:00`. */
export function travellingZone(env: ReadonlyMap<string, string>): string {
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
