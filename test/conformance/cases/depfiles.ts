// Dependency files: every option that makes, names or shapes one, alone and together, and what becomes of one when
// the compile fails.
import { forBoth, forClang, forGcc, type Case, type Row } from '../case.ts';

const files = {
  'a.c':
    '#include "a.h"\n#include <stddef.h>\n#include "sub dir/with space.h"\nsize_t f(int x) { return x + A + B; }\n',
  'a.h': '#include "b$.h"\n#define A 3\n',
  'b$.h': '#pragma once\n',
  'sub dir/with space.h': '#define B 4\n',
  'sys/s.h': '#define S 1\n',
  out: { dir: true },
} as const;
const failing = { 'a.c': '#include "a.h"\nint f(void) { return nothing; }\n', 'a.h': '', 'a.d': 'an older one\n' };
const missing = { 'a.c': '#include "a.h"\n#include "gone.h"\n', 'a.h': '', 'a.d': 'an older one\n' };
const system = { ...files, 's.c': '#include <s.h>\n#include "a.h"\n#include <stddef.h>\nint s = S;\n' };

const both: readonly Row[] = [
  ['-MD', { files, run: '$CC -MD -c a.c' }],
  ['-MMD', { files, run: '$CC -MMD -c a.c' }],
  ['-MD -o', { files, run: '$CC -MD -c a.c -o out/a.o' }],
  ['-MD -o with an odd suffix', { files, run: '$CC -MD -c a.c -o out/a.x.lo' }],
  ['-MD -MF', { files, run: '$CC -MD -MF out/dep -c a.c' }],
  ['-MD -MFjoined', { files, run: '$CC -MD -MFout/dep -c a.c' }],
  ['-MF before -MD', { files, run: '$CC -MF dep -MD -c a.c' }],
  ['two -MF', { files, run: '$CC -MD -MF one -MF two -c a.c' }],
  ['-MF - writes to standard output', { files, run: '$CC -MD -MF - -c a.c', expect: 'output-not-a-file' }],
  ['-MF /dev/null', { files, run: '$CC -MD -MF /dev/null -c a.c', expect: 'output-not-a-file' }],
  ['-MT', { files, run: '$CC -MD -MT target -c a.c' }],
  ['-MT with a $ and a space', { files, run: ['$CC', '-MD', '-MT', '$(out)/a b.o', '-c', 'a.c'] }],
  ['-MQ with a $ and a space', { files, run: ['$CC', '-MD', '-MQ', '$(out)/a b.o', '-c', 'a.c'] }],
  ['-MT and -MQ together', { files, run: '$CC -MD -MT one -MQ two$ -MTthree -c a.c' }],
  ['-MP', { files, run: '$CC -MD -MP -c a.c' }],
  ['-MMD -MP -MT -MF', { files, run: '$CC -MMD -MP -MT a.lo -MF out/a.Tpo -c a.c -o a.o' }],
  ['-MD and -MMD', { files: system, run: '$CC -MD -MMD -isystem sys -c s.c' }],
  ['-MMD and -MD', { files: system, run: '$CC -MMD -MD -isystem sys -c s.c' }],
  ['system headers in -MMD', { files: system, run: '$CC -MMD -isystem sys -c s.c' }],
  ['system headers in -MD', { files: system, run: '$CC -MD -isystem sys -c s.c' }],
  ['-Wp,-MD,FILE', { files, run: '$CC -Wp,-MD,out/w.d -c a.c' }],
  ['-Wp,-MMD,FILE', { files, run: '$CC -Wp,-MMD,out/w.d -c a.c' }],
  ['-MD with -S', { files, run: '$CC -MD -S a.c' }],
  ['-MD with -S -o', { files, run: '$CC -MD -S a.c -o out/a.s' }],
  [
    '-MD of C++',
    { files: { 'a.cc': '#include "a.hh"\nint a;\n', 'a.hh': '#include <cstddef>\n' }, run: '$CXX -MD -c a.cc' },
  ],
  ['-MD with -include', { files, run: '$CC -MD -include sys/s.h -c a.c' }],
  ['-MD over an older one', { files: { ...files, 'a.d': 'older\n' }, run: '$CC -MD -c a.c' }],
  ['-MF into a missing directory', { files, run: '$CC -MD -MF none/a.d -c a.c', exit: 1, expect: 'output-not-a-file' }],
  ['-MF is a directory', { files, run: '$CC -MD -MF out -c a.c', exit: 1, expect: 'output-not-a-file' }],
  ['-MD when the program is wrong', { files: failing, run: '$CC -MD -c a.c', exit: 1 }],
  ['-MD when a header is missing', { files: missing, run: '$CC -MD -c a.c', exit: 1 }],
  ['-MD -MP when a header is missing', { files: missing, run: '$CC -MD -MP -MF new.d -c a.c', exit: 1 }],
  ['-MD -MG', { files: missing, run: '$CC -MD -MG -c a.c', exit: 1 }],
  ['-MD with absolute paths', { files, run: '$CC -MD -I$DIR -c $DIR/a.c -o $DIR/out/a.o' }],
  ['-MD with . and .. in include paths', { files, run: '$CC -MD -I./out/../sys -include s.h -c ./a.c' }],
  ['-MD in another directory', { files, cwd: 'out', run: '$CC -MD -I.. -c ../a.c' }],
  ['-MD of a long list wraps as always', { files: manyHeaders(40), run: '$CC -MD -c a.c' }],
  ['-MD -MF with a space and a quote in its name', { files, run: ['$CC', '-MD', '-MF', 'o\'d "d', '-c', 'a.c'] }],
  ['-MD -H', { files, run: '$CC -MD -H -c a.c' }],
  [
    '-MD when warnings are errors',
    { files: { 'a.c': 'int f(void) { }\n' }, run: '$CC -MD -Wall -Werror -c a.c', exit: 1 },
  ],
];

