// The compiler drivers' options as data, ready for look-ups. Families (-f…, -m…, -W…) travel by prefix, except the members
// that the sections name. What is not in the table is unknown, and a command with it stays.
import type { Family } from './driver.ts';
import { COMPILE_SECTIONS } from './options-compile.ts';
import { FILE_SECTIONS } from './options-files.ts';
import { STAY_SECTIONS } from './options-stay.ts';
import type { Meaning, Section } from './option-types.ts';

/** An option as found in the table. */
export interface Option {
  readonly name: string;
  readonly meaning: Meaning;
}

export interface OptionTable {
  /** Names that stand alone or take the next argument. */
  readonly exact: ReadonlyMap<string, { readonly option: Option; readonly takesNext: boolean }>;
  /** Names that a value follows, by their first two characters, the longest first. */
  readonly joined: ReadonlyMap<string, readonly Option[]>;
}

export const SECTIONS: readonly Section[] = [...COMPILE_SECTIONS, ...FILE_SECTIONS, ...STAY_SECTIONS];

/** Where two rows have the same name, the first one counts. */
function build(family: Family): OptionTable {
  const exact = new Map<string, { option: Option; takesNext: boolean }>();
  const joined = new Map<string, Option[]>();
  for (const [form, names, meaning, only] of SECTIONS.flatMap((section) => section.rows)) {
    if (only !== undefined && only !== family) continue;
    for (const name of names.split(' ')) {
      const option = { name, meaning };
      if (form !== 'joined' && !exact.has(name)) exact.set(name, { option, takesNext: form !== 'alone' });
      if (form === 'alone' || form === 'separate') continue;
      const start = name.slice(0, 2);
      const list = joined.get(start);
      if (list === undefined) joined.set(start, [option]);
      else list.push(option);
    }
  }
  for (const list of joined.values()) list.sort((a, b) => b.name.length - a.name.length);
  return { exact, joined };
}

export const OPTIONS: Readonly<Record<Family, OptionTable>> = { gcc: build('gcc'), clang: build('clang') };
