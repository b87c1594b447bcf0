// Each rule of protocol.md for the delegator, one situation at a time, with the clock in the test's hand.
import { describe, expect, test } from 'vitest';
import { createPrng } from '../../base/prng.ts';
import { PastRecord } from '../record/record.ts';
import { sampleClass, sampleInfo, sampleOffer, sampleTask } from '../testing/samples.ts';
import { Delegation } from './delegation.ts';
import type { DelegatorEffect, DelegatorEvent, DelegatorOptions } from './types.ts';

type Of<T extends DelegatorEffect['type']> = Extract<DelegatorEffect, { type: T }>;

/** Drives a Delegation: time passes by the ticks it asks for, effects pile up until they are looked at. */
class Bench {
  delegation: Delegation;
  now = 1000;
  effects: DelegatorEffect[] = [];

  constructor(options: Partial<DelegatorOptions> = {}) {
    this.delegation = new Delegation(
      { ownSlots: 0, hereSlots: 2, policy: 'finish', nobodyAfterMs: 50, maxWaiting: 1000, attemptSalt: '', ...options },
      createPrng(1),
    );
  }

  post(event: DelegatorEvent): void {
    this.effects.push(...this.delegation.step(event, this.now));
  }

  /** Lets time pass, ticking whenever asked; workers named in `alive` send a heartbeat every second with what they hold. */
  pass(ms: number, alive: Record<string, string[]> = {}): void {
    const until = this.now + ms;
    let beatAt = this.now + 1000;
    for (;;) {
      const wakeAt = Math.max(this.delegation.nextWakeAt() ?? Infinity, this.now);
      const next = Math.min(wakeAt, beatAt);
      if (next > until) break;
      this.now = next;
      if (next === beatAt) {
        beatAt += 1000;
        for (const [worker, attempts] of Object.entries(alive))
          this.post({ type: 'heartbeat', worker, attempts, load: 0 });
      } else {
        this.post({ type: 'tick' });
      }
    }
    this.now = until;
  }

  take<T extends DelegatorEffect['type']>(type: T): Of<T>[] {
    const found = this.effects.filter((effect): effect is Of<T> => effect.type === type);
    this.effects = this.effects.filter((effect) => effect.type !== type);
    return found;
  }

  notes(kind: string): Of<'note'>['note'][] {
    return this.effects.flatMap((effect) => (effect.type === 'note' && effect.note.kind === kind ? [effect.note] : []));
  }

  worker(name: string, slots: number, leaseId = `lease-${name}`): void {
    this.post({ type: 'session-up', worker: name, name });
    this.offer(name, slots, leaseId);
  }

  offer(name: string, slots: number, leaseId = `lease-${name}`): void {
    this.post({ type: 'offer', worker: name, offer: sampleOffer(leaseId, slots, { info: sampleInfo({ name }) }) });
  }

  submit(id: string, p80Ms = 1500): void {
    this.post({ type: 'submit', task: sampleTask(id, { p80Ms }) });
  }

  result(worker: string, attempt: string, code = 0, ranMs = 1000): void {
    this.post({ type: 'result', worker, attempt, exit: { how: 'exit', code }, ranMs, cpuMs: ranMs });
  }

  fail(worker: string, attempt: string, code: 'sandbox' | 'owner-returned' | 'lease-expired' | 'missing-file'): void {
    this.post({ type: 'failed', worker, attempt, code, message: 'for the test' });
  }
}

