// Looking at a path without exceptions: most callers only want to know what is there, if anything can be seen.
import { statSync, lstatSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';

const OPTIONS = { bigint: true, throwIfNoEntry: false } as const;

/** stat; null when there is nothing to see for whatever reason (absent, not allowed, a loop of links). */
export function tryStat(path: string): BigIntStats | null {
  try {
    return statSync(path, OPTIONS) ?? null;
  } catch {
    return null;
  }
}

/** lstat; null as for `tryStat`. */
export function tryLstat(path: string): BigIntStats | null {
  try {
    return lstatSync(path, OPTIONS) ?? null;
  } catch {
    return null;
  }
}
