// What compilers said of themselves and the digests of their parts, in one file from one life of the agent to the next. An answer is
// believed while all that it rests on is the same by size, times, inode and device, or is still not there; a file that is damaged,
// cut short or of another version is as good as none.
import { createHash } from 'node:crypto';
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tryLstat, tryStat } from '../stat.ts';
import type { KnownFile } from './digests.ts';
import { identityOf, SETTLED_MS } from './digests.ts';
import { walkPath } from './walk.ts';

/** Grows with every change of what is kept, or of how it is worked out. */
const VERSION = 'tender compilers 1';
const MAX_BYTES = 4 << 20;
const MAX_FILES = 2_000;
const MAX_ANSWERS = 200;

interface KeptAnswer {
  readonly value: unknown;
  /** What each path was; the links that it spells have their own. */
  readonly grounds: readonly (readonly [path: string, identity: string])[];
}

interface Written {
  readonly files: readonly (readonly [
    path: string,
    identity: string,
    digest: string,
    size: number,
    executable: boolean,
  ])[];
  readonly answers: readonly (readonly [key: string, answer: KeptAnswer])[];
}

export class ToolchainMemory {
  readonly #path: string | null;
  readonly #answers = new Map<string, KeptAnswer>();
  readonly #files = new Map<string, KnownFile>();
  #changed = false;

  /** `path`: null for a memory of one life. Others of the same user may read and write there: the last one counts. */
  constructor(path: string | null) {
    this.#path = path;
    this.#load();
  }

  /** The digest that was read from the file at a real path, whatever lies there now. */
  get(path: string): KnownFile | undefined {
    return this.#files.get(path);
  }

  set(path: string, known: KnownFile): void {
    this.#files.delete(path);
    this.#files.set(path, known);
    this.#changed = true;
  }

  /** What was kept under `key`, if all that it rests on is as it was; whoever kept it knows its shape. */
  recall<T>(key: string): T | null {
    const kept = this.#answers.get(key);
    if (kept === undefined) return null;
    if (kept.grounds.every(([path, identity]) => groundOf(path) === identity)) return kept.value as T;
    this.#answers.delete(key);
    this.#changed = true;
    return null;
  }

  /**
   * Keeps an answer that was asked for at `askedAtMs` (wall clock) or later and rests on `paths`; not when any of them changed
   * since, or so shortly before that a second change could hide. `value` must be what JSON can say.
   */
  keep(key: string, value: unknown, paths: Iterable<string>, askedAtMs: number): void {
    if (this.#path === null) return;
    const grounds = new Map<string, string>();
    for (const path of paths) {
      for (const link of walkPath(path)?.links ?? []) grounds.set(link.path, groundOf(link.path));
      grounds.set(path, groundOf(path));
    }
    const before = askedAtMs - SETTLED_MS;
    if (![...grounds.keys()].every((path) => isOlder(path, before))) return;
    this.#answers.delete(key);
    this.#answers.set(key, { value, grounds: [...grounds] });
    this.#changed = true;
  }

  /** Writes what is new. What cannot be written is asked for again in the next life. */
  save(): void {
    if (this.#path === null || !this.#changed) return;
    forgetOldest(this.#files, MAX_FILES);
    forgetOldest(this.#answers, MAX_ANSWERS);
    const written: Written = {
      files: [...this.#files].map(([path, { identity, file }]) => {
        return [path, identity, Buffer.from(file.digest).toString('hex'), file.size, file.executable];
      }),
      answers: [...this.#answers],
    };
    const text = JSON.stringify(written);
    const half = `${this.#path}.${process.pid}`;
    try {
      writeFileSync(half, `${headOf(text)}\n${text}`, { mode: 0o600 });
      renameSync(half, this.#path);
    } catch {
      rmSync(half, { force: true });
    }
    this.#changed = false;
  }

  #load(): void {
    if (this.#path === null) return;
    try {
      if (statSync(this.#path).size > MAX_BYTES) return;
      const whole = readFileSync(this.#path, 'utf8');
      const end = whole.indexOf('\n');
      const text = whole.slice(end + 1);
      if (whole.slice(0, end) !== headOf(text)) return;
      const { files, answers } = JSON.parse(text) as Written;
      for (const [path, identity, digest, size, executable] of files) {
        this.#files.set(path, { identity, file: { path, digest: Buffer.from(digest, 'hex'), size, executable } });
      }
      for (const [key, answer] of answers) this.#answers.set(key, answer);
    } catch {
      // There is none yet, or it may not be read: all is asked anew.
    }
  }
}

function headOf(text: string): string {
  return `${VERSION} ${createHash('sha256').update(text).digest('hex')}`;
}

/** A link by itself and by what it leads to. */
function groundOf(path: string): string {
  const itself = tryLstat(path);
  if (itself?.isSymbolicLink() !== true) return identityOf(path);
  return `${itself.ino} ${itself.ctimeNs} > ${identityOf(path)}`;
}

/** Whether the last change of `path` and of what it leads to lies before `beforeMs`; nothing there is as old as can be. */
function isOlder(path: string, beforeMs: number): boolean {
  return [tryLstat(path), tryStat(path)].every(
    (stats) =>
      stats === null || Number((stats.ctimeNs > stats.mtimeNs ? stats.ctimeNs : stats.mtimeNs) / 1_000_000n) < beforeMs,
  );
}

function forgetOldest(map: Map<string, unknown>, most: number): void {
  for (const key of map.keys()) {
    if (map.size <= most) return;
    map.delete(key);
  }
}
