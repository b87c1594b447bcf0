// The client's disk as a build sees it: parsed files for the include scanner, digests for the wire, and the piece of the
// name space that a worker must rebuild. Everything is checked at most once per moment and read again only when it changed.
import type { FileFacts, NamedFile, NameSpacePiece, ParsedFile, Remembered } from '../../compiler/types.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { readContents, type Contents } from './contents.ts';
import type { Link } from './directory-entry.ts';
import { DirectoryTable } from './directory-table.ts';
import type { FileEntry } from './file-entry.ts';
import { FortranTexts } from './fortran-texts.ts';
import { tryLstat, tryStat } from '../stat.ts';
import { identityOf, sameGift, sameIdentity, sameTimes, timesOf } from './identity.ts';
import type { Grounds } from './recorder.ts';
import { findRoute, type Route } from './routes.ts';
import { sameAsBefore, type WatchedOver } from './vigil.ts';
import type { Watches } from './watches.ts';

export interface MissingFile {
  readonly path: string;
  readonly message: string;
}

export interface FileCacheOptions {
  /** Above this many files everything is forgotten and learnt anew. */
  readonly maxFiles?: number;
  /** Spares the looks at what is watched. Without them every moment looks at everything that is asked for. */
  readonly watches?: Watches | null;
  /** How old a file's last change must be for a watch to vouch for the file, ms. */
  readonly youngMs?: number;
  /** How long watches are believed without a look, ms. */
  readonly relookMs?: number;
}

const DEFAULT_MAX_FILES = 100_000;
/** This often everything is looked at, watched or not: some changes (by another host, another hard link) are told by nobody. */
const DEFAULT_RELOOK_MS = 500;
/** A younger file may still be written to through a memory map, of which no watch tells. */
const DEFAULT_YOUNG_MS = 3_000;
const NONE: readonly never[] = [];

export class FileCache implements FileFacts {
  readonly #maxFiles: number;
  readonly #watches: Watches | null;
  readonly #youngMs: number;
  readonly #relookMs: number;
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #changes = 0;
  #losses = 0;
  #snapshots = 0;
  #snapshot: { readonly number: number; readonly seen: FileEntry[] } | null = null;
  #directories: DirectoryTable;
  #files = new Map<string, FileEntry>();
  #routes = new Map<string, Remembered<Route<FileEntry>>>();
  /** What others were told lies at a real path: a digest, or a symlink's target. */
  readonly #given = new Map<string, NamedFile | Link>();
  #changed = new Set<string>();
  #takes = 0;
  readonly #fortran = new FortranTexts();

