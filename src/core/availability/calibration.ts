// How good forecasts have been, on a fixed grid of five minutes: sampling once per absence would count the short ones too much. For all
// forecasts together, and for each calendar: what was said with it against what would have been said without it.

const MINUTE_MS = 60_000;
export const GRID_MS = 5 * MINUTE_MS;
export const HORIZONS_MS = [15 * MINUTE_MS, 60 * MINUTE_MS] as const;
/** Scores fade with this half-life: calendars are kept better or worse over the year. */
const HALF_LIFE_MS = 14 * 24 * 60 * MINUTE_MS;
const BINS = 20;

interface Pending {
  readonly atMs: number;
  readonly horizonMs: number;
  readonly said: number;
  /** Without each source. */
  readonly without: ReadonlyMap<string, number>;
}

/** Sums over forecasts that have come true or not. */
export class Score {
  n = 0;
  brier = 0;
  happened = 0;
  /** For each step of 5 %: forecasts, what they said, what happened. */
  readonly bins = Array.from({ length: BINS }, () => ({ n: 0, said: 0, happened: 0 }));

  add(said: number, happened: boolean): void {
    this.n += 1;
    this.brier += (said - (happened ? 1 : 0)) ** 2;
    this.happened += happened ? 1 : 0;
    const bin = this.bins[Math.min(BINS - 1, Math.floor(said * BINS))];
    if (bin === undefined) return;
    bin.n += 1;
    bin.said += said;
    bin.happened += happened ? 1 : 0;
  }

  fade(factor: number): void {
    this.n *= factor;
    this.brier *= factor;
    this.happened *= factor;
    for (const bin of this.bins) {
      bin.n *= factor;
      bin.said *= factor;
      bin.happened *= factor;
    }
  }

  /** 1: always right with certainty; 0: no better than always saying how often it happens; below: worse. */
  get skill(): number {
    if (this.n === 0) return 0;
    const rate = this.happened / this.n;
    const reference = rate * (1 - rate);
    return reference === 0 ? 0 : 1 - this.brier / this.n / reference;
  }

  /** Mean distance between what was said and how often it happened, over the steps (expected calibration error). */
  get calibrationError(): number {
    let sum = 0;
    for (const bin of this.bins) sum += Math.abs(bin.said - bin.happened);
    return this.n === 0 ? 0 : sum / this.n;
  }
}

interface SourceScore {
  with: number;
  without: number;
  n: number;
  /** Since when its skill has been negative; null: it is not. */
  badSinceMs: number | null;
}

export type SourceScores = readonly (readonly [string, number, number, number, number | null])[];

/** A source must be wrong for so long before it is switched off. */
export const SWITCH_OFF_AFTER_MS = 14 * 24 * 60 * MINUTE_MS;
/** Forecasts on which a source said something, before its skill counts. */
const KNOWN_AFTER = 100;

export class Calibration {
  readonly scores = HORIZONS_MS.map(() => new Score());
  readonly #sources = new Map<string, SourceScore>();
  #pending: Pending[] = [];
  #fadedAtMs: number | null = null;

  constructor(sources: SourceScores = []) {
    for (const [source, withIt, without, n, badSinceMs] of sources) {
      this.#sources.set(source, { with: withIt, without, n, badSinceMs });
    }
  }

  export(): SourceScores {
    return [...this.#sources].map(([source, s]) => [source, s.with, s.without, s.n, s.badSinceMs] as const);
  }

  /** The machine is free at a point of the grid: what was said for each of HORIZONS_MS, and without each source. */
  said(nowMs: number, said: readonly number[], without: ReadonlyMap<string, readonly number[]>): void {
    for (const [i, horizonMs] of HORIZONS_MS.entries()) {
      const each = new Map([...without].map(([source, values]) => [source, values[i] ?? 0]));
      this.#pending.push({ atMs: nowMs, horizonMs, said: said[i] ?? 0, without: each });
    }
  }

  /** The machine stayed free until now. */
  stayedFree(nowMs: number): void {
    this.#settle(nowMs, (pending) => pending.atMs + pending.horizonMs <= nowMs, true);
  }

  /** The owner is back: all that was said to last longer did not. */
  returned(nowMs: number): void {
    this.stayedFree(nowMs);
    this.#settle(nowMs, () => true, false);
  }

  /** What was said is not judged: the machine slept or was switched off meanwhile. */
  forget(): void {
    this.#pending = [];
  }

  /** Forgets what is known of other sources. */
  keepOnly(sources: ReadonlySet<string>): void {
    for (const source of this.#sources.keys()) if (!sources.has(source)) this.#sources.delete(source);
  }

  /** How much a source helps: 1 − with / without; null while too little is known. */
  skillOf(source: string): number | null {
    const score = this.#sources.get(source);
    if (score === undefined || score.n < KNOWN_AFTER || score.without === 0) return null;
    return 1 - score.with / score.without;
  }

  /** Whether a source has been making forecasts worse for so long that it is not listened to. */
  isOff(source: string, nowMs: number): boolean {
    const since = this.#sources.get(source)?.badSinceMs ?? null;
    return since !== null && nowMs - since >= SWITCH_OFF_AFTER_MS;
  }

  #settle(nowMs: number, due: (pending: Pending) => boolean, happened: boolean): void {
    if (this.#pending.length === 0) return;
    this.#fade(nowMs);
    const left: Pending[] = [];
    for (const pending of this.#pending) {
      if (!due(pending)) {
        left.push(pending);
        continue;
      }
      this.scores[HORIZONS_MS.indexOf(pending.horizonMs as (typeof HORIZONS_MS)[number])]?.add(pending.said, happened);
      const truth = happened ? 1 : 0;
      for (const [source, without] of pending.without)
        this.#judge(source, pending.said - truth, without - truth, nowMs);
    }
    this.#pending = left;
  }

  #judge(source: string, withIt: number, without: number, nowMs: number): void {
    // Where it made no difference there is nothing to learn of it.
    if (Math.abs(withIt - without) < 0.005) return;
    const score = this.#sources.get(source) ?? { with: 0, without: 0, n: 0, badSinceMs: null };
    score.with += withIt ** 2;
    score.without += without ** 2;
    score.n += 1;
    this.#sources.set(source, score);
    const skill = this.skillOf(source);
    if (skill === null || skill >= 0) score.badSinceMs = null;
    else score.badSinceMs ??= nowMs;
  }

  #fade(nowMs: number): void {
    const sinceMs = nowMs - (this.#fadedAtMs ?? nowMs);
    if (this.#fadedAtMs !== null && sinceMs < 6 * 60 * MINUTE_MS) return;
    this.#fadedAtMs = nowMs;
    const factor = 0.5 ** (Math.max(0, sinceMs) / HALF_LIFE_MS);
    if (factor >= 1) return;
    for (const score of this.scores) score.fade(factor);
    for (const score of this.#sources.values()) {
      score.with *= factor;
      score.without *= factor;
      score.n *= factor;
    }
  }
}
