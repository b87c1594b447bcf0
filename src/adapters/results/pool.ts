// Files of manifests, each kept once however many units read it: the units of a project read the same headers, and what is
// remembered of a thousand units must stay small.
import type { ManifestFile } from './types.ts';

/** A file of the pool: equal files are the same object. */
export class InternedFile implements ManifestFile {
  readonly path: string;
  readonly digest: Uint8Array;
  readonly resolution: Uint8Array;
  /** Digest and resolution as 48 Latin-1 characters: strings compare and copy faster than small arrays. */
  readonly raw: string;
  /** Of units that are remembered. */
  refs = 0;

  constructor(path: string, raw: string, bytes: Buffer, at: number) {
    this.path = path;
    this.raw = raw;
    // Copies: a view would keep the whole unit's buffer in memory.
    this.digest = Uint8Array.from(bytes.subarray(at, at + 32));
    this.resolution = Uint8Array.from(bytes.subarray(at + 32, at + 48));
  }
}

/** What a file of the pool takes in memory beside its path, as measured with room to spare. */
const fileOverheadBytes = 700;

export class FilePool {
  readonly #byPath = new Map<string, InternedFile[]>();
  readonly #scratch = Buffer.alloc(48);
  #bytes = 0;

  /** Of memory, about. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The one file with this path and the digest and resolution at `at` of `bytes`. */
  intern(path: string, bytes: Buffer, at: number): InternedFile {
    const raw = bytes.toString('latin1', at, at + 48);
    const variants = this.#byPath.get(path);
    if (variants !== undefined) for (const file of variants) if (file.raw === raw) return file;
    const file = new InternedFile(path, raw, bytes, at);
    if (variants === undefined) this.#byPath.set(path, [file]);
    else variants.push(file);
    this.#bytes += fileOverheadBytes + 2 * path.length;
    return file;
  }

  /** The pool's file that equals `file`. */
  adopt(file: ManifestFile): InternedFile {
    if (file instanceof InternedFile && file.refs > 0) return file;
    this.#scratch.set(file.digest, 0);
    this.#scratch.set(file.resolution, 32);
    return this.intern(file.path, this.#scratch, 0);
  }

  retain(files: Iterable<InternedFile>): void {
    for (const file of files) file.refs += 1;
  }

  /** What no unit holds any more is forgotten. */
  release(files: Iterable<InternedFile>): void {
    for (const file of files) file.refs -= 1;
    this.forgetUnused(files);
  }

  /** Forgets those that no unit holds. */
  forgetUnused(files: Iterable<InternedFile>): void {
    for (const file of files) {
      if (file.refs > 0) continue;
      const variants = this.#byPath.get(file.path) ?? [];
      const left = variants.filter((other) => other !== file);
      if (left.length === variants.length) continue;
      if (left.length === 0) this.#byPath.delete(file.path);
      else this.#byPath.set(file.path, left);
      this.#bytes -= fileOverheadBytes + 2 * file.path.length;
    }
  }
}
