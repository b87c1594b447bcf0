// The worker: hears what is wanted, checks itself, reserves and only then offers, and never promises more than it has.
// Pure: `step(event, now)` gives the effects, `nextWakeAt()` says when a `tick` is due. The agent does the rest.
import { unreachable } from '../../base/assert.ts';
import type { Prng } from '../../base/prng.ts';
import type { AttemptId, LeaseId, NodeId } from '../types.ts';
import { AHEAD_ABOVE_RTT_MS, PACE_NEW, RTT_SAMPLES, SLOTS_PER_AHEAD } from './limits.ts';
import { hear, newRemarks, weigh } from './demand.ts';
import { Desk, hasDemand, isLive } from './desk.ts';
import type { HeldLease, Party, RunningAttempt } from './desk.ts';
import { connect, nextCare, rest, sayAlive, sessionDown, sessionUp, tend } from './sessions.ts';
import { offerDelayMs, rttMs } from './placing.ts';
import { offer, offerAgain, settle } from './settle.ts';
import type { WorkerEffect, WorkerEvent, WorkerOptions } from './types.ts';
import { viewOf } from './view.ts';
import type { AdmissionView } from './view.ts';

/**
 * A delegator's way with this worker:
 *
 *   announcement ──► able? ──no──► remark (at most every 30 s)
 *                      │ yes
 *                      ▼
 *                   delay ──► ready ──slots free──► reserved ──session up──► offered ──award──► running ◄─┐
 *                               ▲                      │ time                 │ release, time,     │ ended   │ a slot is free
 *                               └──────────────────────┴──────────────────────┘ demand closed      ▼         │
 *                                                            │ award beyond the slots     the slot is the lease's again
 *                                                            └──────────────────────────► fetched ahead ─────┘
 */
export class WorkerAdmission {
  readonly #desk: Desk;
  #steppedAt = -Infinity;

  constructor(options: WorkerOptions, prng: Prng) {
    this.#desk = new Desk(options, prng);
  }

  /** Takes in what happened at `now` (monotonic, milliseconds); gives what the world must do, in this order. */
  step(event: WorkerEvent, now: number): WorkerEffect[] {
    const desk = this.#desk;
    this.#steppedAt = now;
    desk.passTime(now);
    this.#take(event, now);
    tend(desk, now);
    settle(desk, now);
    rest(desk, now);
    const effects = desk.effects;
    desk.effects = [];
    return effects;
  }

