// Where the compiler looks for headers by itself, in its own words.
import type { Result } from '../../base/result.ts';
import { err, ok } from '../../base/result.ts';
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
}

const NAMES: Readonly<Record<Language, string | null>> = {
  c: 'c',
  'c++': 'c++',
  objc: 'objective-c',
  'objc++': 'objective-c++',
  'assembler-cpp': 'assembler-with-cpp',
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
  if (name === null) return ok({ systemDirs: [], missingDirs: [], doubleDirs: [], bearings: [] });
  const args = [...builtinArgs, '-v', '-E', '-x', name, '/dev/null', '-o', '/dev/null'];
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
  });
}

/** Reads the search list that gcc and clang print under -v; null when there is none. */
export function parseSearch(told: string): Omit<AskedSearch, 'bearings'> | null {
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
