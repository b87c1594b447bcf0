// What is built on the benchmark's farm and what the farm is: durations, speeds, which machines are lost, and the time in which
// nobody could do it faster. All by tables and seeds, the same for everybody who takes part.
import { createPrng } from '../../src/base/prng.ts';

/** Times slower than the fastest machine, by worker in turn. */
const slownesses = [1, 1.5, 2, 4] as const;
export const slotsPerWorker = 2;
/** Of the lognormal durations: compile-like, the longest of five hundred takes eleven times the median. */
const sigma = 0.8;
export const defaultMedianMs = 500;
const lostShare = 1 / 4;
/** Machines are lost when so much of the work is done. */
const lossAtShare = 1 / 3;

export const conditions = ['healthy', 'killed', 'frozen'] as const;
export type Condition = (typeof conditions)[number];

export interface Plan {
  readonly seed: number;
  /** By unit, on the fastest machine. */
  readonly durationsMs: readonly number[];
  /** By worker. */
  readonly slowness: readonly number[];
  /** Workers that are lost where some are. */
  readonly lost: readonly number[];
  readonly totalMs: number;
  /** So much is done when they are lost. */
  readonly lossAtMs: number;
}

/** The seed's build on a farm of `workers`; `medianMs`: of the durations. */
export function makePlan(seed: number, options: { workers: number; tasks: number; medianMs: number }): Plan {
  const random = createPrng(seed);
  const durationsMs = Array.from({ length: options.tasks }, () => {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return Math.max(1, Math.round(options.medianMs * Math.exp(sigma * normal)));
  });
  const slowness = Array.from({ length: options.workers }, (_, index) => slownesses[index % slownesses.length] ?? 1);
  const totalMs = durationsMs.reduce((sum, ms) => sum + ms, 0);
  return { seed, durationsMs, slowness, lost: chooseLost(slowness, random), totalMs, lossAtMs: totalMs * lossAtShare };
}

/** One at random of every four that are alike in speed, so that no seed loses only fast machines or only slow ones. */
function chooseLost(slowness: readonly number[], random: () => number): number[] {
  const bySpeed = slowness.map((_, index) => index).sort((a, b) => (slowness[a] ?? 0) - (slowness[b] ?? 0) || a - b);
  const group = 1 / lostShare;
  const lost: number[] = [];
  for (let from = 0; from + group <= bySpeed.length; from += group) {
    const chosen = bySpeed[from + Math.floor(random() * group)];
    if (chosen !== undefined) lost.push(chosen);
  }
  return lost;
}

/**
 * The area bound, ms: the time in which all slots together do all the work without a gap. With a loss at `lostAtMs` all slots
 * work until then and the rest of them afterwards; what the lost ones had in hand counts as done, although nobody can save it.
 */
export function areaBoundMs(plan: Plan, lostAtMs: number | null = null): number {
  const rateOf = (workers: readonly number[]): number =>
    workers.reduce((sum, index) => sum + slotsPerWorker / (plan.slowness[index] ?? 1), 0);
  const all = plan.slowness.map((_, index) => index);
  const rate = rateOf(all);
  const healthyMs = plan.totalMs / rate;
  if (lostAtMs === null || lostAtMs >= healthyMs) return healthyMs;
  const rest = rateOf(all.filter((index) => !plan.lost.includes(index)));
  return lostAtMs + (plan.totalMs - rate * lostAtMs) / rest;
}
