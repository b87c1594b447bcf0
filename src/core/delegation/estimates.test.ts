// Tasks whose kind becomes known while they wait or run; what is expected of one that has run for a while; copies of what hangs.
import { describe, expect, test } from 'vitest';
import { createPrng } from '../../base/prng.ts';
import { PastRecord } from '../record/record.ts';
import { sampleClass, sampleInfo, sampleOffer } from '../testing/samples.ts';
import { Delegation } from './delegation.ts';
import { expectedWorkMs } from './expected.ts';
import type { Task } from './parts.ts';
import type { DelegatorEffect, DelegatorEvent } from './types.ts';

const OPTIONS = {
  ownSlots: 0,
  hereSlots: 1,
  policy: 'finish',
  nobodyAfterMs: 60_000,
  maxWaiting: 100_000,
  attemptSalt: '',
} as const;

class Bench {
  now = 0;
  readonly record = new PastRecord();
  readonly delegation = new Delegation(OPTIONS, createPrng(1), this.record);

  step(event: DelegatorEvent, ms = 0): DelegatorEffect[] {
    this.now += ms;
    return this.delegation.step(event, this.now);
  }

  submit(id: string, label = id): DelegatorEffect[] {
    const spec = {
      build: 'b',
      class: sampleClass({ id: 'c', p50Ms: 1000, p80Ms: 3000 }),
      staysReason: '',
      p80Ms: null,
    };
    return this.step({ type: 'submit', task: { id, label, ...spec, bytes: 1000 } });
  }

  offer(worker: string, slots: number): DelegatorEffect[] {
    this.step({ type: 'session-up', worker, name: worker });
    const offer = sampleOffer(`lease-${worker}`, slots, { classIds: ['c'], info: sampleInfo({ name: worker, slots }) });
    return this.step({ type: 'offer', worker, offer });
  }

  estimateOf(id: string): number {
    return this.delegation.view(this.now).tasks.find((task) => task.id === id)?.estimateMs ?? NaN;
  }

  /** Lets time pass in steps that nobody takes for sleep; what was decided meanwhile. */
  pass(ms: number, beat: () => void = () => undefined): DelegatorEffect[] {
    const effects: DelegatorEffect[] = [];
    for (let passed = 0; passed < ms; passed += 250) {
      effects.push(...this.step({ type: 'tick' }, 250));
      if (passed % 2000 === 0) beat();
    }
    return effects;
  }
}

const awardsIn = (effects: readonly DelegatorEffect[]) => effects.filter((effect) => effect.type === 'award');

describe('a kind that becomes known', () => {
  test('gives what waits and what runs a new estimate, but not what was seen itself', () => {
    const bench = new Bench();
    bench.record.observe({ label: 'seen', classKey: 'c', worker: null, ranMs: 9000, overheadMs: 0 });
    bench.submit('seen');
    for (let i = 0; i < 40; i++) bench.submit(`t${i}`);
    const seenMs = bench.estimateOf('seen');
    expect(bench.estimateOf('t39')).toBe(3000);
    const running = awardsIn([...bench.offer('w', 12), ...bench.pass(2000)]).map(({ attempt, task }) => ({
      attempt,
      task,
    }));
    const others = running.filter(({ task }) => task !== 'seen');
    for (const { attempt } of others.slice(0, 8)) {
      bench.step({ type: 'result', worker: 'w', attempt, exit: { how: 'exit', code: 0 }, ranMs: 100, cpuMs: 100 });
    }
    const stillRuns = others[8]?.task ?? '';
    expect(bench.estimateOf('t39')).toBeLessThan(2500);
    expect(bench.estimateOf(stillRuns)).toBeLessThan(2500);
    expect(bench.estimateOf('seen')).toBe(seenMs);
  });
});

describe('what is expected of a task that has run for a while', () => {
  const ofKind = { estimateMs: 1000, meanMs: 690, sigma: 0.8 } as Task;

  test('never seen: the mean at first, and the more the longer it runs', () => {
    expect(expectedWorkMs(ofKind, 0)).toBeCloseTo(690, -1);
    let before = 0;
    for (const doneMs of [0, 100, 500, 1000, 5000, 50_000, 5_000_000]) {
      const wholeMs = expectedWorkMs(ofKind, doneMs);
      expect(wholeMs).toBeGreaterThanOrEqual(Math.max(before, doneMs));
      before = wholeMs;
    }
  });

  test('seen before: its estimate, and past that half as much again', () => {
    const seen = { estimateMs: 1000, meanMs: 1000, sigma: 0 } as Task;
    expect(expectedWorkMs(seen, 900)).toBe(1000);
    expect(expectedWorkMs(seen, 2000)).toBe(3000);
  });
});

test('a command that hangs on the only lease: slots are asked for, and the first that comes takes a copy', () => {
  const bench = new Bench();
  bench.record.observe({ label: 'hangs', classKey: 'c', worker: null, ranMs: 1000, overheadMs: 0 });
  bench.submit('hangs');
  const [first] = awardsIn([...bench.offer('w', 1), ...bench.pass(1000)]);
  if (first === undefined) throw new Error('nothing was awarded');
  const beat = (): void => {
    bench.step({ type: 'heartbeat', worker: 'w', attempts: [first.attempt], load: 0 });
  };
  const quiet = bench.pass(1500, beat).filter((effect) => effect.type === 'announce');
  expect(quiet.every(({ announcement }) => announcement.offersWanted === 0)).toBe(true);
  const late = bench.pass(8000, beat).filter((effect) => effect.type === 'announce');
  expect(late.some(({ announcement }) => announcement.offersWanted > 0)).toBe(true);
  const copies = awardsIn([...bench.offer('x', 1), ...bench.pass(500)]);
  expect(copies).toMatchObject([{ worker: 'x', task: 'hangs' }]);
});

test('a compile that failed here teaches nothing, one that went well or of which nothing is known does', () => {
  const bench = new Bench();
  const ends = [false, true, undefined];
  for (const [i, succeeded] of ends.entries()) {
    const id = `here${i}`;
    const spec = { build: 'b', class: sampleClass({ id: 'c' }), staysReason: '', p80Ms: null, bytes: 1 };
    bench.step({ type: 'submit', task: { id, label: id, ...spec } });
    const ran = bench.pass(61_000).filter((effect) => effect.type === 'run-local');
    expect(ran).toMatchObject([{ task: id }]);
    bench.step({ type: 'local-ended', task: id, ...(succeeded === undefined ? {} : { succeeded }) }, 500);
    expect(bench.record.predict(id, 'c').known, `succeeded: ${succeeded}`).toBe(succeeded !== false);
  }
});
