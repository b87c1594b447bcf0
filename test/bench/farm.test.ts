// The benchmark of the farm, run once on a small one: that its line has the promised shape, that every unit comes back although
// machines are lost, that nothing is left. How long it takes is not looked at: a busy machine may be slow.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { buildProgram } from '../../bench/client/programs.ts';
import { areaBoundMs, makePlan, type Plan } from '../../bench/farm/farm-plan.ts';
import type { FarmBenchResult } from '../../bench/farm/farm.ts';
import { Hosts } from '../../bench/farm/hosts.ts';
import { ratiosOf, type Measured } from '../../bench/farm/rows.ts';
import { loopbackNetwork } from '../../src/adapters/netns/farm-network.ts';

const bench = join(import.meta.dirname, '../../bench');
let scratch: string;

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'tender-bench-test-'));
});

afterEach(() => {
  rmSync(scratch, { recursive: true, force: true });
});

describe('bench farm', () => {
  test('a quarter of the machines is killed, and every unit comes back as the compiler makes it', async () => {
    const words = ['--workers', '4', '--tasks', '24', '--median-ms', '60', '--seeds', '1', '--only', 'tender'];
    const child = spawn(
      process.execPath,
      [join(bench, 'main.ts'), 'farm', ...words, '--conditions', 'healthy', 'killed', '--json'],
      { env: { ...process.env, TMPDIR: scratch }, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    expect(child.exitCode, stderr).toBe(0);
    const lines = stdout.trim().split('\n');
    const result = JSON.parse(lines.at(-1) ?? '') as FarmBenchResult;
    expect(lines).toHaveLength(1);
    expect(result.bench).toBe('farm');
    expect(result.rows.map((row) => `${row.condition} ${row.who}`)).toEqual([
      'healthy tender-first -j16',
      'healthy tender -j16',
      'killed tender -j16',
    ]);
    for (const row of result.rows) {
      expect(row).toMatchObject({ units: 24, jobs: 16, seeds: [1], failed: 0, identical: true });
      expect(row.overBound).toBeGreaterThan(0);
      expect(row.silenceMs).toBeGreaterThan(0);
      expect(row.cpuMsPerUnit).toBeGreaterThan(0);
    }
    expect(result.rows.map((row) => typeof row.lostAtMsBySeed[0])).toEqual(['object', 'object', 'number']);
    expect(result.ratios).toEqual({ healthy: null, killed: null, frozen: null });
    // Agents, their homes and the benchmark's own files are gone.
    expect(readdirSync(scratch)).toEqual([]);
  });

  test('a name that nobody has is refused in a sentence', async () => {
    const child = spawn(process.execPath, [join(bench, 'main.ts'), 'farm', '--only', 'nobody'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const [stderr] = await Promise.all([text(child.stderr), once(child, 'close')]);
    expect(child.exitCode).toBe(1);
    expect(stderr).toBe('bench: there is no «nobody»: tender, distcc, icecc take part\n');
  });
});

describe('the plan', () => {
  const size = { workers: 20, tasks: 500, medianMs: 500 };

  test('is the same for a seed, and another for another', () => {
    expect(makePlan(1, size)).toEqual(makePlan(1, size));
    expect(makePlan(1, size).durationsMs).not.toEqual(makePlan(2, size).durationsMs);
  });

  test('has durations like those of compiles, and loses a quarter of the farm in machines of all speeds', () => {
    for (const seed of [1, 2, 3]) {
      const plan = makePlan(seed, size);
      const sorted = plan.durationsMs.toSorted((a, b) => a - b);
      expect(sorted[250]).toBeGreaterThan(420);
      expect(sorted[250]).toBeLessThan(580);
      expect(sorted.at(-1)).toBeGreaterThan(2500);
      expect(new Set(plan.lost).size).toBe(5);
      const speeds = plan.lost.map((worker) => plan.slowness[worker]);
      expect(speeds).toContain(1);
      expect(speeds).toContain(4);
    }
  });

  test('the bound is the work over the slots, and after a loss over the slots that are left', () => {
    // Rates 2 and 1, so 3 together; the second machine is lost.
    const plan: Plan = { seed: 1, durationsMs: [600], slowness: [1, 2], lost: [1], totalMs: 600, lossAtMs: 200 };
    expect(areaBoundMs(plan)).toBe(200);
    expect(areaBoundMs(plan, 100)).toBe(100 + 300 / 2);
    expect(areaBoundMs(plan, 900)).toBe(200);
  });
});

test('a ratio is taken with the best peer that failed nothing on the same seed', () => {
  const plan = makePlan(1, { workers: 4, tasks: 2, medianMs: 10 });
  const one = (who: string, makespanMs: number, failed = 0): Measured => ({
    ...{ who, jobs: 8, condition: 'healthy', plan },
    outcome: {
      ...{ makespanMs, failed, lostAtMs: null, silenceMs: 1, endedAtMs: [1, makespanMs], unfinished: 0, here: 0 },
      ...{ different: 0, cpuMs: 1, busy: 0, said: '', notes: [] },
    },
  });
  const ours = [one('tender-first -j16', 90), one('tender -j16', 50)];
  expect(ratiosOf([...ours, one('distcc -j8', 200), one('icecc -j8', 100), one('icecc -j16', 60, 1)]).healthy).toBe(
    0.5,
  );
  expect(ratiosOf([...ours, one('icecc -j16', 200, 1)]).healthy).toBe(0.25);
  expect(ratiosOf(ours)).toEqual({ healthy: null, killed: null, frozen: null });
});

test('a frozen host is frozen with all below it, and ends all the same', async () => {
  const hosts = new Hosts(loopbackNetwork({ hosts: 2 }));
  const shell = hosts.start(1, ['sh', '-c', 'sleep 1000 & echo $!; wait'], { PATH: '/usr/bin:/bin' });
  if (shell.stdout === null) throw new Error('no stdout');
  const [printed] = (await once(shell.stdout, 'data')) as [string];
  const sleeper = Number(printed);
  const stateOf = (pid: number): string =>
    /^State:\s+(\S)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';
  hosts.lose([0], 'frozen');
  expect(stateOf(shell.pid ?? 0)).not.toBe('T');
  hosts.lose([1], 'frozen');
  expect([stateOf(shell.pid ?? 0), stateOf(sleeper)]).toEqual(['T', 'T']);
  expect(await hosts.close()).toEqual([]);
  expect(shell.signalCode).toBe('SIGKILL');
  await expect.poll(() => isGone(sleeper)).toBe(true);
});

/** Dead, perhaps not yet collected by whoever adopts orphans here. */
function isGone(pid: number): boolean {
  try {
    return /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return true;
  }
}

test('the sleeping compiler makes its object from the text alone, and counts what it compiles here', () => {
  const gcc = buildProgram('sleepcc', scratch, join(bench, 'farm'));
  const run = (env: Record<string, string>, ...args: string[]): string =>
    execFileSync(gcc, args, { cwd: scratch, env: { SLEEPCC_SLOWNESS: '0', ...env }, encoding: 'utf8' });
  const object = (name: string): Buffer => readFileSync(join(scratch, name));
  writeFileSync(join(scratch, 'a.c'), 'int a;\n// sleep_ms = 60000\n');
  writeFileSync(join(scratch, 'b.c'), 'int b;\n// sleep_ms = 60000\n');
  run({ SLEEPCC_HERE: join(scratch, 'here') }, '-O2', '-c', 'a.c', '-o', 'a.o');
  run({}, '-c', 'b.c', '-o', 'b.o');
  expect(readFileSync(join(scratch, 'here'))).toHaveLength(1);
  const preprocessed = run({}, '-E', 'a.c');
  expect(preprocessed).toContain('# 1 "a.c"');
  writeFileSync(join(scratch, 'sent.i'), preprocessed);
  run({}, '-c', 'sent.i', '-o', 'sent.o');
  expect(object('sent.o').equals(object('a.o'))).toBe(true);
  expect(object('b.o').equals(object('a.o'))).toBe(false);
  const startedAt = performance.now();
  run({ SLEEPCC_SLOWNESS: '0.005' }, '-c', 'a.c', '-o', 'a.o');
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(290);
});
