// Each rule of protocol.md for the worker, one situation at a time, with the clock in the test's hand.
import { describe, expect, test } from 'vitest';
import { createPrng } from '../../base/prng.ts';
import { GIB, sampleAnnouncement, sampleClass, sampleInfo } from '../testing/samples.ts';
import type { Announcement, WorkerInfo } from '../types.ts';
import { WorkerAdmission } from './admission.ts';
import type { WorkerEffect, WorkerEvent, WorkerOptions } from './types.ts';
import { IDLE_SESSION_MS } from './limits.ts';

type Of<T extends WorkerEffect['type']> = Extract<WorkerEffect, { type: T }>;

const FROM = { host: '192.0.2.1', port: 4000 };

/** Drives a WorkerAdmission: time passes by the ticks it asks for, effects pile up until they are looked at. */
class Bench {
  readonly admission: WorkerAdmission;
  now = 1000;
  effects: WorkerEffect[] = [];

  constructor(options: Partial<WorkerOptions> = {}, info: Partial<WorkerInfo> | null = {}) {
    this.admission = new WorkerAdmission(
      {
        slots: 4,
        closedBecause: '',
        memReserveBytes: GIB,
        memPerTaskBytes: GIB / 2,
        maxLoad: 1,
        leaseTtlMs: 10_000,
        heartbeatMs: 2000,
        offerDelayMs: 20,
        ...options,
      },
      createPrng(1),
    );
    if (info !== null) this.sample(info);
  }

  post(event: WorkerEvent): void {
    this.effects.push(...this.admission.step(event, this.now));
  }

  pass(ms: number): void {
    const until = this.now + ms;
    for (;;) {
      const wakeAt = this.admission.nextWakeAt();
      if (wakeAt === null || wakeAt > until) break;
      this.now = Math.max(this.now, wakeAt);
      this.post({ type: 'tick' });
    }
    this.now = until;
  }

  sample(info: Partial<WorkerInfo> = {}): void {
    this.post({ type: 'sample', info: sampleInfo(info) });
  }

  hear(delegator: string, seq: number, count: number, parts: Partial<Announcement> = {}): void {
    this.post({ type: 'announcement', announcement: sampleAnnouncement(delegator, seq, count, parts), from: FROM });
  }

  up(delegator: string): void {
    this.post({ type: 'session-up', delegator });
  }

  /** Announcement, delay, session, offer: gives the lease's id. */
  lend(delegator: string, count: number): string {
    this.hear(delegator, 1, count);
    this.pass(20);
    this.up(delegator);
    const offer = this.take('offer').at(-1)?.offer;
    if (offer === undefined) throw new Error('no offer');
    return offer.leaseId;
  }

  award(delegator: string, leaseId: string, attempt: string, memBytes = 0): void {
    this.post({ type: 'award', delegator, leaseId, attempt, memBytes });
  }

  take<T extends WorkerEffect['type']>(type: T): Of<T>[] {
    const found = this.effects.filter((effect): effect is Of<T> => effect.type === type);
    this.effects = this.effects.filter((effect) => effect.type !== type);
    return found;
  }

  lease(delegator: string): { slots: number; used: number } | null {
    return this.admission.view(this.now).delegators.find((party) => party.id === delegator)?.lease ?? null;
  }
}

