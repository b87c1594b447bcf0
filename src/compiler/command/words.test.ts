// The words of an @file, by the rules; conformance.test.ts puts some of them to the real gcc.
import { describe, expect, test } from 'vitest';
import { expandWords, splitWords } from './words.ts';

describe('splitting', () => {
  test.each<[string, readonly string[] | null]>([
    ['', []],
    [' \n\t ', []],
    ['a b', ['a', 'b']],
    ['  a\n\tb\r\nc\fd\ve ', ['a', 'b', 'c', 'd', 'e']],
    ['"a b" c', ['a b', 'c']],
    ["'a b'c", ['a bc']],
    ['a"b c"d', ['ab cd']],
    ['"" \'\'', ['', '']],
    ['a\\ b', ['a b']],
    ['-DX=\\"y\\"', ['-DX="y"']],
    ['"-DX=\\"y\\""', ['-DX="y"']],
    ['"a\\\\b"', ['a\\b']],
    ['"it\'s"', ["it's"]],
    ['\'say "hi"\'', ['say "hi"']],
    ['# no comment', ['#', 'no', 'comment']],
    ['"$HOME *"', ['$HOME *']],
    // What compilers read differently, or not at all.
    ['"a\\b"', null],
    ["'a\\b'", null],
    ['a\\\nb', null],
    ['"open', null],
    ["'open", null],
    ['end\\', null],
  ])('%j', (text, words) => {
    expect(splitWords(text)).toEqual(words);
  });
});

describe('expanding', () => {
  const read = (files: Readonly<Record<string, string>>) => (path: string) => files[path] ?? null;

  test('keeps the order, nests, and leaves what it cannot read', () => {
    const files = read({ one: 'b @two c', two: '@three', three: 'x y', empty: '' });
    expect(expandWords(['a', '@one', '@empty', 'd', '@', '@none'], files)).toEqual({
      ok: true,
      value: ['a', 'b', 'x', 'y', 'c', 'd', '@', '@none'],
    });
  });

  test('ends on files that include themselves, and on floods', () => {
    expect(expandWords(['@a'], read({ a: '@b', b: '@a' })).ok).toBe(false);
    expect(expandWords(['@a'], read({ a: 'x @a @a' })).ok).toBe(false);
    expect(expandWords(['@a'], read({ a: 'x '.repeat(200_001) })).ok).toBe(false);
  });
});
