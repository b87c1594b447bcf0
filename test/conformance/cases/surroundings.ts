// Headers and what surrounds them: directories of the environment, roots, headers that appear, change or cannot be read.
import { forBoth, type Case, type Row } from '../case.ts';

const say = (value: number): string => `#ifndef V\n#define V ${value}\n#endif\n`;
const rooted = { 'a.c': '#include <v.h>\nint v = V;\n', 'root/usr/include/v.h': say(4) };
const envHeader = {
  'a.c': '#include <v.h>\nint v = V;\n',
  'one/v.h': say(1),
  'two/v.h': say(2),
  'three/v.h': say(3),
  'v.h': say(9),
};

const both: readonly Row[] = [
  ['CPATH', { files: envHeader, env: { CPATH: 'one' }, run: '$CC -isystem two -c a.c' }],
  ['CPATH after -I', { files: envHeader, env: { CPATH: 'one' }, run: '$CC -Itwo -c a.c' }],
  ['CPATH with an empty element', { files: envHeader, env: { CPATH: ':none' }, run: '$CC -c a.c' }],
  ['C_INCLUDE_PATH', { files: envHeader, env: { C_INCLUDE_PATH: 'one:two' }, run: '$CC -c a.c' }],
  [
    'C_INCLUDE_PATH after -isystem',
    { files: envHeader, env: { C_INCLUDE_PATH: 'one' }, run: '$CC -isystem two -c a.c' },
  ],
  [
    'CPLUS_INCLUDE_PATH is not for C',
    { files: envHeader, env: { CPLUS_INCLUDE_PATH: 'one', CPATH: 'two' }, run: '$CC -c a.c' },
  ],
  ['CPLUS_INCLUDE_PATH', { files: envHeader, env: { CPLUS_INCLUDE_PATH: '$DIR/one' }, run: '$CXX -c a.c' }],
  [
    'C_INCLUDE_PATH is not for C++',
    {
      files: envHeader,
      env: { C_INCLUDE_PATH: '$DIR/one', CPLUS_INCLUDE_PATH: 'two' },
      run: '$CXX -MD -imacros three/v.h -c a.c',
    },
  ],
  [
    'a system header of another order',
    {
      files: {
        'a.c': '#include <stddef.h>\nint v = OWN;\n',
        'own/stddef.h': '#define OWN 1\n#include_next <stddef.h>\n',
      },
      run: '$CC -Iown -c a.c',
    },
  ],
  [
    '-nostdinc++',
    {
      files: { 'a.cc': '#include <vector>\nint v = OWN;\n', 'own/vector': '#define OWN 1\n' },
      run: '$CXX -nostdinc++ -isystem own -c a.cc',
    },
  ],
  ['--sysroot=', { files: rooted, run: '$CC --sysroot=$DIR/root -MD -c a.c' }],
  [
    'an include with a line continuation and comments',
    {
      files: { 'a.c': '#/**/in\\\nclude /* x */ "v.h" // y\n%: include "w.h"\nint v = V;\n', 'v.h': say(1), 'w.h': '' },
      run: '$CC -c a.c',
    },
  ],
  [
    'includes in what is not compiled',
    { files: { 'a.c': '#if 0\n#include "gone.h"\n#endif\n/*\n#include "gone.h"\n*/\nint v;\n' }, run: '$CC -c a.c' },
  ],
  [
    'an include after an #error that is not reached',
    {
      files: { 'a.c': '#ifdef NO\n#error no\n#else\n#include "v.h"\n#endif\nint v = V;\n', 'v.h': say(1) },
      run: '$CC -MD -c a.c',
    },
  ],
  [
    'a header whose name has a space and UTF-8',
    {
      files: { 'a.c': '#include "wide open/größe.h"\nint v = V;\n', 'wide open/größe.h': say(1) },
      run: '$CC -MD -c a.c',
    },
  ],
  [
    'a header is a directory first',
    {
      files: { 'a.c': '#include <v.h>\nint v = V;\n', 'one/v.h': { dir: true }, 'two/v.h': say(2) },
      run: '$CC -Ione -Itwo -c a.c',
    },
  ],
  [
    'an unreadable header',
    {
      files: { 'a.c': '#include "v.h"\n', 'v.h': { text: say(1), mode: 0 } },
      ordinaryUser: true,
      run: '$CC -c a.c',
      exit: 1,
      expect: 'file-missing',
    },
  ],
  [
    'a header appears in an earlier directory',
    {
      files: envHeader,
      run: {
        lines: [
          '$CC -Inew -Ione -MD -c a.c',
          ['sh', '-c', 'mkdir new && cp two/v.h new/'],
          '$CC -Inew -Ione -MD -c a.c',
        ],
      },
      expect: ['travels', 'plain', 'travels'],
    },
  ],
  [
    'a header changes between two compiles',
    {
      files: envHeader,
      run: { lines: ['$CC -Ione -c a.c', 'cp two/v.h one/v.h', '$CC -Ione -c a.c -o b.o'] },
      expect: ['travels', 'plain', 'travels'],
    },
  ],
  [
    'a generated header',
    {
      files: { 'a.c': '#include "gen.h"\nint v = V;\n' },
      run: { lines: ['$CC -c a.c', ['sh', '-c', 'echo "#define V 4" > gen.h'], '$CC -c a.c'] },
      exit: [1, 0, 0],
      expect: ['travels', 'plain', 'travels'],
    },
  ],
];

export const surroundings: readonly Case[] = forBoth(both);