describe('offering', () => {
  test('reserves, connects, and offers when the session is up', () => {
    const bench = new Bench();
    bench.hear('apple', 1, 3);
    expect(bench.take('connect')).toEqual([]);
    bench.pass(20);
    expect(bench.take('connect')).toEqual([{ type: 'connect', delegator: 'apple', address: FROM }]);
    expect(bench.lease('apple')).toMatchObject({ slots: 3, used: 0 });
    expect(bench.take('offer')).toEqual([]);
    bench.up('apple');
    expect(bench.take('offer')).toMatchObject([
      { delegator: 'apple', offer: { slots: 3, classIds: ['c++'], remark: '' } },
    ]);
  });

  test('nothing before the first reading of the machine, then at once', () => {
    const bench = new Bench({}, null);
    bench.hear('apple', 1, 3);
    bench.pass(1000);
    expect(bench.effects).toEqual([]);
    bench.sample();
    bench.pass(20);
    expect(bench.take('connect')).toHaveLength(1);
  });

  test('never more than slots, nor than memory allows', () => {
    const bench = new Bench({ slots: 4 });
    bench.lend('apple', 100);
    expect(bench.lease('apple')?.slots).toBe(4);
    const small = new Bench({ slots: 8 }, { memFreeBytes: 2.2 * GIB });
    small.lend('apple', 100);
    expect(small.lease('apple')?.slots).toBe(2);
    small.sample({ memFreeBytes: 1.6 * GIB });
    expect(small.take('offer')).toMatchObject([{ offer: { slots: 2, recalled: 1 } }]);
    small.sample({ memFreeBytes: GIB });
    expect(small.take('offer')).toMatchObject([{ offer: { slots: 2, recalled: 2 } }]);
    small.pass(1100); // the delegator does not answer
    expect(small.take('withdraw')).toHaveLength(1);
    expect(small.lease('apple')).toBeNull();
  });

  test('a reservation whose session never comes up ends', () => {
    const bench = new Bench();
    bench.hear('apple', 1, 3);
    bench.pass(20);
    expect(bench.admission.view().promised).toBe(3);
    bench.pass(10_100);
    expect(bench.admission.view().promised).toBe(0);
  });

  test('old and repeated announcements are ignored', () => {
    const bench = new Bench();
    bench.hear('apple', 5, 2);
    bench.hear('apple', 6, 0);
    bench.hear('apple', 5, 2);
    bench.hear('apple', 4, 2);
    bench.pass(1000);
    expect(bench.take('connect')).toEqual([]);
  });

  test('the worse the machine is placed the later it answers', () => {
    const delayOf = (load: number): number => {
      const bench = new Bench({ offerDelayMs: 100, maxLoad: 10 }, { load });
      bench.hear('apple', 1, 1);
      return (bench.admission.nextWakeAt() ?? 0) - bench.now;
    };
    expect(delayOf(0)).toBeLessThan(20);
    expect(delayOf(0.5)).toBeGreaterThan(40);
    expect(delayOf(5)).toBeGreaterThanOrEqual(80);
    expect(delayOf(5)).toBeLessThanOrEqual(100);
  });

  test('heartbeats renew a lease while demand lasts; then it ends by time', () => {
    const bench = new Bench();
    bench.lend('apple', 2);
    for (let seq = 2; seq <= 10; seq++) {
      bench.pass(2000);
      bench.hear('apple', seq, 2);
    }
    expect(bench.lease('apple')?.slots).toBe(2);
    expect(bench.take('heartbeat').length).toBeGreaterThanOrEqual(8);
    bench.take('withdraw');
    bench.pass(18_000);
    expect(bench.lease('apple')).toBeNull();
    expect(bench.take('withdraw')).toHaveLength(1);
  });

  test('count 0 ends the lease, and the session after a while', () => {
    const bench = new Bench();
    bench.lend('apple', 2);
    bench.hear('apple', 2, 0);
    expect(bench.lease('apple')).toBeNull();
    bench.pass(IDLE_SESSION_MS - 1_000);
    expect(bench.take('disconnect')).toEqual([]);
    bench.pass(1_100);
    expect(bench.take('disconnect')).toEqual([{ type: 'disconnect', delegator: 'apple' }]);
    bench.post({ type: 'session-down', delegator: 'apple' });
    bench.pass(60_000);
    expect(bench.admission.view().delegators).toEqual([]);
    expect(bench.admission.nextWakeAt()).toBeNull();
  });

  test('slots given back are not pressed on the delegator again before it asks', () => {
    const bench = new Bench();
    const leaseId = bench.lend('apple', 4);
    bench.post({ type: 'release', delegator: 'apple', leaseId, slots: 3 });
    bench.pass(1000);
    expect(bench.lease('apple')?.slots).toBe(1);
    bench.hear('apple', 2, 4, { offersWanted: 0 });
    expect(bench.lease('apple')?.slots).toBe(1);
    bench.hear('apple', 3, 4, { offersWanted: 2 });
    expect(bench.lease('apple')?.slots).toBe(4);
  });
});

