// The past of one kind of task in one project: the latest durations, sizes of inputs and peaks of memory, and what they
// say of a unit never seen. Quantiles and lines are worked out when asked for, lines not after every observation.
import { fitLine, learnTrial, onLine, trustsSize, weightedQuantile } from './complexity.ts';
import type { Line, Point, Trials } from './complexity.ts';
import { weightLeft } from './decay.ts';

export interface Sample {
  readonly durationMs: number;
  /** Size of all inputs; 0: not known. */
  readonly bytes: number;
  /** Peak of resident memory, bytes; 0: not known. */
  readonly memBytes: number;
  /** Wall clock. */
  readonly atMs: number;
}

/** Plain data: durationMs, bytes, memBytes, atMs of each sample, oldest first. */
export type SampleRow = readonly [number, number, number, number];

export interface KindData {
  readonly samples: readonly SampleRow[];
  /** Errors by kind and by size and their count, of durations and of memory. */
  readonly trials: readonly [readonly [number, number, number], readonly [number, number, number]];
}

const WINDOW = 256;
const KNOWN = 8;
/** A line, and quantiles of many, change little with one more sample: they are worked out anew after so many. */
const REFIT_EVERY = 16;

/** Whether what was worked out from `count` samples, `pushed` of them later, is too old. */
function isStale(pushed: number, count: number): boolean {
  return pushed >= Math.max(1, Math.min(REFIT_EVERY, count >> 4));
}

/** Quantiles shift slowly with age alone. */
const FRESH_MS = 3600 * 1000;

/** One figure of the samples, duration or memory. */
class Figure {
  readonly trials: Trials = { byKind: 0, bySize: 0, count: 0 };
  readonly #of: (sample: Sample) => number;
  #sorted: readonly { value: number; weight: number }[] = [];
  #line: Line | null = null;
  #pushedSinceSort = 1;
  #pushedSinceFit = REFIT_EVERY;
  #computedAtMs = 0;

  constructor(of: (sample: Sample) => number) {
    this.#of = of;
  }

  /** Compares both guesses with what came; before the sample is among those that they are made from. */
  try(samples: readonly Sample[], sample: Sample, nowMs: number): void {
    const actual = this.#of(sample);
    if (actual <= 0 || sample.bytes <= 0) return;
    const bySize = this.bySize(samples, sample.bytes, nowMs, 'p50');
    const byKind = this.quantile(samples, 0.5, nowMs);
    if (bySize !== null && byKind !== null) learnTrial(this.trials, actual, byKind, bySize);
  }

  pushed(): void {
    this.#pushedSinceSort += 1;
    this.#pushedSinceFit += 1;
  }

  quantile(samples: readonly Sample[], q: number, nowMs: number): number | null {
    const sorted = this.#sort(samples, nowMs);
    return sorted.length === 0 ? null : weightedQuantile(sorted, q);
  }

  bySize(samples: readonly Sample[], bytes: number, nowMs: number, at: 'p50' | 'p80' | 'p95'): number | null {
    if (bytes <= 0) return null;
    if (this.#pushedSinceFit >= REFIT_EVERY) {
      this.#pushedSinceFit = 0;
      this.#line = fitLine(this.#points(samples, nowMs));
    }
    if (this.#line === null) return null;
    const sorted = this.#sort(samples, nowMs);
    const [least, most] = [sorted[0]?.value ?? 1, sorted.at(-1)?.value ?? 1];
    return onLine(this.#line, bytes, this.#line[at], least, most);
  }

  #points(samples: readonly Sample[], nowMs: number): Point[] {
    const points: Point[] = [];
    for (const sample of samples) {
      const value = this.#of(sample);
      if (value > 0 && sample.bytes > 0) {
        points.push({ bytes: sample.bytes, value, weight: weightLeft(sample.atMs, nowMs) });
      }
    }
    return points;
  }

  #sort(samples: readonly Sample[], nowMs: number): readonly { value: number; weight: number }[] {
    if (isStale(this.#pushedSinceSort, samples.length) || Math.abs(nowMs - this.#computedAtMs) > FRESH_MS) {
      this.#pushedSinceSort = 0;
      const found: { value: number; weight: number }[] = [];
      for (const sample of samples) {
        const value = this.#of(sample);
        if (value > 0) found.push({ value, weight: weightLeft(sample.atMs, nowMs) });
      }
      this.#sorted = found.sort((a, b) => a.value - b.value);
      this.#computedAtMs = nowMs;
    }
    return this.#sorted;
  }
}

export class KindPast {
  readonly #samples: Sample[] = [];
  readonly #duration = new Figure((sample) => sample.durationMs);
  readonly #memory = new Figure((sample) => sample.memBytes);
  #meanMs: number | null = null;
  #pushedSinceMean = 1;

