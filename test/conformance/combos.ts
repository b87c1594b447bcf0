// Random command lines: options are drawn from families that the compiler knows, in any number and order, over a
// project in which a wrong search order, a wrong macro or a wrong path shows in the result.
import fc from 'fast-check';
import type { Case, Entry, Family } from './case.ts';

const value = (number: number): string =>
  `#ifndef V${number}\n#define V${number} ${number}\n#endif\n#ifndef FIRST\n#define FIRST ${number}\n#endif\n` +
  '#ifdef __has_include_next\n#if __has_include_next(<v.h>)\n#include_next <v.h>\n#endif\n#endif\n';

const project: Readonly<Record<string, Entry>> = {
  'src/a.c':
    '#include "v.h"\n#include "own.h"\n#ifdef ANGLE\n#include <v.h>\n#endif\n#ifndef N\n#define N 5\n#endif\n' +
    'const char *where = __FILE__, *header = OWN;\nint first = FIRST, line = __LINE__, count = __COUNTER__;\n' +
    'static int helper(int x) { int unused = 1; return x * N; }\nint f(int x) { int s = 0; for (int i = 0; i < x; i++) s += helper(i); return s; }\n' +
    '#ifdef BREAK\nint broken = nothing_here;\n#endif\n',
  'src/a.cc':
    '#include "v.h"\n#include "own.h"\n#include <cstddef>\n#ifndef N\n#define N 5\n#endif\n' +
    'const char *where = __FILE__, *header = OWN;\nint first = FIRST, count = __COUNTER__;\n' +
    'template <class T> T twice(T x) { T unused; return x + x * N; }\nstruct Virtual { virtual ~Virtual(); };\nVirtual::~Virtual() {}\n' +
    'int f(int x) { return twice(x); }\n#ifdef BREAK\nint broken = nothing_here;\n#endif\n',
  'src/own.h': '#define OWN __FILE__\n',
  'one/v.h': value(1),
  'two/v.h': value(2),
  'three/v.h': value(3),
  'four/v.h': value(4),
  'forced.h': 'static int forced_by_option = 1;\n#define FORCED 1\n',
  'macros.h': '#define FROM_MACROS 1\n#define N 9\n',
  linked: { link: 'two' },
  'out/keep': '',
};

type Words = readonly string[];
const words = (...lines: readonly string[]): fc.Arbitrary<Words> =>
  fc.constantFrom(...lines.map((line) => (line === '' ? [] : line.split(' '))));
const some = (...lines: readonly string[]): fc.Arbitrary<Words> =>
  fc.subarray(lines.map((line) => line.split(' '))).map((chosen) => chosen.flat());

const searches = ['-I', '-iquote', '-isystem', '-idirafter'];
const dirs = ['one', 'two', 'three', 'four', 'linked', 'missing', 'out', 'src/../three'];
const search = fc
  .array(fc.tuple(fc.constantFrom(...searches), fc.constantFrom(...dirs), fc.boolean()), { maxLength: 6 })
  .map((chosen) => chosen.flatMap(([option, dir, apart]) => (apart ? [option, `@${dir}`] : [`${option}@${dir}`])));

