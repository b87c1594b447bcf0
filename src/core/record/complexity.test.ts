// Size as a measure of units never seen, on units measured once: half of them are the past, the other half is foretold.
import { describe, expect, test } from 'vitest';
import { createPrng } from '../../base/prng.ts';
import { fitLine, weightedQuantile } from './complexity.ts';
import { PastRecord } from './record.ts';

/** Every second unit of abseil and RE2, g++ 12 -O2: sources and headers in KiB, CPU in ms, peak of memory in MiB. */
const MEASURED = `
  3249,700,96 3601,945,106 2281,470,72 3252,720,99 1417,318,58 3598,878,102 272,38,27 1942,408,65 4182,759,113
  4137,1073,125 3410,909,103 4132,990,130 6365,1934,224 2665,605,75 5263,1570,154 1568,1529,81 2355,586,74
  2294,499,71 2547,511,71 1709,396,54 2808,596,81 4550,1892,151 3961,927,113 4689,1971,163 6803,3806,259
  4103,1381,125 5271,1665,151 4509,1367,138 5308,2079,161 4539,1675,148 875,149,42 4460,1332,138 4088,1058,122
  3146,880,95 4797,2011,154 3690,882,104 7101,3105,265 607,90,37 3867,892,123 3396,754,102 3802,847,115
  2425,420,76 258,25,22 4201,863,126 4093,891,124 6581,2517,207 6343,2346,202 3879,1250,124 5647,2184,189
  2991,1355,99 5692,1817,183 5434,1374,168 5423,1194,165 3078,484,94 6099,1840,194 1462,156,50 4481,968,145
  1862,374,65 4027,1748,139 2285,356,70 1957,400,65 1405,273,54 3021,641,87 3905,1254,124 3424,618,101
  3953,606,111 3698,702,105 2742,1046,94 3636,756,104 3343,734,96 3257,717,94 4522,1874,134 4114,1669,137
  4081,1565,136 2250,582,82 2701,1413,102 3507,1328,121 2509,807,89 1439,298,58 2691,854,96 4906,1283,162
  7046,3820,299 4886,1303,148 5156,1704,185 87,24,21 6863,3604,271 5295,2280,198 4902,1667,172 5175,1227,169
  208,50,26 5057,1588,168 1254,255,53
`;

interface Unit {
  readonly label: string;
  readonly bytes: number;
  readonly ranMs: number;
  readonly memBytes: number;
}

const units: readonly Unit[] = MEASURED.trim()
  .split(/\s+/)
  .map((row, i) => {
    const [kib = 0, ranMs = 0, mib = 0] = row.split(',').map(Number);
    return { label: `u${i}`, bytes: kib * 1024, ranMs, memBytes: mib * 1024 ** 2 };
  });

