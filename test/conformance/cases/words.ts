// Command lines as such: files of words, odd and long words, odd paths, what is handed on to other programs, the
// environment, and the ways to reach the launcher.
import { forBoth, forClang, forGcc, type Case, type Row } from '../case.ts';

const files = {
  'a.c': '#include "a.h"\nint f(int x) { return x + A; }\nconst char *w = __FILE__;\n',
  'a.h': '#ifndef A\n#define A 3\n#endif\n',
};
const text = { 'a.c': 'const char *s = TEXT;\n' };
const odd = (name: string): Readonly<Record<string, string>> => ({
  [`${name}/a.h`]: '#define A 3\n',
  [`${name}/${name}.c`]: '#include "a.h"\nconst char *w = __FILE__;\nint a = A;\n',
});
const inOdd = (name: string): Partial<Row[1]> => ({
  files: odd(name),
  run: ['$CC', '-g', '-MD', '-c', `${name}/${name}.c`, '-o', `${name}/${name}.o`],
});
const path = (what: string, name: string): Row => [what, { run: [], ...inOdd(name) }];
const many = Array.from({ length: 3000 }, (_, at) => `-DMANY_MACROS_${at}=${at}`);

const both: readonly Row[] = [
  ['an @file', { files: { ...files, words: '-DA=4 -O1\n-c a.c\n' }, run: '$CC @words' }],
  [
    'an @file in an @file',
    { files: { ...files, words: '-DA=4 @more', more: '-O1 -MD\n-c\ta.c' }, run: '$CC @words -o x.o' },
  ],
  ['an @file with quotes', { files: { ...text, words: '-DTEXT="\\"a b\\"" -c a.c' }, run: '$CC @words' }],
  ['an @file with single quotes', { files: { ...text, words: '\'-DTEXT="a  b"\' -c a.c' }, run: '$CC @words' }],
  ['an @file with backslashes', { files: { ...text, words: '-DTEXT=\\"a\\ b\\" -c a.c' }, run: '$CC @words' }],
  ['an empty @file', { files: { ...files, words: '' }, run: '$CC -c a.c @words' }],
  ['an @file that is not there', { files, run: '$CC -c a.c @none', exit: 1, expect: 'no-source' }],
  [
    'an @file in another directory names files by cwd',
    { files: { ...files, 'd/words': '-c a.c -o d/a.o' }, run: '$CC @d/words' },
  ],
  ['an @file with an absolute path', { files: { ...files, words: '-c $DIR/a.c' }, run: '$CC @$DIR/words' }],
  ['an @file with CRLF', { files: { ...files, words: '-DA=4\r\n-c a.c\r\n' }, run: '$CC @words' }],
  ['a very long command', { files, run: ['$CC', '-c', 'a.c', ...many] }],
  ['one very long word', { files: text, run: ['$CC', '-c', 'a.c', `-DTEXT="${'x'.repeat(100_000)}"`] }],
  path('a path with a space', 'two words'),
  path('a path with UTF-8', 'größe-度'),
  path('a path with quotes', `it's "so"`),
  path('a path with $, # and %', 'a$b#c%d'),
  path('a path with a backslash', 'back\\slash'),
  path('a path with a newline', 'new\nline'),
  path('a path with *, ? and [', 'st*r?[x]'),
  path('a path with a colon and a comma', 'a:b,c'),
  path('a path with = and +', 'a=b+c'),
  path('a path with a tab', 'tab\there'),
  path('a path that begins with a dot', '.hidden'),
  path('a very long path', 'long-'.repeat(30)),
  ['a source that begins with a dash', { files: { '-a.c': 'int a;\n' }, run: '$CC -c ./-a.c -o ./-a.o' }],
  ['an output that begins with a dash', { files, run: '$CC -c a.c -o -x.o' }],
  [
    'bytes in a path that are no UTF-8',
    {
      masquerade: true,
      run: {
        lines: [
          ['sh', '-c', 'printf "int x;\\n" > "$(printf "b\\351d.c")"'],
          ['sh', '-c', 'exec $CC -g -c "$(printf "b\\351d.c")"'],
        ],
      },
      expect: ['plain', 'path-not-utf8'],
    },
  ],
  ['-x c of another suffix', { files: { 'a.txt': 'int x;\n' }, run: '$CC -x c -c a.txt' }],
  ['-xc++ of .c', { files: { 'a.c': 'class X {};\n' }, run: '$CC -xc++ -c a.c' }],
  ['-x none', { files, run: '$CC -x c++ -x none -c a.c' }],
  ['-x after the source', { files, run: '$CC -c a.c -x c++' }],
  ['-x of no language', { files, run: '$CC -x klingon -c a.c', exit: 1, expect: 'language' }],
  [
    '-x assembler-with-cpp',
    { files: { 'a.txt': '#define V 3\n\t.long V\n' }, run: '$CC -x assembler-with-cpp -c a.txt' },
  ],
  ['suffix .C', { files: { 'a.C': 'class X {};\n' }, run: '$CC -c a.C' }],
  ['suffix .c++', { files: { 'a.c++': 'class X {};\n' }, run: '$CC -c a.c++' }],
  ['suffix .cxx and .cp', { files: { 'a.cp': 'class X {};\n' }, run: '$CC -c a.cp' }],
  ['no suffix', { files: { a: 'int x;\n' }, run: '$CC -c a', expect: 'no-source' }],
  ['-Wa,', { files, run: '$CC -Wa,--noexecstack,-L -c a.c' }],
  ['-Xassembler', { files, run: '$CC -Xassembler --noexecstack -c a.c' }],
  ['-Wl,', { files, run: '$CC -Wl,--gc-sections -Xlinker -x -c a.c' }],
  [
    '--std= and other long forms',
    {
      files,
      run: '$CC --std=c11 --pedantic --include-directory=. --define-macro=A=5 -c a.c',
      expect: 'unknown-option',
    },
  ],
  ['--compile and --output', { files, run: '$CC --compile --output=x.o a.c', expect: 'unknown-option' }],
  ['the compiler by its path', { files, run: '/usr/bin/$CC -Wall -c a.c' }],
  ['by masquerade', { files, masquerade: true, run: '$CC -Wall -g -MD -c a.c' }],
  [
    'by masquerade, C++ and an error',
    { files: { 'a.cc': 'int f() { return no; }\n' }, masquerade: true, run: '$CXX -c a.cc', exit: 1 },
  ],
  [
    'by masquerade, a link',
    {
      files: { 'a.c': 'int main(void) { return 0; }\n' },
      masquerade: true,
      run: '$CC a.c -o a',
      expect: 'not-a-compile',
    },
  ],
  [
    'odd variables',
    {
      files,
      env: {
        'A B': 'x',
        LD_DEBUG_NOT: '1',
        MAKEFLAGS: '-j4 --jobserver-auth=3,4',
        EMPTY: '',
        NEWLINE: 'a\nb',
        UTF8: 'größe',
      },
      run: '$CC -c a.c',
    },
  ],
  ['a very large environment', { files, env: { LARGE: 'x'.repeat(120_000) }, run: '$CC -c a.c' }],
  ['TMPDIR', { files: { ...files, tmp: { dir: true } }, env: { TMPDIR: '$DIR/tmp' }, run: '$CC -c a.c' }],
  ['TMPDIR that is not there', { files, env: { TMPDIR: '$DIR/none' }, run: '$CC -c a.c' }],
  ['LIBRARY_PATH', { files, env: { LIBRARY_PATH: '/nowhere' }, run: '$CC -c a.c' }],
  ['COMPILER_PATH', { files, env: { COMPILER_PATH: '/nowhere' }, run: '$CC -c a.c', expect: 'environment' }],
  ['LD_LIBRARY_PATH', { files, env: { LD_LIBRARY_PATH: '/nowhere' }, run: '$CC -c a.c' }],
  ['CFLAGS and CC are not read', { files, env: { CFLAGS: '-DA=9', CC: 'none' }, run: '$CC -c a.c' }],
  ['two compiles of one command line', { files, run: { lines: ['$CC -g -c a.c -o x.o', '$CC -g -c a.c -o x.o'] } }],
  [
    'cwd through a link, PWD as the shell has it',
    { files: { 'real/deep/a.c': 'int a;\n', l: { link: 'real' } }, cwd: 'l/deep', run: '$CC -g -MD -c a.c' },
  ],
  [
    'a source given by a path that leaves and enters',
    {
      files: { 'x/a.c': '#include "a.h"\nint a = A;\n', 'x/a.h': '#define A 1\n', 'y/keep': '' },
      run: '$CC -g -MD -c y/../x/a.c',
    },
  ],
  [
    'slashes that are too many',
    {
      files: { 'x/a.c': '#include ".//a.h"\nint a = A;\n', 'x/a.h': '#define A 1\n' },
      run: '$CC -g -MD -c .//x///a.c -o .//a.o',
    },
  ],
];

