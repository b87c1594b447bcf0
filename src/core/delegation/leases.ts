// Standing offers: how they come, are renewed, shrink and go. A slot that was offered is ours until we give it back, so
// that no award crosses its taking: the worker asks (`recalled`), and gets idle slots at once and busy ones as they end.
import { unreachable } from '../../base/assert.ts';
import type { Candidate } from '../selection/types.ts';
import type { AttemptId, LeaseId, Offer } from '../types.ts';
import { answered } from './asking.ts';
import type { Book } from './book.ts';
import { ECHO_EVERY_MS, ENDED_LEASE_MS, SILENT_AFTER_MS, UNNAMED_MIN_MS, UNNAMED_TIMES } from './limits.ts';
import { freeOf } from './parts.ts';
import type { Attempt, Lease, Task, WorkerBook } from './parts.ts';

/** Takes an offer in, new or renewed; says no at once to a worker that is left out. */
export function offered(book: Book, worker: WorkerBook, offer: Offer, now: number): void {
  worker.info = offer.info;
  worker.name = offer.info.name === '' ? worker.name : offer.info.name;
  worker.load = offer.info.load;
  worker.remark = offer.remark;
  if (offer.rttMs > 0) {
    worker.rttMs = offer.rttMs;
    book.nearestMs = Math.min(book.nearestMs, offer.rttMs);
  }
  if (offer.bytesPerMs > 0) worker.bytesPerMs = offer.bytesPerMs;
  const known = worker.leases.get(offer.leaseId);
  answered(book, known === undefined || offer.slots - offer.released > known.slots - known.released);
  if (offer.slots <= 0) {
    worker.leases.delete(offer.leaseId);
    book.recount(worker);
    if (offer.remark !== '') book.note({ kind: 'refused-offer', worker: worker.id, remark: offer.remark });
    return;
  }
  // A lease that was given back whole while this was on its way grows no new slots.
  if (now < worker.excludedUntil || worker.ended.has(offer.leaseId)) {
    book.emit({ type: 'release', worker: worker.id, leaseId: offer.leaseId, slots: offer.slots });
    return;
  }
  worker.returning = false;
  const lease = leaseFrom(offer, known, now);
  if (known === undefined) {
    lease.used = countUsed(worker, offer.leaseId);
    lease.arrival = ++book.arrivals;
  }
  worker.leases.set(lease.id, lease);
  book.recount(worker);
  if (lease.slots > lease.keep) book.owesSlots = true;
  book.wakeBy(lease.expiresAt);
  book.wakeBy(worker.heardAt + SILENT_AFTER_MS);
}

/** The worker renews its leases by as much as their time to live, and names what it has in hand. */
export function heartbeat(
  book: Book,
  worker: WorkerBook,
  attempts: readonly AttemptId[],
  load: number,
  now: number,
): void {
  worker.load = load;
  for (const lease of worker.leases.values()) lease.expiresAt = now + lease.ttlMs;
  const inHand = new Set(attempts);
  for (const attempt of [...worker.attempts.values()]) {
    if (inHand.has(attempt.id)) {
      attempt.confirmed = true;
      attempt.seenAt = now;
      attempt.unnamed = 0;
    } else if (attempt.state === 'cancelled' && attempt.confirmed) {
      book.dropAttempt(attempt);
    } else if (attempt.state === 'live' && attempt.confirmed) {
      attempt.unnamed += 1;
      if (isUnnamed(attempt, now)) book.wakeBy(now);
    }
  }
}

/** The worker had it in hand and says twice that it no longer has: its result, or why there is none, would have come before. */
export function isUnnamed({ confirmed, unnamed, seenAt }: Attempt, now: number): boolean {
  return confirmed && unnamed >= UNNAMED_TIMES && now >= seenAt + UNNAMED_MIN_MS;
}

/** The worker takes the lease back; what runs on it goes on. */
export function withdrawn(book: Book, worker: WorkerBook, leaseId: LeaseId): void {
  worker.leases.delete(leaseId);
  book.recount(worker);
}

/** Lets the worker measure the round trip, now and then. */
export function echo(book: Book, worker: WorkerBook, stamp: number, now: number): void {
  if (now < worker.echoedAt + ECHO_EVERY_MS) return;
  worker.echoedAt = now;
  book.emit({ type: 'echo', worker: worker.id, stamp });
}

/** Gives back what workers have asked for, as far as it is idle. */
export function giveBack(book: Book, now: number): void {
  if (!book.owesSlots) return;
  book.owesSlots = false;
  for (const worker of book.holding) {
    for (const lease of worker.leases.values()) {
      if (lease.slots <= lease.keep) continue;
      giveSlots(book, worker, lease, Math.min(lease.slots - lease.keep, lease.slots - lease.used), now);
      if (lease.slots > lease.keep) book.owesSlots = true;
    }
  }
}

