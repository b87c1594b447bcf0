// What was learned of the owner outlives the agent, kill -9 and a damaged file, is read from the JSON of earlier versions, and is gone when
// it is to be forgotten.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createPrng } from '../../base/prng.ts';
import { OwnerModel, type OwnerData } from '../../core/availability/owner-model.ts';
import { calendars, liveThrough, synthesise } from '../../core/availability/synthetic-owner.ts';
import { openLearnedStore } from './learned-store.ts';

const utc = { toWall: (ms: number): number => ms, toInstant: (ms: number): number => ms };
let home = '';
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'tender-learned-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

/** What a model knows after some weeks of an owner. */
function lived(days: number): OwnerData {
  const owner = synthesise(calendars.middling, days, createPrng(3));
  const model = new OwnerModel(utc);
  const named = owner.stretches.map((each) => ({ ...each, source: 'my work, «Zebra»' }));
  liveThrough(model, { ...owner, stretches: named });
  return ordered(model.export());
}

/** The order of calendars and kinds of events means nothing. */
function ordered(data: OwnerData): OwnerData {
  const byName = (a: readonly [string, ...unknown[]], b: readonly [string, ...unknown[]]): number =>
    a[0] < b[0] ? -1 : 1;
  return { ...data, reliability: [...data.reliability].sort(byName), sources: [...data.sources].sort(byName) };
}

function load(): OwnerData | null {
  const store = openLearnedStore(home);
  const data = store.load();
  store.close();
  return data;
}

/** As the model sees it: trailing empty steps of a histogram are nothing. */
const known = (data: OwnerData | null): OwnerData => ordered(new OwnerModel(utc, data).export());

test('is there in the next life, all of it, and nobody else may read it', () => {
  const data = lived(60);
  expect(data.reliability.length).toBeGreaterThan(0);
  expect(data.sources.length).toBeGreaterThan(0);
  const store = openLearnedStore(home);
  expect(store.load()).toBeNull();
  expect(store.save(data)).toEqual({ ok: true, value: undefined });
  expect(store.save(data).ok).toBe(true);
  store.close();
  expect(known(load())).toEqual(data);
  expect(statSync(join(home, 'owner.db')).mode & 0o777).toBe(0o600);
});

test('what was written before the agent was killed is kept', async () => {
  const data = lived(30);
  writeFileSync(join(home, 'data.json'), JSON.stringify(data));
  const module = fileURLToPath(new URL('learned-store.ts', import.meta.url));
  const script = `
    import { openLearnedStore } from ${JSON.stringify(module)};
    import { readFileSync, writeSync } from 'node:fs';
    const data = JSON.parse(readFileSync(${JSON.stringify(join(home, 'data.json'))}, 'utf8'));
    const store = openLearnedStore(${JSON.stringify(home)});
    if (!store.save(data).ok) throw new Error(store.problem);
    writeSync(1, 'saved');
    for (;;) store.save(data);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(known(load())).toEqual(data);
});

test('a damaged file is put aside and begun anew', () => {
  writeFileSync(join(home, 'owner.db'), 'no database at all, but long enough to be taken for one '.repeat(200));
  const store = openLearnedStore(home, () => 1_700_000_000_000);
  expect(store.load()).toBeNull();
  expect(store.problem).toContain('it is kept as');
  const data = lived(14);
  expect(store.save(data).ok).toBe(true);
  store.close();
  expect(known(load())).toEqual(data);
  expect(readdirSync(home).filter((name) => name.includes('damaged'))).toHaveLength(1);
});

test('half of it is nothing: it is learned anew', () => {
  const store = openLearnedStore(home);
  store.save({ ...lived(14), habits: { weekdays: [], dayEnds: [] } });
  expect(store.load()).toBeNull();
  store.close();
});

test('a place that cannot be written is told, and costs nothing else', () => {
  const store = openLearnedStore(join(home, 'not', 'there'));
  expect(store.load()).toBeNull();
  const saved = store.save(lived(14));
  expect(saved.ok).toBe(false);
  expect(store.problem).toMatch(/what is learnt stays in memory/);
  store.close();
});

test('the JSON of earlier versions is taken over, once', () => {
  const data = lived(30);
  writeFileSync(join(home, 'owner-learned.json'), JSON.stringify(data));
  expect(load()).toEqual(data);
  expect(existsSync(join(home, 'owner-learned.json'))).toBe(false);
  expect(known(load())).toEqual(data);
  writeFileSync(join(home, 'owner-learned.json'), '{"version":1,"brea');
  expect(known(load())).toEqual(data);
});

test('forgotten: no row, and nothing in the file', () => {
  const store = openLearnedStore(home);
  store.save(lived(30));
  const text = (): string => readFileSync(join(home, 'owner.db'), 'latin1');
  const word = Buffer.from('Zebra').toString('latin1');
  store.close();
  expect(text()).toContain(word);
  const again = openLearnedStore(home);
  const gone = again.forget();
  expect(gone.ok && gone.value).toBeGreaterThan(50);
  expect(again.load()).toBeNull();
  again.close();
  expect(text()).not.toContain(word);
});
