// One agent per TENDER_HOME, by construction: an exclusive SQLite transaction holds a kernel lock that dies with the process,
// so that no stale lock file can ever keep an agent from starting (Node has no flock of its own).
import { DatabaseSync } from 'node:sqlite';

export interface HeldLock {
  release(): void;
}

/** Takes the lock, or null when another process holds it. Throws when the file cannot be created. */
export function tryLock(file: string): HeldLock | null {
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (/locked|busy/.test((error as Error).message)) return null;
    throw error;
  }
  return { release: () => database.close() };
}
