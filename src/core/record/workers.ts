// How fast a worker is: actual over predicted, as moving averages over all that it did for us and over each project and kind.
// A scope of which little was seen leans on the worker's rate as a whole, and that, when it is old, on «like this machine».
import { weightLeft } from './decay.ts';

interface ScopeRate {
  readonly slowness: number;
  /** Observations, each worth less as it ages. */
  readonly weight: number;
  readonly atMs: number;
}

export interface WorkerPast {
  readonly slowness: number;
  /** The same with a longer memory: what the trend is seen against. */
  readonly long: number;
  readonly overheadMs: number;
  readonly count: number;
  readonly weight: number;
  readonly atMs: number;
  /** By `scopeKey`, oldest first. */
  readonly scopes: Map<string, ScopeRate>;
}

/** Weight of a new observation of what was predicted from itself, and of what was only guessed from its kind; more at first. */
const NEW = 0.25;
const NEW_GUESSED = 0.05;
const NEW_LONG = 0.02;
/** A unit never seen that takes so many times what its kind does is a large unit, not a slow machine. */
const GUESSED_RATIO_MAX = 8;
/** Only ratios between machines are ever seen: without a pull towards 1 all rates could drift away together. */
const PULL = 0.98;
const SLOWNESS_MIN = 0.05;
const SLOWNESS_MAX = 20;
/** A scope counts as much as the worker as a whole when so many of its tasks were seen. */
const SCOPE_TRUSTED = 8;
const SCOPES_MAX = 64;

/** One text for a project and a kind of task: what rates and pasts are kept under. */
export function scopeKey(project: string, kind: string): string {
  return `${project}\0${kind}`;
}

/** Over all that it did; an old figure leans towards 1. */
export function slownessOf(past: WorkerPast, nowMs: number): number {
  const left = weightLeft(past.atMs, nowMs);
  return left === 1 ? past.slowness : past.slowness ** left;
}

/** In a project and kind. */
export function blended(past: WorkerPast, scope: string, nowMs: number): number {
  const whole = slownessOf(past, nowMs);
  const rate = past.scopes.get(scope);
  if (rate === undefined || rate.slowness === whole) return whole;
  const weight = rate.weight * weightLeft(rate.atMs, nowMs);
  return whole * (rate.slowness / whole) ** (weight / (weight + SCOPE_TRUSTED));
}

/** The worker with one more result; `ratio` null: nothing was predicted. `known`: predicted from the unit itself. */
export function learnWorker(
  past: WorkerPast | undefined,
  ratio: number | null,
  known: boolean,
  overheadMs: number,
  nowMs: number,
): WorkerPast {
  const weight = past === undefined ? 0 : past.weight * weightLeft(past.atMs, nowMs);
  const before = past === undefined ? 1 : slownessOf(past, nowMs);
  const slowness = learn(before ** PULL, ratio, known, weight);
  return {
    slowness,
    long:
      past === undefined ? slowness : clamp(past.long + Math.max(NEW_LONG, 1 / (weight + 1)) * (slowness - past.long)),
    overheadMs: past === undefined ? overheadMs : past.overheadMs + NEW * (overheadMs - past.overheadMs),
    count: (past?.count ?? 0) + 1,
    weight: weight + 1,
    atMs: nowMs,
    scopes: past?.scopes ?? new Map<string, ScopeRate>(),
  };
}

/** The same for one scope, which begins where the worker is as a whole. */
export function learnRate(past: WorkerPast, scope: string, ratio: number | null, known: boolean, nowMs: number): void {
  const rate = past.scopes.get(scope);
  const weight = rate === undefined ? 0 : rate.weight * weightLeft(rate.atMs, nowMs);
  const before = rate === undefined ? past.slowness : past.slowness * (rate.slowness / past.slowness) ** PULL;
  const slowness = rate === undefined ? before : learn(before, ratio, known, weight);
  past.scopes.delete(scope);
  past.scopes.set(scope, { slowness, weight: weight + 1, atMs: nowMs });
  if (past.scopes.size <= SCOPES_MAX) return;
  for (const oldest of past.scopes.keys()) {
    past.scopes.delete(oldest);
    return;
  }
}

function learn(before: number, ratio: number | null, known: boolean, weight: number): number {
  if (ratio === null) return clamp(before);
  const share = Math.max(known ? NEW : NEW_GUESSED, 1 / (weight + 1));
  return clamp(before + share * ((known ? ratio : Math.min(GUESSED_RATIO_MAX, ratio)) - before));
}

function clamp(slowness: number): number {
  return Math.min(SLOWNESS_MAX, Math.max(SLOWNESS_MIN, slowness));
}
