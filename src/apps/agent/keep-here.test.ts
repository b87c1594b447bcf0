// What a compiler makes here is kept when all that it could have read stayed untouched, and not otherwise: with real compilers,
// a real store, and edits made between the steps of a run.
import { spawnSync } from 'node:child_process';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openWatches } from '../../adapters/files/watches.ts';
import { openResultStore } from '../../adapters/results/store.ts';
import type { ResultStore } from '../../adapters/results/types.ts';
import type { LauncherReport, LauncherRequest } from '../../adapters/launcher-socket/types.ts';
import { Toolchains } from '../../adapters/toolchain/index.ts';
import { Preparer } from './prepare.ts';

const toolchains = new Toolchains();
const gcc = spawnSync('sh', ['-c', 'command -v gcc'], { encoding: 'utf8' }).stdout.trim();
const WORDS = ['gcc', '-O1', '-Wall', '-Ione', '-Itwo', '-Ilink', '-MD', '-c', 'a.c', '-o', 'out/a.o'];
/** Files younger than this at a run's start could have been written to unnoticed. */
const anyClass = { id: 'c', criteria: '', toolchain: null, p50Ms: 1, p80Ms: 1, bytes: 1 };
const GRAIN_MS = 60;

describe.skipIf(gcc === '').each([['watches'], ['no watches']])('with %s', (mode) => {
  let root: string;
  let dir: string;
  let store: ResultStore;
  let preparer: Preparer;
  let kept: number;
  let why: string[];

  beforeEach(async () => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'tender-here-')));
    dir = join(root, 'project');
    for (const sub of ['one', 'two', 'real', 'out']) mkdirSync(join(dir, sub), { recursive: true });
    writeFileSync(join(dir, 'two/x.h'), '#define X 1\n');
    writeFileSync(join(dir, 'real/y.h'), '#define Y 1\n');
    symlinkSync('real', join(dir, 'link'));
    writeFileSync(join(dir, 'a.c'), '#include "x.h"\n#include <y.h>\nint x = X + Y;\nstatic int unused;\n');
    const opened = openResultStore(join(root, 'store'), { maxBytes: 2 ** 26 });
    if (!opened.ok) throw new Error(opened.error);
    store = opened.value;
    [kept, why] = [0, []];
    preparer = new Preparer({
      toolchains,
      watches: mode === 'watches' ? openWatches(join(root, 'cookies')) : null,
      nativeDir: join(root, 'native'),
      store,
      termsOf: () => ({ class: anyClass, project: '/p', kind: 'k', policy: 'finish', memBytes: 2 ** 29 }),
      keptHere: () => kept++,
      log: (event, fields) => why.push(`${event} ${String(fields['why'] ?? fields['error'])}`),
    });
    await grow();
  });
  afterEach(async () => {
    await preparer.close();
    await store.close();
    rmSync(root, { recursive: true, force: true });
  });

  /** Until the clock has left the time at which files were last written. */
  async function grow(): Promise<void> {
    const bornMs = Date.now();
    while (Date.now() < bornMs + GRAIN_MS) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  const request = (env: readonly string[] = []): LauncherRequest => ({
    stderrIsTerminal: false,
    stdoutIsTerminal: false,
    umask: 0o022,
    compiler: gcc,
    cwd: dir,
    argv: WORDS,
    env: [`PATH=${process.env['PATH'] ?? ''}`, 'LC_ALL=C', ...env],
    validUtf8: true,
  });

  /** The compiler alone. */
  function compile(): LauncherReport {
    const ran = spawnSync(gcc, WORDS.slice(1), { cwd: dir, env: { PATH: process.env['PATH'], LC_ALL: 'C' } });
    const { stdout, stderr } = ran;
    return { exit: { how: 'exit', code: ran.status ?? -1 }, cpuMs: 1, printed: { stdout, stderr } };
  }

  interface Steps {
    readonly before?: () => void;
    /** Instead of the compiler. */
    readonly run?: () => LauncherReport;
    readonly after?: () => void;
    readonly env?: readonly string[];
  }

  /** A call that comes to run here; whether the next such call is answered from the store. */
  async function isKept({ before, run = compile, after, env }: Steps): Promise<boolean> {
    const { prepared } = await preparer.prepare(request(env));
    if (prepared.travels !== true) throw new Error(`the unit was to travel: ${JSON.stringify(prepared)}`);
    const started = prepared.keep?.startHere();
    before?.();
    const report = run();
    after?.();
    started?.ended(report);
    const again = await preparer.prepare(request(env));
    return again.prepared.travels === 'stored';
  }

  const write = (name: string, text: string): void => writeFileSync(join(dir, name), text);

  test('an undisturbed run is kept, byte for byte and with its warnings', async () => {
    expect(await isKept({}), why.join()).toBe(true);
    expect(kept).toBe(1);
    const { prepared } = await preparer.prepare(request());
    if (prepared.travels !== 'stored') throw new Error('it was kept');
    const { outputs, stderr, stdout } = prepared.result;
    expect(Buffer.from(stderr).toString()).toMatch(/unused/);
    expect(stdout).toHaveLength(0);
    const files = ['out/a.o', 'out/a.d'].map((name) => readFileSync(join(dir, name)));
    expect(outputs.map(({ data }) => Buffer.from(data))).toEqual(files);
    expect(outputs.map(({ index, zstd }) => [index, zstd])).toEqual([
      [0, false],
      [1, false],
    ]);
  });

  test('a second run is kept when its inputs are others', async () => {
    await isKept({});
    write('two/x.h', '#define X 2\n');
    await grow();
    expect(await isKept({})).toBe(true);
    expect(kept).toBe(2);
  });

  test('files that nobody asked for come and go', async () => {
    const after = (): void => {
      write('out/b.o', '');
      write('one/unrelated.h', '');
      write('b.o', '');
      rmSync(join(dir, 'one/unrelated.h'));
    };
    // Without watches only a directory's times tell, and they tell of everything.
    expect(await isKept({ after })).toBe(mode === 'watches');
  });

  const swap = (one: string, other: string): void => {
    renameSync(join(dir, one), join(dir, 'spare'));
    renameSync(join(dir, other), join(dir, one));
    renameSync(join(dir, 'spare'), join(dir, other));
  };
  const relink = (target: string): void => {
    rmSync(join(dir, 'link'));
    symlinkSync(target, join(dir, 'link'));
  };

  const disturbances: [name: string, before: () => void, after?: () => void][] = [
    ['a header that is edited', () => write('two/x.h', '#define X 2\n')],
    [
      'a header that is another for a while',
      () => write('two/x.h', '#define X 2\n'),
      () => write('two/x.h', '#define X 1\n'),
    ],
    [
      'one that gets its old time back',
      () => write('two/x.h', '#define X 2\n'),
      () => {
        write('two/x.h', '#define X 1\n');
        utimesSync(join(dir, 'two/x.h'), new Date(), lstatSync(join(dir, 'a.c')).mtime);
      },
    ],
    ['a header that is written again with equal bytes', () => write('two/x.h', '#define X 1\n')],
    ['the source', () => write('a.c', 'int other;\n')],
    ['a header in front', () => write('one/x.h', '#define X 3\n')],
    ['a header in front for a while', () => write('one/x.h', '#define X 3\n'), () => rmSync(join(dir, 'one/x.h'))],
    ['a header beside the source for a while', () => write('x.h', '#define X 3\n'), () => rmSync(join(dir, 'x.h'))],
    [
      'a header that is away for a while',
      () => renameSync(join(dir, 'real/y.h'), join(dir, 'real/z.h')),
      () => renameSync(join(dir, 'real/z.h'), join(dir, 'real/y.h')),
    ],
    ['search directories that change places for a while', () => swap('one', 'two'), () => swap('one', 'two')],
    ['a link that leads elsewhere for a while', () => relink('two'), () => relink('real')],
    ['the whole project, away for a while', () => renameSync(dir, `${dir}2`), () => renameSync(`${dir}2`, dir)],
  ];
  test.each(disturbances)('%s: not kept', async (_name, before, after = () => undefined) => {
    // What it reads meanwhile is not the point: it may fail, or read the one or the other.
    const run = (): LauncherReport => {
      const report = compile();
      return { ...report, exit: { how: 'exit', code: 0 } };
    };
    expect(await isKept({ before, run, after })).toBe(false);
    expect(kept).toBe(0);
  });

  test.each(disturbances.filter(([, , after]) => after !== undefined))(
    '%s: not even when the compiler came too late to see it',
    async (_name, before, after) => {
      const run = (): LauncherReport => {
        before();
        after?.();
        return compile();
      };
      expect(await isKept({ run })).toBe(false);
      expect(kept).toBe(0);
    },
  );

  test('a depfile that names what was not foreseen: not kept', async () => {
    const after = (): void => write('out/a.d', 'out/a.o: a.c two/x.h real/z.h\n');
    write('real/z.h', '');
    await grow();
    expect(await isKept({ after })).toBe(false);
  });

  test('a header that is no older than the start could be written to unnoticed', async () => {
    // A time that is sure to be still too young when the run starts.
    const ahead = new Date(Date.now() + 3_600_000);
    utimesSync(join(dir, 'two/x.h'), ahead, ahead);
    await grow();
    expect(await isKept({})).toBe(false);
    utimesSync(join(dir, 'two/x.h'), new Date(0), new Date(0));
    await grow();
    expect(await isKept({}), why.join()).toBe(true);
  });

  test('what is not its own work is not kept', async () => {
    const good = compile();
    expect(await isKept({ run: () => good }), 'the object of an earlier run').toBe(false);
    const missing = (): LauncherReport => {
      compile();
      rmSync(join(dir, 'out/a.d'));
      return good;
    };
    expect(await isKept({ run: missing }), 'no depfile').toBe(false);
    const linked = (): LauncherReport => {
      compile();
      renameSync(join(dir, 'out/a.o'), join(dir, 'out/b.o'));
      symlinkSync('b.o', join(dir, 'out/a.o'));
      return good;
    };
    expect(await isKept({ run: linked }), 'a link').toBe(false);
    rmSync(join(dir, 'out/a.o'));
    for (const exit of [{ how: 'exit', code: 1 } as const, { how: 'signal', code: 11 } as const]) {
      expect(await isKept({ run: () => ({ ...compile(), exit }) }), exit.how).toBe(false);
    }
    expect(await isKept({ run: () => ({ ...compile(), printed: null }) }), 'printed too much').toBe(false);
    expect(kept).toBe(0);
    expect(await isKept({}), why.join()).toBe(true);
  });

  test('under a preloaded library nothing is kept', async () => {
    expect(await isKept({ env: ['LD_PRELOAD=/none.so'] })).toBe(false);
    expect(await isKept({ env: ['LD_LIBRARY_PATH=/none'] })).toBe(true);
  });

  test('several that end at once are all kept', async () => {
    const names = Array.from({ length: 12 }, (_, index) => `u${index}`);
    for (const name of names) write(`${name}.c`, `#include "x.h"\nint ${name} = X;\n`);
    await grow();
    const call = (name: string): LauncherRequest => ({ ...request(), argv: ['gcc', '-Itwo', '-c', `${name}.c`] });
    const prepared = await Promise.all(names.map((name) => preparer.prepare(call(name))));
    const runs = prepared.map((each) => (each.prepared.travels === true ? each.prepared.keep?.startHere() : null));
    for (const [index, name] of names.entries()) {
      spawnSync(gcc, ['-Itwo', '-c', `${name}.c`], { cwd: dir });
      const printed = { stdout: new Uint8Array(), stderr: new Uint8Array() };
      runs[index]?.ended({ exit: { how: 'exit', code: 0 }, cpuMs: 1, printed });
    }
    const again = await Promise.all(names.map((name) => preparer.prepare(call(name))));
    // Without watches the objects beside the headers show in their directory's times.
    const stored = again.filter((each) => each.prepared.travels === 'stored').length;
    expect(stored, why.join()).toBe(mode === 'watches' ? 12 : 0);
  });
});
