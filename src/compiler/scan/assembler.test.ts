// What counts as a file that the assembler reads, and where the name is said to be unknown: the text is the same in C and in
// assembler, the quotes are not.
import { describe, expect, test } from 'vitest';
import { findAssemblerNames } from './assembler.ts';

function show(text: string): string[] {
  const { files, unknown } = findAssemblerNames(text);
  return [...files.map(({ name, data }) => `${data ? 'data ' : ''}${name}`), ...(unknown ? ['?'] : [])];
}

describe('names that stand in the text', () => {
  test.each<[string, string, string[]]>([
    ['.include in assembler', '\t.include "a.s"\n', ['a.s']],
    ['.incbin in assembler', '.incbin "a.bin"\n', ['data a.bin']],
    ['with skip and count', '.incbin "a.bin", 4, 8\n.incbin "b.bin",,8\n', ['data a.bin', 'data b.bin']],
    [
      'behind labels and statements',
      'x: .incbin "a"\nnop; .incbin "b"\nn2:y:.incbin "c"\n',
      ['data a', 'data b', 'data c'],
    ],
    [
      'before comments',
      '.include "a.s" # x\n.include "b.s"/* y */\n.include "c.s"//z\n.include "d.s" @ w\n',
      ['a.s', 'b.s', 'c.s', 'd.s'],
    ],
    ['after a comment', '/* x */ .include "a.s"\n', ['a.s']],
    ['at the end, carriage returns', '.include "a.s"\r\n.include "b.s"', ['a.s', 'b.s']],
    ['capitals', '.INCLUDE "a.s"\n.IncBin "b"\n', ['a.s', 'data b']],
    ['directories and blanks', '.include "../a b/./c.s"\n', ['../a b/./c.s']],
    ['no blank', '.include"a.s"\n', ['a.s']],
    ['.include in C', 'asm(".include \\"a.s\\"");\n', ['a.s']],
    [
      '.incbin in C',
      'asm("x:\\n\\t.incbin\\t\\"a.bin\\"\\n"\n".incbin \\"b.bin\\", 4\\n");\n',
      ['data a.bin', 'data b.bin'],
    ],
    ['in a raw string of C++', 'asm(R"(\n  .incbin "a.bin"\n)");\n', ['data a.bin']],
    ['each once', '.include "a.s"\n.include "a.s"\n.incbin "a.s"\n', ['a.s', 'data a.s']],
  ])('%s', (_, text, expected) => {
    expect(show(text)).toEqual(expected);
  });
});

describe('names that something changes', () => {
  test.each<[string, string]>([
    ['a macro in C', 'asm(".incbin " NAME);\n'],
    ['a macro between escaped quotes', 'asm(".incbin \\"" NAME "\\"\\n");\n'],
    ['a macro of another kind', 'asm(".include " NAME "\\n");\n'],
    ['a macro close to the quotes', 'asm("x:.incbin "NAME"\\n");\nasm("x;.incbin "NAME",0,4\\n");\n'],
    ['a stringized argument', '#define BIN(f) asm(".incbin \\"" #f "\\"")\n'],
    ['the directive as a macro', '#define BIN ".incbin"\n'],
    ['a macro in preprocessed assembler', '.incbin NAME\n'],
    ['a macro in preprocessed assembler, text', 'x: .include NAME\n'],
    ['an argument of an assembler macro', '.include "\\name"\n'],
    ['a part of it', '.incbin "dir/\\name\\().bin"\n'],
    ['an argument in the newer form', '.include "&name"\n'],
    ['an operand', 'asm(".incbin \\"%0\\"" : : "i"(x));\n'],
    ['alternatives', 'asm(".incbin \\"{a|b}\\"");\n'],
    ['an escape', '.include "a\\056s"\n'],
    ['a name in the next line', '.incbin \\\n"a.bin"\n'],
    ['nothing', '.incbin'],
  ])('%s', (_, text) => {
    expect(show(text)).toEqual(['?']);
  });

  test('a known name stays beside an unknown one', () => {
    expect(show('.incbin "a"\n.incbin B\n')).toEqual(['data a', '?']);
  });
});

test.each<[string, string]>([
  ['a member called include', 'x.include(y); z.include = "a"; q.include; r.incl;\n'],
  ['prose', '// Names of .include files; see also x.include files\n'],
  ['longer words', '.includes "a"\n.incbinary "b"\n.include_next "c"\n.include.x "d"\n'],
  ['other directives', '.section .text, "ax"\n.file "a.c"\n'],
  ['none', ''],
])('nothing: %s', (_, text) => {
  expect(show(text)).toEqual([]);
});
