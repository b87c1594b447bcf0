// The worker: hears what is wanted, checks itself, reserves and only then offers, and never promises more than it has.
// Pure: `step(event, now)` gives the effects, `nextWakeAt()` says when a `tick` is due. The agent does the rest.
import { unreachable } from '../../base/assert.ts';
import type { Prng } from '../../base/prng.ts';
import type { LeaseId, NodeId } from '../types.ts';
import { hear, newRemarks, weigh } from './demand.ts';
import { Desk, hasDemand } from './desk.ts';
import type { Party } from './desk.ts';
import { connect, nextCare, rest, sessionDown, sessionUp, tend } from './sessions.ts';
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
 *                   delay ──► ready ──slots free──► reserved ──session up──► offered ──award──► running
 *                               ▲                      │ time                 │ release, time,     │ ended
 *                               └──────────────────────┴──────────────────────┘ demand closed      ▼
 *                                                                             the slot is the lease's again
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
      case 'cancel': {
        const attempt = desk.parties.get(event.delegator)?.attempts.get(event.attempt);
        if (attempt !== undefined) desk.kill(attempt, event.why);
        return;
      }
      case 'ended': {
        const attempt = desk.attempts.get(event.attempt);
        if (attempt === undefined) return;
        desk.finish(attempt);
        // The delegator waits for the slot of what it cancelled, and no result will tell it.
        if (attempt.killed && attempt.party.session === 'up') attempt.party.heartbeatAt = now;
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
      if (party.lease !== null) offerAgain(desk, party, now);
      else if (party.grow && !party.ready && party.dueAt === Infinity) party.dueAt = now + this.#offerDelayMs();
    }
    // The next offer on a lease that still serves carries the remark; one that stands from an earlier build does not hide it.
    if (party.lease !== null && party.classIds.length > 0) return;
    const text = newRemarks(party, remarks, now);
    if (text === '') return;
    party.untold = text;
    if (party.session === 'up') this.#remark(party, text);
    else connect(desk, party, now);
  }

  /** Longer the worse this machine is placed, so that the best answer first; the rest is chance against collisions. */
  #offerDelayMs(): number {
    const { info, options, prng } = this.#desk;
    const strain = Math.max(info?.load ?? 0, (info?.pressure ?? 0) / 100);
    return options.offerDelayMs * (0.8 * Math.min(1, strain) + 0.2 * prng());
  }

  /** An offer of nothing that says why. Without a reading of this machine there is nothing to say of it yet. */
  #remark(party: Party, remark: string): void {
    const { info, options } = this.#desk;
    if (info === null) return;
    party.untold = '';
    const empty = { leaseId: '', slots: 0, ttlMs: options.leaseTtlMs, classIds: [], info, remark };
    this.#desk.emit({ type: 'offer', delegator: party.id, offer: empty });
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
    if (desk.attempts.has(event.attempt)) {
      refuse('lease-expired', 'an attempt of this name runs for another machine');
    } else if (lease === null || lease.id !== event.leaseId || !lease.told || lease.expiresAt <= now) {
      refuse('lease-expired', 'the lease has ended');
    } else if (lease.used >= lease.slots) {
      refuse('lease-expired', 'all slots of the lease are in use');
    } else if (event.memBytes > this.#memFree()) {
      refuse('out-of-memory', `the task wants ${mebibytes(event.memBytes)}, ${mebibytes(this.#memFree())} are free`);
    } else {
      desk.start(party, lease, event.attempt, now);
      party.heartbeatAt = Math.min(party.heartbeatAt, now + desk.options.heartbeatMs);
    }
  }

  #memFree(): number {
    return Math.max(0, (this.#desk.info?.memFreeBytes ?? 0) - this.#desk.options.memReserveBytes);
  }

  /** Slots given back are not offered again before the delegator asks again. */
  #release(delegator: NodeId, leaseId: LeaseId, slots: number): void {
    const party = this.#desk.parties.get(delegator);
    const lease = party?.lease;
    if (party === undefined || lease === null || lease === undefined || lease.id !== leaseId || slots <= 0) return;
    party.grow = false;
    if (slots < lease.slots) {
      lease.slots = Math.max(lease.used, lease.slots - slots);
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

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 1024 ** 2)} MiB`;
}
