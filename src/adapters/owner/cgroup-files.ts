// Control groups are directories and files: making one, writing to it, ending what is in it. Nothing here throws.
import fs from 'node:fs';
import { join } from 'node:path';

const goneWithinMs = 2_000;

/** Writes one word to one of a group's files; false: it may not, or there is no such file. */
export function put(dir: string, file: string, word: string): boolean {
  try {
    // Never made: a file that the kernel does not offer must not be taken for one that it does.
    fs.writeFileSync(join(dir, file), word, { flag: 'r+' });
    return true;
  } catch {
    return false;
  }
}

/** The directory, made if need be; null: it cannot be. */
export function makeGroup(dir: string): string | null {
  try {
    fs.mkdirSync(dir);
    return dir;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EEXIST' ? dir : null;
  }
}

/** Its processes, without those of groups in it. */
export function pidsIn(dir: string): number[] {
  try {
    return fs
      .readFileSync(join(dir, 'cgroup.procs'), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map(Number);
  } catch {
    return [];
  }
}

/** Kills what runs or is frozen in a group and in those in it, and removes them, as far as it goes within two seconds. */
export function endAll(dir: string): void {
  const deadline = performance.now() + goneWithinMs;
  const dirs = [...childrenOf(dir), dir];
  while (!removeAll(dirs) && performance.now() < deadline) {
    for (const each of dirs) {
      for (const pid of pidsIn(each)) kill(pid);
      // What was killed while frozen goes when it is thawed.
      if (!put(each, 'freezer.state', 'THAWED')) put(each, 'cgroup.freeze', '0');
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
  }
}

/** False: somebody is in it still. */
export function removeGroup(dir: string): boolean {
  try {
    fs.rmdirSync(dir);
    return true;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

function removeAll(dirs: readonly string[]): boolean {
  return dirs.every(removeGroup);
}

function childrenOf(dir: string): string[] {
  try {
    const entries = fs.readdirSync(dir, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => join(dir, entry.name));
  } catch {
    return [];
  }
}

function kill(pid: number): void {
  try {
    if (pid > 0 && pid !== process.pid) process.kill(pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}
