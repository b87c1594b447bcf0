// The proof that a toolchain's files and a unit's scanned files are all that a compile needs: in a root made of nothing else,
// the object and the depfile come out as they do here, byte for byte.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isFortran } from '../../compiler/command/languages.ts';
import { scanIncludes } from '../../compiler/scan/scan.ts';
import type { Language, NameSpacePiece } from '../../compiler/types.ts';
import { FileCache } from '../files/file-cache.ts';
import { listLocaleFiles, Toolchains } from './index.ts';

let dir = '';
beforeAll(() => {
  dir = realpathSync.native(mkdtempSync(join(tmpdir(), 'tender-bare-')));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const NO_SEARCH = {
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

function sandboxWorks(): boolean {
  const tried = spawnSync('bwrap', ['--unshare-all', '--ro-bind', '/', '/', 'true']);
  if (tried.status === 0) return true;
  console.warn(
    'SKIPPED: bubblewrap is absent or may not make namespaces here, so nothing can be compiled in a bare root',
  );
  return false;
}

/** Rebuilds a piece of the name space below `root`. */
function build(root: string, piece: NameSpacePiece): void {
  for (const path of piece.dirs) mkdirSync(join(root, path), { recursive: true });
  for (const { path, executable } of piece.files) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    copyFileSync(path, join(root, path));
    chmodSync(join(root, path), executable ? 0o755 : 0o644);
  }
  for (const { path, target } of piece.symlinks) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    if (!existsSync(join(root, path))) symlinkSync(target, join(root, path));
  }
}

const HELLO = 'int main(void) { int unused; return 0; }\n';
const STRINGS = `#include <string>
#include "local/../value.h"
#include <cassert>
std::string greet(const std::string &name) { int unused; assert(!name.empty()); return "hello " + name + VALUE; }
`;

const MODULES = `subroutine s(x)
  use, intrinsic :: iso_c_binding
  use omp_lib
  use ieee_arithmetic
  integer(c_int) :: x, unused
  x = omp_get_num_procs()
end subroutine
`;
const BARE = 'int half(int x) { int unused; return x / 2; }\n';
const ADDRESS = 'int at(int *a, int x) { int unused; return a[x]; }\n';

test.each<[string, Language, string, string, string]>([
  ['gcc', 'c', '', 'hello.c', HELLO],
  ['g++', 'c++', '', 'strings.cc', STRINGS],
  ['gcc', 'objc', '', 'hello.m', HELLO],
  ['g++', 'c++', '-march=native', 'strings.cc', STRINGS],
  ['clang++', 'c++', '', 'strings.cc', STRINGS],
  ['clang', 'c', '-march=native -flto', 'hello.c', HELLO],
  ['clang', 'c', '-fsanitize=address,undefined', 'at.c', ADDRESS],
  ['clang++', 'c++', '--target=aarch64-linux-gnu --gcc-toolchain=/usr', 'strings.cc', STRINGS],
  ['clang', 'c', '--target=riscv64-unknown-elf', 'half.c', BARE],
  ['aarch64-linux-gnu-gcc', 'c', '-march=armv8.2-a+crypto', 'half.c', BARE],
  ['aarch64-linux-gnu-g++', 'c++', '', 'strings.cc', STRINGS],
  ['arm-none-eabi-gcc', 'c', '-mcpu=cortex-m4 -mthumb', 'half.c', BARE],
  ['gfortran', 'fortran-cpp', '-fopenmp', 'hello.F90', MODULES],
  ['gfortran', 'fortran-cpp', '-march=native', 'hello.F', MODULES.replaceAll(/^/gm, '      ')],
  ['gcc', 'fortran-cpp', '', 'hello.F90', MODULES],
  ['x86_64-linux-gnu-gcc-12', 'c', '-save-temps', 'hello.c', HELLO],
])(
  '%s compiles %s alike in a bare root (%s)',
  async (compiler, language, line, name, text) => {
    const path = spawnSync('sh', ['-c', `command -v ${compiler}`], { encoding: 'utf8' }).stdout.trim();
    if (path === '') console.warn(`SKIPPED: ${compiler} is not installed here, so it cannot be tried in a bare root`);
    if (path === '' || !sandboxWorks()) return;
    const extra = line === '' ? [] : line.split(' ');
    const front = name.endsWith('.m') ? '-xobjective-c' : isFortran(language) ? '-xf95' : '-xc';
    if (spawnSync(path, ['-fsyntax-only', front, '/dev/null']).status !== 0) {
      console.warn(`SKIPPED: ${compiler} has no front end for ${language} here`);
      return;
    }
    const cwd = mkdtempSync(join(dir, `${compiler}-`));
    const out = join(cwd, 'out');
    const root = mkdtempSync(join(dir, 'root-'));
    mkdirSync(join(cwd, 'local'), { recursive: true });
    mkdirSync(out);
    writeFileSync(join(cwd, name), text);
    writeFileSync(join(cwd, 'value.h'), '#define VALUE "!"\n');
    const env = { PATH: process.env['PATH'] ?? '', LANG: 'C.UTF-8' };
    const args = [...extra, '-O2', '-g', '-Wall', '-MD', '-c', name, '-o', 'out/x.o'];
    const here = spawnSync(path, args, { cwd, env });
    expect({ status: here.status, stderr: here.stderr.toString() }).toMatchObject({ status: 0 });
    const expected = ['x.o', 'x.d'].map((file) => readFileSync(join(out, file)));
    for (const file of ['x.o', 'x.d']) rmSync(join(out, file));

    const toolchains = new Toolchains({ env });
    const described = await toolchains.describe(path);
    const builtin = await toolchains.builtinSearch(path, language, extra);
    const native = await toolchains.resolveNative(path, args, { env, dir: join(cwd, 'native') });
    const travelling = line.includes('native') ? native : { ok: true as const, value: { args, files: [] } };
    if (!described.ok || !builtin.ok || !travelling.ok) throw new Error('the compiler does not tell about itself');
    const cache = new FileCache();
    const scanned = scanIncludes(
      {
        source: join(cwd, name),
        cwd,
        scan: NO_SEARCH,
        builtin: builtin.value,
        envDirs: { afterI: [], afterSystem: [] },
        ...(isFortran(language) ? { fortran: { moduleDir: cwd, preprocessed: true, before: [] } } : {}),
      },
      cache,
    );
    expect(scanned.unresolved).toEqual([]);
    const { bearings = [] } = builtin.value;
    const files = [...scanned.files, ...bearings, ...travelling.value.files, ...listLocaleFiles(env)];
    const piece = cache.fragment(files, [...scanned.searchDirs, cwd, out]);
    if (!piece.ok) throw new Error(piece.error.message);
    build(root, described.value);
    build(root, piece.value);

    const sandbox = ['--unshare-all', '--die-with-parent', '--clearenv', '--ro-bind', root, '/'];
    const mounts = [
      '--tmpfs',
      '/tmp',
      '--ro-bind',
      join(root, cwd),
      cwd,
      '--bind',
      out,
      out,
      '--proc',
      '/proc',
      '--dev',
      '/dev',
    ];
    for (const place of ['tmp', 'proc', 'dev']) mkdirSync(join(root, place), { recursive: true });
    const variables = {
      LANG: env.LANG,
      PATH: described.value.pathDirs.join(':'),
      LD_LIBRARY_PATH: described.value.libraryDirs.join(':'),
    };
    const set = Object.entries(variables).flatMap(([variable, value]) => ['--setenv', variable, value]);
    const there = spawnSync('bwrap', [...sandbox, ...mounts, ...set, '--chdir', cwd, path, ...travelling.value.args]);
    expect({ status: there.status, stderr: there.stderr.toString() }).toEqual({
      status: 0,
      stderr: here.stderr.toString(),
    });
    expect(here.stderr.toString()).toContain('unused');
    const got = ['x.o', 'x.d'].map((file) => readFileSync(join(out, file)));
    expect(got.map((bytes, index) => bytes.equals(expected[index] ?? Buffer.alloc(0)))).toEqual([true, true]);
  },
  60_000,
);
