// The policy is the task's own where it names one, and what is learnt of a task is learnt under its project and kind.
import { expect, test } from 'vitest';
import { createPrng } from '../../base/prng.ts';
import { scopeKey } from '../record/record.ts';
import type { PolicyName } from '../selection/index.ts';
import { sampleInfo, sampleOffer, sampleTask } from '../testing/samples.ts';
import { Delegation } from './delegation.ts';
import type { DelegatorEvent, TaskSpec } from './types.ts';

const START = 1_700_000_000_000;

class Desk {
  readonly delegation: Delegation;
  now = 1000;

  constructor(policy: PolicyName = 'finish') {
    this.delegation = new Delegation(
      { ownSlots: 0, hereSlots: 2, policy, nobodyAfterMs: 50, maxWaiting: 100, attemptSalt: '' },
      createPrng(1),
    );
    this.delegation.record.advance(START);
  }

  /** Who got a task by this event. */
  post(event: DelegatorEvent): string[] {
    this.now += 1;
    return this.delegation.step(event, this.now).flatMap((effect) => (effect.type === 'award' ? [effect.worker] : []));
  }

  /** Three machines with one free slot each: here first, fastest clock, fastest so far. */
  farm(): void {
    for (const [name, ghz] of [
      ['early', 2],
      ['clock', 5],
      ['proven', 2],
    ] as const) {
      this.post({ type: 'session-up', worker: name, name });
      this.post({
        type: 'offer',
        worker: name,
        offer: sampleOffer(`lease-${name}`, 1, { info: sampleInfo({ name, ghz, bench: 0 }) }),
      });
    }
    const seen = { label: 'seen', classKey: 'k', project: '/p' };
    for (let i = 0; i < 20; i++) {
      this.delegation.record.observe({ ...seen, worker: null, ranMs: 1000, overheadMs: 0 });
      this.delegation.record.observe({ ...seen, worker: 'proven', ranMs: 300, overheadMs: 900 });
    }
  }

  submit(id: string, parts: Partial<TaskSpec> = {}): string[] {
    return this.post({
      type: 'submit',
      task: { ...sampleTask(id, { p80Ms: 1000 }), project: '/p', kind: 'k', ...parts },
    });
  }
}

test.each([
  ['first', 'early'],
  ['info', 'clock'],
  ['record', 'proven'],
] as const)('%s chooses as it says, as the default and as a task’s own', (policy, worker) => {
  const byDefault = new Desk(policy);
  byDefault.farm();
  expect(byDefault.submit('t')).toEqual([worker]);
  const own = new Desk('finish');
  own.farm();
  expect(own.submit('t', { policy })).toEqual([worker]);
});

test('tasks of different policies wait in one queue', () => {
  const desk = new Desk();
  desk.submit('a', { policy: 'record', p80Ms: 3000 });
  desk.submit('b', { policy: 'info', p80Ms: 2000 });
  const got: string[] = [];
  for (const [name, ghz] of [
    ['x', 2],
    ['y', 5],
  ] as const) {
    desk.post({ type: 'session-up', worker: name, name });
    got.push(
      ...desk.post({
        type: 'offer',
        worker: name,
        offer: sampleOffer(`l-${name}`, 1, { info: sampleInfo({ name, ghz }) }),
      }),
    );
  }
  expect(got).toEqual(['x', 'y']);
});

test('a result teaches duration, size and memory of the unit, and the worker’s rate in project and kind', () => {
  const desk = new Desk();
  desk.post({ type: 'session-up', worker: 'w', name: 'w' });
  desk.post({ type: 'offer', worker: 'w', offer: sampleOffer('l', 1) });
  expect(desk.submit('t', { label: '/p/a.cc', bytes: 7_000_000 })).toEqual(['w']);
  desk.now += 500;
  const exit = { how: 'exit', code: 0 } as const;
  desk.post({ type: 'result', worker: 'w', attempt: 't#1', exit, ranMs: 400, cpuMs: 390, memBytes: 600_000_000 });
  const { record } = desk.delegation;
  expect(record.memory('/p/a.cc', 'k')).toBe(600_000_000);
  expect(record.export().units).toEqual([['/p', 'k', '/p/a.cc', 400, 100, 1, 600_000_000, 7_000_000, START]]);
  expect(record.export().rates.map((row) => row.slice(0, 3))).toEqual([['w', '/p', 'k']]);
});

test('time and forgetting come as events', () => {
  const desk = new Desk();
  desk.farm();
  const { record } = desk.delegation;
  const before = record.slowness('proven', scopeKey('/p', 'k'));
  desk.post({ type: 'wall-clock', wallMs: START + 14 * 86_400_000 });
  expect(record.slowness('proven')).toBeGreaterThan(before);
  expect(record.slowness('proven')).toBeLessThan(1);
  desk.post({ type: 'forget', worker: 'proven' });
  expect(record.count('proven')).toBe(0);
  desk.post({ type: 'forget' });
  expect(record.export().units).toEqual([]);
});
