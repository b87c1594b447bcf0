// Languages and the shapes of sources: assembler, preprocessed text, Objective-C, large C++ and large data.
import { forBoth, forClang, forGcc, type Case, type Row } from '../case.ts';

const S = '#include "v.h"\n#ifdef __ASSEMBLER__\n\t.globl f\nf:\tmovl $V, %eax\n\tret\n#endif\n';
const asm = {
  'a.S': S,
  'v.h': '#define V 42\n',
  'b.s': '\t.globl b\nb:\tret\n',
  'data.bin': 'some data',
  'more.s': '\t.long 7\n',
};
const objc = {
  'a.m':
    '#import "a.h"\n__attribute__((objc_root_class)) @interface Thing\n- (int)value;\n@end\n@implementation Thing\n- (int)value { return V; }\n@end\n',
  'a.mm':
    '#import "a.h"\n__attribute__((objc_root_class)) @interface Thing\n- (int)value;\n@end\n@implementation Thing\n- (int)value { try { return V; } catch (int x) { return x; } }\n@end\n',
  'a.h': '#define V 3\n',
};
const heavy = {
  'a.cc':
    '#include <map>\n#include <memory>\n#include <string>\n#include <vector>\n#include <algorithm>\n#include <functional>\n' +
    'std::map<std::string, std::vector<std::unique_ptr<int>>> table;\n' +
    'int use(const std::string &key) { auto &list = table[key]; list.push_back(std::make_unique<int>(3));\n' +
    '  std::sort(list.begin(), list.end(), [](auto &a, auto &b) { return *a < *b; }); return *list.front(); }\n' +
    'std::function<int(int)> adder(int n) { return [n](int x) { return x + n; }; }\n',
};
const recursion =
  'template <int N> struct F { static constexpr long v = F<N - 1>::v + F<N - 2>::v; };\ntemplate <> struct F<1> { static constexpr long v = 1; };\ntemplate <> struct F<0> { static constexpr long v = 0; };\nlong f = F<60>::v;\n';
const preprocessed =
  '# 1 "elsewhere/a.c"\n# 1 "elsewhere/a.h" 1\nstatic int a = 3;\n# 2 "elsewhere/a.c" 2\nint f(void) { int u; return a; }\n';
const large = { 'a.c': `int table[] = {\n${Array.from({ length: 60_000 }, (_, at) => `${at},`).join('\n')}\n};\n` };
const objcNeeds = ['printf "int x;" | gcc -x objective-c -c - -o /dev/null'];

