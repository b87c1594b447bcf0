// What the size of its inputs says of a unit never seen: a line through the logarithms of size and figure (duration, memory)
// of its kind's past. It is trusted only while it foretells new units better than the kind's own median does.

export interface Point {
  /** Size of all inputs, bytes; more than 0. */
  readonly bytes: number;
  /** Milliseconds or bytes; more than 0. */
  readonly value: number;
  /** Weight left by age, 0 to 1. */
  readonly weight: number;
}

export interface Line {
  readonly intercept: number;
  readonly slope: number;
  /** Factors by which figures were off the line at their median and at their 80th and 95th percentile. */
  readonly p50: number;
  readonly p80: number;
  readonly p95: number;
}

/** How far off the two ways of guessing were on units that they had not seen: means of |ln(actual / guess)|. */
export interface Trials {
  byKind: number;
  bySize: number;
  count: number;
}

const POINTS_MIN = 16;
const TRIALS_MIN = 16;
/** The line must be better by this much: it costs nothing to stay with the simpler guess. */
const CLEARLY_BETTER = 0.9;
const NEW_TRIAL = 0.05;
/** More than the cube of the size, or less for more, is no law but chance. */
const SLOPE_MAX = 3;
/** A guess beyond all that was seen stays within this factor of it. */
const BEYOND = 4;

/** The line of least squares, or null when there are too few points or all are of one size. */
export function fitLine(points: readonly Point[]): Line | null {
  if (points.length < POINTS_MIN) return null;
  let weights = 0;
  let meanX = 0;
  let meanY = 0;
  for (const { bytes, value, weight } of points) {
    weights += weight;
    meanX += weight * Math.log(bytes);
    meanY += weight * Math.log(value);
  }
  meanX /= weights;
  meanY /= weights;
  let xx = 0;
  let xy = 0;
  for (const { bytes, value, weight } of points) {
    const x = Math.log(bytes) - meanX;
    xx += weight * x * x;
    xy += weight * x * (Math.log(value) - meanY);
  }
  if (!(xx > 1e-9 * weights)) return null;
  const slope = Math.min(SLOPE_MAX, Math.max(0, xy / xx));
  const intercept = meanY - slope * meanX;
  const off = points
    .map(({ bytes, value, weight }) => ({ value: Math.log(value) - intercept - slope * Math.log(bytes), weight }))
    .sort((a, b) => a.value - b.value);
  const factor = (q: number): number => Math.exp(weightedQuantile(off, q));
  return { intercept, slope, p50: factor(0.5), p80: factor(0.8), p95: factor(0.95) };
}

/** The figure on the line, times `factor`; kept near `least` and `most`, the extremes of what was seen. */
export function onLine(line: Line, bytes: number, factor: number, least: number, most: number): number {
  const value = Math.exp(line.intercept + line.slope * Math.log(bytes)) * factor;
  return Math.min(most * BEYOND, Math.max(least / BEYOND, value));
}

/** Takes in how far off both guesses were of a unit that neither had seen. */
export function learnTrial(trials: Trials, actual: number, byKind: number, bySize: number): void {
  const weight = Math.max(NEW_TRIAL, 1 / (trials.count + 1));
  trials.byKind += weight * (Math.abs(Math.log(actual / byKind)) - trials.byKind);
  trials.bySize += weight * (Math.abs(Math.log(actual / bySize)) - trials.bySize);
  trials.count += 1;
}

export function trustsSize(trials: Trials): boolean {
  return trials.count >= TRIALS_MIN && trials.bySize < CLEARLY_BETTER * trials.byKind;
}

/** The value below which a share `q` of the weight lies, by straight lines between the values' middles; of sorted values, at least one. */
export function weightedQuantile(
  sorted: readonly { readonly value: number; readonly weight: number }[],
  q: number,
): number {
  let total = 0;
  for (const { weight } of sorted) total += weight;
  const first = sorted[0];
  const last = sorted.at(-1);
  if (first === undefined || last === undefined) return 0;
  // With equal weights this is the usual rule: position q · (n − 1).
  const span = total - (first.weight + last.weight) / 2;
  let reached = 0;
  for (let i = 0; i + 1 < sorted.length; i++) {
    const [a, b] = [sorted[i], sorted[i + 1]];
    if (a === undefined || b === undefined) break;
    const step = (a.weight + b.weight) / 2;
    if (reached + step >= q * span) return a.value + ((b.value - a.value) * (q * span - reached)) / step;
    reached += step;
  }
  return last.value;
}
