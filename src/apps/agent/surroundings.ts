// What a compile takes from its machine besides files: the language of its messages and the time zone of __DATE__.
// The locale itself travels as files; translated messages do not, and the zone is reduced to an offset that needs no file.
import { existsSync, readdirSync } from 'node:fs';

const translated = new Map<string, boolean>();

/** Whether the compiler would speak another language than English here: its translations are not part of a toolchain. */
export function speaksTranslated(env: ReadonlyMap<string, string>): boolean {
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
