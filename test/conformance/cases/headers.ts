// Where headers are found: the order of all search lists, every form of include, the environment's directories,
// links, and headers that appear, vanish or hide one another.
import { forBoth, forClang, forGcc, type Case, type Row } from '../case.ts';

const say = (value: number): string => `#ifndef V\n#define V ${value}\n#endif\n`;
/** v.h in many places, each with its own value: the object tells which was read. */
const places = {
  'src/a.c': '#include "v.h"\nint v = V;\n',
  'src/b.c': '#include <v.h>\nint v = V;\n',
  'one/v.h': say(1),
  'two/v.h': say(2),
  'three/v.h': say(3),
  'four/v.h': say(4),
};
const beside = { ...places, 'src/v.h': say(9) };
const next = {
  'a.c': '#include <n.h>\nint n = ONE + TWO + THREE;\n',
  'one/n.h': '#define ONE 1\n#include_next <n.h>\n',
  'two/n.h': '#define TWO 20\n#include_next <n.h>\n',
  'three/n.h': '#define THREE 300\n',
};
const has = {
  'a.c':
    '#if __has_include("there.h")\n#include "there.h"\n#else\n#define T 0\n#endif\n' +
    '#if __has_include(<not-there.h>)\n#error no\n#endif\n#if defined(__has_include) && __has_include(HEADER)\nint h = 1;\n#endif\nint t = T;\n',
  'there.h': '#define T 7\n',
};
const computed = {
  'a.c':
    '#define Q(x) #x\n#define S(x) Q(x)\n#define PICK one.h\n#include S(PICK)\n#include NAMED\n#include ANGLE\nint v = V;\n',
  'inc/one.h': '#define V 1\n',
  'inc/named.h': '',
  'inc/angle.h': '',
};
const rooted = { 'a.c': '#include <v.h>\nint v = V;\n', 'root/usr/include/v.h': say(4) };
const both: readonly Row[] = [
  ['-I in order', { files: places, run: '$CC -Itwo -Ione -c src/a.c' }],
  ['-I DIR apart', { files: places, run: '$CC -I two -I one -c src/a.c' }],
  ['-iquote before -I', { files: places, run: '$CC -Ione -iquote two -c src/a.c' }],
  ['-iquote is not for <>', { files: places, run: '$CC -Ione -iquote two -c src/b.c' }],
  ['-isystem after -I', { files: places, run: '$CC -isystem one -Itwo -c src/b.c' }],
  ['-idirafter last', { files: places, run: '$CC -idirafter one -isystem two -c src/b.c' }],
  ['all four lists', { files: places, run: '$CC -idirafter four -isystem three -Itwo -iquote one -c src/a.c' }],
  ['all four lists, for <>', { files: places, run: '$CC -idirafter four -isystem three -Itwo -iquote one -c src/b.c' }],
  ['beside the source comes first', { files: beside, run: '$CC -iquote one -Itwo -c src/a.c' }],
  ['beside the source is not for <>', { files: beside, run: '$CC -iquote one -Itwo -c src/b.c' }],
  ['a directory both -I and -isystem', { files: places, run: '$CC -MMD -Ione -isystem one -Itwo -c src/b.c' }],
  ['-I of a directory that is not there', { files: places, run: '$CC -Inone -Ione -c src/b.c' }],
  ['-Wmissing-include-dirs', { files: places, run: '$CC -Wmissing-include-dirs -Inone -Ione -c src/b.c' }],
  [
    '-iprefix -iwithprefix -iwithprefixbefore',
    { files: places, run: '$CC -iprefix $DIR/t -iwithprefix wo -iwithprefixbefore hree -c src/b.c' },
  ],
  ['include_next', { files: next, run: '$CC -Ione -Itwo -Ithree -MD -c a.c' }],
  ['include_next over -isystem', { files: next, run: '$CC -Ione -isystem two -idirafter three -c a.c' }],
  [
    'include_next from the source itself',
    { files: { 'a.c': '#include_next <v.h>\nint v = V;\n', 'one/v.h': say(1) }, run: '$CC -Ione -c a.c' },
  ],
  [
    '#import',
    {
      files: { 'a.c': '#import "v.h"\n#import "v.h"\nint v = V;\n', 'v.h': 'int once;\n#define V 3\n' },
      run: '$CC -c a.c',
    },
  ],
  ['__has_include', { files: has, run: ['$CC', '-DHEADER="there.h"', '-c', 'a.c'] }],
  [
    '__has_include_next',
    {
      files: { ...next, 'one/n.h': '#if __has_include_next(<n.h>)\n#define ONE 1\n#include_next <n.h>\n#endif\n' },
      run: '$CC -Ione -Itwo -Ithree -c a.c',
    },
  ],
  [
    'computed includes',
    { files: computed, run: ['$CC', '-Iinc', '-DNAMED="named.h"', '-DANGLE=<angle.h>', '-c', 'a.c'] },
  ],
  [
    'a computed include of __FILE__',
    {
      files: { 'a.c': '#ifndef AGAIN\n#define AGAIN\n#include __FILE__\n#else\nint again;\n#endif\n' },
      run: '$CC -c a.c',
    },
  ],
  [
    'a computed include made by ##',
    {
      files: { 'a.c': '#define CAT(a, b) <a##b.h>\n#include CAT(on, e)\nint v = V;\n', 'one.h': '#define V 1\n' },
      run: '$CC -I. -c a.c',
    },
  ],
  [
    'X macro: one file included many times',
    {
      files: {
        'a.c': '#define X(n) int v##n;\n#include "list.def"\n#undef X\n#define X(n) int w##n;\n#include "list.def"\n',
        'list.def': 'X(1) X(2)\n',
      },
      run: '$CC -c a.c',
    },
  ],
  ['-include', { files: places, run: '$CC -include one/v.h -Itwo -c src/a.c' }],
  ['-include found by the search', { files: places, run: '$CC -include v.h -Itwo -c src/a.c' }],
  [
    '-include looks in cwd, not beside the source',
    { files: { ...beside, 'v.h': say(5) }, run: '$CC -include v.h -c src/b.c -Ione' },
  ],
  [
    '-imacros',
    { files: { 'a.c': 'int v = V;\n', 'm.h': '#define V 3\nint dropped;\n' }, run: '$CC -imacros m.h -c a.c' },
  ],
  [
    '-include and -imacros in order',
    {
      files: { 'a.c': 'int v = V;\n', 'm.h': '#define V 3\n', 'i.h': '#ifdef V\nint seen;\n#endif\n' },
      run: '$CC -include i.h -imacros m.h -c a.c',
    },
  ],
  [
    '-include that is missing',
    { files: places, run: '$CC -include gone.h -Ione -c src/a.c', exit: 1, expect: 'travels' },
  ],
  [
    'a header that includes its neighbour in another directory',
    {
      files: {
        'a.c': '#include "deep/x.h"\nint v = V;\n',
        'deep/x.h': '#include "v.h"\n#include "../v2.h"\n',
        'deep/v.h': say(1),
        'v.h': say(2),
        'v2.h': '',
      },
      run: '$CC -MD -c a.c',
    },
  ],
  [
    'a path with .. through a linked directory',
    {
      files: {
        'a.c': '#include "l/../v.h"\nint v = V;\n',
        'x/y/keep': '',
        'x/v.h': say(1),
        'v.h': say(2),
        l: { link: 'x/y' },
      },
      run: '$CC -MD -c a.c',
    },
  ],
  [
    'a linked header includes beside its link',
    {
      files: {
        'a.c': '#include "h/a.h"\nint v = V;\n',
        'h/a.h': { link: '../real/a.h' },
        'real/a.h': '#include "v.h"\n',
        'h/v.h': say(1),
        'real/v.h': say(2),
      },
      run: '$CC -MD -c a.c',
    },
  ],
  [
    'a linked source includes beside its link',
    {
      files: {
        'l/a.c': { link: '../src/a.c' },
        'src/a.c': '#include "v.h"\nint v = V;\n',
        'l/v.h': say(1),
        'src/v.h': say(2),
      },
      run: '$CC -g -MD -c l/a.c',
    },
  ],
  [
    'a chain of links',
    {
      files: {
        'a.c': '#include "v.h"\nint v = V;\n',
        'v.h': { link: 'w.h' },
        'w.h': { link: '$DIR/x/v.h' },
        'x/v.h': say(3),
      },
      run: '$CC -MD -g -c a.c',
    },
  ],
  ['a linked include directory', { files: { ...places, inc: { link: 'two' } }, run: '$CC -MD -Iinc -c src/b.c' }],
  [
    'the same header by two names with #pragma once',
    {
      files: {
        'a.c': '#include "v.h"\n#include "w.h"\nint v = V;\n',
        'v.h': '#pragma once\n#define V 1\nint once;\n',
        'w.h': { link: 'v.h' },
      },
      run: '$CC -c a.c',
    },
  ],
  [
    'two equal files with #pragma once',
    {
      files: {
        'a.c': '#include "x/v.h"\n#include "y/v.h"\nint n = N;\n',
        'x/v.h': '#pragma once\n#define N __COUNTER__\n',
        'y/v.h': '#pragma once\n#define N __COUNTER__\n',
      },
      run: '$CC -c a.c',
    },
  ],
];

