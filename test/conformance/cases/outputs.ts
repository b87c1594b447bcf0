// Where results go: every form of -o, names made from the source's, modes, what lies there already, and umask.
import { forBoth, forClang, forGcc, type Case, type Row } from '../case.ts';

const files = { 'a.c': '#include "a.h"\nint f(int x) { return x + A; }\n', 'a.h': '#define A 3\n' };
const cxx = { 'a.cc': 'template <class T> T twice(T x) { return x + x; }\nint f(int x) { return twice(x); }\n' };
const old = { ...files, 'a.o': { text: 'an older object', mode: 0o640 } };
const wrong = { 'a.c': 'int f(void) { return nothing; }\n', 'a.o': 'an older object' };
const readOnly = { ...files, 'a.o': { text: 'old', mode: 0o444 } };

/** More assembly than a pipe holds: a compiler that writes to an assembler that has gone always notices. */
const long = { 'a.c': `int a[] = {${Array.from({ length: 30_000 }, (_, at) => at).join()}};\n` };

const both: readonly Row[] = [
  ['-c without -o', { files, run: '$CC -c a.c' }],
  ['-c -o NAME', { files, run: '$CC -c a.c -o b.o' }],
  ['-oNAME', { files, run: '$CC -ob.o -c a.c' }],
  ['-o before everything else', { files, run: '$CC -o b.o -c a.c' }],
  ['two -o: the last counts', { files, run: '$CC -c a.c -o b.o -o c.o' }],
  ['-o without a suffix', { files, run: '$CC -c a.c -o object' }],
  ['-o with an odd suffix', { files, run: '$CC -c a.c -o a.lo' }],
  ['-o ends in a dot', { files, run: '$CC -c a.c -o a.' }],
  ['-o of a hidden name', { files, run: '$CC -c -MD -g a.c -o .o' }],
  ['-o into another directory', { files: { ...files, out: { dir: true } }, run: '$CC -c a.c -o out/a.o' }],
  ['-o with an absolute path', { files: { ...files, out: { dir: true } }, run: '$CC -c a.c -o $DIR/out/a.o' }],
  ['-o with . and .. in it', { files: { ...files, out: { dir: true } }, run: '$CC -c a.c -o ./out/../out/./a.o' }],
  [
    '-o through a linked directory',
    { files: { ...files, out: { dir: true }, l: { link: 'out' } }, run: '$CC -c a.c -o l/a.o' },
  ],
  ['a source of another directory without -o', { files: { 'src/b.c': 'int b;\n' }, run: '$CC -c src/b.c' }],
  ['a source above cwd', { files: { 'b.c': 'int b;\n', 'sub/keep': '' }, cwd: 'sub', run: '$CC -g -c ../b.c' }],
  ['a source with several dots', { files: { 'a.b.c': 'int b;\n' }, run: '$CC -c -MD a.b.c' }],
  ['-S', { files, run: '$CC -S a.c' }],
  ['-S -o', { files, run: '$CC -S -O1 a.c -o out.s' }],
  ['-S -g', { files, run: '$CC -S -g -fverbose-asm a.c' }],
  ['-c and -S: -S wins', { files, run: '$CC -c -S a.c' }],
  ['C++: -c without -o', { files: cxx, run: '$CXX -c a.cc' }],
  ['C++: -S -o', { files: cxx, run: '$CXX -S a.cc -o x.s' }],
  ['C as C++', { files, run: '$CXX -c a.c' }],
  ['C++ by the C driver', { files: cxx, run: '$CC -c a.cc' }],
  ['the same object again', { files, run: { lines: ['$CC -c a.c', '$CC -O2 -c a.c'] } }],
  ['over an older object of another mode', { files: old, run: '$CC -c a.c' }],
  ['over an executable object', { files: { ...files, 'a.o': { text: 'old', mode: 0o755 } }, run: '$CC -c a.c' }],
  ['over a link to a file', { files: { ...old, 'l.o': { link: 'a.o' } }, run: '$CC -c a.c -o l.o' }],
  [
    'over a link to nothing',
    { files: { ...files, 'l.o': { link: 'none.o' } }, run: '$CC -c a.c -o l.o', expect: 'output-not-a-file' },
  ],
  [
    'over a link into another directory',
    { files: { ...files, 'd/x.o': 'old', 'l.o': { link: 'd/x.o' } }, run: '$CC -c a.c -o l.o' },
  ],
  [
    'over a depfile of another mode',
    { files: { ...files, 'a.d': { text: 'old', mode: 0o600 } }, run: '$CC -MD -c a.c' },
  ],
  ['umask 077', { files, umask: 0o077, run: '$CC -c -MD a.c' }],
  ['umask 0', { files, umask: 0, run: '$CC -c -MD a.c' }],
  ['umask 0 over an older object', { files: old, umask: 0, run: '$CC -c a.c' }],
  ['umask 0137', { files, umask: 0o137, run: '$CC -S -MD a.c' }],
  [
    'an old object stays or goes as the driver has it when the program is wrong',
    { files: wrong, run: '$CC -c a.c', exit: 1 },
  ],
  ['the same with -pipe', { files: wrong, run: '$CC -pipe -c a.c', exit: 1 }],
  ['the same with -S', { files: { ...wrong, 'a.s': 'old' }, run: '$CC -S a.c', exit: 1 }],
  [
    'an output directory that is a file',
    { files: { ...files, out: '' }, run: '$CC -S a.c -o out/a.s', exit: 1, expect: 'output-not-a-file' },
  ],
  [
    '-o a directory',
    { files: { ...files, out: { dir: true } }, run: '$CC -S a.c -o out', exit: 1, expect: 'output-not-a-file' },
  ],
  ['-o /dev/null', { files, run: '$CC -c a.c -o /dev/null', expect: 'output-not-a-file' }],
  ['-S -o -', { files, run: '$CC -S a.c -o -', expect: 'output-not-a-file' }],
  [
    '-o ends in a slash',
    { files: { ...files, out: { dir: true } }, run: '$CC -S a.c -o out/', exit: 1, expect: 'output-not-a-file' },
  ],
];

