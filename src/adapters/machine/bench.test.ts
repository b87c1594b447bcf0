// The bench score: measured, kept for the same processor, measured anew for another or from a damaged file.
import fs from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { benchScore, measureBench } from './bench.ts';

let dir = '';
beforeEach(() => {
  dir = fs.mkdtempSync(join(os.tmpdir(), 'tender-bench-'));
});
afterEach(() => fs.rmSync(dir, { recursive: true, force: true }));

test('a machine is as fast as itself, give or take', () => {
  const [a, b] = [measureBench(), measureBench()];
  expect(a).toBeGreaterThan(1);
  expect(a / b).toBeGreaterThan(0.2);
  expect(a / b).toBeLessThan(5);
});

test('a score is kept for its processor', () => {
  const score = benchScore({ dir, key: 'Example 3000' });
  const file = join(dir, 'bench.json');
  expect(JSON.parse(fs.readFileSync(file, 'utf8'))).toEqual({ key: 'Example 3000', score });
  fs.writeFileSync(file, '{"key":"Example 3000","score":123456}');
  expect(benchScore({ dir, key: 'Example 3000' })).toBe(123_456);
  expect(benchScore({ dir, key: 'Another' })).not.toBe(123_456);
  expect(JSON.parse(fs.readFileSync(file, 'utf8'))).toMatchObject({ key: 'Another' });
});

test.each(['', 'null', '{"key":"k","score":-1}', '{"key":"k","score":"9"}', '{"key":"k","score":1e300}'])(
  'a damaged file «%s» is replaced',
  (text) => {
    const file = join(dir, 'bench.json');
    fs.writeFileSync(file, text);
    const score = benchScore({ dir, key: 'k' });
    expect(score).toBeGreaterThanOrEqual(1);
    expect(JSON.parse(fs.readFileSync(file, 'utf8'))).toEqual({ key: 'k', score });
  },
);

test('a directory that cannot be written gives a score all the same', () => {
  expect(benchScore({ dir: join(dir, 'missing'), key: 'k' })).toBeGreaterThanOrEqual(1);
});
