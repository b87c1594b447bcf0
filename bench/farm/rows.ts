// From builds to what is shown: makespan over the area bound, the longest silence, what failed; ratios between contenders of one run.
import { median } from '../client/rows.ts';
import { areaBoundMs, conditions, type Condition, type Plan } from './farm-plan.ts';
import type { Outcome } from './types.ts';

/** One build of one way under one condition. */
export interface Measured {
  readonly who: string;
  readonly jobs: number;
  readonly condition: Condition;
  readonly plan: Plan;
  readonly outcome: Outcome;
}

/** One line of the result; times in ms. */
export interface Row {
  readonly who: string;
  readonly condition: Condition;
  readonly units: number;
  readonly jobs: number;
  readonly seeds: readonly number[];
  /** Makespan over the area bound, median over the seeds; null: not measured, `note` says why. */
  readonly overBound: number | null;
  readonly overBoundBySeed: readonly number[];
  readonly makespanMsBySeed: readonly number[];
  readonly boundMsBySeed: readonly number[];
  /** When so much of the work was done, in time over the bound: the tail begins where the two part. */
  readonly over90BySeed: readonly number[];
  /** The longest time without any unit's end, of all seeds. */
  readonly silenceMs: number | null;
  readonly lostAtMsBySeed: readonly (number | null)[];
  /** Of all seeds together. */
  readonly failed: number;
  /** Compiles done by the machine that builds. */
  readonly here: number;
  readonly identical: boolean | null;
  /** CPU of the whole farm on the one machine that plays it, median over the seeds. */
  readonly cpuMsPerUnit: number | null;
  /** How busy that machine was, 0 to 1: near 1 the figures are its own and not the farm's. */
  readonly busyBySeed: readonly number[];
  readonly note: string;
}

export type Ratios = Readonly<Record<Condition, number | null>>;

const round = (value: number, digits: number): number => Math.round(value * 10 ** digits) / 10 ** digits;
const boundOf = ({ plan, outcome }: Measured): number => areaBoundMs(plan, outcome.lostAtMs);

/** The row of one way's builds under one condition. */
export function rowOf(measured: readonly [Measured, ...Measured[]]): Row {
  const [{ who, condition, jobs, plan }] = measured;
  const over = measured.map((it) => round(it.outcome.makespanMs / boundOf(it), 3));
  const sum = (pick: (outcome: Outcome) => number): number => measured.reduce((all, it) => all + pick(it.outcome), 0);
  return {
    who,
    condition,
    units: plan.durationsMs.length,
    jobs,
    seeds: measured.map((it) => it.plan.seed),
    overBound: round(median(over), 3),
    overBoundBySeed: over,
    makespanMsBySeed: measured.map((it) => Math.round(it.outcome.makespanMs)),
    boundMsBySeed: measured.map((it) => Math.round(boundOf(it))),
    over90BySeed: measured.map((it) =>
      round((it.outcome.endedAtMs[Math.floor(0.9 * it.plan.durationsMs.length)] ?? 0) / boundOf(it), 3),
    ),
    silenceMs: Math.round(Math.max(...measured.map((it) => it.outcome.silenceMs))),
    lostAtMsBySeed: measured.map(({ outcome: { lostAtMs } }) => (lostAtMs === null ? null : Math.round(lostAtMs))),
    failed: sum((outcome) => outcome.failed),
    here: sum((outcome) => outcome.here),
    identical: sum((outcome) => outcome.different) === 0,
    cpuMsPerUnit: round(median(measured.map((it) => it.outcome.cpuMs)) / plan.durationsMs.length, 1),
    busyBySeed: measured.map((it) => round(it.outcome.busy, 2)),
    note: measured.flatMap((it) => notesOf(it).map((note) => `seed ${it.plan.seed}: ${note}`)).join('; '),
  };
}

function notesOf({ condition, outcome }: Measured): string[] {
  const notes = [...outcome.notes];
  if (outcome.unfinished > 0)
    notes.push(`ended at ${Math.round(outcome.makespanMs / 1000)} s with ${outcome.unfinished} units left`);
  if (condition !== 'healthy' && outcome.lostAtMs === null) notes.push('ended before machines were lost');
  const last = outcome.said.split('\n').at(-1) ?? '';
  if (outcome.failed > outcome.unfinished && last !== '') notes.push(`says: ${last.slice(0, 200)}`);
  return notes;
}

/** The row of a way that was not measured. */
export function emptyRow(who: string, condition: Condition, why: string): Row {
  return {
    ...{ who, condition, units: 0, jobs: 0, seeds: [], overBound: null, overBoundBySeed: [], makespanMsBySeed: [] },
    ...{ boundMsBySeed: [], over90BySeed: [], silenceMs: null, lostAtMsBySeed: [], failed: 0, here: 0 },
    ...{ identical: null, cpuMsPerUnit: null, busyBySeed: [], note: why },
  };
}

/**
 * By condition: our makespan over that of the best peer on the same seed, median over the seeds; below 1 we are faster. A peer that
 * failed units is the best only when all did; one that was ended at the cap counts with the cap.
 */
export function ratiosOf(measured: readonly Measured[]): Ratios {
  const ratio = (condition: Condition): number | null => {
    const all = measured.filter((it) => it.condition === condition);
    const ratios = all.filter(isOurs).flatMap((ours) => {
      const peers = all.filter((it) => !it.who.startsWith('tender') && it.plan.seed === ours.plan.seed);
      const whole = peers.filter((it) => it.outcome.failed === 0);
      const makespans = (whole.length > 0 ? whole : peers).map((it) => it.outcome.makespanMs);
      return makespans.length === 0 ? [] : [ours.outcome.makespanMs / Math.min(...makespans)];
    });
    return ratios.length === 0 ? null : round(median(ratios), 3);
  };
  return Object.fromEntries(conditions.map((condition) => [condition, ratio(condition)])) as Ratios;
}

/** A build with durations known from one before. */
const isOurs = ({ who }: Measured): boolean => who.startsWith('tender ');

/** For people. */
export function renderTable(rows: readonly Row[]): string {
  const head = [
    'condition',
    'who',
    'over bound',
    'by seed',
    'silence s',
    'failed',
    'here',
    'same',
    'CPU ms/unit',
    'busy',
  ];
  const lines = rows.map((row) => [
    row.condition,
    row.who,
    row.overBound === null ? '–' : row.overBound.toFixed(2),
    row.overBoundBySeed.map((over) => over.toFixed(2)).join(' '),
    row.silenceMs === null ? '–' : (row.silenceMs / 1000).toFixed(1),
    row.overBound === null ? '–' : String(row.failed),
    row.overBound === null ? '–' : String(row.here),
    row.identical === null ? '–' : row.identical ? 'yes' : 'NO',
    row.cpuMsPerUnit === null ? '–' : row.cpuMsPerUnit.toFixed(0),
    row.busyBySeed.map((busy) => busy.toFixed(1)).join(' '),
  ]);
  const widths = head.map((name, column) => Math.max(name.length, ...lines.map((line) => line[column]?.length ?? 0)));
  const draw = (line: readonly string[]): string =>
    line
      .map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ');
  const notes = rows.filter((row) => row.note !== '').map((row) => `${row.condition} ${row.who}: ${row.note}`);
  return [draw(head), ...lines.map(draw), ...notes].join('\n');
}
