// The record's tables and statements. Strict types, so that what comes back is what was put in; rows of other processes that
// are newer win over ours, by the wall clock at which they were learnt.

/** `PRAGMA user_version` of a file that this version reads. */
export const schemaVersion = 1;

export const createTables = `
  CREATE TABLE IF NOT EXISTS unit (
    project TEXT NOT NULL, kind TEXT NOT NULL, label TEXT NOT NULL,
    mean_ms REAL NOT NULL, deviation_ms REAL NOT NULL, count REAL NOT NULL,
    mem_bytes REAL NOT NULL, input_bytes REAL NOT NULL, at_ms REAL NOT NULL,
    PRIMARY KEY (kind, label)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS unit_by_age ON unit (at_ms);
  CREATE TABLE IF NOT EXISTS kind (
    project TEXT NOT NULL, kind TEXT NOT NULL, samples TEXT NOT NULL, trials TEXT NOT NULL, at_ms REAL NOT NULL,
    PRIMARY KEY (project, kind)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS worker (
    id TEXT NOT NULL PRIMARY KEY, slowness REAL NOT NULL, long_slowness REAL NOT NULL, overhead_ms REAL NOT NULL,
    count REAL NOT NULL, weight REAL NOT NULL, at_ms REAL NOT NULL, name TEXT NOT NULL DEFAULT ''
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS rate (
    worker TEXT NOT NULL, project TEXT NOT NULL, kind TEXT NOT NULL,
    slowness REAL NOT NULL, weight REAL NOT NULL, at_ms REAL NOT NULL,
    PRIMARY KEY (worker, project, kind)
  ) STRICT, WITHOUT ROWID;
  PRAGMA user_version = ${schemaVersion};
`;

export const putUnit = `
  INSERT INTO unit (project, kind, label, mean_ms, deviation_ms, count, mem_bytes, input_bytes, at_ms)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET project = excluded.project, mean_ms = excluded.mean_ms, deviation_ms = excluded.deviation_ms,
    count = excluded.count, mem_bytes = excluded.mem_bytes, input_bytes = excluded.input_bytes, at_ms = excluded.at_ms
  WHERE excluded.at_ms >= unit.at_ms`;

export const putKind = `
  INSERT INTO kind (project, kind, samples, trials, at_ms) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET samples = excluded.samples, trials = excluded.trials, at_ms = excluded.at_ms
  WHERE excluded.at_ms >= kind.at_ms`;

export const putWorker = `
  INSERT INTO worker (id, slowness, long_slowness, overhead_ms, count, weight, at_ms) VALUES (?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET slowness = excluded.slowness, long_slowness = excluded.long_slowness,
    overhead_ms = excluded.overhead_ms, count = excluded.count, weight = excluded.weight, at_ms = excluded.at_ms
  WHERE excluded.at_ms >= worker.at_ms`;

export const putRate = `
  INSERT INTO rate (worker, project, kind, slowness, weight, at_ms) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET slowness = excluded.slowness, weight = excluded.weight, at_ms = excluded.at_ms
  WHERE excluded.at_ms >= rate.at_ms`;

export const putName = 'UPDATE worker SET name = ? WHERE id = ?';

export const readUnits = `
  SELECT project, kind, label, mean_ms, deviation_ms, count, mem_bytes, input_bytes, at_ms FROM unit ORDER BY at_ms`;
export const readKinds = 'SELECT project, kind, samples, trials FROM kind ORDER BY at_ms';
export const readWorkers = `
  SELECT id, slowness, long_slowness, overhead_ms, count, weight, at_ms FROM worker ORDER BY at_ms`;
export const readRates = 'SELECT worker, project, kind, slowness, weight, at_ms FROM rate ORDER BY at_ms';
export const readNames = "SELECT id, name FROM worker WHERE name <> ''";

/** Parameters: bound, and the time before which a row is too old. */
export const prune = {
  unit: `DELETE FROM unit WHERE at_ms < ?2 OR (kind, label) IN
    (SELECT kind, label FROM unit ORDER BY at_ms LIMIT max(0, (SELECT count(*) FROM unit) - ?1))`,
  kind: `DELETE FROM kind WHERE at_ms < ?2 OR (project, kind) IN
    (SELECT project, kind FROM kind ORDER BY at_ms LIMIT max(0, (SELECT count(*) FROM kind) - ?1))`,
  worker: `DELETE FROM worker WHERE at_ms < ?2 OR id IN
    (SELECT id FROM worker ORDER BY at_ms LIMIT max(0, (SELECT count(*) FROM worker) - ?1))`,
  rate: `DELETE FROM rate WHERE at_ms < ?2 OR (worker, project, kind) IN
    (SELECT worker, project, kind FROM rate ORDER BY at_ms LIMIT max(0, (SELECT count(*) FROM rate) - ?1))`,
} as const;
