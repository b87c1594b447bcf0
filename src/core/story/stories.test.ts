// Stories as told of a real delegation that is driven by hand.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createPrng } from '../../base/prng.ts';
import { Delegation } from '../delegation/delegation.ts';
import type { DelegatorEvent } from '../delegation/types.ts';
import { sampleClass, sampleInfo, sampleOffer, sampleTask } from '../testing/samples.ts';
import { Stories } from './stories.ts';
import type { TaskStory } from './types.ts';

const gcc = sampleClass({ id: 'gcc', toolchain: { digest: 'd', path: '/usr/bin/g++', label: 'g++ 12.2.0' } });

class Rig {
  readonly stories = new Stories('finish');
  readonly delegation = new Delegation(
    { ownSlots: 0, hereSlots: 1, policy: 'finish', nobodyAfterMs: 500, maxWaiting: 5000, attemptSalt: '-x' },
    createPrng(1),
  );
  now = 1000;

  post(afterMs: number, event: DelegatorEvent): void {
    this.now += afterMs;
    this.stories.observe(event, this.delegation.step(event, this.now), this.now);
  }

  submit(id: string, label: string): void {
    this.post(0, { type: 'submit', task: sampleTask(id, { class: gcc, label, p80Ms: 2000 }) });
  }

  offer(worker: string, slots: number, remark = '', load = 0.25): void {
    const offer = sampleOffer(slots === 0 ? '' : `${worker}-l`, slots, {
      classIds: slots === 0 ? [] : ['gcc'],
      info: sampleInfo({ name: `${worker}.lan`, load }),
      remark,
    });
    this.post(2, { type: 'offer', worker, offer });
  }

  story(text: string): TaskStory {
    const found = this.stories.find(text, this.now);
    if (found.is !== 'one') throw new Error(`${found.is} for «${text}»`);
    return found.story;
  }
}

const kinds = (story: TaskStory): string[] => story.happenings.map(({ kind }) => kind);

