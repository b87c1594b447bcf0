// What the user sees: errors, warnings, colours, terminals, languages, and that each is shown once and word for word.
import { forBoth, forClang, forGcc, type Case, type Row } from '../case.ts';

const warning = {
  'a.c': '#include "a.h"\nint f(int x) { int unused = 1; if (x = 2) return x; }\n',
  'a.h': 'static int never(void) { return 1; }\n',
};
const error = { 'a.c': 'int f(void) { return nothing; }\nint g(void) { return x y; }\nint h(void) { return also; }\n' };
const deep = {
  'a.c': '#include "one.h"\nint a;\n',
  'one.h': '#include "two.h"\n',
  'two.h': '#define BAD(x) ((x) + )\nint bad = BAD(3);\n',
};
const wide = { 'a.c': `int f(void) { return ${'1 + '.repeat(60)}nothing; }\n` };
const templates = {
  'a.cc':
    'template <class T> struct S { static_assert(sizeof(T) > 4, "too small"); typename T::type x; };\n' +
    'template <class T> int use() { return S<T>().x; }\nint f() { return use<int>(); }\n',
};
const fixit = { 'a.c': 'struct s { int member; };\nint f(struct s *p) { return p.membre; }\n' };

const both: readonly Row[] = [
  ['warnings', { files: warning, run: '$CC -Wall -Wextra -c a.c' }],
  ['warnings and -w', { files: warning, run: '$CC -Wall -w -c a.c' }],
  ['-Werror', { files: warning, run: '$CC -Wall -Werror -c a.c', exit: 1 }],
  ['-Werror=', { files: warning, run: '$CC -Wall -Werror=parentheses -c a.c', exit: 1 }],
  [
    '-Werror and -Wno-error=',
    {
      files: { 'a.c': 'int f(void) { int unused; return 1; }\n' },
      run: '$CC -Wall -Werror -Wno-error=unused-variable -c a.c',
    },
  ],
  ['-Wno-', { files: warning, run: '$CC -Wall -Wno-unused-variable -c a.c' }],
  ['an unknown -Wno-', { files: warning, run: '$CC -Wno-there-is-none -Wall -c a.c' }],
  ['errors', { files: error, run: '$CC -c a.c', exit: 1 }],
  ['errors in C++', { files: templates, run: '$CXX -c a.cc', exit: 1 }],
  ['-Wfatal-errors', { files: error, run: '$CC -Wfatal-errors -c a.c', exit: 1 }],
  ['errors in nested includes and macros', { files: deep, run: '$CC -c a.c', exit: 1 }],
  [
    '#error and #warning',
    { files: { 'a.c': '#warning take care\n#error stop here\nint x\n' }, run: '$CC -c a.c', exit: 1 },
  ],
  ['a missing header', { files: { 'a.c': '#include "gone.h"\nint x;\n' }, run: '$CC -c a.c', exit: 1 }],
  [
    'a missing header in angles, deep',
    {
      files: { 'a.c': '#include "one.h"\nint a;\n', 'one.h': '#include <gone/x.h>\n' },
      run: '$CC -I. -c a.c',
      exit: 1,
    },
  ],
  ['a missing source', { files: {}, run: '$CC -c gone.c', exit: 1, expect: 'file-missing' }],
  ['a source that is a directory', { files: { 'a.c/keep': '' }, run: '$CC -c a.c', exit: 1 }],
  [
    'an unreadable source',
    {
      files: { 'a.c': { text: 'int x;\n', mode: 0 } },
      ordinaryUser: true,
      run: '$CC -c a.c',
      exit: 1,
      expect: 'file-missing',
    },
  ],
  ['an unknown option', { files: warning, run: '$CC --no-such-option -c a.c', exit: 1, expect: 'unknown-option' }],
  ['an unknown -f option', { files: warning, run: '$CC -fno-such-feature-anywhere -c a.c', exit: 1 }],
  [
    'an unknown -m option',
    { files: warning, run: '$CC -mno-such-machine -c a.c', exit: 1, expect: 'compiler-unknown' },
  ],
  ['an unknown -std=', { files: warning, run: '$CC -std=c1492 -c a.c', exit: 1, expect: 'compiler-unknown' }],
  ['an option without its value', { files: warning, run: '$CC -c a.c -o', exit: 1, expect: 'unknown-option' }],
  ['-fdiagnostics-color=always', { files: warning, run: '$CC -Wall -fdiagnostics-color=always -c a.c' }],
  [
    '-fdiagnostics-color=never',
    { files: warning, run: '$CC -Wall -fdiagnostics-color=never -c a.c', terminal: 80, env: { TERM: 'xterm' } },
  ],
  ['in a terminal', { files: warning, run: '$CC -Wall -c a.c', terminal: 80, env: { TERM: 'xterm' } }],
  ['in a terminal, an error', { files: error, run: '$CC -c a.c', exit: 1, terminal: 80, env: { TERM: 'xterm' } }],
  ['in a dumb terminal', { files: warning, run: '$CC -Wall -c a.c', terminal: 80 }],
  ['a long line with COLUMNS', { files: wide, run: '$CC -c a.c', exit: 1, env: { COLUMNS: '60' } }],
  ['a long line without a terminal', { files: wide, run: '$CC -c a.c', exit: 1 }],
  ['-fmessage-length=', { files: wide, run: '$CC -fmessage-length=40 -c a.c', exit: 1 }],
  ['-fno-caret-diagnostics', { files: error, run: '$CC -fno-caret-diagnostics -c a.c', exit: 1 }],
  [
    '-fdiagnostics-show-template-tree',
    { files: templates, run: '$CXX -fdiagnostics-show-template-tree -c a.cc', exit: 1 },
  ],
  ['-fdiagnostics-parseable-fixits', { files: fixit, run: '$CC -fdiagnostics-parseable-fixits -c a.c', exit: 1 }],
  ['-fno-diagnostics-show-option', { files: warning, run: '$CC -Wall -fno-diagnostics-show-option -c a.c' }],
  [
    '-pedantic',
    { files: { 'a.c': 'int f(void) { return 0b11; }\nint z[0];\n' }, run: '$CC -std=c99 -pedantic -c a.c' },
  ],
  ['-pedantic-errors', { files: { 'a.c': 'int z[0];\n' }, run: '$CC -std=c99 -pedantic-errors -c a.c', exit: 1 }],
  [
    '-Wsystem-headers',
    {
      files: { 'a.c': '#include <s.h>\n', 'sys/s.h': 'static int s(void) { int u; return 1; }\n' },
      run: '$CC -Wall -Wsystem-headers -isystem sys -c a.c',
    },
  ],
  [
    'system headers are not warned of',
    {
      files: { 'a.c': '#include <s.h>\n', 'sys/s.h': 'static inline int s(void) { int u; return 1; }\n' },
      run: '$CC -Wall -isystem sys -c a.c',
    },
  ],
  [
    '#pragma diagnostic',
    {
      files: {
        'a.c':
          '#pragma GCC diagnostic push\n#pragma GCC diagnostic ignored "-Wunused-variable"\nint f(void) { int u; return 1; }\n#pragma GCC diagnostic pop\nint g(void) { int u; return 1; }\n',
      },
      run: '$CC -Wall -c a.c',
    },
  ],
  [
    'a warning on a line with UTF-8 and tabs',
    { files: { 'a.c': 'int f(void) {\t/* größe 度 */ int u = "ä" + 1; return 1; }\n' }, run: '$CC -Wall -c a.c' },
  ],
  [
    'a warning in a file with CRLF',
    { files: { 'a.c': 'int f(void) {\r\n  int u;\r\n  return 1;\r\n}\r\n' }, run: '$CC -Wall -c a.c' },
  ],
  [
    'a byte order mark',
    { files: { 'a.c': '\uFEFF#include "a.h"\nint x = A;\n', 'a.h': '\uFEFF#define A 3\n' }, run: '$CC -MD -c a.c' },
  ],
  [
    'no newline at the end',
    {
      files: { 'a.c': '#include "a.h"\nint x = A;', 'a.h': '#define A 3' },
      run: '$CC -Wall -pedantic -std=c90 -c a.c',
    },
  ],
  ['a backslash at the end', { files: { 'a.c': 'int x;\n// the end \\' }, run: '$CC -Wall -c a.c' }],
  ['an empty source', { files: { 'a.c': '' }, run: '$CC -MD -c a.c' }],
  ['an empty source, -pedantic', { files: { 'a.c': '' }, run: '$CC -pedantic -c a.c' }],
  ['a zero byte in the source', { files: { 'a.c': 'int x;\u0000int y;\n' }, run: '$CC -c a.c' }],
  [
    'bytes that are no UTF-8',
    {
      files: {
        'a.c': Buffer.from(
          'const char *s = "gr\xf6\xdfe"; // \xe9\nint f(void) { int u; return "\xff"[0]; }\n',
          'latin1',
        ),
      },
      run: '$CC -Wall -c a.c',
    },
  ],
  ['an error in a comment that does not end', { files: { 'a.c': 'int x; /* \nint y;\n' }, run: '$CC -c a.c', exit: 1 }],
  [
    'a conflict marker',
    { files: { 'a.c': '<<<<<<< here\nint x;\n=======\nint y;\n>>>>>>> there\n' }, run: '$CC -c a.c', exit: 1 },
  ],
  [
    'the assembler finds fault',
    {
      files: { 'a.c': 'void f(void) { __asm__("no_such_instruction %eax"); }\n', 'a.o': 'old' },
      run: '$CC -c a.c',
      exit: 1,
    },
  ],
  ['LANG=C', { files: fixit, env: { LC_ALL: null, LANG: 'C' }, run: '$CC -c a.c', exit: 1 }],
  ['no locale at all', { files: fixit, env: { LC_ALL: null }, run: '$CC -c a.c', exit: 1 }],
  [
    'LC_ALL=POSIX with a UTF-8 source',
    { files: { 'a.c': 'int größe(void) { int u; return 1; }\n' }, env: { LC_ALL: 'POSIX' }, run: '$CC -Wall -c a.c' },
  ],
  [
    'LANG of a language that is not installed',
    { files: fixit, env: { LC_ALL: null, LANG: 'xx_YY.UTF-8' }, run: '$CC -c a.c', exit: 1 },
  ],
  [
    '-ftemplate-depth=',
    {
      files: { 'a.cc': 'template <int N> struct F { static const int v = F<N - 1>::v; };\nint x = F<50>::v;\n' },
      run: '$CXX -ftemplate-depth=20 -c a.cc',
      exit: 1,
    },
  ],
  [
    '-Wunused-macros and -Wundef',
    {
      files: { 'a.c': '#define NEVER 1\n#if NOT_DEFINED\n#endif\nint x;\n' },
      run: '$CC -Wunused-macros -Wundef -c a.c',
    },
  ],
  ['-H lists headers on standard error', { files: deep, run: '$CC -H -c a.c', exit: 1 }],
  [
    '-ftime-report goes to standard error',
    {
      files: { 'a.c': 'int x;\n' },
      run: '$CC -ftime-report -c a.c',
      unsteady: { 'stderr 0': { whole: 'it shows times' } },
    },
  ],
  ['a linker option that a compile ignores', { files: { 'a.c': 'int x;\n' }, run: '$CC -Wl,-x -lm -L. -c a.c' }],
  [
    'an object beside the source',
    { files: { 'a.c': 'int x;\n', 'b.o': '' }, run: '$CC -c a.c b.o', expect: 'no-source' },
  ],
];

