// Task lengths: from a trace what is in it and nothing else; drawn ones as they are described.
import { describe, expect, it } from 'vitest';
import { readTrace, COMPILE_MEDIAN_MS } from './tasks.ts';
import { settingOf } from './scenarios.ts';
import { quantile } from './measure.ts';

describe('a recorded trace', () => {
  it('is read as JSON numbers, JSON rows and CSV', () => {
    expect(readTrace('a', '[10, 2.5, -1, 0, "x", null]')?.durationsMs).toEqual([10, 2.5]);
    expect(readTrace('b', '[{"file":"a.cc","ms":12},{"file":"b.cc"}]')?.durationsMs).toEqual([12]);
    expect(readTrace('c', 'file,ms\nsrc/a.cc,31\nsrc/b.cc,4.5\n\n')?.durationsMs).toEqual([31, 4.5]);
  });

  it('is nothing when no duration is in it', () => {
    for (const text of ['', '[]', '[{', 'file,ms\n', '{"ms":3}']) expect(readTrace('x', text)).toBeNull();
  });

  it('decides what the tasks of a setting last', () => {
    const mix = readTrace('two', '[100, 900]') ?? undefined;
    const works = settingOf('office-small')
      ?.make(1, mix)
      .builds.flatMap((build) => build.tasks.map((task) => task.workMs));
    expect(new Set(works)).toEqual(new Set([100, 900]));
  });
});

describe('drawn tasks', () => {
  it('have the median and the heavy tail that is said, and are the same for the same seed', () => {
    const works = (seed: number): number[] =>
      (settingOf('calm')?.make(seed).builds ?? []).flatMap((build) => build.tasks.map((task) => task.workMs));
    const drawn = works(5);
    expect(quantile(drawn, 0.5)).toBeGreaterThan(0.95 * COMPILE_MEDIAN_MS);
    expect(quantile(drawn, 0.5)).toBeLessThan(1.05 * COMPILE_MEDIAN_MS);
    expect(quantile(drawn, 0.99) / quantile(drawn, 0.5)).toBeGreaterThan(6);
    expect(works(5)).toEqual(drawn);
    expect(works(6)).not.toEqual(drawn);
  });

  it('leave machines and owners as they are when the build changes', () => {
    const [full, small] = [settingOf('office')?.make(3), settingOf('office-small')?.make(3)];
    expect(full?.machines).toEqual(small?.machines);
  });
});
