// The names in a plan against the real compilers: every command here must leave exactly the files that its plan says, and
// the words of @files must be the compiler's own. A compiler that is not installed is skipped, loudly.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nameForX } from './languages.ts';
import { parseCommand } from './parse.ts';
import { splitWords } from './words.ts';

const have = (compiler: string): boolean => {
  const found = spawnSync(compiler, ['--version'], { stdio: 'ignore' }).status === 0;
  if (!found) console.warn(`SKIPPED: no ${compiler} here, so its output names are not checked`);
  return found;
};

const SOURCES: Readonly<Record<string, string>> = {
  'foo.c': '#include <stddef.h>\n#include "foo.h"\nsize_t f(int x) { return x > M ? 1 : sizeof(x); }\n',
  'foo.h': '#define M 3\n',
  'foo.x.cc': '#include <cstddef>\nint f(int x) { return x; }\n',
  'foo.i': 'int f(int x) { return x; }\n',
  'foo.s': '\t.text\n',
  'foo.S': '#define T .text\n\tT\n',
  plain: 'int f(int x) { return x; }\n',
  'sub/foo.c': 'int g(int x) { return x ? 2 : 3; }\n',
  'd.x/keep': '',
  words: '-DX=\\"y\\" "-DY=a b"\t\'-DZ=c d\' -o "sub/at file.o" @more\n',
  more: '-MD',
};

const ALL = '-MD -g -gsplit-dwarf --coverage -fstack-usage';
const LINES: readonly string[] = [
  '-c foo.c',
  '-S foo.x.cc',
  '-c -S foo.c -o sub/x.s -MD',
  '-c sub/foo.c -MMD',
  '-c foo.x.cc -MD',
  '-c foo.i -MD',
  '-c foo.s -MD',
  '-c foo.S -MD',
  '-c -x c plain -MD',
  '-xc++ -c plain -o out',
  '-c foo.c -o a.o -o b.o',
  '-c foo.c -osub/joined.o -MD -MP -MT t -MQ q',
  '-c foo.c -MD -MF one.d -MFsub/two.d',
  '-c foo.c -Wp,-MD,wp.d',
  '-c foo.c -Wp,-MMD,wp.d -MD -o sub/a.o',
  '-c foo.i -Wp,-MD,wp.d',
  '-c foo.S -Wp,-MD,wp.d',
  '-c foo.c -Wp,-DA=1,-UA -Xpreprocessor -DB -Wa,--noexecstack',
  `-c foo.c ${ALL}`,
  `-c sub/foo.c ${ALL}`,
  `-c foo.c ${ALL} -o sub/bar.o`,
  `-c foo.c ${ALL} -o sub/bar`,
  `-c foo.c ${ALL} -o sub/bar.x.o`,
  `-c foo.c ${ALL} -o d.x/bar`,
  `-c foo.c ${ALL} -o sub/.o`,
  `-c foo.c ${ALL} -o sub/.hidden`,
  `-c foo.c ${ALL} -o bar.lo`,
  `-c foo.c ${ALL} -o bar.`,
  `-c foo.i ${ALL}`,
  `-c foo.s ${ALL}`,
  `-c foo.S ${ALL}`,
  '-c foo.c -gsplit-dwarf',
  '-c foo.s -gsplit-dwarf',
  '-c foo.c -gsplit-dwarf -g -gno-split-dwarf',
  '-c foo.c -g -gsplit-dwarf -g0',
  '-c foo.c -gsplit-dwarf -ggdb3 -O2',
  '-c foo.c -gsplit-dwarf -gdwarf-4 -gz',
  '-c foo.c -fprofile-arcs',
  '-c foo.c -ftest-coverage -fprofile-update=atomic',
  '-c foo.c --coverage -fno-test-coverage',
  '-c foo.c -ftest-coverage -fno-test-coverage',
  '-c foo.c -fstack-usage -flto',
  '-c foo.c -fstack-usage -flto -fno-lto -O2',
  '-c foo.c -fprofile-generate -pipe -pg',
  '-c foo.c -lm -L. -Wl,-x -shared -static -s',
  '-c foo.c -include foo.h -imacros foo.h -isystem sub -Isub -iquote sub -idirafter sub -nostdinc++',
  '-c @words foo.c',
];
const CLANG_LINES = ['-c foo.c -emit-llvm --coverage -fstack-usage -MD', '-S foo.x.cc -emit-llvm', '-c -- foo.c'];

