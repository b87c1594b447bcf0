// What the record learns: durations per unit and class, rates per worker, and that it survives being put on disk.
import { describe, expect, test } from 'vitest';
import { PastRecord, scopeKey } from './record.ts';

function observe(record: PastRecord, label: string, worker: string | null, ranMs: number): void {
  record.observe({ label, classKey: 'c', worker, ranMs, overheadMs: 20 });
}

test('an unknown unit gets its class, an unknown class a guess', () => {
  const record = new PastRecord();
  expect(record.predict('a', 'c')).toEqual({ p50Ms: 1000, p80Ms: 2000, known: false });
  for (let i = 1; i <= 11; i++) observe(record, `u${i}`, null, i * 100);
  expect(record.predict('a', 'c')).toEqual({ p50Ms: 600, p80Ms: 900, known: false });
  expect(record.predict('a', 'other').p50Ms).toBe(1000);
});

test('a known unit gets its own mean and spread', () => {
  const record = new PastRecord();
  for (let i = 0; i < 30; i++) observe(record, 'steady', null, 2000);
  for (let i = 0; i < 30; i++) observe(record, 'wild', null, i % 2 === 0 ? 1000 : 3000);
  const steady = record.predict('steady', 'c');
  const wild = record.predict('wild', 'c');
  expect(steady).toEqual({ p50Ms: 2000, p80Ms: 2000, known: true });
  expect(wild.p80Ms).toBeGreaterThan(wild.p50Ms + 500);
});

describe('rates', () => {
  test('follow actual over predicted, relative to this machine', () => {
    const record = new PastRecord();
    for (let i = 0; i < 20; i++) observe(record, 'u', null, 1000);
    for (let i = 0; i < 40; i++) {
      observe(record, 'u', 'twice', 500);
      observe(record, 'u', 'half', 2000);
      observe(record, 'u', null, 1000);
    }
    expect(record.rate('twice')).toBeGreaterThan(1.7);
    expect(record.rate('twice')).toBeLessThan(2.2);
    expect(record.rate('half')).toBeGreaterThan(0.45);
    expect(record.rate('half')).toBeLessThan(0.6);
    expect(record.rate(null)).toBe(1);
    expect(record.rate('stranger')).toBe(1);
  });

  test('without any task of this machine they do not drift away', () => {
    const record = new PastRecord();
    for (let i = 0; i < 5000; i++) {
      observe(record, `u${i % 50}`, 'fast', 250);
      observe(record, `u${(i + 7) % 50}`, 'slow', 1000);
    }
    const ratio = record.rate('fast') / record.rate('slow');
    expect(ratio).toBeGreaterThan(3);
    expect(ratio).toBeLessThan(5);
    expect(record.rate('fast')).toBeLessThan(5);
    expect(record.rate('slow')).toBeGreaterThan(0.2);
  });

  test('a unit that is much larger than its kind says little of the machine where it ran first', () => {
    const record = new PastRecord();
    for (let i = 0; i < 30; i++) observe(record, `small${i}`, 'w', 1000);
    observe(record, 'huge', 'w', 300_000);
    expect(record.slowness('w')).toBeLessThan(1.5);
    expect(record.predict('huge', 'c').p50Ms).toBeGreaterThan(200_000);
  });

  test('one absurd observation is bounded', () => {
    const record = new PastRecord();
    observe(record, 'u', null, 1);
    observe(record, 'u', 'w', 1e9);
    expect(record.rate('w')).toBeGreaterThanOrEqual(0.05);
  });
});

