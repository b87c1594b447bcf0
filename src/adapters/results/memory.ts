// What this process remembers of units, so that asking again costs one look at the file's times and no reading. Bounded; the
// unit asked for longest ago is forgotten first.
import type { Stamp } from './disk.ts';
import type { FilePool } from './pool.ts';
import type { PooledManifest } from './unit-format.ts';

export interface Remembered {
  readonly manifests: readonly PooledManifest[];
  /** Of the file that says the same; null: nothing on the disk says so (yet). */
  stamp: Stamp | null;
  /** Writes under way: until they are through, what is on the disk is older than this. */
  pending: number;
}

interface Held extends Remembered {
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
    let bytes = 800;
    for (const { files } of remembered.manifests) {
      bytes += 400 + 12 * files.length;
      this.#pool.retain(files);
    }
    this.forget(unit);
    const held = { ...remembered, bytes };
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
    for (const { files } of held.manifests) this.#pool.release(files);
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
