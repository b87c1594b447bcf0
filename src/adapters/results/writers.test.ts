// Many real processes on one store: nobody ever gets what was not put, whoever is killed, whatever the disk refuses.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Scribe } from './scribe.ts';
import {
  manifestOf,
  openForTest,
  plain,
  resultKeyOf,
  resultOf,
  sized,
  unitKeyOf,
  work,
  type Work,
  type WorkReport,
} from './test-rig.ts';

const isRoot = process.getuid?.() === 0;
const nobody = 65534;
const rig = pathToFileURL(join(import.meta.dirname, 'test-rig.ts')).href;
const script = `const rig = await import(${JSON.stringify(rig)}); await rig.${work.name}(JSON.parse(process.argv[1]));`;

let dir = '';
const started: ChildProcess[] = [];
beforeEach(() => {
  dir = fs.mkdtempSync(join(os.tmpdir(), 'tender-writers-'));
});
afterEach(async () => {
  for (const child of started.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
  fs.rmSync(dir, { recursive: true, force: true });
});

function start(given: Partial<Work> & Pick<Work, 'kind'>, around: readonly string[] = []): ChildProcess {
  const whole: Work = { dir: join(dir, 'store'), maxBytes: 2 ** 30, seed: 1, rounds: 300, ...given };
  const argv = [...around, process.execPath, '--input-type=module', '-e', script, JSON.stringify(whole)];
  const child = spawn(argv[0] ?? '', argv.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
  started.push(child);
  return child;
}

async function report(child: ChildProcess): Promise<WorkReport> {
  let out = '';
  let complaints = '';
  child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
  await once(child, 'close');
  if (child.exitCode !== 0) throw new Error(`the process ended with ${child.exitCode}: ${complaints}`);
  return JSON.parse(out.trim().split('\n').at(-1) ?? '') as WorkReport;
}

const tmp = (): string[] => fs.readdirSync(join(dir, 'store', 'v1', 'tmp'));

// Whole processes, one after the other: seconds on a machine that is busy.
const patient = { timeout: 120_000 };

describe('several processes', patient, () => {
  test('put, get, evict, clear and check at once: whatever is served is right', async () => {
    const children = [1, 2, 3, 4].map((seed) => start({ kind: 'churn', seed: seed * 977, maxBytes: 4_000_000 }));
    const reports = await Promise.all(children.map(report));
    expect(reports.map(({ wrong }) => wrong)).toEqual([0, 0, 0, 0]);
    expect(reports.reduce((sum, { served }) => sum + served, 0)).toBeGreaterThan(50);
    const store = openForTest(join(dir, 'store'), { maxBytes: 4_000_000 });
    expect((await store.verify()).broken).toEqual([]);
    store.put(unitKeyOf(1), manifestOf(1), resultOf(1));
    await store.flush();
    expect((await store.stats()).bytes).toBeLessThanOrEqual(4_000_000);
    await store.close();
    expect(tmp()).toEqual([]);
  });

  test('killed in mid-write leave what they had written, nothing broken, and temporary files that are swept', async () => {
    const surely = new Set<number>();
    for (let life = 0; life < 4; life++) {
      const children = [life, life + 10].map((seed) => start({ kind: 'pour', seed }));
      await Promise.all(
        children.map(async (child) => {
          let lines = 0;
          if (child.stdout === null) throw new Error('no pipe');
          for await (const line of createInterface({ input: child.stdout })) {
            surely.add(Number(line));
            if (++lines === 15 + life) child.kill('SIGKILL');
          }
          expect(child.exitCode).toBeNull();
        }),
      );
    }
    expect(surely.size).toBeGreaterThan(20);
    fs.writeFileSync(join(dir, 'store', 'v1', 'tmp', `${started[0]?.pid}.abcdef.1`), 'half');
    const store = openForTest(join(dir, 'store'));
    const { broken, dropped, swept, checked } = await store.verify();
    expect({ broken, dropped }).toEqual({ broken: [], dropped: 0 });
    expect(checked).toBeGreaterThan(surely.size);
    expect(swept).toBeGreaterThan(0);
    expect(tmp()).toEqual([]);
    for (const n of surely) expect(plain(store.result(resultKeyOf(n)))).toEqual(plain(sized(n)));
    await store.close();
  });
});

describe('a disk that refuses', patient, () => {
  test.skipIf(!isRoot)(
    'is full: what fits is kept, the rest is not, nothing is wrong (needs root for a small tmpfs)',
    async () => {
      const mount = ['unshare', '-m', '--propagation', 'private', 'sh', '-c'];
      const inside = `mount -t tmpfs -o size=3m,mode=700 none ${JSON.stringify(dir)} && exec "$@"`;
      const { served, wrong, refused } = await report(start({ kind: 'fill', rounds: 150 }, [...mount, inside, 'sh']));
      expect(wrong).toBe(0);
      expect(served).toBeGreaterThan(10);
      expect(refused).toBeGreaterThan(10);
      expect(served).toBeLessThan(150);
    },
  );

  test('lets no file grow beyond a limit: nothing new is kept, what was there stays, nothing is wrong', async () => {
    // In blocks of 512 bytes: units fit, results do not.
    const limited = ['sh', '-c', 'ulimit -f 6; exec "$@"', 'sh'];
    const none = { served: 0, wrong: 0, refused: 40, known: 0 };
    expect(await report(start({ kind: 'fill', rounds: 40 }, limited))).toEqual(none);
    const all = { served: 40, wrong: 0, refused: 40, known: 40 };
    expect(await report(start({ kind: 'fill', rounds: 40 }))).toEqual(all);
    expect(await report(start({ kind: 'fill', rounds: 40 }, limited))).toEqual({ ...all, refused: 80 });
  });

  test.skipIf(!isRoot)(
    'lets nobody write or read: all is as if it were not there (needs root to be someone else)',
    async () => {
      const store = openForTest(join(dir, 'store'));
      for (let n = 0; n < 20; n++) store.put(unitKeyOf(n), manifestOf(n), resultOf(n));
      await store.close();
      const root = join(dir, 'store', 'v1');
      const shards = fs.readdirSync(root).filter((name) => name.length === 2);
      // Theirs: the store, and entries that they may not read but may remove; not theirs: every other directory.
      fs.chmodSync(dir, 0o755);
      for (const path of [join(dir, 'store'), root, join(root, 'tmp')]) fs.chownSync(path, nobody, nobody);
      for (const [i, shard] of shards.entries()) {
        if (i % 2 === 0) fs.chownSync(join(root, shard), nobody, nobody);
        for (const name of fs.readdirSync(join(root, shard))) fs.chmodSync(join(root, shard, name), 0);
      }
      const { served, wrong, refused } = await report(start({ kind: 'fill', rounds: 20, uid: nobody }));
      expect(wrong).toBe(0);
      // Both the result's and the unit's directory must be writable for it to be kept.
      expect(refused).toBeGreaterThan(0);
      expect(served).toBeGreaterThan(0);
      expect(served + refused).toBe(20);
    },
  );
});

test('a writing thread that fails loses what it was given, is started again, and is given up in the end', async () => {
  // No number at all: the thread meets what it was never written for.
  const scribe = new Scribe({ root: join(dir, 'v1'), maxBytes: 5n as unknown as number }, 1e6);
  for (let life = 1; life <= 3; life++) {
    expect(scribe.hasRoom(1000)).toBe(true);
    const written = new Promise((done) => {
      scribe.put({ unit: 'ab'.repeat(32), unitEntry: new Uint8Array(100), result: null }, done);
    });
    expect(await written).toBeNull();
  }
  expect(scribe.hasRoom(1000)).toBe(false);
  expect(await scribe.ask('close')).toBeNull();
});
