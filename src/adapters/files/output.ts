// Outputs are written beside their final place under a name of our own; the launcher renames them. So a killed build never
// leaves half an object, and a directory that cannot be written is found before anything is lost.
import { closeSync, fchmodSync, openSync, unlinkSync, writeSync } from 'node:fs';
import type { Result } from '../../base/result.ts';
import { err, ok } from '../../base/result.ts';

/** The longest file name that common file systems take, in bytes. */
const NAME_MAX_BYTES = 255;

let written = 0;

/**
 * Writes `data` to a new file beside `finalPath` with exactly `mode`, and gives its path. The message of a failure says what could
 * not be written and why; nothing is left behind then.
 */
export function writeTemporary(finalPath: string, data: Uint8Array, mode: number): Result<string, string> {
  const slash = finalPath.lastIndexOf('/');
  const path = finalPath.slice(0, slash + 1) + temporaryName(finalPath.slice(slash + 1));
  let file: number;
  try {
    file = openSync(path, 'wx', mode);
  } catch (error) {
    return err(explain(finalPath, error));
  }
  try {
    for (let at = 0; at < data.length;) at += writeSync(file, data, at);
    fchmodSync(file, mode);
    closeSync(file);
    return ok(path);
  } catch (error) {
    closeQuietly(file);
    removeTemporary(path);
    return err(explain(finalPath, error));
  }
}

/** Removes a temporary file that nobody renamed; it may be gone already. */
export function removeTemporary(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Renamed by the launcher, or its directory was removed: both are fine.
  }
}

function closeQuietly(file: number): void {
  try {
    closeSync(file);
  } catch {
    // The failure that matters is being told already.
  }
}

function temporaryName(base: string): string {
  const prefix = `.tender-${process.pid}-${++written}-`;
  let kept = base;
  while (Buffer.byteLength(prefix + kept) > NAME_MAX_BYTES) kept = kept.slice(1);
  return prefix + kept;
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'its directory does not exist',
  ENOTDIR: 'its directory does not exist',
  EACCES: 'its directory may not be written by this user',
  EPERM: 'its directory may not be written by this user',
  EROFS: 'its file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: "the user's disk quota is used up",
  ENAMETOOLONG: 'its path is too long',
  EFBIG: 'it is larger than this user may write',
};

function explain(path: string, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const reason = REASONS[code] ?? (error instanceof Error ? error.message : String(error));
  return `cannot write ${path}: ${reason}`;
}
