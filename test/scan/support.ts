// What a scan is held against: the compilers' own lists of what they read, and the disk as a piece of its name space tells it.
import { spawnSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import type { FileCache } from '../../src/adapters/files/file-cache.ts';
import { parseSearch } from '../../src/adapters/toolchain/builtin.ts';
import { parseDependencies } from '../../src/compiler/scan/depfile.ts';
import { spellAbsolute } from '../../src/compiler/scan/directories.ts';
import type { IncludeScanner } from '../../src/compiler/scan/scan.ts';
import type { NameSpacePiece, ScanOptions, ScanRequest } from '../../src/compiler/types.ts';

export interface Compiler {
  readonly command: string;
  readonly language: 'c' | 'c++';
  /** Its own search directories. */
  readonly systemDirs: readonly string[];
}

const env = { ...process.env, LC_ALL: 'C' };

/** Null when it is not installed. */
export function describeCompiler(command: string, language: 'c' | 'c++'): Compiler | null {
  const told = spawnSync(command, ['-v', '-E', '-x', language, '/dev/null'], { env });
  if (told.error !== undefined) return null;
  const search = parseSearch(told.stderr.toString());
  if (search === null) throw new Error(`${command} does not tell where it searches`);
  return { command, language, systemDirs: search.systemDirs };
}

/** Those of `commands` that are here; says which are not. */
export function findCompilers(language: 'c' | 'c++', commands: readonly string[]): Compiler[] {
  return commands.flatMap((command) => {
    const found = describeCompiler(command, language);
    if (found === null) console.warn(`${command} is not installed: nothing is compared with it`);
    return found ?? [];
  });
}

export const NO_OPTIONS: ScanOptions = {
  quoteDirs: [],
  includeDirs: [],
  systemDirs: [],
  afterDirs: [],
  forcedIncludes: [],
  macros: [],
  noStdInc: false,
  noStdIncPlusPlus: false,
  sysroot: null,
};

/** The same as a command's words. Every second forced include is given as -imacros. */
function argumentsOf(scan: ScanOptions): string[] {
  return [
    ...scan.quoteDirs.flatMap((dir) => ['-iquote', dir]),
    ...scan.includeDirs.flatMap((dir) => ['-I', dir]),
    ...scan.systemDirs.flatMap((dir) => ['-isystem', dir]),
    ...scan.afterDirs.flatMap((dir) => ['-idirafter', dir]),
    ...scan.forcedIncludes.flatMap((name, at) => [at % 2 === 0 ? '-include' : '-imacros', name]),
    ...scan.macros.map(([kind, text]) => `-${kind}${text}`),
  ];
}

export function requestFor(compiler: Compiler, source: string, cwd: string, scan: ScanOptions): ScanRequest {
  return {
    source,
    cwd,
    scan,
    builtin: { systemDirs: compiler.systemDirs },
    envDirs: { afterI: [], afterSystem: [] },
  };
}

/** What the compiler reads, absolute; null when it refuses the unit because an include_next stands in the last directory. */
export function askCompiler(compiler: Compiler, request: ScanRequest, ...more: readonly string[]): string[] | null {
  const args = ['-x', compiler.language, '-M', '-w', ...more, ...argumentsOf(request.scan), request.source];
  const { afterI, afterSystem } = request.envDirs;
  const variables = {
    ...env,
    ...(afterI.length > 0 ? { CPATH: afterI.join(':') } : {}),
    ...(afterSystem.length > 0 ? { CPLUS_INCLUDE_PATH: afterSystem.join(':') } : {}),
  };
  const options = { cwd: request.cwd, encoding: 'utf8', env: variables, maxBuffer: 1 << 26 } as const;
  const answer = spawnSync(compiler.command, args, options);
  if (answer.stderr.includes('no include path in which to search')) return null;
  expect(answer.stderr).toBe('');
  return parseDependencies(answer.stdout).map((file) => spellAbsolute(file, request.cwd));
}

/** Every file that was read had been found, and leads within the piece of the name space to where it leads on the disk. */
export function expectSuperset(
  read: readonly string[],
  cache: FileCache,
  scanner: IncludeScanner,
  request: ScanRequest,
): void {
  const result = scanner.scan(request);
  const found = new Set(result.files.map((file) => realpathSync.native(file)));
  expect(read.filter((file) => !found.has(realpathSync.native(file)))).toEqual([]);
  const piece = cache.fragment(result.files, [...result.searchDirs, request.cwd]);
  if (!piece.ok) throw new Error(piece.error.message);
  const resolve = resolverIn(piece.value);
  const astray = read.filter((file) => resolve(file) !== realpathSync.native(file));
  expect(astray).toEqual([]);
}

/** Walks paths through a piece of a name space alone; null when something is missing there. */
function resolverIn(piece: NameSpacePiece): (path: string) => string | null {
  const links = new Map(piece.symlinks.map((link) => [link.path, link.target]));
  const files = new Set(piece.files.map((file) => file.path));
  const dirs = new Set(piece.dirs);
  for (const known of [...files, ...dirs, ...links.keys()]) {
    for (let dir = dirname(known); !dirs.has(dir); dir = dirname(dir)) dirs.add(dir);
  }
  return (path) => {
    const steps = path.split('/').toReversed();
    let real = '/';
    for (let walked = 0; steps.length > 0; walked++) {
      const step = steps.pop();
      if (step === undefined || step === '' || step === '.') continue;
      if (walked > 1000 || !dirs.has(real)) return null;
      if (step === '..') {
        real = dirname(real);
        continue;
      }
      const here = join(real, step);
      const target = links.get(here);
      if (target === undefined) {
        real = here;
      } else {
        if (target.startsWith('/')) real = '/';
        steps.push(...target.split('/').toReversed());
      }
    }
    return files.has(real) ? real : null;
  };
}
