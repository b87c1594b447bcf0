// What the preprocessor knows: macros of the command line, of the place, of the time, and those that count.
import { forBoth, forClang, forGcc, type Case, type Row } from '../case.ts';

const place = {
  'src/a.c':
    '#include <assert.h>\n#include "../inc/where.h"\nconst char *f = __FILE__;\nint l = __LINE__;\nvoid g(int x) { assert(x > 1); where(); }\n',
  'inc/where.h': 'static inline const char *where(void) { return __FILE__; }\n',
};
const counter = {
  'a.c':
    '#define CAT2(a, b) a##b\n#define CAT(a, b) CAT2(a, b)\n#include "c.h"\nint CAT(v, __COUNTER__), CAT(v, __COUNTER__);\n#include "c.h"\nint n = __COUNTER__;\n',
  'c.h': 'int CAT(c, __COUNTER__);\n',
};
const clock = { 'a.c': 'const char *d = __DATE__;\nconst char *t = __TIME__;\n' };
const text = { 'a.c': 'const char *s = TEXT;\n' };
const number = { 'a.c': '#ifndef N\n#define N 7\n#endif\nint n = N;\n#ifdef M\nint m = M + 0;\n#endif\n' };

const both: readonly Row[] = [
  ['-D', { files: number, run: '$CC -DN=3 -c a.c' }],
  ['-D apart', { files: number, run: '$CC -D N=3 -D M -c a.c' }],
  ['-D without a value', { files: number, run: '$CC -DM -c a.c' }],
  ['-D with an empty value', { files: number, run: '$CC -DM= -c a.c' }],
  ['-U after -D', { files: number, run: '$CC -DN=3 -UN -c a.c' }],
  ['-D after -U', { files: number, run: '$CC -UN -DN=3 -c a.c' }],
  ['-D twice warns', { files: number, run: '$CC -DN=3 -DN=4 -c a.c' }],
  ['-D of a function', { files: { 'a.c': 'int n = ADD(1, 2);\n' }, run: ['$CC', '-DADD(x,y)=((x)+(y))', '-c', 'a.c'] }],
  ['-D with quotes and spaces', { files: text, run: ['$CC', '-DTEXT="a b \\"c\\" $HOME `d`"', '-c', 'a.c'] }],
  ['-D with UTF-8', { files: text, run: ['$CC', '-DTEXT="größe → 度"', '-c', 'a.c'] }],
  ['-D with a newline', { files: number, run: ['$CC', '-DN=1\n+2', '-c', 'a.c'] }],
  ['-D with =, # and %', { files: text, run: ['$CC', '-DTEXT="a=b#c%d=="', '-c', 'a.c'] }],
  ['-D with a path', { files: text, run: ['$CC', '-DTEXT="/etc/../$DIR/x"', '-c', 'a.c'] }],
  ['-D of a keyword', { files: { 'a.c': 'inline int f(void) { return 1; }\n' }, run: '$CC -Dinline=static -c a.c' }],
  [
    '-U of a built-in',
    { files: { 'a.c': '#ifdef __linux__\nint linux_;\n#endif\nint x;\n' }, run: '$CC -U__linux__ -c a.c' },
  ],
  ['-undef', { files: { 'a.c': '#ifdef __linux__\nint linux_;\n#endif\nint x;\n' }, run: '$CC -undef -c a.c' }],
  ['__FILE__, __LINE__ and assert', { files: place, run: '$CC -c src/a.c' }],
  ['__FILE__ of an absolute source', { files: place, run: '$CC -c $DIR/src/a.c' }],
  ['__FILE__ from another directory', { files: place, cwd: 'inc', run: '$CC -c ../src/a.c' }],
  ['__FILE__ in a linked cwd', { files: { ...place, l: { link: 'src' } }, cwd: 'l', run: '$CC -g -c a.c' }],
  [
    '__BASE_FILE__ and __INCLUDE_LEVEL__',
    {
      files: { 'a.c': '#include "b.h"\n', 'b.h': 'const char *b = __BASE_FILE__;\nint l = __INCLUDE_LEVEL__;\n' },
      run: '$CC -c ./a.c',
    },
  ],
  ['__COUNTER__', { files: counter, run: '$CC -c a.c' }],
  [
    '#line',
    {
      files: {
        'a.c':
          '#line 100 "other.y"\nconst char *f = __FILE__;\nint l = __LINE__;\nint g(void) { return undeclared_1; }\n',
        'other.y': `${'y\n'.repeat(120)}`,
      },
      run: '$CC -c a.c',
      exit: 1,
    },
  ],
  [
    '#line of a file that is not there',
    { files: { 'a.c': '#line 7 "gone.y"\nint g(int unused) { int v; return 0; }\n' }, run: '$CC -g -Wall -c a.c' },
  ],
  [
    '__func__ and friends',
    {
      files: {
        'a.c': 'const char *f(void) { return __func__; }\nconst char *g(void) { return __PRETTY_FUNCTION__; }\n',
      },
      run: '$CC -c a.c',
    },
  ],
  ['__DATE__ and __TIME__', { files: clock, clock: ['a.o'], run: '$CC -c a.c' }],
  ['__DATE__ and __TIME__ in another zone', { files: clock, clock: ['a.o'], env: { TZ: 'UTC' }, run: '$CC -c a.c' }],
  ['__TIMESTAMP__', { files: { 'a.c': 'const char *t = __TIMESTAMP__;\n' }, run: '$CC -c a.c', expect: 'time-macro' }],
  [
    '__TIMESTAMP__ in a header',
    {
      files: { 'a.c': '#include "t.h"\n', 't.h': 'const char *t = __TIMESTAMP__;\n' },
      run: '$CC -c a.c',
      expect: 'time-macro',
    },
  ],
  ['__TIME__ in a comment', { files: { 'a.c': '/* __TIME__ */ int x;\n' }, run: '$CC -c a.c' }],
  ['-Wdate-time', { files: clock, clock: ['a.o'], run: '$CC -Wdate-time -c a.c' }],
  [
    'a macro that spans lines',
    { files: { 'a.c': '#define F(x) \\\n  ((x) + \\\n  1)\nint f = F(2);\n' }, run: '$CC -c a.c' },
  ],
  [
    '_Pragma and #pragma',
    {
      files: {
        'a.c':
          '#pragma message "hello"\n_Pragma("message \\"again\\"") int x;\n#pragma GCC warning "w"\n#pragma weak x\n#pragma pack(1)\nstruct s { char c; int i; } s;\n',
      },
      run: '$CC -c a.c',
    },
  ],
  ['trigraphs', { files: { 'a.c': '??=define N 3\nint n = N;\n' }, run: '$CC -trigraphs -c a.c' }],
  ['-std=c99 trigraphs', { files: { 'a.c': '??=define N 3\nint n = N;\n' }, run: '$CC -std=c99 -c a.c' }],
  [
    '#embed-like text by include in an initializer',
    {
      files: { 'a.c': 'const char data[] = {\n#include "data.inc"\n};\n', 'data.inc': '1, 2, 3\n' },
      run: '$CC -MD -c a.c',
    },
  ],
  ['-fmacro-prefix-map=', { files: place, run: '$CC -fmacro-prefix-map=$DIR=/src -c $DIR/src/a.c' }],
];