const gcc: readonly Row[] = [
  [
    'in a narrow terminal',
    {
      files: wide,
      run: '$CC -c a.c',
      exit: 1,
      terminal: 50,
      env: { TERM: 'xterm' },
      broken: 'gcc cuts lines to the terminal, and the worker has none',
    },
  ],
  ['a language that does not fit the option', { files: warning, run: '$CC -std=c++17 -c a.c' }],
  ['-fmax-errors=', { files: error, run: '$CC -fmax-errors=1 -c a.c', exit: 1 }],
  ['-fdiagnostics-format=json', { files: warning, run: '$CC -Wall -fdiagnostics-format=json -c a.c' }],
  ['-fdiagnostics-format=json, an error', { files: error, run: '$CC -fdiagnostics-format=json -c a.c', exit: 1 }],
  ['-fdiagnostics-generate-patch', { files: fixit, run: '$CC -fdiagnostics-generate-patch -c a.c', exit: 1 }],
  [
    '-fdiagnostics-path-format and -fanalyzer',
    {
      files: { 'a.c': '#include <stdlib.h>\nvoid f(void) { void *p = malloc(3); free(p); free(p); }\n' },
      run: '$CC -fanalyzer -c a.c',
    },
  ],
  [
    '-fdiagnostics-plain-output',
    { files: warning, run: '$CC -Wall -fdiagnostics-plain-output -c a.c', terminal: 80, env: { TERM: 'xterm' } },
  ],
  [
    '-fdiagnostics-show-line-numbers off',
    { files: error, run: '$CC -fno-diagnostics-show-line-numbers -c a.c', exit: 1 },
  ],
  [
    '-fdiagnostics-column-unit=byte',
    {
      files: { 'a.c': 'int f(void) { /* ö */ return no; }\n' },
      run: '$CC -fdiagnostics-column-unit=byte -c a.c',
      exit: 1,
    },
  ],
  [
    'GCC_COLORS',
    {
      files: warning,
      env: { GCC_COLORS: 'warning=01;36:locus=04' },
      run: '$CC -Wall -fdiagnostics-color=always -c a.c',
    },
  ],
  [
    'an empty GCC_COLORS in a terminal',
    { files: warning, env: { GCC_COLORS: '', TERM: 'xterm' }, terminal: 80, run: '$CC -Wall -c a.c' },
  ],
  [
    'GCC_EXTRA_DIAGNOSTIC_OUTPUT',
    { files: fixit, env: { GCC_EXTRA_DIAGNOSTIC_OUTPUT: 'fixits-v2' }, run: '$CC -c a.c', exit: 1 },
  ],
  [
    '-fdiagnostics-urls=always',
    { files: warning, run: '$CC -Wall -fdiagnostics-urls=always -fdiagnostics-color=always -c a.c' },
  ],
  [
    '-Wformat with a language of its own',
    { files: { 'a.c': '#include <stdio.h>\nvoid f(long x) { printf("%d %s\\n", x); }\n' }, run: '$CC -Wall -c a.c' },
  ],
  [
    '-fopt-info',
    {
      files: { 'a.c': 'void f(int *p) { for (int i = 0; i < 99; i++) p[i] = i; }\n' },
      run: '$CC -O3 -fopt-info-vec -c a.c',
    },
  ],
  [
    '-Q',
    {
      files: { 'a.c': 'int f(void) { return 1; }\n' },
      run: '$CC -Q -c a.c',
      expect: 'unknown-option',
      unsteady: { 'stderr 0': { whole: 'it shows times' } },
    },
  ],
  [
    '-Wa,--fatal-warnings',
    {
      files: { 'a.c': '__asm__(".warning \\"w\\"");\n' },
      run: '$CC -Wa,--fatal-warnings -c a.c',
      exit: 1,
      unsteady: { 'stderr 0': 'the name of the temporary assembler file is random' },
    },
  ],
];

