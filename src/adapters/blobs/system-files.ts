// Which of the machine's own files may stand in for bytes from the network: installed software that everybody may read.
// Nobody's home is ever looked into, so a client cannot find out by guessing digests what is in it.
import fs from 'node:fs';
import { normalize } from 'node:path';

export const systemDirs: readonly string[] = [
  '/usr',
  '/lib',
  '/lib32',
  '/lib64',
  '/libx32',
  '/opt',
  '/etc/alternatives',
];

/** The real path of an installed file of that size that everybody may read, or null. Both path and target must be in `dirs`. */
export function findSystemFile(path: string, sizeBytes: number, dirs: readonly string[]): string | null {
  if (!isIn(path, dirs) || normalize(path) !== path) return null;
  try {
    const real = fs.realpathSync.native(path);
    if (!isIn(real, dirs)) return null;
    const info = fs.lstatSync(real);
    return info.isFile() && info.size === sizeBytes && (info.mode & 0o004) !== 0 ? real : null;
  } catch {
    return null;
  }
}

function isIn(path: string, dirs: readonly string[]): boolean {
  return dirs.some((dir) => path.startsWith(`${dir}/`));
}
