// The demo's own conduct, seen from outside with a stand-in for the CLI: its verdicts, its exit codes, and that nothing of it is
// left after success, failure, Ctrl-C or being killed. The real farm is proved in real-farm.test.ts.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FAKE_TENDER } from './fake-tender.ts';

let dir: string;
let project: string;
let started: ChildProcess[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tender-demo-test-'));
  mkdirSync(join(dir, 'tmp'));
  project = join(dir, 'project');
  mkdirSync(project);
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
    writeFileSync(join(project, `${name}.c`), `#include <stdio.h>\nint ${name}(void) { return puts(__FILE__); }\n`);
  }
  const rule = '%.o: %.c\n\tgcc -O1 -g -MD -c $< -o $@\n';
  writeFileSync(join(project, 'Makefile'), `all: a.o b.o c.o d.o e.o f.o\n\tar rcs libx.a $^\n${rule}`);
});
afterEach(() => {
  for (const child of started) child.kill('SIGKILL');
  started = [];
  rmSync(dir, { recursive: true, force: true });
});

interface Run {
  readonly child: ChildProcess;
  readonly ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
}

/** Runs the demo over the project in a process of its own, as a user would. */
function startDemo(options: { json?: boolean; chaos?: boolean; command?: string[] }, env: NodeJS.ProcessEnv = {}): Run {
  const root = join(import.meta.dirname, '../..');
  const given = {
    ...{ json: false, chaos: false, corpus: 'leveldb', dir: project, command: ['make'] },
    cli: [process.execPath, FAKE_TENDER],
    ...options,
  };
  const script = `
    const { runDemo } = await import(${JSON.stringify(join(root, 'src/apps/demo/demo.ts'))});
    const log = (line) => process.stderr.write(line + '\\n');
    process.exitCode = await runDemo({ ...${JSON.stringify(given)}, out: process.stdout, log });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: join(dir, 'tmp'), ...env },
  });
  started.push(child);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (text: Buffer) => (stdout += text.toString()));
  child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
  return { child, ended: once(child, 'close').then(([code]) => ({ code: code as number | null, stdout, stderr })) };
}

/** What a demo may have left: files, namespaces, processes. */
function remains(pid: number | undefined): string[] {
  const spaces = spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' }).stdout ?? '';
  const processes = readdirSync('/proc').filter((entry) => {
    try {
      return (
        /^\d+$/.test(entry) &&
        readFileSync(`/proc/${entry}/environ`, 'utf8').includes(`TENDER_DEMO=${join(dir, 'tmp')}`)
      );
    } catch {
      return false;
    }
  });
  return [
    ...readdirSync(join(dir, 'tmp')),
    ...spaces.split('\n').filter((name) => name.startsWith(`tender-${pid}-`)),
    ...processes.map((entry) => `process ${entry}`),
  ];
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('waited for nothing');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('verdicts', () => {
  test('identical builds: exit code 0, a table, and the project itself untouched', async () => {
    const before = readdirSync(project);
    const { child, ended } = startDemo({});
    const { code, stdout, stderr } = await ended;
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stdout).toContain('worker-1');
    expect(stdout.trim().split('\n').at(-1)).toBe(
      "All 6 objects, 13 files with their by-products, are identical to the local build's.",
    );
    expect(readdirSync(project)).toEqual(before);
    expect(remains(child.pid)).toEqual([]);
  });

  test('--json: one line on standard output, with the promised fields', async () => {
    const { stdout } = await startDemo({ json: true }).ended;
    expect(stdout.split('\n')).toHaveLength(2);
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ ok: true, units: 6, remote: 6, local: 0, identical: 6, differing: 0, clientCpuMsPerUnit: 2 },
      workers: [{ name: 'worker-1', units: 6 }],
    });
  });

  test('one flipped byte: exit code 1, and the file is named', async () => {
    const { code, stdout } = await startDemo({}, { FAKE_SPOIL: 'c.o' }).ended;
    expect(code).toBe(1);
    expect(stdout).toMatch(/differs: c\.o \(\d+ bytes each, first difference at byte 100\)/);
  });

  test('a unit that could travel and did not: exit code 1, and the agents say why', async () => {
    const report = JSON.stringify({ remote: 5, local: 1, reasons: { nobody: 1 } });
    const { code, stdout, stderr } = await startDemo({ json: true }, { FAKE_REPORT: report }).ended;
    expect(code).toBe(1);
    expect(stderr).toContain('worker-2: closed for repairs\n');
    expect(stderr).toContain('worker-1 says: no room today\n');
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, faults: ['1 units that could travel were compiled here'] });
  });

  test('a build that goes past Tender: exit code 1', async () => {
    const { code, stdout } = await startDemo({}, { FAKE_REPORT: '{"units":0,"remote":0}' }).ended;
    expect(code).toBe(1);
    expect(stdout).toContain('no compile reached Tender');
  });

  test('a build that fails: its words, exit code 1, nothing left', async () => {
    writeFileSync(join(project, 'd.c'), 'int broken(\n');
    const { child, ended } = startDemo({ json: true });
    const { code, stdout, stderr } = await ended;
    expect(code).toBe(1);
    expect(stderr).toContain('the farm build failed: `make` ended with 2');
    expect(stderr).toContain('d.c:');
    expect(JSON.parse(stdout)).toMatchObject({ ok: false });
    expect(remains(child.pid)).toEqual([]);
  });

  test('a farm that cannot be made: what failed and why', async () => {
    const { child, ended } = startDemo({}, { FAKE_INIT_FAILS: '1' });
    const { code, stderr } = await ended;
    expect(code).toBe(1);
    expect(stderr).toContain('`tender init --name demo` on client failed (exit code 1): tender: no cluster today');
    expect(remains(child.pid)).toEqual([]);
  });

  test('a project that is not there, and a directory without a command', async () => {
    rmSync(project, { recursive: true });
    const missing = await startDemo({}).ended;
    expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining(`cannot read the project ${project}`)]);
    const bare = await startDemo({ command: [] }).ended;
    expect([bare.code, bare.stderr]).toEqual([2, expect.stringContaining('--dir and a build command belong together')]);
  });
});

describe('an end before the end', () => {
  /** A build that makes four objects, says so, and hangs for ever. */
  const hanging = ['sh', '-c', 'make a.o b.o c.o d.o && touch "$DEMO_STAMP" && sleep 1000'];

  test.each(['SIGINT', 'SIGTERM'] as const)('%s: nothing left, exit code 130', async (signal) => {
    const stamp = join(dir, 'stamp');
    const { child, ended } = startDemo({ command: hanging }, { DEMO_STAMP: stamp });
    await until(() => existsSync(stamp));
    expect(remains(child.pid).length).toBeGreaterThan(1);
    child.kill(signal);
    const { code, stderr } = await ended;
    expect(code).toBe(130);
    expect(stderr).toContain('interrupted; everything it started is gone');
    expect(remains(child.pid)).toEqual([]);
  });

  test('SIGKILL: what it started is swept away', async () => {
    const stamp = join(dir, 'stamp');
    const { child } = startDemo({ command: hanging }, { DEMO_STAMP: stamp });
    await until(() => existsSync(stamp));
    child.kill('SIGKILL');
    await until(() => remains(child.pid).length === 0);
    expect(remains(child.pid)).toEqual([]);
  });
});

describe('chaos', () => {
  test('kills one agent, freezes another, says so, and leaves neither behind', async () => {
    // The build waits until the demo has struck: one of the agents is stopped then.
    const wait = `make a.o b.o c.o d.o; until grep -qs '^State:.T' /proc/[0-9]*/status; do sleep 0.1; done; make`;
    const { child, ended } = startDemo({
      json: true,
      chaos: true,
      command: ['sh', '-c', wait.replace('until', `[ "$TENDER_DISABLE" ] || until`)],
    });
    const { code, stdout, stderr } = await ended;
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(JSON.parse(stdout)).toMatchObject({ chaos: { killed: 'worker-2', frozen: 'worker-3' }, identical: 6 });
    expect(remains(child.pid)).toEqual([]);
  });

  test('that comes too late is told', async () => {
    const { code, stdout } = await startDemo({ chaos: true, command: ['make', 'a.o', 'b.o'] }).ended;
    expect(code).toBe(1);
    expect(stdout).toContain('the build ended before a worker could be killed');
  });
});
