// The benchmark of the client, run once on a tiny corpus: that its line has the promised shape, that every unit went to a worker and
// came back as the compiler made it. What it measures is not looked at: a busy machine may be slow.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ClientBenchResult } from '../../bench/client/client.ts';

const main = join(import.meta.dirname, '../../bench/main.ts');
let cache: string;

beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'tender-bench-test-'));
});

afterEach(() => {
  rmSync(cache, { recursive: true, force: true });
});

/** Runs the benchmarks' command line with a cache and a place for temporary files of its own. */
async function runBench(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [main, ...args], {
    env: { ...process.env, XDG_CACHE_HOME: cache, TMPDIR: cache },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code: child.exitCode, stdout, stderr };
}

describe('bench client', () => {
  test('measures Tender, warm, cold and at first contact, and gets the very objects back', async () => {
    const { code, stdout, stderr } = await runBench(
      ...['client', '--corpus', 'smoke', '--rounds', '1', '--only', 'tender-warm,tender-cold,tender-first', '--json'],
    );
    expect(code, stderr).toBe(0);
    const lines = stdout.trim().split('\n');
    const result = JSON.parse(lines.at(-1) ?? '') as ClientBenchResult;
    expect(lines).toHaveLength(1);
    expect(result.bench).toBe('client');
    expect(result.rows.map((row) => row.who)).toEqual(['tender-warm', 'tender-cold', 'tender-first']);
    for (const row of result.rows) {
      expect(row).toMatchObject({ corpus: 'smoke', units: 4, rounds: 1, identical: true });
      // Units that ran here instead, or were not the same, would be named.
      expect(row.note).not.toMatch(/ran here|differ/);
      for (const figure of [row.launcherCpuMs, row.agentCpuMs, row.wallMsP50, row.bytesPerUnit, row.agentRssBytes])
        expect(figure).toBeGreaterThan(0);
      expect(row.cpuMsPerUnit).toBeCloseTo((row.launcherCpuMs ?? 0) + (row.agentCpuMs ?? 0), 2);
    }
    expect(result.ratios).toEqual({ distcc: null, pump: null, icecc: null, ccacheHit: null });
    // Agents and their homes are gone.
    expect(readdirSync(cache)).toEqual(['tender']);
  });

  test('an object that is not the kept one is told', async () => {
    const args = ['client', '--corpus', 'smoke', '--rounds', '1', '--only', 'local', '--json'];
    const first = await runBench(...args);
    expect(first.code, first.stderr).toBe(0);
    const [dir = ''] = readdirSync(join(cache, 'tender/bench'));
    const kept = join(cache, 'tender/bench', dir, 'kept/s0.cc.o');
    expect(existsSync(kept)).toBe(true);
    writeFileSync(kept, Buffer.concat([readFileSync(kept), Buffer.from('x')]));
    const second = await runBench(...args);
    const result = JSON.parse(second.stdout) as ClientBenchResult;
    expect(result.rows[0]).toMatchObject({ who: 'local', identical: false });
    expect(result.rows[0]?.note).toContain('s0.cc.o');
  });
});
