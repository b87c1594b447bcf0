// What becomes of running tasks when the owner comes back: what ends within the grace ends, the rest is frozen for a while (a bumped
// mouse) and then thawed or ended. Where waiting would hurt (memory, battery, lid, sleep) everything ends at once.

export const GRACE_MS = 10_000;
export const FREEZE_MS = 60_000;

/** Why the machine is not free. `urgent`: it cannot wait for a grace. */
export interface Claim {
  readonly why: string;
  readonly urgent: boolean;
}

export type ReliefEffect =
  /** No new work, leases revoked, delegators told. */
  | { readonly type: 'revoke'; readonly why: string }
  /** New work is welcome again. */
  | { readonly type: 'welcome' }
  | { readonly type: 'freeze' }
  | { readonly type: 'thaw' }
  /** End all that runs. */
  | { readonly type: 'evict'; readonly why: string };

type State =
  | { readonly at: 'lending' }
  /** The owner is here; tasks run on till then. */
  | { readonly at: 'grace'; readonly untilMs: number }
  | { readonly at: 'frozen'; readonly untilMs: number }
  /** Nothing of ours runs. */
  | { readonly at: 'cleared' };

/**
 *   lending ──claim──► grace ──10 s──► frozen ──60 s──► cleared
 *      ▲                 │  no claim     │ no claim: thaw   │
 *      └─────────────────┴───────────────┴──────────────────┘
 *   an urgent claim, from anywhere: evict ──► cleared
 */
export class OwnerFirst {
  #state: State = { at: 'lending' };
  readonly #graceMs: number;
  readonly #freezeMs: number;

  constructor(options: { readonly graceMs?: number; readonly freezeMs?: number } = {}) {
    this.#graceMs = options.graceMs ?? GRACE_MS;
    this.#freezeMs = options.freezeMs ?? FREEZE_MS;
  }

  get state(): State['at'] {
    return this.#state.at;
  }

  /** When to call `step` again if nothing changes; null: no need. */
  nextWakeAt(): number | null {
    return this.#state.at === 'grace' || this.#state.at === 'frozen' ? this.#state.untilMs : null;
  }

  /** `claim` null: the machine may help. `running`: tasks of others that run or are frozen here. */
  step(claim: Claim | null, running: number, nowMs: number): ReliefEffect[] {
    const effects: ReliefEffect[] = [];
    if (claim === null) {
      if (this.#state.at === 'frozen') effects.push({ type: 'thaw' });
      if (this.#state.at !== 'lending') effects.push({ type: 'welcome' });
      this.#state = { at: 'lending' };
      return effects;
    }
    if (this.#state.at === 'lending') {
      effects.push({ type: 'revoke', why: claim.why });
      this.#state = { at: 'grace', untilMs: nowMs + this.#graceMs };
    }
    if (this.#state.at === 'cleared') return effects;
    if (running === 0) {
      if (this.#state.at === 'frozen') effects.push({ type: 'thaw' });
      this.#state = { at: 'cleared' };
      return effects;
    }
    if (claim.urgent) return [...effects, ...this.#evict(claim.why)];
    if (this.#state.at === 'grace' && nowMs >= this.#state.untilMs) {
      this.#state = { at: 'frozen', untilMs: this.#state.untilMs + this.#freezeMs };
      effects.push({ type: 'freeze' });
    }
    if (this.#state.at === 'frozen' && nowMs >= this.#state.untilMs) effects.push(...this.#evict(claim.why));
    return effects;
  }

  #evict(why: string): ReliefEffect[] {
    // Thawed first: what is frozen cannot be told to end in order, and a stopped process keeps its memory until it runs again.
    const thaw: ReliefEffect[] = this.#state.at === 'frozen' ? [{ type: 'thaw' }] : [];
    this.#state = { at: 'cleared' };
    return [{ type: 'evict', why }, ...thaw];
  }
}
