// The store on a real disk: what it keeps, what it remembers, how it stays small; and that nothing found on the disk is believed
// unless it is whole, nor ever throws.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openResultStore } from './store.ts';
import { manifestOf, openForTest, plain, resultKeyOf, resultOf, unitKeyOf } from './test-rig.ts';
import type { ResultStore, StoreOptions } from './types.ts';

// Most tests start threads from the sources, which takes seconds on a machine that is busy.
vi.setConfig({ testTimeout: 120_000 });

let dir = '';
const opened: ResultStore[] = [];
beforeEach(() => {
  dir = fs.mkdtempSync(join(os.tmpdir(), 'tender-results-'));
});
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
  fs.rmSync(dir, { recursive: true, force: true });
});

function open(options: Partial<StoreOptions> = {}): ResultStore {
  const store = openForTest(join(dir, 'store'), options);
  opened.push(store);
  return store;
}

const pathOf = (key: Uint8Array, kind: 'r' | 'u'): string => {
  const hex = Buffer.from(key).toString('hex');
  return join(dir, 'store', 'v1', hex.slice(0, 2), `${hex.slice(2)}.${kind}`);
};
const resultPath = (n: number): string => pathOf(resultKeyOf(n), 'r');
const unitPath = (n: number): string => pathOf(unitKeyOf(n), 'u');
const put = (store: ResultStore, unit: number, n: number, bytes?: number): void =>
  store.put(unitKeyOf(unit), manifestOf(n), resultOf(n, bytes));
const order = (store: ResultStore, unit: number): string[] =>
  store.manifests(unitKeyOf(unit)).map((manifest) => Buffer.from(manifest.resultKey).toString('hex'));
const keys = (...numbers: number[]): string[] => numbers.map((n) => Buffer.from(resultKeyOf(n)).toString('hex'));
const age = (path: string, seconds: number): void => {
  const then = Date.now() / 1000 - seconds;
  fs.utimesSync(path, then, then);
};

describe('what is put', () => {
  test('is known at once, on the disk after a flush, and to the next process', async () => {
    const store = open();
    expect(store.manifests(unitKeyOf(1))).toEqual([]);
    expect(store.result(resultKeyOf(1))).toBeNull();
    put(store, 1, 1);
    for (const when of ['at once', 'written', 'by another']) {
      const asked = when === 'by another' ? open() : store;
      expect(plain(asked.manifests(unitKeyOf(1))), when).toEqual(plain([manifestOf(1)]));
      expect(plain(asked.result(resultKeyOf(1))), when).toEqual(plain(resultOf(1)));
      await store.flush();
    }
    expect(fs.existsSync(resultPath(1)) && fs.existsSync(unitPath(1))).toBe(true);
  });

  test('stands first; eight are kept; the one that was used becomes the first, also on the disk', async () => {
    const store = open();
    for (let n = 0; n < 10; n++) put(store, 1, n);
    expect(order(store, 1)).toEqual(keys(9, 8, 7, 6, 5, 4, 3, 2));
    store.result(resultKeyOf(4), unitKeyOf(1));
    put(store, 1, 7);
    expect(order(store, 1)).toEqual(keys(7, 4, 9, 8, 6, 5, 3, 2));
    await store.flush();
    expect(order(open(), 1)).toEqual(keys(7, 4, 9, 8, 6, 5, 3, 2));
    store.result(resultKeyOf(2), unitKeyOf(1));
    await store.flush();
    expect(order(open(), 1)).toEqual(keys(2, 7, 4, 9, 8, 6, 5, 3));
  });

  test('by one process is seen by another that remembers the unit', async () => {
    const [one, other] = [open(), open()];
    put(one, 1, 1);
    await one.flush();
    expect(order(other, 1)).toEqual(keys(1));
    put(one, 1, 2);
    await one.flush();
    expect(order(other, 1)).toEqual(keys(2, 1));
    put(other, 1, 3);
    await other.flush();
    expect(order(one, 1)).toEqual(keys(3, 2, 1));
    await other.clear();
    expect(order(one, 1)).toEqual([]);
  });

  test('shares the files of different units', () => {
    const store = open();
    put(store, 1, 1);
    put(store, 2, 2);
    const [one] = store.manifests(unitKeyOf(1));
    const [other] = store.manifests(unitKeyOf(2));
    expect(one?.files[5]).toBe(other?.files[5]);
    expect(one?.files[0]).not.toBe(other?.files[0]);
  });

  test('too much at once, or too large a result, is not kept, and counted', async () => {
    const store = open({ maxQueuedBytes: 50_000, maxBytes: 1_000_000 });
    for (let n = 0; n < 100; n++) put(store, n, n, 5000);
    put(store, 200, 200, 400_000);
    expect(store.result(resultKeyOf(200))).toBeNull();
    await store.flush();
    const { counters, results } = await store.stats();
    expect(results).toBeGreaterThan(3);
    expect(results).toBeLessThan(12);
    expect(counters).toMatchObject({ kept: results, refused: 101 - results });
    const known = Array.from({ length: 100 }, (_, n) => n).filter((n) => store.manifests(unitKeyOf(n)).length > 0);
    expect(known).toHaveLength(results);
    for (const n of known) expect(plain(store.result(resultKeyOf(n)))).toEqual(plain(resultOf(n, 5000)));
  });

  test('after closing there is nothing, and nothing is kept', async () => {
    const store = open();
    put(store, 1, 1);
    await store.close();
    put(store, 2, 2);
    expect(store.manifests(unitKeyOf(1))).toEqual([]);
    expect(store.result(resultKeyOf(1))).toBeNull();
    expect(fs.existsSync(resultPath(1))).toBe(true);
    expect(fs.existsSync(resultPath(2))).toBe(false);
  });
});

