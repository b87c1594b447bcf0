// A compiler as a set of files: driver, the programs it starts, what those load. Headers are not among them: they travel
// with each unit. Equal sets have equal digests, so two machines can tell in 32 bytes whether they compile alike.
import { createHash } from 'node:crypto';
import { basename, dirname, isAbsolute } from 'node:path';
import type { Result } from '../../base/result.ts';
import { err, ok } from '../../base/result.ts';
import type { NamedFile, NameSpacePiece } from '../../compiler/types.ts';
import type { FileDigests } from './digests.ts';
import { readElf } from './elf.ts';
import { listLibraries } from './libraries.ts';
import type { Shared } from './parts.ts';
import { isFortranDriver, listParts, placesIn } from './parts.ts';
import type { Environment } from './run.ts';
import { questionEnvironment } from './run.ts';
import { walkPath } from './walk.ts';
import { findWrapper } from './wrappers.ts';

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

/** What is kept of a description from one life to the next: all but the files, which are looked at again. */
type Kept = Omit<ToolchainDescription, keyof NameSpacePiece | 'digest'> & {
  /** The files' paths as the compiler and the loader spell them. */
  readonly spelled: readonly string[];
};

/** Asks the compiler and the loader which files make it up, and reads them all, except for what `shared` knows. */
export async function readToolchain(
  compilerPath: string,
  env: Environment,
  shared: Shared,
): Promise<Result<ToolchainDescription, ToolchainError>> {
  try {
    const key = ['described', compilerPath, placesIn(env)].join('\0');
    const kept = shared.memory.recall<Kept>(key);
    if (kept !== null) return ok(await withFiles(kept, shared.digests));
    return await read(compilerPath, questionEnvironment(env), { key, shared });
  } catch (error) {
    return err({ message: `${compilerPath} cannot be described: ${(error as Error).message}` });
  } finally {
    shared.memory.save();
  }
}

async function withFiles({ spelled, ...rest }: Kept, digests: FileDigests): Promise<ToolchainDescription> {
  const piece = await takePiece(spelled, digests);
  return { ...rest, ...piece, digest: digestOf(piece) };
}

async function read(
  compilerPath: string,
  env: Environment,
  { key, shared }: { readonly key: string; readonly shared: Shared },
): Promise<Result<ToolchainDescription, ToolchainError>> {
  const askedAtMs = Date.now();
  const driver = isAbsolute(compilerPath) ? walkPath(compilerPath) : null;
  if (driver === null) return err({ message: `${compilerPath}: there is no such compiler` });
  const wrapper = findWrapper(driver);
  if (wrapper !== null) {
    return err({
      message: `${compilerPath} leads to ${wrapper}, not to a compiler: what it would run cannot be known`,
    });
  }
  if (!readElf(driver.real).elf) {
    return err({ message: `${compilerPath} is a script, not a compiler: what it would run cannot be known` });
  }
  const said = await listParts(compilerPath, driver, env, shared);
  if (!said.ok) return err({ message: said.error });
  const { family, version, target, paths, looked } = said.value;
  const programs = [compilerPath, ...paths].flatMap((path) => {
    const real = /\.(?:so|o)$/.test(path) ? undefined : walkPath(path)?.real;
    return real !== undefined && readElf(real).elf ? [real] : [];
  });
  const loaded = await Promise.all([...new Set(programs)].map((program) => listLibraries(program, env, shared.loaded)));
  const libraries = loaded.flatMap((one) => one.paths);
  const spelled = [...new Set([compilerPath, ...paths, ...libraries])];
  const pathDirs = [compilerPath, ...paths.filter((part) => /(?:^|-)as$/.test(basename(part)))].map(dirname);
  const kept: Kept = {
    family,
    version,
    target,
    label: `${nameOf(compilerPath, family)} ${version} ${target}`,
    spelled,
    pathDirs: [...new Set(pathDirs)],
    libraryDirs: [...new Set(loaded.flatMap((one) => one.cachedDirs))],
  };
  const described = await withFiles(kept, shared.digests);
  const isKnown = looked !== null && loaded.every((one) => one.grounds !== null);
  if (isKnown && spelled.every((path) => walkPath(path) !== null)) {
    const grounds = new Set([...spelled, ...looked, ...loaded.flatMap((one) => one.grounds ?? [])]);
    shared.memory.keep(key, kept, grounds, askedAtMs);
  }
  return ok(described);
}

function nameOf(compilerPath: string, family: 'gcc' | 'clang'): string {
  if (isFortranDriver(compilerPath)) return 'gfortran';
  const plusPlus = basename(compilerPath).includes('++');
  return family === 'gcc' ? (plusPlus ? 'g++' : 'gcc') : plusPlus ? 'clang++' : 'clang';
}

async function takePiece(spelled: readonly string[], digests: FileDigests): Promise<NameSpacePiece> {
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
  for (const path of [...reals].toSorted()) files.push(await digests.read(path));
  return { files, symlinks: [...links.values()].toSorted(byPath), dirs: [...dirs].toSorted() };
}

function byPath(a: { readonly path: string }, b: { readonly path: string }): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
}

function digestOf(piece: NameSpacePiece): string {
  const hash = createHash('sha256').update('tender toolchain 1\0');
  for (const { path, digest, executable } of piece.files) {
    hash.update(`${path}\0${executable ? 'x' : '-'}`).update(digest);
  }
  for (const { path, target } of piece.symlinks) hash.update(`${path}\0>${target}\0`);
  return hash.digest('hex');
}