describe('announcing', () => {
  test('demand is announced at once, on growth, every two seconds, and closed after the linger time', () => {
    const bench = new Bench({ nobodyAfterMs: 100_000 });
    bench.submit('t1');
    expect(bench.take('announce')[0]?.announcement).toMatchObject({
      build: 'b1',
      seq: 1,
      demands: [{ count: 1 }],
      offersWanted: 4,
      listeners: 1000,
    });
    for (let i = 2; i <= 8; i++) bench.submit(`t${i}`);
    expect(bench.take('announce')).toEqual([]);
    bench.pass(30);
    expect(bench.take('announce').map((e) => e.announcement.demands[0]?.count)).toEqual([8]);
    bench.pass(250); // nobody answers: more and more are asked, then all have been
    const waves = bench.take('announce').map((e) => e.announcement);
    expect(waves.map((it) => it.offersWanted)).toEqual([20, 100, 334]);
    expect(waves.map((it) => it.listeners)).toEqual([1000, 1000, 1000]);
    bench.pass(4100);
    expect(bench.take('announce')).toHaveLength(2);
    for (let i = 1; i <= 8; i++) bench.post({ type: 'cancel', task: `t${i}` });
    bench.pass(900);
    expect(bench.take('announce')).toEqual([]);
    bench.pass(200);
    const [last, ...more] = bench.take('announce');
    expect(last?.announcement).toMatchObject({ demands: [{ count: 0 }], offersWanted: 0 });
    expect(more).toEqual([]);
    expect(bench.delegation.nextWakeAt()).toBeNull();
  });

  test('leases stay through the linger time and are all released at the end of demand', () => {
    const bench = new Bench();
    bench.submit('t1');
    bench.worker('pear', 1);
    bench.result('pear', 't1#1');
    bench.pass(500);
    expect(bench.take('release')).toEqual([]);
    bench.submit('t2');
    expect(bench.take('award').map((e) => e.attempt)).toEqual(['t1#1', 't2#1']);
    bench.result('pear', 't2#1');
    bench.pass(1100);
    expect(bench.take('release')).toEqual([{ type: 'release', worker: 'pear', leaseId: 'lease-pear', slots: 1 }]);
    expect(bench.delegation.view().slots).toBe(0);
  });

  test('surplus slots go back while the build goes on', () => {
    const bench = new Bench();
    bench.submit('t1');
    bench.worker('pear', 10);
    bench.pass(2500, { pear: ['t1#1'] });
    expect(bench.take('release')).toEqual([]); // nothing is known of this worker yet
    bench.pass(9000, { pear: ['t1#1'] });
    const released = bench.take('release').reduce((sum, e) => sum + e.slots, 0);
    expect(released).toBe(8); // one runs, one is kept for a hedge
  });
});

