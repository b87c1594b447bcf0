// The worker's sessions to delegators: opened when there is something to offer or to say, kept while something is
// wanted or runs, tried again with growing pauses, and the heartbeats on them.
import { hasDemand } from './desk.ts';
import type { Desk, Party } from './desk.ts';
import {
  BUILD_FORGOTTEN_MS,
  CONNECT_RETRY_MAX_MS,
  CONNECT_RETRY_MIN_MS,
  CONNECT_TIMEOUT_MS,
  IDLE_SESSION_MS,
  OPENING_ROUND_TRIPS,
} from './limits.ts';

export function mayConnect(party: Party, now: number): boolean {
  return party.session === 'connecting' || (party.session === 'none' && now >= party.retryAt && party.address !== null);
}

export function connect(desk: Desk, party: Party, now: number): void {
  if (party.session !== 'none' || party.address === null || now < party.retryAt) return;
  party.session = 'connecting';
  party.sessionAt = now;
  desk.emit({ type: 'connect', delegator: party.id, address: party.address });
}

export function sessionUp(party: Party, now: number): void {
  // Before anything is measured: opening takes three round trips at least.
  party.roundTrips = party.session === 'connecting' ? [(now - party.sessionAt) / OPENING_ROUND_TRIPS] : [];
  party.session = 'up';
  party.sessionAt = now;
  party.failedConnects = 0;
  party.idleSince = now;
}

/** The end of a session, wished or not: whatever it carried is worth nothing any more. */
export function sessionDown(desk: Desk, party: Party, now: number): void {
  if (party.session === 'connecting') party.failedConnects += 1;
  const pauseMs = Math.min(CONNECT_RETRY_MAX_MS, CONNECT_RETRY_MIN_MS * 2 ** Math.min(party.failedConnects, 10));
  party.session = 'none';
  party.sessionAt = now;
  party.retryAt = now + pauseMs * (0.5 + desk.prng());
  party.heartbeatAt = Infinity;
  desk.dropLease(party);
  for (const attempt of party.attempts.values()) desk.kill(attempt, 'the session to the delegator ended');
}

/** Heartbeats, and connections that never came up. */
export function tend(desk: Desk, now: number): void {
  for (const party of [...desk.parties.values()]) {
    if (party.session === 'connecting' || party.session === 'closing') {
      if (now >= party.sessionAt + CONNECT_TIMEOUT_MS) sessionDown(desk, party, now);
    }
    beat(desk, party, now);
  }
}

/** Sessions that serve nothing, and delegators to forget. */
export function rest(desk: Desk, now: number): void {
  for (const party of [...desk.parties.values()]) {
    for (const [id, build] of party.builds) if (now >= build.heardAt + BUILD_FORGOTTEN_MS) party.builds.delete(id);
    if (party.lease !== null || party.attempts.size > 0 || hasDemand(party, now)) {
      party.idleSince = Infinity;
    } else {
      party.idleSince = Math.min(party.idleSince, now);
      if (party.session === 'up' && now >= party.idleSince + IDLE_SESSION_MS) {
        party.session = 'closing';
        party.sessionAt = now;
        desk.emit({ type: 'disconnect', delegator: party.id });
      }
      if (party.session === 'none' && party.builds.size === 0) desk.parties.delete(party.id);
    }
  }
}

/** When `tend` or `settle` has something to do for this delegator, or Infinity. */
export function nextCare(party: Party, now: number): number {
  let at = Math.min(party.dueAt, party.heartbeatAt);
  if (party.lease !== null) at = Math.min(at, party.lease.expiresAt, party.lease.recallAt);
  if (party.session === 'connecting' || party.session === 'closing')
    at = Math.min(at, party.sessionAt + CONNECT_TIMEOUT_MS);
  if (party.session === 'none' && party.ready && party.lease === null && party.retryAt > now)
    at = Math.min(at, party.retryAt);
  if (party.session === 'up' && party.idleSince !== Infinity) at = Math.min(at, party.idleSince + IDLE_SESSION_MS);
  for (const build of party.builds.values()) {
    at = Math.min(at, build.heardAt + BUILD_FORGOTTEN_MS);
    if (build.demands.length > 0 && build.expiresAt > now) at = Math.min(at, build.expiresAt);
  }
  return at;
}

/** On a period, while a lease stands or something runs. */
function beat(desk: Desk, party: Party, now: number): void {
  if (now < party.heartbeatAt) return;
  const told = party.lease?.told === true;
  if (party.session !== 'up' || (!told && party.attempts.size === 0)) {
    party.heartbeatAt = Infinity;
    return;
  }
  party.heartbeatAt = now + desk.options.heartbeatMs;
  sayAlive(desk, party, now);
}

/** Names what is in hand; while demand lasts it renews the lease, here and there. */
export function sayAlive(desk: Desk, party: Party, now: number): void {
  const { lease } = party;
  party.beatAt = now;
  if (lease !== null && hasDemand(party, now)) lease.expiresAt = now + desk.options.leaseTtlMs;
  const attempts = [...party.attempts.keys(), ...(lease?.queue ?? []).map((queued) => queued.id)];
  desk.emit({ type: 'heartbeat', delegator: party.id, attempts, load: desk.info?.load ?? 0, stamp: now });
}
