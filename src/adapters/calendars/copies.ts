// The last good copy of each calendar, kept over restarts in files that nobody else may read.
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Copy } from './types.ts';

export interface KeptCopy {
  readonly place: string;
  readonly goodAtMs: number;
  readonly copy: Copy;
}

const directory = (home: string): string => join(home, 'calendars');

/** Null for none, a damaged one, or one of another place. */
export function loadCopy(home: string, name: string, place: string): KeptCopy | null {
  try {
    const kept = JSON.parse(readFileSync(join(directory(home), `${name}.json`), 'utf8')) as KeptCopy;
    const sound = kept.place === place && typeof kept.goodAtMs === 'number' && typeof kept.copy.texts === 'object';
    return sound && Object.values(kept.copy.texts).every((each) => typeof each.text === 'string') ? kept : null;
  } catch {
    return null;
  }
}

/** A copy that cannot be written is only missing after the next restart. */
export function saveCopy(home: string, name: string, kept: KeptCopy): void {
  const file = join(directory(home), `${name}.json`);
  try {
    mkdirSync(directory(home), { recursive: true, mode: 0o700 });
    writeFileSync(`${file}.part`, JSON.stringify(kept), { mode: 0o600 });
    renameSync(`${file}.part`, file);
  } catch {
    rmSync(`${file}.part`, { force: true });
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
    if (!names.has(file.replace(/\.json(?:\.part)?$/, ''))) rmSync(join(directory(home), file), { force: true });
  }
}