/** Options of both; a word's `@` becomes the way in which the command spells the project's directory. */
const shared: readonly fc.Arbitrary<Words>[] = [
  search,
  fc.constant(['-I@two']),
  words('', '-include @forced.h', '-imacros @macros.h', '-imacros @macros.h -include @forced.h'),
  some('-DN=3', '-UN', '-DANGLE', '-DTEXT="x"', '-D N=7', '-DEMPTY='),
  words('', '-O0', '-O1', '-O2', '-Os', '-O3'),
  words('', '-g', '-g1', '-g3', '-ggdb', '-gdwarf-4', '-g -gz', '-g -O1'),
  some(
    '-fPIC',
    '-ffunction-sections',
    '-fno-common',
    '-fstack-protector-strong',
    '-fomit-frame-pointer',
    '-fvisibility=hidden',
  ),
  some('-Wall', '-Wextra', '-Wunused', '-Wno-unused-function', '-w', '-Wmissing-include-dirs', '-Wshadow', '-Wundef'),
  words(
    '',
    '-MD',
    '-MMD',
    '-MD -MP',
    '-MD -MF out/dep.d',
    '-MMD -MT target -MP',
    '-MD -MQ $(x)',
    '-MD -MT a -MF d -MP',
  ),
  words('', '-fsanitize=undefined', '-fsanitize=address', '-fno-builtin', '-march=x86-64-v2', '-mavx2', '-pthread'),
  words('', '-fdebug-prefix-map=$DIR=/x', '-ffile-prefix-map=$DIR=.', '-fmacro-prefix-map=src=lib'),
  words('', '-pipe', '-fdiagnostics-color=always', '-fverbose-asm', '-fno-asynchronous-unwind-tables', '-ftrapv'),
  fc.oneof(
    { weight: 5, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: words('-DBREAK', '-Werror', '-include gone.h') },
  ),
];
const own: Readonly<Record<Family, readonly fc.Arbitrary<Words>[]>> = {
  gcc: [
    words(
      '',
      '-fstack-usage',
      '--coverage -frandom-seed=1',
      '-flto -frandom-seed=1',
      '-frecord-gcc-switches',
      '-fno-plt',
    ),
    words(
      '',
      '-Wp,-DWP=1',
      '-Wa,--noexecstack',
      '-fdiagnostics-format=json',
      '-Xpreprocessor -DXP',
      '--param=max-unroll-times=2',
    ),
  ],
  clang: [
    words(
      '',
      '-fstack-usage',
      '--coverage',
      '-flto',
      '-gline-tables-only',
      '-fcolor-diagnostics',
      '-fstandalone-debug',
    ),
    words(
      '',
      '-Wp,-DWP=1',
      '-Xclang -fno-pch-timestamp',
      '-Weverything',
      '-fprofile-instr-generate',
      '-target x86_64-pc-linux-gnu',
    ),
  ],
};

/** Quotes a word for a file of words. */
const quoted = (word: string): string => `"${word.replaceAll(/["\\]/g, '\\$&')}"`;

const shapeOf = (family: Family, plus: boolean): fc.Arbitrary<Case> => {
  // The ids of g++ for it are random, and what clang writes for -S is a case of its own.
  const split = plus || family === 'clang' ? [] : [words('', '-g -gsplit-dwarf')];
  const groups: readonly fc.Arbitrary<Words>[] = [...shared, ...own[family], ...split];
  const standards = plus
    ? ['', '-std=c++14', '-std=c++17', '-std=gnu++20']
    : ['', '-std=c99', '-std=gnu11', '-std=c17'];
  return fc
    .record({
      groups: fc.tuple(...groups, words(...standards)),
      order: fc.shuffledSubarray([...groups.keys(), groups.length], { minLength: 1 }),
      mode: fc.constantFrom('-c', '-c', '-c', '-S'),
      output: words('', '-o out/x.o', '-oy.o', '-o $DIR/out/z'),
      base: fc.constantFrom('', './', '$DIR/', 'out/../'),
      inFile: fc.boolean(),
      env: fc.constantFrom(
        {},
        { CPATH: 'three' },
        { C_INCLUDE_PATH: '$DIR/one', CPLUS_INCLUDE_PATH: 'four' },
        { LC_ALL: 'C' },
      ),
      umask: fc.constantFrom(undefined, undefined, 0o077),
    })
    .map((drawn): Case => {
      const source = `${drawn.base}src/a.${plus ? 'cc' : 'c'}`;
      const options = drawn.order.flatMap((at) => drawn.groups[at] ?? []).map((word) => word.replace('@', drawn.base));
      const all = [...options, drawn.mode, ...drawn.output, source];
      const compiler = family === 'gcc' ? (plus ? 'g++' : 'gcc') : plus ? 'clang++' : 'clang';
      const line = [compiler, ...(drawn.inFile ? ['@words'] : all)];
      return {
        title: `${compiler} ${all.join(' ')}`,
        family,
        files: drawn.inFile ? { ...project, words: all.map(quoted).join('\n') } : project,
        env: drawn.env,
        ...(drawn.umask === undefined ? {} : { umask: drawn.umask }),
        commands: [{ line, expect: 'travels', exit: 0 }],
      };
    });
};

/** A case in which the exit code may be any, as long as it is the same. */
export const anyCombination: fc.Arbitrary<Case> = fc.oneof(
  shapeOf('gcc', false),
  shapeOf('gcc', true),
  shapeOf('clang', false),
  shapeOf('clang', true),
);