const gcc: readonly Row[] = [
  [
    '-I of a file',
    {
      files: places,
      run: '$CC -Isrc/a.c -Ione -c src/b.c',
    },
  ],
  [
    '-nostdinc',
    {
      files: { 'a.c': '#include <stddef.h>\nint v = OWN;\n', 'own/stddef.h': '#define OWN 1\n' },
      run: '$CC -nostdinc -Iown -MD -c a.c',
    },
  ],
  ['-nostdinc without the header', { files: { 'a.c': '#include <stddef.h>\n' }, run: '$CC -nostdinc -c a.c', exit: 1 }],
  ['-isysroot', { files: rooted, run: '$CC -isysroot $DIR/root -c a.c' }],
  ['-I-', { files: places, run: '$CC -Ione -I- -Itwo -c src/a.c', expect: 'unknown-option' }],
  [
    '-I=DIR below a sysroot',
    {
      files: { 'a.c': '#include <v.h>\nint v = V;\n', 'root/inc/v.h': say(4) },
      run: '$CC --sysroot=$DIR/root -I=/inc -c a.c',
    },
  ],
  [
    '-nostdinc with #include of a header of the compiler by its path',
    { files: { 'a.c': '#include "v.h"\nint v = V;\n', 'v.h': say(1) }, run: '$CC -nostdinc -undef -c a.c' },
  ],
  ['-remap', { files: places, run: '$CC -remap -Ione -c src/a.c', expect: 'unknown-option' }],
];

