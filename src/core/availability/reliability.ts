// How far each kind of event, of each calendar, has proved true: Beta counts that start with what offices know of calendars.
import type { StretchClass } from './types.ts';

const priors: Readonly<Record<StretchClass, readonly [number, number]>> = {
  REMOTE_OK: [19, 1],
  NO_REMOTE: [19, 1],
  WANTED: [8, 2],
  AWAY_LONG: [9, 1],
  ELSEWHERE: [5, 2],
  DESK_MEETING: [4, 3],
  AWAY_MEETING: [6, 3],
  SOLO_BLOCK: [1, 2],
};

const COUNTS_MAX = 100;

export type ReliabilityData = readonly (readonly [string, number, number])[];

export class Reliability {
  readonly #counts = new Map<string, [number, number]>();

  constructor(data: ReliabilityData = []) {
    for (const [key, kept, broken] of data) {
      if (typeof key === 'string' && kept >= 0 && broken >= 0) this.#counts.set(key, [kept, broken]);
    }
  }

  export(): ReliabilityData {
    return [...this.#counts].map(([key, [kept, broken]]) => [key, kept, broken] as const);
  }

  /** Forgets what is known of other calendars. */
  keepOnly(sources: ReadonlySet<string>): void {
    for (const key of this.#counts.keys())
      if (!sources.has(key.slice(0, key.lastIndexOf(' ')))) this.#counts.delete(key);
  }

  /** Probability that an event of this kind is what it says. */
  of(source: string, stretchClass: StretchClass): number {
    const [kept, broken] = this.#counts.get(`${source} ${stretchClass}`) ?? priors[stretchClass];
    return kept / (kept + broken);
  }

  /** An event is over, and the owner did or did not do as it said; `weight` is half for tentative ones. */
  observe(source: string, stretchClass: StretchClass, kept: boolean, weight: number): void {
    const key = `${source} ${stretchClass}`;
    const [a, b] = this.#counts.get(key) ?? priors[stretchClass];
    const next: [number, number] = [a + (kept ? weight : 0), b + (kept ? 0 : weight)];
    const total = next[0] + next[1];
    const fade = total > COUNTS_MAX ? COUNTS_MAX / total : 1;
    this.#counts.set(key, [next[0] * fade, next[1] * fade]);
    if (this.#counts.size > 500) for (const oldest of this.#counts.keys()) return void this.#counts.delete(oldest);
  }
}
