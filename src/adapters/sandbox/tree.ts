// One tree: a directory that holds a client's files at the client's own paths, filled by hard links as tasks need them.
// What is placed is remembered in memory, so a warm task costs a look-up per file and no system call; and no symbolic link of a
// client is ever followed on the host, because every ancestor of a placed path is a directory that this file made.
import fs from 'node:fs';
import { err, ok, type Result } from '../../base/result.ts';
import { findPathFault, findTargetFault, initDir, parentOf, show, tmpDir } from './paths.ts';
import type { BlobSource, ChildEntry, TreeError, TreeFile, TreeRequest, TreeSymlink } from './types.ts';

const maxEntries = 400_000;
const maxLinksFollowed = 40;

type Outcome = Result<void, TreeError>;
const done: Outcome = ok(undefined);

export class Tree {
  readonly root: string;
  private readonly blobs: BlobSource;
  /** Digest → the file that was placed with it first, which shares its inode with the store. */
  private readonly firsts = new Map<string, TreeFile>();
  /** Path → digest, path → target, and the directories that exist. */
  private readonly files = new Map<string, string>();
  private readonly links = new Map<string, string>();
  private readonly dirs = new Set<string>(['/']);

  /** Makes the tree's directory with the sandbox's mount points. Throws what the file system throws. */
  constructor(root: string, blobs: BlobSource) {
    this.root = root;
    this.blobs = blobs;
    // Not among `dirs`: no client may name them.
    for (const dir of ['', '/proc', '/dev', parentOf(initDir), initDir, tmpDir]) this.makeDir(dir);
    for (const device of ['null', 'zero', 'urandom']) fs.writeFileSync(`${root}/dev/${device}`, '');
    fs.symlinkSync('urandom', `${root}/dev/random`);
    fs.symlinkSync('/proc/self/fd', `${root}/dev/fd`);
    for (const [fd, name] of ['stdin', 'stdout', 'stderr'].entries()) {
      fs.symlinkSync(`/proc/self/fd/${fd}`, `${root}/dev/${name}`);
    }
  }

  /** Makes all that the request names exist; places nothing when bytes are missing. */
  place(request: TreeRequest): Outcome {
    const fresh: TreeFile[] = [];
    const absent = new Set<string>();
    for (const file of request.files) {
      const placed = this.files.get(file.path);
      if (placed === undefined) {
        fresh.push(file);
        if (!this.blobs.has(file.digest)) absent.add(file.digest);
      } else if (placed !== file.digest) {
        return err(conflict(file.path, 'has two contents in one epoch'));
      }
    }
    if (absent.size > 0) {
      return err({ code: 'missing', digests: [...absent], message: `${absent.size} files are not here yet` });
    }
    for (const link of request.symlinks) {
      const placed = this.placeLink(link);
      if (!placed.ok) return placed;
    }
    for (const file of fresh) {
      const placed = this.placeFile(file);
      if (!placed.ok) return placed;
    }
    for (const dir of request.dirs) {
      const made = this.dirs.has(dir) ? done : this.ensureDir(dir);
      if (!made.ok) return made;
    }
    return done;
  }

  /** Makes a directory exist where `path` leads inside the tree; gives that place. */
  ensureDir(path: string): Result<string, TreeError> {
    if (this.dirs.has(path)) return ok(path);
    const fault = path === '/' ? null : findPathFault(path);
    if (fault !== null) return err(badPath(path, fault));
    const real = this.follow(path);
    if (real === null) return err(conflict(path, 'leads through a circle of symbolic links'));
    const realFault = real === '/' ? null : findPathFault(real);
    if (realFault !== null) return err(badPath(path, `leads to ${show(real)}, which ${realFault}`));
    const made = this.makeDirs(real);
    return made.ok ? ok(real) : made;
  }

  /** What these entries put directly into `dir`, each name once. */
  childrenOf(dir: string, request: TreeRequest, also: readonly string[]): readonly ChildEntry[] {
    const prefix = dir === '/' ? '/' : `${dir}/`;
    const children = new Map<string, ChildEntry>();
    const add = (path: string): void => {
      if (!path.startsWith(prefix) || path === prefix) return;
      const end = path.indexOf('/', prefix.length);
      const name = end === -1 ? path.slice(prefix.length) : path.slice(prefix.length, end);
      if (children.has(name)) return;
      const target = this.links.get(prefix + name);
      if (target !== undefined) children.set(name, { kind: 'symlink', name, target });
      else children.set(name, { kind: this.files.has(prefix + name) ? 'file' : 'dir', name });
    };
    for (const file of request.files) add(file.path);
    for (const link of request.symlinks) add(link.path);
    for (const path of request.dirs) add(path);
    for (const path of also) add(path);
    return [...children.values()];
  }