const gcc: readonly Row[] = [
  ['an empty word', { files, run: ['$CC', '-c', 'a.c', ''], exit: 1, expect: 'no-source' }],
  [
    'the compiler by a link of another name',
    { files: { ...files, 'my-gcc': { link: '/usr/bin/gcc' } }, run: './my-gcc -Wall -c a.c' },
  ],
  ['GCC_EXEC_PREFIX', { files, env: { GCC_EXEC_PREFIX: '/usr/lib/gcc/' }, run: '$CC -c a.c', expect: 'environment' }],
  ['-Wp,-MD and -Wa, and -Wl, together', { files, run: '$CC -Wp,-MD,x.d -Wa,--noexecstack -Wl,-O1 -c a.c' }],
  [
    '-Wa,-ahl writes a listing',
    {
      files,
      run: '$CC -Wa,-ahl=a.lst -c a.c',

      unsteady: { 'a.lst': 'it shows the name of a temporary file' },
    },
  ],
  ['-Wa,-march=native', { files, run: '$CC -Wa,-mtune=generic64 -c a.c' }],
  ['-Wp, that is not known', { files, run: '$CC -Wp,-P -c a.c', expect: 'unknown-option' }],
  ['the versioned compiler', { files, run: 'gcc-12 -c a.c', needs: ['command -v gcc-12'] }],
  [
    'the compiler by its target',
    { files, run: 'x86_64-linux-gnu-gcc -c a.c', needs: ['command -v x86_64-linux-gnu-gcc'] },
  ],
  [
    'cc and c++',
    {
      files: { ...files, 'b.cc': 'int b;\n' },
      run: { lines: ['cc -c a.c', 'c++ -c b.cc'] },
      needs: ['cc --version | grep -q Free'],
    },
  ],
  [
    'a cross compiler',
    { files, run: 'aarch64-linux-gnu-gcc -O2 -g -MD -c a.c', needs: ['command -v aarch64-linux-gnu-gcc'] },
  ],
  [
    'a cross compiler of C++',
    {
      files: { 'a.cc': '#include <vector>\nstd::vector<int> v;\n' },
      run: 'aarch64-linux-gnu-g++ -O2 -g -c a.cc',
      needs: ['command -v aarch64-linux-gnu-g++'],
    },
  ],
  [
    'a cross compiler for small things',
    { files, run: 'arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb -Os -g -c a.c', needs: ['command -v arm-none-eabi-gcc'] },
  ],
];

