// The directive parser, case by case: what must be found, and what a superset may find besides.
import { describe, expect, test } from 'vitest';
import type { Directive } from '../types.ts';
import { directiveOfExpansion, headerValueOf, parseDirectives } from './parse.ts';

function show(directive: Directive): string {
  const next = directive.next ? 'next ' : '';
  if (directive.form === 'computed') return `${next}$${directive.text}`;
  return directive.form === 'quote' ? `${next}"${directive.name}"` : `${next}<${directive.name}>`;
}

function found(text: string): string[] {
  return parseDirectives(text).directives.map(show);
}

describe('includes', () => {
  test.each<[string, string, string[]]>([
    ['quote', '#include "a.h"\n', ['"a.h"']],
    ['angle', '#include <a.h>\n', ['<a.h>']],
    ['no newline at the end', '#include <a.h>', ['<a.h>']],
    ['no blank', '#include<a.h>', ['<a.h>']],
    ['blanks around the sign', ' \t # \t include \t "a.h" \n', ['"a.h"']],
    ['form feed and vertical tab', '\f#\vinclude\f<a.h>', ['<a.h>']],
    ['carriage returns', '#include "a.h"\r\n#include <b.h>\r\n', ['"a.h"', '<b.h>']],
    ['byte order mark', '\ufeff#include "a.h"\n', ['"a.h"']],
    ['directories and dots', '#include "../x/./a.b/c"\n', ['"../x/./a.b/c"']],
    ['absolute', '#include "/usr/include/a.h"\n', ['"/usr/include/a.h"']],
    ['blanks in the name', '#include "a b.h"\n#include < c>\n', ['"a b.h"', '< c>']],
    ['slashes that look like a comment', '#include <a//b.h>\n#include "c/*d.h"\n', ['<a//b.h>', '"c/*d.h"']],
    ['not ASCII', '#include "größe.h"\n', ['"größe.h"']],
    ['text after the name', '#include "a.h" // IWYU pragma: keep\n#include <b.h> /* x */ y\n', ['"a.h"', '<b.h>']],
    ['include_next', '#include_next <a.h>\n', ['next <a.h>']],
    ['import', '#import "a.h"\n#import <b.h>\n', ['"a.h"', '<b.h>']],
    ['embed', '#embed "a.bin" limit(3)\n', ['"a.bin"']],
    ['digraph', '%:include "a.h"\n  %: include <b.h>\n', ['"a.h"', '<b.h>']],
    ['trigraph', '??=include "a.h"\n', ['"a.h"']],
    ['comment before the sign', '/* x */ #include "a.h"\n', ['"a.h"']],
    ['comment of several lines before the sign', '/* x\n y */ #include "a.h"\n', ['"a.h"']],
    ['comment after the sign', '#/* x */include "a.h"\n', ['"a.h"']],
    ['comment before the name', '#include /* x */ "a.h"\n', ['"a.h"']],
    ['comment without blanks', '#include/**/<a.h>\n', ['<a.h>']],
    ['comment over lines before the name', '#include /* x\n y */ <a.h>\n', ['<a.h>']],
    ['continuation in the keyword', '#inc\\\nlude "a.h"\n', ['"a.h"']],
    ['continuation with blanks behind it', '#inc\\ \t\nlude "a.h"\n', ['"a.h"']],
    ['continuation with carriage return', '#include \\\r\n"a.h"\r\n', ['"a.h"']],
    ['continuation after the sign', '#\\\ninclude "a.h"\n', ['"a.h"']],
    ['continuation before the name', '#include \\\n  <a.h>\n', ['<a.h>']],
    ['continuation in the name', '#include "a\\\nb.h"\n', ['"ab.h"']],
    ['trigraph continuation', '#inc??/\nlude "a.h"\n', ['"a.h"']],
    ['dead branches count', '#if 0\n#include "a.h"\n#else\n#include "b.h"\n#endif\n', ['"a.h"', '"b.h"']],
    ['each name once', '#include "a.h"\n#include "a.h"\n', ['"a.h"']],
    ['quote and angle differ', '#include "a.h"\n#include <a.h>\n', ['"a.h"', '<a.h>']],
    ['after much text', `${'int x;\n'.repeat(1000)}#include "a.h"\n`, ['"a.h"']],
    ['within a raw string (may count)', 'auto s = R"(\n#include "a.h"\n)";\n', ['"a.h"']],
  ])('%s', (_, text, expected) => {
    expect(found(text)).toEqual(expected);
  });

  test.each<[string, string]>([
    ['sign within a line', 'int x; #include "a.h"\n'],
    ['in a line comment', '// #include "a.h"\n'],
    ['in a documenting comment', ' * #include "a.h"\n'],
    ['other words', '#included "a.h"\n#includes <b.h>\n#warning "c.h"\n#error <d.h>\n'],
    ['empty name', '#include ""\n#include <>\n'],
    ['no name', '#include\n#include \n#import\n'],
    ['not closed', '#include "a.h\n#include <b.h\nint x;">'],
    ['a number', '#include 42\n'],
    ['stringizing', '#define S(x) #x\n#define C(a, b) a ## b\n'],
    ['empty file', ''],
    ['only signs', '#\n##\n%:\n#'],
  ])('none: %s', (_, text) => {
    expect(found(text)).toEqual([]);
  });
});

