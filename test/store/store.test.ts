// Nothing is compiled twice: the store of results behind real agents, from the outside.
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Explanation } from '../../src/apps/report.ts';
import { compileLocally, contentsOf, TestFarm, until, writeProject } from '../e2e/support.ts';

let farm: TestFarm;
let dir = '';
let projects = 0;
beforeAll(async () => {
  farm = await TestFarm.start(1, { store: true });
});
afterAll(() => farm.close());
beforeEach(() => {
  dir = join(farm.dir, `project${++projects}`);
  mkdirSync(dir);
});

interface Count {
  readonly remote: number;
  readonly stored: number;
  readonly local: number;
}

/** How many units `work` had compiled by others, taken from the store, compiled here. */
async function counted(work: () => Promise<unknown>): Promise<Count> {
  const before = (await farm.status('client')).total;
  await work();
  const { remote, stored, local } = (await farm.status('client')).total;
  return { remote: remote - before.remote, stored: stored - before.stored, local: local - before.local };
}

async function compile(words: readonly string[], cwd = dir, env: NodeJS.ProcessEnv = {}): Promise<string> {
  const ran = await farm.cc('client', words, cwd, env);
  expect(ran.code, ran.stderr).toBe(0);
  return ran.stderr;
}

test('a second build compiles nothing, and has the same bytes', async () => {
  writeProject(dir, 5);
  const first = await farm.build(['make', '-j4'], dir);
  expect(first.report).toMatchObject({ units: 5, remote: 5, stored: 0 });
  const before = contentsOf(join(dir, 'out'));
  rmSync(join(dir, 'out'), { recursive: true });
  const second = await farm.build(['make', '-j4'], dir);
  expect(second.report).toMatchObject({ units: 5, remote: 0, stored: 5, local: 0 });
  expect(second.stderr).toContain('5 compiled: 5 from the store');
  const after = contentsOf(join(dir, 'out'));
  expect([...after.keys()].sort()).toEqual([...before.keys()].sort());
  for (const [name, bytes] of before) expect(after.get(name)?.equals(bytes), name).toBe(true);
});

test('warnings come with the result; what was said in colours is not said to a pipe', async () => {
  writeFileSync(join(dir, 'a.c'), 'int f(void) { int unused; return 0; }\n');
  const words = ['gcc', '-Wall', '-c', 'a.c', '-o', 'a.o'];
  const alone = compileLocally(words, dir).stderr;
  expect(alone).toContain('unused');
  const said: string[] = [];
  const count = await counted(async () => {
    said.push(await compile(words), await compile(words), await compile(words, dir, { COLUMNS: '40' }));
  });
  expect(count).toEqual({ remote: 2, stored: 1, local: 0 });
  expect(said.slice(0, 2)).toEqual([alone, alone]);
});

test('two checkouts share results where no output can tell them apart', async () => {
  for (const name of ['one', 'two']) {
    mkdirSync(join(dir, name, 'inc'), { recursive: true });
    writeFileSync(join(dir, name, 'inc/x.h'), 'enum { X = 1 };\n');
    writeFileSync(join(dir, name, 'a.c'), '#include "x.h"\nint x = X; const char *file = __FILE__;\n');
  }
  const build = (name: string, ...options: string[]): Promise<string> =>
    compile(['gcc', ...options, '-Iinc', '-MD', '-c', 'a.c', '-o', 'a.o'], join(dir, name));
  expect(await counted(() => build('one'))).toMatchObject({ remote: 1, stored: 0 });
  expect(await counted(() => build('two'))).toMatchObject({ remote: 0, stored: 1 });
  // Debug information names the directory.
  expect(await counted(() => build('one', '-g'))).toMatchObject({ remote: 1, stored: 0 });
  expect(await counted(() => build('two', '-g'))).toMatchObject({ remote: 1, stored: 0 });
  for (const name of ['one', 'two']) {
    const ours = readFileSync(join(dir, name, 'a.o'));
    compileLocally(['gcc', '-g', '-Iinc', '-MD', '-c', 'a.c', '-o', 'a.o'], join(dir, name));
    expect(ours.equals(readFileSync(join(dir, name, 'a.o'))), name).toBe(true);
  }
});

