// The first programs inside a sandbox: this machine's own shell, which sets limits and measures CPU time, and (for root) setpriv.
// The client's tree may hold no shell, another libc or another linker, so they are bound in from a directory of their own, with
// their libraries, and started through their own dynamic linker. A C helper would be smaller, but would need a compiler here.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { err, ok, type Result } from '../../base/result.ts';
import { initDir } from './paths.ts';

const execute = promisify(execFile);

export interface Kit {
  /** The host's directory, bound on `initDir`. */
  readonly dir: string;
  /** Words that start the shell, and setpriv if it is in the kit. */
  readonly shell: readonly string[];
  readonly setpriv: readonly string[];
}

/** Copies the programs into `dir` (made anew). The error says what is missing. */
export async function makeKit(dir: string, withSetpriv: boolean): Promise<Result<Kit, string>> {
  try {
    fs.rmSync(dir, { recursive: true, force: true });
    fs.mkdirSync(dir, { recursive: true });
    fs.chmodSync(dir, 0o755);
    const shell = await addProgram(dir, 'sh', '/bin/sh');
    const found = withSetpriv ? ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => fs.existsSync(path)) : undefined;
    if (withSetpriv && found === undefined) return err('setpriv (util-linux) is not installed');
    const setpriv = found === undefined ? [] : await addProgram(dir, 'setpriv', found);
    return ok({ dir, shell, setpriv });
  } catch (thrown) {
    return err(thrown instanceof Error ? thrown.message : String(thrown));
  }
}

async function addProgram(dir: string, name: string, path: string): Promise<string[]> {
  copy(path, join(dir, name));
  const inside = `${initDir}/${name}`;
  let linker: string | null = null;
  for (const line of (await listLibraries(path)).split('\n')) {
    const library = /=> (\/\S+) \(/.exec(line)?.[1];
    if (library !== undefined) copy(library, join(dir, basename(line.trim().split(' ')[0] ?? library)));
    // The one library that ldd names without an arrow is the linker itself.
    else linker = /^\s*(\/\S+) \(/.exec(line)?.[1] ?? linker;
  }
  if (linker === null) return [inside];
  copy(linker, join(dir, 'ld.so'));
  return [`${initDir}/ld.so`, '--library-path', initDir, inside];
}

/** What ldd says; a static program makes it fail, and has no libraries. */
async function listLibraries(path: string): Promise<string> {
  try {
    return (await execute('ldd', [path], { env: { PATH: process.env['PATH'], LC_ALL: 'C' } })).stdout;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') throw new Error('ldd is not installed', { cause: thrown });
    return '';
  }
}

function copy(from: string, to: string): void {
  if (fs.existsSync(to)) return;
  fs.copyFileSync(from, to, fs.constants.COPYFILE_FICLONE);
  fs.chmodSync(to, 0o755);
}
