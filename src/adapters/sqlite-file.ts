// A database file that only improves guesses: what is wrong with it is a sentence for people and stops nothing. A damaged one is put aside and
// begun anew. Write-ahead log and no automatic checkpoint: a commit is one write to the page cache and waits for no disk (decision 011).
import { closeSync, openSync, statSync } from 'node:fs';
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { err, ok, type Result } from '../base/result.ts';
import { setAside } from './set-aside.ts';
import { openDatabase, sqliteCode, sqliteCodes } from './sqlite.ts';

/** Another process holds the file for the length of one batch. */
const busyMs = 100;

export interface SqliteFileOptions {
  /** `PRAGMA user_version` of what `createTables` makes; a file of a later one is put aside. */
  readonly schemaVersion: number;
  readonly createTables: string;
  /** Wall clock, milliseconds since 1970. */
  readonly nowMs: () => number;
}

export class SqliteFile {
  /** What went wrong, for people; null: nothing. */
  problem: string | null = null;
  private readonly file: string;
  private readonly options: SqliteFileOptions;
  private db: DatabaseSync | null = null;
  private inode = 0;

  constructor(file: string, options: SqliteFileOptions) {
    this.file = file;
    this.options = options;
  }

  /** Does `work`, with a file begun anew when the present one is damaged. Whatever else goes wrong is told, and tried again next time. */
  attempt<T>(work: (db: DatabaseSync) => T): Result<T, string> {
    try {
      const value = work(this.open());
      if (this.problem?.includes('kept as') !== true) this.problem = null;
      return ok(value);
    } catch (error) {
      if (!isDamage(error)) return this.fail(error);
    }
    this.drop();
    try {
      const aside = setAside(this.file, this.options.nowMs());
      const value = work(this.open());
      this.problem = `${this.file} was damaged and is begun anew; it is kept as ${aside}`;
      return ok(value);
    } catch (error) {
      return this.fail(error);
    }
  }

  close(): void {
    try {
      this.db?.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    } catch {
      // Another process reads: the log is taken in when that one closes.
    }
    this.drop();
  }

  private fail(error: unknown): Result<never, string> {
    const code = sqliteCode(error);
    const busy = code === sqliteCodes.busy || code === sqliteCodes.locked;
    if (!busy) this.drop();
    const why = busy ? 'another process holds it' : (error as Error).message;
    this.problem = `${this.file}: ${why}; what is learnt stays in memory until it can be written`;
    return err(this.problem);
  }

  private open(): DatabaseSync {
    // The file may have been removed or replaced while it was open.
    if (this.db !== null && inodeOf(this.file) === this.inode) return this.db;
    this.drop();
    closeSync(openSync(this.file, 'a', 0o600));
    const db = openDatabase(this.file, { busyMs });
    const { schemaVersion, createTables } = this.options;
    try {
      const version = Number(db.prepare('PRAGMA user_version').get()?.['user_version']);
      if (version > schemaVersion) throw new Damage(`${this.file} is of a newer version`);
      db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0');
      if (version < schemaVersion) transaction(db, () => db.exec(createTables));
    } catch (error) {
      db.close();
      throw error;
    }
    this.db = db;
    this.inode = inodeOf(this.file);
    return db;
  }

  private drop(): void {
    try {
      this.db?.close();
    } catch {
      // Closing a damaged file may fail; there is nothing more to lose.
    }
    this.db = null;
  }
}

/** A file that SQLite reads and we do not. */
class Damage extends Error {}

function isDamage(error: unknown): boolean {
  const code = sqliteCode(error);
  if (code === sqliteCodes.corrupt || code === sqliteCodes.notADatabase || error instanceof Damage) return true;
  // A database of someone else's with our file name: its tables are not ours.
  return code === 1 && /no such (?:table|column)|has no column/.test((error as Error).message);
}

/** 0: there is no such file. */
function inodeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.ino ?? 0;
}

/** All of it or nothing. Throws what `work` throws. */
export function transaction(db: DatabaseSync, work: () => void): void {
  db.exec('BEGIN IMMEDIATE');
  try {
    work();
    db.exec('COMMIT');
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

/** The same statement for each row. */
export function putAll(db: DatabaseSync, text: string, rows: readonly (readonly SQLInputValue[])[]): void {
  if (rows.length === 0) return;
  const statement = db.prepare(text);
  for (const row of rows) statement.run(...row);
}

/** A query's rows, as arrays in the order of its columns. */
export function rowsOf(db: DatabaseSync, text: string): unknown[][] {
  const statement = db.prepare(text);
  statement.setReturnArrays(true);
  return statement.all() as unknown as unknown[][];
}