describe('projects and kinds', () => {
  test('a worker may be fast at one kind and slow at another', () => {
    const record = new PastRecord();
    for (let i = 0; i < 60; i++) {
      for (const kind of ['-O0', '-O2']) {
        record.observe({ label: `u${i % 5}`, classKey: kind, project: '/p', worker: null, ranMs: 1000, overheadMs: 0 });
        const ranMs = kind === '-O0' ? 500 : 2000;
        record.observe({ label: `u${i % 5}`, classKey: kind, project: '/p', worker: 'w', ranMs, overheadMs: 0 });
      }
    }
    expect(record.rate('w', scopeKey('/p', '-O0'))).toBeGreaterThan(1.5);
    expect(record.rate('w', scopeKey('/p', '-O2'))).toBeLessThan(0.65);
    // Elsewhere it is what it is on the whole.
    expect(record.rate('w', scopeKey('/q', '-O2'))).toBe(record.rate('w'));
  });

  test('a unit is one by its label and its kind; a new project begins with what others say of the kind', () => {
    const record = new PastRecord();
    for (let i = 0; i < 20; i++) {
      record.observe({ label: `/p/u${i}`, classKey: '-O2', project: '/p', worker: null, ranMs: 4000, overheadMs: 0 });
    }
    expect(record.predict('/p/u1', '-O2', { project: '/p' })).toEqual({ p50Ms: 4000, p80Ms: 5055, known: true });
    expect(record.predict('/p/u1', '-O0', { project: '/p' }).known).toBe(false);
    expect(record.predict('/q/new', '-O2', { project: '/q' })).toEqual({ p50Ms: 4000, p80Ms: 4000, known: false });
    for (let i = 0; i < 20; i++) {
      record.observe({ label: `/q/u${i}`, classKey: '-O2', project: '/q', worker: null, ranMs: 100, overheadMs: 0 });
    }
    expect(record.predict('/q/new', '-O2', { project: '/q' }).p50Ms).toBe(100);
    expect(record.predict('/p/new', '-O2', { project: '/p' }).p50Ms).toBe(4000);
  });

  test('forgets a project, a worker, or a worker in a project', () => {
    const seen = (): PastRecord => {
      const record = new PastRecord();
      for (const project of ['/p', '/q'])
        for (const worker of ['v', 'w', null])
          record.observe({ label: `${project}/u`, classKey: 'k', project, worker, ranMs: 10, overheadMs: 0 });
      return record;
    };
    const tables = (record: PastRecord): string[][] => {
      const { units, kinds, workers, rates } = record.export();
      return [
        units.map((row) => row[0]),
        kinds.map((row) => row[0]).sort(),
        workers.map((row) => row[0]),
        rates.map((row) => row[0] + row[1]).sort(),
      ];
    };
    const record = seen();
    expect(tables(record)).toEqual([
      ['/p', '/q'],
      ['', '/p', '/q'],
      ['v', 'w'],
      ['v/p', 'v/q', 'w/p', 'w/q'],
    ]);
    record.forget({ project: '/p' });
    expect(tables(record)).toEqual([['/q'], ['', '/q'], ['v', 'w'], ['v/q', 'w/q']]);
    const other = seen();
    other.forget({ worker: 'v' });
    expect(tables(other)).toEqual([['/p', '/q'], ['', '/p', '/q'], ['w'], ['w/p', 'w/q']]);
    other.forget({ worker: 'w', project: '/q' });
    expect(tables(other)[3]).toEqual(['w/p']);
    other.forget({});
    expect(tables(other)).toEqual([[], [], [], []]);
  });
});

describe('age', () => {
  const DAY = 86_400_000;
  const START = 1_700_000_000_000;

  test('an old rate leans towards 1, half of it after two weeks', () => {
    const record = new PastRecord();
    record.advance(START);
    for (let i = 0; i < 40; i++) {
      observe(record, 'u', null, 1000);
      observe(record, 'u', 'w', 4000);
    }
    const fresh = record.slowness('w');
    expect(fresh).toBeGreaterThan(3);
    record.advance(START + 14 * DAY);
    expect(record.slowness('w')).toBeCloseTo(Math.sqrt(fresh), 5);
    expect(record.slowness('w', scopeKey('', 'c'))).toBeGreaterThan(1);
    record.advance(START + 3650 * DAY);
    expect(record.slowness('w')).toBeCloseTo(1, 5);
    // A clock that was put back finds it as it was.
    record.advance(START - DAY);
    expect(record.slowness('w')).toBe(fresh);
  });

  test('a new duration counts the more the older the known one is', () => {
    const after = (days: number): number => {
      const record = new PastRecord();
      record.advance(START);
      observe(record, 'u', null, 1000);
      record.advance(START + days * DAY);
      observe(record, 'u', null, 2000);
      return record.predict('u', 'c').p50Ms;
    };
    expect(after(0)).toBe(1250);
    expect(after(14)).toBe(1625);
    expect(after(1000)).toBe(2000);
  });

  test('of a kind, the latest durations count more than old ones', () => {
    const record = new PastRecord();
    record.advance(START);
    for (let i = 0; i < 30; i++) observe(record, `old${i}`, null, 8000);
    record.advance(START + 56 * DAY);
    for (let i = 0; i < 10; i++) observe(record, `new${i}`, null, 1000);
    expect(record.predictClass('c').p50Ms).toBe(1000);
  });
});

