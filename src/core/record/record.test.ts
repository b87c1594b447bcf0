// What the record learns: durations per unit and class, rates per worker, and that it survives being put on disk.
import { describe, expect, test } from 'vitest';
import { PastRecord } from './record.ts';

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

  test('one absurd observation is bounded', () => {
    const record = new PastRecord();
    observe(record, 'u', null, 1);
    observe(record, 'u', 'w', 1e9);
    expect(record.rate('w')).toBeGreaterThanOrEqual(0.05);
  });
});

describe('as plain data', () => {
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
    { version: 2, labels: [['a', 1, 1, 1]] },
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
    expect(PastRecord.import(data).export()).toEqual({ version: 1, labels: [], classes: [], workers: [] });
  });

  test('bounded: the oldest units are forgotten', () => {
    const record = new PastRecord();
    for (let i = 0; i < 50_010; i++) observe(record, `u${i}`, null, 100);
    const { labels } = record.export();
    expect(labels).toHaveLength(50_000);
    expect(labels[0]?.[0]).toBe('u10');
  });
});
