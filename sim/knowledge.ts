// Owners of machines in a virtual farm and what each machine knows of them: nothing, their habits, or their calendars too. It is learned
// and told by the code of the agent (src/core/availability): presence, S(d), its steps of 5 %.
import { judge } from '../src/core/availability/verdict.ts';
import { OwnerModel } from '../src/core/availability/owner-model.ts';
import { IDLE_MS } from '../src/core/availability/presence.ts';
import { calendars, liveThrough, synthesise, type SyntheticOwner } from '../src/core/availability/synthetic-owner.ts';
import type { Stretch } from '../src/core/availability/types.ts';
import { streamOf } from './random.ts';
import { spanAt } from './availability.ts';
import type { Span } from './types.ts';

export type Quality = keyof typeof calendars;

export const knowledges = ['none', 'habits', 'calendar'] as const;
/** What a machine knows of its owner. */
export type Knowledge = (typeof knowledges)[number];

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const utc = { toWall: (ms: number): number => ms, toInstant: (ms: number): number => ms };
/** As often as an agent looks at its owner. */
const LOOK_EVERY_MS = 5_000;
/** What is far away in the calendar says nothing of now. */
const NEAR_FOR_MS = 2 * HOUR_MS;

/** An owner whose life begins some weeks before the virtual world does. */
export class Desk {
  /** When the owner counts as there, on the world's clock: till a minute after the last touch. */
  readonly there: readonly Span[];
  readonly #bornMs: number;
  readonly #life: SyntheticOwner;
  readonly #models = new Map<Knowledge, OwnerModel>();

  /** Learns through `learnDays`; the world's zero is the midnight after them, a Monday when they are whole weeks. */
  constructor(quality: Quality, learnDays: number, days: number, seed: number, name: string) {
    this.#life = synthesise(calendars[quality], learnDays + days, streamOf(seed, `owner ${name}`));
    this.#bornMs = this.#life.startAtMs + learnDays * DAY_MS;
    const past = { ...this.#life, endAtMs: this.#bornMs };
    const seen: [Knowledge, SyntheticOwner][] = [
      ['habits', { ...past, stretches: [] }],
      ['calendar', past],
    ];
    for (const [knowledge, life] of seen) {
      const model = new OwnerModel(utc);
      liveThrough(model, life);
      this.#models.set(knowledge, model);
    }
    this.there = touched(this.#life, this.#bornMs);
  }

  /** What the machine tells of its owner at a moment; moments may not go backwards. */
  teller(knowledge: Knowledge): (atMs: number) => readonly number[] {
    const model = this.#models.get(knowledge);
    if (model === undefined) return () => [];
    const stretches = knowledge === 'calendar' ? this.#life.stretches : [];
    let said: readonly number[] = [1, 1, 1, 1, 1, 1, 1, 1];
    let lookAtMs = -Infinity;
    let near: readonly Stretch[] = [];
    let nearUntilMs = -Infinity;
    return (atMs) => {
      if (atMs < lookAtMs || spanAt(this.there, atMs) !== null) return said;
      lookAtMs = atMs + LOOK_EVERY_MS;
      const now = this.#bornMs + atMs;
      if (now >= nearUntilMs) {
        near = stretches.filter((each) => each.endAtMs > now - 6 * HOUR_MS && each.startAtMs < now + 3 * DAY_MS);
        nearUntilMs = now + NEAR_FOR_MS;
      }
      const presence = { state: 'away', sinceAtMs: this.#leftMs(atMs), locked: false } as const;
      said = judge(model, now, presence, [], near, utc).freeFor;
      return said;
    };
  }

  /** The last touch before, on the owner's clock. */
  #leftMs(atMs: number): number {
    const last = this.there.findLast(({ untilMs }) => untilMs <= atMs);
    return last === undefined ? this.#life.startAtMs : this.#bornMs + last.untilMs - IDLE_MS;
  }
}

/** An owner counts as there until nothing was touched for a while; short absences are none. */
function touched(life: SyntheticOwner, bornMs: number): Span[] {
  const spans: { fromMs: number; untilMs: number }[] = [];
  for (const { fromMs, untilMs } of life.there) {
    const from = fromMs - bornMs;
    const until = untilMs - bornMs + IDLE_MS;
    const last = spans.at(-1);
    if (last !== undefined && from <= last.untilMs) last.untilMs = until;
    else spans.push({ fromMs: from, untilMs: until });
  }
  return spans;
}