describe('memory', () => {
  const peak = (record: PastRecord, label: string, memBytes: number): void =>
    record.observe({ label, classKey: 'c', worker: 'w', ranMs: 1000, overheadMs: 0, memBytes });

  test('a unit has its own peak, which falls slowly; a new one the 95th percentile of its kind', () => {
    const record = new PastRecord();
    expect(record.memory('u', 'c')).toBeNull();
    peak(record, 'u', 900);
    expect(record.memory('u', 'c')).toBe(900);
    expect(record.memory('other', 'c')).toBeNull();
    peak(record, 'u', 500);
    expect(record.memory('u', 'c')).toBe(800);
    peak(record, 'u', 0);
    expect(record.memory('u', 'c')).toBe(800);
    peak(record, 'u', 1000);
    expect(record.memory('u', 'c')).toBe(1000);
    for (let i = 1; i <= 100; i++) peak(record, `u${i}`, i * 10_000);
    expect(record.memory('other', 'c')).toBeGreaterThan(940_000);
    expect(record.memory('other', 'c')).toBeLessThan(960_000);
  });
});

describe('changes', () => {
  test('what is taken once is not given again, and replayed it makes the same record', () => {
    const record = new PastRecord();
    expect(record.takeChanges()).toBeNull();
    for (let i = 0; i < 30; i++) observe(record, `u${i % 9}`, i % 3 === 0 ? 'w' : null, 100 + i);
    const first = record.takeChanges();
    expect(PastRecord.import(first).export()).toEqual(record.export());
    expect(record.takeChanges()).toBeNull();
    observe(record, 'u3', null, 77);
    const second = record.takeChanges();
    expect(second?.units.map((row) => row[2])).toEqual(['u3']);
    expect(second?.workers).toEqual([]);
    record.forget({});
    observe(record, 'u4', 'v', 77);
    expect(record.takeChanges()?.units.map((row) => row[2])).toEqual(['u4']);
  });
});

describe('as plain data', () => {
  test('what the first version kept is taken in', () => {
    const old = {
      version: 1,
      labels: [
        ['/p/a.cc', 3000, 100, 7],
        ['bad', 0, 0, 1],
      ],
      classes: [['c', [1, 2]]],
      workers: [['w', 2, 15, 9]],
    };
    const record = PastRecord.import(old, 1_700_000_000_000);
    expect(record.predict('/p/a.cc', 'g++ -O2')).toEqual({ p50Ms: 3000, p80Ms: 3106, known: true });
    expect([record.slowness('w'), record.overheadMs('w'), record.count('w')]).toEqual([2, 15, 9]);
    record.observe({ label: '/p/a.cc', classKey: 'g++ -O2', worker: null, ranMs: 2000, overheadMs: 0 });
    expect(record.export().units).toEqual([['', 'g++ -O2', '/p/a.cc', 2750, 325, 8, 0, 0, 1_700_000_000_000]]);
  });

  test('out and in again, through JSON', () => {
    const record = new PastRecord();
    for (let i = 0; i < 50; i++) observe(record, `u${i % 7}`, i % 2 === 0 ? 'w' : null, 100 + i);
    const again = PastRecord.import(JSON.parse(JSON.stringify(record.export())));
    expect(again.export()).toEqual(record.export());
    expect(again.predict('u3', 'c')).toEqual(record.predict('u3', 'c'));
    expect(again.rate('w')).toBe(record.rate('w'));
    expect(again.overheadMs('w')).toBe(record.overheadMs('w'));
  });

  test.each([
    null,
    7,
    'x',
    [],
    {},
    { version: 3, labels: [['a', 1, 1, 1]] },
    {
      version: 2,
      units: [['p', 'k', 'u', 0, 0, 1, 0, 0, 0], ['p', 'k', 'u', 1, 1], ['p', 'k', 7, 1, 1, 1, 1, 1, 1], 'x'],
      kinds: [['p', 'k', [[0, 1, 1, 1], [1, -1, 1, 1], [1, 1], 3, null], 'no'], ['p']],
      workers: [['w', 1, 1, 1, Infinity, 1, 1]],
      rates: [['w', 'p', 'k', 1, 1, 1], [1]],
    },
    { version: 1, labels: 'no', classes: [[1, 2]], workers: [['w', -1, 0, 1], ['w'], null, 5] },
    {
      version: 1,
      labels: [
        ['a', Number.NaN, 1, 1],
        ['b', Infinity, 0, 1],
        [3, 1, 1, 1],
      ],
      classes: [['c', 'x']],
      workers: [],
    },
  ])('damaged data is left out: %j', (data) => {
    expect(PastRecord.import(data).export()).toEqual({ version: 2, units: [], kinds: [], workers: [], rates: [] });
  });

  test('bounded: the oldest units are forgotten', () => {
    const record = new PastRecord();
    for (let i = 0; i < 50_010; i++) observe(record, `u${i}`, null, 100);
    const { units } = record.export();
    expect(units).toHaveLength(50_000);
    expect(units[0]?.[2]).toBe('u10');
  });
});
