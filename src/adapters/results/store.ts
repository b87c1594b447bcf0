// The store as the agent uses it: reads are made here and at once, for they are smaller than a hop to another thread; all that
// writes is handed over. What lies where, and why it is safe among many writers: docs/operations.md.
import fs from 'node:fs';
import { join } from 'node:path';
import { err, ok, type Result } from '../../base/result.ts';
import { addCounters, noCounters } from './counters.ts';
import { drop, entryPath, errorCode, isStale, lookAt, readEntry, sameStamp, touch } from './disk.ts';
import { UnitMemory, type Remembered } from './memory.ts';
import { FilePool } from './pool.ts';
import { decodeResult, encodeResult, resultBytes, resultMagic } from './result-format.ts';
import { Scribe } from './scribe.ts';
import { faultOf } from './seal.ts';
import type { Manifest, ResultStore, StoredResult, StoreOptions, StoreStats, StoreVerification } from './types.ts';
import { decodeUnit, encodeUnit, maxManifests, unitMagic, type PooledManifest } from './unit-format.ts';

const maxRememberedBytes = 32 * 2 ** 20;
const defaultQueuedBytes = 32 * 2 ** 20;
const defaultTouchAfterMs = 600_000;
/** Reading a larger one at once would hold up too much else. */
const maxResultBytes = 64 * 2 ** 20;
/** No single result may push out more of the others. */
const maxResultShare = 0.25;
const countersEveryMs = 60_000;

/** Opens the store in `dir`, and makes it if it is not there. The error is a sentence for people. */
export function openResultStore(dir: string, options: StoreOptions): Result<ResultStore, string> {
  const root = join(dir, 'v1');
  try {
    fs.mkdirSync(join(root, 'tmp'), { recursive: true, mode: 0o700 });
    const there = fs.lstatSync(root);
    // Whoever may write here decides what this user's compiler «made».
    if (!there.isDirectory() || there.uid !== process.geteuid?.()) {
      return err(`cannot keep results in ${dir}: ${root} is not a directory of this user's; name another directory`);
    }
    if ((there.mode & 0o077) !== 0) fs.chmodSync(root, 0o700);
  } catch (thrown) {
    return err(
      `cannot keep results in ${dir} (${errorCode(thrown)}); set [store] dir or TENDER_STORE to a directory of yours`,
    );
  }
  markAsCache(dir);
  return ok(new DiskStore(root, options));
}

/** So that backups leave it out (the Cache Directory Tagging convention). */
function markAsCache(dir: string): void {
  try {
    const text = 'Signature: 8a477f597d28d172789f06886806bc55\n# Results of compiles, kept by Tender.\n';
    fs.writeFileSync(join(dir, 'CACHEDIR.TAG'), text, { flag: 'wx', mode: 0o600 });
  } catch {
    // There already, or a disk that cannot be written: results can be read all the same.
  }
}

class DiskStore implements ResultStore {
  readonly #root: string;
  readonly #maxResultBytes: number;
  readonly #touchAfterMs: number;
  readonly #pool = new FilePool();
  readonly #memory = new UnitMemory(this.#pool, maxRememberedBytes);
  readonly #scribe: Scribe;
  readonly #counters = noCounters();
  readonly #countersTimer: NodeJS.Timeout;
  /** Put, and not on the disk yet; by hex name. */
  readonly #unwritten = new Map<string, StoredResult>();
  #closed = false;

  constructor(root: string, options: StoreOptions) {
    this.#root = root;
    this.#maxResultBytes = Math.min(maxResultBytes, options.maxBytes * maxResultShare);
    this.#touchAfterMs = options.touchAfterMs ?? defaultTouchAfterMs;
    this.#scribe = new Scribe({ root, maxBytes: options.maxBytes }, options.maxQueuedBytes ?? defaultQueuedBytes);
    this.#countersTimer = setInterval(() => addCounters(root, this.#counters), countersEveryMs).unref();
  }