describe('choosing', () => {
  /** Machines of known speeds, in multiples of this one, with all their slots busy for a moment. */
  function busyFarm(bench: Bench, speeds: Record<string, number>, classIds = ['c++']): (worker: string) => string {
    const first = new Map<string, string>();
    const own = sampleInfo({ bench: 1000 });
    bench.delegation = new Delegation(
      { ownSlots: 0, hereSlots: 2, policy: 'finish', nobodyAfterMs: 1e9, maxWaiting: 1000, attemptSalt: '', own },
      createPrng(1),
    );
    for (const [name, speed] of Object.entries(speeds)) {
      const info = sampleInfo({ name, bench: 1000 * speed });
      bench.post({ type: 'session-up', worker: name, name });
      bench.post({ type: 'offer', worker: name, offer: sampleOffer(`lease-${name}`, 1, { info, classIds }) });
    }
    for (const [name, speed] of Object.entries(speeds)) bench.submit(`first-${name}`, 100 * speed);
    for (const { task, worker } of bench.take('award')) first.set(worker, `${task}#1`);
    bench.effects = [];
    return (worker) => first.get(worker) ?? '';
  }

  test('the longest task goes first', () => {
    const bench = new Bench();
    const first = busyFarm(bench, { pear: 1, plum: 1 });
    bench.submit('short', 500);
    bench.submit('long', 9000);
    bench.submit('middle', 3000);
    bench.result('pear', first('pear'), 0, 100);
    bench.result('plum', first('plum'), 0, 100);
    expect(bench.take('award').map((e) => e.task)).toEqual(['long', 'middle']);
  });

  test('a slow slot gets what will not outlast the build; the longest waits for the fast machine', () => {
    const bench = new Bench();
    const first = busyFarm(bench, { hare: 4, snail: 1 });
    bench.submit('long', 9000);
    bench.submit('short', 500);
    bench.result('snail', first('snail'), 0, 100);
    expect(bench.take('award')).toMatchObject([{ task: 'short', worker: 'snail' }]);
    bench.result('hare', first('hare'), 0, 25);
    expect(bench.take('award')).toMatchObject([{ task: 'long', worker: 'hare' }]);
  });

  test('while first offers come in a long task waits a twentieth of its time for better ones, a short one does not', () => {
    const bench = new Bench({ nobodyAfterMs: 1e9 });
    bench.submit('long', 20_000);
    bench.submit('short', 200);
    bench.worker('pear', 2);
    expect(bench.take('award').map((e) => e.task)).toEqual(['short']);
    bench.result('pear', 'short#1', 0, 200);
    bench.pass(900, { pear: [] });
    expect(bench.take('award')).toEqual([]);
    bench.pass(150, { pear: [] });
    expect(bench.take('award').map((e) => e.task)).toEqual(['long']);
  });

  test('a class that is seldom wanted waits for about one task’s time, however much longer others are', () => {
    const bench = new Bench();
    const first = busyFarm(bench, { pear: 1 }, ['c++', 'fortran']);
    for (let i = 0; i < 50; i++) bench.submit(`long${i}`, 5000);
    const fortran = sampleTask('rare', { class: sampleClass({ id: 'fortran' }), p80Ms: 400 });
    bench.post({ type: 'submit', task: fortran });
    const order: string[] = [];
    for (let attempt = first('pear'); order.length < 5;) {
      bench.pass(450, { pear: [attempt] });
      bench.result('pear', attempt, 0, 450);
      const [award] = bench.take('award');
      attempt = award?.attempt ?? '';
      order.push(award?.task ?? 'none');
    }
    expect(order.indexOf('rare')).toBeGreaterThanOrEqual(0);
    expect(order.indexOf('rare')).toBeLessThanOrEqual(1);
  });

  test('own slots take tasks at once, and what cannot travel goes before', () => {
    const bench = new Bench({ ownSlots: 1, hereSlots: 2 });
    bench.submit('a');
    bench.post({ type: 'submit', task: sampleTask('link', { class: null, staysReason: 'not-a-compile' }) });
    bench.post({ type: 'submit', task: sampleTask('link2', { class: null, staysReason: 'not-a-compile' }) });
    expect(bench.take('run-local')).toMatchObject([
      { task: 'a', reason: 'own-slot' },
      { task: 'link', reason: 'stays', detail: 'not-a-compile' },
    ]);
    bench.post({ type: 'local-ended', task: 'a' });
    expect(bench.take('run-local')).toMatchObject([{ task: 'link2', reason: 'stays' }]);
  });

  test('with nobody there tasks run here after a moment, within the slots of this machine', () => {
    const bench = new Bench({ nobodyAfterMs: 50, hereSlots: 2 });
    for (const id of ['a', 'b', 'c']) bench.submit(id);
    bench.pass(49);
    expect(bench.take('run-local')).toEqual([]);
    bench.pass(2);
    expect(bench.take('run-local')).toMatchObject([{ reason: 'nobody' }, { reason: 'nobody' }]);
    bench.post({ type: 'local-ended', task: 'a' });
    expect(bench.take('run-local')).toMatchObject([{ task: 'c', reason: 'nobody' }]);
  });

  test('an offer for another class of task is no offer', () => {
    const bench = new Bench();
    bench.submit('a');
    bench.post({ type: 'session-up', worker: 'pear', name: 'pear' });
    bench.post({ type: 'offer', worker: 'pear', offer: sampleOffer('l', 4, { classIds: ['fortran'] }) });
    bench.pass(60);
    expect(bench.take('award')).toEqual([]);
    expect(bench.take('run-local')).toMatchObject([{ task: 'a', reason: 'nobody' }]);
  });

  test('past the bound a task is told to run here at once and holds no slot', () => {
    const bench = new Bench({ maxWaiting: 2, nobodyAfterMs: 1e9, hereSlots: 1 });
    for (const id of ['a', 'b', 'c']) bench.submit(id);
    expect(bench.take('run-local')).toMatchObject([{ task: 'c', reason: 'queue-full' }]);
    bench.post({ type: 'submit', task: sampleTask('d', { class: sampleClass() }) });
    expect(bench.take('run-local')).toMatchObject([{ task: 'd', reason: 'queue-full' }]);
    expect(bench.delegation.view().here).toBe(0);
    bench.post({ type: 'local-ended', task: 'c' });
    expect(bench.notes('ended')).toMatchObject([{ task: 'c', how: 'local' }]);
  });
});

