// A spelled path step by step: the symlinks and the directories on its way, and the real path at its end. The file cache has
// a remembering one of its own; this one serves some dozens of paths once per toolchain.
import { readlinkSync } from 'node:fs';
import { tryLstat } from '../stat.ts';

export interface Walked {
  readonly real: string;
  readonly links: readonly { readonly path: string; readonly target: string }[];
  /** Directories that were entered and left again by `..`. */
  readonly passed: readonly string[];
}

const MAX_LINKS = 40;

/** Resolves an absolute path as the kernel does; null when something on its way is missing or may not be seen. */
export function walkPath(path: string): Walked | null {
  const links: { path: string; target: string }[] = [];
  const passed: string[] = [];
  const steps = path.split('/').reverse();
  let real = '';
  while (steps.length > 0) {
    const step = steps.pop();
    if (step === undefined || step === '' || step === '.') continue;
    if (step === '..') {
      if (real !== '') passed.push(real);
      real = real.slice(0, Math.max(0, real.lastIndexOf('/')));
      continue;
    }
    const here = `${real}/${step}`;
    const stats = tryLstat(here);
    if (stats === null) return null;
    if (!stats.isSymbolicLink()) {
      real = here;
      continue;
    }
    if (links.length === MAX_LINKS) return null;
    const target = readlinkSync(here);
    links.push({ path: here, target });
    if (target.startsWith('/')) real = '';
    steps.push(...target.split('/').reverse());
  }
  return { real: real || '/', links, passed };
}
