// Who has which task, what became of it and why, as a user asks for it: `tender tasks`, `tender explain TASK`, `tender status`.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TaskStory } from '../../src/core/story/types.ts';
import type { TasksReport } from '../../src/apps/report.ts';
import { launcher, TestFarm, until } from './support.ts';

let farm: TestFarm;
let dir: string;

beforeAll(async () => {
  farm = await TestFarm.start(1, {}, { slots: 1 });
  dir = join(farm.dir, 'project/src');
  mkdirSync(dir, { recursive: true });
});
afterAll(() => farm.close());

const tasks = async (): Promise<TasksReport> =>
  JSON.parse((await farm.cli('client', ['tasks', '--json', '--all'])).stdout) as TasksReport;

const story = async (task: string): Promise<TaskStory> =>
  JSON.parse((await farm.cli('client', ['explain', '--json', task])).stdout) as TaskStory;

const write = (name: string, text: string): void => writeFileSync(join(dir, name), text);

/** A unit that its compiler works on until it is killed: some minutes. */
const endless =
  'constexpr long f() { long s = 0; for (long i = 0; i < 2000000000; i++) s ^= i; return s; }\nstatic_assert(f());\n';

function start(name: string): ChildProcess {
  const words = ['g++', '-fconstexpr-ops-limit=99999999999', '-fconstexpr-loop-limit=2147483647', '-c', name];
  return spawn(launcher, words, { cwd: dir, env: farm.env('client'), stdio: 'ignore' });
}

test('before anything was compiled there is nothing to tell, and it is said so', async () => {
  expect((await farm.cli('client', ['tasks'])).stdout).toBe('No task waits or runs.\n');
  const none = await farm.cli('client', ['explain']);
  expect(none).toMatchObject({ code: 1, stdout: '' });
  expect(none.stderr).toBe('tender: no compile has come through Tender since its agent was started\n');
});

test('a compile, explained: announced, offered, given to, done; with the figures that decided', async () => {
  write('one.cc', 'int one() { return 1; }\n');
  expect((await farm.cc('client', ['g++', '-c', 'one.cc'], dir)).code).toBe(0);
  const told = await story('');
  expect(told).toMatchObject({ label: join(dir, 'one.cc'), state: 'ended', how: 'remote', machine: 'w1' });
  expect(told.compiler).toMatch(/^g\+\+ \d/);
  const kinds = told.happenings.map(({ kind }) => kind);
  expect(kinds).toEqual(['announced', 'offer', 'awarded', 'started', 'result', 'ended']);
  const awarded = told.happenings.find(({ kind }) => kind === 'awarded');
  expect(awarded).toMatchObject({ choice: { policy: 'finish', count: 1, places: [{ name: 'w1' }] } });
  for (const [index, { atMs }] of told.happenings.entries())
    expect(atMs).toBeGreaterThanOrEqual(told.happenings[index - 1]?.atMs ?? 0);
  for (const name of [told.id, 'one.cc', 'ne.c', join(dir, 'one.cc')]) expect((await story(name)).id).toBe(told.id);

  const text = (await farm.cli('client', ['explain', 'one.cc'], { cwd: dir })).stdout;
  expect(text).toMatch(
    /^one\.cc \(task t\d+, g\+\+ [^)]*\)\nCompiled on w1 in [\d.]+ m?s from start to end, .* ago\.\n\n/,
  );
  expect(text).toMatch(/\+[\d.]+ m?s {2}w1 offers 1 slot, load [\d.]+ per core\n/);
  expect(text).toMatch(
    /given to w1, the only one with a free slot\n +machine +speed +load +send +run +stays +done in\n +→ +w1 +[\d.]+×/,
  );
  expect(text).toMatch(/result from w1: ended with 0 after /);
  expect(text).not.toContain('\x1b');
});

test('what is asked for in vain, or for more than one, is told with what to do', async () => {
  write('none.cc', 'int none() { return 0; }\n');
  expect((await farm.cc('client', ['g++', '-c', 'none.cc'], dir)).code).toBe(0);
  const many = await farm.cli('client', ['explain', 'ne.cc']);
  expect(many.code).toBe(1);
  expect(many.stderr).toContain(`«ne.cc» may be ${join(dir, 'none.cc')}, ${join(dir, 'one.cc')}; say more of the path`);
  const unknown = await farm.cli('client', ['explain', 'two.cc']);
  expect(unknown.code).toBe(1);
  expect(unknown.stderr).toMatch(/nothing is known of «two\.cc»; `tender tasks --all` lists what is/);
  for (const words of [['g++', '-c', 'one.cc'], ['one.cc', '--', 'g++'], ['--']]) {
    const mixed = await farm.cli('client', ['explain', ...words]);
    expect(mixed.code, words.join(' ')).toBe(1);
    expect(mixed.stderr).toMatch(/one TASK, or a compiler call after --/);
  }
  // After -- it is a call, even where a unit has that name.
  const call = await farm.cli('client', ['explain', '--', 'g++', '-c', 'one.cc'], { cwd: dir });
  expect(call.stdout).toMatch(/^travels +.*one\.cc/);
});

