// Between memory and disk: nothing that was learnt is written twice or lost while the disk is away, and the file of the version
// before is taken in once.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openRecordStore } from '../../adapters/record/store.ts';
import type { RecordStore } from '../../adapters/record/types.ts';
import { err } from '../../base/result.ts';
import { RecordKeeper } from './record-keeper.ts';

const START = 1_700_000_000_000;
let home = '';
let keepers: RecordKeeper[] = [];
let problems: (string | null)[] = [];

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'tender-keeper-'));
  keepers = [];
  problems = [];
});
afterEach(() => {
  for (const keeper of keepers) keeper.close();
  rmSync(home, { recursive: true });
});

function keep(store: RecordStore = openRecordStore(join(home, 'record.db'), { nowMs: () => START })): RecordKeeper {
  const keeper: RecordKeeper = new RecordKeeper({
    home,
    store,
    nowMs: () => START,
    forget: (what) => keeper.record.forget(what),
    problem: (why) => problems.push(why),
  });
  keepers.push(keeper);
  return keeper;
}

function learn(keeper: RecordKeeper, label: string, ranMs: number, worker: string | null = 'w'): void {
  keeper.record.observe({ label, classKey: 'k', project: '/p', worker, ranMs, overheadMs: 5 });
}

test('what was learnt is there in the next life, names too', () => {
  const first = keep();
  learn(first, '/p/a.cc', 1234);
  first.name('w', 'pear');
  first.close();
  const store = openRecordStore(join(home, 'record.db'), { nowMs: () => START });
  expect(store.names().get('w')).toBe('pear');
  const next = keep(store);
  expect(next.record.predict('/p/a.cc', 'k')).toMatchObject({ p50Ms: 1234, known: true });
  expect(next.record.count('w')).toBe(1);
});

test('a worker’s name is kept when its first result comes later', () => {
  const keeper = keep();
  keeper.name('w', 'pear');
  learn(keeper, '/p/a.cc', 100, null);
  keeper.save();
  learn(keeper, '/p/b.cc', 100);
  keeper.close();
  const store = openRecordStore(join(home, 'record.db'), { nowMs: () => START });
  expect([...store.names()]).toEqual([['w', 'pear']]);
  store.close();
});

test('while the disk is away it is told, and later all is written that was learnt meanwhile', () => {
  const real = openRecordStore(join(home, 'record.db'), { nowMs: () => START });
  let away = true;
  const store: RecordStore = {
    get problem() {
      return away ? 'the disk is away' : null;
    },
    load: () => real.load(),
    names: () => real.names(),
    put: (rows, names) => (away ? err('the disk is away') : real.put(rows, names)),
    forget: (what) => real.forget(what),
    close: () => real.close(),
  };
  const keeper = keep(store);
  learn(keeper, '/p/a.cc', 100);
  keeper.save();
  expect(problems.at(-1)).toBe('the disk is away');
  learn(keeper, '/p/b.cc', 200);
  keeper.save();
  away = false;
  keeper.save();
  expect(problems.at(-1)).toBeNull();
  expect(real.load().units.map((row) => row[2])).toEqual(['/p/a.cc', '/p/b.cc']);
});

test('the file of the version before is taken in once, what was learnt since stays', () => {
  const old = { version: 1, labels: [['/p/old.cc', 3000, 10, 4]], classes: [], workers: [['w', 2, 15, 9]] };
  writeFileSync(join(home, 'record.json'), JSON.stringify(old));
  const first = keep();
  expect(first.record.predict('/p/old.cc', 'k').p50Ms).toBe(3000);
  expect(first.record.slowness('w')).toBe(2);
  expect(readdirSync(home)).toContain('record.json.imported');
  expect(readdirSync(home)).not.toContain('record.json');
  learn(first, '/p/old.cc', 1000, null);
  first.close();
  writeFileSync(join(home, 'record.json'), JSON.stringify(old));
  expect(keep().record.predict('/p/old.cc', 'k').p50Ms).toBe(2500);
});

test('garbage in place of that file stops nothing', () => {
  writeFileSync(join(home, 'record.json'), '{"version":1,"labels":[[');
  expect(keep().record.export().units).toEqual([]);
  expect(readdirSync(home)).toContain('record.json.imported');
});

test('what is forgotten is gone from memory and from disk', () => {
  const keeper = keep();
  learn(keeper, '/p/a.cc', 100);
  // A unit, its kind in the project and in all of them, the worker, its rate.
  expect(keeper.forget({})).toEqual({ ok: true, value: 5 });
  expect(keeper.record.export().units).toEqual([]);
  keeper.save();
  keeper.close();
  expect(keep().record.export()).toEqual({ version: 2, units: [], kinds: [], workers: [], rates: [] });
});

test('what a replay begins with is what decisions rest on from then on', () => {
  const first = keep();
  learn(first, '/p/a.cc', 100);
  first.close();
  const keeper = keep();
  const written = keeper.asWritten();
  expect(keeper.record.export()).toEqual(written);
  learn(keeper, '/p/b.cc', 100);
  keeper.close();
  expect(keep().record.export().units).toHaveLength(2);
});
