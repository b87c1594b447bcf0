// How large the store is, without looking at every file at every start: figures per shard, good as long as the shard's directory
// has not changed, which its modification time tells. So they need no lock among writers, and heal by themselves.
import fs from 'node:fs';
import { hash } from 'node:crypto';
import { join } from 'node:path';
import { list, lookAt, writeEntry } from './disk.ts';

interface Shard {
  /** Of the directory when it was read. */
  mtimeMs: number;
  bytes: number;
  results: number;
  units: number;
  /** False: the directory may have changed within the grain of its time, or has changed since. */
  settled: boolean;
}

/** A file as a walk finds it. */
export interface Found {
  readonly path: string;
  readonly bytes: number;
  /** When it was last used, ms since 1970; 0 for a time in the future, which no use has put right. */
  readonly usedMs: number;
}

const shardNames = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'));
const entryName = /^[0-9a-f]{62}\.[ru]$/;
/** Coarser than the time stamps of any file system that anyone builds on. */
const grainMs = 2500;
const dayMs = 86_400_000;

/** What a file takes on the disk, near enough and the same everywhere. */
export function allocatedBytes(size: number): number {
  return Math.ceil(size / 4096) * 4096;
}

export function shardPaths(root: string): readonly string[] {
  return shardNames.map((name) => join(root, name));
}

export function isEntryName(name: string): boolean {
  return entryName.test(name);
}

export class Census {
  readonly #root: string;
  readonly #shards = new Map<string, Shard>();

  constructor(root: string) {
    this.#root = root;
    for (const name of shardNames) this.#shards.set(name, emptyShard());
    this.#load();
  }

  get bytes(): number {
    return this.#sum((shard) => shard.bytes);
  }

  get results(): number {
    return this.#sum((shard) => shard.results);
  }

  get units(): number {
    return this.#sum((shard) => shard.units);
  }

  /** Looks at all directories, and reads those that have changed. */
  refresh(): void {
    for (const [name, shard] of this.#shards) {
      const mtimeMs = lookAt(join(this.#root, name))?.mtimeMs ?? 0;
      if (!shard.settled || shard.mtimeMs !== mtimeMs) this.#read(name, null);
    }
  }

  /** Reads all directories, and tells of every file. */
  walk(visit: (found: Found) => void): void {
    for (const name of shardNames) this.#read(name, visit);
  }

  /** This process wrote (or removed, with negative figures) an entry. */
  add(path: string, change: { bytes: number; count: number }): void {
    const shard = this.#shards.get(path.slice(this.#root.length + 1, this.#root.length + 3));
    if (shard === undefined) return;
    shard.bytes += change.bytes;
    if (path.endsWith('.r')) shard.results += change.count;
    else if (path.endsWith('.u')) shard.units += change.count;
    shard.settled = false;
  }

  /** For the next start; what cannot be written is counted again then. */
  save(): void {
    const settled = [...this.#shards].filter(([, shard]) => shard.settled);
    const text = JSON.stringify(settled.map(([name, s]) => [name, s.mtimeMs, s.bytes, s.results, s.units]));
    try {
      writeEntry(this.#root, join(this.#root, 'census'), Buffer.from(`${hash('sha256', text)}\n${text}`));
    } catch {
      // The next start takes a little longer.
    }
  }

  #load(): void {
    try {
      const file = fs.readFileSync(join(this.#root, 'census'), 'utf8');
      const text = file.slice(65);
      if (hash('sha256', text) !== file.slice(0, 64)) return;
      for (const [name, mtimeMs, bytes, results, units] of JSON.parse(text) as [string, ...number[]][]) {
        this.#shards.set(name, {
          mtimeMs: mtimeMs ?? 0,
          bytes: bytes ?? 0,
          results: results ?? 0,
          units: units ?? 0,
          settled: true,
        });
      }
    } catch {
      // None yet, or none that can be read: all is counted.
    }
  }

  #read(name: string, visit: ((found: Found) => void) | null): void {
    const directory = join(this.#root, name);
    const shard = emptyShard();
    const now = Date.now();
    shard.mtimeMs = lookAt(directory)?.mtimeMs ?? 0;
    shard.settled = Math.abs(now - shard.mtimeMs) > grainMs;
    for (const file of list(directory)) {
      const path = `${directory}/${file}`;
      const info = lookAt(path);
      if (info === null) continue;
      const bytes = allocatedBytes(info.size);
      shard.bytes += bytes;
      if (isEntryName(file)) {
        if (file.endsWith('r')) shard.results += 1;
        else shard.units += 1;
      }
      visit?.({ path, bytes, usedMs: info.mtimeMs > now + dayMs ? 0 : info.mtimeMs });
    }
    this.#shards.set(name, shard);
  }

  #sum(of: (shard: Shard) => number): number {
    let sum = 0;
    for (const shard of this.#shards.values()) sum += of(shard);
    return sum;
  }
}

function emptyShard(): Shard {
  return { mtimeMs: 0, bytes: 0, results: 0, units: 0, settled: false };
}
