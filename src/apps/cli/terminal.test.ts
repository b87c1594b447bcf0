// What people see: columns that fit, times in few characters, colours only where they are wanted, nothing that moves the cursor.
import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { TaskStory } from '../../core/story/types.ts';
import type { TasksReport } from '../report.ts';
import { renderStory } from './explain-task.ts';
import { renderTasks } from './tasks.ts';
import { cutLeft, cutRight, fold, layTable, nearPath, paintFor, shortTime } from './terminal.ts';

const stream = (isTTY: boolean): NodeJS.WriteStream => Object.assign(new PassThrough(), { isTTY }) as never;
const plain = paintFor(stream(false), {});

test('colours: on a terminal, not in a pipe, not against NO_COLOR, not where there are none', () => {
  expect(paintFor(stream(true), { TERM: 'xterm' }).bold('x')).toBe('\x1b[1mx\x1b[0m');
  expect(paintFor(stream(true), { TERM: 'xterm', NO_COLOR: '' }).dim('x')).toBe('\x1b[2mx\x1b[0m');
  for (const [isTTY, env] of [
    [false, {}],
    [true, { NO_COLOR: '1' }],
    [true, { TERM: 'dumb' }],
  ] as const) {
    expect(paintFor(stream(isTTY), env).warn('x')).toBe('x');
  }
});

test('times in few characters', () => {
  const times = [0, 35.4, 999.4, 999.6, 1840, 9949, 9951, 89_999, 90_000, 5_399_999, 5_400_000];
  expect(times.map(shortTime)).toEqual([
    '0 ms',
    '35 ms',
    '999 ms',
    '1.0 s',
    '1.8 s',
    '9.9 s',
    '10 s',
    '90 s',
    '2 min',
    '90 min',
    '1.5 h',
  ]);
});

test('what is cut says so, at the side that tells less', () => {
  expect(cutLeft('/src/deep/file.cc', 8)).toBe('…file.cc');
  expect(cutRight('/src/deep/file.cc', 8)).toBe('/src/de…');
  expect([cutLeft('short', 5), cutRight('short', 5)]).toEqual(['short', 'short']);
  expect([nearPath('/a/b/c', '/a'), nearPath('/ab/c', '/a'), nearPath('/a/b', '/')]).toEqual(['b/c', '/ab/c', '/a/b']);
  expect(fold('one two three', 8)).toEqual(['one two', 'three']);
});

test('a table: aligned, cut to the width, free of control characters', () => {
  const columns = [{ head: 'n', align: 'right' }, { head: 'path', flexible: 'cut-left' }, { head: 'z' }] as const;
  const rows = [
    ['1', '/a/very/long/path/file.cc', 'end'],
    ['22', 'b\x1b[31m.cc', 'e'],
  ];
  expect(layTable(columns, rows, 20)).toEqual([' n  path         z', ' 1  …th/file.cc  end', '22  b?[31m.cc    e']);
  expect(layTable(columns, rows, Infinity)[1]).toBe(' 1  /a/very/long/path/file.cc  end');
});

const report: TasksReport = {
  tasks: [
    {
      ...{ id: 't1', build: 'b', label: '/p/src/one.cc', state: 'away', reason: null, sinceMs: 1200, ageMs: 1500 },
      ...{ estimateMs: 3000, leftMs: 1800 },
      copies: [
        { machine: 'pear', state: 'running', sinceMs: 1200, leftMs: 1800, heardAgoMs: 50, hedge: false },
        { machine: 'fig', state: 'awarded', sinceMs: 90, leftMs: 2910, heardAgoMs: 90, hedge: true },
      ],
    },
    {
      ...{ id: 't2', build: 'b', label: '/p/src/two.cc', state: 'here', reason: 'nobody', sinceMs: 80, ageMs: 300 },
      ...{ estimateMs: 1, leftMs: 0, copies: [] },
    },
    {
      ...{ id: 't3', build: 'b', label: '', state: 'waiting', reason: 'stays', sinceMs: 30_000, ageMs: 30_000 },
      ...{ estimateMs: 1, leftMs: null, copies: [] },
    },
  ],
  counts: { away: 1, here: 1, waiting: 7 },
  ended: [
    {
      ...{ id: 't0', build: 'b', label: '/p/zero.cc', how: 'remote', machine: 'fig', copies: 2 },
      ...{ endedAgoMs: 400, tookMs: 9000 },
    },
  ],
  lending: [{ delegator: 'plum', label: 'x.c', sinceMs: 12 }],
  machines: [{ name: 'pear', heardAgoMs: 5000 }],
};

describe('the list of tasks', () => {
  test('who has what, since when, how long still', () => {
    expect(renderTasks(report, { width: 80, rows: Infinity, cwd: '/p' }, plain)).toEqual([
      '1 away, 1 here, 7 waiting',
      'task  where       state           since   left  unit',
      't1    pear + fig  runs, twice     1.2 s  1.8 s  src/one.cc',
      't2    here        runs            80 ms   late  src/two.cc',
      't3                waits for here   30 s         (no source)',
      'and 6 more',
      '1 task of others here',
      '  x.c for plum, since 12 ms',
      'nothing heard of pear for 5.0 s',
      'ended lately',
      'task  done           took     ago  unit',
      't0    fig, 2 tries  9.0 s  400 ms  zero.cc',
    ]);
  });

  test('on a small screen: never more rows than there are, and it says what is missing', () => {
    for (let rows = 8; rows < 16; rows++) {
      const lines = renderTasks(report, { width: 80, rows, cwd: '/' }, plain);
      expect(lines.length, `${rows} rows`).toBeLessThanOrEqual(rows);
      expect(lines.some((line) => /^and \d+ more$/.test(line))).toBe(true);
    }
  });
});

