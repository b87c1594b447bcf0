// What was learned of the owner (breaks, habits, how far each calendar can be believed) in a SQLite file of its own: nobody else may read it,
// an agent that is killed loses a minute of it, and a damaged file is begun anew. Decisions never ask it: the model in memory does.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { Result } from '../../base/result.ts';
import type { OwnerData } from '../../core/availability/owner-model.ts';
import { putAll, rowsOf, SqliteFile, transaction } from '../sqlite-file.ts';

const schemaVersion = 1;
const tables = ['break_length', 'weekday', 'day_end', 'reliability', 'source'] as const;

/** `hour` -1: all hours together; `day_end`: the hours of working days, then from 24 on those of free ones. */
const createTables = `
  CREATE TABLE IF NOT EXISTS break_length (
    hour INTEGER NOT NULL, bin INTEGER NOT NULL, count REAL NOT NULL, PRIMARY KEY (hour, bin)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS weekday (
    weekday INTEGER PRIMARY KEY, start_ms REAL NOT NULL, worked REAL NOT NULL, free REAL NOT NULL, days REAL NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS day_end (hour INTEGER PRIMARY KEY, ends REAL NOT NULL, others REAL NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS reliability (
    source TEXT NOT NULL, class TEXT NOT NULL, kept REAL NOT NULL, broken REAL NOT NULL, PRIMARY KEY (source, class)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS source (
    name TEXT PRIMARY KEY, error_with REAL NOT NULL, error_without REAL NOT NULL, count REAL NOT NULL, bad_since_ms REAL
  ) STRICT, WITHOUT ROWID;
  PRAGMA user_version = ${schemaVersion};
`;

const weekdays = 7;
const dayHours = 48;

export interface LearnedStore {
  /** For people; null: all is well. */
  readonly problem: string | null;
  /** Null: nothing is there, or it cannot be read; it is learned anew. */
  load(): OwnerData | null;
  /** All of it, in place of what was there. */
  save(data: OwnerData): Result<void, string>;
  /** How many rows went. */
  forget(): Result<number, string>;
  close(): void;
}

export const learnedFile = (home: string): string => join(home, 'owner.db');
/** What earlier versions wrote. */
const jsonFile = (home: string): string => join(home, 'owner-learned.json');

/** Never fails: what is wrong with the place is the store's `problem`. */
export function openLearnedStore(home: string, nowMs: () => number = Date.now): LearnedStore {
  return new Store(home, nowMs);
}

class Store implements LearnedStore {
  private readonly home: string;
  private readonly file: SqliteFile;

  constructor(home: string, nowMs: () => number) {
    this.home = home;
    this.file = new SqliteFile(learnedFile(home), { schemaVersion, createTables, nowMs });
  }

  get problem(): string | null {
    return this.file.problem;
  }

  load(): OwnerData | null {
    const read = this.file.attempt(readAll);
    if (read.ok && read.value !== null) return read.value;
    const old = readJson(this.home);
    if (old === null || !this.save(old).ok) return old;
    rmSync(jsonFile(this.home), { force: true });
    return old;
  }

  save(data: OwnerData): Result<void, string> {
    return this.file.attempt((db) => {
      transaction(db, () => {
        for (const table of tables) db.exec(`DELETE FROM ${table}`);
        writeAll(db, data);
      });
      // Some hundred small rows a minute at most: the log is taken in at once, and stays short.
      db.exec('PRAGMA wal_checkpoint(PASSIVE)');
    });
  }

  forget(): Result<number, string> {
    return this.file.attempt((db) => {
      let gone = 0;
      transaction(db, () => {
        for (const table of tables) gone += Number(db.prepare(`DELETE FROM ${table}`).run().changes);
      });
      // What was forgotten shall not lie in free pages and in the log.
      db.exec('VACUUM; PRAGMA wal_checkpoint(TRUNCATE)');
      rmSync(jsonFile(this.home), { force: true });
      return gone;
    });
  }

  close(): void {
    this.file.close();
  }
}

function readAll(db: DatabaseSync): OwnerData | null {
  const days = rowsOf(db, 'SELECT weekday, start_ms, worked, free, days FROM weekday') as number[][];
  const ends = rowsOf(db, 'SELECT hour, ends, others FROM day_end') as number[][];
  // They are written together: half of them is nothing.
  if (days.length !== weekdays || ends.length !== dayHours) return null;
  const byHour: number[][] = Array.from({ length: 25 }, () => []);
  for (const [hour = -1, bin = 0, count = 0] of rowsOf(db, 'SELECT hour, bin, count FROM break_length') as number[][]) {
    const counts = byHour[hour + 1];
    if (counts === undefined || bin < 0 || bin > 1000) continue;
    while (counts.length < bin) counts.push(0);
    counts[bin] = count;
  }
  const inOrder = (rows: number[][]): number[][] => rows.sort((a, b) => (a[0] ?? 0) - (b[0] ?? 0));
  return {
    version: 1,
    breaks: byHour,
    habits: {
      weekdays: inOrder(days).map(([, startMs = 0, worked = 0, free = 0, count = 0]) => {
        return { startMs, worked, free, days: count };
      }),
      dayEnds: inOrder(ends).map(([, end = 0, others = 0]) => [end, others] as const),
    },
    reliability: (
      rowsOf(db, 'SELECT source, class, kept, broken FROM reliability') as [string, string, number, number][]
    ).map(([source, kind, kept, broken]) => [`${source} ${kind}`, kept, broken] as const),
    sources: rowsOf(
      db,
      'SELECT name, error_with, error_without, count, bad_since_ms FROM source',
    ) as unknown as OwnerData['sources'],
  };
}

function writeAll(db: DatabaseSync, data: OwnerData): void {
  const { breaks, habits, reliability, sources } = data;
  const lengths = breaks.flatMap((counts, index) =>
    counts.flatMap((count, bin) => (count > 0 ? [[index - 1, bin, count]] : [])),
  );
  putAll(db, 'INSERT INTO break_length (hour, bin, count) VALUES (?, ?, ?)', lengths);
  putAll(
    db,
    'INSERT INTO weekday (weekday, start_ms, worked, free, days) VALUES (?, ?, ?, ?, ?)',
    habits.weekdays.map(({ startMs, worked, free, days }, i) => [i, startMs, worked, free, days]),
  );
  putAll(
    db,
    'INSERT INTO day_end (hour, ends, others) VALUES (?, ?, ?)',
    habits.dayEnds.map(([ends, others], i) => [i, ends, others]),
  );
  putAll(
    db,
    'INSERT OR REPLACE INTO reliability (source, class, kept, broken) VALUES (?, ?, ?, ?)',
    reliability.map(([key, kept, broken]) => {
      // A calendar's name may have spaces in it, a class has none.
      const at = key.lastIndexOf(' ');
      return [key.slice(0, Math.max(0, at)), key.slice(at + 1), kept, broken];
    }),
  );
  putAll(
    db,
    'INSERT OR REPLACE INTO source (name, error_with, error_without, count, bad_since_ms) VALUES (?, ?, ?, ?, ?)',
    sources.map((row) => [...row]),
  );
}

function readJson(home: string): OwnerData | null {
  try {
    const data = JSON.parse(readFileSync(jsonFile(home), 'utf8')) as OwnerData;
    return data.version === 1 && Array.isArray(data.breaks) && Array.isArray(data.reliability) ? data : null;
  } catch {
    return null;
  }
}