test('an edit back finds the earlier result; a header that nobody reads changes nothing; one in front does', async () => {
  mkdirSync(join(dir, 'front'));
  mkdirSync(join(dir, 'inc'));
  const header = (value: number): void => writeFileSync(join(dir, 'inc/x.h'), `enum { X = ${value} };\n`);
  writeFileSync(join(dir, 'a.c'), '#include <x.h>\n#if 0\n#include <other.h>\n#endif\nint x = X;\n');
  writeFileSync(join(dir, 'inc/other.h'), '\n');
  const words = ['gcc', '-Ifront', '-Iinc', '-MD', '-c', 'a.c', '-o', 'a.o'];
  const run = (): Promise<Count> => counted(() => compile(words));
  header(1);
  expect(await run()).toMatchObject({ remote: 1 });
  const first = readFileSync(join(dir, 'a.o'));
  header(2);
  expect(await run()).toMatchObject({ remote: 1 });
  header(1);
  expect(await run()).toMatchObject({ stored: 1 });
  expect(readFileSync(join(dir, 'a.o')).equals(first)).toBe(true);
  writeFileSync(join(dir, 'inc/other.h'), '// The scan sees it, the compiler does not.\n');
  expect(await run()).toMatchObject({ stored: 1 });
  writeFileSync(join(dir, 'front/x.h'), 'enum { X = 3 };\n');
  expect(await run()).toMatchObject({ remote: 1 });
  rmSync(join(dir, 'front/x.h'));
  expect(await run()).toMatchObject({ stored: 1 });
  expect(readFileSync(join(dir, 'a.o')).equals(first)).toBe(true);
});

