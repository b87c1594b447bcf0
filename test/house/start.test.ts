// The real ./tender of this checkout: once all is set up, a start must be quick and say nothing of its own.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect, test } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');

test('./tender --help takes under 0.3 s of CPU from the second start on', () => {
  const first = spawnSync(path.join(root, 'tender'), ['--help'], { cwd: '/', encoding: 'utf8' });
  expect(first.status, first.stderr).toBe(0);
  const starts = Array.from({ length: 5 }, () => {
    // The clock would measure what else this machine does.
    const timed = ['-c', 'TIMEFORMAT="%U %S"; time "$0" --help', path.join(root, 'tender')];
    const { stdout, stderr } = spawnSync('bash', timed, { cwd: '/', encoding: 'utf8' });
    const lines = stderr.trimEnd().split('\n');
    const [user = NaN, system = NaN] = (lines.pop() ?? '').split(' ').map(Number);
    return { cpuMs: (user + system) * 1000, stdout, stderr: lines.join('\n') };
  });
  for (const command of ['demo', 'build', 'status', 'init', 'invite', 'join'])
    expect(starts[0]?.stdout).toContain(command);
  expect(starts.map((start) => start.stderr)).toEqual(['', '', '', '', '']);
  expect(Math.min(...starts.map((start) => start.cpuMs))).toBeLessThan(300);
});
