// What the past says: how long each unit takes and how much memory, and how fast each worker is, by project and by kind of
// task. Pure: wall clock comes in by `advance`; the agent keeps it across builds (adapters/record). Durations are kept in
// milliseconds of a machine of rate 1 (this one).
import type { NodeId } from '../types.ts';
import { weightLeft } from './decay.ts';
import { KindPast } from './kind.ts';
import { readRecord } from './rows.ts';
import type { KindRow, RateRow, RecordData, UnitRow, WorkerRow } from './rows.ts';
import { blended, learnRate, learnWorker, scopeKey, slownessOf } from './workers.ts';
import type { WorkerPast } from './workers.ts';

export { scopeKey } from './workers.ts';
export type { RecordData } from './rows.ts';

export interface Prediction {
  readonly p50Ms: number;
  readonly p80Ms: number;
  /** False: this label was never seen, the figures are its kind's. */
  readonly known: boolean;
}

/** What else is known of a task; without it, it is one of no project and of unknown size. */
export interface About {
  readonly project?: string | undefined;
  /** Size of all inputs, bytes. */
  readonly bytes?: number | undefined;
}

export interface Observation extends About {
  readonly label: string;
  /** The kind of task: what has the same compiler and the same options that cost time. */
  readonly classKey: string;
  /** null: it ran here. */
  readonly worker: NodeId | null;
  /** Wall time of the command where it ran. */
  readonly ranMs: number;
  /** All the rest between award and result: sending, fetching, waiting. */
  readonly overheadMs: number;
  /** Peak of resident memory, bytes; 0: not measured. */
  readonly memBytes?: number | undefined;
}

interface UnitPast {
  readonly project: string;
  readonly kind: string;
  readonly label: string;
  mean: number;
  deviation: number;
  count: number;
  memBytes: number;
  bytes: number;
  atMs: number;
}

export const UNITS_MAX = 50_000;
const KINDS_MAX = 512;
const WORKERS_MAX = 4096;
/** Weight of a new observation, of something just observed. */
const NEW = 0.25;
/** For a kind never seen: a typical C++ unit. */
const UNKNOWN_P50_MS = 1000;
const UNKNOWN_P80_MS = 2000;
/** From the mean deviation to the 80th percentile of a normal distribution: 0.8416 / 0.7979. */
const P80_DEVIATIONS = 1.055;

export class PastRecord {
  readonly #units = new Map<string, UnitPast>();
  /** By project and kind, and under no project by kind alone: what a new project begins with. */
  readonly #kinds = new Map<string, KindPast>();
  readonly #workers = new Map<NodeId, WorkerPast>();
  /** Changed since they were last taken. */
  readonly #changed = { units: new Set<string>(), kinds: new Set<string>(), workers: new Set<NodeId>() };
  #nowMs = 0;

  /** Says what time it is, milliseconds since 1970. Without it nothing ages. */
  advance(wallMs: number): void {
    this.#nowMs = wallMs;
  }

