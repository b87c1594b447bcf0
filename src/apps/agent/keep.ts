// Results are found and put here: a unit's manifests say what its compiles have read; the one whose every file is as it was,
// and whose every include leads where it led, names the result. Called within a moment of the disk.
import { createHash } from 'node:crypto';
import { zstdDecompressSync } from 'node:zlib';
import { parseDependencies } from '../../compiler/scan/depfile.ts';
import { spellAbsolute } from '../../compiler/scan/directories.ts';
import { filesToRemember } from '../../compiler/scan/remember.ts';
import type { IncludeScanner } from '../../compiler/scan/scan.ts';
import type { NamedFile } from '../../compiler/types.ts';
import type { FileCache } from '../../adapters/files/file-cache.ts';
import type { Manifest, ManifestFile, ResultStore, StoredResult } from '../../adapters/results/types.ts';
import type { ExecutionResultMessage } from '../../wire/messages.ts';
import { messageKey, resultKey } from './store-keys.ts';
import type { Surroundings } from './surroundings.ts';
import type { Taken, Unit } from './units.ts';

/** What a compile made, wherever it ran. */
export type MadeResult = Pick<
  ExecutionResultMessage,
  'signalled' | 'code' | 'stdout' | 'stderr' | 'outputs' | 'ranMs' | 'cpuMs'
>;

export type KeepingStore = Pick<ResultStore, 'manifests' | 'result' | 'put'>;

/** Of a file in which no include is looked for. */
const NO_RESOLUTION = new Uint8Array(16);
const MAX_DEPFILE_BYTES = 16 * 2 ** 20;
const UNCERTAIN_IN_DEPFILES = /[\t\r\n\\]/;

export class ResultKeeper {
  readonly #store: KeepingStore;
  readonly #files: FileCache;
  readonly #scanner: IncludeScanner;

  constructor(store: KeepingStore, files: FileCache, scanner: IncludeScanner) {
    this.#store = store;
    this.#files = files;
    this.#scanner = scanner;
  }

  /** The result of a compile of this unit that read the files as they are now. */
  find(unit: Unit, surroundings: Surroundings): StoredResult | null {
    const { storeKey } = unit;
    if (storeKey === null || surroundings.env.has('TENDER_NO_STORE')) return null;
    if (unit.hit === null || !unit.hit.holds()) {
      unit.hit = null;
      const found = this.#files.snapshot(() => this.#match(unit, storeKey, surroundings));
      const { value } = found;
      if (value === null) return null;
      unit.hit = { value, holds: () => found.holds() };
    }
    const result = this.#store.result(unit.hit.value, storeKey);
    if (result === null) unit.hit = null;
    return result;
  }

