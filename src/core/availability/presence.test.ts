// Who is at the machine, and what running tasks feel of it.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OwnerFirst, type Claim, type ReliefEffect } from './owner-first.ts';
import { PresenceWatch, type PresenceReading, type SessionReading } from './presence.ts';

const session = (parts: Partial<SessionReading> = {}): SessionReading => ({
  kind: 'local',
  locked: false,
  lastInputAtMs: 0,
  ...parts,
});
const reading = (atMs: number, parts: Partial<PresenceReading> = {}): PresenceReading => ({
  atMs,
  sessions: [session()],
  hasSeat: true,
  foreignLoad: 0,
  idleInhibited: false,
  ...parts,
});

describe('presence', () => {
  test('away after a minute without input, since the last input; present at the first one', () => {
    const watch = new PresenceWatch();
    expect(watch.look(reading(30_000)).state).toBe('present');
    expect(watch.look(reading(61_000))).toEqual({ state: 'away', sinceAtMs: 0, locked: false });
    expect(watch.look(reading(90_000, { sessions: [session({ lastInputAtMs: 89_900 })] })).state).toBe('present');
    expect(watch.look(reading(160_000, { sessions: [session({ lastInputAtMs: 89_900 })] }))).toMatchObject({
      sinceAtMs: 89_900,
    });
  });

  test('locked is away at once, and a mouse that moves at the lock screen changes nothing', () => {
    const watch = new PresenceWatch();
    expect(watch.look(reading(1000, { sessions: [session({ locked: true })] }))).toMatchObject({
      state: 'away',
      locked: true,
    });
    const moved = session({ locked: true, lastInputAtMs: 5000 });
    expect(watch.look(reading(5000, { sessions: [moved] }))).toEqual({ state: 'away', sinceAtMs: 0, locked: true });
  });

  test('work of the owner’s that runs on counts as presence, our own guests’ does not wake it again', () => {
    const watch = new PresenceWatch();
    expect(watch.look(reading(100_000, { foreignLoad: 0.5 })).state).toBe('present');
    expect(watch.look(reading(105_000)).state).toBe('present');
    expect(watch.look(reading(111_000)).state).toBe('away');
    expect(watch.look(reading(112_000, { foreignLoad: 0.5 })).state).toBe('away');
  });

  test('a call, a live session from afar, a session of which nothing is known: present', () => {
    expect(new PresenceWatch().look(reading(100_000, { idleInhibited: true })).state).toBe('present');
    const ssh = session({ kind: 'remote', lastInputAtMs: 90_000 });
    expect(new PresenceWatch().look(reading(100_000, { sessions: [session(), ssh] })).state).toBe('present');
    expect(new PresenceWatch().look(reading(200_000, { sessions: [session(), ssh] })).state).toBe('away');
    expect(new PresenceWatch().look(reading(100_000, { sessions: [session({ lastInputAtMs: null })] })).state).toBe(
      'present',
    );
  });

  test('a server has no owner, whoever is logged in', () => {
    const ssh = session({ kind: 'remote', lastInputAtMs: 100_000 });
    expect(new PresenceWatch().look(reading(100_000, { hasSeat: false, sessions: [ssh] }))).toEqual({
      state: 'headless',
    });
  });
});

describe('owner first', () => {
  const here: Claim = { why: 'the owner is back', urgent: false };
  const types = (effects: readonly ReliefEffect[]): string[] => effects.map((effect) => effect.type);

  test('grace, then frozen, then ended', () => {
    const first = new OwnerFirst();
    expect(types(first.step(here, 4, 1000))).toEqual(['revoke']);
    expect(first.nextWakeAt()).toBe(11_000);
    expect(types(first.step(here, 4, 5000))).toEqual([]);
    expect(types(first.step(here, 3, 11_000))).toEqual(['freeze']);
    expect(types(first.step(here, 3, 60_000))).toEqual([]);
    expect(types(first.step(here, 3, 71_000))).toEqual(['evict', 'thaw']);
    expect(types(first.step(here, 0, 72_000))).toEqual([]);
    expect(types(first.step(null, 0, 90_000))).toEqual(['welcome']);
  });

  test('a bumped mouse: frozen and thawed, nothing lost', () => {
    const first = new OwnerFirst();
    first.step(here, 2, 0);
    expect(types(first.step(here, 2, 10_000))).toEqual(['freeze']);
    expect(types(first.step(null, 2, 30_000))).toEqual(['thaw', 'welcome']);
  });

  test('memory, battery, lid, sleep: at once, from wherever', () => {
    const urgent: Claim = { why: 'battery', urgent: true };
    expect(types(new OwnerFirst().step(urgent, 2, 0))).toEqual(['revoke', 'evict']);
    const frozen = new OwnerFirst();
    frozen.step(here, 2, 0);
    frozen.step(here, 2, 10_000);
    expect(types(frozen.step(urgent, 2, 20_000))).toEqual(['evict', 'thaw']);
  });

  test('whatever comes: nothing stays frozen without a claim, welcome follows revoke, and a claim ends in 70 s', () => {
    const step = fc.record({
      claim: fc.constantFrom<Claim | null>(null, here, here, { why: 'lid', urgent: true }),
      running: fc.nat(4),
      afterMs: fc.integer({ min: 1, max: 30_000 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const first = new OwnerFirst();
        let [now, frozen, revoked, claimedAt] = [0, false, false, 0];
        for (const { claim, running, afterMs } of steps) {
          now += afterMs;
          for (const effect of first.step(claim, running, now)) {
            if (effect.type === 'freeze') expect(frozen).toBe(false);
            if (effect.type === 'thaw') expect(frozen).toBe(true);
            if (effect.type === 'freeze' || effect.type === 'thaw') frozen = effect.type === 'freeze';
            if (effect.type === 'revoke') [revoked, claimedAt] = [true, now];
            if (effect.type === 'welcome') {
              expect(revoked).toBe(true);
              revoked = false;
            }
          }
          expect(revoked).toBe(claim !== null);
          if (claim === null || running === 0) expect(frozen).toBe(false);
          if (claim !== null && now - claimedAt > 70_000) expect(first.state).toBe('cleared');
        }
      }),
    );
  });
});
