// A project on disk: written from a case's entries with fixed dates, and read back whole (kinds, modes, bytes) for
// comparison.
import { isUtf8 } from 'node:buffer';
import {
  chmodSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { Entry } from './case.ts';

/** Old enough that no compiler wonders, the same in every run: `__TIMESTAMP__` shows it. */
const written = new Date('2024-02-29T12:34:56Z');

export interface Found {
  readonly kind: 'file' | 'dir' | 'link' | 'other';
  readonly mode: number;
  /** Of a file; a link's target. */
  readonly bytes: Buffer;
}

/** Relative path → what is there. */
export type Tree = ReadonlyMap<string, Found>;

/** Writes the project into the new directory `root`; everything in it belongs to `owner`. */
export function writeTree(root: string, entries: Readonly<Record<string, Entry>>, owner: number | undefined): void {
  const own = (path: string): void => {
    if (owner !== undefined) lchownSync(path, owner, owner);
  };
  const makeDir = (path: string): void => {
    if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) return;
    makeDir(dirname(path));
    mkdirSync(path);
    chmodSync(path, 0o755);
    own(path);
  };
  makeDir(root);
  const lockedDirs: (readonly [string, number])[] = [];
  for (const [name, entry] of Object.entries(entries)) {
    const path = join(root, name);
    makeDir(dirname(path));
    if (typeof entry === 'object' && 'link' in entry) {
      symlinkSync(entry.link.replaceAll('$DIR', root), path);
    } else if (typeof entry === 'object' && 'dir' in entry) {
      makeDir(path);
      if (entry.mode !== undefined) lockedDirs.push([path, entry.mode]);
    } else {
      const {
        text,
        mode = 0o644,
        mtime = written,
      } = typeof entry === 'string' ? { text: entry } : Buffer.isBuffer(entry) ? { text: entry } : entry;
      writeFileSync(path, typeof text === 'string' ? text.replaceAll('$DIR', root) : text);
      chmodSync(path, mode);
      utimesSync(path, mtime, mtime);
    }
    own(path);
  }
  for (const [path, mode] of lockedDirs) chmodSync(path, mode);
}

function readEntry(path: Buffer): Found {
  const stat = lstatSync(path);
  const kind = stat.isFile() ? 'file' : stat.isDirectory() ? 'dir' : stat.isSymbolicLink() ? 'link' : 'other';
  const mode = stat.mode & 0o7777;
  if (kind === 'link') return { kind, mode, bytes: readlinkSync(path, { encoding: 'buffer' }) };
  if (kind !== 'file') return { kind, mode, bytes: Buffer.alloc(0) };
  // The owner may have lost the right to read it.
  if ((mode & 0o400) === 0) chmodSync(path, 0o600);
  return { kind, mode, bytes: readFileSync(path) };
}

/** Names are bytes: those that are no UTF-8 appear in the tree as Latin-1. */
export function readTree(root: string): Tree {
  const tree = new Map<string, Found>();
  const walk = (dir: Buffer, prefix: string): void => {
    for (const name of readdirSync(dir, { encoding: 'buffer' }).sort((a, b) => a.compare(b))) {
      const path = Buffer.concat([dir, Buffer.from('/'), name]);
      const found = readEntry(path);
      const shown = prefix + name.toString(isUtf8(name) ? 'utf8' : 'latin1');
      tree.set(shown, found);
      if (found.kind === 'dir') walk(path, `${shown}/`);
    }
  };
  walk(Buffer.from(root), '');
  return tree;
}

/** Removes it although directories in it may be locked. */
export function removeTree(root: string): void {
  const unlock = (dir: string): void => {
    for (const entry of readdirSync(dir, { withFileTypes: true })) {
      if (!entry.isDirectory()) continue;
      chmodSync(join(dir, entry.name), 0o700);
      unlock(join(dir, entry.name));
    }
  };
  if (lstatSync(root, { throwIfNoEntry: false })?.isDirectory() === true) unlock(root);
  rmSync(root, { recursive: true, force: true });
}
