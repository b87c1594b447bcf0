// Nothing is compiled twice on one machine alone, either: an agent without any cluster keeps what its own compilers make, and
// nothing else.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Explanation } from '../../src/apps/report.ts';
import { decodeResult } from '../../src/adapters/results/result-format.ts';
import { compileLocally, contentsOf, launcher, TestFarm, until, writeProject, type Ran } from '../e2e/support.ts';
import { settleFiles } from './support.ts';

let farm: TestFarm;
let dir = '';
let projects = 0;
beforeAll(async () => {
  farm = new TestFarm();
  // Without a cluster: no `init`.
  farm.prepare('client', { store: true, own_slots: 4 });
  await farm.startAgent('client');
});
afterAll(() => farm.close());
const opened: number[] = [];
afterEach(() => {
  for (const file of opened.splice(0)) closeSync(file);
});
beforeEach(() => {
  dir = join(farm.dir, `project${++projects}`);
  mkdirSync(dir);
});

interface Count {
  readonly local: number;
  readonly stored: number;
  readonly localKept: number;
}

async function counted(work: () => Promise<unknown>): Promise<Count> {
  const before = (await farm.status('client')).total;
  await work();
  const { local, stored, localKept } = (await farm.status('client')).total;
  return { local: local - before.local, stored: stored - before.stored, localKept: localKept - before.localKept };
}

/** Whether the result of a command is in the store; waits for one that is about to be kept. */
async function isStored(words: readonly string[], env: NodeJS.ProcessEnv = {}, where = farm): Promise<boolean> {
  const ran = await where.cli('client', ['explain', '--json', '--', ...words], { cwd: dir, env });
  return (JSON.parse(ran.stdout) as Explanation).stored;
}

/** A PATH whose assembler says that it has begun, and goes on when told to. */
function pausing(): {
  env: NodeJS.ProcessEnv;
  begun: (times?: number) => Promise<unknown>;
  goOn: (times?: number) => void;
} {
  const bin = join(dir, 'bin');
  const [mark, fifo] = [join(dir, 'begun'), join(dir, 'fifo')];
  mkdirSync(bin);
  execFileSync('mkfifo', [fifo]);
  // Open for both, so that nobody waits for the other end and no line is lost.
  const lines = openSync(fifo, 'r+');
  opened.push(lines);
  writeFileSync(join(bin, 'as'), `#!/bin/sh\necho >> '${mark}'\nread go < '${fifo}'\nexec /usr/bin/as "$@"\n`);
  chmodSync(join(bin, 'as'), 0o755);
  return {
    env: { PATH: `${bin}:${process.env['PATH']}` },
    begun: (times = 1) =>
      until('the assembler begins', () =>
        existsSync(mark) && readFileSync(mark, 'utf8').length >= times ? true : null,
      ),
    goOn: (times = 1) => void writeSync(lines, 'go\n'.repeat(times)),
  };
}

test('a second build compiles nothing, and has the same bytes and warnings', async () => {
  writeProject(dir, 4);
  writeFileSync(join(dir, 'src/warns.cc'), '#include "all.h"\nint f(int x) { int unused; return base(x); }\n');
  await settleFiles(dir);
  const build = (): ReturnType<TestFarm['build']> => farm.build(['make', '-j3'], dir);
  const first = await build();
  expect(first.report).toMatchObject({ units: 5, local: 5, stored: 0 });
  expect(first.stderr).toContain('unused variable');
  const before = contentsOf(join(dir, 'out'));
  rmSync(join(dir, 'out'), { recursive: true });
  const second = await build();
  expect(second.report).toMatchObject({ units: 5, local: 0, stored: 5 });
  const warnings = ({ stderr }: Ran): string[] => stderr.split('\n').filter((line) => !/^tender[ :]/.test(line));
  expect(warnings(second)).toEqual(warnings(first));
  const after = contentsOf(join(dir, 'out'));
  expect([...after.keys()].sort()).toEqual([...before.keys()].sort());
  for (const [name, bytes] of before) expect(after.get(name)?.equals(bytes), name).toBe(true);
});

