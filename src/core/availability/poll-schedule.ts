// When to ask a calendar again: every few minutes, not all machines at once, less often while it fails; and how long the last good copy is
// worth believing.
import type { Prng } from '../../base/prng.ts';

const MINUTE_MS = 60_000;
export const POLL_EVERY_MS = 5 * MINUTE_MS;
const JITTER = 0.1;
const BACK_OFF_MAX_MS = 60 * MINUTE_MS;
const RETRY_MS = 30_000;
/** Older evidence is none. */
export const GOOD_FOR_MS = 24 * 60 * MINUTE_MS;

export class PollSchedule {
  readonly #prng: Prng;
  readonly #everyMs: number;
  #failures = 0;
  #nextAtMs: number;
  #goodAtMs: number | null;

  /** `goodAtMs`: of a copy kept from an earlier run; null: there is none. */
  constructor(nowMs: number, goodAtMs: number | null, prng: Prng, everyMs: number = POLL_EVERY_MS) {
    this.#prng = prng;
    this.#everyMs = everyMs;
    this.#goodAtMs = goodAtMs;
    this.#nextAtMs = nowMs;
  }

  get nextAtMs(): number {
    return this.#nextAtMs;
  }

  get failures(): number {
    return this.#failures;
  }

  get goodAtMs(): number | null {
    return this.#goodAtMs;
  }

  /** Whether what is known may be used. */
  isGood(nowMs: number): boolean {
    return this.#goodAtMs !== null && nowMs - this.#goodAtMs <= GOOD_FOR_MS;
  }

  succeeded(nowMs: number): void {
    this.#failures = 0;
    this.#goodAtMs = nowMs;
    this.#nextAtMs = nowMs + this.#spread(this.#everyMs);
  }

  /** `retryAfterMs`: what the server asked for; null: it did not. */
  failed(nowMs: number, retryAfterMs: number | null): void {
    this.#failures += 1;
    const backOffMs = Math.min(
      BACK_OFF_MAX_MS,
      Math.min(RETRY_MS, this.#everyMs) * 2 ** Math.min(10, this.#failures - 1),
    );
    this.#nextAtMs = nowMs + Math.max(this.#spread(backOffMs), Math.min(BACK_OFF_MAX_MS, retryAfterMs ?? 0));
  }

  #spread(ms: number): number {
    return ms * (1 - JITTER + 2 * JITTER * this.#prng());
  }
}
