// Whether the owner is at the machine, out of what its session manager, displays, terminals and loads say. Pure: readings in, a
// judgement out; which of the readings a machine has is the adapters' business.
import type { Presence } from './types.ts';

/** A login at this machine or into it. */
export interface SessionReading {
  readonly kind: 'local' | 'remote';
  readonly locked: boolean;
  /** Of the last input as far as it is known; null: not known for this session. */
  readonly lastInputAtMs: number | null;
}

export interface PresenceReading {
  readonly atMs: number;
  readonly sessions: readonly SessionReading[];
  /** Whether this machine has a seat, a display or a terminal at which somebody could sit. */
  readonly hasSeat: boolean;
  /** CPU used by what is not ours, as a share of the machine: 0 to 1. */
  readonly foreignLoad: number;
  /** Somebody asks that the machine does not count as idle: a video call, a presentation. */
  readonly idleInhibited: boolean;
}

export const IDLE_MS = 60_000;
export const QUIET_MS = 10_000;
export const FOREIGN_LOAD_MAX = 0.1;

/**
 * Follows readings, one every few seconds and one at each input: away when locked, or when nobody has touched anything for a minute and
 * nothing else has been busy for ten seconds; present at the first input.
 */
export class PresenceWatch {
  #loudAtMs = -Infinity;
  #awaySinceMs: number | null = null;

  look(reading: PresenceReading): Presence {
    const { atMs, sessions, hasSeat, foreignLoad, idleInhibited } = reading;
    if (!hasSeat && !sessions.some((session) => session.kind === 'local')) return { state: 'headless' };
    if (foreignLoad >= FOREIGN_LOAD_MAX) this.#loudAtMs = atMs;
    const local = sessions.filter((session) => session.kind === 'local');
    const remote = sessions.filter((session) => session.kind === 'remote');
    const live = remote.find((session) => session.lastInputAtMs !== null && atMs - session.lastInputAtMs < IDLE_MS);
    if (live !== undefined) return this.#present('somebody works here from afar');
    const locked = local.length > 0 && local.every((session) => session.locked);
    const lastInputMs = Math.max(-Infinity, ...local.map((session) => session.lastInputAtMs ?? -Infinity));
    if (!locked) {
      if (idleInhibited) return this.#present('a call or a presentation is on');
      if (local.length > 0 && lastInputMs === -Infinity)
        return this.#present('nothing tells when the owner was last here');
      if (atMs - lastInputMs < IDLE_MS) return this.#present('the owner is here');
      // A long build or film of the owner's own: the machine is in use though nobody touches it.
      if (atMs - this.#loudAtMs < QUIET_MS && this.#awaySinceMs === null)
        return this.#present('the machine is busy with the owner’s work');
    }
    // Input that came after the lock (a moved mouse at the lock screen) does not unlock.
    this.#awaySinceMs ??= Number.isFinite(lastInputMs) ? Math.min(atMs, lastInputMs) : atMs;
    return { state: 'away', sinceAtMs: this.#awaySinceMs, locked };
  }

  #present(because: string): Presence {
    this.#awaySinceMs = null;
    return { state: 'present', because };
  }
}
