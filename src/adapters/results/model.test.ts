// The store against a Map: any order of what can be asked of it, by two processes' worth of stores, with damage in between,
// answers as a Map would; evicting takes exactly the oldest; figures are those of a full count.
import fc from 'fast-check';
import fs from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Census, allocatedBytes } from './census.ts';
import { entryPath } from './disk.ts';
import { evict } from './evict.ts';
import { UnitMemory } from './memory.ts';
import { FilePool } from './pool.ts';
import { manifestOf, openForTest, plain, resultKeyOf, resultOf, unitKeyOf } from './test-rig.ts';
import type { ResultStore } from './types.ts';

// Most runs start threads from the sources, which takes seconds on a machine that is busy.
vi.setConfig({ testTimeout: 120_000 });

let base = '';
let made = 0;
const fresh = (): string => join(base, `${++made}`);
beforeAll(() => {
  base = fs.mkdtempSync(join(os.tmpdir(), 'tender-model-'));
});
afterAll(() => fs.rmSync(base, { recursive: true, force: true }));

type Step =
  | { readonly do: 'put' | 'result' | 'manifests'; readonly unit: number; readonly n: number; readonly by: 0 | 1 }
  | { readonly do: 'reopen' | 'clear' | 'flush'; readonly by: 0 | 1 }
  | { readonly do: 'damage'; readonly what: 'r' | 'u'; readonly unit: number; readonly n: number; readonly at: number };

const by = fc.constantFrom(0 as const, 1 as const);
const ask = fc.record({
  do: fc.constantFrom('put' as const, 'put' as const, 'result' as const, 'manifests' as const),
  unit: fc.nat(2),
  n: fc.nat(11),
  by,
});
const manage = fc.record({ do: fc.constantFrom('reopen' as const, 'clear' as const, 'flush' as const), by });
const damage = fc.record({
  do: fc.constant('damage' as const),
  what: fc.constantFrom('r' as const, 'u' as const),
  unit: fc.nat(2),
  n: fc.nat(11),
  at: fc.nat(4000),
});
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof({ weight: 8, arbitrary: ask }, { weight: 1, arbitrary: manage }, { weight: 1, arbitrary: damage }),
  { maxLength: 60 },
);

describe('the store', () => {
  test('answers as a Map does', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (given) => {
        const dir = fresh();
        const stores: [ResultStore, ResultStore] = [openForTest(dir), openForTest(dir)];
        const results = new Set<number>();
        const units = new Map<number, number[]>();
        const toFront = (unit: number, n: number): void => {
          units.set(unit, [n, ...(units.get(unit) ?? []).filter((other) => other !== n)].slice(0, 8));
        };
        for (const step of given) {
          if (step.do === 'damage') {
            const key = step.what === 'r' ? resultKeyOf(step.n) : unitKeyOf(step.unit);
            const path = entryPath(join(dir, 'v1'), Buffer.from(key).toString('hex'), step.what);
            if (!fs.existsSync(path)) continue;
            const bytes = fs.readFileSync(path);
            const at = step.at % bytes.length;
            bytes[at] = (bytes[at] ?? 0) ^ 1;
            fs.rmSync(path);
            fs.writeFileSync(path, bytes);
            if (step.what === 'r') results.delete(step.n);
            else units.delete(step.unit);
            continue;
          }
          const store = stores[step.by];
          if (step.do === 'put') {
            store.put(unitKeyOf(step.unit), manifestOf(step.n, 3), resultOf(step.n, 50));
            results.add(step.n);
            toFront(step.unit, step.n);
            // What one has not written yet, the other cannot know.
            await store.flush();
          } else if (step.do === 'result') {
            const wanted = results.has(step.n) ? resultOf(step.n, 50) : null;
            store.manifests(unitKeyOf(step.unit));
            expect(plain(store.result(resultKeyOf(step.n), unitKeyOf(step.unit)))).toEqual(plain(wanted));
            if (wanted !== null && units.get(step.unit)?.includes(step.n) === true) toFront(step.unit, step.n);
            await store.flush();
          } else if (step.do === 'manifests') {
            const wanted = (units.get(step.unit) ?? []).map((n) => manifestOf(n, 3));
            expect(plain(store.manifests(unitKeyOf(step.unit)))).toEqual(plain(wanted));
          } else if (step.do === 'reopen') {
            await store.close();
            stores[step.by] = openForTest(dir);
          } else if (step.do === 'clear') {
            await store.clear();
            results.clear();
            units.clear();
          } else await store.flush();
        }
        const stats = await stores[0].stats();
        expect(stats.results).toBeGreaterThanOrEqual(results.size);
        const { checked, dropped } = await stores[1].verify();
        expect(checked - dropped).toBe(results.size + units.size);
        for (const store of stores) await store.close();
        fs.rmSync(dir, { recursive: true, force: true });
      }),
      { numRuns: 10 },
    );
  });

  test('has all that was put and not flushed, as a Map has', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(ask, { maxLength: 40 }), async (given) => {
        const dir = fresh();
        const store = openForTest(dir);
        const results = new Set<number>();
        for (const step of given) {
          if (step.do === 'put') {
            store.put(unitKeyOf(step.unit), manifestOf(step.n, 3), resultOf(step.n, 50));
            results.add(step.n);
          } else if (step.do === 'result') {
            const wanted = results.has(step.n) ? resultOf(step.n, 50) : null;
            expect(plain(store.result(resultKeyOf(step.n), unitKeyOf(step.unit)))).toEqual(plain(wanted));
          }
        }
        await store.close();
        const next = openForTest(dir);
        for (const n of results) expect(plain(next.result(resultKeyOf(n)))).toEqual(plain(resultOf(n, 50)));
        await next.close();
        fs.rmSync(dir, { recursive: true, force: true });
      }),
      { numRuns: 10 },
    );
  });
});

