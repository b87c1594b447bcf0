// Who holds which slots, settled after every event: expired reservations end, slots are asked back from who has more than
// its share while others wait, free slots are reserved and then offered. A slot that was offered stays reserved until the
// delegator gives it back, so that no award can cross its taking; only a delegator that does not answer loses it.
import { assert } from '../../base/assert.ts';
import type { Desk, HeldLease, Party } from './desk.ts';
import { hasDemand } from './desk.ts';
import { isBusy, weigh } from './demand.ts';
import { divide } from './division.ts';
import type { Claim } from './division.ts';
import { AHEAD_ABOVE_RTT_MS, OFFER_AGAIN_MS, RECALL_MS, SLOTS_PER_AHEAD } from './limits.ts';
import { rttMs } from './placing.ts';
import { mayConnect, connect } from './sessions.ts';

export function settle(desk: Desk, now: number): void {
  for (const party of desk.parties.values()) {
    if (party.lease !== null && Math.min(party.lease.expiresAt, party.lease.recallAt) <= now) desk.dropLease(party);
    if (party.dueAt <= now) {
      party.dueAt = Infinity;
      weigh(desk, party, now);
      party.ready = party.classIds.length > 0;
    }
    if (party.ready && !hasDemand(party, now)) party.ready = false;
  }
  const parties = [...desk.parties.values()].filter((party) => party.lease !== null || isClaiming(desk, party, now));
  if (parties.length > 0) {
    const slots = capacity(desk);
    const shares = divide(
      slots,
      parties.map((party) => claimOf(desk, party, now)),
    );
    recall(desk, parties, shares, slots, now);
    grow(desk, parties, shares, slots, now);
    for (const { lease } of parties) if (lease !== null) runQueued(desk, lease, now);
  }
  assert(desk.promised() <= desk.options.slots, 'more promised than there is');
}

/** All that leases should hold: the slots not taken by others or by own builds, and no more idle ones than memory allows. */
function capacity(desk: Desk): number {
  if (desk.paused !== null) return 0;
  let onLeases = 0;
  for (const { lease } of desk.parties.values()) onLeases += lease?.used ?? 0;
  const detached = desk.attempts.size - onLeases;
  return Math.max(0, Math.min(desk.options.slots - detached - desk.own, onLeases + desk.memorySlots()));
}

function isClaiming(desk: Desk, party: Party, now: number): boolean {
  return party.ready && party.grow && !isBusy(desk) && (party.session === 'up' || mayConnect(party, now));
}

function claimOf(desk: Desk, party: Party, now: number): Claim {
  const held = party.lease?.slots ?? 0;
  let wanted = held;
  if (hasDemand(party, now)) {
    if (party.classIds.length === 0) wanted = 0;
    else wanted = party.grow && !isBusy(desk) ? party.wanted : Math.min(held, party.wanted);
  }
  return { delegator: party.id, held, wanted, served: party.served };
}

/** Asks back what is more than a share, as far as others or the machine itself need it. */
function recall(
  desk: Desk,
  parties: readonly Party[],
  shares: ReadonlyMap<string, number>,
  slots: number,
  now: number,
): void {
  const shareOf = (party: Party): number => shares.get(party.id) ?? 0;
  let spare = slots - parties.reduce((sum, party) => sum + shareOf(party), 0);
  for (const party of parties) {
    const { lease } = party;
    if (lease === null) continue;
    const useless = hasDemand(party, now) && party.classIds.length === 0;
    const extra = useless ? 0 : Math.max(0, Math.min(spare, lease.slots - shareOf(party)));
    spare -= extra;
    keepOnly(desk, party, lease, Math.min(lease.slots, shareOf(party) + extra), now);
  }
}

function keepOnly(desk: Desk, party: Party, lease: HeldLease, keep: number, now: number): void {
  const isNews = keep !== lease.keep;
  lease.keep = keep;
  if (!lease.told) {
    // Nobody can award on what was never offered.
    lease.slots = keep;
    if (keep === 0) desk.dropLease(party);
    return;
  }
  if (isNews) offer(desk, party, now);
  const idle = Math.min(lease.slots - lease.used, lease.slots - keep);
  lease.recallAt = idle > 0 ? Math.min(lease.recallAt, now + RECALL_MS + 4 * rttMs(party)) : Infinity;
}

function grow(
  desk: Desk,
  parties: readonly Party[],
  shares: ReadonlyMap<string, number>,
  slots: number,
  now: number,
): void {
  let free = slots - parties.reduce((sum, party) => sum + (party.lease?.slots ?? 0), 0);
  for (const party of [...parties].sort((a, b) => a.served - b.served || (a.id < b.id ? -1 : 1))) {
    const lacking = (shares.get(party.id) ?? 0) - (party.lease?.slots ?? 0);
    const given = Math.min(lacking, free);
    if (given <= 0 || party.classIds.length === 0) continue;
    free -= given;
    if (party.lease === null) {
      desk.reserve(party, given, now);
    } else {
      party.lease.slots += given;
      party.lease.keep = party.lease.slots;
    }
    if (party.session === 'up') offer(desk, party, now);
    else connect(desk, party, now);
  }
}

/** What was fetched ahead runs as soon as its lease has a slot for it. */
function runQueued(desk: Desk, lease: HeldLease, now: number): void {
  while (lease.used < lease.slots) {
    const next = lease.queue.shift();
    if (next === undefined) return;
    desk.start(next.party, lease, next.id, now);
  }
}

/** Tells the delegator of its lease as it stands now, and renews it. Needs the session. */
export function offer(desk: Desk, party: Party, now: number): void {
  const { lease } = party;
  if (lease === null || desk.info === null || party.session !== 'up') return;
  const isFar = rttMs(party) > AHEAD_ABOVE_RTT_MS;
  lease.ahead = isFar ? Math.floor(lease.keep / SLOTS_PER_AHEAD) : 0;
  lease.expiresAt = now + desk.options.leaseTtlMs;
  lease.told = true;
  party.offeredAt = now;
  party.offeredIds = party.classIds;
  party.heartbeatAt = Math.min(party.heartbeatAt, now + (party.roundTrips.length === 0 ? 0 : desk.options.heartbeatMs));
  desk.emit({
    type: 'offer',
    delegator: party.id,
    offer: {
      leaseId: lease.id,
      slots: lease.slots,
      recalled: lease.slots - lease.keep,
      released: lease.released,
      ahead: lease.ahead,
      ttlMs: desk.options.leaseTtlMs,
      classIds: party.classIds,
      info: { ...desk.info, toolchains: desk.eligible.held() },
      rttMs: rttMs(party),
      bytesPerMs: party.bytesPerMs,
      estimateMs: party.paceMs,
      remark: party.remark,
    },
  });
}

/** Says the lease again when the classes it is for have changed, or its last telling is old. */
export function offerAgain(desk: Desk, party: Party, now: number): void {
  if (party.lease?.told !== true || party.classIds.length === 0) return;
  const isSame =
    party.classIds.length === party.offeredIds.length && party.classIds.every((id) => party.offeredIds.includes(id));
  if (!isSame || now - party.offeredAt >= OFFER_AGAIN_MS) offer(desk, party, now);
}
