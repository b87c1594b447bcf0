// The files by whose presence clang takes its bearings: it leans on a gcc installation, and looks for it anew for every target.
import { existsSync } from 'node:fs';

const MULTILIBS = ['', '32/', 'x32/', '64/'];

/** From what clang says under -v: the crtbegin.o of each gcc installation that it found, and its configuration files. */
export function listBearings(told: string): string[] {
  const files: string[] = [];
  for (const [, dir = ''] of told.matchAll(/^Found candidate GCC installation: (.+)$/gm)) {
    files.push(...MULTILIBS.map((multilib) => `${dir}/${multilib}crtbegin.o`));
  }
  for (const [, file = ''] of told.matchAll(/^Configuration file: (.+)$/gm)) files.push(file);
  return files.filter((file) => existsSync(file));
}
