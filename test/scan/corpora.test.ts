// The scan against real projects: whatever `-M` of gcc and of clang names for a unit, the scan had found, and what it remembers
// between units does not lead it astray. Every unit of three corpora by gcc, a part of a fourth and by clang; TENDER_ALL_UNITS=1 takes all by both.
import { mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  CPPZST_PACKAGE,
  defaultCacheDir,
  fetchPackage,
  LEVELDOWN_PACKAGE,
  type PinnedPackage,
  RE2_PACKAGE,
  ROCKSDB_PACKAGE,
  unpackPackage,
} from '../../src/adapters/corpus/fetch.ts';
import { FileCache } from '../../src/adapters/files/file-cache.ts';
import { IncludeScanner } from '../../src/compiler/scan/scan.ts';
import type { ScanOptions } from '../../src/compiler/types.ts';
import { askCompiler, expectSuperset, findCompilers, NO_OPTIONS, requestFor } from './support.ts';

interface Corpus {
  readonly label: string;
  readonly pin: PinnedPackage;
  readonly language: 'c' | 'c++';
  /** By paths below the package. */
  readonly takes: RegExp;
  readonly leaves: RegExp;
  readonly includeDirs: readonly string[];
  readonly macros: readonly string[];
  readonly flags: readonly string[];
  /** At least so many units there are. */
  readonly units: number;
  /** One of so many is scanned for the first compiler. */
  readonly stride: number;
}

const all = process.env['TENDER_ALL_UNITS'] === '1';

const zstd = 'deps/zstd';
const leveldb = 'deps/leveldb/leveldb-1.20';
const rocks = 'deps/rocksdb/rocksdb';

const CORPORA: readonly Corpus[] = [
  {
    label: 'zstd',
    pin: CPPZST_PACKAGE,
    language: 'c',
    takes: /^deps\/zstd\/(?:lib|programs)\/.*\.c$/,
    leaves: /^$/,
    includeDirs: ['', '/common', '/dictBuilder', '/legacy'].map((dir) => `${zstd}/lib${dir}`),
    macros: ['XXH_NAMESPACE=ZSTD_', 'ZSTD_LEGACY_SUPPORT=1'],
    flags: [],
    units: 45,
    stride: 1,
  },
  {
    label: 'LevelDB and snappy',
    pin: LEVELDOWN_PACKAGE,
    language: 'c++',
    takes: /^deps\/leveldb\/leveldb-1\.20\/(?:db|table|util|helpers)\/.*\.cc$/,
    leaves: /_test\.cc$|_bench\.cc$|\/testharness|\/testutil/,
    includeDirs: [leveldb, `${leveldb}/include`],
    macros: ['OS_LINUX', 'LEVELDB_PLATFORM_POSIX', 'LEVELDB_ATOMIC_PRESENT'],
    flags: [],
    units: 35,
    stride: 1,
  },
  {
    label: 'abseil and RE2',
    pin: RE2_PACKAGE,
    language: 'c++',
    takes: /^vendor\/.*\.cc$/,
    leaves: /_test\.|benchmark|test_|testing|mock|status_matchers|_win\.cc|\/app\/|\/python\/|\/fuzzing\//,
    includeDirs: ['vendor/abseil-cpp', 'vendor/re2'],
    macros: [],
    flags: ['-std=c++17'],
    units: 170,
    stride: 1,
  },
  {
    label: 'RocksDB',
    pin: ROCKSDB_PACKAGE,
    language: 'c++',
    takes: new RegExp(`^${rocks}/(?:db|cache|util|table|env|utilities)/.*\\.cc$`),
    leaves: /test|bench|mock|\/lua\/|librados|cassandra|hdfs/,
    includeDirs: [rocks, `${rocks}/include`],
    macros: ['ROCKSDB_PLATFORM_POSIX=1', 'ROCKSDB_LIB_IO_POSIX=1', 'OS_LINUX=1'],
    flags: ['-std=c++17'],
    units: 150,
    stride: all ? 1 : 4,
  },
];

const tarballs = new Map<Corpus, string>();
for (const corpus of CORPORA) {
  const fetched = await fetchPackage(corpus.pin, { cacheDir: defaultCacheDir(), log: console.warn });
  if (fetched.ok) tarballs.set(corpus, fetched.value);
  else console.warn(`SKIPPED: the scan of ${corpus.label}: ${fetched.error.message}`);
}

/** Of the first compiler every unit of three corpora is taken, of the next compiler one unit of so many. */
const STRIDE = all ? 1 : 12;

let root = '';
beforeAll(() => {
  root = realpathSync.native(mkdtempSync(join(tmpdir(), 'tender-corpora-')));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe.each(CORPORA)('$label', (corpus) => {
  const { pin, language, takes, leaves, includeDirs, macros, flags, units } = corpus;
  const tarball = tarballs.get(corpus);
  let tree = '';
  let sources: readonly string[] = [];
  beforeAll(async () => {
    if (tarball === undefined) return;
    const unpacked = await unpackPackage(tarball, join(root, pin.name));
    if (!unpacked.ok) throw new Error(unpacked.error.message);
    tree = unpacked.value;
    const files = readdirSync(tree, { recursive: true, encoding: 'utf8' });
    sources = files.filter((path) => takes.test(path) && !leaves.test(path)).toSorted();
    expect(sources.length).toBeGreaterThanOrEqual(units);
  }, 120_000);

  const compilers = findCompilers(language, language === 'c' ? ['gcc', 'clang'] : ['g++', 'clang++']);
  test
    .skipIf(tarball === undefined)
    .each(compilers.map((compiler, number) => ({ command: compiler.command, compiler, number })))(
    'by $command',
    ({ compiler, number }) => {
      const scan: ScanOptions = {
        ...NO_OPTIONS,
        includeDirs: includeDirs.map((dir) => join(tree, dir)),
        macros: macros.map((text) => ['D', text] as const),
      };
      const cache = new FileCache();
      const scanner = new IncludeScanner(cache);
      let named = 0;
      let found = 0;
      const stride = number === 0 ? corpus.stride : STRIDE;
      const taken = sources.filter((_, at) => at % stride === number % stride);
      for (const source of taken) {
        const request = requestFor(compiler, join(tree, source), tree, scan);
        const read = askCompiler(compiler, request, ...flags);
        if (read === null) throw new Error(`${source}: the compiler refuses it`);
        cache.beginMoment();
        expectSuperset(read, cache, scanner, request);
        const result = scanner.scan(request);
        expect(result, source).toMatchObject({ unresolved: [], hasAssemblerIncludes: false, precompiledHeader: null });
        named += read.length;
        found += result.files.length;
      }
      console.info(
        `${corpus.label} by ${compiler.command}: ${taken.length} units, ${named} files read, ${found} found`,
      );
      expect(named).toBeGreaterThan(taken.length * 5);
    },
    600_000,
  );
});