describe('computed includes', () => {
  test.each<[string, string, string[]]>([
    ['a macro', '#include HEADER\n', ['$HEADER']],
    ['a call', '#include STR(a.h)\n', ['$STR(a.h)']],
    ['next', '#include_next HEADER\n', ['next $HEADER']],
    ['comment behind', '#include HEADER // x\n', ['$HEADER']],
    ['comment before', '#include /* x */ HEADER /* y */\n', ['$HEADER']],
    ['continuation', '#include \\\n HEADER\n', ['$HEADER']],
    ['carriage return', '#include HEADER\r\n', ['$HEADER']],
  ])('%s', (_, text, expected) => {
    expect(found(text)).toEqual(expected);
  });
});

describe('existence tests', () => {
  test.each<[string, string, string[]]>([
    ['angle', '#if __has_include(<a.h>)\n', ['<a.h>']],
    ['quote', '#if __has_include("a.h")\n', ['"a.h"']],
    ['elif and blanks', '#elif __has_include ( <a.h> )\n', ['<a.h>']],
    ['several', '#if __has_include(<a.h>) || __has_include("b.h")\n', ['<a.h>', '"b.h"']],
    ['next', '#if __has_include_next(<a.h>)\n', ['next <a.h>']],
    ['embed', '#if __has_embed("a.bin")\n', ['"a.bin"']],
    ['macro', '#if __has_include(HEADER)\n', ['$HEADER']],
    ['guarded', '#if defined(__has_include) && __has_include(<a.h>)\n', ['<a.h>']],
    ['through a macro of its own', '#if HAVE(<a.h>) && HAVE("b.h")\n', ['<a.h>', '"b.h"']],
    ['in a definition', '#define HAVE_A __has_include(<a.h>)\n', ['<a.h>']],
    ['over lines', '#if defined X && \\\n  __has_include(<a.h>)\n', ['<a.h>']],
    ['split within', '#if __has_include( \\\n <a.h>)\n', ['<a.h>']],
    ['parameter of a macro: nothing', '#define HAVE(x) __has_include(x)\n', []],
    ['comparisons: nothing', '#if (A < B) && (C > D) && defined(E)\n', []],
    ['attribute tests: nothing', '#if __has_attribute(noreturn) && __has_cpp_attribute(x)\n', []],
  ])('%s', (_, text, expected) => {
    expect(found(text)).toEqual(expected);
  });
});

describe('dependency pragmas', () => {
  test.each<[string, string, string[]]>([
    ['quote', '#pragma GCC dependency "parse.y"\n', ['"parse.y"']],
    ['angle with text', '#pragma GCC dependency </usr/include/time.h> rerun fixincludes\n', ['</usr/include/time.h>']],
    ['operator', '_Pragma("GCC dependency \\"parse.y\\"")\n', ['"parse.y"']],
    ['other pragmas', '#pragma once\n#pragma GCC poison dependency\n', []],
  ])('%s', (_, text, expected) => {
    expect(found(text)).toEqual(expected);
  });
});

