// What decides the code: optimisation, machine, standard, debug information, instrumentation, link-time code, and
// where paths show.
import { forBoth, forClang, forGcc, type Case, type Row } from '../case.ts';

const files = {
  'src/a.c':
    '#include "a.h"\nstatic int cold(int x) { return x * A; }\nint table[8];\n' +
    'int sum(const int *p, int n) { int s = 0; for (int i = 0; i < n; i++) s += p[i] * cold(i); return s; }\n' +
    'double half(double x) { return x / 2; }\n',
  'src/a.h': '#define A 3\nstruct point { int x, y; };\n',
  out: { dir: true },
} as const;
const cxx = {
  'a.cc':
    '#include "a.hh"\nstruct Base { virtual ~Base(); virtual int f(); };\nstruct Derived : Base { int f() override; };\n' +
    'int Derived::f() { return twice(3); }\nint g(Base *b) { try { return b->f(); } catch (int x) { return x; } catch (...) { throw; } }\n',
  'a.hh': 'template <class T> inline T twice(T x) { return x + x; }\n',
};
const main = '$CC -c src/a.c -o a.o';
const lto = 'the symbols of link-time code have random names';
const dwo = 'ids that join object and .dwo are random';
const stamp = 'the .gcno file and its object share a random stamp';

/** One compile of `src/a.c` with these words. */
const with_ = (words: string, more: Partial<Row[1]> = {}): Row => [words, { files, run: `${main} ${words}`, ...more }];
/** One compile of `a.cc` with these words. */
const plus = (words: string, more: Partial<Row[1]> = {}): Row => [
  `C++ ${words}`,
  { files: cxx, run: `$CXX -c a.cc ${words}`, ...more },
];

