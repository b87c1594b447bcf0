// What the disk looks like from the side of names: which directories exist, where symlinks lead, which names a directory
// holds. A directory is looked at once per moment, and its listing is kept as long as its own times stay the same, so that
// «no such header here» costs no system call of its own.
import { readdirSync, readlinkSync } from 'node:fs';
import type { Remembered } from '../../compiler/types.ts';
import type { Identity } from './identity.ts';
import { tryLstat, tryStat } from '../stat.ts';
import { identityOf, isSettled, sameIdentity } from './identity.ts';

export interface Link {
  readonly path: string;
  readonly target: string;
}

type Kind = 'file' | 'directory' | 'link';
type Answer = 'file' | 'directory' | 'none';

/** A directory's path as spelled. Entries of the same real directory share the `real` one, which keeps the listing. */
export interface DirectoryEntry {
  readonly path: string;
  readonly parent: DirectoryEntry | null;
  readonly name: string;
  checkedAt: number;
  busy: boolean;
  /** The entry of the real path; null: there is no such directory. */
  real: DirectoryEntry | null;
  /** Set when the last component, below its real parent, is a symlink. */
  link: Link | null;
  /** Grows when `real` becomes another. */
  realStamp: number;
  identity: Identity | null;
  listing: ReadonlyMap<string, Kind> | 'closed' | null;
  listedAs: Identity | null;
  /** Names that were asked for, and what was said. */
  readonly asked: Map<string, Answer>;
  askedLinks: number;
  namesCheckedAt: number;
  /** Grows when an answer about a name becomes another. */
  namesStamp: number;
  misses: number;
}

/** What a remembered answer rests on. */
interface Ground {
  readonly entry: DirectoryEntry;
  readonly realStamp: number;
  /** -1: no name in it was asked for. */
  readonly namesStamp: number;
}

export interface DirectoryListener {
  /** Nothing is there any more, or something else. */
  pathGone(path: string): void;
  /** The same for everything below. */
  directoryGone(path: string): void;
}

/** Reading a directory pays for itself from the second name that is not in it. */
const MISSES_BEFORE_LISTING = 1;

export class DirectoryTable {
  readonly #listener: DirectoryListener;
  readonly #entries = new Map<string, DirectoryEntry>();
  /** For each `remember` under way: the entries it rests on, and whether on names in them. */
  readonly #recordings: Map<DirectoryEntry, boolean>[] = [];
  #moment = 1;

  constructor(listener: DirectoryListener) {
    this.#listener = listener;
  }

  get moment(): number {
    return this.#moment;
  }

  get size(): number {
    return this.#entries.size;
  }

  beginMoment(): void {
    this.#moment++;
  }

  /** The state of an absolute path taken as a directory, now. */
  at(path: string): DirectoryEntry {
    const entry = this.#entry(path);
    this.#check(entry);
    this.#record(entry, false);
    return entry;
  }