const gcc: readonly Row[] = [
  ['over a read-only object', { files: readOnly, run: '$CC -c a.c' }],
  [
    '-S over a read-only file',
    {
      files: { ...files, 'a.s': { text: 'old', mode: 0o444 } },
      ordinaryUser: true,
      run: '$CC -S a.c',
      exit: 1,
      expect: 'output-not-a-file',
    },
  ],
  ['the output is the source', { files, run: '$CC -c a.c -o a.c', exit: 1, expect: 'output-not-a-file' }],
  ['-o into a missing directory', { files, run: '$CC -c a.c -o none/a.o', exit: 1, expect: 'output-not-a-file' }],
  [
    '-o into an unwritable directory',
    {
      files: { ...files, out: { dir: true, mode: 0o555 } },
      ordinaryUser: true,
      run: '$CC -c a.c -o out/a.o',
      exit: 1,
      expect: 'output-not-written',
    },
  ],
  ['-S -o into a missing directory', { files, run: '$CC -S a.c -o none/a.s', exit: 1, expect: 'output-not-a-file' }],
  [
    '-pipe -o into a missing directory',
    { files: long, run: '$CC -pipe -c a.c -o none/a.o', exit: 2, expect: 'output-not-a-file' },
  ],
];

const clang: readonly Row[] = [
  [
    'over a read-only object',
    { files: readOnly, ordinaryUser: true, run: '$CC -c a.c', exit: 1, expect: 'output-not-a-file' },
  ],
  ['the output is the source', { files, run: '$CC -c a.c -o a.c', expect: 'output-not-a-file' }],
  ['the output is an included header', { files, run: '$CC -S a.c -o a.h', expect: 'output-not-a-file' }],
  ['-o into a missing directory', { files, run: '$CC -c a.c -o none/a.o', exit: 1, expect: 'output-not-a-file' }],
  [
    '-o into an unwritable directory',
    {
      files: { ...files, out: { dir: true, mode: 0o555 } },
      ordinaryUser: true,
      run: '$CC -c a.c -o out/a.o',
      exit: 1,
      expect: 'output-not-written',
    },
  ],
  ['-emit-llvm -S', { files, run: '$CC -S -emit-llvm a.c' }],
  ['-emit-llvm -c', { files, run: '$CC -c -emit-llvm a.c -o a.bc' }],
  ['-no-integrated-as', { files, run: '$CC -no-integrated-as -c a.c', expect: 'side-files' }],
];

export const outputs: readonly Case[] = [...forBoth(both), ...forGcc(gcc), ...forClang(clang)];
