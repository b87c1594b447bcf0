// Which files make up a compiler besides its driver, in its own words. What it said is kept: the names of one gcc in one
// directory (cc, gcc, gcc-12) are one driver, and answer alike.
import { existsSync, readdirSync } from 'node:fs';
import { basename, delimiter, dirname, isAbsolute, join } from 'node:path';
import type { Result } from '../../base/result.ts';
import { err, ok } from '../../base/result.ts';
import { recognizeDriver } from '../../compiler/command/driver.ts';
import { tryStat } from '../stat.ts';
import { listBearings } from './bearings.ts';
import { FileDigests, identityOf } from './digests.ts';
import type { Loaded } from './libraries.ts';
import { ToolchainMemory } from './memory.ts';
import { Answers } from './remember.ts';
import type { Environment } from './run.ts';
import { run } from './run.ts';
import type { Walked } from './walk.ts';
import { findOther } from './wrappers.ts';

export interface Parts {
  readonly family: 'gcc' | 'clang';
  readonly version: string;
  readonly target: string;
  /** Programs and other files, absolute as the driver spells them. */
  readonly paths: readonly string[];
  /** Where parts were looked for, found or not: while all of it stays, so does the answer. Null: that is not known. */
  readonly looked: readonly string[] | null;
}

/** What descriptions of several compilers share. */
export class Shared {
  readonly memory: ToolchainMemory;
  readonly digests: FileDigests;
  readonly parts = new Answers<Result<Parts, string>>(0);
  readonly loaded = new Answers<Loaded>(0);

  /** `file`: where it is kept from one life to the next; null: nowhere. */
  constructor(file: string | null = null) {
    this.memory = new ToolchainMemory(file);
    this.digests = new FileDigests(this.memory);
  }
}

/** What gcc may start for C, C++, Objective-C and assembler; objcopy splits debug information off. */
const GCC_PROGRAMS = ['cc1', 'cc1plus', 'cc1obj', 'cc1objplus', 'objcopy'];
/** For the Fortran driver alone: machines with and without Fortran shall still know each other's C compilers for the same. */
const FORTRAN_PROGRAMS = ['f951'];
const FORTRAN_DRIVER = /(?:^|-)(?:gfortran|f77|f95)(?:-|$)/;
const GCC_FILES = ['specs', 'liblto_plugin.so'];

/** The variables by which a driver finds its parts, or the loader its libraries. */
export function placesIn(env: Environment): string {
  return ['PATH', 'GCC_EXEC_PREFIX', 'COMPILER_PATH', 'LD_LIBRARY_PATH'].map((name) => env[name] ?? '').join('\0');
}

/** Asks the driver at `compilerPath`, or remembers. The error is for people. */
export function listParts(
  compilerPath: string,
  driver: Walked,
  env: Environment,
  shared: Shared,
): Promise<Result<Parts, string>> {
  // Clang acts by the name that it is called by.
  const name = recognizeDriver(driver.real)?.family === 'gcc' ? '' : basename(compilerPath);
  const key = [dirname(compilerPath), name, driver.real, identityOf(driver.real), placesIn(env)].join('\0');
  return shared.parts.get(
    key,
    () => ask(compilerPath, driver, env),
    (parts) => (parts.ok ? [...parts.value.paths.map(identityOf), findInPath('as', env)].join('\n') : null),
  );
}

async function ask(compilerPath: string, driver: Walked, env: Environment): Promise<Result<Parts, string>> {
  const said = await run(compilerPath, ['-v'], { env, cwd: '/' });
  if (!said.ok) return err(said.error);
  const told = said.value.stderr;
  const family = /^gcc version /m.test(told) ? 'gcc' : /clang version /.test(told) ? 'clang' : null;
  if (family === null) return err(`${compilerPath} is neither gcc nor clang`);
  const other = findOther(told, compilerPath, driver);
  if (other !== null) {
    return err(
      `${compilerPath} is not the compiler itself, it calls the one of ${other}: what it would run cannot be known`,
    );
  }
  return ok({
    family,
    version: /^(?:gcc|.*clang) version (\S+)/m.exec(told)?.[1] ?? '',
    target: /^Target: (\S+)/m.exec(told)?.[1] ?? '',
    ...(family === 'gcc'
      ? await listGccParts(compilerPath, env, isFortranDriver(driver.real) ? FORTRAN_PROGRAMS : [])
      : // A gcc installation that appears anywhere can be the one that it leans on.
        { paths: await listClangParts(compilerPath, env, told), looked: null }),
  });
}

/** Whether a driver's own name says that it is for Fortran. */
export const isFortranDriver = (path: string): boolean => FORTRAN_DRIVER.test(basename(path));

async function listGccParts(
  compilerPath: string,
  env: Environment,
  more: readonly string[],
): Promise<Pick<Parts, 'paths' | 'looked'>> {
  // Where it looks for its parts; the assembler alone may have a place of its own, given when gcc was built.
  const [searched, assembler] = await Promise.all(
    ['-print-search-dirs', '-print-prog-name=as'].map(async (question) => {
      const answer = await run(compilerPath, [question], { env, cwd: '/' });
      return answer.ok && answer.value.code === 0 ? answer.value.stdout : '';
    }),
  );
  const looked = new Set<string>();
  const along = (list: string, name: string): string | null => {
    const dirs = new RegExp(`^${list}: =(.*)$`, 'm').exec(searched ?? '')?.[1]?.split(delimiter) ?? [];
    const places = dirs.map((dir) => dir + name).filter((path) => isAbsolute(path));
    const found = places.findIndex((path) => tryStat(path)?.isFile());
    for (const path of found < 0 ? places : places.slice(0, found + 1)) looked.add(path);
    return places[found] ?? null;
  };
  const inPath = (name: string): string | null => {
    const found = findInPath(name, env);
    for (const path of placesInPath(name, env)) {
      looked.add(path);
      if (path === found) break;
    }
    return found;
  };
  const as = assembler?.trim() ?? '';
  along('programs', 'as');
  const found = [
    // A bare name: the driver leaves the search to PATH.
    as.includes('/') && existsSync(as) ? as : inPath(as),
    ...[...GCC_PROGRAMS, ...more].map((name) => along('programs', name) ?? inPath(name)),
    ...GCC_FILES.map((name) => along('libraries', name)),
  ];
  return { paths: found.filter((path) => path !== null), looked: searched === '' ? null : [...looked] };
}

/** clang is one program, with lists of its own for -fsanitize=, and the files by which it finds its way. */
async function listClangParts(compilerPath: string, env: Environment, told: string): Promise<string[]> {
  const asked = await run(compilerPath, ['-print-resource-dir'], { env, cwd: '/' });
  const share = asked.ok && asked.value.code === 0 ? join(asked.value.stdout.trim(), 'share') : '';
  const lists =
    isAbsolute(share) && existsSync(share) ? readdirSync(share).filter((name) => name.endsWith('.txt')) : [];
  return [...listBearings(told), ...lists.map((name) => join(share, name))];
}

/** The first executable file of that name along PATH. */
export function findInPath(name: string, env: Environment): string | null {
  return placesInPath(name, env).find(isProgram) ?? null;
}

function placesInPath(name: string, env: Environment): string[] {
  if (name === '') return [];
  const dirs = (env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin').split(delimiter);
  return dirs.filter((dir) => isAbsolute(dir)).map((dir) => `${dir}/${name}`);
}

/** A directory of PATH that may not be looked into has no programs, as for the shell. */
function isProgram(path: string): boolean {
  const stats = tryStat(path);
  return stats !== null && stats.isFile() && (stats.mode & 0o111n) !== 0n;
}
