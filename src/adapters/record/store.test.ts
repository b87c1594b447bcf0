// The contract of RecordStore, kept by SQLite: what was put is there in the next life, newest wins, bounds hold, and neither a
// damaged file, a locked one, a full place nor kill -9 does more than cost some guesses.
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PastRecord } from '../../core/record/record.ts';
import { openDatabase, withoutExperimentalWarning } from '../sqlite.ts';
import { openRecordStore, type StoreOptions } from './store.ts';
import { inDirectory, rowsOf, start, startWriter } from './test-rig.ts';
import type { RecordStore } from './types.ts';

const open = (dir: string, options: StoreOptions = {}): RecordStore =>
  openRecordStore(join(dir, 'record.db'), { nowMs: () => start, ...options });

const labels = (store: RecordStore): string[] => store.load().units.map((row) => row[2]);

describe('what is put', () => {
  test('is there in the next life, every field of it', () =>
    inDirectory((dir) => {
      const store = open(dir);
      expect(store.load()).toEqual({ version: 2, units: [], kinds: [], workers: [], rates: [] });
      expect(store.put(rowsOf('/p', '/p/a.cc', 'w1'), new Map([['w1', 'pear']]))).toEqual({
        ok: true,
        value: undefined,
      });
      store.close();
      const again = open(dir);
      expect(again.load()).toEqual(rowsOf('/p', '/p/a.cc', 'w1'));
      expect([...again.names()]).toEqual([['w1', 'pear']]);
      expect(again.problem).toBeNull();
      again.close();
      expect(statSync(join(dir, 'record.db')).mode & 0o777).toBe(0o600);
    }));

  test('is the record that was learnt, out and in again', () =>
    inDirectory((dir) => {
      const observed = fc.record({
        label: fc.constantFrom('/p/a.cc', '/p/ü.cc', '/q/b.c', "/q/'; DROP TABLE unit; --"),
        classKey: fc.constantFrom('g++ -O2', 'gcc -O0'),
        project: fc.constantFrom('/p', '/q', ''),
        worker: fc.constantFrom('v', 'w', null),
        ranMs: fc.integer({ min: 1, max: 100_000 }),
        overheadMs: fc.integer({ min: 0, max: 1000 }),
        bytes: fc.integer({ min: 0, max: 1e8 }),
        memBytes: fc.integer({ min: 0, max: 2 ** 33 }),
      });
      let files = 0;
      fc.assert(
        fc.property(fc.array(fc.array(observed, { maxLength: 20 }), { maxLength: 5 }), (batches) => {
          const file = join(dir, `${files++}.db`);
          const record = new PastRecord();
          const store = openRecordStore(file, { nowMs: () => start });
          let at = start;
          for (const batch of batches) {
            for (const observation of batch) {
              record.advance(at++);
              record.observe(observation);
            }
            const changes = record.takeChanges();
            if (changes !== null) expect(store.put(changes).ok).toBe(true);
          }
          store.close();
          const next = openRecordStore(file, { nowMs: () => start });
          const read = PastRecord.import(next.load(), at);
          next.close();
          const sorted = (rows: readonly (readonly unknown[])[]): string[] =>
            rows.map((row) => JSON.stringify(row)).sort();
          const [mine, theirs] = [record.export(), read.export()];
          for (const table of ['units', 'kinds', 'workers', 'rates'] as const) {
            expect(sorted(theirs[table])).toEqual(sorted(mine[table]));
          }
        }),
        { numRuns: 30 },
      );
    }));

  test('gives way to what was learnt later, in whatever order it comes', () =>
    inDirectory((dir) => {
      const store = open(dir);
      store.put(rowsOf('/p', 'u', 'w', 2000, start + 5));
      store.put(rowsOf('/p', 'u', 'w', 1000, start));
      expect(store.load().units.map((row) => row[3])).toEqual([2000]);
      store.put(rowsOf('/p', 'u', 'w', 3000, start + 6));
      expect(store.load().units.map((row) => row[3])).toEqual([3000]);
      store.close();
    }));

  test('is bounded: the oldest go, and what is over a year old', () =>
    inDirectory((dir) => {
      const store = open(dir);
      for (let i = 0; i < 20; i++) store.put(rowsOf('/p', `u${i}`, `w${i}`, 1000, start + i));
      store.close();
      const bounds = { unit: 5, kind: 1, worker: 3, rate: 2 };
      const small = open(dir, { bounds });
      expect(labels(small)).toEqual(['u15', 'u16', 'u17', 'u18', 'u19']);
      expect(small.load().workers.map((row) => row[0])).toEqual(['w17', 'w18', 'w19']);
      expect(small.load().rates).toHaveLength(2);
      small.close();
      const later = open(dir, { nowMs: () => start + 366 * 24 * 3600 * 1000 });
      expect(later.load()).toEqual({ version: 2, units: [], kinds: [], workers: [], rates: [] });
      later.close();
    }));
});

