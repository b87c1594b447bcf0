// Content-addressed files on disk: <dir>/ab/<rest of the digest>, written to <dir>/tmp and renamed, so a crash leaves no half blob.
// All have mode 0555: trees hard-link them, a hard link shares its mode, and whether a header is executable matters to no compiler.
// The index lives in memory in order of use (a Map keeps it) and is rebuilt by reading the directories at start.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { join } from 'node:path';
import { err, ok, type Result } from '../../base/result.ts';
import { errorCode, explain, hashFile, removeQuietly } from './files.ts';
import { findSystemFile, systemDirs } from './system-files.ts';
import type { BlobError, BlobStore, BlobStoreOptions, BlobWriter } from './types.ts';

const fileMode = 0o555;
const defaultMaxBlobBytes = 1024 ** 3;

interface Entry {
  readonly sizeBytes: number;
  /** False: left by an earlier run and not looked at since. */
  trusted: boolean;
}

interface State {
  readonly dir: string;
  readonly options: Required<BlobStoreOptions>;
  /** Least recently used first. */
  readonly entries: Map<string, Entry>;
  readonly shards: Set<string>;
  bytes: number;
  written: number;
  /** No search for what may go below this: the last one found that trees hold nearly all. */
  crowdedBytes: number;
}

/** Opens (and makes) the store in `dir`. One process at a time may have it open. */
export function openBlobStore(dir: string, options: BlobStoreOptions): Result<BlobStore, BlobError> {
  const state: State = {
    dir,
    options: { maxBlobBytes: defaultMaxBlobBytes, verifyOnRead: true, systemDirs, ...options },
    entries: new Map(),
    shards: new Set(),
    bytes: 0,
    written: 0,
    crowdedBytes: 0,
  };
  try {
    fs.mkdirSync(join(dir, 'tmp'), { recursive: true, mode: 0o700 });
    for (const name of fs.readdirSync(join(dir, 'tmp'))) removeQuietly(join(dir, 'tmp', name));
    readIndex(state);
  } catch (thrown) {
    return err(explain(thrown, `open the store of files in ${dir}`));
  }
  evict(state, options.maxBytes);
  return ok({
    has: (digest) => touch(state, digest) !== null,
    path: (digest) => (touch(state, digest) === null ? null : pathOf(state, digest)),
    write: (digest) => startWriting(state, digest),
    importLocal: (path, digest, sizeBytes) => importLocal(state, path, digest, sizeBytes),
    link: (digest, to) => link(state, digest, to),
    verify: (digest) => verify(state, digest),
    evict: (toBytes) => evict(state, toBytes),
    figures: () => ({ blobs: state.entries.size, bytes: state.bytes }),
  });
}

function readIndex(state: State): void {
  const found: { digest: string; sizeBytes: number; usedMs: number }[] = [];
  for (const shard of fs.readdirSync(state.dir)) {
    if (!/^[0-9a-f]{2}$/.test(shard)) continue;
    state.shards.add(shard);
    for (const name of fs.readdirSync(join(state.dir, shard))) {
      const digest = shard + name;
      const info = fs.lstatSync(join(state.dir, shard, name));
      if (!isDigest(digest) || !info.isFile()) continue;
      found.push({ digest, sizeBytes: info.size, usedMs: Math.max(info.atimeMs, info.mtimeMs) });
    }
  }
  found.sort((a, b) => a.usedMs - b.usedMs);
  for (const { digest, sizeBytes } of found) {
    state.entries.set(digest, { sizeBytes, trusted: !state.options.verifyOnRead });
    state.bytes += sizeBytes;
  }
}

