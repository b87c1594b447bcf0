// Where the compiler looks for headers by itself, in its own words.
import { isAbsolute } from 'node:path';
import type { Result } from '../../base/result.ts';
import { err, ok } from '../../base/result.ts';
import { isFortran } from '../../compiler/command/languages.ts';
import { splitWords } from '../../compiler/command/words.ts';
import { spellAbsolute } from '../../compiler/scan/directories.ts';
import type { BuiltinSearch, Language } from '../../compiler/types.ts';
import { listBearings } from './bearings.ts';
import type { ToolchainError } from './describe.ts';
import type { Environment } from './run.ts';
import { questionEnvironment, run } from './run.ts';

export interface AskedSearch extends BuiltinSearch {
  /** Directories that the compiler would search if they existed: when one appears, ask again. */
  readonly missingDirs: readonly string[];
  /** Second names of directories that are searched already. */
  readonly doubleDirs: readonly string[];
  readonly bearings: readonly string[];
  readonly intrinsicDirs: readonly string[];
  /** The front end that a driver for another language calls; null where it is one of the usual. */
  readonly frontEnd: string | null;
}

const NAMES: Readonly<Record<Language, string | null>> = {
  c: 'c',
  'c++': 'c++',
  objc: 'objective-c',
  'objc++': 'objective-c++',
  'assembler-cpp': 'assembler-with-cpp',
  fortran: 'f95',
  'fortran-cpp': 'f95',
  // These include nothing.
  'c-preprocessed': null,
  'c++-preprocessed': null,
  assembler: null,
};

/** Asks `-v -E -x LANGUAGE /dev/null`. The directories are absolute; the error carries what the compiler said. */
export async function askBuiltinSearch(
  compilerPath: string,
  language: Language,
  builtinArgs: readonly string[],
  options: { readonly env: Environment; readonly cwd: string },
): Promise<Result<AskedSearch, ToolchainError>> {
  const name = NAMES[language];
  const nothing = { systemDirs: [], missingDirs: [], doubleDirs: [], bearings: [], intrinsicDirs: [], frontEnd: null };
  if (name === null) return ok(nothing);
  // Only a compile tells where Fortran's own modules lie.
  const mode = isFortran(language) ? ['-fsyntax-only', '-cpp', '-c'] : ['-E'];
  const args = [...builtinArgs, '-v', ...mode, '-x', name, '/dev/null', '-o', '/dev/null'];
  const answer = await run(compilerPath, args, { env: questionEnvironment(options.env), cwd: options.cwd });
  if (!answer.ok) return err({ message: answer.error });
  const { code, stderr } = answer.value;
  const search = parseSearch(stderr);
  if (code !== 0 || search === null) {
    const why = /^.*error: .*$/m.exec(stderr)?.[0] ?? `it ended with code ${code}`;
    return err({ message: `${compilerPath} does not say where it looks for ${name} headers: ${why}` });
  }
  const spell = (dirs: readonly string[]): string[] => dirs.map((dir) => spellAbsolute(dir, options.cwd));
  return ok({
    systemDirs: spell(search.systemDirs),
    missingDirs: spell(search.missingDirs),
    doubleDirs: spell(search.doubleDirs),
    bearings: spell(listBearings(stderr)),
    intrinsicDirs: [],
    frontEnd: null,
    ...(isFortran(language) ? parseFortran(stderr, spell) : {}),
  });
}

/** Which files and directories a Fortran compile is given by the driver, by the line that starts it. */
function parseFortran(
  told: string,
  spell: (dirs: readonly string[]) => string[],
): Pick<AskedSearch, 'bearings' | 'intrinsicDirs' | 'frontEnd'> {
  const words = splitWords(/^ (\S*f951 .*)$/m.exec(told)?.[1] ?? '') ?? [];
  const included = words.find((word) => word.startsWith('-fpre-include='))?.slice('-fpre-include='.length);
  const at = words.indexOf('-fintrinsic-modules-path');
  const dir = at < 0 ? undefined : words[at + 1];
  const frontEnd = words[0] ?? null;
  return {
    bearings: spell(included === undefined ? [] : [included]),
    intrinsicDirs: spell(dir === undefined ? [] : [dir]),
    frontEnd: frontEnd !== null && isAbsolute(frontEnd) ? frontEnd : null,
  };
}

/** Reads the search list that gcc and clang print under -v; null when there is none. */
export function parseSearch(told: string): Pick<AskedSearch, 'systemDirs' | 'missingDirs' | 'doubleDirs'> | null {
  const match = /^#include "\.\.\." search starts here:\n([\s\S]*?)^End of search list\.$/m.exec(told);
  if (match === null) return null;
  // Clang leaves the second heading out when nothing would follow it.
  const [, listed = ''] = (match[1] ?? '').split('#include <...> search starts here:\n');
  const systemDirs = listed
    .split('\n')
    .filter((line) => line.startsWith(' ') && !line.endsWith(' (framework directory)'))
    .map((line) => line.slice(1));
  const ignored = (why: string): string[] =>
    [...told.matchAll(new RegExp(`^ignoring ${why} directory "(.*)"$`, 'gm'))].map((match) => match[1] ?? '');
  return { systemDirs, missingDirs: ignored('nonexistent'), doubleDirs: ignored('duplicate') };
}
