// The last good copy of each calendar, kept over restarts in files that nobody else may read.
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { writeAtomically } from '../write-atomically.ts';
import type { Copy } from './types.ts';

export interface KeptCopy {
  /** When the server last said that this is how it is. */
  readonly goodAtMs: number;
  readonly copy: Copy;
}

interface Written {
  readonly place: string;
  readonly copy: Copy;
}

const directory = (home: string): string => join(home, 'calendars');
const fileOf = (home: string, name: string): string => join(directory(home), `${name}.json`);

/** Null for none, a damaged one, or one of another place. */
export function loadCopy(home: string, name: string, place: string): KeptCopy | null {
  const file = fileOf(home, name);
  try {
    const { place: of, copy } = JSON.parse(readFileSync(file, 'utf8')) as Written;
    const sound = of === place && Object.values(copy.texts).every((each) => typeof each.text === 'string');
    return sound ? { copy, goodAtMs: statSync(file).mtimeMs } : null;
  } catch {
    return null;
  }
}

/** Keeps a copy. One that cannot be written is only missing after the next restart. */
export function saveCopy(home: string, name: string, place: string, { copy, goodAtMs }: KeptCopy): void {
  try {
    mkdirSync(directory(home), { recursive: true, mode: 0o700 });
    writeAtomically(fileOf(home, name), JSON.stringify({ place, copy } satisfies Written));
    stillGood(home, name, goodAtMs);
  } catch {
    // As said above.
  }
}

/** The copy has not changed since: its file's time says so, because it may be large and is asked for every few minutes. */
export function stillGood(home: string, name: string, goodAtMs: number): void {
  try {
    utimesSync(fileOf(home, name), goodAtMs / 1000, goodAtMs / 1000);
  } catch {
    // It was never written.
  }
}

/** Removes the copies of calendars that are no more. */
export function forgetOthers(home: string, names: ReadonlySet<string>): void {
  let files: string[];
  try {
    files = readdirSync(directory(home));
  } catch {
    return;
  }
  for (const file of files) {
    if (!names.has(file.replace(/\.json(?:\.\d+\.tmp)?$/, ''))) rmSync(join(directory(home), file), { force: true });
  }
}