  private placeFile(file: TreeFile): Outcome {
    const { path, digest } = file;
    const fault = this.findFault(path);
    if (fault) return err(fault);
    if (this.files.get(path) === digest) return done; // twice in one request
    if (this.files.has(path)) return err(conflict(path, 'has two contents in one epoch'));
    if (this.links.has(path)) return err(conflict(path, 'is a symbolic link and a file in one epoch'));
    if (this.dirs.has(path)) return err(conflict(path, 'is a directory and a file in one epoch'));
    const parent = this.makeDirs(parentOf(path));
    if (!parent.ok) return parent;
    const first = this.firsts.get(digest);
    if (first !== undefined && !sameFile(first, file)) {
      const copied = attempt(path, () => this.copyTwin(first, file));
      if (!copied.ok) return copied;
    } else {
      const linked = this.blobs.link(digest, this.root + path);
      if (!linked.ok) {
        const { code, message } = linked.error;
        if (code === 'missing') return err({ code, digests: [digest], message });
        return err({ code: code === 'disk-full' ? code : 'io', path, message });
      }
      if (first === undefined) this.firsts.set(digest, file);
    }
    this.files.set(path, digest);
    return done;
  }

  /** Compilers know files by inode, and equal ones by their times: what are two files there must be two here. */
  private copyTwin(first: TreeFile, twin: TreeFile): void {
    const to = this.root + twin.path;
    fs.copyFileSync(this.root + first.path, to, fs.constants.COPYFILE_FICLONE | fs.constants.COPYFILE_EXCL);
    const { mtimeMs } = fs.statSync(this.root + first.path);
    const apart = (twin.modifiedS ?? 0) - (first.modifiedS ?? 0);
    fs.utimesSync(to, mtimeMs / 1000, Math.floor(mtimeMs / 1000) + apart);
  }

  private placeLink(link: TreeSymlink): Outcome {
    const { path, target } = link;
    if (this.links.get(path) === target) return done;
    const targetFault = findTargetFault(target);
    const fault = targetFault === null ? this.findFault(path) : badPath(path, targetFault);
    if (fault) return err(fault);
    if (this.links.has(path)) return err(conflict(path, 'points to two places in one epoch'));
    if (this.files.has(path)) return err(conflict(path, 'is a file and a symbolic link in one epoch'));
    if (this.dirs.has(path)) return err(conflict(path, 'is a directory and a symbolic link in one epoch'));
    const parent = this.makeDirs(parentOf(path));
    if (!parent.ok) return parent;
    const made = attempt(path, () => fs.symlinkSync(target, this.root + path));
    if (made.ok) this.links.set(path, target);
    return made;
  }

  private findFault(path: string): TreeError | null {
    const fault = findPathFault(path);
    if (fault !== null) return badPath(path, fault);
    if (this.files.size + this.links.size + this.dirs.size < maxEntries) return null;
    return { code: 'too-large', path, message: `the tree has ${maxEntries} entries; a new epoch starts a new one` };
  }

  /** Makes `path` and its ancestors; every one of them must be a directory, never a link. */
  private makeDirs(path: string): Outcome {
    if (this.dirs.has(path)) return done;
    const fault = this.findFault(path);
    if (fault) return err(fault);
    if (this.links.has(path)) return err(conflict(path, 'is a symbolic link with files below it'));
    if (this.files.has(path)) return err(conflict(path, 'is a file with files below it'));
    const parent = this.makeDirs(parentOf(path));
    if (!parent.ok) return parent;
    const made = attempt(path, () => this.makeDir(path));
    if (made.ok) this.dirs.add(path);
    return made;
  }

  private makeDir(path: string): void {
    fs.mkdirSync(this.root + path);
    // The task may run as another user, and the agent's umask is not ours to choose.
    fs.chmodSync(this.root + path, 0o755);
  }

  /** Follows the tree's own links, in memory. Null: too many. */
  private follow(path: string): string | null {
    let left = path.split('/').filter((name) => name !== '');
    let at = '';
    for (let followed = 0; left.length > 0;) {
      const name = left.shift() ?? '';
      if (name === '.' || name === '') continue;
      if (name === '..') {
        at = at === '' ? '' : at.slice(0, at.lastIndexOf('/'));
        continue;
      }
      const target = this.links.get(`${at}/${name}`);
      if (target === undefined) {
        at = `${at}/${name}`;
        continue;
      }
      if (++followed > maxLinksFollowed) return null;
      if (target.startsWith('/')) at = '';
      left = [...target.split('/'), ...left];
    }
    return at === '' ? '/' : at;
  }
}

function sameFile(a: TreeFile, b: TreeFile): boolean {
  return a.inode !== undefined && a.inode !== 0 && a.inode === b.inode && a.modifiedS === b.modifiedS;
}

function conflict(path: string, what: string): TreeError {
  return { code: 'conflict', path, message: `${show(path)} ${what}` };
}

function badPath(path: string, fault: string): TreeError {
  return { code: 'bad-path', path, message: `${show(path)} ${fault}` };
}

function attempt(path: string, work: () => void): Outcome {
  try {
    work();
    return done;
  } catch (thrown) {
    return err(explainTreeError(path, thrown));
  }
}

/** What the file system threw while `path` was being made, as a tree's failure. */
export function explainTreeError(path: string, thrown: unknown): TreeError {
  const errno = thrown instanceof Error ? (thrown as NodeJS.ErrnoException).code : undefined;
  const full = errno === 'ENOSPC' || errno === 'EDQUOT';
  const why = thrown instanceof Error ? thrown.message : String(thrown);
  return {
    code: full ? 'disk-full' : 'io',
    path,
    message: full ? `no room on the disk for ${show(path)}` : `cannot make ${show(path)}: ${why}`,
  };
}