  /** When a `tick` is due if nothing happens before, or null. */
  nextWakeAt(): number | null {
    let at = Infinity;
    for (const party of this.#desk.parties.values()) at = Math.min(at, nextCare(party, this.#steppedAt));
    return at === Infinity ? null : at;
  }

  view(now: number = this.#steppedAt): AdmissionView {
    return viewOf(this.#desk, now);
  }

  #take(event: WorkerEvent, now: number): void {
    const desk = this.#desk;
    switch (event.type) {
      case 'announcement': {
        const party = hear(desk, event.announcement, event.from, now);
        if (party !== null) this.#consider(party, now);
        return;
      }
      case 'session-up': {
        const party = desk.party(event.delegator, now);
        if (party.session === 'up') sessionDown(desk, party, now);
        sessionUp(party, now);
        offer(desk, party, now);
        if (party.untold !== '') this.#remark(party, party.untold);
        return;
      }
      case 'session-down': {
        const party = desk.parties.get(event.delegator);
        if (party !== undefined && party.session !== 'none') sessionDown(desk, party, now);
        return;
      }
      case 'echo':
        this.#echo(desk.parties.get(event.delegator), now - event.stamp, now);
        return;
      case 'poll': {
        const party = desk.parties.get(event.delegator);
        if (party?.session === 'up') sayAlive(desk, party, now);
        return;
      }
      case 'link': {
        const party = desk.parties.get(event.delegator);
        if (party !== undefined) party.bytesPerMs = event.bytesPerMs;
        return;
      }
      case 'own':
        desk.own = Math.max(0, event.running);
        return;
      case 'sample': {
        const isFirst = desk.info === null;
        desk.info = event.info;
        desk.sampledAt = now;
        if (isFirst) this.#considerAll(now);
        return;
      }
      case 'toolchain':
        desk.eligible.answer(event.digest, event.same, event.label, now);
        this.#considerAll(now);
        return;
      case 'award':
        this.#award(event, now);
        return;
      case 'release':
        this.#release(event.delegator, event.leaseId, event.slots);
        return;
      case 'cancel':
        this.#cancel(desk.parties.get(event.delegator), event.attempt, event.why);
        return;
      case 'ended': {
        const attempt = desk.attempts.get(event.attempt);
        if (attempt === undefined) return;
        desk.finish(attempt);
        if (!attempt.killed) learnFrom(desk, attempt, now);
        // The delegator waits for the slot of what it cancelled, and no result will tell it.
        else if (attempt.party.session === 'up') desk.refuse(attempt.party, attempt.id, 'killed', 'cancelled');
        return;
      }
      case 'pause':
        this.#pause(event.why);
        return;
      case 'resume':
        desk.paused = null;
        this.#considerAll(now);
        return;
      case 'tick':
        return;
      default:
        unreachable(event);
    }
  }

  #considerAll(now: number): void {
    for (const party of this.#desk.parties.values()) if (hasDemand(party, now)) this.#consider(party, now);
  }

  /** What the delegator's demand means for us now: an offer to prepare, a lease to renew or end, a remark. */
  #consider(party: Party, now: number): void {
    const desk = this.#desk;
    const remarks = weigh(desk, party, now);
    if (!hasDemand(party, now)) {
      desk.dropLease(party);
      party.dueAt = Infinity;
      party.ready = false;
      return;
    }
    if (party.classIds.length > 0) {
      if (party.lease !== null) {
        offerAgain(desk, party, now);
      } else if (!party.grow) {
        // Enough have answered.
        party.dueAt = Infinity;
        party.ready = false;
      } else if (!party.ready && party.dueAt === Infinity) {
        party.dueAt = now + offerDelayMs(desk, party, now);
      }
    }
    // The next offer on a lease that still serves carries the remark; one that stands from an earlier build does not hide it.
    if (party.lease !== null && party.classIds.length > 0) return;
    if (party.session !== 'up' && !mayExplain(party, now)) return;
    const text = newRemarks(party, remarks, now);
    if (text === '') return;
    party.untold = text;
    if (party.session === 'up') this.#remark(party, text);
    else connect(desk, party, now);
  }