  /** Learns from one command that ran to its end with success. */
  observe(observation: Observation): void {
    const { label, classKey, worker, project = '', bytes = 0, memBytes = 0 } = observation;
    const ranMs = Math.max(1, observation.ranMs);
    const scope = scopeKey(project, classKey);
    const unit = this.#unit(label, classKey);
    if (worker !== null) {
      // The mean and not the median: over many unknown units the ratios must come out at 1 for a machine like this one.
      const expected = unit?.mean ?? this.#kindOf(classKey, project)?.meanMs(this.#nowMs) ?? null;
      const ratio = expected === null ? null : ranMs / expected;
      this.#learnWorker(worker, scope, ratio, unit !== undefined, Math.max(0, observation.overheadMs));
    }
    const durationMs = ranMs / this.slowness(worker, scope);
    this.#learnUnit(unit, observation, durationMs);
    const sample = { durationMs, bytes, memBytes, atMs: this.#nowMs };
    this.#learnKind(scope, sample, unit === undefined);
    if (project !== '') this.#learnKind(scopeKey('', classKey), sample, unit === undefined);
  }

  /** The duration of a label on a machine of rate 1; an unknown label gets its kind's quantiles, or what its size says. */
  predict(label: string, classKey: string, about: About = {}): Prediction {
    const known = this.#unit(label, classKey);
    if (known !== undefined) {
      const { mean, deviation } = known;
      return { p50Ms: Math.round(mean), p80Ms: Math.round(mean + P80_DEVIATIONS * deviation), known: true };
    }
    return { ...this.predictClass(classKey, about), known: false };
  }

  /** The quantiles of a kind's latest durations; of those whose inputs are as large, if a size is given and says more. */
  predictClass(classKey: string, about: About = {}): { readonly p50Ms: number; readonly p80Ms: number } {
    const past = this.#kindOf(classKey, about.project ?? '')?.durations(about.bytes ?? 0, this.#nowMs);
    return past ?? { p50Ms: UNKNOWN_P50_MS, p80Ms: UNKNOWN_P80_MS };
  }

  /** Whether enough of this kind was seen to speak of quantiles. */
  knowsClass(classKey: string, project = ''): boolean {
    return this.#kindOf(classKey, project)?.known ?? false;
  }

  /** The memory that a task will hardly pass, bytes: its own peak before, else its kind's 95th percentile; null: nothing known. */
  memory(label: string, classKey: string, about: About = {}): number | null {
    const own = this.#unit(label, classKey)?.memBytes ?? 0;
    if (own > 0) return own;
    return this.#kindOf(classKey, about.project ?? '')?.memory(about.bytes ?? 0, this.#nowMs) ?? null;
  }

  /** Speed in multiples of this machine; 1 for a worker never seen, and for `null`, this machine. `scope`: by `scopeKey`. */
  rate(worker: NodeId | null, scope?: string): number {
    return 1 / this.slowness(worker, scope);
  }

  /** The same the other way round: actual over predicted duration. */
  slowness(worker: NodeId | null, scope?: string): number {
    if (worker === null) return 1;
    const past = this.#workers.get(worker);
    if (past === undefined) return 1;
    return scope === undefined ? slownessOf(past, this.#nowMs) : blended(past, scope, this.#nowMs);
  }

  /** What a task costs there beside its running, or null for a worker never seen. */
  overheadMs(worker: NodeId): number | null {
    return this.#workers.get(worker)?.overheadMs ?? null;
  }

  /** How many of its results we have seen. */
  count(worker: NodeId): number {
    return this.#workers.get(worker)?.count ?? 0;
  }

  /** Forgets what was learnt in a project, or of a worker; both: of this worker in this project; neither: all. */
  forget(what: { readonly project?: string | undefined; readonly worker?: NodeId | undefined }): void {
    const { project, worker } = what;
    if (worker === undefined) {
      for (const [key, unit] of this.#units) if (project === undefined || unit.project === project) this.#drop(key);
      for (const key of [...this.#kinds.keys()]) {
        if (project === undefined || projectOf(key) === project) this.#kinds.delete(key);
      }
    }
    for (const [id, past] of [...this.#workers]) {
      if (worker !== undefined && id !== worker) continue;
      if (project === undefined) this.#workers.delete(id);
      for (const key of [...past.scopes.keys()]) if (projectOf(key) === project) past.scopes.delete(key);
    }
  }

  export(): RecordData {
    return this.#rows(this.#units.keys(), this.#kinds.keys(), this.#workers.keys());
  }

  /** What has changed since this was last asked, as rows that take the place of earlier ones; null: nothing. */
  takeChanges(): RecordData | null {
    const { units, kinds, workers } = this.#changed;
    if (units.size + kinds.size + workers.size === 0) return null;
    const rows = this.#rows(units, kinds, workers);
    units.clear();
    kinds.clear();
    workers.clear();
    return rows;
  }

  /** Takes in what `export` gave, perhaps long ago or by another version: what does not fit is left out. */
  static import(data: unknown, wallMs = 0): PastRecord {
    const record = new PastRecord();
    record.advance(wallMs);
    record.#take(readRecord(data, wallMs));
    return record;
  }

  /** The same for what an earlier version kept, as far as nothing is known yet; false: nothing of it fits. */
  adopt(data: unknown): boolean {
    const { units, workers, ...rest } = readRecord(data, this.#nowMs);
    const known = new Set([...this.#units.values()].map(({ label }) => label));
    const newUnits = units.filter(([, , label]) => !known.has(label));
    const newWorkers = workers.filter(([worker]) => !this.#workers.has(worker));
    this.#take({ ...rest, units: newUnits, workers: newWorkers });
    return newUnits.length + newWorkers.length > 0;
  }

  #take({ units, kinds, workers, rates }: RecordData): void {
    for (const [project, kind, label, mean, deviation, count, memBytes, bytes, atMs] of units) {
      const unit = { project, kind, label, mean, deviation, count, memBytes, bytes, atMs };
      putNewest(this.#units, unitKey(label, kind), unit, UNITS_MAX);
    }
    for (const [project, kind, samples, trials] of kinds) {
      const past = KindPast.import(samples, trials);
      if (past.count > 0) putNewest(this.#kinds, scopeKey(project, kind), past, KINDS_MAX);
    }
    for (const [worker, slowness, long, overheadMs, count, weight, atMs] of workers) {
      const past = { slowness, long, overheadMs, count, weight, atMs, scopes: new Map() };
      putNewest(this.#workers, worker, past, WORKERS_MAX);
    }
    for (const [worker, project, kind, slowness, weight, atMs] of rates) {
      this.#workers.get(worker)?.scopes.set(scopeKey(project, kind), { slowness, weight, atMs });
    }
  }

  /** Units of the first version are of no kind. */
  #unit(label: string, kind: string): UnitPast | undefined {
    return this.#units.get(unitKey(label, kind)) ?? this.#units.get(unitKey(label, ''));
  }

  #kindOf(kind: string, project: string): KindPast | undefined {
    const own = this.#kinds.get(scopeKey(project, kind));
    if (own?.known === true || project === '') return own;
    return this.#kinds.get(scopeKey('', kind)) ?? own;
  }

  #learnWorker(worker: NodeId, scope: string, ratio: number | null, known: boolean, overheadMs: number): void {
    const past = learnWorker(this.#workers.get(worker), ratio, known, overheadMs, this.#nowMs);
    learnRate(past, scope, ratio, known, this.#nowMs);
    putNewest(this.#workers, worker, past, WORKERS_MAX, (id) => this.#changed.workers.delete(id));
    noteNewest(this.#changed.workers, worker);
  }

  #learnUnit(known: UnitPast | undefined, observation: Observation, durationMs: number): void {
    const { label, classKey: kind, project = '', bytes = 0, memBytes = 0 } = observation;
    const past = { project, kind, label, mean: durationMs, deviation: durationMs / 4, count: 1, memBytes, bytes };
    if (known !== undefined) {
      // The older what is known, the more the new one counts.
      const weight = 1 - (1 - NEW) * weightLeft(known.atMs, this.#nowMs);
      const off = durationMs - known.mean;
      past.mean = known.mean + weight * off;
      past.deviation = known.deviation + weight * (Math.abs(off) - known.deviation);
      past.count = known.count + 1;
      // A peak falls slowly: memory that was needed once may be needed again.
      if (memBytes < known.memBytes)
        past.memBytes = memBytes === 0 ? known.memBytes : known.memBytes + weight * (memBytes - known.memBytes);
      if (bytes === 0) past.bytes = known.bytes;
      if (known.kind !== kind) this.#drop(unitKey(known.label, known.kind));
    }
    const key = unitKey(label, kind);
    putNewest(this.#units, key, { ...past, atMs: this.#nowMs }, UNITS_MAX, (old) => this.#changed.units.delete(old));
    noteNewest(this.#changed.units, key);
  }

  #learnKind(key: string, sample: Parameters<KindPast['observe']>[0], isNew: boolean): void {
    const past = this.#kinds.get(key) ?? new KindPast();
    past.observe(sample, isNew);
    putNewest(this.#kinds, key, past, KINDS_MAX, (old) => this.#changed.kinds.delete(old));
    noteNewest(this.#changed.kinds, key);
  }

  #drop(unit: string): void {
    this.#units.delete(unit);
    this.#changed.units.delete(unit);
  }

  #rows(units: Iterable<string>, kinds: Iterable<string>, workers: Iterable<NodeId>): RecordData {
    const rows = { units: [] as UnitRow[], kinds: [] as KindRow[], workers: [] as WorkerRow[], rates: [] as RateRow[] };
    for (const key of units) {
      const unit = this.#units.get(key);
      if (unit === undefined) continue;
      const { project, kind, label, mean, deviation, count, memBytes, bytes, atMs } = unit;
      rows.units.push([project, kind, label, mean, deviation, count, memBytes, bytes, atMs]);
    }
    for (const key of kinds) {
      const past = this.#kinds.get(key);
      if (past === undefined) continue;
      const { samples, trials } = past.export();
      rows.kinds.push([projectOf(key), kindOf(key), samples, trials]);
    }
    for (const worker of workers) {
      const past = this.#workers.get(worker);
      if (past === undefined) continue;
      rows.workers.push([worker, past.slowness, past.long, past.overheadMs, past.count, past.weight, past.atMs]);
      for (const [key, { slowness, weight, atMs }] of past.scopes) {
        rows.rates.push([worker, projectOf(key), kindOf(key), slowness, weight, atMs]);
      }
    }
    return { version: 2, ...rows };
  }
}

const unitKey = (label: string, kind: string): string => `${kind}\0${label}`;
const projectOf = (scope: string): string => scope.slice(0, scope.indexOf('\0'));
const kindOf = (scope: string): string => scope.slice(scope.indexOf('\0') + 1);

/** The order of changes is kept: what takes them in knows the age of rows by it. */
function noteNewest(changed: Set<string>, key: string): void {
  changed.delete(key);
  changed.add(key);
}

/** A map's insertion order is its age: the newest goes last, the oldest is dropped at the bound. */
function putNewest<V>(map: Map<string, V>, key: string, value: V, max: number, dropped?: (key: string) => void): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= max) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    dropped?.(oldest);
    return;
  }
}