test('outputs that the build renames at once are kept all the same', async () => {
  for (let unit = 0; unit < 10; unit++) writeFileSync(join(dir, `u${unit}.c`), `int unit${unit};\n`);
  await settleFiles(dir);
  const line = (unit: number): string =>
    `'${launcher}' gcc -MD -MF u${unit}.Tpo -c u${unit}.c && mv u${unit}.Tpo u${unit}.Po && mv u${unit}.o u${unit}.lo`;
  const all = (): Promise<unknown> =>
    Promise.all(
      Array.from({ length: 10 }, (_, unit) =>
        farm.run(['/bin/sh', '-c', line(unit)], { cwd: dir, env: farm.env('client') }),
      ),
    );
  expect(await counted(all)).toEqual({ local: 10, stored: 0, localKept: 10 });
  expect(await counted(all)).toEqual({ local: 0, stored: 10, localKept: 0 });
});

test('what an agent made here is what a farm would have made', async () => {
  const other = await TestFarm.start(1, { store: true });
  try {
    mkdirSync(join(dir, 'inc'));
    writeFileSync(join(dir, 'inc/x.h'), '#include <stdio.h>\n#include <string.h>\n');
    writeFileSync(join(dir, 'a.c'), '#include "x.h"\nint f(void) { int unused; return puts("a"); }\n');
    await settleFiles(dir);
    const commands = [
      ['gcc', '-Wall', '-Iinc', '-MD', '-c', 'a.c', '-o', 'a.o'],
      ['gcc', '-g3', '-gsplit-dwarf', '-fstack-usage', '-Iinc', '-c', 'a.c'],
      ['gcc', '-O2', '-march=x86-64-v2', '-Iinc', '-MMD', '-S', 'a.c'],
    ];
    // From a clear store: the names are compared.
    await farm.cli('client', ['store', 'clear']);
    const entries = (of: TestFarm): string[] =>
      readdirSync(join(of.homeOf('client'), 'store/v1'), { recursive: true, encoding: 'utf8' })
        .filter((name) => /\.[ru]$/.test(name))
        .sort();
    for (const words of commands) {
      for (const where of [farm, other]) {
        await until('its result is kept', async () => {
          // The mode of a file that was there before says nothing.
          for (const name of readdirSync(dir)) if (/^a\.[^c]/.test(name)) rmSync(join(dir, name));
          expect(await where.cc('client', words, dir)).toMatchObject({ code: 0 });
          return (await isStored(words, {}, where)) ? true : null;
        });
      }
    }
    // Written by a thread of its own: it has done when it answers.
    for (const where of [farm, other]) await where.cli('client', ['stop']);
    expect(entries(farm)).toHaveLength(6);
    expect(entries(farm)).toEqual(entries(other));
    for (const name of entries(farm).filter((entry) => entry.endsWith('.r'))) {
      const [ours, theirs] = [farm, other].map((of) => {
        const decoded = decodeResult(readFileSync(join(of.homeOf('client'), 'store/v1', name)));
        if (decoded === null) return null;
        // Packed by one program or another, what is packed is the same.
        const outputs = decoded.outputs.map(({ data, zstd, ...rest }) => {
          const digest = createHash('sha256')
            .update(zstd ? zstdDecompressSync(data) : data)
            .digest('hex');
          return { ...rest, zstd, digest };
        });
        return { ...decoded, outputs, ranMs: 0, cpuMs: 0 };
      });
      expect(ours).not.toBeNull();
      expect(ours, name).toEqual(theirs);
    }
  } finally {
    await other.close();
    await farm.startAgent('client');
  }
});

