// Who answers an announcement when many listen, what own builds and far delegators change, and that competitors get their share.
import { describe, expect, test } from 'vitest';
import { createPrng } from '../../base/prng.ts';
import { GIB, sampleAnnouncement, sampleInfo } from '../testing/samples.ts';
import type { Announcement } from '../types.ts';
import { WorkerAdmission } from './admission.ts';
import type { WorkerEffect, WorkerEvent } from './types.ts';

const FROM = { host: '192.0.2.1', port: 4000 };

class Bench {
  readonly admission: WorkerAdmission;
  now = 1000;
  effects: WorkerEffect[] = [];

  constructor({ slots = 4, seed = 1, bench = 1000 } = {}) {
    const limits = { memReserveBytes: GIB, memPerTaskBytes: GIB / 2, maxLoad: 1, leaseTtlMs: 10_000 };
    const options = { slots, closedBecause: '', ...limits, heartbeatMs: 2000, offerDelayMs: 20 };
    this.admission = new WorkerAdmission(options, createPrng(seed));
    this.post({ type: 'sample', info: sampleInfo({ slots, bench, load: 0, memFreeBytes: 100 * GIB }) });
  }

  post(event: WorkerEvent): void {
    this.effects.push(...this.admission.step(event, this.now));
  }

  hear(delegator: string, seq: number, count: number, parts: Partial<Announcement> = {}): void {
    this.post({ type: 'announcement', announcement: sampleAnnouncement(delegator, seq, count, parts), from: FROM });
  }

  pass(ms: number): void {
    const until = this.now + ms;
    for (let at = this.admission.nextWakeAt(); at !== null && at <= until; at = this.admission.nextWakeAt()) {
      this.now = Math.max(this.now, at);
      this.post({ type: 'tick' });
    }
    this.now = until;
  }

  take<T extends WorkerEffect['type']>(type: T): Extract<WorkerEffect, { type: T }>[] {
    const found = this.effects.filter((effect): effect is Extract<WorkerEffect, { type: T }> => effect.type === type);
    this.effects = this.effects.filter((effect) => effect.type !== type);
    return found;
  }

  lend(delegator: string, count: number): string {
    this.hear(delegator, 1, count);
    this.pass(20);
    this.post({ type: 'session-up', delegator });
    return this.take('offer').at(-1)?.offer.leaseId ?? 'none';
  }
}

describe('where many listen', () => {
  const answers = (machines: number, parts: Partial<Announcement>): number => {
    let count = 0;
    for (let seed = 1; seed <= machines; seed++) {
      const bench = new Bench({ seed });
      bench.hear('apple', 1, 50, parts);
      bench.pass(100);
      count += bench.take('connect').length;
    }
    return count;
  };

  test('three answer for each that is wanted, give or take; all when all are wanted', () => {
    expect(answers(1000, { listeners: 1000, offersWanted: 4 })).toBeGreaterThan(4);
    expect(answers(1000, { listeners: 1000, offersWanted: 4 })).toBeLessThanOrEqual(20);
    expect(answers(50, { listeners: 50, offersWanted: 17 })).toBe(50);
    expect(answers(50, { listeners: 50, offersWanted: 0 })).toBe(0);
  });

  test('a few say why they offer nothing', () => {
    const demands = sampleAnnouncement('apple', 1, 5).demands.map((demand) => ({
      ...demand,
      class: { ...demand.class, criteria: 'arch == "vax"' },
    }));
    const said = answers(1000, { listeners: 1000, offersWanted: 334, demands });
    expect(said).toBeGreaterThan(2);
    expect(said).toBeLessThan(30);
  });

  test('who hears that enough have answered keeps still', () => {
    const bench = new Bench();
    bench.hear('apple', 1, 50, { offersWanted: 4 });
    bench.hear('apple', 2, 50, { offersWanted: 0 });
    bench.pass(1000);
    expect(bench.take('connect')).toEqual([]);
  });

  test('the slowest of the known machines answers last', () => {
    const delayOf = (bench: number): number => {
      const it = new Bench({ bench });
      it.hear('apple', 1, 50, { scores: [500, 1000, 2000, 3000, 4000] });
      return (it.admission.nextWakeAt() ?? 0) - it.now;
    };
    expect(delayOf(4500)).toBeLessThan(5);
    expect(delayOf(1500)).toBeGreaterThan(8);
    expect(delayOf(400)).toBeGreaterThanOrEqual(16);
  });
});