/** Gives some idle slots of a lease back, or the whole lease when they are all it has. */
export function giveSlots(book: Book, worker: WorkerBook, lease: Lease, slots: number, now: number): void {
  if (slots <= 0) return;
  if (slots >= lease.slots) {
    endLease(book, worker, lease, now);
    return;
  }
  lease.slots -= slots;
  lease.keep = Math.min(lease.keep, lease.slots);
  lease.released += slots;
  book.recount(worker);
  book.emit({ type: 'release', worker: worker.id, leaseId: lease.id, slots });
}

/** Gives a lease back whole; what runs on it goes on. */
export function endLease(book: Book, worker: WorkerBook, lease: Lease, now: number): void {
  worker.leases.delete(lease.id);
  book.recount(worker);
  if (!worker.connected) return;
  worker.ended.set(lease.id, now + ENDED_LEASE_MS);
  book.wakeBy(now + ENDED_LEASE_MS);
  book.emit({ type: 'release', worker: worker.id, leaseId: lease.id, slots: lease.slots });
}

export function dropLeases(book: Book, worker: WorkerBook, now: number): void {
  for (const lease of worker.leases.values()) endLease(book, worker, lease, now);
}

/** There is nobody to tell any more. */
export function forgetLeases(book: Book, worker: WorkerBook): void {
  worker.leases.clear();
  book.recount(worker);
  worker.ended.clear();
}

/** Whether some lease of a worker, busy or not, takes tasks of the class; one that is asked back whole takes none. */
export function covers(worker: WorkerBook, classId: string): boolean {
  for (const lease of worker.leases.values()) if (lease.keep > 0 && lease.classIds.has(classId)) return true;
  return false;
}

export function anyLeaseFor(book: Book, classId: string): boolean {
  for (const worker of book.holding) if (covers(worker, classId)) return true;
  return false;
}

/** The lease of this worker with a free slot for the class, if any. */
export function freeLease(worker: WorkerBook, classId: string): Lease | null {
  for (const lease of worker.leases.values()) {
    if (freeOf(lease) > 0 && lease.classIds.has(classId)) return lease;
  }
  return null;
}

/** The lease of this worker that takes one more task of the class to fetch ahead, if any. */
export function aheadLease(worker: WorkerBook, classId: string): Lease | null {
  for (const lease of worker.leases.values()) {
    if (lease.slots <= lease.keep && lease.used < lease.slots + lease.ahead && lease.classIds.has(classId))
      return lease;
  }
  return null;
}

/** The lease as a place for the task: what the choice and the hedging weigh. */
export function candidateOf(book: Book, worker: WorkerBook, lease: Lease, task: Task): Candidate {
  return {
    worker: worker.id,
    leaseId: lease.id,
    rate: book.rate(worker, task.scope),
    past: book.record.rate(worker.id, task.scope),
    info: worker.info,
    load: worker.load + worker.attempts.size / Math.max(1, worker.info?.cores ?? 1),
    linkMs: book.linkMs(worker, task.spec.bytes),
    overheadMs: book.overheadMs(worker, task.spec.bytes),
    freeFor: worker.info?.freeFor ?? [],
    arrival: lease.arrival,
  };
}

function countUsed(worker: WorkerBook, leaseId: LeaseId): number {
  let used = 0;
  for (const attempt of worker.attempts.values()) if (attempt.leaseId === leaseId && holdsSlot(attempt)) used += 1;
  return used;
}

function holdsSlot(attempt: Attempt): boolean {
  switch (attempt.state) {
    case 'live':
    case 'cancelled':
      return true;
    case 'silent':
      return false;
    default:
      return unreachable(attempt.state);
  }
}

/** The lease as the offer tells it, less what we gave back after the worker said so. */
function leaseFrom(offer: Offer, known: Lease | undefined, now: number): Lease {
  const released = known?.released ?? 0;
  const slots = Math.max(0, offer.slots - Math.max(0, released - offer.released));
  return {
    id: offer.leaseId,
    slots,
    keep: Math.max(0, Math.min(slots, offer.slots - offer.recalled)),
    ahead: offer.ahead,
    used: known?.used ?? 0,
    released: Math.max(released, offer.released),
    ttlMs: offer.ttlMs,
    expiresAt: now + offer.ttlMs,
    classIds: new Set(offer.classIds),
    arrival: known?.arrival ?? 0,
    since: known?.since ?? now,
  };
}