describe('sharing', () => {
  test('idle slots move to another delegator that waits', () => {
    const bench = new Bench();
    const leaseId = bench.lend('apple', 10);
    expect(bench.lease('apple')?.slots).toBe(4);
    bench.hear('quince', 1, 10);
    bench.pass(20);
    expect(bench.take('offer')).toMatchObject([{ delegator: 'apple', offer: { slots: 4, recalled: 2 } }]);
    expect(bench.lease('quince')).toBeNull(); // an award may be on its way
    bench.award('apple', leaseId, 'a1');
    expect(bench.take('run')).toHaveLength(1);
    bench.post({ type: 'release', delegator: 'apple', leaseId, slots: 2 });
    expect(bench.lease('apple')?.slots).toBe(2);
    expect(bench.lease('quince')?.slots).toBe(2);
  });

  test('idle slots that do not come back in a second are taken', () => {
    const bench = new Bench();
    const leaseId = bench.lend('apple', 10);
    bench.award('apple', leaseId, 'a1');
    bench.hear('quince', 1, 10);
    bench.pass(900);
    expect(bench.take('withdraw')).toEqual([]);
    bench.pass(200);
    expect(bench.take('withdraw')).toMatchObject([{ delegator: 'apple', leaseId }]);
    expect(bench.lease('quince')?.slots).toBe(2);
    expect(bench.admission.view()).toMatchObject({ promised: 4, running: 1 });
  });

  test('busy slots move when their tasks end, not before', () => {
    const bench = new Bench({ slots: 2 });
    const leaseId = bench.lend('apple', 10);
    bench.award('apple', leaseId, 'a1');
    bench.award('apple', leaseId, 'a2');
    bench.hear('quince', 1, 10);
    bench.pass(20);
    bench.up('quince');
    expect(bench.lease('quince')).toBeNull();
    expect(bench.take('offer')).toMatchObject([{ delegator: 'apple', offer: { slots: 2, recalled: 1 } }]);
    bench.post({ type: 'ended', attempt: 'a1' });
    expect(bench.lease('apple')).toMatchObject({ slots: 2, used: 1, recalled: 1 });
    bench.post({ type: 'release', delegator: 'apple', leaseId, slots: 1 });
    expect(bench.lease('apple')).toMatchObject({ slots: 1, used: 1 });
    expect(bench.take('offer')).toMatchObject([{ delegator: 'quince', offer: { slots: 1 } }]);
  });

  test('one slot, two delegators: the less served gets it', () => {
    const bench = new Bench({ slots: 1 });
    const leaseId = bench.lend('apple', 10);
    bench.award('apple', leaseId, 'a1');
    bench.hear('quince', 1, 10);
    bench.pass(1000);
    bench.up('quince');
    expect(bench.take('offer')).toEqual([]); // not before it has had clearly more
    bench.pass(5000);
    bench.hear('quince', 2, 10);
    expect(bench.take('offer')).toMatchObject([{ delegator: 'apple', offer: { slots: 1, recalled: 1 } }]);
    bench.post({ type: 'ended', attempt: 'a1' });
    bench.post({ type: 'release', delegator: 'apple', leaseId, slots: 1 });
    expect(bench.lease('apple')).toBeNull();
    expect(bench.lease('quince')?.slots).toBe(1);
    expect(bench.take('withdraw')).toEqual([]);
  });
});