const places = ['', 'a machine with a long name', 'pear'].map((name) => ({
  ...{ worker: name === '' ? null : name, name, rate: 1.25, overheadMs: 12, runMs: 2400, staysFree: 0.994 },
  ...{ costMs: 2426, load: name === '' ? null : 0.5, ghz: null },
}));
const choice = { policy: 'finish', estimateMs: 3000, count: 9, places };
const who = { worker: 'p', name: 'pear', attempt: 't1#1' };
const story: TaskStory = {
  ...{ id: 't1', build: 'b', label: '/p/one.cc', compiler: 'g++ 12.2.0', criteria: 'mem.free >= 2GiB', state: 'ended' },
  ...{ how: 'remote', machine: 'pear', submittedAgoMs: 60_000, tookMs: 2600, untold: 3 },
  happenings: [
    { atMs: -40, kind: 'announced', tasks: 1, offersWanted: 0, again: 2 },
    { atMs: -20, kind: 'offer', worker: 'p', name: 'pear', slots: 2, load: 0.5, remark: 'and no more' },
    { atMs: 1, kind: 'offer', worker: 'f', name: 'fig', slots: 0, load: 3, remark: 'gcc 12.3 there, 12.2 here' },
    { atMs: 2, kind: 'awarded', ...who, hedge: 'no', choice },
    { atMs: 9, kind: 'started', ...who },
    { atMs: 99, kind: 'failed', ...who, code: 'sandbox', message: 'no room' },
    { atMs: 100, kind: 'awarded', ...who, hedge: 'straggler', choice: { ...choice, count: 1, places: [] } },
    { atMs: 150, kind: 'told-to-stop', ...who, why: 'another copy was done first' },
    { atMs: 160, kind: 'here', reason: 'own-slot', detail: '', choice },
    { atMs: 2599, kind: 'result', ...who, exit: { how: 'signal', signal: 9 }, ranMs: 2400, cpuMs: 2, used: false },
    { atMs: 2600, kind: 'ended', how: 'remote' },
  ],
};

test('a story, as it is read', () => {
  const figures = [
    '                machine                     speed  load   send    run  stays  done in',
    '             →  here                        1.25×        12 ms  2.4 s   99 %    2.4 s',
    '                a machine with a long name  1.25×  0.50  12 ms  2.4 s   99 %    2.4 s',
    '                pear                        1.25×  0.50  12 ms  2.4 s   99 %    2.4 s',
    '                and 6 more',
  ];
  expect(renderStory(story, { waiting: 2, slots: 3, freeSlots: 0 }, { width: 90, cwd: '/p' }, plain)).toEqual([
    'one.cc (task t1, g++ 12.2.0)',
    'Compiled on pear in 2.6 s from start to end, 57 s ago; 2 tasks wait, the longest goes',
    'first, and all 3 slots that others hold for this machine are in use.',
    'It needs a machine with mem.free >= 2GiB.',
    '',
    '   −40 ms  its build had announced: 1 of its kind to do, enough offers stand, again 2',
    '           times',
    '   −20 ms  pear had offered 2 slots, load 0.50 per core; and no more',
    '    +1 ms  fig offers nothing: gcc 12.3 there, 12.2 here',
    '    +2 ms  given to pear, which is expected to be done first, of 9 with a free slot',
    ...figures,
    '    +9 ms  pear has its files and starts the compiler',
    '   +99 ms  no result from pear: sandbox, no room',
    '  +100 ms  given to pear too: the first one takes far longer than expected',
    '  +150 ms  pear is told to stop: another copy was done first',
    '  +160 ms  runs here: this machine has a free slot and is expected to be done first, of 9',
    ...figures,
    '  +2.60 s  result from pear: ended by signal 9 after 2.4 s, 2 ms of processor; nobody',
    '           wanted it any more',
    '  +2.60 s  done: outputs written, the build goes on',
    'and 3 things more, not kept',
  ]);
});

test('no line of a story or a list is wider than the terminal, whatever is in it', () => {
  fc.assert(
    fc.property(fc.integer({ min: 60, max: 200 }), fc.string({ maxLength: 200 }), (width, text) => {
      const room = { width, rows: 30, cwd: '/p' };
      const told = { ...story, label: `/p/${text}`, criteria: text, machine: text };
      const tasks = report.tasks.map((task) => ({ ...task, label: text }));
      const lending = [{ delegator: text, label: text, sinceMs: 1 }];
      const queue = { waiting: 3, slots: 2, freeSlots: 0 };
      const lines = [
        ...renderStory(told, queue, room, plain),
        ...renderTasks({ ...report, tasks, lending }, room, plain),
      ];
      for (const line of lines) {
        expect(Array.from(line).length).toBeLessThanOrEqual(width);
        expect(line).not.toMatch(/\p{Cc}/u);
      }
    }),
    { numRuns: 200 },
  );
});