const both: readonly Row[] = [
  ...['-O0', '-O1', '-O2', '-O3', '-Os', '-Og', '-Ofast', '-O', '-O2 -O0', '-O9'].map((words) => with_(words)),
  ...['-g', '-g1', '-g3', '-ggdb', '-gdwarf-4', '-gdwarf-5', '-g -O2', '-g -gz', '-g -gz=none', '-g0', '-g -g0'].map(
    (words) => with_(words),
  ),
  ...['-std=c99', '-std=gnu11', '-std=c2x', '-std=iso9899:1999'].map((words) => with_(words)),
  ...[
    '-fPIC',
    '-fpic',
    '-fPIE',
    '-fno-pic',
    '-ffunction-sections -fdata-sections',
    '-fvisibility=hidden',
    '-fcommon',
  ].map((words) => with_(words)),
  ...[
    '-fstack-protector-strong',
    '-fomit-frame-pointer',
    '-ffast-math',
    '-fno-builtin',
    '-fwrapv',
    '-funroll-loops -O2',
  ].map((words) => with_(words)),
  ...[
    '-march=x86-64-v3',
    '-mtune=skylake -O2',
    '-mavx2 -O3',
    '-msse4.2',
    '-mno-red-zone',
    '-mcmodel=large',
    '-fcf-protection=full',
  ].map((words) => with_(words)),
  ...[
    '-pipe',
    '-pthread',
    '-fopenmp',
    '-fno-common',
    '-fsigned-char -funsigned-char',
    '-fshort-enums',
    '-fverbose-asm -S',
  ].map((words) => with_(words)),
  ...['-fsanitize=address', '-fsanitize=undefined -O1', '-fsanitize=thread', '-fsanitize=address,undefined -g'].map(
    (words) => with_(words),
  ),
  ...['-fno-asynchronous-unwind-tables', '-fno-ident', '-pg', '-finstrument-functions', '-D_FORTIFY_SOURCE=2 -O2'].map(
    (words) => with_(words),
  ),
  ['-m32', { files, run: `${main} -m32`, needs: ['echo "int x;" | gcc -m32 -x c -c - -o /dev/null'] }],
  ['-march=native', { files, run: `${main} -O2 -march=native` }],
  ['-mtune=native', { files, run: `${main} -O2 -mtune=native` }],
  [
    '-march=native with -g and recorded switches',
    { files, run: `${main} -O2 -march=native -g -grecord-gcc-switches`, expect: 'native-cpu' },
  ],
  ['-fdebug-prefix-map=', { files, run: `${main} -g -fdebug-prefix-map=$DIR=/somewhere` }],
  ['-ffile-prefix-map=', { files, run: `${main} -g -ffile-prefix-map=$DIR=.` }],
  ['-g with an absolute source', { files, run: '$CC -g -c $DIR/src/a.c -o $DIR/out/a.o' }],
  ['-g in a directory of a build', { files, cwd: 'out', run: '$CC -g -I../src -c ../src/a.c' }],
  ['-g in a linked directory', { files: { ...files, l: { link: 'out' } }, cwd: 'l', run: '$CC -g -c $DIR/src/a.c' }],
  ['-g with PWD wrong', { files, env: { PWD: '/nowhere' }, run: `${main} -g` }],
  ['-g without PWD', { files, env: { PWD: null }, run: `${main} -g` }],
  [
    '-g with PWD another name of the same',
    { files: { ...files, l: { link: '.' } }, env: { PWD: '$DIR/l' }, run: `${main} -g` },
  ],
  ['-g3 with macros of the command line', { files, run: [...main.split(' '), '-g3', '-DNAME="a b"', '-UA'] }],
  ['-grecord-gcc-switches', { files, run: `${main} -g -grecord-gcc-switches -O1 -DX=1` }],
  plus('-std=c++11'),
  plus('-std=c++14 -O2'),
  plus('-std=c++17 -g'),
  plus('-std=c++20 -O1'),
  plus('-std=gnu++2b'),
  plus('-std=c++98'),
  plus('-fno-rtti'),
  plus('-fno-exceptions', { exit: 1 }),
  plus('-fvisibility-inlines-hidden -fPIC'),
  plus('-fno-threadsafe-statics'),
  plus('-fsized-deallocation'),
  plus('-fno-implicit-templates -O2'),
  plus('-fsanitize=address -g -O1'),
  plus('-O3 -g3 -gdwarf-4'),
];

const gcc: readonly Row[] = [
  with_('-std=c90', { exit: 1 }),
  with_('-ansi', { exit: 1 }),
  ['-fprofile-use without its file', { files, run: `${main} -O2 -fprofile-use` }],
  with_('-Wstack-usage=8'),
  with_('-frecord-gcc-switches'),
  with_('-g -gz=zlib'),
  with_('-gstabs'),
  with_('-ggdb3 -Og'),
  with_('-gno-column-info -g'),
  with_('-ftree-vectorize -fno-tree-slp-vectorize -O2'),
  with_('--param=max-inline-insns-single=5 -O2'),
  with_('--param ggc-min-expand=10'),
  with_('-fno-plt -fPIC'),
  with_('-fipa-pta -O2'),
  with_('-mfentry -pg'),
  with_('-fsanitize=leak'),
  with_('-fexcess-precision=standard'),
  with_('-flto -frandom-seed=7 -O2'),
  with_('-flto -ffat-lto-objects -frandom-seed=7'),
  with_('-flto -O2', { unsteady: { 'a.o': { whole: lto } } }),
  with_('-flto=auto -fuse-linker-plugin -frandom-seed=a.o'),
  with_('--coverage', { unsteady: { 'a.gcno': stamp, 'a.o': stamp } }),
  with_('--coverage -frandom-seed=7'),
  with_('-ftest-coverage -fprofile-arcs -frandom-seed=7 -fprofile-abs-path'),
  with_('-fprofile-generate -O2', { unsteady: { 'a.o': stamp } }),
  with_('-fprofile-generate=profiles -O2 -frandom-seed=7'),
  with_('-g -gsplit-dwarf'),
  with_('-gsplit-dwarf -gdwarf-4 -O2'),
  with_('-g -gsplit-dwarf -gz -O2'),
  with_('-fcompare-debug', { expect: 'side-files' }),
  with_('-fcallgraph-info'),
  with_('-fcallgraph-info=su,da'),
  with_('-fstack-usage'),
  with_('-fstack-usage -flto -frandom-seed=7'),
  with_('-fexec-charset=UTF-16', { expect: 'side-files' }),
  with_('-finput-charset=UTF-8'),
  with_('-finput-charset=latin1', { expect: 'side-files' }),
  plus('-g -gsplit-dwarf -O1', { unsteady: { 'a.o': dwo, 'a.dwo': dwo } }),
  plus('-fconcepts -std=c++20'),
  plus('-fcoroutines -std=c++20'),
  plus('-fabi-version=11'),
  plus('-fno-weak'),
  plus('-frepo', { expect: 'side-files' }),
];

