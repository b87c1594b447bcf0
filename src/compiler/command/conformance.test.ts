// The names in a plan against the real compilers: every command here must leave exactly the files that its plan says, and
// the words of @files must be the compiler's own. A compiler that is not installed is skipped, loudly.
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
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
  'pre.i': 'int f(int x) { return x; }\n',
  'asm.s': '\t.text\n',
  'foo.S': '#define T .text\n\tT\n',
  plain: 'int f(int x) { return x; }\n',
  'sub/foo.c': 'int g(int x) { return x ? 2 : 3; }\n',
  'foo.m': 'int f(int x) { return x; }\n',
  'foo.mm': 'int f(int x) { return x; }\n',
  'd.x/keep': '',
  'pd/keep': '',
  words: '-DX=\\"y\\" "-DY=a b"\t\'-DZ=c d\' -o "sub/at file.o" @more\n',
  more: '-MD',
  list: 'fun:f\n',
};

const ALL = '-MD -g -gsplit-dwarf --coverage -fstack-usage';
const LINES: readonly string[] = [
  '-c foo.c',
  '-S foo.x.cc',
  '-c -S foo.c -o sub/x.s -MD',
  '-c sub/foo.c -MMD',
  '-c foo.x.cc -MD',
  '-c pre.i -MD',
  '-c asm.s -MD',
  '-c foo.S -MD',
  '-c -x c plain -MD',
  '-xc++ -c plain -o out',
  '-c foo.c -o a.o -o b.o',
  '-c foo.c -osub/joined.o -MD -MP -MT t -MQ q',
  '-c foo.c -MD -MF one.d -MFsub/two.d',
  '-c foo.c -Wp,-MD,wp.d',
  '-c foo.c -Wp,-MMD,wp.d -MD -o sub/a.o',
  '-c pre.i -Wp,-MD,wp.d',
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
  `-c pre.i ${ALL}`,
  `-c asm.s ${ALL}`,
  `-c foo.S ${ALL}`,
  '-c foo.c -gsplit-dwarf',
  '-c asm.s -gsplit-dwarf',
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
  '-c foo.c foo.x.cc -MD',
  '-S foo.c foo.x.cc -MMD',
  `-c foo.c foo.x.cc -x c++ plain ${ALL}`,
  '-c -x c++ foo.c -x none foo.x.cc -MD -MF one.d',
  '-c foo.c -g -gsplit-dwarf -flto',
  '-c foo.c --coverage -fprofile-dir=pd -fprofile-generate=pd',
  '-c foo.c --save-temps',
  '-c sub/foo.c foo.x.cc -save-temps',
  ...['', '=cwd', '=obj'].flatMap((how) => [
    `-c foo.c -save-temps${how} -o sub/bar.x.o ${ALL}`,
    `-c foo.x.cc -save-temps${how} -o sub/bar ${ALL}`,
    `-S foo.c -save-temps${how} -o sub/bar.s`,
    `-c foo.S -save-temps${how} -o sub/bar.o`,
    `-c pre.i -save-temps${how} -flto -o sub/bar.o`,
    `-c foo.c foo.x.cc -x c plain -save-temps${how}`,
  ]),
  '-c asm.s -save-temps',
  '-c pre.i -save-temps',
  '-S pre.i -save-temps',
  '-c foo.c -fsave-optimization-record -O2',
  '-c foo.x.cc -fsave-optimization-record -O2',
  '-S foo.c -fsave-optimization-record -O2 -o sub/a.b.s',
  '-c foo.c -fsave-optimization-record -flto -o sub/bar',
  '-c -x c plain -fsave-optimization-record',
  '-c foo.S -fstack-usage',
];
const GCC_LINES = [
  '-c foo.c -fcallgraph-info',
  '-c foo.c foo.x.cc -fcallgraph-info=su,da -fsave-optimization-record -save-temps',
  '-S pre.i -fcallgraph-info -o sub/a.s',
  '-c foo.c -fcallgraph-info -flto',
  '-c foo.S -fcallgraph-info -fsave-optimization-record -fstack-usage',
  '-c foo.c -aux-info protos',
  '-c foo.x.cc -aux-info=sub/protos',
  '-c foo.c -O3 -fopt-info-vec-all=sub/info',
  '-c foo.c foo.x.cc -O3 -fopt-info-all=info -fdump-tree-all=dump -fdump-ipa-all-details=sub/dump -fdump-rtl-expand=rtl',
  '-c foo.x.cc -fdump-lang-all=dump -fdump-final-insns=insns -fdump-noaddr',
  '-c foo.c -dA -dP',
  '-c foo.c -ftest-coverage -fprofile-note=sub/notes',
  '-c foo.c -fprofile-note=sub/notes',
  '-c foo.S -Wa,-al=sub/list,--MD,as.d,-Isub',
  '-c foo.c -Wa,-ahls=lst -Wp,-I,sub,-include,foo.h,-w',
  '-c foo.c -fprofile-use -fprofile-dir=pd',
];
const CLANG_LINES = [
  '-c foo.c -emit-llvm --coverage -fstack-usage -MD',
  '-S foo.x.cc -emit-llvm',
  '-c -- foo.c',
  '-S foo.c -g -gsplit-dwarf',
  '-S foo.x.cc -g -gsplit-dwarf -o sub/other.s',
  '-S -c foo.x.cc -g -gsplit-dwarf -o sub/other.s',
  '-S foo.c -g -gsplit-dwarf -o sub/other.s -save-temps=obj --coverage',
  '-S foo.c -g -gsplit-dwarf -flto',
  '-c foo.c -g -gsplit-dwarf -emit-llvm',
  '-c foo.c -gline-tables-only -gsplit-dwarf',
  '-c foo.c -gline-directives-only -gsplit-dwarf',
  '-c foo.c -g -gsplit-dwarf=single',
  '-c foo.c -ftime-trace',
  '-c foo.c foo.x.cc -ftime-trace -ftime-trace-granularity=9',
  '-S pre.i -ftime-trace -o sub/a.b.s',
  '-c foo.c -ftime-trace -flto -o .hidden',
  '-c foo.S -ftime-trace -fsave-optimization-record',
  '-c foo.c -O2 -foptimization-record-file=sub/record',
  '-c foo.c -O2 -foptimization-record-passes=inline -emit-llvm',
  '-c foo.c -O2 -fsave-optimization-record=yaml -o .hidden',
  '-c foo.c foo.x.cc --serialize-diagnostics sub/x.dia',
  '-c foo.c -emit-llvm -save-temps',
  '-c pre.i -emit-llvm -save-temps',
  '-S pre.i -flto -save-temps=obj -o sub/x.s',
  '-S foo.c -emit-llvm -save-temps=obj -o sub/a.ll',
  '-c foo.c -Xclang -fms-volatile -mllvm -inline-threshold=7',
  '-c foo.c -fxray-instrument -fxray-always-instrument=list',
  '-c foo.mm -save-temps',
];
/** Lines that need gcc's front ends for Objective-C. */
const OBJECTIVE_LINES = ['-c foo.m', '-c foo.mm -MD', '-c foo.mm -save-temps -o sub/x.o', '-S foo.m -save-temps'];

