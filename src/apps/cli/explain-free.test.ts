// What owners and their calendars had to do with where a task went, in words: the figures that decided, and why a machine offered nothing.
import { expect, test } from 'vitest';
import type { Choice, Happening, TaskStory, WeighedPlace } from '../../core/story/types.ts';
import { renderStory } from './explain-task.ts';

const MINUTE = 60_000;
const same = (text: string): string => text;

function place(name: string, runMs: number, staysFree: number): WeighedPlace {
  const figures = { rate: 1, overheadMs: 0, runMs, staysFree, costMs: runMs / staysFree, load: 0, ghz: null };
  return { worker: name === '' ? null : name, name, ...figures };
}

function told(...happenings: Happening[]): string {
  const story: TaskStory = {
    ...{ id: 't1', build: 'b', label: '/p/one.cc', compiler: 'g++', criteria: '', state: 'ended', how: 'remote' },
    ...{ machine: 'pear', submittedAgoMs: 60_000, tookMs: 2600, untold: 0, happenings },
  };
  return renderStory(story, null, { width: 120, cwd: '/p' }, { bold: same, dim: same, warn: same })
    .slice(3)
    .join(' ')
    .replace(/\s+/g, ' ');
}

const given = (choice: Choice): Happening => ({
  ...{ atMs: 2, kind: 'awarded', worker: 'p', name: 'pear', attempt: 't1#1', hedge: 'no', choice },
});
const choiceOf = (...places: WeighedPlace[]): Choice => ({
  ...{ policy: 'finish', estimateMs: 8 * MINUTE, count: places.length, places },
});

test('a faster machine that may be taken back, and the chosen one that is not quite sure itself', () => {
  const text = told(given(choiceOf(place('pear', 8 * MINUTE, 0.9), place('fig', 4 * MINUTE, 0.3))));
  expect(text).toContain(
    'Four of five such tasks take at most 8 min on a machine like this one; it needs 8 min there, and pear stays free for that with 90 %, which counts as 9 min; ' +
      'fig would need 4 min, but is likely to stay free for that with 30 % only, which counts as 13 min',
  );
});

test('where nobody comes back nothing is said of it', () => {
  const sure = choiceOf(place('pear', 2000, 1), place('fig', 3000, 0.4));
  expect(told(given(sure))).not.toMatch(/stays? free/);
});

test('a machine that will not be free so long; one that was taken back', () => {
  const remark = 'free.for 5 min, at least 15 min wanted';
  expect(told({ atMs: 1, kind: 'offer', worker: 'f', name: 'fig', slots: 0, load: 0, remark })).toContain(
    'fig offers nothing: free.for 5 min, at least 15 min wanted; by then it may be its owner’s again',
  );
  const back = {
    worker: 'p',
    name: 'pear',
    attempt: 't1#1',
    code: 'owner-returned',
    message: 'its owner needs it',
  } as const;
  expect(told({ atMs: 9, kind: 'failed', ...back })).toContain('pear was taken back: its owner needs it');
});