  /** What `name` in `dir` is, symlinks followed. */
  ask(dir: DirectoryEntry, name: string): Answer {
    const real = dir.real;
    if (real === null) return 'none';
    if (name === '' || name === '.' || name === '..') return 'directory';
    this.#checkNames(real);
    this.#record(real, true);
    const known = real.asked.get(name);
    if (known !== undefined) return known;
    const answer = this.#look(real, name);
    if (answer === 'none') this.#listener.pathGone(childPath(real, name));
    real.asked.set(name, answer);
    if (this.#isVolatile(real, name)) real.askedLinks++;
    return answer;
  }

  /** The symlink that `name` in `dir` is, or null. */
  linkAt(dir: DirectoryEntry, name: string): Link | null {
    const { real } = dir;
    if (real === null || name === '' || name === '.' || name === '..') return null;
    const path = childPath(real, name);
    if (this.#isListed(real)) {
      const kind = (real.listing as ReadonlyMap<string, Kind>).get(name);
      return kind === 'link' ? readLink(path) : null;
    }
    return tryLstat(path)?.isSymbolicLink() ? readLink(path) : null;
  }

  remember<T>(work: () => T): Remembered<T> {
    const grounds = new Map<DirectoryEntry, boolean>();
    this.#recordings.push(grounds);
    let value: T;
    try {
      value = work();
    } finally {
      this.#recordings.pop();
    }
    const rests: Ground[] = [];
    for (const [entry, names] of grounds) {
      this.#record(entry, names);
      rests.push({ entry, realStamp: entry.realStamp, namesStamp: names ? entry.namesStamp : -1 });
    }
    return { value, holds: () => this.#hold(rests) };
  }

  #hold(rests: readonly Ground[]): boolean {
    for (const { entry, realStamp, namesStamp } of rests) {
      if (entry.checkedAt !== this.#moment) this.#check(entry);
      if (entry.realStamp !== realStamp) return false;
      if (namesStamp >= 0) {
        if (entry.namesCheckedAt !== this.#moment) this.#checkNames(entry);
        if (entry.namesStamp !== namesStamp) return false;
      }
    }
    if (this.#recordings.length > 0) for (const { entry, namesStamp } of rests) this.#record(entry, namesStamp >= 0);
    return true;
  }

  #record(entry: DirectoryEntry, names: boolean): void {
    const grounds = this.#recordings.at(-1);
    if (grounds === undefined) return;
    if (names) grounds.set(entry, true);
    else if (!grounds.has(entry)) grounds.set(entry, false);
  }

  #entry(path: string): DirectoryEntry {
    const known = this.#entries.get(path);
    if (known !== undefined) return known;
    const slash = path.lastIndexOf('/');
    const parent = path === '/' ? null : this.#entry(slash <= 0 ? '/' : path.slice(0, slash));
    const entry = newEntry(path, parent, path.slice(slash + 1));
    this.#entries.set(path, entry);
    return entry;
  }

  /** Brings `real`, `link` and `identity` up to date for this moment. */
  #check(entry: DirectoryEntry): void {
    if (entry.checkedAt === this.#moment) return;
    if (entry.busy) return; // A symlink that leads back to itself: no directory.
    entry.busy = true;
    const real = this.#resolve(entry);
    entry.busy = false;
    entry.checkedAt = this.#moment;
    if (real === entry.real) return;
    if (entry.real === entry) this.#listener.directoryGone(entry.path);
    entry.real = real;
    entry.realStamp++;
  }

  #resolve(entry: DirectoryEntry): DirectoryEntry | null {
    const { parent, name } = entry;
    if (parent === null) {
      entry.identity = identityOrNull(entry.path);
      return entry;
    }
    this.#check(parent);
    const above = parent.real;
    if (above === null) return null;
    if (name === '' || name === '.') return above;
    if (name === '..') {
      const up = above.parent ?? above;
      this.#check(up);
      return up.real;
    }
    if (above === parent) return this.#resolveReal(entry, above);
    const same = this.#entry(childPath(above, name));
    if (same.busy) return null;
    this.#check(same);
    return same.real;
  }

  /** `entry` lies directly below its real parent: the disk itself must be asked. */
  #resolveReal(entry: DirectoryEntry, above: DirectoryEntry): DirectoryEntry | null {
    const before = entry.link;
    const found = this.#lookAtDisk(entry, above);
    const link = found !== null && 'target' in found ? found : null;
    entry.link = link !== null && link.target === before?.target ? before : link;
    if (before !== null && entry.link !== before) this.#listener.pathGone(before.path);
    if (entry.link === null) return found === entry ? entry : null;
    const target = this.targetOf(entry.link);
    if (target.busy) return null;
    this.#check(target);
    return target.real;
  }

  /** The entry itself for a directory, a link for a link, null for anything else. */
  #lookAtDisk(entry: DirectoryEntry, above: DirectoryEntry): DirectoryEntry | Link | null {
    if (this.#isListed(above) && !(above.listing as ReadonlyMap<string, Kind>).has(entry.name)) return null;
    const stats = tryLstat(entry.path);
    if (stats === null && ++above.misses > MISSES_BEFORE_LISTING) this.#list(above);
    if (stats?.isSymbolicLink()) return readLink(entry.path);
    if (!stats?.isDirectory()) return null;
    entry.identity = identityOf(stats);
    return entry;
  }