describe('leases', () => {
  test('what the worker asks back goes at once when idle, with its task’s end when busy, and no award crosses', () => {
    const bench = new Bench({ nobodyAfterMs: 1e9 });
    for (const id of ['a', 'b']) bench.submit(id, 200);
    bench.worker('pear', 3);
    expect(bench.take('award')).toHaveLength(2);
    bench.post({ type: 'offer', worker: 'pear', offer: sampleOffer('lease-pear', 3, { recalled: 2 }) });
    expect(bench.take('release')).toEqual([{ type: 'release', worker: 'pear', leaseId: 'lease-pear', slots: 1 }]);
    bench.submit('c');
    bench.result('pear', 'a#1');
    expect(bench.take('release')).toEqual([{ type: 'release', worker: 'pear', leaseId: 'lease-pear', slots: 1 }]);
    expect(bench.take('award')).toEqual([]);
    bench.result('pear', 'b#1');
    expect(bench.take('award').map((e) => e.task)).toEqual(['c']);
  });

  test('an offer that crossed a release on its way does not bring slots back', () => {
    const bench = new Bench({ nobodyAfterMs: 1e9 });
    bench.submit('a');
    bench.worker('pear', 3);
    bench.post({ type: 'offer', worker: 'pear', offer: sampleOffer('lease-pear', 3, { recalled: 1 }) });
    expect(bench.take('release')).toHaveLength(1);
    bench.offer('pear', 3); // sent before the release was heard
    expect(bench.delegation.view().slots).toBe(2);
    bench.post({ type: 'offer', worker: 'pear', offer: sampleOffer('lease-pear', 4, { released: 1 }) });
    expect(bench.delegation.view().slots).toBe(4);
  });

  test('a lease given back whole stays given back, whatever was on its way', () => {
    const bench = new Bench();
    bench.submit('a');
    bench.worker('pear', 1);
    bench.result('pear', 'a#1');
    bench.pass(1100, { pear: [] });
    expect(bench.take('release')).toHaveLength(1);
    bench.offer('pear', 2);
    expect(bench.take('release')).toEqual([{ type: 'release', worker: 'pear', leaseId: 'lease-pear', slots: 2 }]);
    expect(bench.delegation.view().slots).toBe(0);
  });

  test('a machine far away is sent tasks ahead while much waits, as many as it takes', () => {
    const bench = new Bench({ nobodyAfterMs: 1e9 });
    for (let i = 0; i < 20; i++) bench.submit(`t${i}`, 200);
    bench.post({ type: 'session-up', worker: 'far', name: 'far' });
    bench.post({ type: 'offer', worker: 'far', offer: sampleOffer('l', 4, { ahead: 1, rttMs: 60 }) });
    expect(bench.take('award')).toHaveLength(5);
    bench.result('far', 't0#1', 0, 200);
    expect(bench.take('award')).toHaveLength(1);
    for (let i = 6; i < 20; i++) bench.post({ type: 'cancel', task: `t${i}` });
    bench.result('far', 't1#1', 0, 200);
    expect(bench.take('award')).toEqual([]);
  });
});