describe('the bound', () => {
  test('holds, and the entries used longest ago go first', async () => {
    const store = open({ maxBytes: 1_000_000, touchAfterMs: 1000 });
    for (let n = 0; n < 60; n++) put(store, n, n, 9000);
    await store.flush();
    for (let n = 0; n < 60; n++) for (const path of [resultPath(n), unitPath(n)]) age(path, 10_000 - n);
    // Used again, and so younger than all.
    for (const n of [0, 5]) {
      store.manifests(unitKeyOf(n));
      store.result(resultKeyOf(n));
    }
    for (let n = 60; n < 64; n++) put(store, n, n, 9000);
    await store.flush();
    const { bytes, counters } = await store.stats();
    expect(bytes).toBeLessThanOrEqual(1_000_000);
    expect(counters.evicted).toBeGreaterThan(0);
    const left = Array.from({ length: 64 }, (_, n) => n).filter((n) => store.result(resultKeyOf(n)) !== null);
    const gone = 64 - left.length;
    expect(gone).toBeGreaterThan(0);
    // 0 and 5 stay; of the others exactly the oldest are gone.
    expect(left).toEqual([
      0,
      5,
      ...Array.from({ length: 64 }, (_, n) => n)
        .filter((n) => n !== 0 && n !== 5)
        .slice(gone),
    ]);
  });

  test('that was lowered is kept to by the next that writes', async () => {
    const large = open();
    for (let n = 0; n < 40; n++) put(large, n, n, 20_000);
    await large.close();
    const smaller = open({ maxBytes: 300_000 });
    put(smaller, 50, 50);
    await smaller.flush();
    expect((await smaller.stats()).bytes).toBeLessThanOrEqual(300_000);
    expect(smaller.result(resultKeyOf(50))).not.toBeNull();
  });

  test('counts what others have written', async () => {
    const one = open({ maxBytes: 600_000 });
    const other = open({ maxBytes: 600_000 });
    for (let n = 0; n < 60; n++) put(n % 2 === 0 ? one : other, n, n, 9000);
    await one.flush();
    await other.flush();
    const { bytes } = await one.stats();
    // Each looks again after writing a twentieth.
    expect(bytes).toBeLessThanOrEqual(600_000 * 1.1);
    expect(bytes).toBeGreaterThan(600_000 * 0.7);
  });
});

describe('use', () => {
  test('is noted once in a while: for a result, for a unit, for one that is remembered', async () => {
    const store = open({ touchAfterMs: 60_000 });
    put(store, 1, 1);
    await store.flush();
    const recent = (path: string): boolean => Math.abs(fs.statSync(path).mtimeMs - Date.now()) < 30_000;
    for (const seconds of [3600, -3600]) {
      for (const asked of [store, open({ touchAfterMs: 60_000 })]) {
        age(unitPath(1), seconds);
        age(resultPath(1), seconds);
        expect(asked.manifests(unitKeyOf(1))).toHaveLength(1);
        expect(asked.result(resultKeyOf(1))).not.toBeNull();
        expect([recent(unitPath(1)), recent(resultPath(1))]).toEqual([true, true]);
      }
    }
    age(resultPath(1), 50);
    const before = fs.statSync(resultPath(1)).mtimeMs;
    store.result(resultKeyOf(1));
    expect(fs.statSync(resultPath(1)).mtimeMs).toBe(before);
  });
});

