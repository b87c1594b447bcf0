// Who holds which slots, settled after every event: expired reservations end, idle slots move to who waits for them,
// free slots are reserved and then offered. Reserved + running never exceeds the slots; see `capacity`.
import { assert } from '../../base/assert.ts';
import type { Desk, Party } from './desk.ts';
import { hasDemand } from './desk.ts';
import { isBusy, weigh } from './demand.ts';
import { divide } from './division.ts';
import type { Claim } from './division.ts';
import { OFFER_AGAIN_MS } from './limits.ts';
import { mayConnect, connect } from './sessions.ts';

export function settle(desk: Desk, now: number): void {
  for (const party of desk.parties.values()) {
    if (party.lease !== null && party.lease.expiresAt <= now) desk.dropLease(party);
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
    shrink(desk, parties, shares, slots, now);
    grow(desk, parties, shares, slots, now);
  }
  assert(desk.promised() <= desk.options.slots, 'more promised than there is');
}

/** All that leases may hold: the slots not taken by attempts without a lease, and no more idle ones than memory allows. */
function capacity(desk: Desk): number {
  if (desk.paused !== null) return 0;
  let onLeases = 0;
  for (const { lease } of desk.parties.values()) onLeases += lease?.used ?? 0;
  const detached = desk.attempts.size - onLeases;
  return Math.max(0, Math.min(desk.options.slots - detached, onLeases + desk.memorySlots()));
}

function isClaiming(desk: Desk, party: Party, now: number): boolean {
  return party.ready && party.grow && !isBusy(desk) && (party.session === 'up' || mayConnect(party, now));
}

function claimOf(desk: Desk, party: Party, now: number): Claim {
  const { lease } = party;
  const held = lease?.slots ?? 0;
  const used = lease?.used ?? 0;
  let wanted = held;
  if (hasDemand(party, now)) {
    if (party.classIds.length === 0) wanted = used;
    else wanted = Math.max(used, party.grow && !isBusy(desk) ? party.wanted : Math.min(held, party.wanted));
  }
  return { delegator: party.id, used, wanted, served: party.served };
}

/** Takes idle slots back from who has more than its share, as far as others or the machine itself need them. */
function shrink(
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
    const target = Math.min(lease.slots, shareOf(party) + extra);
    spare -= Math.max(0, extra);
    if (target === lease.slots) continue;
    lease.slots = target;
    if (target === 0) desk.dropLease(party);
    else if (lease.told) offer(desk, party, now);
  }
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
    if (party.lease === null) desk.reserve(party, given, now);
    else party.lease.slots += given;
    if (party.session === 'up') offer(desk, party, now);
    else connect(desk, party, now);
  }
}

/** Tells the delegator of its lease as it stands now, and renews it. Needs the session. */
export function offer(desk: Desk, party: Party, now: number): void {
  const { lease } = party;
  if (lease === null || desk.info === null || party.session !== 'up') return;
  lease.expiresAt = now + desk.options.leaseTtlMs;
  lease.told = true;
  party.offeredAt = now;
  party.heartbeatAt = Math.min(party.heartbeatAt, now + desk.options.heartbeatMs);
  desk.emit({
    type: 'offer',
    delegator: party.id,
    offer: {
      leaseId: lease.id,
      slots: lease.slots,
      ttlMs: desk.options.leaseTtlMs,
      classIds: party.classIds,
      info: desk.info,
      remark: party.remark,
    },
  });
}

/** Says the lease again when its last telling is old: whatever crossed on the way is put right by this. */
export function offerAgain(desk: Desk, party: Party, now: number): void {
  if (party.lease?.told === true && party.classIds.length > 0 && now - party.offeredAt >= OFFER_AGAIN_MS) {
    offer(desk, party, now);
  }
}
