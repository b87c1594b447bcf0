// The claim of docs: a compile in the sandbox gives the bytes that a local one gives, debug information and depfile included,
// because it sees the same files at the same paths. Tried with this machine's own g++ and the store of blobs.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openBlobStore } from '../blobs/store.ts';
import { limits, listLibraries } from './fixture.ts';
import { checkSandbox, openSandbox } from './open.ts';
import { openTrees } from './trees.ts';
import type { RunResult, RunSpec, Sandbox, TreeFile, TreeRequest, Trees } from './types.ts';

const gxx = '/usr/bin/g++';
const checked = await checkSandbox();
const missing = !checked.ok ? checked.error.message : fs.existsSync(gxx) ? null : 'no g++';
if (missing !== null) console.warn(`SKIPPED: compiles in the sandbox (${missing})`);

describe.skipIf(missing !== null)('a compile in the sandbox', () => {
  // Real paths: what the compiler prints must not depend on how the temporary directory is spelled.
  const dir = fs.realpathSync(fs.mkdtempSync(join(os.tmpdir(), 'tender-compile-')));
  const home = join(dir, 'home/x/project');
  let sandbox: Sandbox;
  let trees: Trees;
  let toolchain: TreeFile[];
  let runs = 0;

  beforeAll(async () => {
    for (const sub of ['src/inc', 'build/obj']) fs.mkdirSync(join(home, sub), { recursive: true });
    fs.writeFileSync(join(home, 'src/inc/shape.h'), 'struct Shape { virtual double area() const = 0; };\n');
    fs.writeFileSync(join(home, 'src/local.h'), '#define NAME "local"\n');
    fs.writeFileSync(
      join(home, 'src/main.cc'),
      `#include <cassert>\n#include <map>\n#include <string>\n#include "inc/shape.h"\n#include "local.h"\n
      struct Square : Shape { double side = 1; double area() const override { return side * side; } };
      std::map<std::string, double> areas(const Square &s) { assert(s.side > 0); return {{NAME __FILE__, s.area()}}; }\n`,
    );
    fs.writeFileSync(join(home, 'src/wrong.cc'), '#include "local.h"\nint f() { return NAME; }\n');
    fs.writeFileSync(join(home, 'src/crash.cc'), 'int f();\n');
    const opened = await openSandbox(join(dir, 'sandbox'), { niceness: 0 });
    const blobs = openBlobStore(join(dir, 'blobs'), { maxBytes: 1e9 });
    if (!opened.ok || !blobs.ok) throw new Error('no sandbox or no blobs');
    const openedTrees = openTrees(join(dir, 'trees'), blobs.value);
    if (!openedTrees.ok) throw new Error(openedTrees.error.message);
    sandbox = opened.value;
    trees = openedTrees.value;
    bring = (path, from = path) => {
      const bytes = fs.readFileSync(from);
      const digest = createHash('sha256').update(bytes).digest('hex');
      if (!blobs.value.has(digest)) {
        const imported = blobs.value.importLocal(from, digest, bytes.length);
        if (!imported.ok || !imported.value) {
          const writer = blobs.value.write(digest);
          writer.append(bytes);
          writer.commit();
        }
      }
      return { path, digest };
    };
    const said = (...args: string[]): string => execFileSync(gxx, args).toString().trim();
    const programs = [gxx, said('-print-prog-name=cc1plus'), '/usr/bin/as', '/usr/bin/objcopy'];
    toolchain = [...new Set(programs.flatMap((path) => [path, ...listLibraries(path)]))].map((path) => bring(path));
  });
  afterAll(async () => {
    sandbox.close();
    await trees.close();
    fs.rmSync(dir, { recursive: true, force: true });
  });
  let bring: (path: string, from?: string) => TreeFile;

  const headersOf = (source: string): string[] =>
    spawnSync(gxx, ['-M', '-O2', source]) // glibc has headers for -O only
      .stdout.toString()
      .replaceAll('\\\n', ' ')
      .split(/\s+/)
      .slice(1)
      .filter((path) => path.startsWith('/'));

  async function compile(
    args: string[],
    cwd: string,
    outputs: string[],
    more: Partial<TreeRequest> = {},
    spec: Partial<RunSpec> = {},
  ) {
    const source = args.at(-1) ?? '';
    const headers = headersOf(join(cwd, source));
    const files = [...toolchain, ...new Set([join(cwd, source), ...headers])].map((it) =>
      typeof it === 'string' ? bring(it) : it,
    );
    const lease = trees.acquire({ client: 'test', epoch: '1', files, symlinks: [], dirs: [cwd], ...more });
    if (!lease.ok) throw new Error(lease.error.message);
    const scratchDir = join(dir, 'scratch', String(runs++));
    const run = { argv: [gxx, ...args], cwd, env: ['PATH=/usr/bin:/bin'], umask: 0o022, outputs, scratchDir, limits };
    const done = await sandbox.run({ tree: lease.value, ...run, ...spec }).done;
    lease.value.release();
    return done;
  }

  async function expectSame(args: string[], cwd: string, names: string[]): Promise<RunResult> {
    const outputs = names.map((name) => join(cwd, name));
    const done = await compile(args, cwd, outputs);
    if (!done.ok) throw new Error(`${done.error.code}: ${done.error.message}`);
    const local = spawnSync(gxx, args, { cwd, env: { PATH: '/usr/bin:/bin' } });
    const { exit, stderr, outputs: got } = done.value;
    expect([exit, stderr.toString()]).toEqual([{ how: 'exit', code: local.status }, local.stderr.toString()]);
    for (const [index, path] of outputs.entries()) {
      const here = fs.existsSync(path) ? fs.readFileSync(path) : null;
      expect([path, got[index]?.data.equals(here ?? Buffer.alloc(0))]).toEqual([
        path,
        here === null ? undefined : true,
      ]);
      expect(got[index]?.mode).toBe(here === null ? undefined : fs.statSync(path).mode & 0o777);
      fs.rmSync(path, { force: true });
    }
    return done.value;
  }

  test('gives the same object and depfile, with debug information, into a directory of its own', async () => {
    const args = ['-O2', '-g', '-Wall', '-MD', '-MF', 'obj/main.d', '-o', 'obj/main.o', '-c', '../src/main.cc'];
    const result = await expectSame(args, join(home, 'build'), ['obj/main.o', 'obj/main.d']);
    expect(result.outputs.every((it) => it !== null)).toBe(true);
    expect(result.cpuMs).toBeGreaterThan(50);
    expect(result.maxRssBytes).toBeGreaterThan(10e6);
  });

  test('gives the same when the output directory is the source directory and the working directory', async () => {
    const names = ['main.o', 'main.d', 'main.su'];
    const args = ['-O1', '-g', '-fstack-usage', '-MMD', '-c', 'main.cc'];
    const result = await expectSame(args, join(home, 'src'), names);
    expect(result.outputs.every((it) => it !== null)).toBe(true);
  });

  test('brings home the files whose bytes gcc itself varies from run to run', async () => {
    const cwd = join(home, 'src');
    const outputs = ['main.o', 'main.dwo', 'main.gcno'].map((name) => join(cwd, name));
    const done = await compile(['-g', '-gsplit-dwarf', '-ftest-coverage', '-c', 'main.cc'], cwd, outputs);
    expect(done.ok && done.value.outputs.map((it) => (it?.data.length ?? 0) > 100)).toEqual([true, true, true]);
  });

  test('shows an ordinary error as the compiler wrote it', async () => {
    const result = await expectSame(['-c', '-o', 'wrong.o', 'wrong.cc'], join(home, 'src'), ['wrong.o']);
    expect(result.exit).toEqual({ how: 'exit', code: 1 });
    expect(result.stderr.toString()).toContain('invalid conversion');
  });

  test('a compiler that crashes is a result; one that was killed, starved or left without a part is a failure', async () => {
    const cc1plus = toolchain.find((it) => it.path.endsWith('/cc1plus'));
    const instead = (script: string): Partial<TreeRequest> => {
      const from = join(dir, `cc1plus-${runs}`);
      fs.writeFileSync(from, `#!/bin/sh\n${script}\n`);
      const shell = ['/bin/sh', ...listLibraries('/bin/sh')].map((path) => bring(path));
      const files = [...toolchain.filter((it) => it !== cc1plus), ...shell, bring(join(home, 'src/crash.cc'))];
      return { epoch: `crash-${runs}`, files: [...files, bring(cc1plus?.path ?? '', from)] };
    };
    const attempt = async (script: string) =>
      await compile(['-c', 'crash.cc'], join(home, 'src'), [join(home, 'src/crash.o')], instead(script));
    const crashed = await attempt('kill -SEGV $$');
    expect(crashed.ok && crashed.value.exit).toEqual({ how: 'exit', code: 4 });
    expect(crashed.ok && crashed.value.stderr.toString()).toContain('Segmentation fault');
    const cases = [
      ['kill -KILL $$', 'killed'],
      ['kill -XCPU $$', 'deadline'],
      ['kill -BUS $$', 'killed'],
      ['echo "cc1plus: out of memory allocating 4096 bytes after a total of 1 bytes" >&2; exit 1', 'out-of-memory'],
      ['echo "fatal error: error writing to /tmp/x.s: No space left on device" >&2; exit 1', 'disk-full'],
    ];
    for (const [script = '', code] of cases) {
      const done = await attempt(script);
      expect([script, done.ok ? done.value.exit : done.error.code]).toEqual([script, code]);
    }
    const bare = { epoch: 'bare', files: toolchain.filter((it) => it !== cc1plus) };
    const source = bring(join(home, 'src/crash.cc'));
    const done = await compile(['-c', 'crash.cc'], join(home, 'src'), [], { ...bare, files: [...bare.files, source] });
    expect(done).toMatchObject({ ok: false, error: { code: 'missing-file' } });
  });

  const main = (): [string[], string, string[]] => [
    ['-g', '-c', 'main.cc'],
    join(home, 'src'),
    [join(home, 'src/main.o')],
  ];

  test('a file beyond the limit is a failure, not a compile error', async () => {
    const done = await compile(...main(), {}, { limits: { ...limits, outputBytes: 4096 } });
    expect(done).toMatchObject({ ok: false, error: { code: 'too-large' } });
  });

  const isRoot = process.getuid?.() === 0;
  if (!isRoot) console.warn('SKIPPED: a compile on a full disk (needs root, to mount a small tmpfs)');
  test.skipIf(!isRoot)('a full disk is a failure, not a compile error, and leaves nothing behind', async () => {
    const small = join(dir, 'small');
    fs.mkdirSync(small);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=300k', 'tmpfs', small]);
    try {
      const done = await compile(...main(), {}, { scratchDir: join(small, 'run') });
      expect(done).toMatchObject({ ok: false, error: { code: 'disk-full' } });
      expect(fs.readdirSync(small)).toEqual([]);
    } finally {
      execFileSync('umount', [small]);
    }
  });
});