/** Gcc's own front ends for Objective-C are packages of their own. */
function compilesObjective(compiler: string): boolean {
  const found =
    spawnSync(compiler, ['-fsyntax-only', '-x', 'objective-c++', '/dev/null'], { stdio: 'ignore' }).status === 0;
  if (!found) console.warn(`SKIPPED: ${compiler} has no Objective-C here, so its output names for it are not checked`);
  return found;
}

function listFiles(dir: string): readonly string[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(dir, name)).isFile())
    .sort();
}

describe.each([
  ['gcc', GCC_LINES],
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
    exists: existsSync,
    readFile: (path: string) => {
      try {
        return readFileSync(path, 'utf8');
      } catch {
        return null;
      }
    },
  });

  /** The files that the plan names and those that the compiler made. */
  const compile = (line: string): { planned: readonly string[]; written: readonly string[] } => {
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
    if (ran.status !== 0) throw new Error(ran.stderr);
    const written = listFiles(dir).filter((name) => !before.has(name));
    return { planned: plan.outputs.map((output) => output.path).toSorted(), written };
  };
  test.skipIf(!have(compiler)).each([...LINES, ...own])('%s', (line) => {
    const { planned, written } = compile(line);
    expect(written).toEqual(planned);
  });
  test.skipIf(!have(compiler) || !compilesObjective(compiler)).each(OBJECTIVE_LINES)('%s', (line) => {
    const { planned, written } = compile(line);
    expect(written).toEqual(planned);
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

describe('profiles are looked for where the plan says', () => {
  let dir = '';
  beforeAll(() => {
    dir = realpathSync.native(mkdtempSync(join(tmpdir(), 'command-profiles-')));
    for (const name of ['foo.c', 'foo.x.cc']) writeFileSync(join(dir, name), 'int f(int x) { return x ? 2 : 3; }\n');
    for (const name of ['sub', 'pd']) mkdirSync(join(dir, name));
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  /** What the plan names, absolute, and what the compiler says. */
  function look(compiler: string, line: string): { named: readonly string[]; stderr: string } {
    const argv = [compiler, ...line.replaceAll('DIR', dir).split(' ')];
    const verdict = parseCommand(argv, {
      cwd: dir,
      env: new Map(),
      stderrIsTerminal: false,
      isDirectory: (path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false,
      readFile: () => null,
    });
    if (!verdict.travels) throw new Error(`stays: ${verdict.reason}, ${verdict.detail}`);
    const { args, extraInputs, optionalInputs } = verdict.plan;
    const env = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' };
    const { stderr } = spawnSync(compiler, args, { cwd: dir, encoding: 'utf8', env });
    return { named: [...extraInputs, ...optionalInputs].map((path) => resolve(dir, path)), stderr };
  }

  test
    .skipIf(!have('gcc'))
    .each([
      '-c foo.c -fprofile-use',
      '-c foo.c foo.x.cc -fprofile-use -O2',
      '-c foo.c -fbranch-probabilities -o sub/a.b.o',
      '-S foo.c -fprofile-use -o DIR/sub/a.s',
      '-c foo.c -fprofile-use=pd',
      '-c foo.c -fprofile-use=DIR/pd -o ./sub/../sub/x.o',
      '-c foo.c -fprofile-use -fprofile-dir=nowhere -o DIR/sub/x.o',
      '-c foo.c -fprofile-use=pd/ -save-temps=cwd -o sub/x.o',
    ])('gcc %s', (line) => {
    const { named, stderr } = look('gcc', `${line} -Wmissing-profile`);
    const found = [...stderr.matchAll(/'([^']*\.gcda)' profile count data file not found/g)];
    expect(new Set(found.map(([, path = '']) => resolve(dir, path)))).toEqual(new Set(named));
  });

  test
    .skipIf(!have('clang'))
    .each([
      '-c foo.c -fprofile-use',
      '-c foo.c -fprofile-instr-use=none.profdata',
      '-c foo.c -fprofile-use=pd',
      '-c foo.c -fprofile-sample-use=sub/none.prof',
    ])('clang %s', (line) => {
    const { named, stderr } = look('clang', line);
    const found = /(?:[Cc]ould not read profile|no such file or directory:) '?([^\s:']+)/.exec(stderr)?.[1] ?? stderr;
    expect([resolve(dir, found)]).toEqual(named);
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