test('a header that is edited while the compiler runs', async () => {
  const { env, begun, goOn } = pausing();
  mkdirSync(join(dir, 'inc'));
  const header = (value: number): void => writeFileSync(join(dir, 'inc/x.h'), `enum { X = ${value} };\n`);
  header(1);
  writeFileSync(join(dir, 'a.c'), '#include <x.h>\nint x = X;\n');
  await settleFiles(dir);
  const words = ['gcc', '-Iinc', '-c', 'a.c', '-o', 'a.o'];
  const run = (): Promise<Ran> => farm.cc('client', words, dir, env);
  const meanwhile: readonly (() => void)[] = [
    () => header(2),
    () => {
      header(3);
      header(2);
    },
    () => {
      writeFileSync(join(dir, 'inc/y.h'), '');
      header(2);
      rmSync(join(dir, 'inc/y.h'));
    },
    () => utimesSync(join(dir, 'inc/x.h'), new Date(), new Date()),
  ];
  for (const [index, edit] of meanwhile.entries()) {
    rmSync(join(dir, 'begun'), { force: true });
    const running = run();
    await begun();
    edit();
    goOn();
    expect(await running).toMatchObject({ code: 0, stderr: '' });
    expect(await isStored(words, env), `edit ${index}`).toBe(false);
    await settleFiles(dir);
  }
  rmSync(join(dir, 'begun'), { force: true });
  const last = run();
  await begun();
  goOn();
  expect(await last).toMatchObject({ code: 0 });
  expect(await isStored(words, env)).toBe(true);
  const object = readFileSync(join(dir, 'a.o'));
  rmSync(join(dir, 'a.o'));
  expect(await counted(run)).toMatchObject({ local: 0, stored: 1 });
  expect(readFileSync(join(dir, 'a.o')).equals(object)).toBe(true);
});

test('of two that write one file at once, neither is kept', async () => {
  const { env, begun, goOn } = pausing();
  writeFileSync(join(dir, 'a.c'), 'int a;\n');
  writeFileSync(join(dir, 'b.c'), 'int b;\n');
  await settleFiles(dir);
  const words = (unit: string): string[] => ['gcc', '-c', `${unit}.c`, '-o', 'same.o'];
  const both = ['a', 'b'].map((unit) => farm.cc('client', words(unit), dir, env));
  await begun(2);
  goOn(2);
  await Promise.all(both);
  expect([await isStored(words('a'), env), await isStored(words('b'), env)]).toEqual([false, false]);
});

test('in a terminal: what printed nothing is kept, what printed is shown as ever and not kept', async () => {
  writeFileSync(join(dir, 'quiet.c'), 'int quiet;\n');
  writeFileSync(join(dir, 'loud.c'), 'static int loud;\n');
  await settleFiles(dir);
  const inTerminal = (unit: string): Promise<Ran> =>
    farm.run(['script', '-qec', `'${launcher}' gcc -Wall -c ${unit}.c`, '/dev/null'], {
      cwd: dir,
      env: { ...farm.env('client'), TERM: 'xterm' },
    });
  expect(await counted(() => inTerminal('quiet'))).toEqual({ local: 1, stored: 0, localKept: 1 });
  expect(await inTerminal('loud')).toMatchObject({ code: 0, stdout: expect.stringContaining('\x1b[01;35m') as string });
  expect(await isStored(['gcc', '-Wall', '-c', 'loud.c'])).toBe(false);
  // Piped, the quiet one is the same compile.
  expect(await counted(() => farm.cc('client', ['gcc', '-Wall', '-c', 'quiet.c'], dir))).toMatchObject({ stored: 1 });
});

test('what was made just before the agent is stopped is kept', async () => {
  writeFileSync(join(dir, 'a.c'), 'int a;\n');
  await settleFiles(dir);
  await farm.cc('client', ['gcc', '-c', 'a.c'], dir);
  await farm.cli('client', ['stop']);
  await farm.startAgent('client');
  expect(await counted(() => farm.cc('client', ['gcc', '-c', 'a.c'], dir))).toMatchObject({ local: 0, stored: 1 });
});

test('failures, dates, links and what has no certain outputs: not kept', async () => {
  writeFileSync(join(dir, 'a.c'), 'const char *when = __TIME__;\n');
  writeFileSync(join(dir, 'b.c'), '#error no\n');
  writeFileSync(join(dir, 'main.c'), 'int main(void) { return 0; }\n');
  await settleFiles(dir);
  const commands = [
    ['gcc', '-c', 'a.c'],
    ['gcc', '-c', 'b.c'],
    ['gcc', '-c', 'main.c', 'a.c'],
    ['gcc', 'main.c', '-o', 'main'],
  ];
  for (const words of commands) {
    const alone = compileLocally(words, dir);
    expect(await farm.cc('client', words, dir), words.join(' ')).toEqual(alone);
    expect(await counted(() => farm.cc('client', words, dir)), words.join(' ')).toMatchObject({
      stored: 0,
      localKept: 0,
    });
  }
});