describe('running', () => {
  test('an award takes a slot of its lease, the end gives it back', () => {
    const bench = new Bench();
    const leaseId = bench.lend('apple', 1);
    bench.award('apple', leaseId, 'a1');
    expect(bench.take('run')).toEqual([{ type: 'run', delegator: 'apple', attempt: 'a1' }]);
    bench.award('apple', leaseId, 'a2');
    expect(bench.take('refuse')).toMatchObject([{ attempt: 'a2', code: 'lease-expired' }]);
    bench.post({ type: 'ended', attempt: 'a1' });
    bench.award('apple', leaseId, 'a3');
    expect(bench.take('run')).toMatchObject([{ attempt: 'a3' }]);
  });

  test('a repeated award does not run twice', () => {
    const bench = new Bench();
    const leaseId = bench.lend('apple', 3);
    bench.award('apple', leaseId, 'a1');
    bench.award('apple', leaseId, 'a1');
    expect(bench.take('run')).toHaveLength(1);
    expect(bench.lease('apple')?.used).toBe(1);
  });

  test('nobody uses the lease of another, nor cancels or releases what is not his', () => {
    const bench = new Bench();
    const leaseId = bench.lend('apple', 2);
    bench.up('quince');
    bench.award('quince', leaseId, 'q1');
    expect(bench.take('run')).toEqual([]);
    expect(bench.take('refuse')).toMatchObject([{ delegator: 'quince', code: 'lease-expired' }]);
    bench.award('apple', leaseId, 'a1');
    bench.post({ type: 'cancel', delegator: 'quince', attempt: 'a1', why: 'malice' });
    bench.post({ type: 'release', delegator: 'quince', leaseId, slots: 2 });
    bench.award('stranger', leaseId, 's1');
    expect(bench.take('kill')).toEqual([]);
    expect(bench.lease('apple')).toMatchObject({ slots: 2, used: 1 });
  });

  test('an award on an earlier lease is refused', () => {
    const bench = new Bench();
    const old = bench.lend('apple', 2);
    bench.hear('apple', 2, 0);
    bench.hear('apple', 3, 2);
    bench.pass(20);
    expect(bench.lease('apple')?.slots).toBe(2);
    bench.award('apple', old, 'a1');
    expect(bench.take('refuse')).toMatchObject([{ attempt: 'a1', code: 'lease-expired' }]);
  });

  test('an award on a lease that has ended is refused', () => {
    const bench = new Bench();
    const leaseId = bench.lend('apple', 2);
    bench.pass(30_000);
    bench.award('apple', leaseId, 'a1');
    expect(bench.take('refuse')).toMatchObject([{ attempt: 'a1', code: 'lease-expired' }]);
  });

  test('a task that wants more memory than is free is refused', () => {
    const bench = new Bench({}, { memFreeBytes: 3 * GIB });
    const leaseId = bench.lend('apple', 2);
    bench.award('apple', leaseId, 'a1', 2.5 * GIB);
    expect(bench.take('refuse')).toMatchObject([
      { code: 'out-of-memory', message: 'the task wants 2560 MiB, 2048 MiB are free' },
    ]);
    bench.award('apple', leaseId, 'a2', 2 * GIB);
    expect(bench.take('run')).toHaveLength(1);
  });

  test('cancel kills once; the slot is free when the process is gone', () => {
    const bench = new Bench();
    const leaseId = bench.lend('apple', 1);
    bench.award('apple', leaseId, 'a1');
    bench.post({ type: 'cancel', delegator: 'apple', attempt: 'a1', why: 'done elsewhere' });
    bench.post({ type: 'cancel', delegator: 'apple', attempt: 'a1', why: 'done elsewhere' });
    expect(bench.take('kill')).toEqual([{ type: 'kill', attempt: 'a1', why: 'done elsewhere' }]);
    expect(bench.lease('apple')?.used).toBe(1);
    bench.take('refuse');
    bench.post({ type: 'ended', attempt: 'a1' });
    expect(bench.lease('apple')?.used).toBe(0);
    // The delegator waits for the slot.
    expect(bench.take('refuse')).toMatchObject([{ delegator: 'apple', attempt: 'a1', code: 'killed' }]);
  });

  test('a lost session ends all that it carried', () => {
    const bench = new Bench();
    const leaseId = bench.lend('apple', 3);
    bench.award('apple', leaseId, 'a1');
    bench.award('apple', leaseId, 'a2');
    bench.take('connect');
    bench.post({ type: 'session-down', delegator: 'apple' });
    expect(bench.take('kill').map((e) => e.attempt)).toEqual(['a1', 'a2']);
    expect(bench.admission.view()).toMatchObject({ promised: 2, running: 2 });
    bench.post({ type: 'ended', attempt: 'a1' });
    bench.post({ type: 'ended', attempt: 'a2' });
    expect(bench.admission.view().running).toBe(0);
    bench.pass(2000);
    expect(bench.take('connect')).toHaveLength(1); // the demand still lasts
  });

  test('the owner is back: told, no more offers, what runs goes on; and later offers again', () => {
    const bench = new Bench();
    const leaseId = bench.lend('apple', 3);
    bench.award('apple', leaseId, 'a1');
    bench.post({ type: 'pause', why: 'the owner is back' });
    expect(bench.take('returning')).toEqual([{ type: 'returning', delegator: 'apple' }]);
    expect(bench.take('withdraw')).toHaveLength(1);
    bench.hear('apple', 2, 5);
    bench.award('apple', leaseId, 'a2');
    expect(bench.take('refuse')).toHaveLength(1);
    // Nothing is offered, and nothing of the reason is told.
    expect(bench.take('offer')).toMatchObject([{ offer: { slots: 0, remark: 'its owner needs it' } }]);
    bench.post({ type: 'resume' });
    bench.pass(20);
    expect(bench.take('offer')).toMatchObject([{ offer: { slots: 3 } }]); // the fourth still runs
    expect(bench.admission.view().promised).toBe(4);
  });
});