  /**
   * Keeps what a compile of `taken` gave, unless any of it has changed since it was taken; whether it did. `here`: the compiler
   * had the whole disk before it, not just what was taken for it.
   */
  put(unit: Unit, surroundings: Surroundings, taken: Taken, result: MadeResult, here = false): boolean {
    const { storeKey } = unit;
    if (storeKey === null || result.signalled || result.code !== 0) return false;
    if (unit.taken?.value !== taken || !unit.taken.holds()) return false;
    const { stdout, stderr, outputs, ranMs, cpuMs } = result;
    const read = this.#readBy(unit, taken, result);
    if (here && !this.#wasTaken(taken, read.listed, unit.cwd)) return false;
    const files = this.#describe(unit, read);
    if (files === null) return false;
    const messages = stderr.length + stdout.length === 0 ? '' : messageKey(unit.plan, surroundings);
    const key = resultKey(storeKey, files, this.#prelude(unit), messages);
    this.#store.put(storeKey, { files, resultKey: key }, { stdout, stderr, outputs, ranMs, cpuMs });
    return true;
  }

  /** Whether all that a depfile lists was foreseen. */
  #wasTaken(taken: Taken, listed: readonly string[], cwd: string): boolean {
    const foreseen = new Set(taken.fragment.files.map(({ path }) => path));
    return listed.every((path) => {
      const named = this.#files.digest(spellAbsolute(path, cwd));
      return named !== null && foreseen.has(named.path);
    });
  }

  /** What is looked for besides includes: forced headers, precompiled ones, and files that may be there or not. */
  #prelude(unit: Unit): Uint8Array {
    const { plan, requests, cwd } = unit;
    const prelude = this.#scanner.prelude(requests[0]);
    if (plan.optionalInputs.length === 0) return prelude;
    const there = plan.optionalInputs.map((path) => (this.#files.isFile(spellAbsolute(path, cwd)) ? '+' : '-'));
    return Buffer.concat([prelude, Buffer.from(there.join(''))]);
  }

  #match(unit: Unit, storeKey: Uint8Array, surroundings: Surroundings): Uint8Array | null {
    for (const manifest of this.#store.manifests(storeKey)) {
      if (!this.#isAsRead(unit, manifest)) continue;
      const prelude = this.#prelude(unit);
      for (const messages of ['', messageKey(unit.plan, surroundings)]) {
        const key = resultKey(storeKey, manifest.files, prelude, messages);
        if (Buffer.compare(key, manifest.resultKey) === 0) return key;
      }
    }
    return null;
  }

  #isAsRead(unit: Unit, manifest: Manifest): boolean {
    const named: NamedFile[] = [];
    for (const { path, digest } of manifest.files) {
      const now = this.#files.digest(spellAbsolute(path, unit.cwd));
      if (now === null || (now.digest !== digest && Buffer.compare(now.digest, digest) !== 0)) return false;
      named.push(now);
    }
    const marks = markTwins(named);
    const scanned = manifest.files.flatMap((file, index) => (isPlain(file) ? [] : [{ ...file, mark: marks[index] }]));
    const paths = scanned.map((file) => spellAbsolute(file.path, unit.cwd));
    const resolutions = this.#scanner.resolutions(unit.requests[0], paths);
    return scanned.every(({ resolution, mark }, index) => {
      const now = resolutions[index] ?? null;
      return now !== null && Buffer.compare(withMark(now, mark), resolution) === 0;
    });
  }

  /** What the compile read, as its depfile spells it; where there is no full one, all that it may have read. */
  #readBy(
    unit: Unit,
    taken: Taken,
    result: MadeResult,
  ): { scanned: readonly string[]; plain: string[]; listed: readonly string[] } {
    const { plan, cwd } = unit;
    const optional = plan.optionalInputs.filter((path) => this.#files.isFile(spellAbsolute(path, cwd)));
    const plain = [...plan.extraInputs, ...optional];
    const at = plan.outputs.findIndex(({ kind }) => kind === 'depfile');
    const written = result.outputs.find(({ index }) => index === at);
    // With -MMD the headers of the system are not in it, and what Fortran includes is looked for in more places than it lists. -MV
    // writes for another make, and in all forms some characters of a name cannot be told from what parts two names.
    const isFull =
      unit.requests[0].fortran === undefined &&
      at >= 0 &&
      written !== undefined &&
      !plan.args.some((arg) => arg.includes('MM') || arg === '-MV') &&
      !taken.scanned.some((path) => UNCERTAIN_IN_DEPFILES.test(path));
    const all = { scanned: taken.scanned.map((path) => relative(cwd, path)), plain, listed: [] };
    if (!isFull) return all;
    const bytes = written.zstd
      ? zstdDecompressSync(written.data, { maxOutputLength: MAX_DEPFILE_BYTES })
      : Buffer.from(written.data);
    const listed = parseDependencies(bytes.toString()).filter((path) => !plain.includes(path));
    if (listed.length === 0) return all;
    const spelled = new Map(listed.map((path) => [spellAbsolute(path, cwd), path]));
    const remembered = filesToRemember(
      [...spelled.keys()],
      { files: taken.scanned, unlisted: taken.unlisted },
      (path) => this.#contentOf(path),
    );
    return { scanned: remembered.map((path) => spelled.get(path) ?? relative(cwd, path)), plain, listed };
  }

  #contentOf(path: string): string | null {
    const named = this.#files.digest(path);
    return named === null ? null : textOf(named.digest);
  }

  /** Null when something of it cannot be told, so that no later compile could be compared with it. */
  #describe(unit: Unit, read: { scanned: readonly string[]; plain: readonly string[] }): ManifestFile[] | null {
    const paths = [...read.scanned, ...read.plain];
    const named = paths.map((path) => this.#files.digest(spellAbsolute(path, unit.cwd)));
    const marks = markTwins(named);
    const resolutions = this.#scanner.resolutions(
      unit.requests[0],
      read.scanned.map((path) => spellAbsolute(path, unit.cwd)),
    );
    const files: ManifestFile[] = [];
    for (const [index, path] of paths.entries()) {
      const isScanned = index < read.scanned.length;
      const file = named[index] ?? null;
      const resolution = isScanned ? (resolutions[index] ?? null) : NO_RESOLUTION;
      if (file === null || resolution === null) return null;
      const told = isScanned ? withMark(resolution, marks[index]) : resolution;
      files.push({ path, digest: file.digest, resolution: told });
    }
    return files;
  }
}

/**
 * For each file that has equals among the others: which of those have its time and which its inode. Compilers tell equal files
 * apart by that when #pragma once or #import stands in them.
 */
function markTwins(files: readonly (NamedFile | null)[]): (string | undefined)[] {
  const twins = new Map<string, number[]>();
  for (const [index, file] of files.entries()) {
    if (file === null) continue;
    const digest = textOf(file.digest);
    const known = twins.get(digest);
    if (known === undefined) twins.set(digest, [index]);
    else known.push(index);
  }
  const marks = files.map((): string | undefined => undefined);
  for (const group of twins.values()) {
    if (group.length < 2) continue;
    for (const index of group) {
      const time = group.findIndex((other) => files[other]?.modifiedS === files[index]?.modifiedS);
      const inode = group.findIndex((other) => files[other]?.inode === files[index]?.inode);
      marks[index] = `${time} ${inode}`;
    }
  }
  return marks;
}

function withMark(resolution: Uint8Array, mark: string | undefined): Uint8Array {
  if (mark === undefined) return resolution;
  return createHash('sha256').update(resolution).update(mark).digest().subarray(0, 16);
}

/** Equal for equal digests: a key of maps. */
const textOf = (digest: Uint8Array): string => Buffer.from(digest).toString('latin1');

const isPlain = (file: ManifestFile): boolean => Buffer.compare(file.resolution, NO_RESOLUTION) === 0;

function relative(cwd: string, path: string): string {
  return path.startsWith(`${cwd}/`) ? path.slice(cwd.length + 1) : path;
}