const clang: readonly Row[] = [
  ['an empty word', { files, run: ['$CC', '-c', 'a.c', ''], expect: 'no-source' }],
  [
    'the compiler by a link of another name',
    { files: { ...files, 'my-clang': { link: '/usr/bin/clang' } }, run: './my-clang -Wall -c a.c' },
  ],
  ['--', { files, run: '$CC -c -- a.c' }],
  ['the versioned compiler', { files, run: 'clang-14 -c a.c', needs: ['command -v clang-14'] }],
  [
    '-Xclang -Wno-',
    { files: { 'a.c': 'int f(void) { int u; return 1; }\n' }, run: '$CC -Wall -Xclang -Wno-unused-variable -c a.c' },
  ],
  ['-Xclang that is not known', { files, run: '$CC -Xclang -no-such-thing -c a.c', exit: 1, expect: 'unknown-option' }],
  [
    '-Xclang -emit-pch',
    {
      files: { 'a.h': 'int a;\n' },
      run: '$CC -Xclang -emit-pch -x c-header -c a.h -o a.pch',
      expect: 'unknown-option',
    },
  ],
  ['CCC_OVERRIDE_OPTIONS', { files, env: { CCC_OVERRIDE_OPTIONS: '+-O2' }, run: '$CC -c a.c', expect: 'environment' }],
  [
    'CLANG_NO_DEFAULT_CONFIG',
    { files, env: { CLANG_NO_DEFAULT_CONFIG: '1' }, run: '$CC -c a.c', expect: 'environment' },
  ],
  ['--driver-mode=g++', { files, run: '$CC --driver-mode=g++ -c a.c', expect: 'unknown-option' }],
  ['-cc1', { files, run: '$CC -cc1 -emit-obj a.c -o a.o', expect: 'not-a-compile' }],
];

export const words: readonly Case[] = [...forBoth(both), ...forGcc(gcc), ...forClang(clang)];
