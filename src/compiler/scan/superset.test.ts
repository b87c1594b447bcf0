// The promise of the scan, checked against the compiler itself: whatever `gcc -M` names, the scan had found; and the piece of
// the name space taken for it resolves each of those names as the disk does. On random trees and on the system's headers.
import { spawnSync } from 'node:child_process';
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
import { FileCache } from '../../adapters/files/file-cache.ts';
import { parseSearch } from '../../adapters/toolchain/builtin.ts';
import type { NameSpacePiece, ScanOptions, ScanRequest } from '../types.ts';
import { parseDependencies } from './depfile.ts';
import { spellAbsolute } from './directories.ts';
import { IncludeScanner } from './scan.ts';

let root = '';
let builtin: readonly string[] = [];
beforeAll(() => {
  root = realpathSync.native(mkdtempSync(join(tmpdir(), 'tender-superset-')));
  const told = spawnSync('g++', ['-v', '-E', '-x', 'c++', '/dev/null'], { env: { ...process.env, LC_ALL: 'C' } });
  builtin = parseSearch(told.stderr.toString())?.systemDirs ?? [];
  expect(builtin.length).toBeGreaterThan(0);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const NO_OPTIONS: ScanOptions = {
  quoteDirs: [],
  includeDirs: [],
  systemDirs: [],
  afterDirs: [],
  forcedIncludes: [],
  macros: [],
  noStdInc: false,
  noStdIncPlusPlus: false,
  sysroot: null,
};

function argumentsOf(scan: ScanOptions): string[] {
  return [
    ...scan.quoteDirs.flatMap((dir) => ['-iquote', dir]),
    ...scan.includeDirs.flatMap((dir) => ['-I', dir]),
    ...scan.systemDirs.flatMap((dir) => ['-isystem', dir]),
    ...scan.afterDirs.flatMap((dir) => ['-idirafter', dir]),
    ...scan.forcedIncludes.flatMap((name) => ['-include', name]),
    ...scan.macros.map(([kind, text]) => `-${kind}${text}`),
  ];
}

/** What gcc reads; null when it refuses the unit because an include_next stands in the last directory. */
function askGcc(source: string, cwd: string, scan: ScanOptions, ...more: string[]): string[] | null {
  const args = ['-M', '-w', ...more, ...argumentsOf(scan), source];
  const answer = spawnSync('g++', args, { cwd, encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });
  if (answer.stderr.includes('no include path in which to search')) return null;
  expect(answer.stderr).toBe('');
  return parseDependencies(answer.stdout).map((file) => spellAbsolute(file, cwd));
}

function requestFor(source: string, cwd: string, scan: ScanOptions): ScanRequest {
  return { source, cwd, scan, builtin: { systemDirs: builtin }, envDirs: { afterI: [], afterSystem: [] } };
}

/** Walks a path through a piece of a name space alone; null when something is missing there. */
function resolveIn(piece: NameSpacePiece, path: string): string | null {
  const links = new Map(piece.symlinks.map((link) => [link.path, link.target]));
  const files = new Set(piece.files.map((file) => file.path));
  const dirs = new Set(piece.dirs);
  for (const known of [...files, ...dirs, ...links.keys()]) {
    for (let dir = dirname(known); !dirs.has(dir); dir = dirname(dir)) dirs.add(dir);
  }
  const steps = path.split('/').toReversed();
  let real = '/';
  for (let walked = 0; steps.length > 0; walked++) {
    const step = steps.pop();
    if (step === undefined || step === '' || step === '.') continue;
    if (walked > 1000 || !dirs.has(real)) return null;
    if (step === '..') {
      real = dirname(real);
      continue;
    }
    const here = join(real, step);
    const target = links.get(here);
    if (target === undefined) {
      real = here;
    } else {
      if (target.startsWith('/')) real = '/';
      steps.push(...target.split('/').toReversed());
    }
  }
  return files.has(real) ? real : null;
}

function expectSuperset(
  read: readonly string[] | null,
  cache: FileCache,
  scanner: IncludeScanner,
  request: ScanRequest,
): void {
  // `null` counts as no run at all, so that the property still makes the number of runs it says.
  fc.pre(read !== null);
  cache.beginMoment();
  const result = scanner.scan(request);
  const found = new Set(result.files.map((file) => realpathSync.native(file)));
  expect(read.filter((file) => !found.has(realpathSync.native(file)))).toEqual([]);
  const piece = cache.fragment(result.files, [...result.searchDirs, request.cwd]);
  if (!piece.ok) throw new Error(piece.error.message);
  const astray = read.filter((file) => resolveIn(piece.value, file) !== realpathSync.native(file));
  expect(astray).toEqual([]);
}

const DIRS = ['', 'd0', 'd1', 'd1/s', 'd2', 'd2/s', 'd3'];
const HEADERS = ['a.h', 'b.h', 's/a.h', 's/b.h', 'l/a.h', 'f.h', '../d1/a.h', '../d2/s/b.h', 's/../b.h', './a.h'];

const header = fc.constantFrom(...HEADERS);
const line = fc.oneof(
  { weight: 4, arbitrary: header.map((name) => guarded('__has_include', `"${name}"`, 'include')) },
  { weight: 3, arbitrary: header.map((name) => guarded('__has_include', `<${name}>`, 'include')) },
  { weight: 1, arbitrary: header.map((name) => guarded('__has_include_next', `<${name}>`, 'include_next')) },
  { weight: 1, arbitrary: header.map((name) => guarded('__has_include', `"${name}"`, 'import')) },
  {
    weight: 1,
    arbitrary: header.map((name) => `#undef H\n#define H "${name}"\n${guarded('__has_include', 'H', 'include')}`),
  },
  { weight: 1, arbitrary: fc.constantFrom('#if 0', '#endif', '#define X 1', '%: define Y', '/* # include "a.h" */') },
  {
    weight: 1,
    arbitrary: header.map((name) => `# /* c */ if __has_include( \\\n"${name}")\n#inc\\\nlude "${name}"\n#endif`),
  },
);

function guarded(tester: string, operand: string, directive: string): string {
  return `#if ${tester}(${operand})\n#${directive} ${operand}\n#endif`;
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

const forest = fc.record({
  files: fc.uniqueArray(
    fc.record({
      dir: fc.constantFrom(...DIRS),
      name: fc.constantFrom('a.h', 'b.h', 'f.h'),
      lines: fc.array(line, { maxLength: 5 }),
    }),
    { selector: ({ dir, name }) => `${dir}/${name}`, minLength: 3, maxLength: 16 },
  ),
  source: fc.array(line, { minLength: 1, maxLength: 6 }),
  links: fc.uniqueArray(
    fc.record({ dir: fc.constantFrom('', 'd0', 'd2', 'd3'), to: fc.constantFrom('d1', 'd1/s', 'd2/s', 'd3', '.') }),
    { selector: ({ dir }) => dir, maxLength: 3 },
  ),
  fileLink: fc.option(fc.constantFrom('d1/a.h', 'd2/s/b.h')),
  quoteDirs: fc.subarray(['d0', './d1', 'd3/../d2']),
  includeDirs: fc.subarray(['d0', 'd1', 'd2', 'd1/s', 'd0/l', '.'], { minLength: 1 }),
  systemDirs: fc.subarray(['d2', 'd1', '/usr/include']),
  afterDirs: fc.subarray(['d3', 'd0']),
  forcedIncludes: fc.subarray(['d0/f.h', 'f.h']),
});

describe('against gcc', () => {
  test('random trees with links, next, computed names and dots', () => {
    let trees = 0;
    fc.assert(
      fc.property(forest, ({ files, source, links, fileLink, ...dirs }) => {
        const cwd = join(root, `t${trees++}`);
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
        const scan: ScanOptions = {
          ...NO_OPTIONS,
          ...dirs,
          forcedIncludes: dirs.forcedIncludes.filter((name) => existsSync(join(cwd, name))),
        };
        const cache = new FileCache();
        const scanner = new IncludeScanner(cache);
        try {
          expectSuperset(askGcc('x.cc', cwd, scan), cache, scanner, requestFor(join(cwd, 'x.cc'), cwd, scan));
        } finally {
          rmSync(cwd, { recursive: true });
        }
      }),
      { numRuns: 60 },
    );
  }, 60_000);

  test('every header of libstdc++ at once, and each of some alone', () => {
    const dir = builtin[0] ?? '';
    const names = readdirSync(dir, { withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.includes('.'))
      .map((entry) => entry.name);
    expect(names.length).toBeGreaterThan(50);
    const cache = new FileCache();
    const scanner = new IncludeScanner(cache);
    const cwd = join(root, 'std');
    mkdirSync(cwd);
    const units = [
      names,
      ...['regex', 'filesystem', 'thread', 'algorithm', 'format'].filter((it) => names.includes(it)).map((it) => [it]),
    ];
    for (const [number, unit] of units.entries()) {
      const source = join(cwd, `${number}.cc`);
      writeFileSync(source, unit.map((name) => `#if __has_include(<${name}>)\n#include <${name}>\n#endif\n`).join(''));
      const read = askGcc(source, cwd, NO_OPTIONS, '-std=c++20');
      expectSuperset(read, cache, scanner, requestFor(source, cwd, NO_OPTIONS));
    }
  }, 60_000);

  test('the C library under feature macros and odd search directories', () => {
    const cwd = join(root, 'libc');
    mkdirSync(cwd);
    const source = join(cwd, 'x.cc');
    const names = [
      'stdio.h',
      'stdlib.h',
      'sys/types.h',
      'sys/socket.h',
      'netinet/in.h',
      'pthread.h',
      'limits.h',
      'stdint.h',
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
      const scan = { ...NO_OPTIONS, ...variant };
      expectSuperset(askGcc(source, cwd, scan), cache, scanner, requestFor(source, cwd, scan));
    }
  });
});
