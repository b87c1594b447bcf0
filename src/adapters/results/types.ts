// The store of finished compiles on this machine's disk, for all checkouts of its user: what it holds and how it is asked.
// Keys are made elsewhere; here they are 32 opaque bytes.

/** One file that a compile read. */
export interface ManifestFile {
  /** Relative to the working directory of the compile, unless it lies nowhere near it. */
  readonly path: string;
  /** SHA-256, 32 bytes. */
  readonly digest: Uint8Array;
  /** Where its includes led, 16 bytes: the same as long as every name in it is found, or not found, at the same place. */
  readonly resolution: Uint8Array;
}

/** What one compile of a unit read: if all of it is as it was, the result is what it was. */
export interface Manifest {
  /** Of those that `manifests()` gives, equal files of different units are one object while they are remembered. */
  readonly files: readonly ManifestFile[];
  /** 32 bytes. */
  readonly resultKey: Uint8Array;
}

export interface StoredOutput {
  /** Into the outputs of the unit's plan. */
  readonly index: number;
  /** As it came from the machine that made it. */
  readonly data: Uint8Array;
  readonly zstd: boolean;
  /** Unpacked, bytes. */
  readonly size: number;
  readonly mode: number;
}

/** A compile that ended with 0. */
export interface StoredResult {
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  readonly outputs: readonly StoredOutput[];
  /** What the compile took where it ran. */
  readonly ranMs: number;
  readonly cpuMs: number;
}

/** What happened to the store since it was made or cleared; kept now and then, so a killed process takes some of it along. */
export interface StoreCounters {
  /** Results given. */
  served: number;
  /** Results written. */
  kept: number;
  /** Results that could not be written: no room on the disk, no room in the queue, too large. */
  refused: number;
  /** Entries that were not whole. */
  broken: number;
  /** Entries removed to stay under the bound. */
  evicted: number;
}

export interface StoreStats {
  readonly results: number;
  readonly units: number;
  /** On the disk, each file rounded up to 4 KiB. */
  readonly bytes: number;
  readonly maxBytes: number;
  /** Of the entry used longest ago and of the one used last, ms since 1970, within ten minutes; null: there is none. */
  readonly oldestUseMs: number | null;
  readonly newestUseMs: number | null;
  readonly counters: StoreCounters;
}

export interface StoreVerification {
  readonly checked: number;
  /** Entries that were not whole; they are gone now, unless `broken` says otherwise. */
  readonly dropped: number;
  /** Temporary files of processes that are no more; they are gone now, and no damage. */
  readonly swept: number;
  /** The first hundred of what was not whole, by name within the store. */
  readonly broken: readonly { readonly entry: string; readonly why: string; readonly removed: boolean }[];
}

export interface StoreOptions {
  /** The entries used longest ago go when the store is larger. */
  readonly maxBytes: number;
  /** An entry is marked as used at most once in so long, 10 minutes unless told. */
  readonly touchAfterMs?: number;
  /** Of results that wait to be written, 32 MiB unless told; what comes above is not kept. */
  readonly maxQueuedBytes?: number;
}

/** Nothing here throws for what is on the disk: what cannot be read is not there, what cannot be written is not kept. */
export interface ResultStore {
  /** What is known of a unit (32 bytes), the manifest used last first; what was just put is known at once. */
  manifests(unitKey: Uint8Array): readonly Manifest[];
  /**
   * Checked whole; a broken one is removed and null. Marks it as used; with `unitKey`, the manifest that led here becomes
   * the unit's first. The arrays are views of one buffer.
   */
  result(resultKey: Uint8Array, unitKey?: Uint8Array): StoredResult | null;
  /**
   * Keeps both or neither (a crash in between may leave a result that no manifest names, which goes with age); another process
   * may do the same at the same time. Returns at once; the arrays are read by then, those of a result that is not written yet
   * are given out again by `result`: do not change them.
   */
  put(unitKey: Uint8Array, manifest: Manifest, result: StoredResult): void;
  /** Until all that was put is on the disk, or was refused, and the store is under its bound. */
  flush(): Promise<void>;
  stats(): Promise<StoreStats>;
  clear(): Promise<void>;
  verify(): Promise<StoreVerification>;
  /** Flushes, then ends; a store that is closed knows nothing and keeps nothing. */
  close(): Promise<void>;
}
