// The form of the option tables: how an option is written, and what it means for a compile that may run elsewhere.
import type { StayReason } from '../types.ts';
import type { Family } from './driver.ts';

/** `alone`: the name only. `separate`: the value is the next argument. `joined`: the value, not empty, follows the name. */
export type OptionForm = 'alone' | 'separate' | 'joined' | 'either';

export type DirList = 'quoteDirs' | 'includeDirs' | 'systemDirs' | 'afterDirs';

/** Things that are on or off; the last word counts. */
export type Switch =
  | 'gsplit-dwarf'
  | 'coverage'
  | 'ftest-coverage'
  | 'fstack-usage'
  | 'fcallgraph-info'
  | 'flto'
  | 'emit-llvm'
  | 'record-command'
  | 'time-trace'
  | 'record-passes'
  | 'profile-use'
  | 'auto-profile'
  | 'cpp';

/** Things with a value; the last word counts. */
export type Setting =
  'save-temps' | 'record-format' | 'record-file' | 'notes-file' | 'profile-dir' | 'profile-prefix' | 'profile-file';

export type Meaning =
  /** `builtin`: it selects the compiler's own search directories or macros, too. */
  | { readonly is: 'travels'; readonly builtin?: true }
  | { readonly is: 'stays'; readonly reason: StayReason; readonly why: string }
  | { readonly is: 'mode'; readonly mode: 'compile' | 'assembly' | 'other' }
  | {
      readonly is:
        'language' | 'object' | 'depfile' | 'depfile-name' | 'forced-include' | 'dir-prefix' | 'color' | 'module-dir';
    }
  | { readonly is: 'dir'; readonly list: DirList; readonly prefixed?: true }
  | { readonly is: 'macro'; readonly kind: 'D' | 'U' }
  | { readonly is: 'sysroot'; readonly headersOnly: boolean }
  | { readonly is: 'no-standard-dirs'; readonly of: 'c' | 'c++' }
  | { readonly is: 'switch'; readonly name: Switch; readonly on: boolean }
  /** `value`: what the setting becomes, null for none; absent: what follows the option's name. `also` is turned on with it. */
  | { readonly is: 'setting'; readonly name: Setting; readonly value?: string | null; readonly also?: Switch }
  | { readonly is: 'hand-on'; readonly to: 'preprocessor' | 'assembler' | 'clang'; readonly commas: boolean }
  /** -m…: travels; «native» is asked of the compiler here. */
  | { readonly is: 'machine' }
  /** -f…: travels unless its value is a path. */
  | { readonly is: 'feature' }
  /** `name=FILE`: writes FILE after what it holds already; without FILE `bare` says what it does. */
  | { readonly is: 'dump'; readonly bare: 'travels' | 'stays' }
  /** A file that changes gcc's own rules. */
  | { readonly is: 'specs' }
  | { readonly is: 'debug' | 'optimise' | 'charset' | 'llvm' | 'line-length' }
  /** Loads a file into the compiler; tells it something. */
  | { readonly is: 'plugin' | 'plugin-word' }
  /** The value names a file that the compile reads, or one that it writes. */
  | { readonly is: 'reads' | 'writes' };

export type Row = readonly [form: OptionForm, names: string, meaning: Meaning, family?: Family];

/** Options of one kind, as `docs/options.md` shows them. */
export interface Section {
  readonly title: string;
  /** What becomes of a command with one of them: `it depends` when their values decide. */
  readonly outcome: 'travels' | 'stays' | 'it depends';
  readonly why: string;
  readonly rows: readonly Row[];
}

export const travels: Meaning = { is: 'travels' };
export const builtin: Meaning = { is: 'travels', builtin: true };
export const stays = (reason: StayReason, why: string): Meaning => ({ is: 'stays', reason, why });
export const mode = (name: 'compile' | 'assembly' | 'other'): Meaning => ({ is: 'mode', mode: name });
export const turn = (name: Switch, on = true): Meaning => ({ is: 'switch', name, on });
export const dir = (list: DirList): Meaning => ({ is: 'dir', list });

/** The value that the option's word carries, or the one given. */
export function set(name: Setting, value?: string | null): Meaning {
  return value === undefined ? { is: 'setting', name } : { is: 'setting', name, value };
}