function listFiles(dir: string): readonly string[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(dir, name)).isFile())
    .sort();
}

describe.each([
  ['gcc', []],
  ['clang', CLANG_LINES],
] as const)('%s', (compiler, own) => {
  let dir = '';
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'command-lines-'));
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  const context = () => ({
    cwd: dir,
    env: new Map<string, string>(),
    stderrIsTerminal: false,
    isDirectory: (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false,
    readFile: (path: string) => {
      try {
        return readFileSync(path, 'utf8');
      } catch {
        return null;
      }
    },
  });

  test.skipIf(!have(compiler)).each([...LINES, ...own])('%s', (line) => {
    rmSync(dir, { recursive: true, force: true });
    for (const [name, text] of Object.entries(SOURCES)) {
      mkdirSync(join(dir, name, '..'), { recursive: true });
      writeFileSync(join(dir, name), text);
    }
    const before = new Set(listFiles(dir));
    const argv = [compiler, ...line.split(' ')];
    const verdict = parseCommand(argv, context());
    if (!verdict.travels) throw new Error(`stays: ${verdict.reason}, ${verdict.detail}`);

    const { plan } = verdict;
    const ran = spawnSync(compiler, plan.args, {
      cwd: dir,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] ?? '' },
    });
    expect(ran.stderr.replaceAll(/^.*warning:.*$/gm, '').trim()).toBe('');
    expect(ran.status).toBe(0);
    const written = listFiles(dir).filter((name) => !before.has(name));
    expect(written).toEqual(plan.outputs.map((output) => output.path).sort());
  });

  test.skipIf(!have(compiler))('a plan says the language that the driver takes the source for', () => {
    for (const name of ['a.c', 'a.cc', 'a.C', 'a.i', 'a.ii', 'a.s', 'a.S', 'a.c++', 'a.cp', 'a.cxx']) {
      for (const driver of [compiler, compiler === 'gcc' ? 'g++' : 'clang++']) {
        const verdict = parseCommand([driver, '-c', name], context());
        if (!verdict.travels) throw new Error(`${driver} ${name} stays: ${verdict.reason}`);
        // Said by -x and said by the suffix must make the driver plan the same steps.
        const steps = (args: readonly string[]): string =>
          spawnSync(driver, ['-###', ...args, '-c', name, '-o', 'o'], { cwd: dir, encoding: 'utf8' }).stderr.replaceAll(
            /\S*\/(?:cc|a-)\w{6}\.s|^.*warning:.*\n|'-x' '[\w+-]*' ?|(?:COLLECT_GCC_OPTIONS=).*/gm,
            '',
          );
        mkdirSync(dir, { recursive: true });
        writeFileSync(join(dir, name), '');
        expect(steps(['-x', nameForX(verdict.plan.sources[0].language)])).toBe(steps([]));
      }
    }
  });
});

test.skipIf(!have('gcc'))('the words of an @file are those that gcc reads', () => {
  const dir = mkdtempSync(join(tmpdir(), 'command-words-'));
  try {
    for (const text of [
      '-DA=b\\ c',
      '"-DA=\\"b\\""',
      '\'-DA="b c"\' -DB',
      '-DA="x\'y"z\t-DB',
      '-DA=\\\\n',
      '-DA=""\n\n-DB',
    ]) {
      writeFileSync(join(dir, 'at'), text);
      const words = splitWords(text);
      if (words === null) throw new Error(`${text} was given up`);
      const show = (args: readonly string[]): string =>
        spawnSync('gcc', ['-###', '-E', '-x', 'c', '/dev/null', ...args], { cwd: dir, encoding: 'utf8' }).stderr;
      expect(show(['@at']).replaceAll(/@\S+/g, '')).toBe(show(words));
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
