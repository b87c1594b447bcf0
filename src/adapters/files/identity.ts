// When is a file surely the one that was read before? When size, both times, inode and device are the same, and the last
// change was old enough at the time of reading that a second one within the same tick of the clock could not hide.
import type { BigIntStats } from 'node:fs';
import type { NamedFile } from '../../compiler/types.ts';

/** The kernel stamps times by a clock that ticks every 1 to 10 ms; some file systems keep coarser ones. */
const RACY_MS = 50;

export interface Identity {
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly ino: bigint;
  readonly dev: bigint;
}

export function sameIdentity(a: Identity, b: Identity): boolean {
  return a.mtimeNs === b.mtimeNs && a.size === b.size && a.ino === b.ino && a.ctimeNs === b.ctimeNs && a.dev === b.dev;
}

export function identityOf(stats: BigIntStats): Identity {
  return { size: stats.size, mtimeNs: stats.mtimeNs, ctimeNs: stats.ctimeNs, ino: stats.ino, dev: stats.dev };
}

/** Whether an equal identity will mean equal content later, when the content was read at or after `readAtMs` (wall clock). */
export function isSettled(identity: Identity, readAtMs: number): boolean {
  const changedNs = identity.mtimeNs > identity.ctimeNs ? identity.mtimeNs : identity.ctimeNs;
  return changedNs < BigInt(readAtMs - RACY_MS) * 1_000_000n;
}

/** What compilers tell equal files apart by. */
export function timesOf(identity: Identity): { readonly inode: number; readonly modifiedS: number } {
  return { inode: Number(identity.ino), modifiedS: Number(identity.mtimeNs / 1_000_000_000n) };
}

export function sameTimes(a: Identity, b: Identity): boolean {
  const [ours, theirs] = [timesOf(a), timesOf(b)];
  return ours.inode === theirs.inode && ours.modifiedS === theirs.modifiedS;
}

type Gift = NamedFile | { readonly target: string };

/** Whether others would be told the same of two files, or of two symlinks, at one path. */
export function sameGift(a: Gift, b: Gift): boolean {
  if ('target' in a) return 'target' in b && a.target === b.target;
  if ('target' in b) return false;
  const same = a.executable === b.executable && a.inode === b.inode && a.modifiedS === b.modifiedS;
  return same && a.size === b.size && Buffer.compare(a.digest, b.digest) === 0;
}
