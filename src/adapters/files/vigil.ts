// Whether files and names stayed untouched while something else read them. To find them afterwards as they were before is not
// enough: a file may have been another for a while. Times and inodes tell of that, and watches where names come and go.
import type { Remembered } from '../../compiler/types.ts';
import { identityOrNull } from './directory-entry.ts';
import type { DirectoryEntry, Link } from './directory-entry.ts';
import { isSettled, sameIdentity } from './identity.ts';
import type { Identity } from './identity.ts';
import type { Watches } from './watches.ts';

export interface WatchedOver<T> extends Remembered<T> {
  /**
   * Begins to watch over all that the answer rests on. What it gives is to be asked in a moment that began `anew`: whether
   * nothing of that was changed since a while before the call, not even for a time. When in doubt, it was.
   */
  watchOver(): () => boolean;
}

/** Notes what `identityNow` says of each; gives whether it says the same later, and no change is younger than this call. */
export function sameAsBefore<T>(things: readonly T[], identityNow: (thing: T) => Identity | null): () => boolean {
  const startMs = Date.now();
  const before = things.map(identityNow);
  return () =>
    things.every((thing, index) => {
      const was = before[index] ?? null;
      const is = identityNow(thing);
      if (was === null || is === null) return was === is;
      return sameIdentity(was, is) && isSettled(is, startMs);
    });
}

const directoryNow = ({ path }: DirectoryEntry): Identity | null => identityOrNull(path);

/**
 * For all directories that an answer rests on, and whether on names in them, those on the way to them included: what `sameAsBefore` says for files. `isToldSince`:
 * whether a watch has told of the directory's own name, or of a name in it that counts.
 */
export function watchDirectories(
  directories: ReadonlyMap<DirectoryEntry, boolean>,
  targetOf: (link: Link) => DirectoryEntry,
  watches: Watches | null,
  isToldSince: (directory: DirectoryEntry) => boolean,
): () => boolean {
  const isWatched = ({ path }: DirectoryEntry): boolean => watches?.isWatched(path) === true;
  const met = new Set<DirectoryEntry>();
  /** Names in them count. */
  const answering = new Set<DirectoryEntry>();
  /** Without a watch, and only their being where they are counts: a move shows in their own times and in those above. */
  const places: DirectoryEntry[] = [];
  const visit = (entry: DirectoryEntry): void => {
    if (met.has(entry)) return;
    met.add(entry);
    const { parent, real, link } = entry;
    if (parent !== null) visit(parent);
    if (real !== null) visit(real);
    if (link !== null) visit(targetOf(link));
    const above = parent?.real ?? null;
    // What . and .. lead to hangs on no name in their directory.
    if (above === null || entry.name === '.' || entry.name === '..') return;
    // A directory that is watched tells itself when it is moved away; of a link, and of what is not there, its directory tells.
    if (real !== entry) answering.add(above);
    else if (!isWatched(entry) && !isWatched(above)) places.push(entry);
  };
  for (const [entry, names] of directories) {
    visit(entry);
    if (names) answering.add(entry);
  }
  for (const entry of answering) visit(entry);
  const names = [...answering].filter((entry) => !isWatched(entry));
  const checks = names.map((entry) => sameAsBefore([entry], directoryNow));
  for (const entry of places) {
    const [own, above] = [entry, entry.parent?.real ?? entry].map((each) => sameAsBefore([each], directoryNow));
    checks.push(() => own?.() === true || above?.() === true);
  }
  return () => checks.every((check) => check()) && ![...met].some(isToldSince);
}
