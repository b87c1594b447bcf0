// The record as plain data: what the agent keeps from one life to the next and the simulator puts into a journal.
// It comes back from a disk, perhaps written by another version or damaged: every row is looked at.
import type { SampleRow } from './kind.ts';

/** project, kind, label, mean and mean deviation in ms, observations, peak of memory (0: not known) and inputs in bytes, wall clock. */
export type UnitRow = readonly [string, string, string, number, number, number, number, number, number];
/** project (empty: all), kind, samples, trials of `KindData`. */
export type KindRow = readonly [
  string,
  string,
  readonly SampleRow[],
  readonly [readonly [number, number, number], readonly [number, number, number]],
];
/** worker, slowness (actual over predicted), the same over a longer time, overhead per task in ms, observations, their weight, wall clock. */
export type WorkerRow = readonly [string, number, number, number, number, number, number];
/** worker, project, kind, slowness there, weight of what was observed, wall clock. */
export type RateRow = readonly [string, string, string, number, number, number];

/** All times are milliseconds since 1970; durations are those of a machine of rate 1. Oldest first. */
export interface RecordData {
  readonly version: 2;
  readonly units: readonly UnitRow[];
  readonly kinds: readonly KindRow[];
  readonly workers: readonly WorkerRow[];
  readonly rates: readonly RateRow[];
}

/** The rows of a table; whatever is no list is none. */
function listsIn(data: object, key: string): unknown[][] {
  const rows: unknown = (data as Record<string, unknown>)[key];
  return Array.isArray(rows) ? rows.filter((row: unknown): row is unknown[] => Array.isArray(row)) : [];
}

const isText = (value: unknown): value is string => typeof value === 'string';

const isAmount = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value) && value >= 0;

const isPositive = (value: unknown): value is number => isAmount(value) && value > 0;

/** Rows that begin with `texts` texts and go on with numbers, of which those at `positive` (from 0, among the numbers) are above 0. */
function rowsOf<Row>(data: object, key: string, texts: number, numbers: number, positive: readonly number[]): Row[] {
  const fits = (row: unknown[]): boolean =>
    row.length === texts + numbers &&
    row.slice(0, texts).every(isText) &&
    row.slice(texts).every(isAmount) &&
    positive.every((i) => isPositive(row[texts + i]));
  return listsIn(data, key).filter(fits) as Row[];
}

/** Whatever `data` is, the rows in it that fit. What the first version kept is read too, as of `nowMs`. */
export function readRecord(data: unknown, nowMs: number): RecordData {
  const nothing: RecordData = { version: 2, units: [], kinds: [], workers: [], rates: [] };
  if (typeof data !== 'object' || data === null || !('version' in data)) return nothing;
  if (data.version === 1) return fromVersion1(data, nowMs);
  if (data.version !== 2) return nothing;
  return {
    version: 2,
    units: rowsOf<UnitRow>(data, 'units', 3, 6, [0, 2]),
    kinds: listsIn(data, 'kinds').filter(
      (row) => row.length === 4 && isText(row[0]) && isText(row[1]),
    ) as unknown as KindRow[],
    workers: rowsOf<WorkerRow>(data, 'workers', 1, 6, [0, 1, 3]),
    rates: rowsOf<RateRow>(data, 'rates', 3, 3, [0]),
  };
}

/** It knew labels, class keys and workers, and no times, projects or sizes. */
function fromVersion1(data: object, nowMs: number): RecordData {
  const units = rowsOf<readonly [string, number, number, number]>(data, 'labels', 1, 3, [0, 2]);
  const workers = rowsOf<readonly [string, number, number, number]>(data, 'workers', 1, 3, [0, 2]);
  return {
    version: 2,
    units: units.map(([label, mean, deviation, count]) => ['', '', label, mean, deviation, count, 0, 0, nowMs]),
    kinds: [],
    workers: workers.map(([worker, slowness, overheadMs, count]) => {
      return [worker, slowness, slowness, overheadMs, count, count, nowMs];
    }),
    rates: [],
  };
}