describe('macros that could name a header', () => {
  test.each<[string, string, Record<string, string[]>]>([
    ['quote', '#define H "a.h"\n', { H: ['"a.h"'] }],
    ['angle', '#define H <a/b.h>\n', { H: ['<a/b.h>'] }],
    ['another macro', '#define H OTHER\n', { H: ['OTHER'] }],
    ['a call', '#define H STR(a.h)\n', { H: ['STR(a.h)'] }],
    ['two values', '#define H "a.h"\n#define H "b.h"\n#define H "a.h"\n', { H: ['"a.h"', '"b.h"'] }],
    ['comments', '#define H /* x */ "a.h" // y\n', { H: ['"a.h"'] }],
    ['continuation', '#define \\\n H \\\n "a.h"\n', { H: ['"a.h"'] }],
    ['blanks', ' #  define\tH\t<a.h>\t\n', { H: ['<a.h>'] }],
    ['carriage return', '#define H OTHER\r\n', { H: ['OTHER'] }],
    ['function-like', '#define H(x) "a.h"\n', {}],
    ['numbers and expressions', '#define A 1\n#define B (2)\n#define C\n#define D x + y\n#define E -x\n', {}],
    ['a lone angle', '#define LT <\n#define LE <=\n', {}],
  ])('%s', (_, text, expected) => {
    expect(Object.fromEntries(parseDirectives(text).headerMacros)).toEqual(expected);
  });

  test('the value of -D', () => {
    expect(headerValueOf('"a.h"')).toBe('"a.h"');
    expect(headerValueOf(' <a.h> ')).toBe('<a.h>');
    expect(headerValueOf('1')).toBeNull();
    expect(headerValueOf('')).toBeNull();
    expect(headerValueOf('unsigned int')).toBeNull();
  });

  test('an expansion names a header or does not', () => {
    expect(directiveOfExpansion('"a.h"', false)).toEqual({ form: 'quote', name: 'a.h', next: false });
    expect(directiveOfExpansion('<a.h>', true)).toEqual({ form: 'angle', name: 'a.h', next: true });
    expect(directiveOfExpansion('OTHER', false)).toBeNull();
  });
});

describe('flags and line markers', () => {
  test.each<[string, string, boolean, boolean]>([
    ['nothing', 'int x;\n', false, false],
    ['__TIMESTAMP__', 'char *t = __TIMESTAMP__;\n', true, false],
    ['a dependency pragma is something else', '#pragma GCC dependency "parse.y"\n', false, false],
    ['__TIME__', 'char *t = __TIME__;\n', false, true],
    ['__DATE__', 'char *t = "built " __DATE__;\n', false, true],
    ['both', 'f(__DATE__, __TIME__);\n', false, true],
    ['in a macro', '#define WHEN __DATE__\n', false, true],
    ['as the argument of a macro', 'char *t = SPLICE(__TIME__);\n', false, true],
    ['in a dead branch or a comment (may count)', '#if 0\n__DATE__\n#endif // __TIME__\n', false, true],
    ['words that only look alike', 'DATE TIME __DATE __date__ _TIME__ TIMESTAMP __TIME_ __TIMESTAMP\n', false, false],
    // Pasted together from pieces a word is not seen: only a preprocessor could tell.
    ['pasted', '#define P(x) __ ## x ## __\nchar *t = P(DATE);\n', false, false],
  ])('%s', (_, text, usesTimestamp, usesDate) => {
    expect(parseDirectives(text)).toMatchObject({ usesTimestamp, usesDate });
  });

  test('a dependency pragma compares times', () => {
    expect(parseDirectives('#pragma GCC dependency "parse.y"\n').comparesTimes).toBe(true);
    expect(parseDirectives('char *t = __TIMESTAMP__;\n').comparesTimes).toBe(false);
  });

  test.each<[string, string, string[]]>([
    ['#line', '#line 7 "parse.y"\n', ['parse.y']],
    ['marker of a preprocessor', '# 1 "a.c"\n# 1 "/usr/include/x.h" 1 3 4\n', ['a.c', '/usr/include/x.h']],
    ['pseudo files', '# 1 "<built-in>"\n', []],
    ['escapes', '#line 1 "a\\\\b\\"c"\n', ['a\\b"c']],
    ['number only', '#line 7\n# 7\n', []],
  ])('%s', (_, text, lineFiles) => {
    expect(parseDirectives(text).lineFiles).toEqual(lineFiles);
  });
});

test('a long text without ends is read in linear time', () => {
  const text = '#include <\n#include "\n#if (\n/*'.repeat(20_000);
  expect(found(text)).toEqual([]);
});