describe('the story of a task', () => {
  test('announced, offered, refused, awarded with its reasons, failed, tried again, done', () => {
    const rig = new Rig();
    for (const worker of ['a', 'b', 'c']) rig.post(0, { type: 'session-up', worker, name: `${worker}.lan` });
    rig.submit('t1', '/src/one.cc');
    rig.offer('c', 0, 'gcc 12.3 there, 12.2 here');
    rig.offer('a', 1);
    rig.offer('b', 1);
    rig.post(3, { type: 'started', worker: 'a', attempt: 't1#1-x' });
    rig.post(50, { type: 'failed', worker: 'a', attempt: 't1#1-x', code: 'sandbox', message: 'no room' });
    const failed = rig.story('t1');
    expect(failed).toMatchObject({ state: 'away', label: '/src/one.cc', compiler: 'g++ 12.2.0', tookMs: null });
    rig.post(1, { type: 'started', worker: 'b', attempt: 't1#2-x' });
    const exit = { how: 'exit' as const, code: 0 };
    rig.post(40, { type: 'result', worker: 'b', attempt: 't1#2-x', exit, ranMs: 30, cpuMs: 20 });
    const story = rig.story('one.cc');
    const first = ['announced', 'offer', 'offer', 'awarded', 'offer', 'started', 'failed'];
    expect(kinds(story)).toEqual([...first, 'announced', 'awarded', 'started', 'result', 'ended']);
    const [announced, refused, offered, awarded] = story.happenings;
    expect(announced).toMatchObject({ atMs: 0, tasks: 1, again: 0 });
    expect(refused).toEqual({
      ...{ atMs: 2, kind: 'offer', worker: 'c', name: 'c.lan', slots: 0, load: 0.25 },
      remark: 'gcc 12.3 there, 12.2 here',
    });
    expect(offered).toMatchObject({ atMs: 4, name: 'a.lan', slots: 1 });
    expect(awarded).toMatchObject({
      ...{ atMs: 4, kind: 'awarded', name: 'a.lan', hedge: 'no' },
      choice: { policy: 'finish', estimateMs: 2000, count: 1, places: [{ name: 'a.lan', rate: 1, runMs: 2000 }] },
    });
    expect(story.happenings).toContainEqual(
      expect.objectContaining({ kind: 'failed', name: 'a.lan', code: 'sandbox', message: 'no room', atMs: 59 }),
    );
    expect(story.happenings).toContainEqual(expect.objectContaining({ kind: 'result', ranMs: 30, used: true }));
    expect(story).toMatchObject({ state: 'ended', how: 'remote', machine: 'b.lan', tookMs: 100 });
  });

  test('of several places the chosen one comes first, then the next best, and how many there were', () => {
    const rig = new Rig();
    const machines = ['a', 'b', 'c', 'd', 'e', 'f'];
    for (const worker of machines) rig.post(0, { type: 'session-up', worker, name: '' });
    rig.submit('t1', 'x.cc');
    rig.offer('a', 1);
    for (const worker of machines.slice(1)) rig.offer(worker, 1);
    rig.submit('t2', 'y.cc');
    const awarded = rig.story('t2').happenings.find(({ kind }) => kind === 'awarded');
    if (awarded?.kind !== 'awarded') throw new Error('not awarded');
    expect(awarded.choice.count).toBe(5);
    expect(awarded.choice.places.map(({ worker }) => worker)).toEqual(['b', 'c', 'd', 'e']);
    // It joined a build whose offers stood already: the one that it got is told with its age.
    expect(rig.story('t2').happenings).toContainEqual(
      expect.objectContaining({ kind: 'offer', worker: 'b', atMs: -8 }),
    );
  });

  test('nobody offers: here, and why', () => {
    const rig = new Rig();
    rig.submit('t1', 'x.cc');
    rig.post(500, { type: 'tick' });
    rig.post(100, { type: 'local-ended', task: 't1' });
    expect(rig.story('')).toMatchObject({ how: 'local', machine: '', tookMs: 600 });
    expect(rig.story('').happenings).toContainEqual(expect.objectContaining({ kind: 'here', reason: 'nobody' }));
  });

  test('a second copy is told with its reason, and its loss leaves the task away', () => {
    const rig = new Rig();
    for (const worker of ['a', 'b']) rig.post(0, { type: 'session-up', worker, name: '' });
    rig.submit('t1', 'x.cc');
    rig.offer('a', 1);
    for (let second = 0; second < 12; second++) {
      rig.post(1000, { type: 'heartbeat', worker: 'a', attempts: ['t1#1-x'], load: 0 });
      rig.offer('b', 1);
    }
    const copies = rig.story('t1').happenings.filter(({ kind }) => kind === 'awarded');
    expect(copies).toMatchObject([
      { worker: 'a', hedge: 'no' },
      { worker: 'b', hedge: 'straggler' },
    ]);
    const since = rig.stories.movedAt('t1');
    rig.post(5, { type: 'failed', worker: 'b', attempt: 't1#2-x', code: 'sandbox', message: '' });
    expect(rig.story('t1').state).toBe('away');
    expect(rig.stories.movedAt('t1')).toBe(since);
    rig.post(5, { type: 'failed', worker: 'a', attempt: 't1#1-x', code: 'sandbox', message: '' });
    expect(rig.story('t1').state).toBe(rig.delegation.view(rig.now).tasks[0]?.state);
  });

  test('a result that comes after the end is told as not used', () => {
    const rig = new Rig();
    rig.post(0, { type: 'session-up', worker: 'a', name: '' });
    rig.offer('a', 1);
    rig.submit('t1', 'x.cc');
    rig.post(5, { type: 'cancel', task: 't1' });
    const exit = { how: 'exit' as const, code: 0 };
    rig.post(9, { type: 'result', worker: 'a', attempt: 't1#1-x', exit, ranMs: 3, cpuMs: 3 });
    const story = rig.story('');
    expect(kinds(story).slice(-3)).toEqual(['told-to-stop', 'ended', 'result']);
    expect(story.happenings.at(-1)).toMatchObject({ used: false, atMs: 14 });
    expect(story.how).toBe('cancelled');
  });
});