test('own builds go first: slots they use are not lent, and are asked back', () => {
  const bench = new Bench();
  bench.lend('apple', 10);
  bench.post({ type: 'own', running: 3 });
  expect(bench.take('offer')).toMatchObject([{ offer: { slots: 4, recalled: 3 } }]);
  bench.post({ type: 'own', running: 0 });
  expect(bench.take('offer')).toMatchObject([{ offer: { slots: 4, recalled: 0 } }]);
});

test('a delegator far away may award a quarter more, which is fetched and runs when a slot is free', () => {
  const bench = new Bench();
  bench.hear('apple', 1, 10);
  bench.pass(20);
  bench.now += 300; // opening the session took so long
  bench.post({ type: 'session-up', delegator: 'apple' });
  const offer = bench.take('offer').at(-1)?.offer;
  expect(offer).toMatchObject({ slots: 4, ahead: 1 });
  const award = (attempt: string): void =>
    bench.post({ type: 'award', delegator: 'apple', leaseId: offer?.leaseId ?? '', attempt, memBytes: 0 });
  for (let i = 1; i <= 4; i++) award(`a${i}`);
  expect(bench.take('run')).toHaveLength(4);
  award('a5');
  expect(bench.take('fetch')).toEqual([{ type: 'fetch', delegator: 'apple', attempt: 'a5' }]);
  award('a6');
  expect(bench.take('refuse')).toMatchObject([{ attempt: 'a6', code: 'lease-expired' }]);
  expect(bench.admission.view()).toMatchObject({ promised: 4, running: 4 });
  bench.post({ type: 'ended', attempt: 'a1' });
  expect(bench.take('run')).toMatchObject([{ attempt: 'a5' }]);
  award('a7');
  bench.post({ type: 'cancel', delegator: 'apple', attempt: 'a7', why: 'done elsewhere' });
  expect(bench.take('kill')).toMatchObject([{ attempt: 'a7' }]);
  expect(bench.take('refuse')).toMatchObject([{ attempt: 'a7', code: 'killed' }]);
});

test.each([1, 2, 3, 4])(
  'of %i delegators that compete nobody gets under half of its share of any 30 s',
  (delegators) => {
    const bench = new Bench({ slots: 3 });
    const prng = createPrng(delegators);
    const names = Array.from({ length: delegators }, (_, i) => `d${i}`);
    const leases = new Map<string, { id: string; slots: number; keep: number; used: number }>();
    const running: { attempt: string; delegator: string; endsAt: number }[] = [];
    const served = new Map<string, number[]>(names.map((name) => [name, []]));
    let seq = 0;
    let attempts = 0;
    /** Each delegator as core's own does it: uses what it has, gives back what is asked for. */
    const act = (): void => {
      for (const { delegator, offer } of bench.take('offer')) {
        const used = leases.get(delegator)?.used ?? 0;
        leases.set(delegator, { id: offer.leaseId, slots: offer.slots, keep: offer.slots - offer.recalled, used });
      }
      for (const { delegator } of bench.take('withdraw')) leases.delete(delegator);
      for (const { delegator } of bench.take('connect')) bench.post({ type: 'session-up', delegator });
      for (const [delegator, lease] of leases) {
        const back = Math.min(lease.slots - lease.keep, lease.slots - lease.used);
        if (back > 0) {
          lease.slots -= back;
          if (lease.slots === 0) leases.delete(delegator);
          bench.post({ type: 'release', delegator, leaseId: lease.id, slots: back });
        }
        while (lease.used < Math.min(lease.slots, lease.keep)) {
          lease.used += 1;
          const attempt = `a${++attempts}`;
          bench.post({ type: 'award', delegator, leaseId: lease.id, attempt, memBytes: 0 });
          running.push({ attempt, delegator, endsAt: bench.now + 200 + 3000 * prng() });
        }
      }
    };
    for (let step = 0; step < 1200; step++) {
      if (step % 20 === 0) for (const name of names) bench.hear(name, ++seq, 50);
      for (const task of running.filter(({ endsAt }) => endsAt <= bench.now)) {
        running.splice(running.indexOf(task), 1);
        const lease = leases.get(task.delegator);
        if (lease !== undefined) lease.used -= 1;
        bench.post({ type: 'ended', attempt: task.attempt });
      }
      for (let i = 0; i < 4; i++) act();
      for (const name of names) served.get(name)?.push(running.filter(({ delegator }) => delegator === name).length);
      bench.pass(100);
    }
    const fair = (3 / delegators) * 300;
    for (const counts of served.values()) {
      for (let from = 0; from + 300 <= counts.length; from += 50) {
        const had = counts.slice(from, from + 300).reduce((sum, n) => sum + n, 0);
        expect(had).toBeGreaterThan(fair / 2);
      }
    }
  },
);
