// The real ./tender of this checkout: once all is set up, a start must be quick and say nothing of its own.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect, test } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');

test('./tender --help takes under 0.3 s from the second start on', () => {
  const first = spawnSync(path.join(root, 'tender'), ['--help'], { cwd: '/', encoding: 'utf8' });
  expect(first.status, first.stderr).toBe(0);
  const starts = Array.from({ length: 5 }, () => {
    const before = performance.now();
    const { stdout, stderr } = spawnSync(path.join(root, 'tender'), ['--help'], { cwd: '/', encoding: 'utf8' });
    return { tookMs: performance.now() - before, stdout, stderr };
  });
  for (const command of ['demo', 'build', 'status', 'init', 'invite', 'join'])
    expect(starts[0]?.stdout).toContain(command);
  expect(starts.map((start) => start.stderr)).toEqual(['', '', '', '', '']);
  // The quickest of five: other tests share the processors.
  expect(Math.min(...starts.map((start) => start.tookMs))).toBeLessThan(300);
});
