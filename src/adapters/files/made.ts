// A file that a program has just written: taken whole, or not at all when it is not that program's work.
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { identityOf, sameIdentity, type Identity } from './identity.ts';

export interface MadeFile {
  readonly data: Buffer;
  /** Permission bits. */
  readonly mode: number;
}

/**
 * Reads the regular file at `path`, which was `before` (null: not there) when the program started. Null when there is none, or
 * the one of before, when it has more than `maxBytes`, or changes while it is read. Follows no link and waits for no pipe.
 */
export function readMade(path: string, before: Identity | null, maxBytes: number): MadeFile | null {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return null;
  }
  try {
    const stats = fstatSync(file, { bigint: true });
    const identity = identityOf(stats);
    if (!stats.isFile() || stats.size > BigInt(maxBytes)) return null;
    if (before !== null && sameIdentity(before, identity)) return null;
    const data = Buffer.allocUnsafeSlow(Number(stats.size));
    let at = 0;
    for (let got = 1; at < data.length && got > 0; at += got) got = readSync(file, data, at, data.length - at, at);
    const after = fstatSync(file, { bigint: true });
    if (at !== data.length || !sameIdentity(identity, identityOf(after))) return null;
    return { data, mode: Number(stats.mode) & 0o777 };
  } catch {
    return null;
  } finally {
    closeSync(file);
  }
}
