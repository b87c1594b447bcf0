// The worker's books: the delegators it knows, what each wants, which slots each holds, what runs. Every change of
// a lease or an attempt goes through here, so that reserved + running can be counted and never exceeds the slots.
import { assert } from '../../base/assert.ts';
import type { Prng } from '../../base/prng.ts';
import type { AttemptId, BuildId, FailureCode, LeaseId, NodeId, TaskDemand, WorkerInfo } from '../types.ts';
import { Eligible } from './eligibility.ts';
import { SERVED_HALF_LIFE_MS } from './limits.ts';
import type { DelegatorAddress, WorkerEffect, WorkerOptions } from './types.ts';

/** A delegator, as this worker knows it. */
export interface Party {
  readonly id: NodeId;
  address: DelegatorAddress | null;
  session: 'none' | 'connecting' | 'up' | 'closing';
  /** Since when the session is in its state. */
  sessionAt: number;
  /** Not before this again, after a session that failed. */
  retryAt: number;
  failedConnects: number;
  readonly builds: Map<BuildId, HeardBuild>;
  /** Classes of its live demand that we can take, and how many tasks those are. */
  classIds: readonly string[];
  wanted: number;
  /** It asked for more offers than it has, and has not given slots back since. */
  grow: boolean;
  /** When the delayed first offer is due; Infinity: none is. */
  dueAt: number;
  /** The delay is over: it takes part in the division. */
  ready: boolean;
  lease: HeldLease | null;
  /** The latest round trips, milliseconds. */
  roundTrips: number[];
  bytesPerMs: number;
  /** What its tasks took here lately; 0: none ended yet. */
  paceMs: number;
  readonly attempts: Map<AttemptId, RunningAttempt>;
  heartbeatAt: number;
  beatAt: number;
  /** Since when there is nothing to hold the session for. */
  idleSince: number;
  /** Slot time it has had, halved every minute. */
  served: number;
  remark: string;
  /** To be told as soon as the session is up. */
  untold: string;
  readonly remarkedAt: Map<string, number>;
  offeredAt: number;
  /** The classes of the last offer: a change is told at once. */
  offeredIds: readonly string[];
}

export interface HeardBuild {
  seq: number;
  heardAt: number;
  expiresAt: number;
  demands: readonly TaskDemand[];
  /** More offers are wanted, and chance has it that one should be ours. */
  asksUs: boolean;
  /** Chance has it that we say why not, if we cannot. */
  asksWhy: boolean;
  listeners: number;
  scores: readonly number[];
  /** So many answers are sought that all listeners may give one: no reason to wait. */
  asksAll: boolean;
}

export interface HeldLease {
  readonly id: LeaseId;
  /** In all, those of its running attempts included. */
  slots: number;
  used: number;
  /** What the delegator has been told to keep; the rest of `slots` is asked back and still reserved for it. */
  keep: number;
  /** Slots that it gave back so far. */
  released: number;
  /** Awards beyond the slots that it has been told it may make; their attempts wait in `queue`. */
  ahead: number;
  readonly queue: QueuedAttempt[];
  /** When idle slots that were asked back are taken; Infinity: there are none. */
  recallAt: number;
  expiresAt: number;
  /** The delegator has been told. */
  told: boolean;
}

export interface QueuedAttempt {
  readonly id: AttemptId;
  readonly party: Party;
}

export interface RunningAttempt {
  readonly id: AttemptId;
  readonly party: Party;
  /** null: the lease ended before the attempt. */
  lease: HeldLease | null;
  readonly startedAt: number;
  killed: boolean;
}

export class Desk {
  readonly options: WorkerOptions;
  readonly prng: Prng;
  readonly eligible = new Eligible();
  readonly parties = new Map<NodeId, Party>();
  readonly attempts = new Map<AttemptId, RunningAttempt>();
  /** Tasks of this machine's own builds that run here. */
  own = 0;
  info: WorkerInfo | null = null;
  sampledAt = -Infinity;
  paused: string | null = null;
  effects: WorkerEffect[] = [];
  #leases = 0;
  #countedAt = -Infinity;

  constructor(options: WorkerOptions, prng: Prng) {
    this.options = options;
    this.prng = prng;
  }

  emit(effect: WorkerEffect): void {
    this.effects.push(effect);
  }

  party(id: NodeId, now: number): Party {
    let party = this.parties.get(id);
    if (party === undefined) {
      party = {
        id,
        address: null,
        session: 'none',
        sessionAt: now,
        retryAt: -Infinity,
        failedConnects: 0,
        builds: new Map(),
        classIds: [],
        wanted: 0,
        grow: false,
        dueAt: Infinity,
        ready: false,
        lease: null,
        roundTrips: [],
        bytesPerMs: 0,
        paceMs: 0,
        attempts: new Map(),
        heartbeatAt: Infinity,
        beatAt: -Infinity,
        idleSince: now,
        served: 0,
        remark: '',
        untold: '',
        remarkedAt: new Map(),
        offeredAt: -Infinity,
        offeredIds: [],
      };
      this.parties.set(id, party);
    }
    return party;
  }