describe('what is broken', () => {
  const faults: Record<string, (path: string) => void> = {
    'a bit turned': (path) => {
      const bytes = fs.readFileSync(path);
      bytes[bytes.length - 3] = (bytes.at(-3) ?? 0) ^ 4;
      fs.writeFileSync(path, bytes);
    },
    'cut short': (path) => fs.truncateSync(path, fs.statSync(path).size - 1),
    'cut to nothing': (path) => fs.truncateSync(path, 0),
    'holes after a power cut': (path) => {
      const { size } = fs.statSync(path);
      fs.truncateSync(path, 0);
      fs.truncateSync(path, size);
    },
    'another entry under its name': (path) => fs.copyFileSync(path.endsWith('.r') ? resultPath(2) : unitPath(2), path),
    'the other kind under its name': (path) => fs.copyFileSync(path.endsWith('.r') ? unitPath(2) : resultPath(2), path),
    garbage: (path) => fs.writeFileSync(path, 'rubbish'.repeat(999)),
    'a directory': (path) => {
      fs.unlinkSync(path);
      fs.mkdirSync(join(path, 'deeper'), { recursive: true });
      fs.writeFileSync(join(path, 'deeper', 'file'), 'x');
    },
    'a link to a good entry elsewhere': (path) => {
      const elsewhere = join(dir, path.slice(-20));
      fs.renameSync(path, elsewhere);
      fs.symlinkSync(elsewhere, path);
    },
    'a link in a circle': (path) => {
      fs.unlinkSync(path);
      fs.symlinkSync(path, path);
    },
    'a pipe': (path) => {
      fs.unlinkSync(path);
      execFileSync('mkfifo', [path]);
    },
  };

  for (const [fault, inflict] of Object.entries(faults)) {
    test(`(${fault}) is dropped, never served, and can be put again`, async () => {
      const first = open();
      for (const n of [1, 2]) put(first, n, n);
      await first.close();
      const store = open();
      inflict(resultPath(1));
      inflict(unitPath(1));
      expect(store.manifests(unitKeyOf(1))).toEqual([]);
      expect(store.result(resultKeyOf(1))).toBeNull();
      for (const path of [resultPath(1), unitPath(1)])
        expect(fs.lstatSync(path, { throwIfNoEntry: false })).toBe(undefined);
      expect(plain(store.result(resultKeyOf(2)))).toEqual(plain(resultOf(2)));
      put(store, 1, 1);
      await store.flush();
      expect(plain(open().result(resultKeyOf(1)))).toEqual(plain(resultOf(1)));
      expect((await store.stats()).counters.broken).toBe(2);
    });
  }

  test('is found by a check, once, whatever it is', async () => {
    const store = open();
    const all = Object.entries(faults).map(([fault, inflict], i) => ({ fault, inflict, n: 10 + i }));
    for (const n of [2, ...all.map((it) => it.n)]) put(store, n, n);
    await store.flush();
    for (const { inflict, n } of all) inflict(resultPath(n));
    const verified = await store.verify();
    expect(verified).toMatchObject({ checked: 2 * all.length + 2, dropped: all.length });
    const names = all.map(({ n }) => resultPath(n).slice(dir.length + 10));
    expect(verified.broken.map(({ entry }) => entry)).toEqual(names.toSorted());
    expect(verified.broken.every(({ removed }) => removed)).toBe(true);
    expect(await store.verify()).toEqual({ checked: all.length + 2, dropped: 0, swept: 0, broken: [] });
    for (const { n } of all) expect(store.result(resultKeyOf(n))).toBeNull();
  });

  test('is replaced by what is put without looking, whatever it is', async () => {
    const store = open();
    const all = Object.entries(faults).map(([fault, inflict], i) => ({ fault, inflict, n: 10 + i }));
    for (const n of [2, ...all.map((it) => it.n)]) put(store, n, n);
    await store.flush();
    for (const { inflict, n } of all) for (const path of [resultPath(n), unitPath(n)]) inflict(path);
    for (const { n } of all) put(store, n, n);
    await store.flush();
    const next = open();
    for (const { fault, n } of all) {
      expect(plain(next.manifests(unitKeyOf(n))), fault).toEqual(plain([manifestOf(n)]));
      expect(plain(next.result(resultKeyOf(n))), fault).toEqual(plain(resultOf(n)));
    }
    expect((await store.verify()).broken).toEqual([]);
  });

  test('as a directory of the store: a file in its place, strange names, no directory at all', async () => {
    const store = open();
    put(store, 1, 1);
    await store.flush();
    const shard = resultPath(2).slice(0, -65);
    fs.rmSync(shard, { recursive: true, force: true });
    fs.writeFileSync(shard, 'in the way');
    expect(store.result(resultKeyOf(2))).toBeNull();
    put(store, 2, 2);
    await store.flush();
    expect(plain(open().result(resultKeyOf(2)))).toEqual(plain(resultOf(2)));
    fs.writeFileSync(join(shard, 'core'), 'x'.repeat(5000));
    fs.mkdirSync(join(shard, 'ee.r'));
    expect((await store.verify()).broken.map(({ why }) => why)).toEqual(Array(2).fill('no entry of this store'));
    fs.rmSync(join(dir, 'store'), { recursive: true, force: true });
    expect(store.manifests(unitKeyOf(1))).toEqual([]);
    put(store, 3, 3);
    await store.flush();
    expect(plain(open().result(resultKeyOf(3)))).toEqual(plain(resultOf(3)));
  });

  test('as figures or counters of the store: they are made anew', async () => {
    const store = open();
    put(store, 1, 1);
    await store.close();
    for (const text of ['', 'rubbish', '{"kept": -1, "served": "many", "__proto__": 3}', '[[1]]']) {
      for (const file of ['census', 'counters']) fs.writeFileSync(join(dir, 'store', 'v1', file), text);
      const stats = await open().stats();
      expect(stats).toMatchObject({ results: 1, units: 1, counters: { kept: 0, served: 0 } });
    }
  });

  test('temporary files of the dead are swept, those of the living are not', async () => {
    const store = open();
    const tmp = join(dir, 'store', 'v1', 'tmp');
    const dead = execFileSync('sh', ['-c', 'echo $$']).toString().trim();
    fs.writeFileSync(join(tmp, `${dead}.abc.1`), 'half');
    fs.writeFileSync(join(tmp, 'nobody knows'), 'half');
    fs.writeFileSync(join(tmp, `${process.pid}.abc.1`), 'half');
    fs.writeFileSync(join(tmp, `${process.pid}.abc.2`), 'half');
    age(join(tmp, `${process.pid}.abc.2`), 7200);
    expect(await store.verify()).toEqual({ checked: 0, dropped: 0, swept: 3, broken: [] });
    expect(fs.readdirSync(tmp)).toEqual([`${process.pid}.abc.1`]);
  });
});

