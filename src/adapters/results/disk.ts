// Files of the store: read whole, written beside and renamed, dropped whatever they are. All calls are synchronous: what is read
// is small and mostly in the system's memory, and what is written is written by a thread of its own.
import fs from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

/** Tells one state of a file from another: each state is a new file, renamed to its place. */
export interface Stamp {
  readonly ino: number;
  readonly mtimeMs: number;
  readonly size: number;
}

export type Read =
  | { readonly kind: 'whole'; readonly bytes: Buffer; readonly stamp: Stamp }
  | { readonly kind: 'absent' }
  | { readonly kind: 'broken'; readonly why: string };

/** Larger than anything that is kept: such a file is not ours. */
const maxEntryBytes = 128 * 2 ** 20;
const maxTemporaryAgeMs = 3600_000;
const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;

/** Not the entry's fault: another time it may well be read. */
const passing = new Set(['ENOENT', 'ENOTDIR', 'EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN', 'EINTR', 'ESTALE']);

/** What lies on the disk for an entry: `v1/ab/cdef….r` for a result, `.u` for a unit. */
export function entryPath(root: string, hex: string, kind: 'r' | 'u'): string {
  return `${root}/${hex.slice(0, 2)}/${hex.slice(2)}.${kind}`;
}

export function errorCode(thrown: unknown): string {
  return (thrown as NodeJS.ErrnoException | null)?.code ?? 'UNKNOWN';
}

/** What is there, a link being a link; null when there is nothing to be seen. */
export function lookAt(path: string): fs.Stats | null {
  try {
    return fs.lstatSync(path, { throwIfNoEntry: false }) ?? null;
  } catch {
    return null;
  }
}

export function sameStamp(a: Stamp, b: Stamp): boolean {
  return a.ino === b.ino && a.mtimeMs === b.mtimeMs && a.size === b.size;
}

/** Reads a file whole; one last used more than `touchAfterMs` ago gets the present as its time. */
export function readEntry(path: string, touchAfterMs: number): Read {
  let fd: number;
  try {
    // Never waits for a pipe's other end, never follows a link out of the store.
    fd = fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (thrown) {
    const code = errorCode(thrown);
    return passing.has(code) ? { kind: 'absent' } : { kind: 'broken', why: `it cannot be opened (${code})` };
  }
  try {
    let stamp: fs.Stats = fs.fstatSync(fd);
    if (!stamp.isFile()) return { kind: 'broken', why: 'it is no file' };
    if (stamp.size > maxEntryBytes) return { kind: 'broken', why: 'it is too large' };
    const bytes = Buffer.allocUnsafeSlow(stamp.size);
    for (let at = 0; at < bytes.length;) {
      const read = fs.readSync(fd, bytes, at, bytes.length - at, at);
      if (read === 0) return { kind: 'broken', why: 'cut short' };
      at += read;
    }
    if (isStale(stamp, touchAfterMs)) {
      touch(fd);
      stamp = fs.fstatSync(fd);
    }
    return { kind: 'whole', bytes, stamp };
  } catch (thrown) {
    const code = errorCode(thrown);
    return passing.has(code) ? { kind: 'absent' } : { kind: 'broken', why: `it cannot be read (${code})` };
  } finally {
    fs.closeSync(fd);
  }
}

/** Whether its time of use should be written anew; a time in the future is as wrong as one long ago. */
export function isStale(stamp: Stamp, touchAfterMs: number): boolean {
  return Math.abs(Date.now() - stamp.mtimeMs) > touchAfterMs;
}

/** Gives a file the present as its time, which is all that «used» means here. */
export function touch(file: string | number): void {
  const now = Date.now() / 1000;
  try {
    if (typeof file === 'number') fs.futimesSync(file, now, now);
    else fs.utimesSync(file, now, now);
  } catch {
    // It only goes a little sooner than it should.
  }
}

/** Removes whatever is there, also a directory; whether nothing is there now. */
export function drop(path: string): boolean {
  try {
    fs.unlinkSync(path);
    return true;
  } catch (thrown) {
    if (errorCode(thrown) === 'ENOENT') return true;
  }
  try {
    fs.rmSync(path, { recursive: true, force: true });
    return true;
  } catch {
    return false;
  }
}

/** Temporary files have the process in their name, so that those of the dead can be told. */
const ownPrefix = `${process.pid}.${randomBytes(6).toString('hex')}`;
let written = 0;

/**
 * Writes a file of the store as a whole or not at all; a directory that is missing or something else in its place is put right
 * once. Throws what the file system throws; nothing is left behind then.
 */
export function writeEntry(root: string, path: string, bytes: Uint8Array): Stamp {
  const temporary = join(root, 'tmp', `${ownPrefix}.${++written}`);
  try {
    return attempt(temporary, path, bytes);
  } catch (thrown) {
    if (!clearTheWay(root, path, errorCode(thrown))) throw thrown;
    return attempt(temporary, path, bytes);
  }
}

function attempt(temporary: string, path: string, bytes: Uint8Array): Stamp {
  let fd: number | null = fs.openSync(temporary, 'wx', 0o600);
  try {
    for (let at = 0; at < bytes.length;) at += fs.writeSync(fd, bytes, at);
    const { ino, mtimeMs, size } = fs.fstatSync(fd);
    const closing = fd;
    fd = null;
    fs.closeSync(closing);
    fs.renameSync(temporary, path);
    return { ino, mtimeMs, size };
  } catch (thrown) {
    if (fd !== null) fs.closeSync(fd);
    drop(temporary);
    throw thrown;
  }
}

/** True when a second attempt is worth while. */
function clearTheWay(root: string, path: string, code: string): boolean {
  const directory = path.slice(0, path.lastIndexOf('/'));
  try {
    switch (code) {
      case 'ENOENT':
        fs.mkdirSync(join(root, 'tmp'), { recursive: true, mode: 0o700 });
        fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
        return true;
      case 'ENOTDIR':
        drop(directory);
        fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
        return true;
      case 'EISDIR':
      case 'EEXIST':
      case 'ENOTEMPTY':
        return drop(path);
      case 'EACCES':
        fs.chmodSync(directory, 0o700);
        return true;
      default:
        return false;
    }
  } catch {
    return false;
  }
}

/** Removes temporary files whose process is gone, or that are too old to be anybody's; how many. */
export function sweepTemporaries(root: string): number {
  let swept = 0;
  const directory = join(root, 'tmp');
  for (const name of list(directory)) {
    const pid = Number(name.split('.')[0]);
    const path = join(directory, name);
    const age = Date.now() - (lookAt(path)?.mtimeMs ?? 0);
    if (Number.isInteger(pid) && pid > 0 && isAlive(pid) && age < maxTemporaryAgeMs) continue;
    if (drop(path)) swept += 1;
  }
  return swept;
}

/** Where another process is only hidden (in a container), it loses one entry and no more. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return errorCode(thrown) === 'EPERM';
  }
}

/** Names in a directory; none when it cannot be read. */
export function list(directory: string): string[] {
  try {
    return fs.readdirSync(directory);
  } catch {
    return [];
  }
}