const clang: readonly Row[] = [
  ['in a narrow terminal', { files: wide, run: '$CC -c a.c', exit: 1, terminal: 50, env: { TERM: 'xterm' } }],
  [
    'a language that does not fit the option',
    { files: warning, run: '$CC -std=c++17 -c a.c', exit: 1, expect: 'compiler-unknown' },
  ],
  ['-ferror-limit=', { files: error, run: '$CC -ferror-limit=1 -c a.c', exit: 1 }],
  ['-fcolor-diagnostics', { files: warning, run: '$CC -Wall -fcolor-diagnostics -c a.c' }],
  ['-fdiagnostics-format=msvc', { files: warning, run: '$CC -Wall -fdiagnostics-format=msvc -c a.c' }],
  ['-fdiagnostics-absolute-paths', { files: warning, run: '$CC -Wall -fdiagnostics-absolute-paths -c a.c' }],
  ['-fdiagnostics-show-category=name', { files: warning, run: '$CC -Wall -fdiagnostics-show-category=name -c a.c' }],
  ['-Weverything', { files: warning, run: '$CC -Weverything -c a.c' }],
  [
    '-Rpass=',
    {
      files: { 'a.c': 'static int g(int x) { return x; }\nint f(int x) { return g(x); }\n' },
      run: '$CC -O2 -Rpass=inline -c a.c',
    },
  ],
  ['-Qunused-arguments', { files: warning, run: '$CC -Qunused-arguments -lm -c a.c' }],
  ['an unused argument', { files: warning, run: '$CC -lm -nostartfiles -c a.c' }],
  ['--serialize-diagnostics', { files: warning, run: '$CC --serialize-diagnostics a.dia -c a.c', expect: 'travels' }],
];

export const diagnostics: readonly Case[] = [...forBoth(both), ...forGcc(gcc), ...forClang(clang)];
