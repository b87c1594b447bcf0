// The sources that are compiled: real projects out of pinned npm packages, as bench results elsewhere name them (S, M, L), and a
// file of one line, where only what surrounds a compile is left.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CPPZST_PACKAGE,
  fetchPackage,
  RE2_PACKAGE,
  ROCKSDB_PACKAGE,
  unpackPackage,
  type FetchOptions,
  type PinnedPackage,
} from '../../src/adapters/corpus/fetch.ts';
import { must } from './problem.ts';

export const corpusNames = ['S', 'M', 'L', 'tiny', 'smoke'] as const;
export type CorpusName = (typeof corpusNames)[number];

interface Corpus {
  readonly label: string;
  readonly compiler: 'gcc' | 'g++';
  readonly flags: readonly string[];
  /** Below the package. */
  readonly includes: readonly string[];
  readonly pin: PinnedPackage | null;
  /** Of a source's path below the package. */
  readonly takes: (path: string) => boolean;
  /** Files that are written where there is no package. */
  readonly files?: Readonly<Record<string, string>>;
}

const zstd = 'deps/zstd';
const rocks = 'deps/rocksdb/rocksdb';
/** Tests and what needs GoogleTest, Python, ICU, libFuzzer or Windows. */
const notAbseil = /_test\.|benchmark|test_|testing|mock|status_matchers|_win\.cc|\/app\/|\/python\/|\/fuzzing\//;
const tinyUnits = 30;

export const corpora: Readonly<Record<CorpusName, Corpus>> = {
  S: {
    label: 'zstd 1.4, C',
    compiler: 'gcc',
    flags: ['-O2', '-DXXH_NAMESPACE=ZSTD_', '-DZSTD_LEGACY_SUPPORT=1'],
    includes: [
      `${zstd}/lib`,
      `${zstd}/lib/common`,
      `${zstd}/lib/dictBuilder`,
      `${zstd}/lib/legacy`,
      `${zstd}/programs`,
    ],
    pin: CPPZST_PACKAGE,
    takes: (path) => /^deps\/zstd\/(?:lib|programs)\/.*\.c$/.test(path),
  },
  M: {
    label: 'abseil and RE2, C++',
    compiler: 'g++',
    flags: ['-O2', '-std=c++17'],
    includes: ['vendor/abseil-cpp', 'vendor/re2'],
    pin: RE2_PACKAGE,
    takes: (path) => /^vendor\/.*\.cc$/.test(path) && !notAbseil.test(path),
  },
  L: {
    label: 'RocksDB 6, a part of it, C++',
    compiler: 'g++',
    flags: ['-O2', '-std=c++17', '-w', '-DROCKSDB_PLATFORM_POSIX=1', '-DROCKSDB_LIB_IO_POSIX=1', '-DOS_LINUX=1'],
    includes: [rocks, `${rocks}/include`],
    pin: ROCKSDB_PACKAGE,
    takes: (path) =>
      new RegExp(`^${rocks}/db/(?:db_impl/|compaction/)?[a-z_0-9]+\\.cc$`).test(path) && !/test|_bench/.test(path),
  },
  tiny: {
    label: 'one line of C',
    compiler: 'gcc',
    flags: ['-O2'],
    includes: [],
    pin: null,
    takes: (path) => path.endsWith('.c'),
    files: Object.fromEntries(
      Array.from({ length: tinyUnits }, (_, index) => [`tiny${index}.c`, `int tiny${index};\n`]),
    ),
  },
  smoke: {
    label: 'four small C++ files',
    compiler: 'g++',
    flags: ['-O1', '-std=c++17'],
    includes: ['include'],
    pin: null,
    takes: (path) => path.endsWith('.cc'),
    files: {
      'include/base.h': '#pragma once\n#include <string>\ninline std::string twice(std::string s) { return s + s; }\n',
      ...Object.fromEntries(
        [0, 1, 2, 3].map((n) => [`s${n}.cc`, `#include "base.h"\nstd::string s${n}() { return twice("${n}"); }\n`]),
      ),
    },
  },
};

/** Lays the corpus's sources out below `dir`; their paths relative to it, in order. */
export async function layOut(name: CorpusName, dir: string, fetching: FetchOptions): Promise<readonly string[]> {
  const { pin, takes, files = {} } = corpora[name];
  if (pin !== null) {
    must(await unpackPackage(must(await fetchPackage(pin, fetching)), dir));
    return listFiles(join(dir, 'package'))
      .filter(takes)
      .map((path) => `package/${path}`);
  }
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(dir, 'package', path, '..'), { recursive: true });
    writeFileSync(join(dir, 'package', path), content);
  }
  return Object.keys(files)
    .filter(takes)
    .map((path) => `package/${path}`);
}

function listFiles(dir: string): string[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' }).sort();
}