function shuffled<T>(items: readonly T[], seed: number): T[] {
  const prng = createPrng(seed);
  return items
    .map((item) => ({ item, at: prng() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

function learn(past: readonly Unit[]): PastRecord {
  const record = new PastRecord();
  for (const unit of past) record.observe({ ...unit, classKey: 'k', project: '/p', worker: null, overheadMs: 0 });
  return record;
}

/** Mean of |ln(actual / guess)|: 0.69 is off by a factor of two. */
function errorOf(future: readonly Unit[], guess: (unit: Unit) => number, actual: (unit: Unit) => number): number {
  return future.reduce((sum, unit) => sum + Math.abs(Math.log(actual(unit) / guess(unit))), 0) / future.length;
}

describe('of units that were never seen', () => {
  test.each([1, 2, 3, 4, 5])('size foretells duration and memory better than the kind does (seed %i)', (seed) => {
    const mixed = shuffled(units, seed);
    const [past, future] = [mixed.slice(0, mixed.length / 2), mixed.slice(mixed.length / 2)];
    const record = learn(past);
    const bySize = errorOf(
      future,
      ({ label, bytes }) => record.predict(label, 'k', { project: '/p', bytes }).p50Ms,
      (unit) => unit.ranMs,
    );
    const byKind = errorOf(
      future,
      ({ label }) => record.predict(label, 'k', { project: '/p' }).p50Ms,
      (unit) => unit.ranMs,
    );
    expect(bySize).toBeLessThan(0.6 * byKind);
    // Of four units about three end within what is said of four in five, and memory is hardly ever short.
    const within = future.filter(
      ({ label, bytes, ranMs }) => ranMs <= record.predict(label, 'k', { project: '/p', bytes }).p80Ms,
    );
    expect(within.length / future.length).toBeGreaterThan(0.6);
    expect(within.length / future.length).toBeLessThan(0.97);
    const enough = future.filter(
      ({ label, bytes, memBytes }) => memBytes <= 1.25 * (record.memory(label, 'k', { project: '/p', bytes }) ?? 0),
    );
    expect(enough.length / future.length).toBeGreaterThan(0.9);
    // And it asks for less where little is needed.
    const small = future.filter(({ memBytes }) => memBytes < 60 * 1024 ** 2);
    for (const { label, bytes } of small)
      expect(record.memory(label, 'k', { project: '/p', bytes })).toBeLessThan(
        record.memory(label, 'k', { project: '/p' }) ?? 0,
      );
  });

  test('where sizes say nothing, they are not asked', () => {
    const sizes = shuffled(
      units.map(({ bytes }) => bytes),
      9,
    );
    const record = learn(units.map((unit, i) => ({ ...unit, bytes: sizes[i] ?? 1 })));
    for (const bytes of [1000, 1e6, 1e8]) {
      expect(record.predict('new', 'k', { project: '/p', bytes })).toEqual(
        record.predict('new', 'k', { project: '/p' }),
      );
    }
  });

  test('what is known of them goes before what their size says', () => {
    const record = learn(units);
    const [unit] = units;
    expect(record.predict('u0', 'k', { project: '/p', bytes: 1e9 }).p50Ms).toBe(unit?.ranMs);
  });

  test('sizes beyond all that was seen give bounded guesses', () => {
    const record = learn(units);
    const longest = Math.max(...units.map(({ ranMs }) => ranMs));
    expect(record.predict('new', 'k', { project: '/p', bytes: 1e15 }).p80Ms).toBeLessThanOrEqual(4 * longest);
    expect(record.predict('new', 'k', { project: '/p', bytes: 1 }).p50Ms).toBeGreaterThan(0);
  });
});

describe('the line', () => {
  test('is found, with how far off figures are', () => {
    const points = Array.from({ length: 40 }, (_, i) => ({
      bytes: 1000 * (i + 1),
      value: 7 * (1000 * (i + 1)) ** 1.5,
      weight: 1,
    }));
    const line = fitLine(points);
    expect(line?.slope).toBeCloseTo(1.5, 6);
    expect(Math.exp(line?.intercept ?? 0)).toBeCloseTo(7, 4);
    expect(line?.p95).toBeCloseTo(1, 6);
  });

  test('new points count more than old ones', () => {
    const at = (factor: number, weight: number): { bytes: number; value: number; weight: number }[] =>
      Array.from({ length: 20 }, (_, i) => ({ bytes: 1000 * (i + 1), value: factor * 1000 * (i + 1), weight }));
    expect(Math.exp(fitLine([...at(1, 0.001), ...at(9, 1)])?.intercept ?? 0)).toBeCloseTo(9, 1);
  });

  test('is none of few points, nor of points of one size', () => {
    expect(fitLine(Array.from({ length: 15 }, (_, i) => ({ bytes: i + 1, value: 1, weight: 1 })))).toBeNull();
    expect(fitLine(Array.from({ length: 50 }, (_, i) => ({ bytes: 77, value: i + 1, weight: 1 })))).toBeNull();
  });
});

test('quantiles by weight: equal weights are plain quantiles, a weight counts as often as it is heavy', () => {
  const of = (...rows: [number, number][]): { value: number; weight: number }[] =>
    rows.map(([value, weight]) => ({ value, weight }));
  expect(weightedQuantile(of([1, 1], [2, 1], [3, 1]), 0.5)).toBe(2);
  expect(weightedQuantile(of([1, 0.5], [2, 0.5], [3, 0.5], [4, 0.5]), 0.5)).toBe(2.5);
  expect(weightedQuantile(of([1, 0.01], [9, 5]), 0.5)).toBeGreaterThan(4);
  expect(weightedQuantile(of([1, 100], [9, 0.01]), 0)).toBe(1);
  expect(weightedQuantile(of([5, 1]), 0.8)).toBe(5);
});
