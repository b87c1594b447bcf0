// Standing offers: how they come, are renewed, shrink and go. The worker's count is the truth; ours follows it with
// every offer and heartbeat, and an award on a lease that is gone is refused and costs nothing but a round trip.
import { unreachable } from '../../base/assert.ts';
import type { Candidate } from '../selection/types.ts';
import type { AttemptId, LeaseId, Offer } from '../types.ts';
import type { Book } from './book.ts';
import { SILENT_AFTER_MS } from './limits.ts';
import type { Attempt, Lease, Task, WorkerBook } from './parts.ts';

/** Takes an offer in, new or renewed; says no at once to a worker that is left out. */
export function offered(book: Book, worker: WorkerBook, offer: Offer, now: number): void {
  worker.info = offer.info;
  worker.name = offer.info.name === '' ? worker.name : offer.info.name;
  worker.load = offer.info.load;
  worker.remark = offer.remark;
  if (offer.slots <= 0) {
    worker.leases.delete(offer.leaseId);
    if (offer.remark !== '') book.note({ kind: 'refused-offer', worker: worker.id, remark: offer.remark });
    return;
  }
  if (now < worker.excludedUntil) {
    book.emit({ type: 'release', worker: worker.id, leaseId: offer.leaseId, slots: offer.slots });
    return;
  }
  worker.returning = false;
  const known = worker.leases.get(offer.leaseId);
  const used = known?.used ?? countUsed(worker, offer.leaseId);
  const lease = leaseFrom(offer, used, known?.arrival ?? ++book.arrivals, known?.since ?? now, now);
  worker.leases.set(lease.id, lease);
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
    } else if (attempt.state === 'cancelled' && attempt.confirmed) {
      book.dropAttempt(attempt);
    }
  }
}

/** The worker takes the lease back; what runs on it goes on. */
export function withdrawn(worker: WorkerBook, leaseId: LeaseId): void {
  worker.leases.delete(leaseId);
}

/** Gives all of a worker's leases back, or only forgets them when there is nobody to tell. */
export function dropLeases(book: Book, worker: WorkerBook, tell: boolean): void {
  for (const lease of worker.leases.values()) {
    if (tell && worker.connected)
      book.emit({ type: 'release', worker: worker.id, leaseId: lease.id, slots: lease.slots });
  }
  worker.leases.clear();
}

/** Whether some lease of a worker, busy or not, takes tasks of the class. */
export function covers(worker: WorkerBook, classId: string): boolean {
  for (const lease of worker.leases.values()) if (lease.classIds.has(classId)) return true;
  return false;
}

export function anyLeaseFor(book: Book, classId: string): boolean {
  for (const worker of book.workers.values()) if (covers(worker, classId)) return true;
  return false;
}

/** The lease of this worker with a free slot for the class, if any. */
export function freeLease(worker: WorkerBook, classId: string): Lease | null {
  for (const lease of worker.leases.values()) {
    if (lease.used < lease.slots && lease.classIds.has(classId)) return lease;
  }
  return null;
}

/** The lease as a place for the task: what the choice and the hedging weigh. */
export function candidateOf(book: Book, worker: WorkerBook, lease: Lease, task: Task): Candidate {
  return {
    worker: worker.id,
    leaseId: lease.id,
    rate: book.record.rate(worker.id, task.scope),
    info: worker.info,
    load: worker.load,
    overheadMs: book.overheadMs(worker.id, task.spec.bytes),
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

/** What an offer carries that a lease remembers. */
function leaseFrom(offer: Offer, used: number, arrival: number, since: number, now: number): Lease {
  return {
    id: offer.leaseId,
    slots: offer.slots,
    used,
    ttlMs: offer.ttlMs,
    expiresAt: now + offer.ttlMs,
    classIds: new Set(offer.classIds),
    arrival,
    since,
  };
}