describe('forget', () => {
  const tables = (store: RecordStore): number[] => {
    const { units, kinds, workers, rates } = store.load();
    return [units.length, kinds.length, workers.length, rates.length];
  };
  const filled = (dir: string): RecordStore => {
    const store = open(dir);
    for (const project of ['/p', '/q'])
      for (const worker of ['v', 'w']) store.put(rowsOf(project, `${project}/${worker}`, worker));
    return store;
  };

  test.each([
    [{ project: '/p' }, [2, 1, 2, 2]],
    [{ worker: 'v' }, [4, 2, 1, 2]],
    [{ worker: 'v', project: '/q' }, [4, 2, 2, 3]],
    [{ project: "/q' OR 1=1 --" }, [4, 2, 2, 4]],
    [{}, [0, 0, 0, 0]],
  ])('%j', (what, left) =>
    inDirectory((dir) => {
      const store = filled(dir);
      expect(tables(store)).toEqual([4, 2, 2, 4]);
      const gone = store.forget(what);
      expect(tables(store)).toEqual(left);
      expect(gone).toEqual({ ok: true, value: 12 - left.reduce((a, b) => a + b) });
      store.close();
    }),
  );

  test('leaves nothing of it in the file', () =>
    inDirectory((dir) => {
      const store = open(dir);
      for (let i = 0; i < 500; i++) store.put(rowsOf('/secret-project', `/secret-project/u${i}`, 'w'));
      store.forget({ project: '/secret-project' });
      store.close();
      for (const name of readdirSync(dir)) expect(readFileSync(join(dir, name)).includes('secret-project')).toBe(false);
    }));
});

describe('a place that is in a bad way', () => {
  const file = (dir: string): string => join(dir, 'record.db');
  const asides = (dir: string): string[] => readdirSync(dir).filter((name) => /damaged-\d+(?:-\d+)?$/.test(name));

  test.each([
    ['text', () => Buffer.from('this is no database at all\n'.repeat(100))],
    ['a database cut short', (whole: Buffer) => whole.subarray(0, 5000)],
    [
      'a database with torn pages',
      (whole: Buffer) => Buffer.from(whole.map((byte, i) => (i > 4096 && i % 3 === 0 ? byte ^ 0x5a : byte))),
    ],
  ])('%s is kept aside and begun anew', (_name, damage) =>
    inDirectory((dir) => {
      const store = open(dir);
      for (let i = 0; i < 200; i++) store.put(rowsOf('/p', `u${i}`, 'w'));
      store.close();
      const damaged = damage(readFileSync(file(dir)));
      writeFileSync(file(dir), damaged);
      const next = open(dir);
      next.load();
      expect(next.put(rowsOf('/p', 'fresh', 'w')).ok).toBe(true);
      expect(next.problem).toContain('was damaged and is begun anew');
      expect(asides(dir)).toHaveLength(1);
      expect(next.problem).toContain(asides(dir)[0]);
      expect(readFileSync(join(dir, asides(dir)[0] ?? ''))).toEqual(damaged);
      next.close();
      const third = open(dir);
      expect(labels(third)).toEqual(['fresh']);
      expect(third.problem).toBeNull();
      third.close();
    }),
  );

  test('an empty file is a new one; a newer version and foreign tables are kept aside', () =>
    inDirectory((dir) => {
      writeFileSync(file(dir), '');
      const store = open(dir);
      expect(store.put(rowsOf('/p', 'u', 'w')).ok).toBe(true);
      expect(store.problem).toBeNull();
      store.close();
      const newer = openDatabase(file(dir), { busyMs: 0 });
      newer.exec('PRAGMA user_version = 99');
      newer.close();
      const second = open(dir);
      expect([labels(second), asides(dir).length]).toEqual([[], 1]);
      expect(second.problem).toContain('begun anew');
      second.close();
      const foreign = openDatabase(file(dir), { busyMs: 0 });
      foreign.exec('DROP TABLE unit; CREATE TABLE unit (what TEXT)');
      foreign.close();
      const third = open(dir, { nowMs: () => start + 1 });
      expect([labels(third), asides(dir).length]).toEqual([[], 2]);
      third.close();
    }));

  test('at most three are kept aside', () =>
    inDirectory((dir) => {
      for (let i = 0; i < 6; i++) {
        writeFileSync(file(dir), `garbage ${i} `.repeat(200));
        open(dir, { nowMs: () => start + i }).close();
      }
      expect(asides(dir).sort()).toEqual([3, 4, 5].map((i) => `record.db.damaged-${start + i}`));
    }));

  test('while another process holds it, what is learnt waits; then it is written', () =>
    inDirectory((dir) => {
      const store = open(dir);
      const other = openDatabase(file(dir), { busyMs: 0 });
      other.exec('BEGIN IMMEDIATE');
      const put = store.put(rowsOf('/p', 'u', 'w'));
      expect(put.ok ? '' : put.error).toContain('another process holds it');
      expect(store.problem).toContain('another process holds it');
      other.exec('ROLLBACK');
      other.close();
      expect(store.put(rowsOf('/p', 'u', 'w')).ok).toBe(true);
      expect(store.problem).toBeNull();
      expect([labels(store), asides(dir)]).toEqual([['u'], []]);
      store.close();
    }));

  test('held from the start, exclusively: the store opens later', () =>
    inDirectory((dir) => {
      const other = openDatabase(file(dir), { busyMs: 0 });
      other.exec('BEGIN EXCLUSIVE; CREATE TABLE x (y)');
      const store = open(dir);
      expect(store.problem).toContain('another process holds it');
      expect(store.load().units).toEqual([]);
      other.exec('ROLLBACK');
      other.close();
      expect(store.put(rowsOf('/p', 'u', 'w')).ok).toBe(true);
      expect(store.problem).toBeNull();
      store.close();
    }));

  test('a directory in its place, or none to lie in, is told', () =>
    inDirectory((dir) => {
      mkdirSync(file(dir));
      const store = open(dir);
      expect(store.problem).toMatch(/^.*record\.db: .*stays in memory/);
      expect(store.put(rowsOf('/p', 'u', 'w')).ok).toBe(false);
      store.close();
      expect(openRecordStore(join(dir, 'none', 'record.db')).problem).toContain('ENOENT');
    }));

  test.skipIf(process.getuid?.() === 0)('a file that may not be written is told', () =>
    inDirectory((dir) => {
      open(dir).close();
      chmodSync(file(dir), 0o400);
      const store = open(dir);
      expect(store.put(rowsOf('/p', 'u', 'w')).ok).toBe(false);
      expect(store.problem).toContain('record.db');
      store.close();
    }),
  );

  test('a file that is taken away while it is open is made anew', () =>
    inDirectory((dir) => {
      const store = open(dir);
      store.put(rowsOf('/p', 'u', 'w'));
      for (const name of readdirSync(dir)) rmSync(join(dir, name));
      expect(store.put(rowsOf('/p', 'v', 'w')).ok).toBe(true);
      store.close();
      const next = open(dir);
      expect(labels(next)).toEqual(['v']);
      next.close();
    }));
});

