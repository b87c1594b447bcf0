// All that writes to the store, or reads all of it: one of these per process that keeps results, in a thread of its own, so that
// a slow disk holds up no build. Any number of processes may do the same with one directory.
import { Census, allocatedBytes, shardPaths } from './census.ts';
import { addCounters, clearCounters, noCounters, readCounters } from './counters.ts';
import { drop, entryPath, list, lookAt, sweepTemporaries, writeEntry, type Stamp } from './disk.ts';
import { evict } from './evict.ts';
import { seal } from './seal.ts';
import type { StoreStats, StoreVerification } from './types.ts';
import { verifyStore } from './verify.ts';

/** What is to be written: hex names, entries that are not sealed yet. */
export interface Job {
  readonly unit: string;
  readonly unitEntry: Uint8Array;
  /** None: the unit alone is written. */
  readonly result: { readonly name: string; readonly entry: Uint8Array } | null;
}

/** Evicting goes down to here, so that it is seldom. */
const roomyShare = 0.9;
/** So much written by this process, and it looks at what others have written. */
const lookAgainShare = 0.05;
/** Nothing could be removed: not to be tried again for each entry. */
const stuckMs = 60_000;

export class Keeper {
  readonly #root: string;
  readonly #maxBytes: number;
  readonly #census: Census;
  readonly #counters = noCounters();
  #writtenBytes = Infinity;
  #stuckUntilMs = 0;

  /** `root` exists and is this user's. */
  constructor(root: string, maxBytes: number) {
    this.#root = root;
    this.#maxBytes = maxBytes;
    this.#census = new Census(root);
  }

  /** Writes the result, then the unit that names it. The stamp of the unit; null when one of them could not be written. */
  put(job: Job): Stamp | null {
    const { result } = job;
    if (!this.#makeRoom()) {
      this.#counters.refused += 1;
      return null;
    }
    let resultPath: string | null = null;
    try {
      if (result !== null) {
        const path = entryPath(this.#root, result.name, 'r');
        this.#write(path, result.entry);
        resultPath = path;
      }
      const stamp = this.#write(entryPath(this.#root, job.unit, 'u'), job.unitEntry);
      if (result !== null) this.#counters.kept += 1;
      this.#makeRoom();
      return stamp;
    } catch {
      if (resultPath !== null) this.#discard(resultPath);
      this.#counters.refused += 1;
      return null;
    }
  }

  /** What should not wait for the end of the process. */
  flush(): void {
    addCounters(this.#root, this.#counters);
  }

  stats(): StoreStats {
    let oldestUseMs = Infinity;
    let newestUseMs = 0;
    this.#census.walk(({ usedMs }) => {
      oldestUseMs = Math.min(oldestUseMs, usedMs);
      newestUseMs = Math.max(newestUseMs, usedMs);
    });
    this.#writtenBytes = 0;
    this.#census.save();
    this.flush();
    return {
      results: this.#census.results,
      units: this.#census.units,
      bytes: this.#census.bytes,
      maxBytes: this.#maxBytes,
      oldestUseMs: newestUseMs === 0 ? null : oldestUseMs,
      newestUseMs: newestUseMs === 0 ? null : newestUseMs,
      counters: readCounters(this.#root),
    };
  }

  clear(): void {
    sweepTemporaries(this.#root);
    for (const shard of shardPaths(this.#root)) {
      const names = list(shard);
      if (names.length === 0) drop(shard);
      for (const name of names) drop(`${shard}/${name}`);
    }
    this.#census.refresh();
    this.#census.save();
    Object.assign(this.#counters, noCounters());
    clearCounters(this.#root);
  }

  /** Reads every entry; those that are not whole are dropped. */
  verify(): StoreVerification {
    const verified = verifyStore(this.#root);
    this.#census.refresh();
    this.#census.save();
    this.#counters.broken += Math.max(verified.dropped, verified.broken.length);
    this.flush();
    return verified;
  }

  close(): void {
    if (this.#writtenBytes !== Infinity) this.#census.save();
    this.flush();
  }

  /** False: the store is too large, and nothing can be done about it. */
  #makeRoom(): boolean {
    if (this.#writtenBytes > this.#maxBytes * lookAgainShare) {
      if (this.#writtenBytes === Infinity) sweepTemporaries(this.#root);
      this.#census.refresh();
      this.#census.save();
      this.#writtenBytes = 0;
    }
    if (this.#census.bytes <= this.#maxBytes) return true;
    if (Date.now() < this.#stuckUntilMs) return false;
    this.#counters.evicted += evict(this.#census, this.#maxBytes, this.#maxBytes * roomyShare);
    this.#census.save();
    if (this.#census.bytes <= this.#maxBytes) return true;
    this.#stuckUntilMs = Date.now() + stuckMs;
    return false;
  }

  #write(path: string, entry: Uint8Array): Stamp {
    seal(entry);
    const before = lookAt(path);
    const stamp = writeEntry(this.#root, path, entry);
    const bytes = allocatedBytes(stamp.size);
    this.#writtenBytes += bytes;
    this.#census.add(path, {
      bytes: bytes - (before === null ? 0 : allocatedBytes(before.size)),
      count: before === null ? 1 : 0,
    });
    return stamp;
  }

  /** A result that no unit names is of no use. */
  #discard(path: string): void {
    const there = lookAt(path);
    if (there === null || !drop(path)) return;
    this.#census.add(path, { bytes: -allocatedBytes(there.size), count: -1 });
  }
}