  /** An offer of nothing that says why. Without a reading of this machine there is nothing to say of it yet. */
  #remark(party: Party, remark: string): void {
    const { info, options } = this.#desk;
    if (info === null) return;
    party.untold = '';
    const link = { rttMs: rttMs(party), bytesPerMs: party.bytesPerMs, estimateMs: party.paceMs };
    const none = { leaseId: '', slots: 0, recalled: 0, released: 0, ahead: 0, ttlMs: options.leaseTtlMs, classIds: [] };
    this.#desk.emit({ type: 'offer', delegator: party.id, offer: { ...none, ...link, info, remark } });
  }

  /** Far away, tasks may be awarded ahead: told at once when the first measurement says so. */
  #echo(party: Party | undefined, roundTripMs: number, now: number): void {
    if (party === undefined || roundTripMs < 0) return;
    party.roundTrips = [...party.roundTrips.slice(1 - RTT_SAMPLES), roundTripMs];
    if (party.lease?.told === true && party.lease.ahead === 0 && rttMs(party) > AHEAD_ABOVE_RTT_MS) {
      offer(this.#desk, party, now);
    }
  }

  #cancel(party: Party | undefined, id: AttemptId, why: string): void {
    const attempt = party?.attempts.get(id);
    if (attempt !== undefined) this.#desk.kill(attempt, why);
    const queue = party?.lease?.queue ?? [];
    const place = queue.findIndex((queued) => queued.id === id);
    for (const queued of place < 0 ? [] : queue.splice(place, 1)) this.#desk.sendBack(queued, 'killed', why);
  }

  #award(event: Extract<WorkerEvent, { type: 'award' }>, now: number): void {
    const desk = this.#desk;
    const party = desk.parties.get(event.delegator);
    if (party === undefined || party.attempts.has(event.attempt)) return;
    // On a session that is closing a refusal may still arrive; it costs the task less than a lost session.
    if (party.session !== 'up' && party.session !== 'closing') return;
    const refuse = (code: 'lease-expired' | 'out-of-memory', message: string): void => {
      desk.emit({ type: 'refuse', delegator: party.id, attempt: event.attempt, code, message });
    };
    const { lease } = party;
    if (lease?.queue.some((queued) => queued.id === event.attempt) === true) return;
    if (desk.attempts.has(event.attempt)) {
      refuse('lease-expired', 'an attempt of this name runs for another machine');
    } else if (lease === null || lease.id !== event.leaseId || !lease.told || lease.expiresAt <= now) {
      refuse('lease-expired', 'the lease has ended');
    } else if (lease.used >= lease.slots && !this.#mayFetchAhead(lease)) {
      refuse('lease-expired', 'all slots of the lease are in use');
    } else if (event.memBytes > this.#memFree()) {
      refuse('out-of-memory', `the task wants ${mebibytes(event.memBytes)}, ${mebibytes(this.#memFree())} are free`);
    } else {
      if (lease.used < lease.slots) {
        desk.start(party, lease, event.attempt, now);
      } else {
        lease.queue.push({ id: event.attempt, party });
        desk.emit({ type: 'fetch', delegator: party.id, attempt: event.attempt });
      }
      party.heartbeatAt = Math.min(party.heartbeatAt, now + desk.options.heartbeatMs);
    }
  }

  #mayFetchAhead(lease: HeldLease): boolean {
    const most = Math.floor(this.#desk.options.slots / SLOTS_PER_AHEAD);
    return lease.queue.length < lease.ahead && this.#desk.queued() < most;
  }

  #memFree(): number {
    return Math.max(0, (this.#desk.info?.memFreeBytes ?? 0) - this.#desk.options.memReserveBytes);
  }

  /** Slots given back unasked are not offered again before the delegator asks again. */
  #release(delegator: NodeId, leaseId: LeaseId, slots: number): void {
    const party = this.#desk.parties.get(delegator);
    const lease = party?.lease;
    if (party === undefined || lease === null || lease === undefined || lease.id !== leaseId || slots <= 0) return;
    lease.released += slots;
    if (slots > lease.slots - lease.keep) party.grow = false;
    if (slots < lease.slots) {
      lease.slots = Math.max(lease.used, lease.slots - slots);
      lease.keep = Math.min(lease.keep, lease.slots);
      return;
    }
    lease.told = false; // The delegator knows: nothing to withdraw.
    this.#desk.dropLease(party);
  }

  #pause(why: string): void {
    const desk = this.#desk;
    desk.paused = why;
    for (const party of desk.parties.values()) {
      party.dueAt = Infinity;
      party.ready = false;
      if (party.session !== 'up' || (party.lease === null && party.attempts.size === 0)) continue;
      desk.emit({ type: 'returning', delegator: party.id });
      desk.dropLease(party);
    }
  }
}

/** A session must be opened to say why not: where many listen, only a few do. */
function mayExplain(party: Party, now: number): boolean {
  for (const build of party.builds.values()) if (isLive(build, now) && build.asksWhy) return true;
  return false;
}

/** A result says as much as a heartbeat, and spares one; and what it took is the worker's own experience. */
function learnFrom(desk: Desk, { party, startedAt }: RunningAttempt, now: number): void {
  const tookMs = now - startedAt;
  party.paceMs = party.paceMs === 0 ? tookMs : party.paceMs + PACE_NEW * (tookMs - party.paceMs);
  const { heartbeatMs } = desk.options;
  if (party.heartbeatAt === Infinity) return;
  party.heartbeatAt = Math.max(party.heartbeatAt, Math.min(now + heartbeatMs, party.beatAt + 2 * heartbeatMs));
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 1024 ** 2)} MiB`;
}
