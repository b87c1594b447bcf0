// The number of jobs: follows the farm, spares this machine, never leaves its bounds.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chooseJobs, JobTokens } from './tokens.ts';

const calm = { runnable: 1, memFreeShare: 0.5 };

describe('jobs', () => {
  test('twice the slots and a job per core; without a farm one more than cores', () => {
    expect(chooseJobs(0, 4)).toBe(5);
    expect(chooseJobs(4, 4)).toBe(5);
    expect(chooseJobs(40, 4)).toBe(84);
    expect(chooseJobs(100_000, 4)).toBe(400);
  });

  test('follow machines as they come and go, at once', () => {
    const tokens = new JobTokens(2, 10);
    expect(tokens.jobs).toBe(22);
    expect(tokens.read({ slots: 40, ...calm })).toBe(82);
    expect(tokens.read({ slots: 6, ...calm })).toBe(14);
    expect(tokens.read({ slots: 0, ...calm })).toBe(3);
    expect(tokens.read({ slots: 40, ...calm })).toBe(82);
  });

  test('one busy moment changes nothing; a machine that stays pressed gets less and less, and more again later', () => {
    const tokens = new JobTokens(2, 40);
    expect(tokens.read({ slots: 40, runnable: 50, memFreeShare: 0.5 })).toBe(82);
    expect(tokens.read({ slots: 40, ...calm })).toBe(82);
    const jobs = Array.from({ length: 20 }, () => tokens.read({ slots: 40, runnable: 50, memFreeShare: 0.5 }));
    expect(jobs.slice(0, 3)).toEqual([82, 57, 39]);
    expect(jobs.at(-1)).toBe(3);
    const after = Array.from({ length: 40 }, () => tokens.read({ slots: 40, ...calm }));
    expect(after[0]).toBe(4);
    expect(after.at(-1)).toBe(82);
  });

  test('no memory left: the least at once', () => {
    const tokens = new JobTokens(2, 40);
    expect(tokens.read({ slots: 40, runnable: 1, memFreeShare: 0.03 })).toBe(3);
  });

  test('whatever is read, between one job per core and one, and the bound', () => {
    const reading = fc.record({
      slots: fc.nat(1000),
      runnable: fc.nat(200),
      memFreeShare: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 64 }), fc.array(reading, { maxLength: 60 }), (cores, readings) => {
        const tokens = new JobTokens(cores, 0);
        for (const each of readings) {
          const jobs = tokens.read(each);
          expect(jobs).toBeGreaterThanOrEqual(Math.min(cores + 1, 400));
          expect(jobs).toBeLessThanOrEqual(Math.max(400, cores + 1));
          expect(jobs).toBeLessThanOrEqual(chooseJobs(each.slots, cores));
        }
      }),
    );
  });
});
