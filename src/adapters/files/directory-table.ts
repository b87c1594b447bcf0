// What the disk looks like from the side of names: which directories exist, where symlinks lead, which names a directory
// holds. A directory is looked at once per moment, and not even that while a watch says that nothing changed; its listing is
// kept as long as its own times stay the same, so that «no such header here» costs no system call of its own.
import { tryLstat } from '../stat.ts';
import {
  answerFor,
  childPath,
  DIRECTORY,
  FILE,
  identityOrNull,
  kindOf,
  newEntry,
  NONE,
  readLink,
  readListing,
} from './directory-entry.ts';
import type { Answer, DirectoryEntry, Kind, Known, Link } from './directory-entry.ts';
import { identityOf, isSettled, sameIdentity, type Identity } from './identity.ts';
import { directoriesOf, NO_NAMES, Recorder, type Grounds } from './recorder.ts';
import { watchDirectories } from './vigil.ts';
import type { Watches } from './watches.ts';

/** Above this many names that changed, reading a listing again is cheaper. */
const MAX_STALE = 64;

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
  readonly #watches: Watches | null;
  readonly #entries = new Map<string, DirectoryEntry>();
  readonly #recorder = new Recorder();
  #moment = 1;
  /** What was trusted under another number is not any more. */
  #trust = 1;
  /** Grows when a watch tells of anything that was asked for, and when watches are not believed any more. */
  #version = 1;
  /** Counts what watches tell of names that were asked for. */
  #tells = 0;
  /** What was told up to here may not be all. */
  #lostAt = 0;

  constructor(listener: DirectoryListener, watches: Watches | null = null) {
    this.#listener = listener;
    this.#watches = watches;
  }

  get trust(): number {
    return this.#trust;
  }

  /** From here on everything is looked at again, watched or not. */
  distrust(): void {
    this.#trust++;
    this.#version++;
  }

  /** Whether changes of names in this real directory are told. */
  watch(real: DirectoryEntry): boolean {
    if (this.#watches === null) return false;
    if (this.#watches.isWatched(real.path)) return true;
    const identity = real.identity ?? identityOrNull(real.path);
    return identity !== null && this.#watches.watch(real.path, identity.dev);
  }

  /** A watch tells that `name` in `dir` changed; null: that nothing is known of `dir` any more. */
  told(dir: string, name: string | null): void {
    const real = this.#entries.get(dir);
    if (real === undefined) return;
    if (name === null) {
      real.listTrust = 0;
      real.trust = 0;
      real.toldAt = ++this.#tells;
      this.distrust();
      return;
    }
    const child = this.#entries.get(childPath(real, name));
    if (child !== undefined) {
      child.trust = 0;
      child.toldAt = ++this.#tells;
    }
    if (real.asked.has(name)) real.toldAt = ++this.#tells;
    if (child !== undefined || real.asked.has(name)) this.#version++;
    real.stale.add(name);
    if (real.stale.size > MAX_STALE) {
      real.stale.clear();
      real.listTrust = 0;
    }
  }

  /** Watches may have told less than has happened. */
  lostSight(): void {
    this.#lostAt = ++this.#tells;
  }

  get moment(): number {
    return this.#moment;
  }

  beginMoment(): void {
    this.#moment++;
  }

  /** The state of an absolute path taken as a directory, now. */
  at(path: string): DirectoryEntry {
    const entry = this.#entry(path);
    this.#check(entry);
    this.#recorder.note(entry, false);
    return entry;
  }

  /** What `name` in `dir` is, symlinks followed. */
  ask(dir: DirectoryEntry, name: string): Answer {
    return this.#know(dir, name).answer;
  }

  /** The symlink that `name` in `dir` is, or null. */
  linkAt(dir: DirectoryEntry, name: string): Link | null {
    return this.#know(dir, name).link;
  }

  #know(dir: DirectoryEntry, name: string): Known {
    const { real } = dir;
    if (real === null) return NONE;
    if (name === '' || name === '.' || name === '..') return DIRECTORY;
    this.#checkNames(real);
    this.#recorder.note(real, true);
    const known = real.asked.get(name);
    if (known !== undefined) return known;
    const found = this.#look(real, name);
    if (found.answer === 'none') this.#listener.pathGone(childPath(real, name));
    real.asked.set(name, found);
    if (this.#isVolatile(real, name)) real.askedLinks++;
    return found;
  }

  /** Runs `work` and gives what it rests on. */
  record<T>(work: () => T): { value: T; grounds: Grounds } {
    return this.#recorder.record(work);
  }

  /** As `WatchedOver` says. */
  watchOver(grounds: Grounds): () => boolean {
    const since = this.#tells;
    const targetOf = (link: Link): DirectoryEntry => this.targetOf(link);
    const untouched = watchDirectories(directoriesOf(grounds), targetOf, this.#watches, ({ toldAt }) => toldAt > since);
    return () => (this.#watches === null || this.#lostAt <= since) && untouched();
  }

  /** Whether all that an answer rests on is as it was. */
  hold(grounds: Grounds): boolean {
    if (!this.#isTrue(grounds)) return false;
    this.#recorder.notePart(grounds);
    return true;
  }

  #isTrue(grounds: Grounds): boolean {
    if (grounds.verified === this.#version || grounds.heldAt === this.#moment) return true;
    const { entries, stamps, parts } = grounds;
    if (!parts.every((part) => this.#isTrue(part))) return false;
    let sound = parts.every(({ verified }) => verified === this.#version);
    for (let at = 0; at < stamps.length; at += 2) {
      const entry = entries[at >> 1] as DirectoryEntry;
      if (entry.checkedAt !== this.#moment) this.#check(entry);
      if (entry.realStamp !== stamps[at]) return false;
      if (!entry.sound) sound = false;
      if (stamps[at + 1] === NO_NAMES) continue;
      if (entry.namesCheckedAt !== this.#moment) this.#checkNames(entry);
      if (entry.namesStamp !== stamps[at + 1]) return false;
      if (entry.listTrust !== this.#trust || entry.askedLinks > 0) sound = false;
    }
    grounds.heldAt = this.#moment;
    if (sound) grounds.verified = this.#version;
    return true;
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
    entry.sound = true;
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
    if (parent === null) return entry;
    const above = this.#resolveThrough(entry, parent);
    if (above === null) return null;
    if (name === '' || name === '.') return above;
    if (name === '..') return this.#resolveThrough(entry, above.parent ?? above);
    if (above === parent) return this.#resolveReal(entry, above);
    return this.#resolveThrough(entry, this.#entry(childPath(above, name)));
  }

  /** Where `other` leads, on which `entry` rests; null for nowhere, and for a circle. */
  #resolveThrough(entry: DirectoryEntry, other: DirectoryEntry): DirectoryEntry | null {
    if (other.busy) {
      entry.sound = false;
      return null;
    }
    this.#check(other);
    if (!other.sound) entry.sound = false;
    return other.real;
  }

  /** `entry` lies directly below its real parent: the disk itself must be asked. */
  #resolveReal(entry: DirectoryEntry, above: DirectoryEntry): DirectoryEntry | null {
    const before = entry.link;
    const found = this.#lookUnlessTrusted(entry, above);
    const link = found !== null && 'target' in found ? found : null;
    entry.link = link !== null && link.target === before?.target ? before : link;
    if (before !== null && entry.link !== before) this.#listener.pathGone(before.path);
    if (entry.link !== before) entry.realStamp++;
    if (entry.link === null) return found === entry ? entry : null;
    return this.#resolveThrough(entry, this.targetOf(entry.link));
  }

  /** The watch comes first: a change between the two is told, and then looked at once more. */
  #lookUnlessTrusted(entry: DirectoryEntry, above: DirectoryEntry): DirectoryEntry | Link | null {
    const watched = this.watch(above);
    if (watched && entry.trust === this.#trust) return entry.seen;
    const before = entry.seen;
    entry.seen = this.#lookAtDisk(entry, above);
    if (watched) entry.trust = this.#trust;
    else entry.sound = false;
    if (before !== entry.seen) entry.listTrust = 0;
    return entry.seen;
  }

  /** The entry itself for a directory, a link for a link, null for anything else. */
  #lookAtDisk(entry: DirectoryEntry, above: DirectoryEntry): DirectoryEntry | Link | null {
    if (this.#isListed(above) && !(above.listing as ReadonlyMap<string, Kind>).has(entry.name)) return null;
    const stats = tryLstat(entry.path);
    if (stats === null && ++above.misses > MISSES_BEFORE_LISTING) this.#list(above);
    if (stats?.isSymbolicLink()) return readLink(entry.path);
    if (!stats?.isDirectory()) return null;
    const identity = identityOf(stats);
    // Another directory under the same name: its watch is not on it.
    if (entry.identity !== null && (entry.identity.ino !== identity.ino || entry.identity.dev !== identity.dev)) {
      entry.listTrust = 0;
      this.#watches?.unwatch(entry.path);
    } else if (entry.identity?.ctimeNs !== identity.ctimeNs && entry.identity?.mtimeNs === identity.mtimeNs) {
      // Another mode: what could be listed may be closed now.
      entry.listTrust = 0;
    }
    entry.identity = identity;
    entry.identityAt = this.#moment;
    return entry;
  }

  /** The identity of a real directory as it is in this moment. */
  #identityNow(real: DirectoryEntry): Identity | null {
    if (real.identityAt !== this.#moment) {
      real.identity = identityOrNull(real.path);
      real.identityAt = this.#moment;
    }
    return real.identity;
  }

  /** The directory entry that a symlink's target spells (it may be absent, or a file). */
  targetOf(link: Link): DirectoryEntry {
    if (link.target.startsWith('/')) return this.#entry(link.target.replace(/(?<=.)\/+$/, ''));
    const dir = link.path.slice(0, link.path.lastIndexOf('/'));
    return this.#entry(`${dir}/${link.target.replace(/\/+$/, '')}`);
  }

  /** Whether a listing exists that is true now. */
  #isListed(real: DirectoryEntry): boolean {
    if (real.listing === null || real.listing === 'closed') return false;
    if (real.namesCheckedAt === this.#moment) return true;
    if (real.listTrust === this.#trust && this.watch(real)) return real.stale.size === 0;
    if (real.listedAs === null) return false;
    const identity = this.#identityNow(real);
    return identity !== null && sameIdentity(real.listedAs, identity);
  }

  /** Brings the answers about names in a real directory up to date for this moment. */
  #checkNames(real: DirectoryEntry): void {
    if (real.namesCheckedAt === this.#moment) return;
    if (real.checkedAt !== this.#moment) this.#check(real);
    if (real.real !== real) {
      real.listing = null;
      real.listedAs = null;
      real.listTrust = 0;
      real.namesCheckedAt = this.#moment;
      return;
    }
    const watched = this.watch(real);
    if (watched && real.listTrust === this.#trust && real.listing instanceof Map) this.#lookAtStale(real);
    else if (!this.#isListed(real)) this.#list(real);
    else if (watched) {
      real.stale.clear();
      real.listTrust = this.#trust;
    }
    if (real.askedLinks > 0 && real.namesCheckedAt !== this.#moment) {
      this.#reviewAnswers(
        real,
        [...real.asked.keys()].filter((name) => this.#isVolatile(real, name)),
      );
    }
    real.namesCheckedAt = this.#moment;
  }

  /** Brings a watched listing up to date: only names that were told can differ. */
  #lookAtStale(real: DirectoryEntry): void {
    if (real.stale.size === 0) return;
    const listing = real.listing as Map<string, Kind>;
    const names = [...real.stale];
    real.stale.clear();
    for (const name of names) {
      const kind = kindOf(tryLstat(childPath(real, name)));
      const before = listing.get(name);
      if (before !== undefined && before !== kind) this.#listener.pathGone(childPath(real, name));
      if (kind === null) listing.delete(name);
      else listing.set(name, kind);
    }
    this.#reviewAnswers(
      real,
      names.filter((name) => real.asked.has(name)),
    );
  }

  #list(real: DirectoryEntry): void {
    const watched = this.watch(real);
    real.stale.clear();
    const readAtMs = Date.now();
    // The identity is older than the listing: a change between the two shows as another identity next time.
    const before = real.listing;
    const identity = this.#identityNow(real);
    const listing = readListing(real.path);
    real.listing = listing;
    real.listedAs = identity !== null && isSettled(identity, readAtMs) ? identity : null;
    real.listTrust = watched ? this.#trust : 0;
    real.namesCheckedAt = this.#moment;
    if (before instanceof Map && listing instanceof Map) {
      for (const [name, kind] of before) {
        if (listing.get(name) !== kind) this.#listener.pathGone(childPath(real, name));
      }
    }
    this.#reviewAnswers(real);
  }

  /** Answers questions again that were asked about names in this directory. */
  #reviewAnswers(real: DirectoryEntry, names: Iterable<string> = real.asked.keys()): void {
    let changed = false;
    for (const name of names) {
      const before = real.asked.get(name);
      const now = this.#look(real, name);
      if (before?.answer === now.answer && before.link?.target === now.link?.target) continue;
      if (before?.link && before.link.target !== now.link?.target) this.#listener.pathGone(before.link.path);
      real.asked.set(name, now);
      changed = true;
    }
    real.askedLinks = 0;
    for (const name of real.asked.keys()) if (this.#isVolatile(real, name)) real.askedLinks++;
    if (changed) real.namesStamp++;
  }

  /** Answers that can change without a change of the directory: a link leads elsewhere, a closed directory has no listing. */
  #isVolatile(real: DirectoryEntry, name: string): boolean {
    return !(real.listing instanceof Map) || real.listing.get(name) === 'link';
  }

  #look(real: DirectoryEntry, name: string): Known {
    const kind = real.listing instanceof Map ? real.listing.get(name) : 'link';
    if (kind === undefined) return NONE;
    if (kind === 'file') return FILE;
    if (kind === 'directory') return DIRECTORY;
    const path = childPath(real, name);
    return { answer: answerFor(path), link: readLink(path) };
  }
}