const both: readonly Row[] = [
  ['.s', { files: asm, run: '$CC -c b.s' }],
  ['.s -g', { files: asm, run: '$CC -g -c b.s' }],
  ['.s -MD makes no depfile', { files: asm, run: '$CC -MD -c b.s' }],
  ['.S', { files: asm, run: '$CC -c a.S' }],
  ['.S -MD -g', { files: asm, run: '$CC -g -MD -c a.S' }],
  ['.S -D', { files: { 'a.S': '\t.long V\n' }, run: '$CC -DV=3 -c a.S' }],
  ['.S -S', { files: asm, run: '$CC -S a.S', expect: 'not-a-compile' }],
  [
    '.S with an error',
    {
      files: { 'a.S': '#include "v.h"\n\tno_such_thing V\n', 'v.h': '#define V 3\n', 'a.o': 'old' },
      run: '$CC -c a.S',
      exit: 1,
    },
  ],
  [
    '.s with an error',
    { files: { 'a.s': '\tno_such_thing 3\n\t.long 3\n', 'a.o': 'old' }, run: '$CC -c a.s', exit: 1 },
  ],
  ['.S with a missing header', { files: { 'a.S': '#include "gone.h"\n' }, run: '$CC -c a.S', exit: 1 }],
  ['.s with .incbin', { files: { ...asm, 'i.s': '\t.incbin "data.bin"\n' }, run: '$CC -c i.s' }],
  [
    '.S with .incbin',
    {
      files: { ...asm, 'i.S': '#define FILE "data.bin"\n\t.incbin FILE\n' },
      run: '$CC -c i.S',
      expect: 'assembler-includes',
    },
  ],
  ['.s with .include', { files: { ...asm, 'i.s': '\t.include "more.s"\n\t.long 1\n' }, run: '$CC -c i.s' }],
  [
    '.s with .include by -Wa,-I',
    { files: { 'i.s': '\t.include "x.s"\n', 'd/x.s': '\t.long 2\n' }, run: '$CC -Wa,-Id -c i.s' },
  ],
  ['.s with .include by -I', { files: { 'i.s': '\t.include "x.s"\n', 'd/x.s': '\t.long 2\n' }, run: '$CC -Id -c i.s' }],
  ['.incbin that is missing', { files: { 'i.s': '\t.incbin "gone.bin"\n' }, run: '$CC -c i.s', exit: 1 }],
  [
    '.incbin in C',
    {
      files: { ...asm, 'i.c': '__asm__(".section .rodata\\nblob: .incbin \\"data.bin\\"\\n.text");\n' },
      run: '$CC -c i.c',
    },
  ],
  [
    '.incbin with its name by macro',
    {
      files: { ...asm, 'i.c': '__asm__(".section .rodata\\nblob: .incbin " NAME "\\n.text");\n' },
      run: ['$CC', '-DNAME="\\"data.bin\\""', '-c', 'i.c'],
      expect: 'assembler-includes',
    },
  ],
  [
    'inline assembler',
    {
      files: {
        'a.c':
          'int f(int x) { int y; __asm__ volatile("movl %1, %0\\n\\taddl $1, %0" : "=r"(y) : "r"(x) : "cc"); return y; }\n',
      },
      run: '$CC -O2 -c a.c',
    },
  ],
  ['the word incbin in a comment', { files: { 'a.c': '// .incbin "nothing"\nint x;\n' }, run: '$CC -c a.c' }],
  ['.i', { files: { 'a.i': preprocessed }, run: '$CC -g -Wall -c a.i' }],
  [
    '.i with an error whose file is not there',
    { files: { 'a.i': '# 1 "gone.c"\nint f(void) { return no; }\n' }, run: '$CC -c a.i', exit: 1 },
  ],
  [
    '.i with an error whose file is there',
    {
      files: {
        'a.i': '# 1 "real.c"\nint f(void) { return no; }\n',
        'real.c': 'int f(void) { return no; } // the real line\n',
      },
      run: '$CC -c a.i',
      exit: 1,
    },
  ],
  [
    '.ii',
    {
      files: { 'a.ii': '# 1 "x.cc"\ntemplate <class T> T id(T x) { return x; }\nint f() { return id(3); }\n' },
      run: '$CXX -g -c a.ii',
    },
  ],
  [
    '-E, then -c of what it gave',
    {
      files: { 'a.c': '#include <stdio.h>\nint f(void) { return puts("x"); }\n' },
      run: { lines: ['$CC -E a.c -o a.i', '$CC -g -c a.i'] },
      expect: ['not-a-compile', 'travels'],
    },
  ],
  [
    '-S, then -c of what it gave',
    { files: { 'a.c': 'int f(void) { return 3; }\n' }, run: { lines: ['$CC -S -g a.c', '$CC -c a.s'] } },
  ],
  ['-x cpp-output', { files: { 'a.txt': preprocessed }, run: '$CC -x cpp-output -c a.txt' }],
  ['Objective-C', { files: objc, run: '$CC -c -MD a.m', needs: objcNeeds }],
  ['Objective-C++', { files: objc, run: '$CXX -c -MD -g a.mm', needs: objcNeeds }],
  [
    'Objective-C by -x',
    { files: { ...objc, 'a.txt': objc['a.m'] }, run: '$CC -x objective-c -c a.txt', needs: objcNeeds },
  ],
  [
    'Objective-C with an error',
    { files: { 'a.m': '@interface X\n- (int)f\n@end\n' }, run: '$CC -c a.m', exit: 1, needs: objcNeeds },
  ],
  ['C++ with much of the library', { files: heavy, run: '$CXX -std=c++17 -O1 -g -MMD -c a.cc' }],
  ['C++ with deep templates', { files: { 'a.cc': recursion }, run: '$CXX -std=c++17 -c a.cc' }],
  ['a large source', { files: large, run: '$CC -c a.c' }],
  ['a source of one very long line', { files: { 'a.c': `char s[] = "${'x'.repeat(300_000)}";\n` }, run: '$CC -c a.c' }],
  ['a header of many levels', { files: nested(60), run: '$CC -MD -c a.c' }],
  ['headers without end', { files: { 'a.c': '#include "a.c"\n' }, run: '$CC -c a.c', exit: 1 }],
  [
    'C11 threads, atomics, generics',
    {
      files: {
        'a.c':
          '#include <stdatomic.h>\n_Thread_local int t;\n_Atomic int n;\nint f(void) { return _Generic(t, int: atomic_load(&n), default: 0); }\n',
      },
      run: '$CC -std=c11 -c a.c',
    },
  ],
  [
    'C++20 concepts, ranges and lambdas',
    {
      files: {
        'a.cc':
          'template <class T> concept Small = sizeof(T) < 5;\ntemplate <Small T> T f(T x) { return [](auto y) { return y; }(x); }\nint g() { return f(3); }\n',
      },
      run: '$CXX -std=c++20 -c a.cc',
    },
  ],
  [
    'system headers',
    {
      files: {
        'a.c':
          '#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <math.h>\n#include <pthread.h>\n#include <sys/socket.h>\nint f(void) { return printf("%zu", strlen("x")); }\n',
      },
      run: '$CC -O2 -g -MD -c a.c',
    },
  ],
  [
    'intrinsics',
    {
      files: { 'a.c': '#include <immintrin.h>\n__m256i f(__m256i a, __m256i b) { return _mm256_add_epi32(a, b); }\n' },
      run: '$CC -mavx2 -O2 -c a.c',
    },
  ],
];

