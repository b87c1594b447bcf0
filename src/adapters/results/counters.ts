// How often the store was of use: a small file that each process adds to now and then. Two that add at the same moment may
// lose one's part; nothing depends on it.
import fs from 'node:fs';
import { join } from 'node:path';
import { drop, writeEntry } from './disk.ts';
import type { StoreCounters } from './types.ts';

export function noCounters(): StoreCounters {
  return { served: 0, kept: 0, refused: 0, broken: 0, evicted: 0 };
}

const names = Object.keys(noCounters()) as (keyof StoreCounters)[];

export function readCounters(root: string): StoreCounters {
  const counters = noCounters();
  try {
    const found: unknown = JSON.parse(fs.readFileSync(join(root, 'counters'), 'utf8'));
    if (typeof found !== 'object' || found === null) return counters;
    for (const [name, value] of Object.entries(found) as [keyof StoreCounters, unknown][]) {
      if (names.includes(name) && Number.isSafeInteger(value) && (value as number) >= 0)
        counters[name] = value as number;
    }
  } catch {
    // None yet, or none that can be read: it begins anew.
  }
  return counters;
}

/** Adds to what is on the disk, and sets `more` to zero. */
export function addCounters(root: string, more: StoreCounters): void {
  if (names.every((name) => more[name] === 0)) return;
  const all = readCounters(root);
  for (const name of names) {
    all[name] += more[name];
    more[name] = 0;
  }
  try {
    writeEntry(root, join(root, 'counters'), Buffer.from(JSON.stringify(all)));
  } catch {
    // They are for people to look at, no more.
  }
}

export function clearCounters(root: string): void {
  drop(join(root, 'counters'));
}
