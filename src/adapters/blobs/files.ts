// Small synchronous file work for the store: a header is a few kilobytes, and a hop through the thread pool costs more than the write.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import type { BlobError } from './types.ts';

const chunkBytes = 1024 * 1024;

/** SHA-256 of a file in lower-case hex. Throws what the file system throws. */
export function hashFile(path: string): string {
  const fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
  try {
    const hash = createHash('sha256');
    const buffer = Buffer.allocUnsafe(Math.min(chunkBytes, Math.max(1, fs.fstatSync(fd).size)));
    for (;;) {
      const read = fs.readSync(fd, buffer);
      if (read === 0) return hash.digest('hex');
      hash.update(read === buffer.length ? buffer : buffer.subarray(0, read));
    }
  } finally {
    fs.closeSync(fd);
  }
}

/** Turns what the file system threw into the store's own failure. `doing` reads on: «cannot …». */
export function explain(thrown: unknown, doing: string): BlobError {
  const code = errorCode(thrown);
  const why = thrown instanceof Error ? thrown.message : String(thrown);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return { code: 'disk-full', message: `cannot ${doing}: the disk is full (${code})` };
  }
  return { code: 'io', message: `cannot ${doing}: ${why}` };
}

/** The errno name of what the file system threw, or an empty string. */
export function errorCode(thrown: unknown): string {
  const code = thrown instanceof Error ? (thrown as NodeJS.ErrnoException).code : undefined;
  return code ?? '';
}

/** Removes a file; one that is not there is fine, and so is one that cannot be removed (a later start tries again). */
export function removeQuietly(path: string): void {
  try {
    fs.unlinkSync(path);
  } catch {
    // Nothing more can be done here.
  }
}
