// Digests of a compiler's files. The many names of one compiler share almost all of them, so each is read once for as long as
// it stays the same file.
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { NamedFile } from '../../compiler/types.ts';
import { tryStat } from '../stat.ts';

/** A file that changed this short a time ago can change again without a trace in its times. */
export const SETTLED_MS = 5_000;
/** Small enough to stay in the processor's cache between reading and hashing. */
const CHUNK_BYTES = 1 << 18;
/** So much is read at a stretch before others have their turn: some milliseconds. */
const STRETCH_BYTES = 1 << 22;

/** Text that is another when there is another file at `path`, or none. */
export function identityOf(path: string): string {
  const stats = tryStat(path);
  return stats === null ? '-' : identityFrom(stats);
}

function identityFrom({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
}

/** A digest, and the identity of the file that it was read from. */
export interface KnownFile {
  readonly identity: string;
  readonly file: NamedFile;
}

/** Where digests are known by path, of this life or of an earlier one. */
export interface KnownFiles {
  get(path: string): KnownFile | undefined;
  set(path: string, known: KnownFile): void;
}

export class FileDigests {
  readonly #known: KnownFiles;
  readonly #reading = new Map<string, Promise<NamedFile>>();

  /** What is read is added to `known`. */
  constructor(known: KnownFiles = new Map<string, KnownFile>()) {
    this.#known = known;
  }

  /** The file at a real path. Rejects with what the file system says. */
  async read(path: string): Promise<NamedFile> {
    const known = this.#known.get(path);
    if (known !== undefined && known.identity === identityOf(path)) return known.file;
    const reading = this.#reading.get(path);
    if (reading !== undefined) return reading;
    const begun = this.#take(path).finally(() => this.#reading.delete(path));
    this.#reading.set(path, begun);
    return begun;
  }

  async #take(path: string): Promise<NamedFile> {
    const handle = openSync(path, 'r');
    try {
      const stats = fstatSync(handle, { bigint: true });
      const hash = createHash('sha256');
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      let size = 0;
      for (let bytes; (bytes = readSync(handle, chunk, 0, CHUNK_BYTES, null)) > 0; size += bytes) {
        hash.update(chunk.subarray(0, bytes));
        if (size % STRETCH_BYTES === 0) await setImmediate();
      }
      const file = { path, digest: hash.digest(), size, executable: (stats.mode & 0o111n) !== 0n };
      const identity = identityFrom(stats);
      const changedMs = Number(stats.ctimeNs > stats.mtimeNs ? stats.ctimeNs : stats.mtimeNs) / 1e6;
      const settled =
        changedMs < Date.now() - SETTLED_MS && identityFrom(fstatSync(handle, { bigint: true })) === identity;
      if (settled) this.#known.set(path, { identity, file });
      return file;
    } finally {
      closeSync(handle);
    }
  }
}