const gcc: readonly Row[] = [
  ['.sx', { files: { 'a.sx': '#define V 3\n\t.long V\n' }, run: '$CC -c a.sx' }],
  [
    'nested functions and a trampoline',
    {
      files: { 'a.c': 'int h(int (*)(int));\nint f(int n) { int g(int x) { return x + n; } return h(g); }\n' },
      run: '$CC -c a.c',
    },
  ],
  [
    '-fpreprocessed of .i with -fdirectives-only',
    {
      files: { 'a.c': '#define A 3\nint a = A;\n' },
      run: { lines: ['$CC -E -fdirectives-only a.c -o a.i', '$CC -fpreprocessed -fdirectives-only -c a.i'] },
      expect: ['not-a-compile', 'travels'],
    },
  ],
  ['-Wa,--defsym', { files: { 'a.s': '\t.long N\n' }, run: '$CC -Wa,--defsym,N=3 -c a.s' }],
];

const clang: readonly Row[] = [
  [
    'blocks',
    {
      files: {
        'a.c': 'int f(int (^b)(int)) { return b(3); }\nint g(int n) { return f(^(int x) { return x + n; }); }\n',
      },
      run: '$CC -fblocks -c a.c',
    },
  ],
  [
    '-fobjc-arc',
    {
      files: { 'a.m': '@class X;\nX *f(X *x) { return x; }\n' },
      run: '$CC -fobjc-arc -fobjc-runtime=gnustep-2.0 -c a.m',
    },
  ],
  [
    'OpenCL C',
    { files: { 'a.cl': '__kernel void f(__global int *p) { *p = 1; }\n' }, run: '$CC -c a.cl', expect: 'language' },
  ],
  ['LLVM IR', { files: { 'a.ll': 'define i32 @f() {\n  ret i32 3\n}\n' }, run: '$CC -c a.ll', expect: 'language' }],
];

function nested(levels: number): Readonly<Record<string, string>> {
  const entries: Record<string, string> = { 'a.c': '#include "h0.h"\nint a = LAST;\n' };
  for (let at = 0; at < levels; at++)
    entries[`h${at}.h`] = at + 1 < levels ? `#include "h${at + 1}.h"\n` : '#define LAST 1\n';
  return entries;
}

export const languages: readonly Case[] = [...forBoth(both), ...forGcc(gcc), ...forClang(clang)];
