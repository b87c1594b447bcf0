// The directory of compiler links: put first in PATH, it makes every `g++` a call to the launcher.
// Only compilers that PATH has get a link, so that whoever looks for a compiler finds no more and no fewer than without.
import {
  accessSync,
  constants,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { homeDirectory, prepareHome } from '../../adapters/config/config.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { recognizeDriver } from '../../compiler/command/driver.ts';
import { complain } from '../complain.ts';

export const launcherPath = fileURLToPath(new URL('../../../build/bin/tender-cc', import.meta.url));

/** Where the launcher, too, looks when there is no PATH. */
export const defaultPath = '/usr/local/bin:/usr/bin:/bin';

export function masqueradeDir(home: string): string {
  return resolve(home, 'masquerade');
}

/** Brings the links up to date with a PATH and gives their directory. Others may do the same at the same time. */
export function prepareMasquerade(home: string, path: string): Result<string, string> {
  const directory = masqueradeDir(home);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const wanted = compilersIn(path, directory);
    for (const name of readdirSync(directory)) {
      if (wanted.has(name) && targetOf(join(directory, name)) === launcherPath) wanted.delete(name);
      else if (!wanted.has(name) && !name.startsWith('.'))
        rmSync(join(directory, name), { recursive: true, force: true });
    }
    for (const name of wanted) {
      // Renamed into place: a build that runs meanwhile finds the old link or the new one.
      const fresh = join(directory, `.${name}.${process.pid}`);
      rmSync(fresh, { force: true });
      symlinkSync(launcherPath, fresh);
      renameSync(fresh, join(directory, name));
    }
    return ok(directory);
  } catch (error) {
    return err(`cannot make the compiler links in ${directory}: ${(error as Error).message}`);
  }
}

/** Names of all compilers in the directories of a PATH, but for those in `except`. */
function compilersIn(path: string, except: string): Set<string> {
  const found = new Set<string>();
  for (const dir of (path === '' ? defaultPath : path).split(delimiter)) {
    if (resolve(dir) === except) continue;
    for (const name of namesIn(dir)) {
      if (recognizeDriver(name) !== null && !found.has(name) && isExecutable(join(dir, name))) found.add(name);
    }
  }
  return found;
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory === '' ? '.' : directory);
  } catch {
    return [];
  }
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function targetOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

export async function runMasquerade(): Promise<number> {
  const home = homeDirectory();
  const prepared = prepareHome(home);
  if (!prepared.ok) return complain(prepared.error);
  const made = prepareMasquerade(home, process.env['PATH'] ?? '');
  if (!made.ok) return complain(made.error);
  process.stdout.write(`${made.value}\n`);
  return 0;
}
