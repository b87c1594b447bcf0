// What the past says: how long each unit takes and how fast each worker is. Plain data in and out, so that the
// agent can keep it across builds. Durations are kept in milliseconds of a machine of rate 1 (this one).
import type { NodeId } from '../types.ts';

export interface Prediction {
  readonly p50Ms: number;
  readonly p80Ms: number;
  /** False: this label was never seen, the figures are its class's. */
  readonly known: boolean;
}

/** The record as plain data (JSON-able). Unknown or damaged entries are left out on import. */
export interface RecordData {
  readonly version: 1;
  /** label, mean, mean deviation, observations; oldest first. */
  readonly labels: readonly (readonly [string, number, number, number])[];
  /** class key, the latest durations. */
  readonly classes: readonly (readonly [string, readonly number[]])[];
  /** worker, slowness (actual over predicted), overhead per task in ms, observations. */
  readonly workers: readonly (readonly [string, number, number, number])[];
}

export interface Observation {
  readonly label: string;
  readonly classKey: string;
  /** null: it ran here. */
  readonly worker: NodeId | null;
  /** Wall time of the command where it ran. */
  readonly ranMs: number;
  /** All the rest between award and result: sending, fetching, waiting. */
  readonly overheadMs: number;
}

interface LabelRecord {
  mean: number;
  deviation: number;
  count: number;
}

interface WorkerRecord {
  slowness: number;
  overheadMs: number;
  count: number;
}

const LABELS_MAX = 50_000;
const CLASSES_MAX = 256;
const WORKERS_MAX = 4096;
const CLASS_WINDOW = 256;
const CLASS_KNOWN = 8;
/** Weight of a new observation of what was predicted from itself, and of what was only guessed from its class; more at first. */
const NEW = 0.25;
const NEW_GUESSED = 0.05;
/** Only ratios between machines are ever seen: without a pull towards 1 all rates could drift away together. */
const PULL = 0.98;
/** For a class never seen: a typical C++ unit. */
const UNKNOWN_P50_MS = 1000;
const UNKNOWN_P80_MS = 2000;
/** From the mean deviation to the 80th percentile of a normal distribution: 0.8416 / 0.7979. */
const P80_DEVIATIONS = 1.055;
const SLOWNESS_MIN = 0.05;
const SLOWNESS_MAX = 20;

export class PastRecord {
  readonly #labels = new Map<string, LabelRecord>();
  readonly #classes = new Map<string, number[]>();
  readonly #sorted = new Map<string, readonly number[]>();
  readonly #workers = new Map<NodeId, WorkerRecord>();

  /** Learns from one command that ran to its end with success. */
  observe(observation: Observation): void {
    const { label, classKey, worker } = observation;
    const ranMs = Math.max(1, observation.ranMs);
    if (worker !== null) {
      // The mean and not the median: over many unknown units the ratios must come out at 1 for a machine like this one.
      const known = this.#labels.get(label)?.mean ?? null;
      const expected = known ?? this.#classMean(classKey);
      const ratio = expected === null ? null : ranMs / expected;
      const weight = Math.max(known === null ? NEW_GUESSED : NEW, 1 / (this.count(worker) + 1));
      this.#learnWorker(worker, ratio, weight, Math.max(0, observation.overheadMs));
    }
    const duration = ranMs / this.slowness(worker);
    this.#learnLabel(label, duration);
    this.#learnClass(classKey, duration);
  }

  /** The duration of a label on a machine of rate 1; an unknown label gets its class's quantiles. */
  predict(label: string, classKey: string): Prediction {
    const known = this.#labels.get(label);
    if (known !== undefined) {
      const { mean, deviation } = known;
      return { p50Ms: Math.round(mean), p80Ms: Math.round(mean + P80_DEVIATIONS * deviation), known: true };
    }
    return { ...this.predictClass(classKey), known: false };
  }

  /** The quantiles of a class's latest durations. */
  predictClass(classKey: string): { readonly p50Ms: number; readonly p80Ms: number } {
    const sorted = this.#sortedClass(classKey);
    if (sorted.length === 0) return { p50Ms: UNKNOWN_P50_MS, p80Ms: UNKNOWN_P80_MS };
    return { p50Ms: Math.round(quantile(sorted, 0.5)), p80Ms: Math.round(quantile(sorted, 0.8)) };
  }

