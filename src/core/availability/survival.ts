// How long absences last, as survival functions: S(t) is the probability that one lasts longer than t.

const MINUTE_MS = 60_000;

/** Probability that a standard normal variable is above z; Abramowitz and Stegun 7.1.26, error below 1.5e-7. */
export function normalAbove(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * x);
  const poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const tail = 0.5 * poly * Math.exp(-x * x);
  return z >= 0 ? tail : 1 - tail;
}

/** Breaks of an office: lognormal, median five minutes. Used until the machine's own are known. */
const BREAK_MEDIAN_MS = 5 * MINUTE_MS;
const BREAK_SIGMA = 1.2;
/** So many own breaks outweigh what offices do as a whole. */
const BREAKS_KNOWN = 30;
/** Two to a factor of two. */
const BINS_PER_OCTAVE = 2;
const SHORTEST_MS = 15_000;
const BINS = 32;
/** Older breaks fade: habits change. */
const COUNTS_MAX = 2000;

/** The lengths of this machine's breaks, as a histogram over the logarithm of their length. */
export class BreakLengths {
  readonly #counts: number[];
  #total: number;

  constructor(counts: readonly number[] = []) {
    this.#counts = Array.from({ length: BINS }, (_, i) => {
      const count = counts[i] ?? 0;
      return Number.isFinite(count) && count > 0 ? count : 0;
    });
    this.#total = this.#counts.reduce((sum, count) => sum + count, 0);
  }

  get total(): number {
    return this.#total;
  }

  get counts(): readonly number[] {
    return this.#counts;
  }

  /** A break has ended after so long. */
  observe(lengthMs: number): void {
    const bin = Math.min(BINS - 1, Math.max(0, Math.floor(position(lengthMs))));
    this.#counts[bin] = (this.#counts[bin] ?? 0) + 1;
    this.#total += 1;
    if (this.#total <= COUNTS_MAX) return;
    for (const [i, count] of this.#counts.entries()) this.#counts[i] = count / 2;
    this.#total /= 2;
  }

  /** Probability that a break lasts longer than this; never 0, so that what it is conditioned on stays finite. */
  survival(ms: number): number {
    const office = ms <= 0 ? 1 : normalAbove(Math.log(ms / BREAK_MEDIAN_MS) / BREAK_SIGMA);
    const share = this.#total / (this.#total + BREAKS_KNOWN);
    return Math.max(1e-9, share * this.seen(ms) + (1 - share) * office);
  }

  /** The same from its own breaks alone. */
  seen(ms: number): number {
    if (this.#total === 0 || ms <= 0) return 1;
    const at = Math.max(0, position(ms));
    const bin = Math.min(BINS - 1, Math.floor(at));
    let above = 0;
    for (let i = bin + 1; i < BINS; i++) above += this.#counts[i] ?? 0;
    return (above + (this.#counts[bin] ?? 0) * Math.max(0, 1 - (at - bin))) / this.#total;
  }
}

/** So many breaks of one hour of the day outweigh those of all hours. */
const HOUR_KNOWN = 12;
const HOURS = 24;

/** The lengths of breaks by the hour at which they begin: at noon they are longer. */
export class BreaksByHour {
  readonly #all: BreakLengths;
  readonly #hours: readonly BreakLengths[];

  /** `counts`: what `export` gave: all hours together, then each. */
  constructor(counts: readonly (readonly number[])[] = []) {
    this.#all = new BreakLengths(counts[0]);
    this.#hours = Array.from({ length: HOURS }, (_, hour) => new BreakLengths(counts[hour + 1]));
  }

  export(): readonly (readonly number[])[] {
    return [this.#all, ...this.#hours].map((each) => [...each.counts]);
  }

  /** `hour`: 0 to 23, on the owner's wall. */
  observe(hour: number, lengthMs: number): void {
    this.#all.observe(lengthMs);
    this.#hours[hour]?.observe(lengthMs);
  }

  survival(hour: number, ms: number): number {
    const own = this.#hours[hour];
    const known = own?.total ?? 0;
    const share = known / (known + HOUR_KNOWN);
    return share * (own?.seen(ms) ?? 0) + (1 - share) * this.#all.survival(ms);
  }
}

function position(ms: number): number {
  return Math.log2(Math.max(1, ms) / SHORTEST_MS) * BINS_PER_OCTAVE;
}

/** After the end of an event its owner is back within a few minutes, a little late. */
const RETURN_LATE_MS = MINUTE_MS;
const RETURN_SPREAD_MS = 5 * MINUTE_MS;
const LEFT_EARLY = 0.1;
const GOES_ON = 0.1;
const GOES_ON_MS = 20 * MINUTE_MS;

/**
 * Probability that somebody at an event is still away at `atMs`: most stay to about its end, some leave at any time, and some go on
 * from it to something that no calendar knows.
 */
export function eventSurvival(startAtMs: number, endAtMs: number, atMs: number): number {
  const stays = normalAbove((atMs - endAtMs - RETURN_LATE_MS) / RETURN_SPREAD_MS);
  const lengthMs = Math.max(MINUTE_MS, endAtMs - startAtMs);
  const early = Math.min(1, Math.max(0, (endAtMs - atMs) / lengthMs));
  const goesOn = Math.max(stays, Math.exp(-Math.max(0, atMs - endAtMs) / GOES_ON_MS));
  return (1 - LEFT_EARLY - GOES_ON) * stays + LEFT_EARLY * Math.min(early, stays) + GOES_ON * goesOn;
}

const WORK_START_SPREAD_MS = 25 * MINUTE_MS;

/** Probability that somebody who went home is still away at `atMs`, when work starts at `workAtMs`. */
export function daySurvival(workAtMs: number, atMs: number): number {
  return normalAbove((atMs - workAtMs) / WORK_START_SPREAD_MS);
}
