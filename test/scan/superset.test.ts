// The promise of the scan, checked against the compilers themselves on random trees: whatever `-M` names, the scan had found; and
// when no digest of what was read changed by a change of the tree, the compiler reads the same files again.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FileCache } from '../../src/adapters/files/file-cache.ts';
import { filesToRemember } from '../../src/compiler/scan/remember.ts';
import { IncludeScanner } from '../../src/compiler/scan/scan.ts';
import type { ScanOptions, ScanRequest } from '../../src/compiler/types.ts';
import { askCompiler, expectSuperset, findCompilers, NO_OPTIONS, requestFor } from './support.ts';

let root = '';
beforeAll(() => {
  root = realpathSync.native(mkdtempSync(join(tmpdir(), 'tender-superset-')));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const compilers = findCompilers('c++', ['g++', 'clang++']);
test('some compiler is here to be asked', () => {
  expect(compilers.length).toBeGreaterThan(0);
});

const RUNS = process.env['TENDER_ALL_UNITS'] === '1' ? 700 : 50;
const DIRS = ['', 'd0', 'd1', 'd1/s', 'd2', 'd2/s', 'd3'];
const HEADERS = ['a.h', 'b.h', 's/a.h', 's/b.h', 'l/a.h', 'f.h', '../d1/a.h', '../d2/s/b.h', 's/../b.h', './a.h'];

const header = fc.constantFrom(...HEADERS);
const line = fc.oneof(
  { weight: 4, arbitrary: header.map((name) => guarded('__has_include', `"${name}"`, 'include')) },
  { weight: 3, arbitrary: header.map((name) => guarded('__has_include', `<${name}>`, 'include')) },
  { weight: 2, arbitrary: header.map((name) => guarded('__has_include_next', `<${name}>`, 'include_next')) },
  { weight: 1, arbitrary: header.map((name) => guarded('__has_include_next', `"${name}"`, 'include_next')) },
  { weight: 1, arbitrary: header.map((name) => guarded('__has_include', `"${name}"`, 'import')) },
  {
    weight: 1,
    arbitrary: header.map((name) => `#undef H\n#define H "${name}"\n${guarded('__has_include', 'H', 'include')}`),
  },
  // Defined in one file, used in another, or given on the command line.
  { weight: 1, arbitrary: header.map((name) => `#undef K\n#define K <${name}>`) },
  { weight: 1, arbitrary: fc.constantFrom('#undef G\n#define G K', '#ifndef G\n#define G "b.h"\n#endif') },
  { weight: 2, arbitrary: fc.constantFrom('G', 'K').map((name) => ifDefined(name)) },
  { weight: 1, arbitrary: fc.constantFrom('#if 0', '#endif', '#define X 1', '%: define Y', '/* # include "a.h" */') },
  {
    weight: 1,
    arbitrary: header.map((name) => `# /* c */ if __has_include( \\\n"${name}")\n#inc\\\nlude "${name}"\n#endif`),
  },
);

function guarded(tester: string, operand: string, directive: string): string {
  return `#if ${tester}(${operand})\n#${directive} ${operand}\n#endif`;
}

/** `G` may stand for a `K` that nobody defines. */
function ifDefined(name: string): string {
  return `#ifdef K\n#ifdef ${name}\n${guarded('__has_include', name, 'include')}\n#endif\n#endif`;
}

/** Every file is read at most twice, and stray #if and #endif are made to match. */
function bodyOf(lines: readonly string[], number: number): string {
  let open = 0;
  const kept = lines.filter((text) => {
    if (text === '#if 0') open++;
    if (text === '#endif') return open-- > 0 || (open = 0) > 0;
    return true;
  });
  const ends = '\n#endif'.repeat(Math.max(0, open));
  return `#ifndef ONCE${number}\n#define ONCE${number}\n${kept.join('\n')}${ends}\n#endif\n`;
}

const file = fc.record({
  dir: fc.constantFrom(...DIRS),
  name: fc.constantFrom('a.h', 'b.h', 'f.h'),
  lines: fc.array(line, { maxLength: 5 }),
});
const link = fc.record({
  dir: fc.constantFrom('', 'd0', 'd2', 'd3'),
  to: fc.constantFrom('d1', 'd1/s', 'd2/s', 'd3', '.'),
});
const change = fc.oneof(
  { weight: 3, arbitrary: file.map((it) => ({ kind: 'write', ...it }) as const) },
  { weight: 3, arbitrary: file.map((it) => ({ kind: 'remove', ...it }) as const) },
  { weight: 2, arbitrary: link.map((it) => ({ kind: 'link', ...it }) as const) },
);

const forest = fc.record({
  files: fc.uniqueArray(file, { selector: ({ dir, name }) => `${dir}/${name}`, minLength: 3, maxLength: 16 }),
  source: fc.array(line, { minLength: 1, maxLength: 6 }),
  links: fc.uniqueArray(link, { selector: ({ dir }) => dir, maxLength: 3 }),
  fileLink: fc.option(fc.constantFrom('d1/a.h', 'd2/s/b.h')),
  macro: fc.option(fc.constantFrom('K=<a.h>', 'K="b.h"', 'G=K', 'G="s/a.h"')),
  quoteDirs: fc.subarray(['d0', './d1', 'd3/../d2']),
  includeDirs: fc.subarray(['d0', 'd1', 'd2', 'd1/s', 'd0/l', '.'], { minLength: 1 }),
  systemDirs: fc.subarray(['d2', 'd1', '/usr/include']),
  afterDirs: fc.subarray(['d3', 'd0']),
  afterI: fc.subarray(['d3', 'd1/s'], { maxLength: 1 }),
  afterSystem: fc.subarray(['d0', 'd2/s'], { maxLength: 1 }),
  forcedIncludes: fc.shuffledSubarray(['d0/f.h', 'f.h', 'd2/f.h']),
});
type Forest = typeof forest extends fc.Arbitrary<infer T> ? T : never;
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

function plant(cwd: string, { files, source, links, fileLink }: Forest): void {
  for (const dir of DIRS) mkdirSync(join(cwd, dir), { recursive: true });
  for (const [number, { dir, name, lines }] of files.entries()) {
    writeFileSync(join(cwd, dir, name), bodyOf(lines, number));
  }
  for (const { dir, to } of links) symlinkSync(join(cwd, to), join(cwd, dir, 'l'));
  if (fileLink !== null) {
    rmSync(join(cwd, 'd0/f.h'), { force: true });
    symlinkSync(`../${fileLink}`, join(cwd, 'd0/f.h'));
  }
  writeFileSync(join(cwd, 'x.cc'), bodyOf(source, 99));
}

function apply(cwd: string, made: Change): void {
  if (made.kind === 'link') {
    rmSync(join(cwd, made.dir, 'l'), { force: true });
    symlinkSync(join(cwd, made.to), join(cwd, made.dir, 'l'));
    return;
  }
  const path = join(cwd, made.dir, made.name);
  rmSync(path, { force: true });
  if (made.kind === 'write') writeFileSync(path, bodyOf(made.lines, 98));
}

function scanOf(
  { macro, quoteDirs, includeDirs, systemDirs, afterDirs, forcedIncludes }: Forest,
  cwd: string,
): ScanOptions {
  return {
    ...NO_OPTIONS,
    ...{ quoteDirs, includeDirs, systemDirs, afterDirs },
    macros: macro === null ? [] : [['D', macro]],
    forcedIncludes: forcedIncludes.filter((name) => existsSync(join(cwd, name))),
  };
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Contents and resolutions of `files`, and the prelude; null when they cannot be told. */
function groundsOf(
  scanner: IncludeScanner,
  cache: FileCache,
  request: ScanRequest,
  files: readonly string[],
): string | null {
  const told: string[] = [hex(scanner.prelude(request))];
  for (const [at, resolution] of scanner.resolutions(request, files).entries()) {
    const content = cache.digest(files[at] ?? '');
    if (resolution === null || content === null) return null;
    told.push(`${hex(resolution)} ${hex(content.digest)}`);
  }
  return told.join('\n');
}

describe.each(compilers)('against $command', (compiler) => {
  test('random trees, and changes of them', () => {
    let trees = 0;
    // clang names a file by the spelling of its directory that it met first, be it in a search for something else.
    const nameIt = compiler.command === 'clang++' ? (path: string): string => realpathSync.native(path) : String;
    const counts = { unknown: 0, same: 0, sameGrounds: 0 };
    fc.assert(
      fc.property(forest, change, (planted, changed) => {
        const cwd = join(root, `t${trees++}`);
        try {
          plant(cwd, planted);
          const scan = scanOf(planted, cwd);
          const absolute = (dirs: readonly string[]): string[] => dirs.map((dir) => join(cwd, dir));
          const request: ScanRequest = {
            ...requestFor(compiler, join(cwd, 'x.cc'), cwd, scan),
            envDirs: { afterI: absolute(planted.afterI), afterSystem: absolute(planted.afterSystem) },
          };
          const read = askCompiler(compiler, request);
          // Counts as no run at all, so that the property still makes the number of runs it says.
          if (read === null) return fc.pre(false);
          const cache = new FileCache();
          const scanner = new IncludeScanner(cache);
          cache.beginMoment();
          expectSuperset(read, cache, scanner, request);
          const files = filesToRemember(read, scanner.scan(request), (path) => {
            const content = cache.digest(path);
            return content === null ? null : hex(content.digest);
          });
          const named = read.map(nameIt);
          const before = groundsOf(scanner, cache, request, files);
          apply(cwd, changed);
          if (!scan.forcedIncludes.every((name) => existsSync(join(cwd, name)))) return;
          const now = askCompiler(compiler, request);
          cache.beginMoment();
          const after = groundsOf(scanner, cache, request, files);
          if (now !== null) expectSuperset(now, cache, scanner, request);
          if (before === null || after === null) {
            counts.unknown++;
            return;
          }
          if (JSON.stringify(now) === JSON.stringify(read)) counts.same++;
          if (before !== after) return;
          counts.sameGrounds++;
          expect(now?.map(nameIt)).toEqual(named);
        } finally {
          rmSync(cwd, { recursive: true, force: true });
        }
      }),
      { numRuns: RUNS },
    );
    // A property that is never put to the test would hold of anything.
    expect(counts.sameGrounds, JSON.stringify(counts)).toBeGreaterThan(RUNS / 10);
  }, 600_000);

  test('every header of the C++ library at once, and each of some alone', () => {
    const dir = compiler.systemDirs.find((it) => existsSync(join(it, 'iostream'))) ?? '';
    const names = readdirSync(dir, { withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.includes('.'))
      .map((entry) => entry.name);
    expect(names.length).toBeGreaterThan(50);
    const cache = new FileCache();
    const scanner = new IncludeScanner(cache);
    const some = ['regex', 'filesystem', 'thread', 'algorithm'].filter((name) => names.includes(name));
    // Some are only for later standards than this compiler knows; there the one by one answer the question.
    const units = compiler.command === 'g++' ? [names, ...some.map((it) => [it])] : some.map((it) => [it]);
    for (const [number, unit] of units.entries()) {
      const source = join(root, 'std', `${number}.cc`);
      mkdirSync(dirname(source), { recursive: true });
      writeFileSync(source, unit.map((name) => `#if __has_include(<${name}>)\n#include <${name}>\n#endif\n`).join(''));
      const request = requestFor(compiler, source, dirname(source), NO_OPTIONS);
      const read = askCompiler(compiler, request, '-std=c++20') ?? [];
      expect(read.length).toBeGreaterThan(20);
      cache.beginMoment();
      expectSuperset(read, cache, scanner, request);
    }
  }, 60_000);

  test('the C library under feature macros and odd search directories', () => {
    const source = join(root, 'libc', 'x.cc');
    mkdirSync(dirname(source), { recursive: true });
    const names = [
      'stdio.h',
      'stdlib.h',
      'sys/types.h',
      'sys/socket.h',
      'netinet/in.h',
      'pthread.h',
      'limits.h',
      'cmath',
    ];
    writeFileSync(source, names.map((name) => `#include <${name}>\n`).join(''));
    const variants: Partial<ScanOptions>[] = [
      {},
      {
        macros: [
          ['D', '_GNU_SOURCE'],
          ['D', '_FORTIFY_SOURCE=2'],
        ],
      },
      { includeDirs: ['/usr/include'] },
      { includeDirs: ['/usr/include/../include'], afterDirs: ['/usr/include'] },
    ];
    const cache = new FileCache();
    const scanner = new IncludeScanner(cache);
    for (const variant of variants) {
      const request = requestFor(compiler, source, dirname(source), { ...NO_OPTIONS, ...variant });
      cache.beginMoment();
      expectSuperset(askCompiler(compiler, request) ?? [], cache, scanner, request);
    }
  });
});
