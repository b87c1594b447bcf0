// A compiler as a set of files: driver, the programs it starts, what those load. Headers are not among them: they travel
// with each unit. Equal sets have equal digests, so two machines can tell in 32 bytes whether they compile alike.
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readdirSync, statSync } from 'node:fs';
import { basename, delimiter, dirname, isAbsolute, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Result } from '../../base/result.ts';
import { err, ok } from '../../base/result.ts';
import type { NamedFile, NameSpacePiece } from '../../compiler/types.ts';
import { tryStat } from '../stat.ts';
import { listBearings } from './bearings.ts';
import { readElf } from './elf.ts';
import { listLibraries } from './libraries.ts';
import type { Environment } from './run.ts';
import { questionEnvironment, run } from './run.ts';
import { walkPath } from './walk.ts';

export interface ToolchainDescription extends NameSpacePiece {
  readonly family: 'gcc' | 'clang';
  readonly version: string;
  readonly target: string;
  /** `g++ 12.2.0 x86_64-linux-gnu`. */
  readonly label: string;
  /** SHA-256 over the paths, contents and links, hex. */
  readonly digest: string;
  /** For PATH where the compiler runs: there it finds its assembler. */
  readonly pathDirs: readonly string[];
  /** For LD_LIBRARY_PATH; mostly empty: the loader knows its own directories. */
  readonly libraryDirs: readonly string[];
}

export interface ToolchainError {
  readonly message: string;
}

/** What gcc may start for C, C++, Objective-C and assembler; objcopy splits debug information off. */
const GCC_PROGRAMS = ['cc1', 'cc1plus', 'cc1obj', 'cc1objplus', 'as', 'objcopy'];
const GCC_FILES = ['specs', 'liblto_plugin.so'];

/** Asks the compiler and the loader which files make it up, and reads them all. */
export async function readToolchain(
  compilerPath: string,
  env: Environment,
): Promise<Result<ToolchainDescription, ToolchainError>> {
  try {
    return await read(compilerPath, questionEnvironment(env));
  } catch (error) {
    return err({ message: `${compilerPath} cannot be described: ${(error as Error).message}` });
  }
}

async function read(compilerPath: string, env: Environment): Promise<Result<ToolchainDescription, ToolchainError>> {
  const driver = isAbsolute(compilerPath) ? walkPath(compilerPath) : null;
  if (driver === null) return err({ message: `${compilerPath}: there is no such compiler` });
  if (!readElf(driver.real).elf) {
    return err({ message: `${compilerPath} is a script, not a compiler: what it would run cannot be known` });
  }
  const said = await run(compilerPath, ['-v'], { env, cwd: '/' });
  if (!said.ok) return err({ message: said.error });
  const told = said.value.stderr;
  const family = /^gcc version /m.test(told) ? 'gcc' : /clang version /.test(told) ? 'clang' : null;
  if (family === null) return err({ message: `${compilerPath} is neither gcc nor clang` });
  const version = /^(?:gcc|.*clang) version (\S+)/m.exec(told)?.[1] ?? '';
  const target = /^Target: (\S+)/m.exec(told)?.[1] ?? '';

  const parts =
    family === 'gcc' ? await listGccParts(compilerPath, env) : await listClangParts(compilerPath, env, told);
  const spelled = new Set([compilerPath, ...parts]);
  const libraryDirs = new Set<string>();
  for (const program of [...spelled]) {
    const real = walkPath(program)?.real;
    if (real === undefined || !readElf(real).elf || /\.(?:so|o)$/.test(program)) continue;
    const { paths, cachedDirs } = await listLibraries(real, env);
    for (const path of paths) spelled.add(path);
    for (const dir of cachedDirs) libraryDirs.add(dir);
  }
  const piece = await takePiece([...spelled]);
  const pathDirs = new Set([
    dirname(compilerPath),
    ...parts.filter((part) => /(?:^|-)as$/.test(basename(part))).map(dirname),
  ]);
  return ok({
    family,
    version,
    target,
    label: `${nameOf(compilerPath, family)} ${version} ${target}`,
    digest: digestOf(piece),
    ...piece,
    pathDirs: [...pathDirs],
    libraryDirs: [...libraryDirs],
  });
}

function nameOf(compilerPath: string, family: 'gcc' | 'clang'): string {
  const plusPlus = basename(compilerPath).includes('++');
  return family === 'gcc' ? (plusPlus ? 'g++' : 'gcc') : plusPlus ? 'clang++' : 'clang';
}

async function listGccParts(compilerPath: string, env: Environment): Promise<string[]> {
  const questions = [
    ...GCC_PROGRAMS.map((name) => `-print-prog-name=${name}`),
    ...GCC_FILES.map((name) => `-print-file-name=${name}`),
  ];
  const parts: string[] = [];
  for (const question of questions) {
    const answer = await run(compilerPath, [question], { env, cwd: '/' });
    const path = answer.ok && answer.value.code === 0 ? answer.value.stdout.trim() : '';
    // A bare name: the driver leaves the search to PATH (programs), or there is none (files).
    const found = path.includes('/') ? path : question.includes('prog') ? findInPath(path, env) : null;
    if (found !== null && existsSync(found)) parts.push(found);
  }
  return parts;
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
  if (name === '') return null;
  for (const dir of (env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin').split(delimiter)) {
    const path = `${dir}/${name}`;
    if (isAbsolute(dir) && isProgram(path)) return path;
  }
  return null;
}

/** A directory of PATH that may not be looked into has no programs, as for the shell. */
function isProgram(path: string): boolean {
  const stats = tryStat(path);
  return stats !== null && stats.isFile() && (stats.mode & 0o111n) !== 0n;
}

async function takePiece(spelled: readonly string[]): Promise<NameSpacePiece> {
  const links = new Map<string, { path: string; target: string }>();
  const dirs = new Set<string>();
  const reals = new Set<string>();
  for (const path of spelled) {
    const walked = walkPath(path);
    if (walked === null) continue;
    for (const link of walked.links) links.set(link.path, link);
    for (const dir of walked.passed) dirs.add(dir);
    reals.add(walked.real);
  }
  const files: NamedFile[] = [];
  for (const path of [...reals].toSorted()) files.push(await readFile(path));
  return { files, symlinks: [...links.values()].toSorted(byPath), dirs: [...dirs].toSorted() };
}

function byPath(a: { readonly path: string }, b: { readonly path: string }): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
}

async function readFile(path: string): Promise<NamedFile> {
  const stats = statSync(path);
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return { path, digest: hash.digest(), size: stats.size, executable: (stats.mode & 0o111) !== 0 };
}

function digestOf(piece: NameSpacePiece): string {
  const hash = createHash('sha256').update('tender toolchain 1\0');
  for (const { path, digest, executable } of piece.files) {
    hash.update(`${path}\0${executable ? 'x' : '-'}`).update(digest);
  }
  for (const { path, target } of piece.symlinks) hash.update(`${path}\0>${target}\0`);
  return hash.digest('hex');
}
