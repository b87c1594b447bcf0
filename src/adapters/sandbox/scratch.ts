// Where runs put what they write: in memory where there is plenty of it, else beside the agent's other data.
// Compilers write large temporary files and remove them at once; and on some disks (ext4 without a journal) making a file costs
// half a millisecond of CPU. What lies there is bounded by the limits of each run.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { join, resolve } from 'node:path';

const memoryDir = '/dev/shm';
const tmpfsType = 0x01021994;
/** By default such a file system takes half of the memory: a machine with less than 8 GiB keeps it for its programs. */
const plentyBytes = 4 * 2 ** 30;

/** An empty private directory for the runs of the agent whose data directory is `home`. Throws what the file system throws. */
export function openScratch(
  home: string,
  memory: { readonly dir: string; readonly plentyBytes: number } | null = null,
): string {
  const { dir, plentyBytes: plenty } = memory ?? { dir: memoryDir, plentyBytes };
  const name = createHash('sha256').update(resolve(home)).digest('hex').slice(0, 12);
  const inMemory = join(dir, `tender-${process.getuid?.() ?? 0}-${name}`);
  const scratch = hasPlenty(dir, plenty) && isOurs(inMemory) ? inMemory : join(home, 'runs');
  fs.rmSync(scratch, { recursive: true, force: true });
  fs.mkdirSync(scratch, { recursive: true, mode: 0o700 });
  return scratch;
}

function hasPlenty(dir: string, plenty: number): boolean {
  try {
    const { type, bavail, bsize } = fs.statfsSync(dir);
    fs.accessSync(dir, fs.constants.W_OK | fs.constants.X_OK);
    return type === tmpfsType && bavail * bsize >= plenty;
  } catch {
    return false;
  }
}

/** Not there, or a directory that only we can enter: anybody may put something of that name into a shared directory. */
function isOurs(path: string): boolean {
  const info = fs.lstatSync(path, { throwIfNoEntry: false });
  return info === undefined || (info.isDirectory() && info.uid === process.getuid?.() && (info.mode & 0o077) === 0);
}
