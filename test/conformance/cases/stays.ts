// What is no compile or cannot leave this machine: questions, preprocessing, links, probes, standard input. They must
// come out as by the compiler alone, too, and say why they stayed.
import { forBoth, forClang, forGcc, type Case, type Row } from '../case.ts';

const files = { 'a.c': '#include "a.h"\nint main(void) { return A; }\n', 'a.h': '#define A 3\n', 'b.c': 'int b;\n' };
const question = 'not-a-compile';
const temporary = 'it shows names of temporary files';

const both: readonly Row[] = [
  ['--version', { run: '$CC --version', expect: question }],
  ['-v alone', { run: '$CC -v', expect: question }],
  ['-dumpmachine', { run: '$CC -dumpmachine', expect: question }],
  ['-dumpversion', { run: '$CC -dumpversion', expect: question }],
  ['-print-search-dirs', { run: '$CC -print-search-dirs', expect: question }],
  ['-print-file-name=', { run: '$CC -print-file-name=libgcc.a', expect: question }],
  ['-print-prog-name=', { run: '$CC -print-prog-name=ld', expect: question }],
  ['--help', { run: '$CC --help', expect: question }],
  ['no words at all', { run: '$CC', exit: 1, expect: question }],
  ['-E', { files, run: '$CC -E a.c', expect: question }],
  ['-E -o', { files, run: '$CC -E a.c -o a.i', expect: question }],
  ['-E -dM', { files, run: '$CC -E -dM a.c', expect: question }],
  ['-E -dD -C', { files, run: '$CC -E -dD -C a.c', expect: question }],
  ['-E -P', { files, run: '$CC -E -P a.c', expect: question }],
  ['-E with -MD', { files, run: '$CC -E -MD a.c -o a.i', expect: question }],
  ['-M', { files, run: '$CC -M a.c', expect: question }],
  ['-MM', { files, run: '$CC -MM a.c', expect: question }],
  ['-MM -MF -MT', { files, run: '$CC -MM -MF a.d -MT x a.c', expect: question }],
  ['-M -MG', { files: { 'a.c': '#include "gone.h"\n' }, run: '$CC -M -MG a.c', expect: question }],
  ['-M with -c', { files, run: '$CC -M -c a.c', expect: question }],
  ['-fsyntax-only', { files, run: '$CC -fsyntax-only a.c', expect: question }],
  ['-fsyntax-only with -c', { files, run: '$CC -fsyntax-only -c a.c', expect: question }],
  ['compile and link in one go', { files, run: '$CC a.c -o a', expect: question }],
  ['compile several and link', { files, run: '$CC a.c b.c -o a', expect: question }],
  [
    'compile, then link',
    {
      files,
      run: { lines: ['$CC -c a.c', '$CC a.o -o a', './a'] },
      exit: [0, 0, 3],
      expect: ['travels', question, 'plain'],
    },
  ],
  [
    'link a shared library',
    { files, run: { lines: ['$CC -fPIC -c b.c', '$CC -shared b.o -o libb.so'] }, expect: ['travels', question] },
  ],
  [
    'link and run C++ with exceptions',
    {
      files: {
        'a.cc':
          '#include <stdexcept>\nint main() { try { throw std::runtime_error("x"); } catch (const std::exception &) { return 5; } }\n',
      },
      run: { lines: ['$CXX -c a.cc', '$CXX a.o -o a', './a'] },
      exit: [0, 0, 5],
      expect: ['travels', question, 'plain'],
    },
  ],
  ['a source from standard input', { stdin: 'int x;\n', run: '$CC -x c -c - -o a.o', expect: 'stdin-source' }],
  [
    'a source from /dev/stdin',
    { stdin: 'int x;\n', files: {}, run: '$CC -x c -S -o a.s /dev/fd/0', exit: 1, expect: 'stdin-source' },
  ],
  ['-E of standard input', { stdin: '#define A 3\nA\n', run: '$CC -x c -E -', expect: question }],
  ['/dev/null as the source', { run: '$CC -x c -c /dev/null -o a.o', expect: 'probe' }],
  [
    'conftest.c',
    { files: { 'conftest.c': 'int main(void) { return 0; }\n' }, run: '$CC -c conftest.c', expect: 'probe' },
  ],
  ['no source', { run: '$CC -c', exit: 1, expect: 'no-source' }],
  ['only a library', { run: '$CC -c -lm', expect: 'no-source' }],
  [
    'a language that is not followed',
    {
      files: { 'a.f': '      END\n' },
      run: '$CC -x f77 -c a.f',
      exit: 1,
      expect: 'compiler-unknown',
      needs: ['! command -v gfortran'],
    },
  ],
  ['an object as the source', { files: { 'a.o': '' }, run: '$CC -c a.o', expect: 'no-source' }],
];

const gcc: readonly Row[] = [
  ['-E -fdirectives-only', { files, run: '$CC -E -fdirectives-only a.c', expect: question }],
  ['-v -c', { files, run: '$CC -v -c a.c', expect: question, unsteady: { 'stderr 0': temporary } }],
  [
    'a precompiled header is made',
    {
      files: { 'a.h': 'int a;\n' },
      run: '$CC -x c-header a.h -o a.h.pch',
      expect: question,
      unsteady: { 'a.h.pch': 'it may hold addresses and dates' },
    },
  ],
  ['-### -c', { files, run: '$CC -### -c a.c', expect: question, unsteady: { 'stderr 0': temporary } }],
  ['--target-help', { run: '$CC --target-help', expect: question }],
  ['-dumpspecs', { run: '$CC -dumpspecs', expect: question }],
  ['-print-multi-lib', { run: '$CC -print-multi-lib', expect: question }],
  ['-Q --help=optimizers', { run: '$CC -Q -O2 --help=optimizers', expect: question }],
  ['-aux-info', { files, run: '$CC -aux-info a.X -c a.c', expect: 'travels' }],
];

const clang: readonly Row[] = [
  ['-v -c', { files, run: '$CC -v -c a.c', expect: question }],
  [
    'a precompiled header is made',
    { files: { 'a.h': 'int a;\n' }, run: '$CC -x c-header a.h -o a.h.pch', expect: question },
  ],
  ['-### -c', { files, run: '$CC -### -c a.c', expect: question }],
  ['-emit-ast', { files, run: '$CC -emit-ast a.c -o a.ast', expect: question }],
  ['--analyze', { files, run: '$CC --analyze a.c', expect: question }],
  ['-print-resource-dir', { run: '$CC -print-resource-dir', expect: question }],
  [
    '-Xclang -ast-dump',
    {
      files,
      run: '$CC -Xclang -ast-dump -c a.c',
      expect: 'unknown-option',
      unsteady: { 'stdout 0': { whole: 'it shows addresses' } },
    },
  ],
];

export const stays: readonly Case[] = [...forBoth(both), ...forGcc(gcc), ...forClang(clang)];