  /** The directory entry that a symlink's target spells (it may be absent, or a file). */
  targetOf(link: Link): DirectoryEntry {
    if (link.target.startsWith('/')) return this.#entry(link.target.replace(/(?<=.)\/+$/, ''));
    const dir = link.path.slice(0, link.path.lastIndexOf('/'));
    return this.#entry(`${dir}/${link.target.replace(/\/+$/, '')}`);
  }

  /** Whether a listing exists that is true now. */
  #isListed(real: DirectoryEntry): boolean {
    return (
      real.listing !== null &&
      real.listing !== 'closed' &&
      (real.namesCheckedAt === this.#moment ||
        (real.listedAs !== null && real.identity !== null && sameIdentity(real.listedAs, real.identity)))
    );
  }

  /** Brings the answers about names in a real directory up to date for this moment. */
  #checkNames(real: DirectoryEntry): void {
    if (real.namesCheckedAt === this.#moment) return;
    if (real.checkedAt !== this.#moment) this.#check(real);
    if (real.real !== real) {
      real.listing = null;
      real.listedAs = null;
      real.namesCheckedAt = this.#moment;
      return;
    }
    if (!this.#isListed(real)) this.#list(real);
    else if (real.askedLinks > 0) this.#reviewAnswers(real);
    real.namesCheckedAt = this.#moment;
  }

  #list(real: DirectoryEntry): void {
    const readAtMs = Date.now();
    // The identity is older than the listing: a change between the two shows as another identity next time.
    const before = real.listing;
    const identity = real.identity;
    const listing = readListing(real.path);
    real.listing = listing;
    real.listedAs = identity !== null && isSettled(identity, readAtMs) ? identity : null;
    real.namesCheckedAt = this.#moment;
    if (before instanceof Map && listing instanceof Map) {
      for (const [name, kind] of before) {
        if (listing.get(name) !== kind) this.#listener.pathGone(childPath(real, name));
      }
    }
    this.#reviewAnswers(real);
  }

  /** Answers again every question that was asked about names in this directory. */
  #reviewAnswers(real: DirectoryEntry): void {
    let changed = false;
    let links = 0;
    for (const [name, before] of real.asked) {
      const now = this.#look(real, name);
      if (this.#isVolatile(real, name)) links++;
      if (now === before) continue;
      real.asked.set(name, now);
      changed = true;
    }
    real.askedLinks = links;
    if (changed) real.namesStamp++;
  }

  #isVolatile(real: DirectoryEntry, name: string): boolean {
    return !(real.listing instanceof Map) || real.listing.get(name) === 'link';
  }

  #look(real: DirectoryEntry, name: string): Answer {
    const kind = real.listing instanceof Map ? real.listing.get(name) : 'link';
    if (kind === undefined) return 'none';
    if (kind !== 'link') return kind;
    const stats = tryStat(childPath(real, name));
    return stats === null ? 'none' : stats.isDirectory() ? 'directory' : 'file';
  }
}

function newEntry(path: string, parent: DirectoryEntry | null, name: string): DirectoryEntry {
  return {
    path,
    parent,
    name,
    checkedAt: 0,
    busy: false,
    real: null,
    link: null,
    realStamp: 0,
    identity: null,
    listing: null,
    listedAs: null,
    asked: new Map(),
    askedLinks: 0,
    namesCheckedAt: 0,
    namesStamp: 0,
    misses: 0,
  };
}

/** The path of `name` in a real directory. */
export function childPath(dir: DirectoryEntry, name: string): string {
  return dir.path === '/' ? `/${name}` : `${dir.path}/${name}`;
}

function identityOrNull(path: string): Identity | null {
  const stats = tryLstat(path);
  return stats === null ? null : identityOf(stats);
}

function readLink(path: string): Link | null {
  try {
    return { path, target: readlinkSync(path) };
  } catch {
    return null;
  }
}

/** The names in a directory; `closed` when they may not be listed (single ones may still be looked up). */
function readListing(path: string): ReadonlyMap<string, Kind> | 'closed' {
  const listing = new Map<string, Kind>();
  try {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      listing.set(entry.name, entry.isDirectory() ? 'directory' : entry.isSymbolicLink() ? 'link' : 'file');
    }
  } catch {
    return 'closed';
  }
  return listing;
}
