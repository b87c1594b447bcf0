// What must hold for every command line: reading never throws, does not depend on how a value is attached to its option, and
// never lets one travel that holds a word we do not know.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CommandContext } from './parse.ts';
import { parseCommand } from './parse.ts';
import { splitWords } from './words.ts';

const context: CommandContext = {
  cwd: '/w',
  env: new Map(),
  readFile: (path) => (path.length % 2 === 0 ? `-DX "a b" ${path}` : null),
  stderrIsTerminal: true,
  isDirectory: (path) => path.endsWith('d'),
};

const PIECES =
  '-c -S -E -o -x c c++ none -I -isystem -iquote -idirafter -include -imacros -D -U -MD -MMD -MF -MT -MP -g -O2 -Wall a.c b.cc ' +
  '-gsplit-dwarf --coverage -fstack-usage -Wp,-MD,x -Wa,-x -Xpreprocessor -Xassembler -Xclang --sysroot -std=c11 -march=native @f @ff ' +
  '- -- -flto -fdiagnostics-color=auto -emit-llvm -iprefix -iwithprefix -I= -W -f -m -mx -fx= -fx=a/b -target --param ' +
  '-save-temps -save-temps=obj -fprofile-use -fprofile-use=d -fdump-tree-x=y -aux-info -mllvm -ftime-trace -Wa,-a=l -fcallgraph-info';
const word = fc.oneof(fc.constantFrom(...PIECES.split(' ')), fc.string(), fc.string({ unit: 'binary' }));
const compiler = fc.constantFrom('gcc', 'g++', 'clang', 'clang++-14', '', 'x');

test('reading never throws, and a plan is whole', () => {
  fc.assert(
    fc.property(compiler, fc.array(word, { maxLength: 12 }), (name, words) => {
      const verdict = parseCommand([name, ...words], context);
      if (!verdict.travels) {
        expect(verdict.detail).not.toBe('');
        return;
      }
      expect(verdict.plan.outputs[0]?.kind).toBe('object');
      for (const { path } of verdict.plan.sources) expect(verdict.plan.args).toContain(path);
      for (const at of verdict.plan.nativeAt) expect(verdict.plan.args[at]).toMatch(/^-m.*native$/);
      const paths = verdict.plan.outputs.map((output) => output.path);
      expect(new Set(paths).size).toBe(paths.length);
      for (const { path } of verdict.plan.sources) expect(paths).not.toContain(path);
    }),
    { numRuns: 3000 },
  );
});

const EITHER = [
  '-I',
  '-isystem',
  '-iquote',
  '-idirafter',
  '-include',
  '-imacros',
  '-D',
  '-U',
  '-MF',
  '-MT',
  '-MQ',
  '-o',
];
const value = fc.string({ unit: fc.constantFrom(...'abcxyzABC019_./'.split('')), minLength: 1, maxLength: 8 });
const valued = fc.array(fc.tuple(fc.constantFrom(...EITHER, '-x'), value, fc.boolean()), { maxLength: 8 });

test('a value means the same in the same word and in the next', () => {
  fc.assert(
    fc.property(fc.constantFrom('gcc', 'g++'), valued, (name, options) => {
      // No value starts with a dash: `-include` and `-pch` together would be another option.
      const write = (flip: boolean): string[] => [
        name,
        ...options.flatMap(([option, text, joined]) => (joined !== flip ? [option + text] : [option, text])),
        '-MD',
        '-c',
        '-x',
        'c',
        'source',
      ];
      const one = parseCommand(write(false), context);
      const other = parseCommand(write(true), context);
      const bare = (verdict: typeof one) =>
        verdict.travels ? { ...verdict.plan, args: [], builtinArgs: [] } : verdict.reason;
      expect(bare(other)).toEqual(bare(one));
    }),
    { numRuns: 2000 },
  );
});

test('no unknown word travels', () => {
  const strange = fc
    .string({ unit: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz-'.split('')), minLength: 1, maxLength: 10 })
    .map((text) => `-q${text}`);
  fc.assert(
    fc.property(fc.array(fc.constantFrom('-O2', '-g', '-Wall', '-MD'), { maxLength: 4 }), strange, (known, odd) => {
      const verdict = parseCommand(['gcc', ...known, odd, '-c', 'a.c'], context);
      expect(verdict).toMatchObject({ travels: false, reason: 'unknown-option' });
    }),
  );
});

describe('@files', () => {
  test('give back every word that was quoted for them', () => {
    const quote = (text: string): string => `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), (words) => {
        expect(splitWords(words.map(quote).join(' '))).toEqual(words);
      }),
    );
  });
});
