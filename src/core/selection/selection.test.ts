// The policies, on small hand-made choices.
import { describe, expect, test } from 'vitest';
import { probabilityFree } from './finish.ts';
import { policies } from './index.ts';
import type { Candidate, Tail } from './types.ts';

function place(worker: string | null, parts: Partial<Candidate> = {}): Candidate {
  const own = worker === null;
  return {
    worker,
    leaseId: own ? null : 'l',
    rate: 1,
    overheadMs: own ? 0 : 10,
    freeFor: [],
    arrival: own ? 0 : 1,
    ...parts,
  };
}

const task = { estimateMs: 4000 };

describe('first', () => {
  test('order of arrival, own slots before all', () => {
    const places = [place('b', { arrival: 7, rate: 9 }), place('a', { arrival: 3 }), place(null)];
    expect(policies.first.choose(task, places, null)?.worker).toBeNull();
    expect(policies.first.choose(task, places.slice(0, 2), null)?.worker).toBe('a');
    expect(policies.first.choose(task, [], null)).toBeNull();
  });
});

describe('finish', () => {
  const choose = (places: Candidate[], tail: Tail | null = null): string | null | undefined =>
    policies.finish.choose(task, places, tail)?.worker;

  test('the fastest, the sending included', () => {
    expect(choose([place('slow', { rate: 0.5 }), place('fast', { rate: 2 }), place(null)])).toBe('fast');
    expect(choose([place('far', { rate: 2, overheadMs: 9000 }), place('near')])).toBe('near');
    expect(choose([place('a', { arrival: 2 }), place('b', { arrival: 1 })])).toBe('b');
  });

  test('a machine that may be taken back soon counts less', () => {
    expect(
      choose([place('leaving', { rate: 1.5, freeFor: [0.1, 0.05] }), place('staying', { freeFor: [1, 0.9] })]),
    ).toBe('leaving'); // four seconds are short beside a minute
    const long = { estimateMs: 240_000 };
    const places = [place('leaving', { rate: 1.5, freeFor: [0.1, 0.05] }), place('staying', { freeFor: [1, 0.9] })];
    expect(policies.finish.choose(long, places, null)?.worker).toBe('staying');
  });

  test('at the tail a slow slot stays idle when a fast one is free soon', () => {
    const slow = place('slow', { rate: 0.2 });
    const busy = [{ rate: 2, remainingMs: 1000 }];
    expect(choose([slow], { runningMs: 1000, queueMs: 0, busy })).toBeUndefined();
    expect(choose([slow], { runningMs: 60_000, queueMs: 0, busy })).toBe('slow'); // something else takes longer anyway
    expect(choose([slow], { runningMs: 1000, queueMs: 60_000, busy })).toBe('slow'); // the fast one has much to do
    expect(choose([slow], { runningMs: 1000, queueMs: 0, busy: [] })).toBe('slow');
  });
});

test('S(d) between its points', () => {
  expect(probabilityFree([], 1e9)).toBe(1);
  expect(probabilityFree([0.8, 0.4], 0)).toBe(1);
  expect(probabilityFree([0.8, 0.4], 30_000)).toBeCloseTo(0.9);
  expect(probabilityFree([0.8, 0.4], 60_000)).toBeCloseTo(0.8);
  expect(probabilityFree([0.8, 0.4], 180_000)).toBeCloseTo(0.6);
  expect(probabilityFree([0.8, 0.4], 1e9)).toBeCloseTo(0.4);
});