describe('which task is meant', () => {
  test('id, path, end of a path, part; the latest of one unit; several are told', () => {
    const rig = new Rig();
    for (const [index, label] of ['/p/foo.cc', '/p/barfoo.cc', '/q/baz.cc', '/p/foo.cc'].entries())
      rig.submit(`t${index + 1}`, label);
    rig.submit('t5', 'link');
    const idOf = (text: string): string => rig.story(text).id;
    expect(['t2', '/p/foo.cc', 'foo.cc', 'baz', '/q'].map(idOf)).toEqual(['t2', 't4', 't4', 't3', 't3']);
    expect(rig.stories.find('oo.cc', 0)).toEqual({ is: 'many', labels: ['/p/foo.cc', '/p/barfoo.cc'], count: 2 });
    expect(rig.stories.find('nothing', 0)).toEqual({ is: 'none' });
  });

  test('the latest is a unit, and no link', () => {
    const rig = new Rig();
    expect(rig.stories.find('', 0)).toEqual({ is: 'none' });
    rig.submit('t1', 'a.cc');
    const link = { class: null, staysReason: 'not-a-compile', label: '' };
    rig.post(0, { type: 'submit', task: sampleTask('t2', link) });
    expect(rig.story('').id).toBe('t1');
    rig.stories.stored('t3', 'b', 'kept.cc', rig.now);
    expect(rig.story('')).toMatchObject({ id: 't3', how: 'stored', tookMs: 0 });
  });
});

test('what is kept is bounded, and the oldest ended tasks go first', () => {
  const rig = new Rig();
  rig.submit('alive', 'alive.cc');
  for (let n = 0; n < 3000; n++) rig.stories.stored(`s${n}`, 'b', `s${n}.cc`, n);
  expect(rig.stories.ended(1e9, 3000)).toHaveLength(2000);
  expect(rig.stories.ended(1, 3000)).toMatchObject([{ id: 's2999', endedAgoMs: 1, how: 'stored' }]);
  expect(rig.stories.find('s999.cc', 0).is).toBe('none');
  expect(rig.stories.find('s1000.cc', 0).is).toBe('one');
  expect(rig.stories.find('alive', 0).is).toBe('one');
});

test('whatever happens, a story says where its task is, and tells in order of time', () => {
  const worker = fc.constantFrom('a', 'b', 'c');
  const task = fc.integer({ min: 1, max: 8 }).map((n) => `t${n}`);
  const attempt = fc.tuple(task, fc.integer({ min: 1, max: 3 })).map(([id, n]) => `${id}#${n}-x`);
  const exit = { how: 'exit' as const, code: 0 };
  const offer = (slots: number): ReturnType<typeof sampleOffer> => sampleOffer('l', slots, { classIds: ['gcc'] });
  const happening = fc.oneof(
    fc.record({ type: fc.constant('session-up' as const), worker, name: fc.constant('') }),
    fc.record({ type: fc.constant('session-down' as const), worker }),
    fc.record({ type: fc.constant('offer' as const), worker, offer: fc.integer({ min: 0, max: 4 }).map(offer) }),
    fc.record({ type: fc.constant('started' as const), worker, attempt }),
    fc.record({ type: fc.constant('heartbeat' as const), worker, attempts: fc.array(attempt), load: fc.constant(0) }),
    fc.record({ type: fc.constant('cancel' as const), task }),
    fc.record({ type: fc.constant('local-ended' as const), task }),
    fc.record({
      ...{ type: fc.constant('failed' as const), worker, attempt, message: fc.constant('') },
      code: fc.constantFrom('sandbox' as const, 'lease-expired' as const, 'owner-returned' as const),
    }),
    fc.record({
      ...{ type: fc.constant('result' as const), worker, attempt, exit: fc.constant(exit) },
      ...{ ranMs: fc.constant(1), cpuMs: fc.constant(1) },
    }),
    fc.constant({ type: 'tick' as const }),
  );
  const pause = fc.oneof(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 9000 }));
  fc.assert(
    fc.property(fc.array(fc.tuple(pause, happening), { maxLength: 60 }), (steps) => {
      const rig = new Rig();
      for (const [at, [afterMs, event]] of steps.entries()) {
        if (at % 4 === 0 && at < 32) rig.submit(`t${at / 4 + 1}`, `${at}.cc`);
        rig.post(afterMs, event);
        const live = new Map(rig.delegation.view(rig.now).tasks.map(({ id, state }) => [id, state]));
        for (let n = 1; n <= Math.min(8, Math.floor(at / 4) + 1); n++) {
          const { state, happenings } = rig.story(`t${n}`);
          expect(state, `t${n} after ${JSON.stringify(event)}`).toBe(live.get(`t${n}`) ?? 'ended');
          const times = happenings.map(({ atMs }) => atMs);
          expect(times).toEqual(times.toSorted((x, y) => x - y));
        }
      }
    }),
    { numRuns: 150 },
  );
});
