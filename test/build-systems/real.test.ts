// Real projects by their own build files: LevelDB's Makefile with its platform detection, abseil's CMake. Parts of them, without
// optimisation, so that it stays short; pinned packages, fetched once by npm.
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  defaultCacheDir,
  fetchPackage,
  LEVELDOWN_PACKAGE,
  RE2_PACKAGE,
  unpackPackage,
  type PinnedPackage,
} from '../../src/adapters/corpus/fetch.ts';
import { TestFarm } from '../e2e/support.ts';
import { Builder, differences, have, treeOf, type Script } from './support.ts';

const log = (line: string): void => console.error(line);

async function fetchOrSay(pin: PinnedPackage): Promise<string | null> {
  const fetched = await fetchPackage(pin, { cacheDir: defaultCacheDir(), log });
  if (fetched.ok) return fetched.value;
  console.error(`SKIPPED: ${fetched.error.message}`);
  return null;
}

const [leveldown, re2] = [await fetchOrSay(LEVELDOWN_PACKAGE), await fetchOrSay(RE2_PACKAGE)];

describe('real projects', () => {
  let farm: TestFarm;
  let builder: Builder;
  beforeAll(async () => {
    farm = await TestFarm.start(1, {}, { slots: 2 });
    builder = new Builder(farm);
  });
  afterAll(() => farm.close());

  /** Unpacks, builds alone, unpacks again, builds by `tender build`, compares; how many compiles travelled. */
  async function compare(tarball: string, inside: string, script: Script, ignore: RegExp): Promise<number> {
    const unpacked = await unpackPackage(tarball, join(farm.dir, 'unpacked'));
    if (!unpacked.ok) throw new Error(unpacked.error.message);
    const dir = join(farm.dir, 'project');
    const start = (): void => {
      rmSync(dir, { recursive: true, force: true });
      cpSync(join(unpacked.value, inside), dir, { recursive: true, preserveTimestamps: true });
    };
    start();
    await builder.runPlain(dir, script);
    const plain = treeOf(dir, ignore);
    start();
    const { counts, said } = await builder.runThrough('tender build', dir, script);
    expect(differences(plain, treeOf(dir, ignore)), said).toEqual([]);
    expect(counts, said).toMatchObject({ remote: counts.units, local: 0 });
    return counts.units;
  }

  test.skipIf(leveldown === null || !have('make', 'g++'))('LevelDB’s Makefile', async () => {
    const objects = ['arena', 'cache', 'coding', 'crc32c', 'hash', 'status', 'env_posix', 'testutil'];
    const targets = [...objects.map((name) => `out-static/util/${name}.o`), 'out-static/table/block.o'];
    const script = [
      ['chmod', '+x', 'build_detect_platform'],
      ['make', '-j4', 'OPT=-O0 -g2', ...targets],
    ];
    const units = await compare(leveldown ?? '', 'deps/leveldb/leveldb-1.20', script, /^$/);
    expect(units).toBe(targets.length);
  });

  test.skipIf(re2 === null || !have('cmake', 'ninja', 'g++'))('abseil’s CMake project', async () => {
    const configure = [
      'cmake',
      '-G',
      'Ninja',
      '-S',
      '.',
      '-B',
      'out',
      '-DCMAKE_CXX_STANDARD=17',
      '-DCMAKE_BUILD_TYPE=Debug',
    ];
    const script = [configure, ['ninja', '-C', 'out', 'base', 'civil_time', 'strings_internal']];
    const logs = /CMakeCache\.txt$|CMake(?:Output|Error)\.log$|CMakeConfigureLog|\.ninja(?:_log|_deps)?$/;
    const units = await compare(re2 ?? '', 'vendor/abseil-cpp', script, logs);
    expect(units).toBeGreaterThanOrEqual(8);
  });
});
