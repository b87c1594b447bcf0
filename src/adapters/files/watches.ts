// Tells which names in watched directories may have changed, and when all changes made so far have been told: the kernel
// queues every event of one process in order, so that a touch of our own file (a cookie, as Watchman calls it) comes last.
import { closeSync, futimesSync, mkdirSync, openSync, readFileSync, rmSync, statfsSync, watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { join } from 'node:path';

export interface WatchListener {
  /** `name` in the real directory `dir` was made, changed, or removed. Null: anything may have happened to `dir` itself. */
  changed(dir: string, name: string | null): void;
}

/** Told of every change in the directories that it accepts, unless it says that it has lost count. */
export interface Watches {
  listener: WatchListener | null;
  /** Begins to watch a directory; true when every later change of a name in it will be told. `dev`: where it lies. */
  watch(dir: string, dev: bigint): boolean;
  isWatched(dir: string): boolean;
  /** For a directory that is not the one that was watched any more. */
  unwatch(dir: string): void;
  /** One at a time. Resolves once all changes made before the call have been told: true; false when some may have been lost. */
  settle(): Promise<boolean>;
  close(): void;
}

/** Cookies take turns, so that the echo of one that was given up does not answer for the next. */
const COOKIES = 8;
/** A queue that is read by an awake process answers in well under a millisecond. */
const SETTLE_MS = 250;
/** Local file systems, whose every change passes through this kernel (statfs f_type). */
const LOCAL_TYPES: ReadonlySet<number> = new Set([
  0xef53, // ext2, ext3, ext4
  0x58465342, // xfs
  0x9123683e, // btrfs
  0x01021994, // tmpfs
  0x794c7630, // overlayfs
  0x2fc12fc1, // zfs
  0xf2f52010, // f2fs
  0xca451a4e, // bcachefs
]);
/** A directory that tells of more than this, and of more than a few names for each settling, costs more than it saves. */
const MAX_EVENTS = 2_000;
const EVENTS_PER_SETTLING = 20;

interface Watched {
  readonly watcher: FSWatcher;
  readonly since: number;
  events: number;
}

/** Watches by inotify. `cookieDir` is made for it alone, and removed. Null where the system offers no watches. */
export function openWatches(cookieDir: string): Watches | null {
  try {
    return new InotifyWatches(cookieDir);
  } catch {
    return null;
  }
}

class InotifyWatches implements Watches {
  listener: WatchListener | null = null;
  readonly #cookieDir: string;
  readonly #cookies: readonly number[];
  readonly #cookieWatcher: FSWatcher;
  readonly #watched = new Map<string, Watched>();
  readonly #refused = new Set<string>();
  readonly #localDevices = new Map<bigint, boolean>();
  readonly #maxQueued: number;
  #full = false;
  /** Events since the last settling; a queue that ran over has delivered at least as many as it holds. */
  #events = 0;
  #lost = false;
  #settlings = 0;
  readonly #waiting = new Map<string, (heard: boolean) => void>();
  /** One for each cookie, wound up anew for each settling: a new one would cost more than all the rest. */
  readonly #timers = new Map<string, NodeJS.Timeout>();

  constructor(cookieDir: string) {
    this.#cookieDir = cookieDir;
    rmSync(cookieDir, { recursive: true, force: true });
    mkdirSync(cookieDir, { recursive: true, mode: 0o700 });
    this.#cookies = Array.from({ length: COOKIES }, (_, index) => openSync(join(cookieDir, `${index}`), 'w', 0o600));
    this.#maxQueued = Number(readFileSync('/proc/sys/fs/inotify/max_queued_events', 'utf8')) || 1_000;
    this.#cookieWatcher = watch(cookieDir, { persistent: false });
    this.#cookieWatcher.on('change', (_, name) => this.#waiting.get(String(name))?.(true));
    this.#cookieWatcher.on('error', () => (this.#lost = true));
  }

  watch(dir: string, dev: bigint): boolean {
    if (this.#watched.has(dir)) return true;
    if (this.#full || this.#refused.has(dir) || !this.#isLocal(dir, dev)) return false;
    let watcher: FSWatcher;
    try {
      watcher = watch(dir, { persistent: false });
    } catch (error) {
      // The user's watches are used up: what is watched stays so, the rest is looked at.
      if (['ENOSPC', 'EMFILE'].includes((error as NodeJS.ErrnoException).code ?? '')) this.#full = true;
      return false;
    }
    const watched: Watched = { watcher, since: this.#settlings, events: 0 };
    const self = dir.slice(dir.lastIndexOf('/') + 1);
    watcher.on('change', (kind, name) => this.#heard(dir, self, watched, kind, String(name ?? '')));
    watcher.on('error', () => this.#drop(dir));
    this.#watched.set(dir, watched);
    return true;
  }

  isWatched(dir: string): boolean {
    return this.#watched.has(dir);
  }

  unwatch(dir: string): void {
    if (this.#watched.has(dir)) this.#drop(dir);
  }

  settle(): Promise<boolean> {
    const name = String(this.#settlings++ % COOKIES);
    return new Promise((resolve) => {
      this.#waiting.set(name, (heard) => {
        this.#waiting.delete(name);
        const whole = heard && !this.#lost && this.#events < this.#maxQueued / 2;
        this.#lost = false;
        this.#events = 0;
        resolve(whole);
      });
      this.#windUp(name);
      try {
        const now = Date.now() / 1000;
        futimesSync(this.#cookies[Number(name)] ?? -1, now, now);
      } catch {
        // The timer answers.
      }
    });
  }

  /** A cookie that is not heard of in time counts as lost. */
  #windUp(name: string): void {
    const timer = this.#timers.get(name);
    if (timer === undefined) {
      this.#timers.set(
        name,
        // After a long turn of the event loop the timer comes first, and the echo lies there unread.
        setTimeout(() => setImmediate(() => this.#waiting.get(name)?.(false)), SETTLE_MS),
      );
    } else {
      timer.refresh();
    }
  }

  close(): void {
    this.#cookieWatcher.close();
    for (const timer of this.#timers.values()) clearTimeout(timer);
    for (const { watcher } of this.#watched.values()) watcher.close();
    this.#watched.clear();
    for (const cookie of this.#cookies) closeSync(cookie);
    rmSync(this.#cookieDir, { recursive: true, force: true });
  }

  #heard(dir: string, self: string, watched: Watched, kind: string, name: string): void {
    if (this.#watched.get(dir) !== watched) return;
    this.#events++;
    if (++watched.events > MAX_EVENTS + EVENTS_PER_SETTLING * (this.#settlings - watched.since)) {
      this.#refused.add(dir);
      this.#drop(dir);
      return;
    }
    if (name === '' || name.includes('\uFFFD')) {
      this.#drop(dir);
      return;
    }
    // What befalls the directory itself comes under its own name; after a removal or a move the watch is not on this path any more.
    if (name === self && kind === 'rename') this.#drop(dir);
    this.listener?.changed(dir, name);
  }

  /** Ends a watch. Events that still wait for it are skipped unseen, so nothing that was told before can be relied upon. */
  #drop(dir: string): void {
    this.#watched.get(dir)?.watcher.close();
    this.#watched.delete(dir);
    this.#lost = true;
    this.listener?.changed(dir, null);
  }

  #isLocal(dir: string, dev: bigint): boolean {
    let local = this.#localDevices.get(dev);
    if (local === undefined) {
      try {
        local = LOCAL_TYPES.has(statfsSync(dir).type);
      } catch {
        return false;
      }
      this.#localDevices.set(dev, local);
    }
    return local;
  }
}
