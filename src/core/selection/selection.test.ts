// The policies, on small hand-made choices.
import { describe, expect, test } from 'vitest';
import { probabilityFree } from './finish.ts';
import { policies, policyNames } from './index.ts';
import { scoreOf } from './info.ts';
import type { WorkerInfo } from '../types.ts';
import type { Candidate, Tail } from './types.ts';

function place(worker: string | null, parts: Partial<Candidate> = {}): Candidate {
  const own = worker === null;
  return {
    worker,
    leaseId: own ? null : 'l',
    rate: 1,
    past: parts.rate ?? 1,
    info: null,
    load: 0,
    linkMs: 0,
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

function told(parts: Partial<WorkerInfo>): WorkerInfo {
  const machine = { name: 'm', arch: 'x86_64', os: 'linux', cores: 8, slots: 8, cpuModel: 'Example 3000', bench: 0 };
  const memory = { memTotalBytes: 16 * 1024 ** 3, memFreeBytes: 8 * 1024 ** 3 };
  const more = { bench: 0, graceMs: 0, toolchains: [] };
  return {
    ...machine,
    ...memory,
    ...more,
    ghz: 3,
    load: 0,
    pressure: 0,
    freeFor: [],
    graceMs: 0,
    toolchains: [],
    ...parts,
  };
}

describe('info', () => {
  const choose = (places: Candidate[]): string | null | undefined => policies.info.choose(task, places, null)?.worker;

  test('clock, load, pressure and memory, each decides when the rest is equal', () => {
    const plain = place('plain', { info: told({}), arrival: 1 });
    expect(choose([plain, place('faster', { info: told({ ghz: 4 }), arrival: 2 })])).toBe('faster');
    expect(choose([plain, place('loaded', { info: told({ ghz: 4 }), load: 2, arrival: 2 })])).toBe('plain');
    expect(choose([plain, place('pressed', { info: told({ ghz: 4, pressure: 60 }), arrival: 2 })])).toBe('plain');
    const short = told({ ghz: 4, memFreeBytes: 100 * 1024 ** 2 });
    expect(choose([plain, place('short', { info: short, arrival: 2 })])).toBe('plain');
    expect(choose([place('later', { info: told({}), arrival: 2 }), plain])).toBe('plain');
    expect(choose([])).toBeUndefined();
  });

  test('the link counts for short tasks; measured scores before clocks, when all have one', () => {
    const near = place('near', { info: told({}), linkMs: 5, arrival: 2 });
    const far = place('far', { info: told({ ghz: 3.1 }), linkMs: 900, arrival: 1 });
    expect(choose([near, far])).toBe('near');
    expect(policies.info.choose({ estimateMs: 600_000 }, [near, far], null)?.worker).toBe('far');
    const scored = place('scored', { info: told({ ghz: 2, bench: 900 }), arrival: 2 });
    expect(choose([scored, place('clocked', { info: told({ ghz: 4, bench: 500 }) })])).toBe('scored');
    expect(choose([scored, place('clocked', { info: told({ ghz: 4 }) })])).toBe('clocked');
  });

  test('what a machine did before does not count', () => {
    expect(
      choose([place('slow', { info: told({}), rate: 0.1 }), place('said-less', { info: told({ ghz: 2 }), rate: 9 })]),
    ).toBe('slow');
  });

  test('a machine that says nothing counts as an idle one of two gigahertz', () => {
    expect(scoreOf({ info: null, load: 0 }, false)).toBe(scoreOf({ info: told({ ghz: 0 }), load: 0 }, false));
    expect(choose([place(null), place('told', { info: told({}) })])).toBe('told');
  });
});

describe('record', () => {
  const choose = (places: Candidate[]): string | null | undefined => policies.record.choose(task, places, null)?.worker;

  test('a promise is no past', () => {
    expect(choose([place('promises', { rate: 3, past: 1 }), place('kept', { rate: 1.2, past: 1.2 })])).toBe('kept');
  });

  test('the fastest so far, and nothing else', () => {
    const slowOnPaper = place('fast', { rate: 2, info: told({ ghz: 1 }), load: 3, overheadMs: 900, arrival: 3 });
    expect(choose([place('said-more', { rate: 1.5, info: told({ ghz: 5 }), arrival: 1 }), slowOnPaper])).toBe('fast');
    expect(choose([place('b', { arrival: 5 }), place('a', { arrival: 4 })])).toBe('a');
    expect(choose([place('slower', { rate: 0.5 }), place(null)])).toBeNull();
    expect(choose([])).toBeUndefined();
  });
});

test('every name has its policy', () => {
  expect(policyNames.map((name) => policies[name].name)).toEqual([...policyNames]);
  expect(Object.keys(policies).sort()).toEqual([...policyNames].sort());
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