const clang: readonly Row[] = [
  ['-I of a file', { files: places, run: '$CC -Isrc/a.c -Ione -c src/b.c' }],
  [
    '-nostdinc',
    {
      files: { 'a.c': '#include <stddef.h>\nint v = OWN;\n', 'own/stddef.h': '#define OWN 1\n' },
      run: '$CC -nostdinc -Iown -MD -c a.c',
    },
  ],
  [
    '-nostdinc without the header',
    {
      files: { 'a.c': '#include <stddef.h>\n' },
      run: '$CC -nostdinc -c a.c',
      exit: 1,
    },
  ],
  ['-isysroot', { files: rooted, run: '$CC -isysroot $DIR/root -c a.c', exit: 1 }],
  ['-isystem-after', { files: places, run: '$CC -isystem-after one -c src/b.c', exit: 1, expect: 'unknown-option' }],
  [
    '-stdlib++-isystem',
    {
      files: { 'a.cc': '#include <v.h>\nint v = V;\n', 'one/v.h': say(1) },
      run: '$CXX -stdlib++-isystem one -c a.cc',
      expect: 'unknown-option',
    },
  ],
  ['-nostdlibinc', { files: { 'a.c': '#include <stddef.h>\nsize_t a;\n' }, run: '$CC -nostdlibinc -MD -c a.c' }],
  [
    '-nobuiltininc',
    {
      files: { 'a.c': '#include <stddef.h>\n', 'own/stddef.h': 'int own;\n' },
      run: '$CC -nobuiltininc -idirafter own -c a.c',
    },
  ],
  [
    '-ivfsoverlay',
    {
      files: { ...places, 'o.yaml': '{ "version": 0, "roots": [] }\n' },
      run: '$CC -ivfsoverlay o.yaml -Ione -c src/a.c',
      expect: 'unknown-option',
    },
  ],
];

export const headers: readonly Case[] = [...forBoth(both), ...forGcc(gcc), ...forClang(clang)];
