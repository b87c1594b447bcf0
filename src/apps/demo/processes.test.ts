// Nothing of the demo may outlive it: whatever it started, however deep and detached, is found by its mark and ended.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findMarked, isRunning, killMarked, MARK, waitForChild } from './processes.ts';

let dir: string;
const started: ChildProcess[] = [];
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'tender-processes-'))));
afterEach(async () => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
  await killMarked(dir, 5000);
  rmSync(dir, { recursive: true, force: true });
});

/** A shell whose detached grandchild says its pid and sleeps; both carry the mark. */
async function startDeep(): Promise<number> {
  const child = spawn('sh', ['-c', 'setsid sh -c "echo \\$\\$; exec sleep 1000" & wait'], {
    env: { ...process.env, [MARK]: dir },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  started.push(child);
  const [text] = (await once(child.stdout, 'data')) as [Buffer];
  return Number(text.toString());
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('waited for nothing');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe('marked processes', () => {
  test('are found however deep, and ended, frozen ones too; others are not', { timeout: 20_000 }, async () => {
    const other = spawn('sleep', ['1000'], { env: { ...process.env, [MARK]: `${dir}x` } });
    started.push(other);
    const deep = await startDeep();
    process.kill(deep, 'SIGSTOP');
    expect(findMarked(dir)).toContain(deep);
    expect(await killMarked(dir, 5000)).toEqual([]);
    await until(() => !isRunning(deep));
    expect(other.pid !== undefined && isRunning(other.pid)).toBe(true);
  });
});

describe('waitForChild', () => {
  test('gives output and exit code, and does not wait for a heir of the pipes', { timeout: 20_000 }, async () => {
    const child = spawn('sh', ['-c', 'echo out; echo err >&2; sleep 1000 & exit 3'], {
      env: { ...process.env, [MARK]: dir },
    });
    expect(await waitForChild(child, new AbortController().signal)).toEqual({
      code: 3,
      signal: null,
      stdout: 'out\n',
      stderr: 'err\n',
    });
  });

  test('kills the whole group when interrupted', async () => {
    const stop = new AbortController();
    const child = spawn('sh', ['-c', 'sleep 1000 & echo $!; wait'], {
      detached: true,
      env: { ...process.env, [MARK]: dir },
    });
    const ended = waitForChild(child, stop.signal);
    const [text] = (await once(child.stdout, 'data')) as [Buffer];
    stop.abort();
    expect((await ended).signal).toBe('SIGKILL');
    await until(() => !isRunning(Number(text.toString())));
  });

  test('a command that is not there is an exit code, as a shell would say', async () => {
    const ended = await waitForChild(spawn(join(dir, 'none')), new AbortController().signal);
    expect(ended).toMatchObject({ code: 127, stderr: expect.stringContaining('ENOENT') });
  });
});

test(
  'when the demo is killed, the sweeper ends its processes and removes its directory',
  { timeout: 30_000 },
  async () => {
    const module = join(import.meta.dirname, 'sweeper.ts');
    const scratch = mkdtempSync(join(tmpdir(), 'tender-swept-'));
    const script = `
    const { startSweeper } = await import(${JSON.stringify(module)});
    const { spawn } = await import('node:child_process');
    startSweeper(${JSON.stringify(scratch)}, []);
    const child = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore', env: { ...process.env, ${MARK}: ${JSON.stringify(scratch)} } });
    console.log(child.pid);
    setInterval(() => {}, 1000);`;
    const demo = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    started.push(demo);
    const [text] = (await once(demo.stdout, 'data')) as [Buffer];
    const worker = Number(text.toString());
    expect(isRunning(worker)).toBe(true);
    demo.kill('SIGKILL');
    await until(() => !isRunning(worker) && !existsSync(scratch));
  },
);
