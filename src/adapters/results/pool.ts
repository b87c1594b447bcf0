// Files of manifests, each kept once however many units read it: the units of a project read the same headers, and what is
// remembered of a thousand units must stay small.
import type { ManifestFile } from './types.ts';

/** Gets a number when it is written; numbers of an earlier writing are told by their mark. */
interface Numbered {
  mark: number;
  number: number;
}

/** A path of the pool, with its length as UTF-8, which is infinite for what UTF-8 cannot say. */
class InternedPath implements Numbered {
  readonly text: string;
  readonly bytes: number;
  variants: InternedFile[] = [];
  mark = 0;
  number = 0;

  constructor(text: string) {
    this.text = text;
    this.bytes = text.isWellFormed() ? Buffer.byteLength(text) : Infinity;
  }
}

/** A file of the pool: equal files are the same object. */
export class InternedFile implements ManifestFile, Numbered {
  readonly path: string;
  readonly digest: Uint8Array;
  readonly resolution: Uint8Array;
  readonly name: InternedPath;
  /** Digest and resolution as 48 Latin-1 characters: strings compare and copy faster than small arrays. */
  readonly raw: string;
  /** Of manifests that are remembered. */
  refs = 0;
  mark = 0;
  number = 0;

  constructor(name: InternedPath, raw: string, bytes: Buffer, at: number) {
    this.path = name.text;
    this.name = name;
    this.raw = raw;
    // Copies: a view would keep the whole unit's buffer in memory.
    this.digest = Uint8Array.from(bytes.subarray(at, at + 32));
    this.resolution = Uint8Array.from(bytes.subarray(at + 32, at + 48));
  }
}

/** What a file of the pool takes in memory beside its path, with room to spare. */
const fileOverheadBytes = 1000;

export class FilePool {
  readonly #paths = new Map<string, InternedPath>();
  readonly #scratch = Buffer.alloc(48);
  #bytes = 0;

  /** Of memory, about. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The one file with this path and the digest and resolution at `at` of `bytes`. */
  intern(path: string, bytes: Buffer, at: number): InternedFile {
    const raw = bytes.toString('latin1', at, at + 48);
    let name = this.#paths.get(path);
    if (name === undefined) {
      name = new InternedPath(path);
      this.#paths.set(path, name);
    }
    for (const file of name.variants) if (file.raw === raw) return file;
    const file = new InternedFile(name, raw, bytes, at);
    name.variants.push(file);
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

  retain(files: readonly InternedFile[]): void {
    for (const file of files) file.refs += 1;
  }

  /** What no manifest holds any more is forgotten. */
  release(files: readonly InternedFile[]): void {
    for (const file of files) file.refs -= 1;
    this.forgetUnused(files);
  }

  /** Forgets those that no manifest holds. */
  forgetUnused(files: readonly InternedFile[]): void {
    for (const file of files) {
      const { name } = file;
      const at = file.refs > 0 ? -1 : name.variants.indexOf(file);
      if (at < 0) continue;
      name.variants.splice(at, 1);
      if (name.variants.length === 0) this.#paths.delete(name.text);
      this.#bytes -= fileOverheadBytes + 2 * name.text.length;
    }
  }
}

let marks = 0;

/** Numbers things from 0 in the order in which they are first seen, and lists them; one numbering at a time. */
export class Numbering<T extends Numbered> {
  readonly #mark = ++marks;
  readonly list: T[] = [];

  /** Whether it is new. */
  add(item: T): boolean {
    if (item.mark === this.#mark) return false;
    item.mark = this.#mark;
    item.number = this.list.length;
    this.list.push(item);
    return true;
  }
}
