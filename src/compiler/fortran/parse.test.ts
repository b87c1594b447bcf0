// What Fortran texts name, in both forms, continued, labelled, commented and badly spelled.
import { describe, expect, test } from 'vitest';
import { parseFortran } from './parse.ts';

function show(text: string): string {
  const { uses, parents, modules, includes } = parseFortran(text);
  const made = modules.map(
    ({ name, isSubmodule, conditional }) => name + (isSubmodule ? '*' : '') + (conditional ? '?' : ''),
  );
  const listed = [uses.map(({ name }) => name), parents.map(({ name }) => name), made, includes];
  return listed.map((names) => names.toSorted().join(' ')).join(' | ');
}

describe('free form', () => {
  test.each<[string, string, string]>([
    [
      'use',
      'use Foo\nuse :: bar, only: x\nuse,intrinsic::iso_c_binding\nuse, non_intrinsic :: baz\n',
      'bar baz foo iso_c_binding |  |  | ',
    ],
    ['a label, several statements on a line', '10 use a; use b ; x = 1\n', 'a b |  |  | '],
    ['comments and strings', '! use a\nx = \'use b\'; print *, "! no comment; use c"\n  use d ! use e\n', 'd |  |  | '],
    ['continued', 'use &\n\n  ! between\n  & fo&\n&o\nuse & ! why not\n bar\n', 'bar foo |  |  | '],
    ['a string over two lines', "print *, 'it''s &\n  &use a'\nuse b\n", 'b |  |  | '],
    ['a string without end', "print *, 'open\nuse b\n", 'b |  |  | '],
    ['module', 'module m\nend module m\nMODULE PROCEDURE q\nmodule function f(x)\nmodule subroutine s\n', ' |  | m | '],
    ['submodules', 'submodule (M) S\nend\nsubmodule(m:s)t\n', ' | m m@s | m@s* m@t* | '],
    ['include', "include 'a.inc'\n  INCLUDE \"b c.inc\" ! x\ninclude'd'\n", ' |  |  | a.inc b c.inc d'],
    ['sentinels', '!$ use omp_lib\n!$omp parallel\n!$acc data\n', 'omp_lib |  |  | '],
    ['what only looks so', 'use_it = 1\nused(3) = 2\nmodule_name = 3\nuse = 4\nincluded = 5\n', ' |  |  | '],
    ['carriage returns', 'use a\r\nmodule b\r\n', 'a |  | b | '],
    ['conditionals', '#ifdef X\nmodule a\nend module\n#endif\nmodule b\nend module\n', ' |  | a? b | '],
  ])('%s', (_, text, expected) => {
    expect(show(text)).toBe(expected);
  });
});

describe('fixed form', () => {
  test.each<[string, string, string]>([
    ['blanks mean nothing', '      U S E FOO\n      USEBAR,ONLY:X\n      MODULEM\n', 'bar foo |  | m | '],
    ['comments', 'C     USE A\n*     USE B\n!     USE C\n      USE D ! USE E\n', 'd |  |  | '],
    ['continued', '      USE F\n     &OO\nC BETWEEN\n     1  , ONLY: X\n', 'f foo |  |  | '],
    ['tabs', '\tUSE FOO\n\tINCLUDE\n\t1"x.inc"\n', 'foo |  |  | x.inc'],
    ['debug lines and sentinels', 'D     USE DEB\nC$    USE OMP_LIB\n', 'deb omp_lib |  |  | '],
    ['what stands behind column 72', `      USE FOO${' '.repeat(59)}00000010\n`, 'foo foo00000010 |  |  | '],
    ['what looks so', '      USEFUL = 3\n      INCLUDED(1) = 2\n      MODULE3 = 4\n', ' |  |  | '],
  ])('%s', (_, text, expected) => {
    expect(show(text)).toBe(expected);
  });
});

test('what a preprocessor could change is told', () => {
  const text = '#define NAME real_name\n#define USES \\\n  use other\nmodule NAME\nuse pre##post\nWRAP(use x)\n';
  const parsed = parseFortran(text);
  expect([...parsed.macros]).toEqual(['NAME', 'USES']);
  expect(parsed.pregnantMacros).toEqual(['USES']);
  expect(parsed.sensitive.has('NAME')).toBe(true);
  expect(parsed.sensitive.has('WRAP')).toBe(true);
  expect(parsed.odd).toBe('pre##post');
});

test('a comment of C in the middle of a word', () => {
  expect(show('mod/**/ule m\nend\n')).toBe(' |  | m | ');
});

test('a text that is no Fortran takes no time', () => {
  const before = performance.now();
  parseFortran('use &\n'.repeat(50_000));
  parseFortran(`module ${'a('.repeat(100_000)}`);
  parseFortran('\0\u0001use \uFFFD\n'.repeat(20_000));
  expect(performance.now() - before).toBeLessThan(5_000);
});