describe('several processes', () => {
  test('write at once, and nothing is lost or torn', () =>
    inDirectory(async (dir) => {
      const file = join(dir, 'record.db');
      const writers = ['a', 'b', 'c'].map((name) => startWriter(file, name, 60));
      const said = writers.map(() => '');
      for (const [i, writer] of writers.entries())
        writer.stderr?.on('data', (chunk: Buffer) => (said[i] += chunk.toString()));
      const ends = await Promise.all(writers.map(async (writer) => (await once(writer, 'exit'))[0] as number));
      expect(said).toEqual(['', '', '']);
      expect(ends).toEqual([0, 0, 0]);
      const store = open(dir);
      expect(new Set(labels(store)).size).toBe(180);
      expect(store.load().workers).toHaveLength(3);
      expect(store.problem).toBeNull();
      store.close();
    }));

  test('kill -9 costs nothing that was written before', () =>
    inDirectory(async (dir) => {
      for (let round = 0; round < 3; round++) {
        const writer = startWriter(join(dir, 'record.db'), `r${round}`, 1_000_000);
        let out = '';
        await new Promise<void>((resolve, reject) => {
          writer.on('exit', () => reject(new Error('the writer ended by itself')));
          writer.stdout?.on('data', (chunk: Buffer) => {
            out += chunk.toString();
            if (out.includes('u20\n')) resolve();
          });
        });
        writer.removeAllListeners('exit');
        writer.kill('SIGKILL');
        await once(writer, 'close');
        const told = out
          .split('\n')
          .slice(0, -1)
          .map((name) => `r${round}/${name}`);
        const store = open(dir);
        const kept = new Set(labels(store));
        expect(told.filter((label) => !kept.has(label))).toEqual([]);
        expect(store.problem).toBeNull();
        store.close();
      }
      expect(existsSync(join(dir, 'record.db-wal'))).toBe(false);
    }));
});

test('a warning of an experiment stays back, any other is given', async () => {
  const given: string[] = [];
  const listen = (warning: Error): void => void given.push(warning.message);
  process.on('warning', listen);
  try {
    withoutExperimentalWarning(() => {
      process.emitWarning('SQLite is an experimental feature', 'ExperimentalWarning');
      process.emitWarning('as an object', { type: 'ExperimentalWarning' });
      process.emitWarning('another one');
    });
    process.emitWarning('afterwards', 'ExperimentalWarning');
    await new Promise((resolve) => setImmediate(resolve));
    expect(given).toEqual(['another one', 'afterwards']);
  } finally {
    process.off('warning', listen);
  }
});
