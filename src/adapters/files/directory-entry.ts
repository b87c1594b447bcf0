// One directory's path as spelled, what is known of it, and how the disk is asked.
import { readdirSync, readlinkSync, statSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { tryLstat } from '../stat.ts';
import { identityOf } from './identity.ts';
import type { Identity } from './identity.ts';

export interface Link {
  readonly path: string;
  readonly target: string;
}

export type Kind = 'file' | 'directory' | 'link';
export type Answer = 'file' | 'directory' | 'none';

export interface Known {
  readonly answer: Answer;
  /** Set when the name itself is a symlink. */
  readonly link: Link | null;
}

export const NONE: Known = { answer: 'none', link: null };
export const DIRECTORY: Known = { answer: 'directory', link: null };
export const FILE: Known = { answer: 'file', link: null };

/** A directory's path as spelled. Entries of the same real directory share the `real` one, which keeps the listing. */
export interface DirectoryEntry {
  readonly path: string;
  readonly parent: DirectoryEntry | null;
  readonly name: string;
  checkedAt: number;
  busy: boolean;
  /** What the disk said is there; it holds while `trust` is the table's and the parent's watch tells of nothing. */
  seen: DirectoryEntry | Link | null;
  trust: number;
  /** Whether watches vouch for all that `real` rests on. */
  sound: boolean;
  /** The recording that has noted this entry last, and whether with its names. */
  notedBy: number;
  notedNames: boolean;
  /** The entry of the real path; null: there is no such directory. */
  real: DirectoryEntry | null;
  /** Set when the last component, below its real parent, is a symlink. */
  link: Link | null;
  /** Grows when `real` becomes another. */
  realStamp: number;
  identity: Identity | null;
  identityAt: number;
  listing: ReadonlyMap<string, Kind> | 'closed' | null;
  listedAs: Identity | null;
  /** The listing holds while this is the table's and the watch tells of nothing but the names in `stale`. */
  listTrust: number;
  readonly stale: Set<string>;
  /** Names that were asked for, and what was said. */
  readonly asked: Map<string, Known>;
  askedLinks: number;
  namesCheckedAt: number;
  /** Grows when an answer about a name becomes another. */
  namesStamp: number;
  misses: number;
  /** The table's number when a watch last told of its own name, of a name in it that was asked for, or that it lost sight. */
  toldAt: number;
}

/** Compilers go on searching past a name that is not there, and stop at one that they cannot open: a loop of links, a closed door. */
export function answerFor(path: string): Answer {
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    return stats === undefined ? 'none' : stats.isDirectory() ? 'directory' : 'file';
  } catch {
    return 'file';
  }
}

export function kindOf(stats: BigIntStats | null): Kind | null {
  if (stats === null) return null;
  return stats.isDirectory() ? 'directory' : stats.isSymbolicLink() ? 'link' : 'file';
}

export function newEntry(path: string, parent: DirectoryEntry | null, name: string): DirectoryEntry {
  return {
    path,
    parent,
    name,
    checkedAt: 0,
    busy: false,
    seen: null,
    trust: 0,
    sound: false,
    notedBy: 0,
    notedNames: false,
    real: null,
    link: null,
    realStamp: 0,
    identity: null,
    identityAt: 0,
    listing: null,
    listedAs: null,
    listTrust: 0,
    stale: new Set(),
    asked: new Map(),
    askedLinks: 0,
    namesCheckedAt: 0,
    namesStamp: 0,
    misses: 0,
    toldAt: 0,
  };
}

/** The path of `name` in a real directory. */
export function childPath(dir: DirectoryEntry, name: string): string {
  return dir.path === '/' ? `/${name}` : `${dir.path}/${name}`;
}

export function identityOrNull(path: string): Identity | null {
  const stats = tryLstat(path);
  return stats === null ? null : identityOf(stats);
}

export function readLink(path: string): Link | null {
  try {
    return { path, target: readlinkSync(path) };
  } catch {
    return null;
  }
}

/** The names in a directory; `closed` when they may not be listed (single ones may still be looked up). */
export function readListing(path: string): ReadonlyMap<string, Kind> | 'closed' {
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
