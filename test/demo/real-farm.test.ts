// The whole of Tender on a real project: LevelDB through a client and three workers, each its own process in its own network
// namespace, compared byte for byte with a local build; then the same with one worker killed and one frozen.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { defaultCacheDir, fetchPackage, LEVELDOWN_PACKAGE } from '../../src/adapters/corpus/fetch.ts';

const root = join(import.meta.dirname, '../..');
const cli = join(root, 'dist/apps/main.js');
const fetched = await fetchPackage(LEVELDOWN_PACKAGE, { cacheDir: defaultCacheDir(), log: console.warn });
if (!fetched.ok) console.warn(`SKIPPED: the demo on LevelDB: ${fetched.error.message}`);

let dir: string;
let demo: ChildProcess | null = null;
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'tender-real-farm-'))));
afterEach(async () => {
  if (demo?.exitCode === null && demo.kill('SIGTERM')) await once(demo, 'exit');
  rmSync(dir, { recursive: true, force: true });
});

interface Found {
  readonly units: number;
  readonly remote: number;
  readonly workers: readonly { name: string; units: number; cpuMs: number; bytesIn: number; bytesOut: number }[];
}

/** `tender demo --corpus leveldb --json …`: its exit code, its JSON line, and what it said meanwhile. */
async function runDemo(...args: string[]): Promise<{ code: number | null; found: Found; stderr: string }> {
  expect(existsSync(cli)).toBe(true);
  const child = spawn(process.execPath, [cli, 'demo', '--corpus', 'leveldb', '--json', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: dir },
  });
  demo = child;
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (text: Buffer) => (stdout += text.toString()));
  child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  const line = stdout.trim().split('\n').at(-1) ?? '';
  return { code, found: JSON.parse(line === '' ? '{}' : line) as Found, stderr };
}

test.skipIf(!fetched.ok)(
  'every object of LevelDB is compiled remotely and identical',
  { timeout: 300_000 },
  async () => {
    const { code, found, stderr } = await runDemo();
    expect({ code, found, stderr }).toMatchObject({
      code: 0,
      found: { units: 40, remote: 40, local: 0, identical: 40, differing: 0, filesDiffering: 0 },
    });
    expect(found.workers.filter((worker) => worker.units > 0).length).toBeGreaterThan(1);
    for (const worker of found.workers) expect(worker.cpuMs * worker.bytesIn * worker.bytesOut).toBeGreaterThan(0);
    expect(readdirSync(dir)).toEqual([]);
  },
);

test.skipIf(!fetched.ok)('so they are when one worker is killed and one frozen', { timeout: 300_000 }, async () => {
  const { code, found, stderr } = await runDemo('--chaos');
  expect({ code, found, stderr }).toMatchObject({
    code: 0,
    found: { units: 40, identical: 40, differing: 0, chaos: { killed: 'worker-2', frozen: 'worker-3' } },
  });
  expect(readdirSync(dir)).toEqual([]);
});
