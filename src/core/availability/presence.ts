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
  /** CPU used by what is not ours, as a share of the machine: 0 to 1; null: not known yet, and taken for much. */
  readonly foreignLoad: number | null;
  /** Somebody asks that the machine does not count as idle: a video call, a presentation. */
  readonly idleInhibited: boolean;
}

export const IDLE_MS = 60_000;
export const QUIET_MS = 10_000;
export const FOREIGN_LOAD_MAX = 0.1;

/** Shares of the last ten seconds, 0 to 100, in which some or all of what could run waited for memory. */
export interface MemoryPressure {
  readonly some: number;
  readonly full: number;
}

const SHORT: MemoryPressure = { some: 20, full: 5 };
const ENOUGH: MemoryPressure = { some: 5, full: 1 };

/** Whether memory is short, said once at each turn: what is given back must not come again the moment it is gone. */
export class MemoryWatch {
  #short = false;

  /** `pressure` null: the kernel does not tell. */
  look(pressure: MemoryPressure | null): boolean {
    if (pressure === null) this.#short = false;
    else if (pressure.some >= SHORT.some || pressure.full >= SHORT.full) this.#short = true;
    else if (pressure.some < ENOUGH.some && pressure.full < ENOUGH.full) this.#short = false;
    return this.#short;
  }
}

/**
 * Follows readings, one every few seconds and one at each input: away when locked, or when nobody has touched anything for a minute and
 * nothing else has been busy for ten seconds; present at the first input.
 */
export class PresenceWatch {
  #loudAtMs = -Infinity;
  #awaySinceMs: number | null = null;
  readonly #idleMs: number;
  readonly #quietMs: number;

  constructor(options: { readonly idleMs?: number; readonly quietMs?: number } = {}) {
    this.#idleMs = options.idleMs ?? IDLE_MS;
    this.#quietMs = options.quietMs ?? Math.min(QUIET_MS, this.#idleMs);
  }

  look(reading: PresenceReading): Presence {
    const { atMs, sessions, hasSeat, foreignLoad, idleInhibited } = reading;
    if (!hasSeat && !sessions.some((session) => session.kind === 'local')) return { state: 'headless' };
    if (foreignLoad === null || foreignLoad >= FOREIGN_LOAD_MAX) this.#loudAtMs = atMs;
    const local = sessions.filter((session) => session.kind === 'local');
    const remote = sessions.filter((session) => session.kind === 'remote');
    const live = remote.find(
      (session) => session.lastInputAtMs !== null && atMs - session.lastInputAtMs < this.#idleMs,
    );
    if (live !== undefined) return this.#present('somebody works here from afar');
    const locked = local.length > 0 && local.every((session) => session.locked);
    const lastInputMs = Math.max(-Infinity, ...local.map((session) => session.lastInputAtMs ?? -Infinity));
    if (!locked) {
      if (idleInhibited) return this.#present('a call or a presentation is on');
      if (local.length > 0 && lastInputMs === -Infinity)
        return this.#present('nothing tells when the owner was last here');
      if (atMs - lastInputMs < this.#idleMs) return this.#present('the owner is here');
      // A long build or film of the owner's own: the machine is in use though nobody touches it.
      if (atMs - this.#loudAtMs < this.#quietMs && this.#awaySinceMs === null)
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
