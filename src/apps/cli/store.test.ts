// `tender store` as people and scripts meet it: the real command line on a real store, beside one that is open.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openResultStore } from '../../adapters/results/store.ts';
import { manifestOf, openForTest, resultKeyOf, resultOf, unitKeyOf } from '../../adapters/results/test-rig.ts';
import type { StoreStats } from '../../adapters/results/types.ts';
import { renderStats, renderVerification } from './store.ts';

let home = '';
beforeEach(() => {
  home = fs.mkdtempSync(join(os.tmpdir(), 'tender-cli-store-'));
});
afterEach(() => fs.rmSync(home, { recursive: true, force: true }));

function tender(argv: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const main = join(import.meta.dirname, '..', 'main.ts');
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...argv], {
    encoding: 'utf8',
    env: { ...process.env, TENDER_HOME: home, TENDER_STORE: '', ...env },
  });
  return { status, stdout, stderr };
}

const json = (out: string): Record<string, unknown> => JSON.parse(out) as Record<string, unknown>;

// Each call starts a Node from the sources, which takes seconds on a machine that is busy.
describe('tender store', { timeout: 120_000 }, () => {
  test('stats, verify and clear work beside a store that is in use, with no agent', async () => {
    const store = openForTest(join(home, 'store'));
    for (let n = 0; n < 5; n++) store.put(unitKeyOf(n % 3), manifestOf(n), resultOf(n));
    store.result(resultKeyOf(1));
    await store.flush();
    const stats = tender(['store', 'stats', '--json']);
    expect(stats).toMatchObject({ status: 0, stderr: '' });
    expect(json(stats.stdout)).toMatchObject({
      dir: join(home, 'store'),
      enabled: true,
      results: 5,
      units: 3,
      maxBytes: 5120 * 2 ** 20,
      counters: { served: 1, kept: 5, broken: 0 },
    });
    const text = tender(['store', 'stats']);
    expect(text).toMatchObject({ status: 0, stderr: '' });
    expect(text.stdout).toContain('results    5 of 3 units\n');

    expect(tender(['store', 'verify'])).toMatchObject({
      status: 0,
      stdout: `8 entries checked in ${join(home, 'store')}: all are whole.\n`,
    });
    const hex = Buffer.from(resultKeyOf(2)).toString('hex');
    const entry = `${hex.slice(0, 2)}/${hex.slice(2)}.r`;
    fs.truncateSync(join(home, 'store', 'v1', entry), 100);
    const broken = tender(['store', 'verify']);
    expect(broken).toMatchObject({ status: 1, stderr: '' });
    expect(broken.stdout).toBe(
      `${entry}: its checksum is wrong\n8 entries checked in ${join(home, 'store')}: 1 removed; those compiles will run again.\n`,
    );
    const again = tender(['store', 'verify', '--json']);
    expect(again.status).toBe(0);
    expect(json(again.stdout)).toEqual({ dir: join(home, 'store'), checked: 7, dropped: 0, swept: 0, broken: [] });
    expect(store.result(resultKeyOf(2))).toBeNull();

    const cleared = tender(['store', 'clear', '--json']);
    expect(cleared.status).toBe(0);
    expect(json(cleared.stdout)).toMatchObject({ dir: join(home, 'store'), results: 4 });
    expect(store.manifests(unitKeyOf(0))).toEqual([]);
    expect(store.result(resultKeyOf(0))).toBeNull();
    store.put(unitKeyOf(1), manifestOf(1), resultOf(1));
    await store.close();
    expect(json(tender(['store', 'stats', '--json']).stdout)).toMatchObject({ results: 1, counters: { kept: 1 } });
  });

  test('uses the place that is named: by TENDER_STORE, then by the configuration', () => {
    const [named, configured] = [join(home, 'named'), join(home, 'configured')];
    fs.writeFileSync(join(home, 'config.toml'), `[store]\ndir = "${configured}"\nmax_mib = 7\nenabled = false\n`);
    const stats = tender(['store', 'stats', '--json']);
    expect(json(stats.stdout)).toMatchObject({ dir: configured, maxBytes: 7 * 2 ** 20, enabled: false });
    expect(tender(['store', 'stats']).stdout).toContain(`${configured} (turned off by [store] enabled = false)`);
    expect(json(tender(['store', 'stats', '--json'], { TENDER_STORE: named }).stdout)).toMatchObject({ dir: named });
  });

  test('says what is wrong with a place or a word, in one line', () => {
    fs.writeFileSync(join(home, 'file'), '');
    const cases: [string[], NodeJS.ProcessEnv, RegExp][] = [
      [['store', 'stats'], { TENDER_STORE: 'here' }, /^tender: TENDER_STORE is «here»: an absolute path is wanted\n$/],
      [['store', 'clear'], { TENDER_STORE: join(home, 'file') }, /^tender: cannot keep results in .*TENDER_STORE.*\n$/],
      [['store', 'empty'], {}, /Allowed choices are stats, clear, verify/],
    ];
    for (const [argv, env, wanted] of cases) {
      const { status, stdout, stderr } = tender(argv, env);
      expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
      expect(stderr).toMatch(wanted);
    }
    fs.writeFileSync(join(home, 'config.toml'), '[store]\ndir = "relative"\n');
    expect(tender(['store', 'stats']).stderr).toContain('store.dir: an absolute path is wanted');
  });
});

describe('what is printed', () => {
  const place = { dir: '/s', enabled: true };
  const stats: StoreStats = {
    results: 1200,
    units: 1,
    bytes: 3 * 2 ** 30,
    maxBytes: 5 * 2 ** 30,
    oldestUseMs: 1_000_000,
    newestUseMs: 7_190_000,
    counters: { served: 10, kept: 20, refused: 3, broken: 2, evicted: 1 },
  };

  test('stats', () => {
    expect(renderStats(stats, place, 7_200_000).split('\n')).toEqual([
      'place      /s',
      'results    1200 of 1 unit',
      'size       3.0 GiB of 5.0 GiB (60 %)',
      'last used  10 s ago; the oldest entry 1.7 h ago',
      'served     10, written 20',
      'made room  1 entry removed',
      'not kept   3: no room on the disk or in the queue, or too large',
      'broken     2 found and removed',
    ]);
    const none = { ...stats, oldestUseMs: null, newestUseMs: null, bytes: 5000 };
    expect(renderStats(none, place, 0)).toContain('size       5 KiB of 5.0 GiB (0 %)\nserved');
  });

  test('verification', () => {
    const broken = [{ entry: 'ab/c.r', why: 'cut short', removed: false }];
    expect(renderVerification({ checked: 9, dropped: 0, swept: 1, broken }, '/s')).toBe(
      'ab/c.r: cut short; it cannot be removed\n' +
        '9 entries checked in /s: 0 removed; those compiles will run again. 1 temporary file of processes that are gone removed.',
    );
    expect(renderVerification({ checked: 900, dropped: 101, swept: 0, broken }, '/s')).toContain('\nand 100 more\n');
  });

  test('a place that cannot be opened is one sentence', () => {
    const result = openResultStore('/dev/null', { maxBytes: 1 });
    expect(result.ok ? '' : result.error.split('\n')).toHaveLength(1);
  });
});