const clang: readonly Row[] = [
  ['-S -gsplit-dwarf', { files, run: '$CC -g -gsplit-dwarf -S src/a.c -o out/x.s' }],
  ['-S -gsplit-dwarf without -o', { files, run: '$CC -g -gsplit-dwarf -S src/a.c' }],
  ['C++ -O2 -gsplit-dwarf', { files: cxx, run: '$CXX -g -O2 -gsplit-dwarf -MD -c a.cc -o x.o' }],
  with_('-std=c90'),
  with_('-ansi'),
  ['-fprofile-use without its file', { files, run: `${main} -O2 -fprofile-use`, exit: 1, expect: 'file-missing' }],
  with_('-g -gsplit-dwarf'),
  with_('-g -gsplit-dwarf=single'),
  with_('-gline-tables-only'),
  with_('-fstandalone-debug -g'),
  with_('-gcodeview'),
  with_('-g -gz=zlib'),
  with_('-flto'),
  with_('-flto=thin -O2'),
  with_('--coverage'),
  with_('-fprofile-instr-generate -fcoverage-mapping'),
  with_('-fprofile-generate -O2'),
  with_('-fsanitize=memory'),
  with_('-fsanitize=cfi -flto -fvisibility=hidden'),
  with_('-fsanitize=safe-stack'),
  with_('-fsanitize=dataflow'),
  with_('-fsanitize-coverage=trace-pc-guard'),
  with_('-Oz'),
  with_('-O4'),
  with_('-target x86_64-pc-linux-gnu'),
  with_('--target=aarch64-linux-gnu'),
  with_('--target=armv7-linux-gnueabihf -mfloat-abi=hard'),
  with_('-stdlib=libstdc++'),
  with_('-fstack-usage'),
  with_('-fno-integrated-as', { expect: 'side-files' }),
  with_('-emit-llvm -O1'),
  with_('-emit-llvm -S -g'),
  with_('-fembed-bitcode'),
  with_('-fxray-instrument'),
  with_('-fdebug-compilation-dir=/somewhere -g'),
  with_('-fno-discard-value-names -S -emit-llvm'),
  with_('-Xclang -fno-pch-timestamp'),
  with_('-Xclang -disable-O0-optnone -O0'),
  with_('-mllvm -inline-threshold=1 -O2'),
  with_('-save-stats', { expect: 'unknown-option' }),
  with_('-fms-extensions'),
  with_('-fblocks'),
  with_('-fdebug-info-for-profiling -g'),
  with_('-fforce-emit-vtables'),
  plus('-fno-elide-constructors'),
  plus('-fwhole-program-vtables -flto'),
  plus('-fcxx-exceptions'),
  plus('-stdlib=libstdc++'),
  plus('-fcoroutines-ts -std=c++17'),
];

export const code: readonly Case[] = [...forBoth(both), ...forGcc(gcc), ...forClang(clang)];
