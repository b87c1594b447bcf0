// What the owner felt, as figures: how long frames took, which came late, and how soon compiles stood still.

/** A frame of so much work, sixty times a second. */
export const workMs = 3;
/** A frame is late when it is done later than this after its moment: twice its work. */
export const lateMs = 6;

/** How others' compiles gave way; `empty`: there were none. */
export const ways = ['empty', 'idle-group', 'priority', 'plain'] as const;
export type Way = (typeof ways)[number];

export interface Row {
  readonly who: Way;
  readonly frames: number;
  readonly p50Ms: number | null;
  readonly p90Ms: number | null;
  readonly p99Ms: number | null;
  /** Of all frames, 0 to 1. */
  readonly late: number | null;
  /** From the word that the owner is back until every compiler stands still; the median and the longest of the rounds. */
  readonly reliefMs: number | null;
  readonly reliefMsMax: number | null;
  /** Processors' time that was used while frames were drawn, by anything, 0 to 1. */
  readonly busy: number | null;
  readonly note: string;
}

export interface OwnerBenchResult {
  readonly bench: 'owner';
  readonly cores: number;
  readonly compiles: number;
  /** Others' part of the processors before anything was started, 0 to 1: near 0, or the figures are theirs too. */
  readonly busyBefore: number;
  readonly rows: readonly Row[];
  /** p99 of the frames over that of the empty machine; null: not measured. */
  readonly ratios: Readonly<Record<Exclude<Way, 'empty'>, number | null>>;
}

export interface Measured {
  readonly framesUs: readonly number[];
  readonly reliefMs: readonly number[];
  readonly busy: readonly number[];
}

const round = (value: number, digits: number): number => Math.round(value * 10 ** digits) / 10 ** digits;

/** The value below which a share of them lie; null of none. */
export function quantile(values: readonly number[], share: number): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? null;
}

export function rowOf(who: Way, { framesUs, reliefMs, busy }: Measured, note = ''): Row {
  const at = (share: number): number | null => {
    const us = quantile(framesUs, share);
    return us === null ? null : round(us / 1000, 2);
  };
  const late = framesUs.filter((us) => us > lateMs * 1000).length;
  const relief = quantile(reliefMs, 0.5);
  return {
    who,
    frames: framesUs.length,
    p50Ms: at(0.5),
    p90Ms: at(0.9),
    p99Ms: at(0.99),
    late: framesUs.length === 0 ? null : round(late / framesUs.length, 4),
    reliefMs: relief === null ? null : round(relief, 1),
    reliefMsMax: reliefMs.length === 0 ? null : round(Math.max(...reliefMs), 1),
    busy: busy.length === 0 ? null : round(busy.reduce((sum, each) => sum + each, 0) / busy.length, 2),
    note,
  };
}

export function ratiosOf(rows: readonly Row[]): OwnerBenchResult['ratios'] {
  const p99 = (who: Way): number | null => rows.find((row) => row.who === who)?.p99Ms ?? null;
  const empty = p99('empty');
  const ratio = (who: Way): number | null => {
    const value = p99(who);
    return value === null || empty === null || empty === 0 ? null : round(value / empty, 2);
  };
  return { 'idle-group': ratio('idle-group'), priority: ratio('priority'), plain: ratio('plain') };
}

export function renderResult(result: OwnerBenchResult, json: boolean): string {
  if (json) return JSON.stringify(result);
  const head = ['compiles', 'frames', 'p50 ms', 'p90 ms', 'p99 ms', 'late %', 'relief ms', '(longest)', 'busy'];
  const shown = (value: number | null, digits: number): string => (value === null ? '–' : value.toFixed(digits));
  const lines = result.rows.map((row) => [
    row.who,
    String(row.frames),
    shown(row.p50Ms, 2),
    shown(row.p90Ms, 2),
    shown(row.p99Ms, 2),
    shown(row.late === null ? null : row.late * 100, 1),
    shown(row.reliefMs, 1),
    shown(row.reliefMsMax, 1),
    shown(row.busy, 2),
  ]);
  const widths = head.map((name, column) => Math.max(name.length, ...lines.map((line) => line[column]?.length ?? 0)));
  const draw = (line: readonly string[]): string =>
    line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ');
  const notes = result.rows.filter((row) => row.note !== '').map((row) => `${row.who}: ${row.note}`);
  const before = `${result.compiles} compiles on ${result.cores} processors, ${Math.round(result.busyBefore * 100)} % of which others used before`;
  return [before, draw(head), ...lines.map(draw), ...notes].join('\n');
}