describe('saying why not', () => {
  const toolchain = { digest: 'd1', path: '/usr/bin/g++', label: 'g++ 12.2.0 x86_64-linux-gnu' };
  const demand = { demands: [{ class: sampleClass({ toolchain }), count: 2 }] };

  test('another compiler: a remark, once in 30 s', () => {
    const bench = new Bench();
    bench.hear('apple', 1, 2, demand);
    expect(bench.take('check-toolchain')).toEqual([{ type: 'check-toolchain', toolchain }]);
    bench.hear('apple', 2, 2, demand);
    expect(bench.take('check-toolchain')).toEqual([]);
    bench.post({ type: 'toolchain', digest: 'd1', same: false, label: 'g++ 12.3.0 x86_64-linux-gnu' });
    expect(bench.take('connect')).toHaveLength(1);
    bench.up('apple');
    expect(bench.take('offer')).toMatchObject([{ offer: { slots: 0, remark: 'g++ 12.3.0 there, 12.2.0 here' } }]);
    for (let seq = 3; seq < 15; seq++) {
      bench.pass(2000);
      bench.hear('apple', seq, 2, demand);
    }
    expect(bench.take('offer')).toEqual([]);
    for (let seq = 15; seq < 20; seq++) {
      bench.pass(2000);
      bench.hear('apple', seq, 2, demand);
    }
    expect(bench.take('offer')).toHaveLength(1);
    expect(bench.take('check-toolchain')).toHaveLength(1); // asked again after a while: it may have been updated
  });

  test('the same compiler: an offer', () => {
    const bench = new Bench();
    bench.hear('apple', 1, 2, demand);
    bench.post({ type: 'toolchain', digest: 'd1', same: true, label: toolchain.label });
    bench.pass(20);
    bench.up('apple');
    expect(bench.take('offer')).toMatchObject([{ offer: { slots: 2 } }]);
  });

  test.each([
    ['', 'no /usr/bin/g++ there, g++ 12.2.0 x86_64-linux-gnu here'],
    [toolchain.label, 'g++ 12.2.0 x86_64-linux-gnu there has other files than the one here'],
    ['clang++ 16.0.6 x86_64-linux-gnu', 'clang++ 16.0.6 there, g++ 12.2.0 here'],
    ['g++ 12.2.0 aarch64-linux-gnu', 'g++ 12.2.0 aarch64-linux-gnu there, x86_64-linux-gnu here'],
  ])('a compiler «%s»', (label, remark) => {
    const bench = new Bench();
    bench.hear('apple', 1, 2, demand);
    bench.post({ type: 'toolchain', digest: 'd1', same: false, label });
    bench.up('apple');
    expect(bench.take('offer')[0]?.offer.remark).toBe(remark);
  });

  test.each([
    ['mem.free >= 64GiB', 'mem.free 12 GiB, at least 64 GiB wanted'],
    ['mem.fre > 1GiB', 'criteria cannot be read at character 1'],
  ])('criteria %s', (criteria, remark) => {
    const bench = new Bench();
    bench.hear('apple', 1, 2, { demands: [{ class: sampleClass({ criteria }), count: 2 }] });
    bench.up('apple');
    expect(bench.take('offer')[0]?.offer).toMatchObject({ slots: 0 });
    expect(bench.admission.view().delegators[0]?.remark).toContain(remark);
  });

  test('a closed machine says so; one that just lends nothing is silent', () => {
    const closed = new Bench({ slots: 0, closedBecause: 'no user namespaces' });
    closed.hear('apple', 1, 2);
    expect(closed.take('connect')).toHaveLength(1);
    closed.up('apple');
    expect(closed.take('offer')).toMatchObject([{ offer: { slots: 0, remark: 'no user namespaces' } }]);
    const silent = new Bench({ slots: 0 });
    silent.hear('apple', 1, 2);
    silent.pass(100);
    expect(silent.effects).toEqual([]);
  });

  test('a busy machine makes no new promises, and says so', () => {
    const busy = new Bench({}, { load: 2.5 });
    busy.hear('apple', 1, 2);
    busy.pass(100);
    busy.up('apple');
    expect(busy.take('offer')).toMatchObject([
      { offer: { slots: 0, remark: 'busy with other work: load 2.5 per core there' } },
    ]);
  });
});
