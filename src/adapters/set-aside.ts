// A database that cannot be read is kept under another name, for whoever wants to look at it, and a new one is begun.
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** So many of them are kept. */
const keptAside = 3;

/** Renames `file` with what belongs to it; gives the new name. The log goes first: SQLite would write it into a new file. */
export function setAside(file: string, nowMs: number): string {
  let aside = `${file}.damaged-${nowMs}`;
  for (let i = 2; existsSync(aside); i++) aside = `${file}.damaged-${nowMs}-${i}`;
  for (const suffix of ['-wal', '-shm', '']) {
    try {
      renameSync(file + suffix, aside + suffix);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  removeOld(file);
  return aside;
}

function removeOld(file: string): void {
  const prefix = `${basename(file)}.damaged-`;
  const directory = dirname(file);
  const asides = readdirSync(directory).filter((name) => name.startsWith(prefix) && !/-(?:wal|shm)$/.test(name));
  const byAge = asides.sort(
    (a, b) => Number.parseInt(a.slice(prefix.length)) - Number.parseInt(b.slice(prefix.length)),
  );
  for (const name of byAge.slice(0, -keptAside)) {
    for (const suffix of ['-wal', '-shm', '']) rmSync(join(directory, name + suffix), { force: true });
  }
}