const gcc: readonly Row[] = [
  ['-fpreprocessed', { files: { 'a.c': 'int x;\n' }, run: '$CC -fpreprocessed -c a.c' }],
  ['-fdirectives-only', { files: number, run: '$CC -fdirectives-only -DN=3 -c a.c' }],
  ['SOURCE_DATE_EPOCH', { files: clock, env: { SOURCE_DATE_EPOCH: '1700000000' }, run: '$CC -c a.c' }],
  [
    'SOURCE_DATE_EPOCH that is no number',
    { files: clock, env: { SOURCE_DATE_EPOCH: 'soon' }, run: '$CC -c a.c', exit: 1 },
  ],
  ['-Wp,-D -Wp,-U', { files: number, run: '$CC -Wp,-DN=3,-UM -c a.c' }],
  ['-Xpreprocessor -D', { files: number, run: '$CC -Xpreprocessor -DN=3 -c a.c' }],
  ['-A', { files: { 'a.c': '#if #machine(pdp11)\nint pdp;\n#endif\nint x;\n' }, run: '$CC -Amachine=pdp11 -c a.c' }],
  [
    '-traditional-cpp',
    { files: { 'a.c': 'int n = 3;\n' }, run: '$CC -E -traditional-cpp a.c', expect: 'not-a-compile' },
  ],
  ['-no-integrated-cpp', { files: number, run: '$CC -no-integrated-cpp -DN=4 -c a.c' }],
];

const clang: readonly Row[] = [
  ['-Wp,-D', { files: number, run: '$CC -Wp,-DN=3 -c a.c' }],
  ['-Xpreprocessor -D', { files: number, run: '$CC -Xpreprocessor -DN=3 -c a.c' }],
];

export const macros: readonly Case[] = [...forBoth(both), ...forGcc(gcc), ...forClang(clang)];