test('the time in a source, several sources, failures: not kept', async () => {
  writeFileSync(join(dir, 'a.c'), 'const char *when = __TIME__;\n');
  writeFileSync(join(dir, 'b.c'), 'int b;\n');
  writeFileSync(join(dir, 'c.c'), '#error no\n');
  const twice = (words: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Count> =>
    counted(async () => {
      for (let run = 0; run < 2; run++) await farm.cc('client', words, dir, env);
    });
  expect(await twice(['gcc', '-c', 'a.c'])).toMatchObject({ remote: 2, stored: 0 });
  expect(await twice(['gcc', '-c', 'a.c'], { SOURCE_DATE_EPOCH: '1000' })).toMatchObject({ remote: 1, stored: 1 });
  expect(await twice(['gcc', '-c', 'b.c', 'a.c'])).toMatchObject({ remote: 2, stored: 0 });
  expect(await twice(['gcc', '-c', 'c.c'])).toMatchObject({ remote: 2, stored: 0 });
  expect(await twice(['gcc', '-c', 'b.c'], { TENDER_NO_STORE: '1' })).toMatchObject({ remote: 2, stored: 0 });
});

test('explain tells the key and whether the result is there', async () => {
  writeFileSync(join(dir, 'a.c'), 'int explained;\n');
  const explain = async (...words: string[]): Promise<Explanation> =>
    JSON.parse((await farm.cli('client', ['explain', '--json', '--', ...words], { cwd: dir })).stdout) as Explanation;
  const words = ['gcc', '-MD', '-c', 'a.c'];
  const before = await explain(...words);
  expect(before).toMatchObject({ travels: true, stored: false, notKept: '' });
  expect(before.key).toMatch(/^[0-9a-f]{64}$/);
  expect(before.inputs.map(({ path }) => path)).toContain(join(dir, 'a.c'));
  expect(before.outputs).toEqual([
    { kind: 'object', path: join(dir, 'a.o') },
    { kind: 'depfile', path: join(dir, 'a.d') },
  ]);
  expect(existsSync(join(dir, 'a.o'))).toBe(false);
  await compile(words);
  await until('the result is kept', async () => ((await explain(...words)).stored ? true : null));
  // Words out of a file, and a compiler by a path of this directory: the key is the launcher's.
  writeFileSync(join(dir, 'words'), '-O1 -c a.c');
  symlinkSync('/usr/bin/gcc', join(dir, 'my-gcc'));
  for (const other of [
    ['gcc', '@words'],
    ['./my-gcc', '-c', 'a.c'],
  ]) {
    await compile(other);
    await until(other.join(' '), async () => ((await explain(...other)).stored ? true : null));
    expect((await explain(...other)).key).toMatch(/^[0-9a-f]{64}$/);
  }
  expect(await explain('gcc', 'a.c')).toMatchObject({ travels: false, reason: 'not-a-compile' });
});

test('results outlive the agent, and broken ones are made anew', async () => {
  writeProject(dir, 3);
  const build = async (): Promise<Count> => {
    rmSync(join(dir, 'out'), { recursive: true, force: true });
    return (await farm.build(['make', '-j3'], dir)).report;
  };
  expect(await build()).toMatchObject({ remote: 3 });
  const good = contentsOf(join(dir, 'out'));
  const restart = async (): Promise<void> => {
    await farm.cli('client', ['stop']);
    await farm.startAgent('client', { store: true });
  };
  await restart();
  expect(await build()).toMatchObject({ remote: 0, stored: 3 });
  const store = join(farm.homeOf('client'), 'store');
  const entries = readdirSync(store, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.r'));
  expect(entries.length).toBeGreaterThanOrEqual(3);
  for (const [index, name] of entries.entries()) {
    if (index % 2 === 0) truncateSync(join(store, name), 40);
    else appendFileSync(join(store, name), 'x');
  }
  expect(await build()).toMatchObject({ remote: 3, stored: 0 });
  for (const [name, bytes] of contentsOf(join(dir, 'out'))) expect(good.get(name)?.equals(bytes), name).toBe(true);
  const verified = await farm.cli('client', ['store', 'verify', '--json']);
  expect(JSON.parse(verified.stdout)).toMatchObject({ dir: store });
  expect((await farm.cli('client', ['store', 'clear'])).code).toBe(0);
  expect(await build()).toMatchObject({ remote: 3, stored: 0 });
});

test('a copy of a tree, made with its times, is another tree', async () => {
  mkdirSync(join(dir, 'tree'));
  writeFileSync(join(dir, 'tree/a.c'), '#include "a.h"\nint a = A;\n');
  writeFileSync(join(dir, 'tree/a.h'), 'enum { A = 1 };\n');
  await compile(['gcc', '-c', 'a.c'], join(dir, 'tree'));
  cpSync(join(dir, 'tree'), join(dir, 'copy'), { recursive: true, preserveTimestamps: true });
  const text = 'enum { A = 2 };\n';
  writeFileSync(join(dir, 'copy/a.h'), text);
  execFileSync('touch', ['-r', join(dir, 'tree/a.h'), join(dir, 'copy/a.h')]);
  await compile(['gcc', '-c', 'a.c'], join(dir, 'copy'));
  const ours = readFileSync(join(dir, 'copy/a.o'));
  compileLocally(['gcc', '-c', 'a.c'], join(dir, 'copy'));
  expect(ours.equals(readFileSync(join(dir, 'copy/a.o')))).toBe(true);
});

test('of two equal headers the compiler reads one; an edit of the other is seen all the same', async () => {
  for (const sub of ['one', 'two']) mkdirSync(join(dir, sub));
  const text = '#pragma once\nstatic int same;\n';
  writeFileSync(join(dir, 'one/x.h'), text);
  writeFileSync(join(dir, 'two/x.h'), text);
  const when = new Date('2026-01-01T00:00:00Z');
  for (const sub of ['one', 'two']) utimesSync(join(dir, sub, 'x.h'), when, when);
  writeFileSync(join(dir, 'a.c'), '#include "one/x.h"\n#include "two/x.h"\nint *p = &same;\n');
  const words = (compiler: string): string[] => [compiler, '-g', '-MD', '-c', 'a.c', '-o', 'a.o'];
  const compilers = ['gcc', 'clang'].filter((name) => compileLocally([name, '--version'], dir).code === 0);
  for (const added of ['', 'static int more;\n']) {
    appendFileSync(join(dir, 'two/x.h'), added);
    for (const compiler of compilers) {
      const ours = await farm.cc('client', words(compiler), dir);
      const object = existsSync(join(dir, 'a.o')) ? readFileSync(join(dir, 'a.o')) : null;
      rmSync(join(dir, 'a.o'), { force: true });
      const alone = compileLocally(words(compiler), dir);
      expect(ours, compiler).toEqual(alone);
      if (alone.code === 0) expect(object?.equals(readFileSync(join(dir, 'a.o'))), compiler).toBe(true);
      rmSync(join(dir, 'a.o'), { force: true });
    }
  }
});
