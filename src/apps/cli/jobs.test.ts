// What a build command is told of the number of jobs, and whether it is told in a way that it understands.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { JobserverForm } from '../../adapters/jobserver/jobserver.ts';
import { planJobs, type Jobs, type JobsWish } from './jobs.ts';

let dir = '';
let jobs: Jobs | null = null;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tender-jobs-'));
});
afterEach(() => {
  jobs?.close();
  jobs = null;
  rmSync(dir, { recursive: true, force: true });
});

function plan(command: readonly string[], form: JobserverForm, wish: Partial<JobsWish> = {}): Jobs {
  const env = { PATH: process.env['PATH'] };
  jobs = planJobs(command, { asked: null, slots: 100, env, dir, formOf: () => form, ...wish });
  return jobs;
}

describe('make', () => {
  test('with descriptors gets the pipe, with paths its name, and else a number', () => {
    const pipe = plan(['make', 'all'], 'pipe');
    expect(pipe.words).toEqual(['make', 'all']);
    expect(pipe.env['MAKEFLAGS']).toMatch(/^ -j2\d\d --jobserver-auth=3,4$/);
    expect(pipe.inherit).toHaveLength(2);
    pipe.close();
    const fifo = plan(['/usr/bin/make'], 'fifo');
    expect(fifo.env['MAKEFLAGS']).toMatch(/ --jobserver-auth=fifo:\//);
    expect(fifo.inherit).toEqual([]);
    fifo.close();
    const old = plan(['make'], 'none');
    expect(old.words.join(' ')).toMatch(/^make -j2\d\d$/);
    expect(old.env['MAKEFLAGS']).toBeUndefined();
  });

  test('other flags stay', () => {
    const env = { PATH: process.env['PATH'], MAKEFLAGS: 'k' };
    expect(plan(['make'], 'pipe', { env }).env['MAKEFLAGS']).toMatch(/^k -j\d+ --jobserver-auth=3,4$/);
  });

  test('who says how many is obeyed', () => {
    expect(plan(['make', '-j3'], 'pipe')).toMatchObject({ words: ['make', '-j3'], inherit: [] });
    expect(plan(['make'], 'pipe', { asked: 7 })).toMatchObject({ words: ['make', '-j7'], inherit: [] });
    const env = { PATH: process.env['PATH'], MAKEFLAGS: '-j2' };
    expect(plan(['make'], 'pipe', { env })).toMatchObject({ words: ['make'], inherit: [], env: { MAKEFLAGS: '-j2' } });
  });

  test('without an agent a number', () => {
    expect(plan(['make'], 'pipe', { dir: null }).inherit).toEqual([]);
  });
});

describe('cmake --build', () => {
  function configured(generator: string): string {
    const build = join(dir, 'b');
    mkdirSync(build);
    writeFileSync(join(build, 'CMakeCache.txt'), `CMAKE_GENERATOR:INTERNAL=${generator}\n`);
    return build;
  }

  test('on top of make gets the jobserver and no number that make would trip over', () => {
    const made = plan(['cmake', '--build', configured('Unix Makefiles')], 'pipe');
    expect(made.inherit).toHaveLength(2);
    expect(made.env).not.toHaveProperty('CMAKE_BUILD_PARALLEL_LEVEL');
  });

  test('on top of ninja gets a number', () => {
    const made = plan(['cmake', '--build', configured('Ninja')], 'pipe');
    expect(made.inherit).toEqual([]);
    expect(Number(made.env['CMAKE_BUILD_PARALLEL_LEVEL'])).toBeGreaterThan(200);
  });
});

test('a script gets numbers: on its way to make it may close what a pipe needs', () => {
  const made = plan(['sh', 'build.sh'], 'pipe');
  expect(made.inherit).toEqual([]);
  expect(made.env['MAKEFLAGS']).toMatch(/^-j2\d\d$/);
});
