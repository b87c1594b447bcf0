// What a user reads while a build runs and when it has ended.
import { describe, expect, test } from 'vitest';
import { emptyFigures, type BuildFigures } from '../report.ts';
import { withJobs } from './jobs.ts';
import { duration, progressLine, summarise } from './summary.ts';

const figures = (change: Partial<BuildFigures>): BuildFigures => ({ ...emptyFigures(), ...change });
const worker = (name: string, units: number, cpuMs: number) => ({
  name,
  units,
  cpuMs,
  ranMs: cpuMs,
  bytesIn: 0,
  bytesOut: 0,
});

describe('the line that stays', () => {
  test('says how many, where, why here, and what it saved', () => {
    const workers = [worker('a', 100, 300_000), worker('b', 80, 240_000), worker('idle', 0, 0)];
    const done = figures({
      units: 212,
      remote: 180,
      local: 32,
      reasons: { probe: 2, 'own-slot': 30 },
      doubled: 3,
      workers,
    });
    // 212 units of 3 s on two cores take 318 s; the build took 78.
    expect(summarise(done, 78_000, 2)).toBe(
      '212 compiled: 180 on 2 machines, 32 here (own-slot 30, probe 2), 3 doubled; saved about 4 min',
    );
  });

  test('claims nothing when nothing was saved, and explains a build without compiles', () => {
    const slow = figures({ units: 1, remote: 1, workers: [{ ...worker('a', 1, 500), ranMs: 90_000 }] });
    expect(summarise(slow, 91_000, 2)).toBe('1 compiled: 1 on 1 machine');
    expect(summarise(figures({ others: 3 }), 10, 2)).toMatch(/^no compile came through Tender \(3 calls/);
    const mixed = figures({ units: 2, local: 2, reasons: { stays: 2 }, failed: 1, retried: 4, cancelled: 5 });
    expect(summarise(mixed, 10, 2)).toBe('2 compiled: 2 here (stays 2), 4 tried again, 1 with errors, 5 cancelled');
  });
});

test('the moving line fits its terminal', () => {
  const now = figures({ units: 9, remote: 6, local: 3, failed: 1, waiting: 12, runningHere: 2 });
  expect(progressLine(now, { w1: 4, w2: 0 }, 61_000, 200)).toBe(
    'tender 61 s │ 9 done: 6 remote, 3 here, 1 failed │ now w1 4, here 2, waiting 12',
  );
  for (const columns of [1, 20, 60]) expect(progressLine(now, { w1: 4 }, 61_000, columns)).toHaveLength(columns);
  expect([duration(999), duration(200_000), duration(7_200_000)]).toEqual(['1 s', '3 min', '2.0 h']);
});

describe('how many jobs', () => {
  test.each([
    [
      ['make', 'all'],
      ['make', '-j7', 'all'],
    ],
    [['/usr/bin/ninja'], ['/usr/bin/ninja', '-j7']],
    [
      ['make', '-j3'],
      ['make', '-j3'],
    ],
    [
      ['make', '--jobs=3'],
      ['make', '--jobs=3'],
    ],
  ])('%j → %j', (command, expected) => {
    expect(withJobs(command, 7, {}, false)).toEqual(expected);
  });

  test('other commands hear it by variables; what the user said stands', () => {
    const env: NodeJS.ProcessEnv = {};
    expect(withJobs(['sh', 'build.sh'], 7, env, false)).toEqual(['sh', 'build.sh']);
    expect(env).toEqual({
      MAKEFLAGS: '-j7',
      CMAKE_BUILD_PARALLEL_LEVEL: '7',
      TENDER_JOBS: '7',
      SCONSFLAGS: '-j7',
    });
    const set: NodeJS.ProcessEnv = { MAKEFLAGS: '-j2' };
    withJobs(['sh', 'build.sh'], 7, set, false);
    expect(set).toEqual({ MAKEFLAGS: '-j2' });
  });
});
