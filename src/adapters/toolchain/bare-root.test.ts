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

test.each<[string, Language, string, string]>([
  ['gcc', 'c', 'hello.c', HELLO],
  ['g++', 'c++', 'strings.cc', STRINGS],
  ['clang', 'c', 'hello.c', HELLO],
  ['clang++', 'c++', 'strings.cc', STRINGS],
])(
  '%s compiles %s alike in a bare root',
  async (compiler, language, name, text) => {
    const path = spawnSync('sh', ['-c', `command -v ${compiler}`], { encoding: 'utf8' }).stdout.trim();
    if (path === '') console.warn(`SKIPPED: ${compiler} is not installed here, so it cannot be tried in a bare root`);
    if (path === '' || !sandboxWorks()) return;
    const cwd = join(dir, compiler);
    const out = join(cwd, 'out');
    const root = join(dir, `${compiler}-root`);
    mkdirSync(join(cwd, 'local'), { recursive: true });
    mkdirSync(out);
    writeFileSync(join(cwd, name), text);
    writeFileSync(join(cwd, 'value.h'), '#define VALUE "!"\n');
    const env = { PATH: process.env['PATH'] ?? '', LANG: 'C.UTF-8' };
    const args = ['-O2', '-g', '-Wall', '-MD', '-c', name, '-o', 'out/x.o'];
    const here = spawnSync(path, args, { cwd, env });
    expect(here.status).toBe(0);
    const expected = ['x.o', 'x.d'].map((file) => readFileSync(join(out, file)));
    for (const file of ['x.o', 'x.d']) rmSync(join(out, file));

    const toolchains = new Toolchains({ env });
    const described = await toolchains.describe(path);
    const builtin = await toolchains.builtinSearch(path, language, ['-O2']);
    if (!described.ok || !builtin.ok) throw new Error('the compiler does not tell about itself');
    const cache = new FileCache();
    const scanned = scanIncludes(
      {
        source: join(cwd, name),
        cwd,
        scan: NO_SEARCH,
        builtin: builtin.value,
        envDirs: { afterI: [], afterSystem: [] },
      },
      cache,
    );
    expect(scanned.unresolved).toEqual([]);
    const piece = cache.fragment([...scanned.files, ...listLocaleFiles(env)], [...scanned.searchDirs, cwd, out]);
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
    const there = spawnSync('bwrap', [...sandbox, ...mounts, ...set, '--chdir', cwd, path, ...args]);
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
