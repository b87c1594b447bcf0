// The benchmark of what the owner feels, run once and short: that its line has the promised shape, that compiles ran and stood still, and
// that nothing is left. How long frames took is not looked at: a busy machine may be slow.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { quantile, ratiosOf, renderResult, rowOf, type OwnerBenchResult } from '../../bench/owner/figures.ts';

describe('bench owner', () => {
  test('every way to give way has its frames, and compiles that stood still', async () => {
    const scratch = mkdtempSync(join(tmpdir(), 'tender-bench-test-'));
    try {
      const main = join(import.meta.dirname, '../../bench/main.ts');
      const child = spawn(process.execPath, [main, 'owner', '--rounds', '1', '--seconds', '1', '--json'], {
        env: { ...process.env, TMPDIR: scratch },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
      expect(child.exitCode, stderr).toBe(0);
      const result = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as OwnerBenchResult;
      expect(result.rows.map((row) => row.who)).toEqual(['empty', 'idle-group', 'priority', 'plain']);
      for (const row of result.rows.filter((each) => each.note === '')) {
        expect(row.frames).toBe(60);
        expect(row.p99Ms).toBeGreaterThanOrEqual(row.p50Ms ?? Infinity);
        if (row.who !== 'empty') expect(row.reliefMs).toBeGreaterThan(0);
      }
      expect(readdirSync(scratch)).toEqual([]);
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  });
});

test('figures: late is over twice the work, ratios are of p99, nothing measured is null', () => {
  const us = (ms: number): number => ms * 1000;
  const empty = rowOf('empty', { framesUs: [us(3), us(3), us(3), us(4)], reliefMs: [], busy: [0.25] });
  expect(empty).toMatchObject({ frames: 4, p50Ms: 3, p99Ms: 4, late: 0, reliefMs: null, busy: 0.25 });
  const plain = rowOf('plain', { framesUs: [us(3), us(6), us(6.001), us(10)], reliefMs: [5, 80, 7], busy: [1, 0.5] });
  expect(plain).toMatchObject({ late: 0.5, p99Ms: 10, reliefMs: 7, reliefMsMax: 80, busy: 0.75 });
  const none = rowOf('idle-group', { framesUs: [], reliefMs: [], busy: [] }, 'not here');
  expect(ratiosOf([empty, none, plain])).toEqual({ 'idle-group': null, priority: null, plain: 2.5 });
  expect(quantile([], 0.5)).toBeNull();
  const result = {
    bench: 'owner' as const,
    cores: 2,
    compiles: 4,
    busyBefore: 0.5,
    rows: [empty, none],
    ratios: ratiosOf([empty]),
  };
  expect(renderResult(result, false)).toContain('idle-group: not here');
});