  manifests(unitKey: Uint8Array): readonly Manifest[] {
    if (this.#closed) return [];
    return this.#lookUp(hexOf(unitKey), unitKey)?.manifests ?? [];
  }

  result(resultKey: Uint8Array, unitKey?: Uint8Array): StoredResult | null {
    if (this.#closed) return null;
    const name = hexOf(resultKey);
    const result = this.#unwritten.get(name) ?? this.#readResult(name, resultKey);
    if (result === null) return null;
    this.#counters.served += 1;
    if (unitKey !== undefined) this.#promote(unitKey, resultKey);
    return result;
  }

  put(unitKey: Uint8Array, manifest: Manifest, result: StoredResult): void {
    const unit = hexOf(unitKey);
    const name = hexOf(manifest.resultKey);
    const bytes = resultBytes(result);
    if (this.#closed || bytes > this.#maxResultBytes || !this.#scribe.hasRoom(bytes)) {
      this.#counters.refused += 1;
      return;
    }
    const files = manifest.files.map((file) => {
      if (file.digest.length !== 32 || file.resolution.length !== 16)
        throw new Error('bug: a digest of a wrong length');
      return this.#pool.adopt(file);
    });
    const known = this.#lookUp(unit, unitKey);
    const older = known?.manifests.filter((other) => !isKey(other, manifest.resultKey)) ?? [];
    const first = { files, resultKey: Uint8Array.from(manifest.resultKey) };
    const kept = this.#write(unitKey, known, [first, ...older].slice(0, maxManifests), {
      name,
      entry: () => encodeResult(manifest.resultKey, result, bytes),
      done: () => {
        if (this.#unwritten.get(name) === result) this.#unwritten.delete(name);
      },
    });
    if (kept) this.#unwritten.set(name, result);
    else this.#counters.refused += 1;
  }

  async flush(): Promise<void> {
    addCounters(this.#root, this.#counters);
    await this.#scribe.ask('flush');
  }

  async stats(): Promise<StoreStats> {
    addCounters(this.#root, this.#counters);
    return (await this.#scribe.ask('stats')) as StoreStats;
  }

  async clear(): Promise<void> {
    this.#memory.clear();
    Object.assign(this.#counters, noCounters());
    await this.#scribe.ask('clear');
  }

  async verify(): Promise<StoreVerification> {
    return (await this.#scribe.ask('verify')) as StoreVerification;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#countersTimer);
    await this.#scribe.ask('close');
    addCounters(this.#root, this.#counters);
    this.#memory.clear();
  }

  /** What is known of a unit, from memory if that is still what the disk says; null: nothing. */
  #lookUp(unit: string, unitKey: Uint8Array): Remembered | null {
    const held = this.#memory.get(unit);
    if (held !== undefined && held.pending > 0) return held;
    const path = entryPath(this.#root, unit, 'u');
    const there = lookAt(path);
    if (there !== null && held?.stamp && sameStamp(held.stamp, there)) {
      if (isStale(there, this.#touchAfterMs)) {
        touch(path);
        const touched = lookAt(path);
        // Replaced by another at this very moment: to be read the next time.
        held.stamp = touched?.ino === there.ino ? touched : null;
      }
      return held;
    }
    this.#memory.forget(unit);
    if (there === null) return null;
    const read = readEntry(path, this.#touchAfterMs);
    if (read.kind === 'absent') return null;
    const whole = read.kind === 'whole' && faultOf(read.bytes, unitMagic, unitKey) === null;
    const manifests = whole ? decodeUnit(read.bytes, this.#pool) : null;
    if (read.kind !== 'whole' || manifests === null) {
      this.#dropBroken(path);
      return null;
    }
    return this.#memory.set(unit, { manifests, stamp: read.stamp, pending: 0 });
  }

  #readResult(name: string, resultKey: Uint8Array): StoredResult | null {
    const path = entryPath(this.#root, name, 'r');
    const read = readEntry(path, this.#touchAfterMs);
    if (read.kind === 'absent') return null;
    const whole = read.kind === 'whole' && faultOf(read.bytes, resultMagic, resultKey) === null;
    const result = whole ? decodeResult(read.bytes) : null;
    if (result === null) this.#dropBroken(path);
    return result;
  }

  #dropBroken(path: string): void {
    this.#counters.broken += 1;
    drop(path);
  }

  /** Makes the manifest that led to a result its unit's first, in memory and on the disk. */
  #promote(unitKey: Uint8Array, resultKey: Uint8Array): void {
    const held = this.#memory.get(hexOf(unitKey)) ?? null;
    const used = held?.manifests.find((manifest) => isKey(manifest, resultKey));
    if (held === null || used === undefined || held.manifests[0] === used || !this.#scribe.hasRoom(0)) return;
    this.#write(unitKey, held, [used, ...held.manifests.filter((other) => other !== used)], null);
  }

  /** Hands a unit, and a result with it, to the thread that writes; false when the unit cannot be kept. */
  #write(
    unitKey: Uint8Array,
    known: Remembered | null,
    manifests: readonly PooledManifest[],
    result: { readonly name: string; readonly entry: () => Buffer; readonly done: () => void } | null,
  ): boolean {
    const unit = hexOf(unitKey);
    const pending = (known?.pending ?? 0) + 1;
    const unitEntry = encodeUnit(unitKey, manifests);
    if (unitEntry === null) {
      for (const { files } of manifests) this.#pool.forgetUnused(files);
      return false;
    }
    this.#memory.set(unit, { manifests, stamp: null, pending });
    const job = {
      unit,
      unitEntry,
      result: result === null ? null : { name: result.name, entry: result.entry() },
    };
    this.#scribe.put(job, (stamp) => {
      result?.done();
      const held = this.#memory.peek(unit);
      if (held === undefined || held.pending === 0) return;
      held.pending -= 1;
      // None: what memory says of the unit is true nowhere else, and it is read anew.
      held.stamp = stamp;
    });
    return true;
  }
}

function hexOf(key: Uint8Array): string {
  if (key.length !== 32) throw new Error(`bug: a key of ${key.length} bytes`);
  return Buffer.from(key.buffer, key.byteOffset, 32).toString('hex');
}

function isKey(manifest: Manifest, resultKey: Uint8Array): boolean {
  return Buffer.compare(manifest.resultKey, resultKey) === 0;
}