  /** Whether enough of this class was seen to speak of quantiles. The first to end are the short ones. */
  knowsClass(classKey: string): boolean {
    return (this.#classes.get(classKey)?.length ?? 0) >= CLASS_KNOWN;
  }

  /** Speed in multiples of this machine; 1 for a worker never seen, and for `null`, this machine. */
  rate(worker: NodeId | null): number {
    return 1 / this.slowness(worker);
  }

  slowness(worker: NodeId | null): number {
    if (worker === null) return 1;
    return this.#workers.get(worker)?.slowness ?? 1;
  }

  /** What a task costs there beside its running, or null for a worker never seen. */
  overheadMs(worker: NodeId): number | null {
    return this.#workers.get(worker)?.overheadMs ?? null;
  }

  /** How many of its results we have seen. */
  count(worker: NodeId): number {
    return this.#workers.get(worker)?.count ?? 0;
  }

  export(): RecordData {
    return {
      version: 1,
      labels: [...this.#labels].map(([label, r]) => [label, r.mean, r.deviation, r.count]),
      classes: [...this.#classes].map(([key, durations]) => [key, [...durations]]),
      workers: [...this.#workers].map(([worker, r]) => [worker, r.slowness, r.overheadMs, r.count]),
    };
  }

  #learnWorker(worker: NodeId, ratio: number | null, weight: number, overheadMs: number): void {
    const known = this.#workers.get(worker);
    const slowness = (known?.slowness ?? 1) ** PULL;
    const learnt = ratio === null ? slowness : slowness + weight * (ratio - slowness);
    const record: WorkerRecord = {
      slowness: clamp(learnt, SLOWNESS_MIN, SLOWNESS_MAX),
      overheadMs: known === undefined ? overheadMs : known.overheadMs + NEW * (overheadMs - known.overheadMs),
      count: (known?.count ?? 0) + 1,
    };
    putNewest(this.#workers, worker, record, WORKERS_MAX);
  }

  #learnLabel(label: string, duration: number): void {
    const known = this.#labels.get(label);
    if (known === undefined) {
      putNewest(this.#labels, label, { mean: duration, deviation: duration / 4, count: 1 }, LABELS_MAX);
      return;
    }
    const off = duration - known.mean;
    const record = {
      mean: known.mean + NEW * off,
      deviation: known.deviation + NEW * (Math.abs(off) - known.deviation),
      count: known.count + 1,
    };
    putNewest(this.#labels, label, record, LABELS_MAX);
  }

  #learnClass(classKey: string, duration: number): void {
    const durations = this.#classes.get(classKey) ?? [];
    durations.push(duration);
    if (durations.length > CLASS_WINDOW) durations.shift();
    putNewest(this.#classes, classKey, durations, CLASSES_MAX);
    this.#sorted.delete(classKey);
  }

  #classMean(classKey: string): number | null {
    const durations = this.#classes.get(classKey);
    if (durations === undefined || durations.length === 0) return null;
    return durations.reduce((sum, d) => sum + d, 0) / durations.length;
  }

  #sortedClass(classKey: string): readonly number[] {
    const cached = this.#sorted.get(classKey);
    if (cached !== undefined) return cached;
    const sorted = [...(this.#classes.get(classKey) ?? [])].sort((a, b) => a - b);
    if (this.#sorted.size >= CLASSES_MAX) this.#sorted.clear();
    this.#sorted.set(classKey, sorted);
    return sorted;
  }

  /** Takes in what `export` gave, perhaps long ago or by another version: what does not fit is left out. */
  static import(data: unknown): PastRecord {
    const record = new PastRecord();
    if (typeof data !== 'object' || data === null || !('version' in data) || data.version !== 1) return record;
    for (const [label, mean, deviation, count] of rowsOf(data, 'labels')) {
      if (typeof label !== 'string' || !isPositive(mean) || !isCount(deviation) || !isPositive(count)) continue;
      putNewest(record.#labels, label, { mean, deviation, count }, LABELS_MAX);
    }
    for (const [key, durations] of rowsOf(data, 'classes')) {
      if (typeof key !== 'string' || !Array.isArray(durations)) continue;
      putNewest(record.#classes, key, durations.filter(isPositive).slice(-CLASS_WINDOW), CLASSES_MAX);
    }
    for (const [worker, slowness, overheadMs, count] of rowsOf(data, 'workers')) {
      if (typeof worker !== 'string' || !isPositive(slowness) || !isCount(overheadMs) || !isPositive(count)) continue;
      const kept = { slowness: clamp(slowness, SLOWNESS_MIN, SLOWNESS_MAX), overheadMs, count };
      putNewest(record.#workers, worker, kept, WORKERS_MAX);
    }
    return record;
  }
}

/** A map's insertion order is its age: the newest goes last, the oldest is dropped at the bound. */
function putNewest<V>(map: Map<string, V>, key: string, value: V, max: number): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= max) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}

function quantile(sorted: readonly number[], q: number): number {
  const position = q * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below] ?? 0;
  const high = sorted[below + 1] ?? low;
  return low + (high - low) * (position - below);
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value));
}

function rowsOf(data: object, key: string): unknown[][] {
  const rows: unknown = (data as Record<string, unknown>)[key];
  return Array.isArray(rows) ? rows.filter((row: unknown): row is unknown[] => Array.isArray(row)) : [];
}

function isPositive(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}
