// ccache in front of Tender, by CCACHE_PREFIX and by `tender build`, and behind it by links in PATH: hits ask nobody,
// misses travel, nothing runs in a circle, and the cache is no other than without Tender.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { launcher, TestFarm } from '../e2e/support.ts';
import { Builder, differences, have, treeOf, writeSources, type Sources } from './support.ts';

const sources: Sources = {
  Makefile: 'CFLAGS = -O1 -g -MMD\nprog: a.o b.o\n\t$(CC) -o $@ $^\n-include a.d b.d\n',
  'one.h': '#define ONE 1\nint b(void);\n',
  'a.c': '#include "one.h"\n#include <stdio.h>\nint main(void) { return printf("%d", b()) * 0; }\n',
  'b.c': '#include "one.h"\nint b(void) { return ONE; }\n',
};

describe.skipIf(!have('ccache', 'make', 'gcc'))('ccache', () => {
  let farm: TestFarm;
  let builder: Builder;
  let dir: string;
  let cache: NodeJS.ProcessEnv;
  /** A directory of links to ccache, as Debian's /usr/lib/ccache. */
  let masks: string;
  beforeAll(async () => {
    farm = await TestFarm.start(1, {}, { slots: 2 });
    builder = new Builder(farm);
    masks = join(farm.dir, 'ccache-links');
    mkdirSync(masks);
    const ccache = execFileSync('sh', ['-c', 'command -v ccache'], { encoding: 'utf8' }).trim();
    for (const name of ['gcc', 'cc']) symlinkSync(ccache, join(masks, name));
  });
  afterAll(() => farm.close());
  beforeEach(() => {
    dir = join(farm.dir, 'project');
    writeSources(dir, sources);
    rmSync(join(farm.dir, 'cache'), { recursive: true, force: true });
    cache = { CCACHE_DISABLE: undefined, CCACHE_DIR: join(farm.dir, 'cache') };
  });

  const make = ['make', '-j2', 'CC=gcc'];
  const misses = (): number => {
    const text = execFileSync('ccache', ['--print-stats'], { env: builder.env(cache), encoding: 'utf8' });
    return Number(/^cache_miss\t(\d+)/m.exec(text)?.[1]);
  };
  const counted = async (
    action: () => Promise<unknown>,
  ): Promise<{ remote: number; local: number; others: number }> => {
    const before = (await farm.status('client')).total;
    await action();
    const after = (await farm.status('client')).total;
    return {
      remote: after.remote - before.remote,
      local: after.local - before.local,
      others: after.others - before.others,
    };
  };

  test('CCACHE_PREFIX: misses travel, hits ask nobody, and the objects are the compiler’s', async () => {
    await builder.runPlain(dir, [make]);
    const plain = treeOf(dir);
    const env = { ...cache, CCACHE_PREFIX: launcher };
    const withCache = ['make', '-j2', 'CC=ccache gcc'];
    writeSources(dir, sources);
    expect(await counted(() => builder.runPlain(dir, [withCache], env))).toMatchObject({ remote: 2, local: 0 });
    expect(differences(plain, treeOf(dir))).toEqual([]);
    expect(misses()).toBe(2);
    writeSources(dir, sources);
    expect(await counted(() => builder.runPlain(dir, [withCache], env))).toMatchObject({ remote: 0, local: 0 });
    expect(differences(plain, treeOf(dir))).toEqual([]);
    // A changed header is a miss, and travels again.
    writeFileSync(join(dir, 'one.h'), '#define ONE 7\nint b(void);\n');
    // (a.c does not use it: what the preprocessor gives is the same, which ccache finds out by itself.)
    expect(await counted(() => builder.runPlain(dir, [withCache], env))).toMatchObject({ remote: 1, local: 0 });
    const seen = treeOf(dir);
    await builder.runPlain(dir, [['make', '-B', 'CC=gcc']]);
    expect(differences(treeOf(dir), seen)).toEqual([]);
  });

  test('tender build with CC="ccache gcc", or ccache’s links first in PATH: the same, by itself', async () => {
    const links = { ...cache, PATH: `${masks}:${process.env['PATH'] ?? ''}` };
    for (const [words, env] of [
      [['make', '-j2', 'CC=ccache gcc'], cache],
      [make, links],
    ] as const) {
      rmSync(join(farm.dir, 'cache'), { recursive: true, force: true });
      writeSources(dir, sources);
      const first = await builder.runThrough('tender build', dir, [words], env);
      expect(first.counts, first.said).toMatchObject({ remote: 2, local: 0 });
      expect(misses()).toBe(2);
      const objects = treeOf(dir);
      writeSources(dir, sources);
      const second = await builder.runThrough('tender build', dir, [words], env);
      expect(second.counts).toMatchObject({ remote: 0, local: 0 });
      expect(differences(objects, treeOf(dir))).toEqual([]);
    }
  });

  test('what Tender’s builds have filled, builds without Tender hit, and the other way round', async () => {
    const words = ['make', '-j2', 'CC=ccache gcc'];
    await builder.runThrough('tender build', dir, [words], cache);
    expect(misses()).toBe(2);
    writeSources(dir, sources);
    await builder.runPlain(dir, [words], cache);
    expect(misses()).toBe(2);
  });

  test('Tender’s links before ccache’s, and ccache’s before Tender’s: no circle, and the right program', async () => {
    const ours = await builder.linksDir();
    await builder.runPlain(dir, [make]);
    const plain = treeOf(dir);
    for (const dirs of [
      [ours, masks],
      [masks, ours],
      [ours, masks, ours, masks],
    ]) {
      writeSources(dir, sources);
      const env = { ...cache, PATH: [...dirs, process.env['PATH'] ?? ''].join(':') };
      rmSync(join(farm.dir, 'cache'), { recursive: true, force: true });
      expect(await counted(() => builder.runPlain(dir, [make], env))).toMatchObject({ remote: 2, local: 0 });
      expect(differences(plain, treeOf(dir))).toEqual([]);
      writeSources(dir, sources);
      expect(await counted(() => builder.runPlain(dir, [make], env))).toMatchObject({ remote: 0, local: 0 });
    }
  });

  test('tender-cc before ccache: ccache runs, and its misses travel', async () => {
    await builder.runPlain(dir, [make]);
    const plain = treeOf(dir);
    writeSources(dir, sources);
    const words = ['make', `CC=${launcher} ccache gcc`];
    expect(await counted(() => builder.runPlain(dir, [words], cache))).toMatchObject({ remote: 2, local: 0 });
    expect(differences(plain, treeOf(dir))).toEqual([]);
    expect(misses()).toBe(2);
  });

  test.skipIf(!have('distcc'))(
    'distcc’s links behind Tender’s are passed over; tender-cc before distcc runs distcc',
    async () => {
      const links = join(farm.dir, 'distcc-links');
      mkdirSync(links);
      const distcc = execFileSync('sh', ['-c', 'command -v distcc'], { encoding: 'utf8' }).trim();
      symlinkSync(distcc, join(links, 'gcc'));
      await builder.runPlain(dir, [make]);
      const plain = treeOf(dir);
      const hosts = { DISTCC_HOSTS: 'localhost', DISTCC_DIR: join(farm.dir, 'distcc'), DISTCC_FALLBACK: '0' };
      mkdirSync(hosts.DISTCC_DIR);
      writeSources(dir, sources);
      // Without fallback distcc fails here, where no distccd runs: had it been called, make would have stopped.
      const env = { ...hosts, PATH: [await builder.linksDir(), links, process.env['PATH'] ?? ''].join(':') };
      expect(await counted(() => builder.runPlain(dir, [make], env))).toMatchObject({ remote: 2, local: 0 });
      expect(differences(plain, treeOf(dir))).toEqual([]);
      writeSources(dir, sources);
      const local = { ...hosts, DISTCC_FALLBACK: '1', DISTCC_VERBOSE: '0' };
      await builder.runPlain(dir, [['make', `CC=${launcher} distcc gcc`]], local);
      expect(differences(plain, treeOf(dir))).toEqual([]);
    },
  );
});
