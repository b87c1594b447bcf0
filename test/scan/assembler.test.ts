// What assemblers read, asked of them: gas names what it read in a depfile, and a compile in a copy of the tree that has only what
// was scanned gives the same object as in the tree itself.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FileCache } from '../../src/adapters/files/file-cache.ts';
import { parseDependencies } from '../../src/compiler/scan/depfile.ts';
import { spellAbsolute } from '../../src/compiler/scan/directories.ts';
import { scanIncludes } from '../../src/compiler/scan/scan.ts';
import type { ScanResult } from '../../src/compiler/types.ts';
import { findCompilers, NO_OPTIONS, requestFor } from './support.ts';

let root = '';
let cwd = '';
beforeEach(() => {
  root = realpathSync.native(mkdtempSync(join(tmpdir(), 'tender-assembler-')));
  cwd = join(root, 't', 'w');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const compilers = findCompilers('c', ['gcc', 'clang']);

/** A tree in which every name that the assembler may look up stands at several places, each with another text. */
function plant(places: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(places)) {
    mkdirSync(join(cwd, dirname(path)), { recursive: true });
    writeFileSync(join(cwd, path), text);
  }
}

const SOURCES: readonly (readonly [string, string])[] = [
  ['s/x.s', '.data\n.include "a.s"\n.incbin "d/b.bin",1,2\n.INCLUDE "n.s"\n# include the rest\n'],
  ['s/x.S', '#define N 1\n#include "h.h"\n.data\nx: .include "a.s" // N\n.incbin "d/b.bin"; .byte N\n.include "n.s"\n'],
  [
    's/x.c',
    '#include "h.h"\nasm(".data\\n\\t.include \\"a.s\\"\\n.incbin \\"d/b.bin\\", 1\\n.include \\"n.s\\"");\nint y;\n',
  ],
];
/** Where `a.s`, `d/b.bin` and `n.s` may lie. */
const PLACES = ['.', 's', 'i', 'w', 'q', 'sys'];

describe.each(compilers)('by $command', ({ command, systemDirs }) => {
  test.each(SOURCES.flatMap(([source, text]) => PLACES.map((first, at) => ({ source, text, first, at }))))(
    '$source, names in $first and after',
    ({ source, text, at }) => {
      const files: Record<string, string> = {
        [source]: text,
        's/h.h': '',
        'i/other': '',
        'w/other': '',
        'q/other': '',
      };
      for (const [number, place] of PLACES.slice(at).entries()) {
        files[`${place}/a.s`] = `.byte ${number}\n.include "deep/c.s"\n`;
        files[`${place}/d/b.bin`] = `data ${number}`;
        files[`${place}/n.s`] = `.byte 1${number}\n`;
        files[`${place}/deep/c.s`] = `.byte 2${number}\n`;
      }
      plant(files);
      const args = ['-c', '-o', 'x.o', '-iquote', 'q', '-I', 'i', '-isystem', 'sys', '-Wa,-Iw', source];
      const compile = (dir: string): { stderr: string; object: string | null } => {
        const { status, stderr } = spawnSync(command, args, {
          cwd: dir,
          encoding: 'utf8',
          env: { ...process.env, LC_ALL: 'C' },
        });
        // gcc's messages name its temporary file.
        return {
          stderr: stderr.replaceAll(/\/\S*\/cc\w+\.s/g, 'TEMPORARY'),
          object: status === 0 ? readFileSync(join(dir, 'x.o'), 'base64') : null,
        };
      };
      const here = compile(cwd);
      const scanned = scan(source, systemDirs);
      expect(scanned).toMatchObject({ hasAssemblerIncludes: false, unresolved: [] });
      // In the tree with nothing but what was found, at the same path, so that paths in the object are equal.
      const whole = join(root, 'whole');
      cpSync(join(root, 't'), whole, { recursive: true });
      rmSync(join(root, 't'), { recursive: true });
      for (const dir of ['.', 's', 'i', 'w', 'q', 'sys']) mkdirSync(join(cwd, dir), { recursive: true });
      for (const file of scanned.files.filter((path) => path.startsWith(`${cwd}/`))) {
        mkdirSync(dirname(file), { recursive: true });
        cpSync(join(whole, file.slice(join(root, 't').length)), file);
      }
      expect(compile(cwd)).toEqual(here);
      // In the last places not every assembler looks.
      if (at <= 3) expect(here.object).not.toBeNull();
    },
  );
});

function scan(source: string, systemDirs: readonly string[]): ScanResult {
  const options = { ...NO_OPTIONS, quoteDirs: ['q'], includeDirs: ['i'], systemDirs: ['sys'] };
  const compiler = { command: '', language: 'c', systemDirs } as const;
  const request = {
    ...requestFor(compiler, join(cwd, source), cwd, options),
    assemblerDirs: ['w'],
    assemblerOnly: source.endsWith('.s'),
  };
  return scanIncludes(request, new FileCache());
}

const gas = spawnSync('as', ['--version'], { encoding: 'utf8' }).stdout ?? '';
test.skipIf(!gas.startsWith('GNU'))('what gas says that it read was found', () => {
  plant({
    's/x.s': '.include "a.s"\n.incbin "b.bin"\n.incbin "../s/c.bin" ,2\n.if 0\n.include "dead.s"\n.endif\n',
    'a.s': '.include "s/deep/c.s"\n',
    's/deep/c.s': '.byte 3\n.incbin "d.bin"\n',
    'i/b.bin': 'i',
    'w/b.bin': 'w',
    's/c.bin': 'ccc',
    'w/d.bin': 'd',
    'dead.s': '',
  });
  const ran = spawnSync('as', ['-I', 'i', '-Iw', '--MD', 'x.d', '-o', 'x.o', 's/x.s'], { cwd, encoding: 'utf8' });
  expect(ran.stderr).toBe('');
  const read = parseDependencies(readFileSync(join(cwd, 'x.d'), 'utf8')).map((path) => spellAbsolute(path, cwd));
  expect(read).toHaveLength(6);
  const { files } = scan('s/x.s', []);
  const real = new Set(files.map((path) => realpathSync.native(path)));
  expect(read.filter((path) => !real.has(realpathSync.native(path)))).toEqual([]);
  expect(real.has(join(cwd, 'dead.s'))).toBe(true);
});