/** Files by number: their sizes, and how long ago they were used, each once. */
const population = fc.array(fc.nat(30_000), { maxLength: 60 }).chain((sizes) =>
  fc.tuple(
    fc.constant(sizes),
    fc.shuffledSubarray(
      sizes.map((_, i) => i),
      { minLength: sizes.length },
    ),
  ),
);

function populate(root: string, sizes: readonly number[], ages: readonly number[]): string[] {
  fs.mkdirSync(root, { recursive: true });
  return sizes.map((size, i) => {
    const path = entryPath(root, Buffer.from(resultKeyOf(i)).toString('hex'), i % 3 === 0 ? 'u' : 'r');
    fs.mkdirSync(path.slice(0, -65), { recursive: true });
    fs.writeFileSync(path, Buffer.alloc(size));
    const used = 1_700_000_000 - (ages[i] ?? 0) * 60;
    fs.utimesSync(path, used, used);
    return path;
  });
}

describe('evicting', () => {
  test('removes the oldest, as many as needed and no more', () => {
    fc.assert(
      fc.property(population, fc.nat(500_000), fc.nat(100), ([sizes, ages], maxBytes, percent) => {
        const root = fresh();
        const paths = populate(root, sizes, ages);
        const census = new Census(root);
        census.refresh();
        const toBytes = (maxBytes * percent) / 100;
        evict(census, maxBytes, toBytes);
        let bytes = sizes.reduce((sum, size) => sum + allocatedBytes(size), 0);
        const left = new Set(paths);
        const oldestFirst = paths
          .map((path, i) => ({ path, i }))
          .toSorted((a, b) => (ages[b.i] ?? 0) - (ages[a.i] ?? 0));
        if (bytes > maxBytes) {
          for (const { path, i } of oldestFirst) {
            if (bytes <= toBytes) break;
            bytes -= allocatedBytes(sizes[i] ?? 0);
            left.delete(path);
          }
        }
        expect(paths.filter((path) => fs.existsSync(path))).toEqual([...left]);
        expect(census.bytes).toBe(bytes);
        fs.rmSync(root, { recursive: true, force: true });
      }),
      { numRuns: 25 },
    );
  });

  test('takes an entry from the future first: no use has put its time right', () => {
    const root = fresh();
    const [one, other] = populate(root, [5000, 5000], [1, 2]);
    if (one === undefined || other === undefined) throw new Error('no files');
    const future = Date.now() / 1000 + 10 * 86_400;
    fs.utimesSync(one, future, future);
    const census = new Census(root);
    census.refresh();
    expect(evict(census, 10_000, 9000)).toBe(1);
    expect([fs.existsSync(one), fs.existsSync(other)]).toEqual([false, true]);
  });
});

describe('the census', () => {
  test('is kept from one start to the next, and reads again only what has changed', () => {
    const root = fresh();
    const paths = populate(root, [5000, 5000, 100], [1, 2, 3]);
    const [first = '', second = ''] = paths;
    const shards = paths.map((path) => path.slice(0, -65));
    expect(new Set(shards).size).toBe(3);
    for (const shard of shards) fs.utimesSync(shard, 1_700_000_000, 1_700_000_000);
    const census = new Census(root);
    census.refresh();
    expect([census.bytes, census.results, census.units]).toEqual([8192 * 2 + 4096, 2, 1]);
    census.save();
    // Grown in place, which nobody does: a sign that the directory was not read.
    for (const path of [first, second]) fs.appendFileSync(path, Buffer.alloc(50_000));
    const next = new Census(root);
    next.refresh();
    expect(next.bytes).toBe(8192 * 2 + 4096);
    fs.writeFileSync(`${shards[0]}/new`, 'x');
    next.refresh();
    expect(next.bytes).toBe(8192 + allocatedBytes(55_000) + 4096 * 2);
    // A directory that changed just now may change again within the grain of its time.
    next.save();
    fs.appendFileSync(first, Buffer.alloc(50_000));
    const last = new Census(root);
    last.refresh();
    expect(last.bytes).toBe(8192 + allocatedBytes(105_000) + 4096 * 2);
  });
});

describe('memory', () => {
  test('stays under its bound, forgets the oldest, and then holds no file', () => {
    const pool = new FilePool();
    const memory = new UnitMemory(pool, 400_000);
    const remember = (n: number) => {
      const { files, resultKey } = manifestOf(n);
      const manifests = [{ files: files.map((file) => pool.adopt(file)), resultKey }];
      memory.set(`${n}`, { manifests, stamp: null, pending: n === 0 ? 1 : 0 });
    };
    for (let n = 0; n < 1000; n++) {
      remember(n);
      memory.get('7');
      expect(memory.bytes).toBeLessThanOrEqual(400_000);
    }
    const known = Array.from({ length: 1000 }, (_, n) => n).filter((n) => memory.peek(`${n}`) !== undefined);
    expect(known.length).toBeGreaterThan(100);
    // 0 is being written, 7 was used.
    expect(known).toEqual([0, 7, ...Array.from({ length: known.length - 2 }, (_, i) => 1000 - known.length + 2 + i)]);
    memory.clear();
    expect(memory.bytes).toBe(0);
  });
});
