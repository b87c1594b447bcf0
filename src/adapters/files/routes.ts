// Where spelled paths lead: link by link, as the kernel walks them, with all that is met on the way.
import { childPath } from './directory-entry.ts';
import type { DirectoryEntry, Link } from './directory-entry.ts';
import type { DirectoryTable } from './directory-table.ts';

/** Where a spelled path leads, and what is met on the way. */
export interface Route<File> {
  readonly links: readonly Link[];
  /** Directories that the walk leaves again by `..`. */
  readonly passed: readonly string[];
  readonly file: File | null;
  readonly directory: string | null;
}

const MAX_LINKS = 40;

/** Walks an absolute path. `fileAt`: the file at a path whose directory is real, null when there is none that can be read. */
export function findRoute<File>(
  spelled: string,
  directories: DirectoryTable,
  fileAt: (path: string) => File | null,
): Route<File> {
  const links: Link[] = [];
  const passed: string[] = [];
  const nowhere: Route<File> = { links, passed, file: null, directory: null };
  let path = spelled;
  for (let followed = 0; followed < MAX_LINKS; followed++) {
    const slash = path.lastIndexOf('/');
    const dir = directories.at(slash <= 0 ? '/' : path.slice(0, slash));
    walk(directories, dir, { links, passed });
    if (dir.real === null) return nowhere;
    const name = path.slice(slash + 1);
    const link = directories.linkAt(dir, name);
    if (link === null) {
      const file = name === '' || name === '.' || name === '..' ? null : fileAt(childPath(dir.real, name));
      if (file !== null) return { ...nowhere, file };
      const asDirectory = directories.at(path);
      walk(directories, asDirectory, { links, passed });
      return { ...nowhere, directory: asDirectory.real?.path ?? null };
    }
    links.push(link);
    path = directories.targetOf(link).path;
  }
  return nowhere;
}

/** Adds what resolving a directory's spelled path meets: symlinks, and what a `..` leaves behind. */
function walk(
  directories: DirectoryTable,
  entry: DirectoryEntry,
  met: { readonly links: Link[]; readonly passed: string[] },
  depth = 0,
): void {
  if (entry.real === entry || entry.parent === null || depth > MAX_LINKS) return;
  // Asked for by its path, so that a route rests on every link that it tells.
  directories.at(entry.path);
  walk(directories, entry.parent, met, depth);
  const above = entry.parent.real;
  if (above === null) return;
  if (entry.name === '..') met.passed.push(above.path);
  if (entry.name === '' || entry.name === '.' || entry.name === '..') return;
  const here = above === entry.parent ? entry : directories.at(childPath(above, entry.name));
  if (here.link === null) return;
  met.links.push(here.link);
  const target = directories.targetOf(here.link);
  walk(directories, directories.at(target.path), met, depth + 1);
}
