// The directory of compiler links: put first in PATH, it makes every `g++` a call to the launcher.
// Links are made for each compiler name that this machine has, versioned and target-prefixed names included.
import { mkdirSync, readdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { homeDirectory, prepareHome } from '../../adapters/config/config.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { complain } from '../complain.ts';

const compilerName = /^(?:[a-z0-9_]+-(?:[a-z0-9_]+-)*)?(?:gcc|g\+\+|cc|c\+\+|clang|clang\+\+)(?:-\d+(?:\.\d+)*)?$/;
const always = ['cc', 'c++', 'gcc', 'g++', 'clang', 'clang++'];

export const launcherPath = fileURLToPath(new URL('../../../build/bin/tender-cc', import.meta.url));

/** Brings the links up to date and gives their directory. */
export function prepareMasquerade(home: string, path: string): Result<string, string> {
  const directory = join(home, 'masquerade');
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const wanted = new Set<string>();
    for (const dir of path.split(delimiter)) {
      if (dir === '' || dir === directory) continue;
      for (const name of namesIn(dir)) if (compilerName.test(name)) wanted.add(name);
    }
    for (const name of always) wanted.add(name);
    for (const name of readdirSync(directory)) {
      const link = join(directory, name);
      if (wanted.has(name) && readlinkSync(link) === launcherPath) wanted.delete(name);
      else rmSync(link);
    }
    for (const name of wanted) symlinkSync(launcherPath, join(directory, name));
    return ok(directory);
  } catch (error) {
    return err(`cannot make the compiler links in ${directory}: ${(error as Error).message}`);
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
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
