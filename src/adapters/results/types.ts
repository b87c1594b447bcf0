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

export interface StoreStats {
  readonly results: number;
  readonly units: number;
  readonly bytes: number;
  readonly maxBytes: number;
}

export interface StoreVerification {
  readonly checked: number;
  /** Entries that were not whole; they are gone now. */
  readonly dropped: number;
}

/** Nothing here throws for what is on the disk: what cannot be read is not there, what cannot be written is not kept. */
export interface ResultStore {
  /** What is known of a unit (32 bytes), the manifest used last first. */
  manifests(unitKey: Uint8Array): readonly Manifest[];
  /** Checked whole; a broken one is removed and null. Marks it as used. */
  result(resultKey: Uint8Array): StoredResult | null;
  /** Keeps both or neither; another process may do the same at the same time. */
  put(unitKey: Uint8Array, manifest: Manifest, result: StoredResult): void;
  stats(): Promise<StoreStats>;
  clear(): Promise<void>;
  verify(): Promise<StoreVerification>;
  close(): Promise<void>;
}