describe('results', () => {
  test('a result is delivered once; compiler errors are results', () => {
    const bench = new Bench();
    bench.submit('a');
    bench.worker('pear', 1);
    bench.result('pear', 'a#1', 1);
    expect(bench.take('deliver')).toEqual([{ type: 'deliver', task: 'a', attempt: 'a#1', worker: 'pear' }]);
    expect(bench.notes('ended')).toMatchObject([{ task: 'a', how: 'remote', worker: 'pear' }]);
    bench.result('pear', 'a#1', 1);
    expect(bench.take('deliver')).toEqual([]);
    expect(bench.take('discard')).toHaveLength(1);
  });

  test('the result of a cancelled task is thrown away, and its slot is free when the worker lets go', () => {
    const bench = new Bench();
    bench.submit('a');
    bench.worker('pear', 1);
    bench.post({ type: 'cancel', task: 'a' });
    expect(bench.take('cancel-attempt')).toMatchObject([{ worker: 'pear', attempt: 'a#1' }]);
    expect(bench.notes('ended')).toMatchObject([{ task: 'a', how: 'cancelled' }]);
    bench.submit('b');
    expect(bench.take('award').map((e) => e.task)).toEqual(['a']);
    bench.result('pear', 'a#1');
    expect(bench.take('deliver')).toEqual([]);
    expect(bench.take('discard')).toHaveLength(1);
    expect(bench.take('award').map((e) => e.task)).toEqual(['b']);
  });

  test('what a worker says after its session has ended changes nothing', () => {
    const bench = new Bench({ nobodyAfterMs: 1e9 });
    bench.submit('a');
    bench.worker('pear', 1);
    bench.post({ type: 'session-down', worker: 'pear' });
    const before = bench.delegation.view();
    bench.offer('pear', 4);
    bench.result('pear', 'a#1');
    bench.post({ type: 'heartbeat', worker: 'pear', attempts: ['a#1'], load: 9 });
    expect(bench.take('deliver')).toEqual([]);
    expect(bench.delegation.view()).toEqual(before);
  });

  test('attempts of two delegators never have the same name', () => {
    const nameBy = (seed: number): string | undefined => {
      const options = { ownSlots: 0, hereSlots: 1, policy: 'first' as const, nobodyAfterMs: 1e9, maxWaiting: 10 };
      const delegation = new Delegation(options, createPrng(seed));
      delegation.step({ type: 'session-up', worker: 'pear', name: '' }, 0);
      delegation.step({ type: 'offer', worker: 'pear', offer: sampleOffer('l', 1) }, 0);
      const effects = delegation.step({ type: 'submit', task: sampleTask('t1') }, 0);
      return effects.flatMap((e) => (e.type === 'award' ? [e.attempt] : []))[0];
    };
    expect(nameBy(1)).toMatch(/^t1#1-/);
    expect(nameBy(1)).not.toBe(nameBy(2));
  });

  test('a worker cannot answer for another', () => {
    const bench = new Bench();
    bench.submit('a');
    bench.worker('pear', 1);
    bench.worker('plum', 1);
    bench.result('plum', 'a#1');
    bench.result('stranger', 'a#1');
    expect(bench.take('deliver')).toEqual([]);
    expect(bench.take('discard')).toHaveLength(2);
    bench.result('pear', 'a#1');
    expect(bench.take('deliver')).toHaveLength(1);
  });
});

test('the slot of a cancelled attempt is free when the worker stops naming it, or after six seconds', () => {
  const bench = new Bench({ nobodyAfterMs: 1e9 });
  bench.worker('pear', 1);
  bench.submit('a');
  bench.post({ type: 'heartbeat', worker: 'pear', attempts: ['a#1'], load: 0 });
  bench.post({ type: 'cancel', task: 'a' });
  bench.submit('b');
  expect(bench.take('award').map((e) => e.task)).toEqual(['a']);
  bench.post({ type: 'heartbeat', worker: 'pear', attempts: [], load: 0 });
  expect(bench.take('award').map((e) => e.task)).toEqual(['b']);
  bench.post({ type: 'cancel', task: 'b' });
  bench.submit('c');
  bench.pass(5900, { pear: ['b#1'] });
  expect(bench.take('award')).toEqual([]);
  bench.pass(200, { pear: ['b#1'] });
  expect(bench.take('award').map((e) => e.task)).toEqual(['c']);
});

describe('failure', () => {
  test('a lost session sends its tasks elsewhere', () => {
    const bench = new Bench();
    bench.submit('a');
    bench.worker('pear', 1);
    bench.worker('plum', 1);
    bench.post({ type: 'session-down', worker: 'pear' });
    expect(bench.take('award').map((e) => [e.worker, e.attempt])).toEqual([
      ['pear', 'a#1'],
      ['plum', 'a#2'],
    ]);
    expect(bench.notes('attempt-failed')).toMatchObject([{ attempt: 'a#1', code: 'worker-lost' }]);
  });

  test('after three failures a task runs here', () => {
    const bench = new Bench();
    bench.submit('a');
    for (const [i, name] of ['pear', 'plum', 'fig'].entries()) {
      bench.worker(name, 1);
      bench.fail(name, `a#${i + 1}`, 'sandbox');
    }
    expect(bench.take('run-local')).toMatchObject([{ task: 'a', reason: 'failed', detail: 'sandbox: for the test' }]);
  });

  test('after two evictions a task runs here, and the worker is not to blame', () => {
    const bench = new Bench();
    bench.submit('a');
    bench.worker('pear', 1);
    bench.worker('plum', 1);
    bench.fail('pear', 'a#1', 'owner-returned');
    bench.fail('plum', 'a#2', 'owner-returned');
    expect(bench.take('run-local')).toMatchObject([{ task: 'a', reason: 'failed' }]);
    expect(bench.notes('worker-excluded')).toEqual([]);
  });

  test('a refused award costs nothing, and does not go round for ever', () => {
    const bench = new Bench();
    bench.submit('a');
    bench.post({ type: 'session-up', worker: 'pear', name: 'pear' });
    let rounds = 0;
    while (bench.take('run-local').length === 0) {
      rounds += 1;
      expect(rounds).toBeLessThan(50);
      bench.offer('pear', 1);
      bench.fail('pear', `a#${rounds}`, 'lease-expired');
    }
    expect(rounds).toBe(15);
  });

  test('six seconds of silence: elsewhere, left out, but a late result still counts, once', () => {
    const bench = new Bench();
    bench.submit('a', 60_000);
    bench.worker('pear', 1);
    bench.post({ type: 'started', worker: 'pear', attempt: 'a#1' });
    bench.pass(5900);
    expect(bench.notes('attempt-failed')).toEqual([]);
    bench.pass(200);
    expect(bench.notes('attempt-failed')).toMatchObject([{ code: 'silent' }]);
    expect(bench.notes('worker-excluded')).toMatchObject([{ worker: 'pear', forMs: 10_000 }]);
    bench.offer('pear', 1, 'another');
    expect(bench.take('release')).toContainEqual({ type: 'release', worker: 'pear', leaseId: 'another', slots: 1 });
    bench.worker('plum', 1);
    bench.effects = bench.effects.filter((e) => e.type !== 'run-local');
    bench.result('pear', 'a#1');
    bench.result('plum', 'a#2');
    expect(bench.take('deliver').length).toBeLessThanOrEqual(1);
  });

  test('a late result of a silent worker wins when the task still waits', () => {
    const bench = new Bench({ nobodyAfterMs: 1e9 });
    bench.submit('a', 60_000);
    bench.worker('pear', 1);
    bench.post({ type: 'started', worker: 'pear', attempt: 'a#1' });
    bench.pass(6100);
    expect(bench.delegation.view().waiting).toBe(1);
    bench.result('pear', 'a#1');
    expect(bench.take('deliver')).toMatchObject([{ task: 'a', attempt: 'a#1' }]);
    expect(bench.delegation.view().tasks).toEqual([]);
  });

  test('exclusion doubles and ends', () => {
    const bench = new Bench({ nobodyAfterMs: 1e9 });
    const spans: number[] = [];
    for (let i = 0; i < 7; i++) {
      bench.submit(`a${i}`, 60_000);
      bench.post({ type: 'session-up', worker: 'pear', name: 'pear' });
      bench.offer('pear', 1, `l${i}`);
      bench.post({ type: 'started', worker: 'pear', attempt: `a${i}#1` });
      bench.pass(6100);
      bench.post({ type: 'cancel', task: `a${i}` });
      const note = bench.notes('worker-excluded').at(-1);
      if (note?.kind === 'worker-excluded') spans.push(note.forMs);
      bench.pass(300_000);
    }
    expect(spans).toEqual([10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]);
  });

  test('this machine slept: nobody was silent', () => {
    const bench = new Bench();
    bench.submit('a', 60_000);
    bench.worker('pear', 1);
    bench.post({ type: 'started', worker: 'pear', attempt: 'a#1' });
    bench.now += 100_000;
    bench.post({ type: 'tick' });
    expect(bench.notes('attempt-failed')).toEqual([]);
    bench.pass(7000);
    expect(bench.notes('attempt-failed')).toMatchObject([{ code: 'silent' }]);
  });

  test('an attempt past its deadline is cancelled and goes elsewhere', () => {
    const bench = new Bench();
    bench.submit('a', 1000);
    bench.worker('pear', 1);
    bench.post({ type: 'started', worker: 'pear', attempt: 'a#1' });
    bench.pass(301_000, { pear: ['a#1'] });
    expect(bench.take('cancel-attempt')).toMatchObject([{ attempt: 'a#1', why: 'past its deadline' }]);
    expect(bench.notes('attempt-failed')).toMatchObject([{ code: 'deadline' }]);
  });

  test('an attempt that the living worker no longer names is given up', () => {
    const bench = new Bench();
    bench.submit('a', 1000);
    bench.worker('pear', 1);
    bench.post({ type: 'started', worker: 'pear', attempt: 'a#1' });
    bench.pass(2900, { pear: [] });
    expect(bench.notes('attempt-failed')).toEqual([]);
    bench.pass(3100, { pear: [] });
    expect(bench.notes('attempt-failed')).toMatchObject([{ attempt: 'a#1', code: 'silent' }]);
    expect(bench.delegation.view().workers[0]?.leases).toMatchObject([{ slots: 1 }]);
  });
});

describe('hedging', () => {
  test('a straggler is doubled on another machine; the first result wins and the loser is told at once', () => {
    const bench = new Bench();
    bench.submit('a', 1000);
    bench.worker('pear', 1);
    bench.worker('plum', 1);
    bench.pass(2900, { pear: ['a#1'], plum: [] });
    expect(bench.take('award')).toHaveLength(1);
    bench.pass(600, { pear: ['a#1'], plum: [] });
    expect(bench.take('award')).toMatchObject([{ worker: 'plum', attempt: 'a#2' }]);
    expect(bench.notes('awarded').at(-1)).toMatchObject({ hedge: true });
    bench.result('plum', 'a#2');
    expect(bench.take('deliver')).toMatchObject([{ attempt: 'a#2' }]);
    expect(bench.take('cancel-attempt')).toMatchObject([{ worker: 'pear', attempt: 'a#1' }]);
    bench.result('pear', 'a#1');
    expect(bench.take('discard')).toMatchObject([{ attempt: 'a#1' }]);
    expect(bench.take('deliver')).toEqual([]);
  });

  test('no third copy, and none while something waits', () => {
    const bench = new Bench();
    // Much work done before, so that the budget is not what forbids a third.
    bench.worker('pear', 100);
    for (let i = 0; i < 100; i++) bench.submit(`t${i}`, 2000);
    for (let i = 1; i < 100; i++) bench.result('pear', `t${i}#1`);
    for (const name of ['plum', 'fig', 'quince']) bench.worker(name, 2);
    bench.submit('waits', 1000);
    bench.take('award');
    bench.pass(20_000, { pear: ['t0#1', 'waits#1'], plum: ['t0#2', 'waits#2'], fig: ['t0#2', 'waits#2'] });
    expect(
      bench
        .take('award')
        .map((e) => e.attempt)
        .sort(),
    ).toEqual(['t0#2', 'waits#2']);
    const busy = new Bench();
    busy.worker('pear', 1);
    busy.submit('a', 1000);
    busy.submit('b', 1000);
    busy.post({ type: 'session-up', worker: 'plum', name: 'plum' });
    busy.post({ type: 'offer', worker: 'plum', offer: sampleOffer('l', 1, { classIds: ['other'] }) });
    busy.pass(20_000, { pear: ['a#1'], plum: [] });
    expect(busy.take('award')).toHaveLength(1);
  });

  test('at the tail a task on a slow machine is doubled within the budget', () => {
    const bench = new Bench();
    bench.delegation.record.observe({ label: 'x', classKey: 'c++', worker: 'snail', ranMs: 1000, overheadMs: 5 });
    for (let i = 0; i < 30; i++) {
      bench.delegation.record.observe({ label: 'x', classKey: 'c++', worker: null, ranMs: 1000, overheadMs: 0 });
      bench.delegation.record.observe({ label: 'x', classKey: 'c++', worker: 'snail', ranMs: 8000, overheadMs: 5 });
    }
    bench.worker('snail', 40);
    for (let i = 0; i < 40; i++) bench.submit(`t${i}`, 5000);
    for (let i = 1; i < 40; i++) bench.result('snail', `t${i}#1`, 0, 5000);
    bench.worker('hare', 2);
    bench.take('award');
    bench.pass(1000, { snail: ['t0#1'], hare: [] });
    expect(bench.take('award')).toMatchObject([{ worker: 'hare', task: 't0' }]);
  });
});

test('ten thousand waiting tasks are no burden: what is looked at for each does not grow with their number', () => {
  /** Counts the questions about workers' speeds: every look at a place or a slot asks one. */
  class CountingRecord extends PastRecord {
    looks = 0;
    override slowness(...args: Parameters<PastRecord['slowness']>): number {
      this.looks += 1;
      return super.slowness(...args);
    }
  }
  const looksPerTask = (tasks: number): number => {
    const record = new CountingRecord();
    const options = { ownSlots: 0, hereSlots: 2, policy: 'finish' as const, nobodyAfterMs: 1e9, maxWaiting: 20_000 };
    const bench = new Bench();
    bench.delegation = new Delegation({ ...options, attemptSalt: '' }, createPrng(1), record);
    for (let i = 0; i < tasks; i++) bench.submit(`t${i}`, 100 + ((i * 7919) % 5000));
    bench.worker('pear', 100);
    bench.pass(2000, { pear: [] });
    let done = 0;
    for (let awards = bench.take('award'); awards.length > 0; awards = bench.take('award')) {
      for (const award of awards) {
        bench.now += 1;
        bench.result('pear', award.attempt, 0, 100);
        done += 1;
      }
      bench.effects = bench.effects.filter((e) => e.type === 'award');
    }
    expect(done).toBe(tasks);
    return record.looks / tasks;
  };
  const few = looksPerTask(1000);
  expect(few).toBeLessThan(100);
  expect(looksPerTask(10_000)).toBeLessThan(1.5 * few);
});