  /** Whether enough was seen to speak of quantiles. The first to end are the short ones. */
  get known(): boolean {
    return this.#samples.length >= KNOWN;
  }

  get count(): number {
    return this.#samples.length;
  }

  /** `isNew`: the unit was never seen, so that guesses can be tried on it. */
  observe(sample: Sample, isNew: boolean): void {
    if (isNew) {
      this.#duration.try(this.#samples, sample, sample.atMs);
      this.#memory.try(this.#samples, sample, sample.atMs);
    }
    this.#push(sample);
  }

  /** Of a unit never seen whose inputs are so large (0: not known), or null when nothing was seen of its kind. */
  durations(bytes: number, nowMs: number): { readonly p50Ms: number; readonly p80Ms: number } | null {
    const samples = this.#samples;
    if (trustsSize(this.#duration.trials)) {
      const p50Ms = this.#duration.bySize(samples, bytes, nowMs, 'p50');
      const p80Ms = this.#duration.bySize(samples, bytes, nowMs, 'p80');
      if (p50Ms !== null && p80Ms !== null) return { p50Ms: Math.round(p50Ms), p80Ms: Math.round(p80Ms) };
    }
    const p50Ms = this.#duration.quantile(samples, 0.5, nowMs);
    const p80Ms = this.#duration.quantile(samples, 0.8, nowMs);
    return p50Ms === null || p80Ms === null ? null : { p50Ms: Math.round(p50Ms), p80Ms: Math.round(p80Ms) };
  }

  /** The 95th percentile of peaks of memory, by size where that is known to be better; null while too few were seen. */
  memory(bytes: number, nowMs: number): number | null {
    if (!this.known) return null;
    const bySize = trustsSize(this.#memory.trials) ? this.#memory.bySize(this.#samples, bytes, nowMs, 'p95') : null;
    return bySize ?? this.#memory.quantile(this.#samples, 0.95, nowMs);
  }

  /** Weighed by age; null when nothing was seen. */
  meanMs(nowMs: number): number | null {
    if (!isStale(this.#pushedSinceMean, this.#samples.length)) return this.#meanMs;
    let sum = 0;
    let weights = 0;
    for (const { durationMs, atMs } of this.#samples) {
      const weight = weightLeft(atMs, nowMs);
      sum += weight * durationMs;
      weights += weight;
    }
    this.#pushedSinceMean = 0;
    this.#meanMs = weights === 0 ? null : sum / weights;
    return this.#meanMs;
  }

  /** Whether size foretells durations, and memory, better than the kind alone. */
  get bySize(): { readonly durations: boolean; readonly memory: boolean } {
    return { durations: trustsSize(this.#duration.trials), memory: trustsSize(this.#memory.trials) };
  }

  export(): KindData {
    const { trials: a } = this.#duration;
    const { trials: b } = this.#memory;
    return {
      samples: this.#samples.map(({ durationMs, bytes, memBytes, atMs }) => [durationMs, bytes, memBytes, atMs]),
      trials: [
        [a.byKind, a.bySize, a.count],
        [b.byKind, b.bySize, b.count],
      ],
    };
  }

  /** Takes in what `export` gave; what does not fit is left out. */
  static import(samples: unknown, trials: unknown): KindPast {
    const past = new KindPast();
    for (const row of Array.isArray(samples) ? (samples as unknown[]) : []) {
      if (!Array.isArray(row)) continue;
      const [durationMs, bytes, memBytes, atMs] = row as unknown[];
      if (!isAmount(durationMs) || durationMs === 0 || !isAmount(bytes) || !isAmount(memBytes) || !isAmount(atMs))
        continue;
      past.#push({ durationMs, bytes, memBytes, atMs });
    }
    const rows = Array.isArray(trials) ? (trials as unknown[]) : [];
    for (const [i, figure] of [past.#duration, past.#memory].entries()) {
      const row = rows[i];
      if (!Array.isArray(row) || row.length !== 3 || !row.every(isAmount)) continue;
      const [byKind, bySize, count] = row as [number, number, number];
      Object.assign(figure.trials, { byKind, bySize, count });
    }
    return past;
  }

  #push(sample: Sample): void {
    this.#samples.push(sample);
    if (this.#samples.length > WINDOW) this.#samples.shift();
    this.#pushedSinceMean += 1;
    this.#duration.pushed();
    this.#memory.pushed();
  }
}

function isAmount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}