  constructor(options: FileCacheOptions = {}) {
    this.#maxFiles = options.maxFiles ?? DEFAULT_MAX_FILES;
    this.#watches = options.watches ?? null;
    this.#youngMs = options.youngMs ?? DEFAULT_YOUNG_MS;
    this.#relookMs = options.relookMs ?? DEFAULT_RELOOK_MS;
    this.#directories = this.#newTable();
    if (this.#watches !== null) {
      this.#watches.listener = {
        changed: (dir, name) => {
          const file = name === null ? undefined : this.#files.get(dir === '/' ? `/${name}` : `${dir}/${name}`);
          if (file !== undefined) file.trust = 0;
          this.#directories.told(dir, name);
        },
      };
    }
  }

  /**
   * Begins a new period of validity, in which every change that was made before the call is seen. What watches vouch for is not
   * looked at again, unless `anew`.
   */
  async nextMoment({ anew = false } = {}): Promise<void> {
    const nowMs = performance.now();
    const asks = anew || nowMs - this.#lookedAtMs < this.#relookMs;
    const settled = asks && (await this.#watches?.settle()) === true;
    if (asks && !settled) this.#directories.lostSight();
    if (!settled || anew) {
      this.#lookedAtMs = nowMs;
      this.#directories.distrust();
    }
    this.#begin();
  }

  /** Begins a new period of validity: from here on nothing is believed that was not checked again. */
  beginMoment(): void {
    if (this.#watches !== null) this.#directories.distrust();
    this.#begin();
  }

  close(): void {
    this.#watches?.close();
  }

  #begin(): void {
    if (this.#files.size > this.#maxFiles) {
      this.#directories = this.#newTable();
      this.#files = new Map();
      this.#routes = new Map();
    }
    this.#directories.beginMoment();
  }

  /**
   * Real paths that `fragment` gave out once and that have since been seen to be gone or different. Each is told once. A path that
   * nobody asks about again is not noticed.
   */
  takeChanged(): readonly string[] {
    if (this.#changed.size === 0) return NONE;
    const changed = [...this.#changed];
    this.#changed = new Set();
    return changed;
  }

  parsed(path: string): ParsedFile | null {
    return this.#check(this.#file(path), true)?.parsed ?? null;
  }

  parsedFortran(path: string): ReturnType<FileFacts['parsedFortran']> {
    const { file } = this.#route(path);
    const contents = file === null ? null : this.#check(file, false);
    return file === null || contents === null ? null : this.#fortran.read(file.path, contents);
  }

  follow(path: string): () => ParsedFile | null {
    let files = this.#files;
    let file = this.#file(path);
    return () => {
      if (files !== this.#files) {
        files = this.#files;
        file = this.#file(path);
      }
      return this.#check(file, true)?.parsed ?? null;
    };
  }

  isFile(path: string): boolean {
    const slash = path.lastIndexOf('/');
    const dir = this.#directories.at(slash <= 0 ? '/' : path.slice(0, slash));
    return this.#directories.ask(dir, path.slice(slash + 1)) === 'file';
  }

  isDirectory(path: string): boolean {
    return this.realDirectory(path) !== null;
  }

  realDirectory(path: string): string | null {
    return this.#directories.at(path).real?.path ?? null;
  }

  remember<T>(work: () => T): Remembered<T> {
    return this.#record(work);
  }

  #record<T>(work: () => T): Remembered<T> & { readonly table: DirectoryTable; readonly grounds: Grounds } {
    const table = this.#directories;
    const { value, grounds } = table.record(work);
    return { value, table, grounds, holds: () => table === this.#directories && table.hold(grounds) };
  }

  /** As `remember`, and the contents of files that `work` asked for count too. Not to be nested. */
  snapshot<T>(work: () => T): WatchedOver<T> {
    const seen: FileEntry[] = [];
    this.#snapshot = { number: ++this.#snapshots, seen };
    let remembered;
    try {
      remembered = this.#record(work);
    } finally {
      this.#snapshot = null;
    }
    const { value, table, grounds } = remembered;
    const lostBefore = this.#losses;
    const takenAt = this.#changes;
    const files = seen.slice();
    const isAsSeen = (): boolean => {
      // What was given out and is gone must be given out anew, should it come back.
      if (this.#losses !== lostBefore) return false;
      const { moment } = this.#directories;
      for (const file of files) {
        // Hundreds a unit: those that another unit had checked in this moment are passed over at once.
        if (file.checkedAt !== moment || this.#snapshot !== null) this.#check(file, false);
        if (file.changedAt > takenAt) return false;
      }
      return this.#losses === lostBefore;
    };
    const watchOver = (): (() => boolean) => {
      const names = table.watchOver(grounds);
      const contents = sameAsBefore(files, (file) => this.#check(file, false)?.identity ?? null);
      return () => names() && contents();
    };
    return { value, holds: () => remembered.holds() && isAsSeen(), watchOver };
  }

  /** The digest of a regular file by any absolute path; null when it cannot be read. */
  digest(path: string): NamedFile | null {
    const { file } = this.#route(path);
    return file === null ? null : this.#name(file);
  }

  /**
   * The piece of the name space that makes every one of `paths` (files or directories) and `dirs` resolve as here. A directory of
   * `dirs` that does not exist is left out; a missing path of `paths` is the error.
   */
  fragment(paths: readonly string[], dirs: readonly string[]): Result<NameSpacePiece, MissingFile> {
    const take = ++this.#takes;
    const files: NamedFile[] = [];
    const links = new Map<string, Link>();
    const directories = new Set<string>();
    for (const path of paths) {
      // `-include /dev/null` is a custom of some builds, and every root has that device.
      if (path === '/dev/null') continue;
      const route = this.#route(path);
      for (const link of route.links) links.set(link.path, link);
      for (const dir of route.passed) directories.add(dir);
      if (route.directory !== null) {
        directories.add(route.directory);
        continue;
      }
      const named = route.file === null ? null : this.#name(route.file);
      if (route.file === null || named === null) {
        return err({ path, message: `${path} cannot be read any more` });
      }
      if (route.file.takenBy === take) continue;
      route.file.takenBy = take;
      files.push(named);
    }
    for (const dir of dirs) {
      const route = this.#route(dir);
      if (route.directory === null) continue;
      for (const link of route.links) links.set(link.path, link);
      for (const passed of route.passed) directories.add(passed);
      directories.add(route.directory);
    }
    for (const link of links.values()) {
      this.#forgetGiven(link.path);
      this.#give(link.path, link);
    }
    return ok({ files, symlinks: [...links.values()], dirs: [...directories] });
  }

  #file(path: string): FileEntry {
    let file = this.#files.get(path);
    if (file === undefined) {
      file = {
        ...{ path, checkedAt: 0, trust: 0, changedAt: 0, seenBy: 0, takenBy: 0 },
        ...{ contents: null, named: null, given: null },
      };
      this.#files.set(path, file);
    }
    return file;
  }

  /** The file's contents now; `parse`: with its directives. */
  #check(file: FileEntry, parse: boolean): Contents | null {
    const { moment, trust } = this.#directories;
    if (file.checkedAt !== moment) {
      file.checkedAt = moment;
      if (file.trust !== trust) this.#look(file, parse);
    }
    if (parse && file.contents !== null && file.contents.parsed === null) {
      this.#replace(file, readContents(file.path, true));
    }
    if (this.#snapshot !== null && file.seenBy !== this.#snapshot.number) {
      file.seenBy = this.#snapshot.number;
      this.#snapshot.seen.push(file);
    }
    return file.contents;
  }

  #look(file: FileEntry, parse: boolean): void {
    // The watch comes first: a change between the two is told, and then looked at once more.
    const dir = this.#directories.at(file.path.slice(0, file.path.lastIndexOf('/')) || '/');
    const watched = dir.real === dir && this.#directories.watch(dir);
    const nowMs = Date.now();
    const itself = tryLstat(file.path);
    const stats = itself?.isSymbolicLink() ? tryStat(file.path) : itself;
    const known = file.contents;
    if (stats === null || !stats.isFile()) {
      this.#replace(file, null);
      if (watched && stats === itself) file.trust = this.#directories.trust;
      return;
    }
    if (known !== null && !(known.settled && sameIdentity(known.identity, identityOf(stats)))) {
      this.#replace(file, readContents(file.path, known.parsed !== null || parse));
    } else if (known === null) this.#replace(file, readContents(file.path, parse));
    if (!watched || stats !== itself || stats.nlink !== 1n || file.contents === null) return;
    const { mtimeNs, ctimeNs } = stats;
    const changedMs = Number((mtimeNs > ctimeNs ? mtimeNs : ctimeNs) / 1_000_000n);
    // The file may have been replaced between the look and the reading; then its identity is another one.
    if (changedMs <= nowMs - this.#youngMs && sameIdentity(file.contents.identity, identityOf(stats))) {
      file.trust = this.#directories.trust;
    }
  }

  #replace(file: FileEntry, contents: Contents | null): void {
    const before = file.contents;
    if (before !== null && contents !== null && before.digest.equals(contents.digest)) {
      // Equal bytes: keep the very object that others compare by.
      file.contents = before.parsed === null ? contents : { ...contents, parsed: before.parsed };
      if (before.executable !== contents.executable || !sameTimes(before.identity, contents.identity)) {
        file.named = null;
        file.changedAt = ++this.#changes;
      }
      return;
    }
    if (before !== contents) file.changedAt = ++this.#changes;
    file.contents = contents;
    file.named = null;
    if (contents === null) this.#gone(file.path);
  }

  #name(file: FileEntry): NamedFile | null {
    const contents = this.#check(file, false);
    if (contents === null) return null;
    if (file.named === null) {
      const { digest, size, executable, identity } = contents;
      file.named = { path: file.path, digest, size, executable, ...timesOf(identity) };
    }
    // It may have been away and come back as it was since it was given out.
    if (file.given !== file.named) {
      this.#give(file.path, file.named);
      file.given = file.named;
    }
    return file.named;
  }

  #give(path: string, what: NamedFile | Link): void {
    const before = this.#given.get(path);
    if (before === what) return;
    if (before !== undefined && !sameGift(before, what)) this.#changed.add(path);
    this.#given.set(path, what);
  }

  #forgetGiven(path: string): void {
    const file = this.#files.get(path);
    if (file !== undefined) file.given = null;
  }

  #gone(path: string): void {
    this.#forgetGiven(path);
    if (!this.#given.delete(path)) return;
    this.#changed.add(path);
    this.#losses++;
  }

  #newTable(): DirectoryTable {
    return new DirectoryTable(
      {
        pathGone: (path) => this.#gone(path),
        directoryGone: (dir) => {
          for (const path of this.#given.keys()) if (path.startsWith(`${dir}/`)) this.#gone(path);
        },
      },
      this.#watches,
    );
  }

  #route(path: string): Route<FileEntry> {
    const known = this.#routes.get(path);
    if (known?.holds()) return known.value;
    const fileAt = (real: string): FileEntry | null => {
      const file = this.#file(real);
      return this.#check(file, false) === null ? null : file;
    };
    const found = this.remember(() => findRoute(path, this.#directories, fileAt));
    // A path that leads nowhere may come to be readable without a change of any name.
    if (found.value.file !== null || found.value.directory !== null) this.#routes.set(path, found);
    return found.value;
  }
}
