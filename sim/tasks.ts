// Builds of a seed: task lengths like those of compiles or from a recorded trace, and what was remembered of them.
import { lognormal, pick, streamOf } from './random.ts';
import type { BuildPlan, DelegatorPlan, TaskPlan } from './types.ts';

/** Durations in milliseconds of work on the reference machine: drawn from a trace as often as needed. */
export interface TaskMix {
  readonly name: string;
  readonly durationsMs: readonly number[];
}

export interface BuildOptions {
  readonly delegators: readonly DelegatorPlan[];
  readonly tasks: number;
  /** Share of tasks whose duration is remembered; 0.99 when not told: the rest are new files. */
  readonly known: number | undefined;
  readonly mix: TaskMix | undefined;
}

/** Between the medians of the C++ corpora that bench/ measures (0.5 and 1.6 s of CPU), with their heavy tail. */
export const COMPILE_MEDIAN_MS = 900;
export const COMPILE_SIGMA = 0.9;
const COMPILE_MIN_MS = 50;
const COMPILE_MAX_MS = 60_000;
const KNOWN_SHARE = 0.99;
/** How far a build's duration is from what was remembered of the build before (standard deviation of the logarithm). */
const MEMORY_SIGMA = 0.1;
/** From a remembered duration to its 80th percentile. */
const P80 = 1.09;
const TASK_BYTES_MEDIAN = 50_000;
const TASK_MEM_BYTES = 300 * 2 ** 20;
const TRACE_MAX = 1_000_000;

/** One build for each delegator, all at once, and everything submitted at its start. */
export function buildsOf(seed: number, options: BuildOptions): BuildPlan[] {
  const { delegators, tasks, mix } = options;
  const known = options.known ?? KNOWN_SHARE;
  return delegators.map(({ id }): BuildPlan => {
    const lengths = streamOf(seed, `lengths ${id}`);
    const memory = streamOf(seed, `memory ${id}`);
    const plans = Array.from({ length: tasks }, (_, i): TaskPlan => {
      const drawn = mix === undefined ? compileMs(lengths) : pick(lengths, mix.durationsMs);
      const workMs = Math.round(drawn * 10) / 10;
      const remembered = Math.round(lognormal(memory, workMs * P80, MEMORY_SIGMA));
      const isKnown = memory() < known;
      const bytes = Math.round(lognormal(memory, TASK_BYTES_MEDIAN, 0.5));
      return {
        id: `${id}-${i}`,
        label: `${id}/file${i}.cc`,
        workMs,
        predictedP80Ms: isKnown ? Math.max(1, remembered) : null,
        bytes,
        memBytes: TASK_MEM_BYTES,
      };
    });
    return { delegator: id, startsAtMs: 0, jobs: tasks, tasks: plans };
  });
}

function compileMs(random: () => number): number {
  return Math.min(COMPILE_MAX_MS, Math.max(COMPILE_MIN_MS, lognormal(random, COMPILE_MEDIAN_MS, COMPILE_SIGMA)));
}

/**
 * Durations in milliseconds from a trace: a JSON array of numbers, a JSON array of objects with `ms`, or lines of CSV
 * whose last field is one. What is no positive number is left out; an empty trace is null.
 */
export function readTrace(name: string, text: string): TaskMix | null {
  const durationsMs = (text.trimStart().startsWith('[') ? fromJson(text) : fromCsv(text))
    .filter((ms) => Number.isFinite(ms) && ms > 0)
    .slice(0, TRACE_MAX);
  return durationsMs.length === 0 ? null : { name, durationsMs };
}

function fromJson(text: string): number[] {
  let rows: unknown;
  try {
    rows = JSON.parse(text);
  } catch {
    return [];
  }
  if (!Array.isArray(rows)) return [];
  return rows.map((row: unknown) => {
    if (typeof row === 'object' && row !== null && 'ms' in row) return Number(row.ms);
    return typeof row === 'number' ? row : NaN;
  });
}

function fromCsv(text: string): number[] {
  return text
    .split('\n')
    .map((line) => line.split(',').at(-1)?.trim() ?? '')
    .filter((field) => field !== '')
    .map(Number);
}
