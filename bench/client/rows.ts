// From samples to what is shown: medians over the rounds, ratios between contenders of one run, a table for people.
import type { Contender, Sample } from './types.ts';

/** One line of the result; CPU in ms per unit, medians over the rounds. */
export interface Row {
  readonly corpus: string;
  readonly who: string;
  readonly units: number;
  readonly jobs: number;
  readonly rounds: number;
  /** Null where the contender could not take part, or its figures mean something else: `note` says why. */
  readonly cpuMsPerUnit: number | null;
  readonly launcherCpuMs: number | null;
  readonly agentCpuMs: number | null;
  readonly wallMsP50: number | null;
  readonly bytesPerUnit: number | null;
  readonly agentRssBytes: number | null;
  /** Whether every object (and depfile, where the contender returns it) was the kept one, in every round. */
  readonly identical: boolean | null;
  /** By round, to see how much the machine disturbed. */
  readonly cpuMsPerUnitByRound: readonly number[];
  readonly note: string;
}

export interface Ratios {
  /** A peer's CPU over ours, same corpus, same run. */
  readonly [peer: string]: number | null;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const high = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? 0) + high) / 2;
}

const round = (value: number): number => Math.round(value * 1000) / 1000;

/** The row of a contender that took part. `different`: outputs that were not the kept ones, in any round. */
export function rowOf(contender: Contender, samples: readonly Sample[], different: readonly string[]): Row {
  const units = contender.corpus.units.length;
  const per = (pick: (sample: Sample) => number): number[] => samples.map((sample) => round(pick(sample) / units));
  const totals = per((sample) => sample.launcherCpuMs + sample.agentCpuMs);
  const bytes = samples.flatMap((sample) => (sample.bytes === null ? [] : [sample.bytes / units]));
  const rss = samples.flatMap((sample) => (sample.agentRssBytes === null ? [] : [sample.agentRssBytes]));
  const notes = new Set(samples.flatMap((sample) => sample.faults));
  if (different.length > 0) notes.add(`${different.length} outputs differ from the compiler's, first ${different[0]}`);
  return {
    corpus: contender.corpus.name,
    who: contender.who,
    units,
    jobs: contender.jobs,
    rounds: samples.length,
    cpuMsPerUnit: median(totals),
    launcherCpuMs: median(per((sample) => sample.launcherCpuMs)),
    agentCpuMs: median(per((sample) => sample.agentCpuMs)),
    wallMsP50: round(median(samples.map((sample) => median(sample.wallMs)))),
    bytesPerUnit: bytes.length === 0 ? null : Math.round(median(bytes)),
    agentRssBytes: rss.at(-1) ?? null,
    identical: different.length === 0,
    cpuMsPerUnitByRound: totals,
    note: [...notes].join('; '),
  };
}

/** The row of a contender that cannot take part. */
export function emptyRow(contender: Contender, why: string): Row {
  const none = { cpuMsPerUnit: null, launcherCpuMs: null, agentCpuMs: null, wallMsP50: null, bytesPerUnit: null };
  const { corpus, who, jobs } = contender;
  return {
    ...{ corpus: corpus.name, who, units: corpus.units.length, jobs, rounds: 0 },
    ...none,
    ...{ agentRssBytes: null, identical: null, cpuMsPerUnitByRound: [], note: why },
  };
}

/** The peers' CPU over ours on `corpus`; null where one of the two has no figure. */
export function ratiosOf(rows: readonly Row[], corpus: string): Ratios {
  const cpu = (who: string): number | null =>
    rows.find((row) => row.corpus === corpus && row.who === who)?.cpuMsPerUnit ?? null;
  const over = (peer: string, ours: string): number | null => {
    const [above, below] = [cpu(peer), cpu(ours)];
    return above === null || below === null || below === 0 ? null : Math.round((above / below) * 100) / 100;
  };
  return {
    distcc: over('distcc', 'tender-warm'),
    pump: over('distcc-pump', 'tender-warm'),
    icecc: over('icecc', 'tender-warm'),
    ccacheHit: over('ccache-hit', 'tender-store'),
  };
}

/** For people. */
export function renderTable(rows: readonly Row[]): string {
  const head = [
    'corpus',
    'who',
    'CPU ms/unit',
    'launcher',
    'helpers',
    'wall p50 ms',
    'KB/unit',
    'RSS MB',
    'same',
    'rounds',
  ];
  const cell = (value: number | null, digits: number): string => (value === null ? '–' : value.toFixed(digits));
  const lines = rows.map((row) => [
    row.corpus,
    row.who,
    cell(row.cpuMsPerUnit, 2),
    cell(row.launcherCpuMs, 2),
    cell(row.agentCpuMs, 2),
    cell(row.wallMsP50, 1),
    cell(row.bytesPerUnit === null ? null : row.bytesPerUnit / 1000, 1),
    cell(row.agentRssBytes === null ? null : row.agentRssBytes / 1e6, 0),
    row.identical === null ? '–' : row.identical ? 'yes' : 'NO',
    String(row.rounds),
  ]);
  const widths = head.map((name, column) => Math.max(name.length, ...lines.map((line) => line[column]?.length ?? 0)));
  const draw = (line: readonly string[]): string =>
    line
      .map((text, column) => (column < 2 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0)))
      .join('  ');
  const notes = rows.filter((row) => row.note !== '').map((row) => `${row.corpus} ${row.who}: ${row.note}`);
  return [draw(head), ...lines.map(draw), ...notes].join('\n');
}
