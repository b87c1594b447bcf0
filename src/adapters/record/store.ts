// The record of past performance in one SQLite file (decision 011). Write-ahead log and no automatic checkpoint: a commit is one
// write to the page cache, so a batch of some hundred rows takes a few milliseconds of the agent's thread and waits for no disk.
import type { DatabaseSync } from 'node:sqlite';
import type { Result } from '../../base/result.ts';
import type { RecordData } from '../../core/record/record.ts';
import { putAll, rowsOf, SqliteFile, transaction } from '../sqlite-file.ts';
import * as sql from './schema.ts';
import type { Forget, RecordStore } from './types.ts';

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
  private readonly file: SqliteFile;
  private readonly nowMs: () => number;
  private readonly limits: Readonly<Record<keyof typeof bounds, number>>;
  private written = 0;

  constructor(file: string, options: StoreOptions) {
    this.nowMs = options.nowMs ?? Date.now;
    this.limits = options.bounds ?? bounds;
    const { schemaVersion, createTables } = sql;
    this.file = new SqliteFile(file, { schemaVersion, createTables, nowMs: this.nowMs });
    this.file.attempt((db) => this.tidy(db));
  }

  get problem(): string | null {
    return this.file.problem;
  }

  load(): RecordData {
    const loaded = this.file.attempt((db): RecordData => {
      const rows = (text: string): unknown[][] => rowsOf(db, text);
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
    const read = this.file.attempt((db) =>
      db
        .prepare(sql.readNames)
        .all()
        .map(({ id, name }) => [String(id), String(name)] as const),
    );
    return new Map(read.ok ? read.value : []);
  }

  put(rows: RecordData, names: ReadonlyMap<string, string> = new Map()): Result<void, string> {
    const nowMs = this.nowMs();
    return this.file.attempt((db) => {
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
    return this.file.attempt((db) => {
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
    this.file.close();
  }

  /** Keeps the file within its bounds, and takes the log in. */
  private tidy(db: DatabaseSync): void {
    this.written = 0;
    const oldest = this.nowMs() - yearMs;
    transaction(db, () => {
      for (const table of ['unit', 'kind', 'worker', 'rate'] as const) {
        db.prepare(sql.prune[table]).run(this.limits[table], oldest);
      }
    });
    db.exec('PRAGMA wal_checkpoint(PASSIVE)');
  }
}

function parsed(text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch {
    return null;
  }
}