test('live: one runs there, one waits; followed as they change; cancelled with their callers', async () => {
  write('first.cc', endless);
  write('second.cc', endless);
  const first = start('first.cc');
  const running = await until('the first one runs', async () => {
    const [task] = (await tasks()).tasks;
    return task?.copies[0]?.state === 'running' ? task : null;
  });
  expect(running).toMatchObject({
    state: 'away',
    label: join(dir, 'first.cc'),
    copies: [{ machine: 'w1', hedge: false }],
  });
  const second = start('second.cc');
  const both = await until('the second one waits', async () => {
    const report = await tasks();
    return report.counts.waiting === 1 ? report : null;
  });
  expect(both.tasks.map(({ state }) => state)).toEqual(['away', 'waiting']);
  expect(both.counts).toEqual({ away: 1, here: 0, waiting: 1 });
  expect(both.ended.map(({ label }) => label)).toEqual([join(dir, 'none.cc'), join(dir, 'one.cc')]);
  const listed = (await farm.cli('client', ['tasks'], { cwd: dir })).stdout;
  expect(listed).toMatch(
    /^1 away, 0 here, 1 waiting\ntask +where +state +since +left +unit\nt\d+ +w1 +runs .* first\.cc\nt\d+ +waits .* second\.cc\n$/,
  );
  const there = (await farm.cli('w1', ['tasks'])).stdout;
  expect(there).toMatch(/^No task waits or runs\.\n1 task of others here\n {2}first\.cc for client, since /);
  expect((await farm.cli('client', ['status'])).stdout).toMatch(/^w1 +1 +1 .* first\.cc$/m);
  expect((await farm.cli('client', ['explain', 'second.cc'])).stdout).toMatch(
    /\nWaits for a machine, [\d.]+ m?s after its start; 1 task waits, the longest goes first, and the slot that others hold for this machine is in use\.\n/,
  );

  const watch = spawn(process.execPath, ['dist/apps/main.js', 'tasks', '--watch', '--json'], {
    env: farm.env('client'),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => watch.on('exit', resolve));
  let seen = '';
  watch.stdout.on('data', (text: Buffer) => (seen += text.toString()));
  const reports = (): TasksReport[] =>
    seen
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as TasksReport);
  await until('the watch shows both', () => (reports().at(-1)?.tasks.length === 2 ? true : null));
  first.kill('SIGINT');
  second.kill('SIGINT');
  await until('the watch shows none', () => (reports().at(-1)?.tasks.length === 0 ? true : null));
  watch.kill('SIGINT');
  expect(await ended).toBe(0);

  const cancelled = await story('first.cc');
  expect(cancelled).toMatchObject({ state: 'ended', how: 'cancelled', machine: '' });
  expect(cancelled.happenings.map(({ kind }) => kind).slice(-2)).toEqual(['told-to-stop', 'ended']);
  await until('the worker has nothing in its hands', async () =>
    (await farm.cli('w1', ['tasks'])).stdout === 'No task waits or runs.\n' ? true : null,
  );
});

test('a watch ends with its agent, and says so', async () => {
  const watch = spawn(process.execPath, ['dist/apps/main.js', 'tasks', '--watch'], {
    env: farm.env('client'),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise((resolve) => watch.on('exit', resolve));
  let [shown, said] = ['', ''];
  watch.stdout.on('data', (text: Buffer) => (shown += text.toString()));
  watch.stderr.on('data', (text: Buffer) => (said += text.toString()));
  await until('it shows what there is', () => (shown === '' ? null : true));
  farm.agents[0]?.child.kill('SIGTERM');
  expect(await ended).toBe(1);
  expect(said).toBe('tender: the agent has ended\n');
  expect(shown).toBe('No task waits or runs.\n');
});

test('without an agent it is said, and none is started', async () => {
  farm.prepare('nobody', {});
  for (const words of [['tasks'], ['tasks', '--watch'], ['explain', 'x.cc']]) {
    const ran = await farm.cli('nobody', words, { env: { TENDER_NO_START: '0' } });
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/^tender: No agent runs at /);
  }
});