  /** Reserves `slots` for a delegator that holds none. */
  reserve(party: Party, slots: number, now: number): HeldLease {
    assert(party.lease === null, 'one lease a delegator');
    this.#leases += 1;
    const salt = Math.floor(this.prng() * 2 ** 32).toString(36);
    const lease: HeldLease = {
      id: `${salt}-${this.#leases.toString(36)}`,
      slots,
      used: 0,
      keep: slots,
      released: 0,
      ahead: 0,
      queue: [],
      recallAt: Infinity,
      expiresAt: now + this.options.leaseTtlMs,
      told: false,
    };
    party.lease = lease;
    return lease;
  }

  /** Ends the lease; what runs on it goes on by itself, what only waits for a slot goes back. */
  dropLease(party: Party): void {
    const lease = party.lease;
    if (lease === null) return;
    party.lease = null;
    for (const queued of lease.queue.splice(0)) this.sendBack(queued, 'lease-expired', 'the lease has ended');
    for (const attempt of party.attempts.values()) if (attempt.lease === lease) attempt.lease = null;
    if (lease.told && party.session === 'up') this.emit({ type: 'withdraw', delegator: party.id, leaseId: lease.id });
  }

  start(party: Party, lease: HeldLease, id: AttemptId, now: number): void {
    assert(lease.used < lease.slots, 'no free slot');
    lease.used += 1;
    const attempt: RunningAttempt = { id, party, lease, startedAt: now, killed: false };
    party.attempts.set(id, attempt);
    this.attempts.set(id, attempt);
    this.emit({ type: 'run', delegator: party.id, attempt: id });
  }

  /** An attempt that was fetched ahead ends without having run. */
  sendBack(queued: QueuedAttempt, code: 'lease-expired' | 'killed', why: string): void {
    const { id, party } = queued;
    this.emit({ type: 'kill', attempt: id, why });
    if (party.session === 'up') this.refuse(party, id, code, why);
  }

  refuse(party: Party, attempt: AttemptId, code: FailureCode, message: string): void {
    this.emit({ type: 'refuse', delegator: party.id, attempt, code, message });
  }

  queued(): number {
    let queued = 0;
    for (const { lease } of this.parties.values()) queued += lease?.queue.length ?? 0;
    return queued;
  }

  /** The slot goes back to its lease, if that still stands. */
  finish(attempt: RunningAttempt): void {
    if (attempt.lease !== null) attempt.lease.used -= 1;
    attempt.party.attempts.delete(attempt.id);
    this.attempts.delete(attempt.id);
  }

  kill(attempt: RunningAttempt, why: string): void {
    if (attempt.killed) return;
    attempt.killed = true;
    this.emit({ type: 'kill', attempt: attempt.id, why });
  }

  /** Slots of leases (their attempts included) and of attempts without one. */
  promised(): number {
    let slots = 0;
    let onLeases = 0;
    for (const { lease } of this.parties.values()) {
      slots += lease?.slots ?? 0;
      onLeases += lease?.used ?? 0;
    }
    return slots + this.attempts.size - onLeases;
  }

  /** How many more tasks memory allows beside those that run. What started after the reading is not in it yet. */
  memorySlots(): number {
    if (this.info === null) return 0;
    let fresh = 0;
    for (const attempt of this.attempts.values()) if (attempt.startedAt >= this.sampledAt) fresh += 1;
    const { memReserveBytes, memPerTaskBytes } = this.options;
    const free = this.info.memFreeBytes - memReserveBytes - fresh * memPerTaskBytes;
    return Math.max(0, Math.floor(free / Math.max(1, memPerTaskBytes)));
  }

  /** Keeps count of who was served how much. Call before anything changes. */
  passTime(now: number): void {
    const ms = now - this.#countedAt;
    this.#countedAt = now;
    if (ms <= 0 || ms === Infinity) return;
    const keep = 0.5 ** (ms / SERVED_HALF_LIFE_MS);
    for (const party of this.parties.values()) party.served = party.served * keep + party.attempts.size * ms;
  }
}

/** Whether any build of the delegator still wants something. */
export function hasDemand(party: Party, now: number): boolean {
  for (const build of party.builds.values()) if (isLive(build, now)) return true;
  return false;
}

export function isLive(build: HeardBuild, now: number): boolean {
  return build.demands.length > 0 && now < build.expiresAt;
}
