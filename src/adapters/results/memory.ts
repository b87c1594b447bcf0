// What this process remembers of units, so that asking again costs one look at the file's times and no reading. Bounded; the
// unit asked for longest ago is forgotten first.
import type { Stamp } from './disk.ts';
import type { FilePool, InternedFile } from './pool.ts';
import type { PooledManifest } from './unit-format.ts';

export interface Remembered {
  readonly manifests: readonly PooledManifest[];
  /** Of the file that says the same; null: nothing on the disk says so (yet). */
  stamp: Stamp | null;
  /** Writes under way: until they are through, what is on the disk is older than this. */
  pending: number;
}

interface Held extends Remembered {
  readonly files: ReadonlySet<InternedFile>;
  readonly bytes: number;
}

export class UnitMemory {
  readonly #pool: FilePool;
  readonly #maxBytes: number;
  /** Least recently used first. */
  readonly #units = new Map<string, Held>();
  #bytes = 0;

  constructor(pool: FilePool, maxBytes: number) {
    this.#pool = pool;
    this.#maxBytes = maxBytes;
  }

  /** Of memory, about. */
  get bytes(): number {
    return this.#bytes + this.#pool.bytes;
  }

  /** Counts as a use. */
  get(unit: string): Remembered | undefined {
    const held = this.#units.get(unit);
    if (held === undefined) return undefined;
    this.#units.delete(unit);
    this.#units.set(unit, held);
    return held;
  }

  /** Does not count as a use. */
  peek(unit: string): Remembered | undefined {
    return this.#units.get(unit);
  }

  set(unit: string, remembered: Remembered): Remembered {
    const files = new Set<InternedFile>();
    let bytes = 500;
    for (const manifest of remembered.manifests) {
      bytes += 300 + 8 * manifest.files.length;
      for (const file of manifest.files) files.add(file);
    }
    // A set takes about forty bytes an item.
    bytes += 40 * files.size;
    this.#pool.retain(files);
    this.forget(unit);
    const held = { ...remembered, files, bytes };
    this.#units.set(unit, held);
    this.#bytes += bytes;
    this.#shrink();
    return held;
  }

  forget(unit: string): void {
    const held = this.#units.get(unit);
    if (held === undefined) return;
    this.#units.delete(unit);
    this.#bytes -= held.bytes;
    this.#pool.release(held.files);
  }

  clear(): void {
    for (const unit of [...this.#units.keys()]) this.forget(unit);
  }

  #shrink(): void {
    if (this.bytes <= this.#maxBytes) return;
    for (const [unit, held] of this.#units) {
      // Some at once: a walk past those that are being written must not be made for each new unit.
      if (this.bytes <= this.#maxBytes * 0.95) return;
      if (held.pending === 0) this.forget(unit);
    }
  }
}
