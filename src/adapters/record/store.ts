// The record of past performance in one SQLite file (decision 011). Write-ahead log and no automatic checkpoint: a commit is one
// write to the page cache, so a batch of some hundred rows takes a few milliseconds of the agent's thread and waits for no disk.
import { closeSync, openSync, statSync } from 'node:fs';
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { err, ok, type Result } from '../../base/result.ts';
import type { RecordData } from '../../core/record/record.ts';
import * as sql from './schema.ts';
import { setAside } from './set-aside.ts';
import { openDatabase, sqliteCode, sqliteCodes } from './sqlite.ts';
import type { Forget, RecordStore } from './types.ts';

/** Another process holds the file for the length of one batch. */
const busyMs = 100;
/** So many rows are written between two looks at the bounds and at the length of the log. */
const rowsBetweenChecks = 20_000;
const yearMs = 365 * 24 * 3600 * 1000;
const bounds = { unit: 50_000, kind: 512, worker: 4096, rate: 16_384 } as const;

const nothing: RecordData = { version: 2, units: [], kinds: [], workers: [], rates: [] };

export interface StoreOptions {
  /** Wall clock, milliseconds since 1970. */
  readonly nowMs?: () => number;
  readonly bounds?: Readonly<Record<keyof typeof bounds, number>>;
}

/** Never fails: what is wrong with the place is the store's `problem`. */
export function openRecordStore(file: string, options: StoreOptions = {}): RecordStore {
  return new SqliteStore(file, options);
}

class SqliteStore implements RecordStore {
  problem: string | null = null;
  private readonly file: string;
  private readonly options: StoreOptions;
  private db: DatabaseSync | null = null;
  private inode = 0;
  private written = 0;

  constructor(file: string, options: StoreOptions) {
    this.file = file;
    this.options = options;
    this.attempt((db) => this.tidy(db));
  }

  load(): RecordData {
    const loaded = this.attempt((db): RecordData => {
      const rows = (text: string): unknown[][] => {
        const statement = db.prepare(text);
        statement.setReturnArrays(true);
        return statement.all() as unknown as unknown[][];
      };
      const kinds = rows(sql.readKinds).map(([project, kind, ...texts]) => [project, kind, ...texts.map(parsed)]);
      return {
        ...nothing,
        units: rows(sql.readUnits),
        kinds,
        workers: rows(sql.readWorkers),
        rates: rows(sql.readRates),
      } as unknown as RecordData;
    });
    return loaded.ok ? loaded.value : nothing;
  }

  names(): ReadonlyMap<string, string> {
    const read = this.attempt((db) =>
      db
        .prepare(sql.readNames)
        .all()
        .map(({ id, name }) => [String(id), String(name)] as const),
    );
    return new Map(read.ok ? read.value : []);
  }

  put(rows: RecordData, names: ReadonlyMap<string, string> = new Map()): Result<void, string> {
    const nowMs = this.nowMs();
    return this.attempt((db) => {
      transaction(db, () => {
        putAll(db, sql.putUnit, rows.units);
        putAll(
          db,
          sql.putKind,
          rows.kinds.map(([project, kind, samples, trials]) => {
            return [project, kind, JSON.stringify(samples), JSON.stringify(trials), samples.at(-1)?.[3] ?? nowMs];
          }),
        );
        putAll(db, sql.putWorker, rows.workers);
        putAll(db, sql.putRate, rows.rates);
        putAll(
          db,
          sql.putName,
          [...names].map(([id, name]) => [name, id]),
        );
      });
      this.written += rows.units.length + rows.kinds.length + rows.workers.length + rows.rates.length;
      if (this.written >= rowsBetweenChecks) this.tidy(db);
    });
  }

  forget({ project, worker }: Forget): Result<number, string> {
    return this.attempt((db) => {
      let gone = 0;
      const remove = (table: string, column: string): void => {
        const where = [
          ...(project === undefined ? [] : ['project = ?']),
          ...(worker === undefined ? [] : [`${column} = ?`]),
        ].join(' AND ');
        const named = [project, worker].filter((value) => value !== undefined);
        const statement = db.prepare(`DELETE FROM ${table}${where === '' ? '' : ` WHERE ${where}`}`);
        gone += Number(statement.run(...named).changes);
      };
      transaction(db, () => {
        remove('rate', 'worker');
        if (worker === undefined) for (const table of ['unit', 'kind']) remove(table, '');
        if (project === undefined) remove('worker', 'id');
      });
      // What was forgotten shall not lie in free pages and in the log.
      db.exec('VACUUM; PRAGMA wal_checkpoint(TRUNCATE)');
      return gone;
    });
  }

  close(): void {
    try {
      this.db?.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    } catch {
      // Another process reads: the log is taken in when that one closes.
    }
    this.drop();
  }

  private nowMs(): number {
    return (this.options.nowMs ?? Date.now)();
  }

  /** Does `work`, with a file begun anew when the present one is damaged. Whatever else goes wrong is told, and tried again next time. */
  private attempt<T>(work: (db: DatabaseSync) => T): Result<T, string> {
    try {
      const value = work(this.open());
      if (this.problem?.includes('kept as') !== true) this.problem = null;
      return ok(value);
    } catch (error) {
      if (!isDamage(error)) return this.fail(error);
    }
    this.drop();
    try {
      const aside = setAside(this.file, this.nowMs());
      const value = work(this.open());
      this.problem = `${this.file} was damaged and is begun anew; it is kept as ${aside}`;
      return ok(value);
    } catch (error) {
      return this.fail(error);
    }
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
    try {
      const version = Number(db.prepare('PRAGMA user_version').get()?.['user_version']);
      if (version > sql.schemaVersion) throw new Damage(`${this.file} is of a newer version`);
      db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0');
      if (version < sql.schemaVersion) transaction(db, () => db.exec(sql.createTables));
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

  /** Keeps the file within its bounds, and takes the log in. */
  private tidy(db: DatabaseSync): void {
    this.written = 0;
    const oldest = this.nowMs() - yearMs;
    const limits = this.options.bounds ?? bounds;
    transaction(db, () => {
      for (const table of ['unit', 'kind', 'worker', 'rate'] as const) {
        db.prepare(sql.prune[table]).run(limits[table], oldest);
      }
    });
    db.exec('PRAGMA wal_checkpoint(PASSIVE)');
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

function transaction(db: DatabaseSync, work: () => void): void {
  db.exec('BEGIN IMMEDIATE');
  try {
    work();
    db.exec('COMMIT');
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

function putAll(db: DatabaseSync, text: string, rows: readonly (readonly SQLInputValue[])[]): void {
  if (rows.length === 0) return;
  const statement = db.prepare(text);
  for (const row of rows) statement.run(...row);
}

function parsed(text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch {
    return null;
  }
}
