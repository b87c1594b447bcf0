// The worker's store of file contents, named by their SHA-256 in lower-case hex.
// Failures are typed, because a full disk, a lie about a digest and a broken disk each ask for something else.
import type { Result } from '../../base/result.ts';

export type BlobErrorCode = 'missing' | 'mismatch' | 'too-large' | 'disk-full' | 'io';

export interface BlobError {
  readonly code: BlobErrorCode;
  readonly message: string;
}

export interface BlobStoreOptions {
  /** What the store may hold before it lets the longest unused go; what a live tree links to is never let go. */
  readonly maxBytes: number;
  /** The largest single blob that is taken in; default 1 GiB. */
  readonly maxBlobBytes?: number;
  /** Hash what an earlier run left on disk before its first use; default true. */
  readonly verifyOnRead?: boolean;
  /** Where the machine's own files may be taken from; default the system's directories. */
  readonly systemDirs?: readonly string[];
}

/** Takes one blob in, piece by piece. After a failure every call returns that failure, and nothing stays on disk. */
export interface BlobWriter {
  append(chunk: Uint8Array): Result<void, BlobError>;
  /** Compares the digest and makes the blob visible; bytes that differ are a `mismatch` and are thrown away. */
  commit(): Result<void, BlobError>;
  abort(): void;
}

export interface BlobStore {
  /** Whether the blob is here; counts as use. */
  has(digest: string): boolean;
  /** The blob's file (mode 0555, never to be written), or null. */
  path(digest: string): string | null;
  write(digest: string): BlobWriter;
  /** Takes the machine's own file at `path` in if it has these bytes: true when it had. Only from system directories. */
  importLocal(path: string, digest: string, sizeBytes: number): Result<boolean, BlobError>;
  /** Makes `to` a hard link to the blob (a copy where links are not possible). Mode 0555. */
  link(digest: string, to: string): Result<void, BlobError>;
  /** Hashes the blob's bytes on disk; false: they were wrong or gone, and the blob is no longer here. */
  verify(digest: string): boolean;
  /** Lets the longest unused blobs go that no tree links to, until at most `toBytes` are held; returns the bytes freed. */
  evict(toBytes: number): number;
  figures(): { readonly blobs: number; readonly bytes: number };
}