function isDigest(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

function pathOf(state: State, digest: string): string {
  return `${state.dir}/${digest.slice(0, 2)}/${digest.slice(2)}`;
}

function touch(state: State, digest: string): Entry | null {
  const entry = state.entries.get(digest);
  if (!entry) return null;
  state.entries.delete(digest);
  state.entries.set(digest, entry);
  return entry;
}

function forget(state: State, digest: string): void {
  const entry = state.entries.get(digest);
  if (!entry) return;
  state.entries.delete(digest);
  state.bytes -= entry.sizeBytes;
}

function startWriting(state: State, digest: string): BlobWriter {
  const temporary = join(state.dir, 'tmp', String(state.written++));
  const hash = createHash('sha256');
  let fd: number | null = null;
  let sizeBytes = 0;
  let failure: BlobError | null = isDigest(digest)
    ? null
    : { code: 'mismatch', message: `${JSON.stringify(digest.slice(0, 80))} is not a SHA-256 in hex` };

  const close = (): void => {
    if (fd === null) return;
    const closing = fd;
    fd = null;
    fs.closeSync(closing);
  };
  const fail = (error: BlobError): { readonly ok: false; readonly error: BlobError } => {
    failure = error;
    const opened = fd !== null;
    try {
      close();
    } catch {
      // The failure that brought us here says more.
    }
    if (opened) removeQuietly(temporary);
    // Room for the next one: what nobody uses goes first.
    if (error.code === 'disk-full') evict(state, state.bytes / 2);
    return err(error);
  };
  const attempt = (work: () => void): Result<void, BlobError> => {
    try {
      work();
      return ok(undefined);
    } catch (thrown) {
      return fail(explain(thrown, `keep a file of ${sizeBytes} bytes in ${state.dir}`));
    }
  };

  return {
    append(chunk) {
      if (failure) return err(failure);
      sizeBytes += chunk.length;
      const { maxBlobBytes } = state.options;
      if (sizeBytes > maxBlobBytes) {
        return fail({ code: 'too-large', message: `a file is larger than ${maxBlobBytes} bytes` });
      }
      return attempt(() => {
        fd ??= fs.openSync(temporary, 'wx', fileMode);
        hash.update(chunk);
        for (let at = 0; at < chunk.length;) at += fs.writeSync(fd, chunk, at);
      });
    },
    commit() {
      if (failure) return err(failure);
      const is = hash.digest('hex');
      if (is !== digest) {
        return fail({ code: 'mismatch', message: `received bytes with digest ${is}, not ${digest}` });
      }
      const done = attempt(() => {
        fd ??= fs.openSync(temporary, 'wx', fileMode);
        fs.fchmodSync(fd, fileMode);
        close();
        try {
          adopt(state, temporary, digest, sizeBytes);
        } catch (thrown) {
          removeQuietly(temporary);
          throw thrown;
        }
      });
      failure ??= { code: 'io', message: 'this file was already kept' };
      return done;
    },
    abort() {
      if (!failure) fail({ code: 'io', message: 'the transfer was ended' });
    },
  };
}

/** Moves a finished temporary file to its name. Throws what the file system throws. */
function adopt(state: State, temporary: string, digest: string, sizeBytes: number): void {
  const shard = digest.slice(0, 2);
  if (!state.shards.has(shard)) {
    fs.mkdirSync(join(state.dir, shard), { recursive: true, mode: 0o700 });
    state.shards.add(shard);
  }
  fs.renameSync(temporary, pathOf(state, digest));
  forget(state, digest);
  state.entries.set(digest, { sizeBytes, trusted: true });
  state.bytes += sizeBytes;
  const { maxBytes } = state.options;
  if (state.bytes <= Math.max(maxBytes, state.crowdedBytes)) return;
  evict(state, maxBytes * 0.9, digest);
  state.crowdedBytes = state.bytes > maxBytes ? state.bytes * 1.05 : 0;
}

function importLocal(state: State, path: string, digest: string, sizeBytes: number): Result<boolean, BlobError> {
  if (touch(state, digest)) return ok(true);
  if (!isDigest(digest) || sizeBytes > state.options.maxBlobBytes) return ok(false);
  const found = findSystemFile(path, sizeBytes, state.options.systemDirs);
  if (found === null) return ok(false);
  const temporary = join(state.dir, 'tmp', String(state.written++));
  try {
    if (hashFile(found) !== digest) return ok(false);
    fs.copyFileSync(found, temporary, fs.constants.COPYFILE_FICLONE | fs.constants.COPYFILE_EXCL);
    // The copy counts, not the original: a package upgrade may have come in between.
    if (hashFile(temporary) !== digest) {
      removeQuietly(temporary);
      return ok(false);
    }
    fs.chmodSync(temporary, fileMode);
    adopt(state, temporary, digest, sizeBytes);
    return ok(true);
  } catch (thrown) {
    removeQuietly(temporary);
    return err(explain(thrown, `copy ${path} to ${state.dir}`));
  }
}

function link(state: State, digest: string, to: string): Result<void, BlobError> {
  const entry = touch(state, digest);
  const missing: BlobError = { code: 'missing', message: `${digest} is not here` };
  if (!entry || (!entry.trusted && !verify(state, digest))) return err(missing);
  const from = pathOf(state, digest);
  try {
    try {
      fs.linkSync(from, to);
    } catch (thrown) {
      if (!['EMLINK', 'EXDEV', 'EPERM'].includes(errorCode(thrown))) throw thrown;
      fs.copyFileSync(from, to, fs.constants.COPYFILE_FICLONE | fs.constants.COPYFILE_EXCL);
      fs.chmodSync(to, fileMode);
    }
    return ok(undefined);
  } catch (thrown) {
    // Whoever cleaned the directory by hand also finds a store that still works.
    if (errorCode(thrown) === 'ENOENT' && !fs.existsSync(from)) {
      forget(state, digest);
      return err(missing);
    }
    if (errorCode(thrown) !== 'EEXIST') removeQuietly(to);
    return err(explain(thrown, `place a file at ${to}`));
  }
}

function verify(state: State, digest: string): boolean {
  const entry = state.entries.get(digest);
  if (!entry) return false;
  try {
    if (hashFile(pathOf(state, digest)) === digest) {
      // A directory that was copied by hand may have lost its modes.
      fs.chmodSync(pathOf(state, digest), fileMode);
      entry.trusted = true;
      return true;
    }
  } catch {
    // Not readable is as good as gone: the sender has the bytes.
  }
  removeQuietly(pathOf(state, digest));
  forget(state, digest);
  return false;
}

function evict(state: State, toBytes: number, keep?: string): number {
  const before = state.bytes;
  if (before <= toBytes) return 0;
  for (const digest of [...state.entries.keys()]) {
    if (state.bytes <= toBytes) break;
    if (digest === keep) continue;
    try {
      if (fs.lstatSync(pathOf(state, digest)).nlink > 1) continue;
      fs.unlinkSync(pathOf(state, digest));
    } catch (thrown) {
      if (errorCode(thrown) !== 'ENOENT') continue;
    }
    forget(state, digest);
  }
  return before - state.bytes;
}
