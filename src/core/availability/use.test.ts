// What the forecast is for: an owner's calendar becomes eight figures, and those decide which machine may take a task, and which gets it.
import { describe, expect, test } from 'vitest';
import { evaluate } from '../criteria/evaluate.ts';
import { parseCriteria } from '../criteria/parse.ts';
import { finish, finishMs, probabilityFree } from '../selection/finish.ts';
import type { Candidate } from '../selection/types.ts';
import type { WorkerInfo } from '../types.ts';
import { factsOf } from '../worker/facts.ts';
import { OwnerModel } from './owner-model.ts';
import type { Presence, Stretch, StretchClass } from './types.ts';
import { judge } from './verdict.ts';

const MINUTE = 60_000;
/** A Monday, ten o'clock. */
const now = Date.UTC(2026, 2, 2, 10);
const clock = { toWall: (ms: number): number => ms, toInstant: (ms: number): number => ms };
const away: Presence = { state: 'away', sinceAtMs: now - 10 * MINUTE, locked: false };

const stretch = (kind: StretchClass, fromMin: number, untilMin: number): Stretch => ({
  ...{ startAtMs: now + fromMin * MINUTE, endAtMs: now + untilMin * MINUTE },
  ...{ class: kind, weight: 1, source: 'work' },
});
const figures = (...stretches: Stretch[]): readonly number[] => new OwnerModel(clock).forecast(now, away, stretches);

function place(worker: string, freeFor: readonly number[], rate = 1): Candidate {
  const how = { leaseId: 'l', past: rate, info: null, load: 0, linkMs: 0, overheadMs: 0, arrival: 1 };
  return { worker, rate, freeFor, ...how };
}

function refusal(freeFor: readonly number[], criteria: string): string {
  const parsed = parseCriteria(criteria);
  if (!parsed.ok) throw new Error(parsed.error.message);
  const machine = { name: 'm', arch: 'x86_64', os: 'linux', cores: 8, slots: 8, cpuModel: 'Example', ghz: 3, bench: 0 };
  const state = { memTotalBytes: 2 ** 34, memFreeBytes: 2 ** 33, load: 0, pressure: 0, graceMs: 0, toolchains: [] };
  const info: WorkerInfo = { ...machine, ...state, freeFor };
  const verdict = evaluate(parsed.value, factsOf(info, { site: '', rttMs: 0, bytesPerMs: 0 }));
  return verdict.pass ? '' : verdict.failed;
}

const meeting = figures(stretch('AWAY_MEETING', -10, 120));
const demo = figures(stretch('AWAY_MEETING', -10, 12), stretch('WANTED', 12, 60));
const nothing = figures();

describe('criteria', () => {
  test('free.for >= 10m: a meeting of two hours, not ten minutes before a demo, not a break that nobody knows of', () => {
    expect(refusal(meeting, 'free.for >= 10m')).toBe('');
    expect(refusal(meeting, 'free.for >= 1h')).toBe('');
    expect(refusal(meeting, 'free.for >= 4h')).toBe('free.for 60 min, at least 4 h wanted');
    expect(refusal(demo, 'free.for >= 10m')).toMatch(/^free\.for 5 min, at least 10 min wanted$/);
    expect(refusal(nothing, 'free.for >= 10m')).toMatch(/^free\.for 60 s, at least 10 min wanted$/);
    expect(refusal([], 'free.for >= 8h')).toBe('');
  });
});

describe('the choice', () => {
  const choose = (estimateMs: number, ...places: Candidate[]): string | null | undefined =>
    finish.choose({ estimateMs }, places, null)?.worker;

  test('two seconds go to the fastest, whatever its owner does; twenty minutes to where they can end', () => {
    const places = [place('demo', demo, 1.5), place('nothing', nothing, 1.2), place('meeting', meeting)];
    expect(choose(2000, ...places)).toBe('demo');
    expect(choose(20 * MINUTE, ...places)).toBe('meeting');
    expect(choose(8 * MINUTE, ...places.slice(1))).toBe('meeting');
  });

  test('no promise past a drain: nothing is left of S, and the cost is fifty times the task', () => {
    expect(demo.slice(2)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(probabilityFree(demo, 30 * MINUTE)).toBe(0);
    expect(finishMs({ estimateMs: 30 * MINUTE }, place('demo', demo))).toBe(50 * 30 * MINUTE);
    // Still better than none.
    expect(choose(30 * MINUTE, place('demo', demo))).toBe('demo');
  });

  test('d / S(d): twice as fast is worth it as long as it is at least half as sure', () => {
    const sure = place('sure', [1, 1, 1]);
    expect(choose(10 * MINUTE, place('fast', [1, 0.6, 0.6], 2), sure)).toBe('fast');
    expect(choose(10 * MINUTE, place('fast', [1, 0.4, 0.4], 2), sure)).toBe('sure');
  });
});

test('the machine is cleared two minutes before it is wanted, and lent again when that is over', () => {
  const model = new OwnerModel(clock);
  const at = (min: number): boolean =>
    judge(model, now + min * MINUTE, away, [], [stretch('WANTED', 30, 90)], clock).mayHelp;
  expect([0, 27, 28, 60, 89, 90].map(at)).toEqual([true, true, false, false, false, true]);
  const headless = model.forecast(now, { state: 'headless' }, [stretch('WANTED', 30, 90)]);
  expect(headless).toEqual([1, 1, 1, 0, 0, 0, 0, 0]);
});