const gcc: readonly Row[] = [
  ['-MF alone', { files, run: '$CC -MF dep -c a.c', exit: 1 }],
  ['-Wp,-MD with -Wp,-MT and -Wp,-MP', { files, run: '$CC -Wp,-MD,w.d -Wp,-MT,t -Wp,-MP -c a.c' }],
  ['-Wp,-MD and -MD', { files, run: '$CC -Wp,-MD,w.d -MD -c a.c' }],
  ['-Wp,-MD,FILE,-MT,TARGET', { files, run: '$CC -Wp,-MD,w.d,-MT,t -c a.c' }],
  ['DEPENDENCIES_OUTPUT', { files, env: { DEPENDENCIES_OUTPUT: 'env.d' }, run: '$CC -c a.c', expect: 'environment' }],
  [
    'SUNPRO_DEPENDENCIES',
    { files, env: { SUNPRO_DEPENDENCIES: 'env.d target' }, run: '$CC -c a.c', expect: 'environment' },
  ],
];

const clang: readonly Row[] = [
  ['-MF alone', { files, run: '$CC -MF dep -c a.c' }],
  ['-MV', { files, run: '$CC -MD -MV -c a.c' }],
  ['-MJ', { files, run: '$CC -MJ a.json -c a.c', expect: 'side-files' }],
  ['-fdepfile-entry=', { files, run: '$CC -MD -fdepfile-entry=extra.txt -c a.c' }],
];

function manyHeaders(count: number): Readonly<Record<string, string>> {
  const names = Array.from({ length: count }, (_, at) => `a-header-with-a-long-name-${at}.h`);
  const includes = names.map((name) => `#include "${name}"`).join('\n');
  return { 'a.c': `${includes}\nint a;\n`, ...Object.fromEntries(names.map((name) => [name, ''])) };
}

export const depfiles: readonly Case[] = [...forBoth(both), ...forGcc(gcc), ...forClang(clang)];