describe('the place', () => {
  test('is closed to others, and says that it is a cache', () => {
    fs.mkdirSync(join(dir, 'store', 'v1'), { recursive: true, mode: 0o777 });
    fs.chmodSync(join(dir, 'store', 'v1'), 0o777);
    open();
    expect(fs.statSync(join(dir, 'store', 'v1')).mode & 0o777).toBe(0o700);
    const tag = fs.readFileSync(join(dir, 'store', 'CACHEDIR.TAG'), 'utf8');
    expect(tag.startsWith('Signature: 8a477f597d28d172789f06886806bc55')).toBe(true);
  });

  test('that cannot be used is told in a sentence', () => {
    fs.writeFileSync(join(dir, 'file'), '');
    fs.mkdirSync(join(dir, 'elsewhere', 'tmp'), { recursive: true });
    fs.mkdirSync(join(dir, 'linked'));
    fs.symlinkSync(join(dir, 'elsewhere'), join(dir, 'linked', 'v1'));
    for (const place of ['file', 'linked']) {
      const result = openResultStore(join(dir, place), { maxBytes: 1e6 });
      expect(result.ok ? '' : result.error).toMatch(/^cannot keep results in .*: .*another|ENOTDIR.*TENDER_STORE/);
    }
  });

  test.skipIf(process.getuid?.() !== 0)('of somebody else is refused (needs root)', () => {
    fs.mkdirSync(join(dir, 'theirs', 'v1'), { recursive: true });
    fs.chownSync(join(dir, 'theirs', 'v1'), 65534, 65534);
    const result = openResultStore(join(dir, 'theirs'), { maxBytes: 1e6 });
    expect(result.ok ? '' : result.error).toContain('not a directory of this user');
  });
});
