// Debian 12's distcc-pump does not work: its include server's C extension fails on Python 3.11, and every unit then silently takes
// distcc's plain way. Here this is noticed, and mended by building the same extension anew from Debian's own source package, with
// the one definition that Python asks for. What is built is kept in the user's cache.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { defaultCacheDir } from '../../src/adapters/corpus/fetch.ts';
import { ensureInstalled } from './peers.ts';

const debians = '/usr/lib/python3/dist-packages/include_server';
const extension = 'distcc_pump_c_extensions';
const buildPackages = ['autoconf', 'automake', 'libiberty-dev', 'libpopt-dev', 'pkg-config', 'python3-dev', 'dpkg-dev'];

/** A directory with an include server that works, or why there is none. */
export function findIncludeServer(
  log: (line: string) => void,
): { readonly dir: string; readonly note: string } | { readonly broken: string } {
  const missing = ensureInstalled('/usr/bin/distcc-pump', ['distcc-pump'], log);
  if (missing !== null) return { broken: missing };
  if (works(debians)) return { dir: debians, note: '' };
  const note = "Debian's include server is broken; this is the same with its C extension built anew";
  const kept = join(defaultCacheDir(), 'bench', `include-server-${pythonVersion()}`);
  if (works(kept)) return { dir: kept, note };
  try {
    log('distcc-pump is broken as installed: building its C extension anew');
    build(kept, log);
  } catch (error) {
    return { broken: `broken as installed, and could not be mended: ${(error as Error).message.split('\n')[0]}` };
  }
  return works(kept) ? { dir: kept, note } : { broken: 'broken as installed, and so when built anew' };
}

function works(dir: string): boolean {
  if (!existsSync(dir)) return false;
  const script = `import sys; sys.path.insert(0, sys.argv[1]); import ${extension} as e; assert e.OsPathExists('/')`;
  return spawnSync('python3', ['-c', script, dir], { stdio: 'ignore' }).status === 0;
}

function pythonVersion(): string {
  const script = 'import sys; print("%d.%d" % sys.version_info[:2])';
  return execFileSync('python3', ['-c', script], { encoding: 'utf8' }).trim();
}

function build(to: string, log: (line: string) => void): void {
  const missing = ensureInstalled('/usr/bin/autoreconf', buildPackages, log);
  if (missing !== null) throw new Error(missing);
  const parent = join(to, '..');
  mkdirSync(parent, { recursive: true });
  const scratch = mkdtempSync(join(parent, '.build-'));
  try {
    const tree = fetchSource(scratch);
    const module = join(tree, `include_server/c_extensions/${extension}_module.c`);
    writeFileSync(module, mend(readFileSync(module, 'utf8')));
    const line =
      './autogen.sh && ./configure --disable-Werror --without-avahi PYTHON=/usr/bin/python3 && make include-server';
    execFileSync('sh', ['-c', line], { cwd: tree, stdio: 'pipe' });
    const built = readdirSync(tree, { recursive: true, encoding: 'utf8' }).find((path) => path.endsWith('.so'));
    if (built === undefined) throw new Error('no extension came out');
    const made = join(scratch, 'made');
    cpSync(debians, made, { recursive: true, filter: (path) => !path.endsWith('.so') });
    cpSync(join(tree, built), join(made, built.slice(built.lastIndexOf('/') + 1)));
    rmSync(to, { recursive: true, force: true });
    renameSync(made, to);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Python 3.10 and later refuse lengths in `s#` as int: they must be Py_ssize_t, and a definition must say so. */
function mend(text: string): string {
  return text
    .replaceAll(/^ {2}int (in_len|len);/gm, '  Py_ssize_t $1;')
    .replace('#include "Python.h"', '#define PY_SSIZE_T_CLEAN\n#include "Python.h"');
}

/** Gets Debian's source package without touching the machine's own package lists; the unpacked tree. */
function fetchSource(scratch: string): string {
  const parts = join(scratch, 'parts');
  mkdirSync(parts);
  mkdirSync(join(scratch, 'lists/partial'), { recursive: true });
  const sources = '/etc/apt/sources.list.d/debian.sources';
  const known = existsSync(sources) ? readFileSync(sources, 'utf8') : '';
  if (!/^Types:/m.test(known)) throw new Error(`${sources} does not say where Debian's packages come from`);
  writeFileSync(join(parts, 'source.sources'), known.replaceAll(/^Types:.*$/gm, 'Types: deb-src'));
  const options = [
    'Dir::Etc::sourcelist=/dev/null',
    `Dir::Etc::sourceparts=${parts}`,
    `Dir::State::lists=${scratch}/lists`,
  ];
  const apt = (...words: string[]): void => {
    execFileSync('apt-get', ['-qq', ...options.flatMap((it) => ['-o', it]), ...words], { cwd: scratch, stdio: 'pipe' });
  };
  apt('update');
  apt('source', '--tar-only', 'distcc');
  const tarball = readdirSync(scratch).find((name) => /^distcc_.*\.orig\.tar\./.test(name));
  if (tarball === undefined) throw new Error('apt-get source gave no tarball');
  execFileSync('tar', ['-xf', tarball], { cwd: scratch });
  const tree = readdirSync(scratch).find((name) => /^distcc-[^/]*$/.test(name));
  if (tree === undefined) throw new Error(`${tarball} holds no distcc`);
  return join(scratch, tree);
}
