// The files that `setlocale` reads for a task's environment. gcc quotes ‘so’ in UTF-8 locales and 'so' without, so a root that
// lacks the locale would print other bytes.
import { existsSync } from 'node:fs';

const LOCALE_DIR = '/usr/lib/locale';

/** Absolute paths of the character type and message files for LC_ALL, LC_CTYPE, LC_MESSAGES and LANG; empty for the C locale. */
export function listLocaleFiles(env: Readonly<Record<string, string | undefined>>): string[] {
  const files = new Set<string>();
  for (const [variable, path] of [
    ['LC_CTYPE', 'LC_CTYPE'],
    ['LC_MESSAGES', 'LC_MESSAGES/SYS_LC_MESSAGES'],
  ] as const) {
    const locale = env['LC_ALL'] || env[variable] || env['LANG'] || 'C';
    if (locale === 'C' || locale === 'POSIX' || locale.includes('/')) continue;
    const found = spellings(locale)
      .map((name) => `${LOCALE_DIR}/${name}/${path}`)
      .find((file) => existsSync(file));
    if (found !== undefined) files.add(found);
    else if (existsSync(`${LOCALE_DIR}/locale-archive`)) files.add(`${LOCALE_DIR}/locale-archive`);
  }
  return [...files];
}

/** `C.UTF-8` lies in `C.utf8`: the C library normalises the codeset when the name as given is not there. */
function spellings(locale: string): string[] {
  const [, name = '', codeset = '', modifier = ''] = /^([^.@]*)(?:\.([^@]*))?(@.*)?$/.exec(locale) ?? [];
  const normal = codeset.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  return codeset === '' ? [locale] : [locale, `${name}.${normal}${modifier}`];
}
