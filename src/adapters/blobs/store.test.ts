// The store with real files on a real disk: whatever comes in, goes wrong or is found at start, no wrong byte is ever given out.
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openBlobStore } from './store.ts';
import type { BlobStore, BlobStoreOptions } from './types.ts';

let dir = '';
beforeEach(() => {
  dir = fs.mkdtempSync(join(os.tmpdir(), 'tender-blobs-'));
});
afterEach(() => fs.rmSync(dir, { recursive: true, force: true }));

const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

function open(options: Partial<BlobStoreOptions> = {}, where = join(dir, 'blobs')): BlobStore {
  const opened = openBlobStore(where, { maxBytes: 1e9, ...options });
  if (!opened.ok) throw new Error(opened.error.message);
  return opened.value;
}

function put(store: BlobStore, bytes: Uint8Array): string {
  const digest = digestOf(bytes);
  const writer = store.write(digest);
  expect(writer.append(bytes)).toEqual({ ok: true, value: undefined });
  expect(writer.commit()).toEqual({ ok: true, value: undefined });
  return digest;
}

const filesBelow = (path: string): string[] =>
  fs
    .readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((it) => it.isFile())
    .map((it) => join(it.parentPath, it.name));

describe('writing', () => {
  test('keeps bytes that came in pieces, whatever the umask, and finds them again', () => {
    const store = open();
    const bytes = randomBytes(300_000);
    const digest = digestOf(bytes);
    const umask = process.umask(0o077);
    try {
      expect(store.has(digest)).toBe(false);
      const writer = store.write(digest);
      for (let at = 0; at < bytes.length; at += 65_536) writer.append(bytes.subarray(at, at + 65_536));
      expect(store.has(digest)).toBe(false);
      expect(writer.commit().ok).toBe(true);
    } finally {
      process.umask(umask);
    }
    expect(store.has(digest)).toBe(true);
    const path = store.path(digest) ?? '';
    expect(fs.readFileSync(path).equals(bytes)).toBe(true);
    expect(fs.statSync(path).mode & 0o777).toBe(0o555);
    expect(store.figures()).toEqual({ blobs: 1, bytes: 300_000 });
  });

  test('an empty blob and the same blob twice', () => {
    const store = open();
    put(store, Buffer.alloc(0));
    const digest = put(store, Buffer.from('x'));
    put(store, Buffer.from('x'));
    expect(store.figures()).toEqual({ blobs: 2, bytes: 1 });
    expect(store.verify(digest)).toBe(true);
  });

  test('bytes that are not what the digest says are refused and leave nothing', () => {
    const store = open();
    const writer = store.write(digestOf(Buffer.from('good')));
    writer.append(Buffer.from('evil'));
    const done = writer.commit();
    expect(done.ok ? '' : done.error.code).toBe('mismatch');
    expect(writer.append(Buffer.from('more')).ok).toBe(false);
    expect(filesBelow(dir)).toEqual([]);
  });

  test('a digest that is a path is no digest', () => {
    const writer = open().write('../../../etc/passwd');
    const appended = writer.append(Buffer.from('x'));
    expect(appended.ok ? '' : appended.error.code).toBe('mismatch');
    expect(filesBelow(dir)).toEqual([]);
  });

  test('a blob that is too large and a transfer that ends leave nothing', () => {
    const store = open({ maxBlobBytes: 10 });
    const writer = store.write(digestOf(Buffer.alloc(11)));
    expect(writer.append(Buffer.alloc(6)).ok).toBe(true);
    const more = writer.append(Buffer.alloc(5));
    expect(more.ok ? '' : more.error.code).toBe('too-large');
    const other = store.write(digestOf(Buffer.alloc(3)));
    other.append(Buffer.alloc(3));
    other.abort();
    expect(other.commit().ok).toBe(false);
    expect(filesBelow(dir)).toEqual([]);
  });
});

describe('opening again', () => {
  test('knows what was there, drops half-written files, hashes before first use', () => {
    const first = open();
    const good = put(first, Buffer.from('good'));
    const spoilt = put(first, Buffer.from('spoilt'));
    const path = first.path(spoilt) ?? '';
    fs.chmodSync(path, 0o755);
    fs.writeFileSync(path, 'spoiled!');
    fs.writeFileSync(join(dir, 'blobs', 'tmp', '7'), 'half');

    const second = open();
    expect(second.figures().blobs).toBe(2);
    expect(fs.readdirSync(join(dir, 'blobs', 'tmp'))).toEqual([]);
    expect(second.link(good, join(dir, 'a')).ok).toBe(true);
    const linked = second.link(spoilt, join(dir, 'b'));
    expect(linked.ok ? '' : linked.error.code).toBe('missing');
    expect(second.has(spoilt)).toBe(false);
    expect(fs.existsSync(join(dir, 'b'))).toBe(false);
  });

  test('a directory that cannot be made is a failure with its name in it', () => {
    fs.writeFileSync(join(dir, 'blobs'), 'a file');
    const opened = openBlobStore(join(dir, 'blobs'), { maxBytes: 1 });
    expect(opened.ok).toBe(false);
    expect(opened.ok ? '' : opened.error.message).toContain(join(dir, 'blobs'));
  });
});

describe('linking and letting go', () => {
  test('a link shares the inode; a second file at the same place is an error', () => {
    const store = open();
    const digest = put(store, Buffer.from('int x;'));
    expect(store.link(digest, join(dir, 'x.h')).ok).toBe(true);
    expect(fs.statSync(join(dir, 'x.h')).ino).toBe(fs.statSync(store.path(digest) ?? '').ino);
    expect(store.link(digest, join(dir, 'x.h')).ok).toBe(false);
    expect(fs.readFileSync(join(dir, 'x.h'), 'utf8')).toBe('int x;');
  });

  test('what vanished from the disk is missing, not a crash', () => {
    const store = open();
    const digest = put(store, Buffer.from('gone'));
    fs.unlinkSync(store.path(digest) ?? '');
    const linked = store.link(digest, join(dir, 'x'));
    expect(linked.ok ? '' : linked.error.code).toBe('missing');
    expect(store.has(digest)).toBe(false);
  });

  test('the longest unused goes first, and never what a tree links to', () => {
    const store = open({ maxBytes: 1000 });
    const linked = put(store, Buffer.alloc(300, 1));
    const old = put(store, Buffer.alloc(300, 2));
    const used = put(store, Buffer.alloc(300, 3));
    store.link(linked, join(dir, 'held'));
    store.has(old);
    store.has(used);
    store.has(old);
    const fresh = put(store, Buffer.alloc(300, 4));
    expect([linked, old, used, fresh].map((digest) => store.has(digest))).toEqual([true, true, false, true]);
    expect(store.evict(0)).toBe(600);
    expect(store.has(linked)).toBe(true);
    fs.unlinkSync(join(dir, 'held'));
    expect(store.evict(0)).toBe(300);
    expect(filesBelow(join(dir, 'blobs'))).toEqual([]);
  });
});

describe("the machine's own files", () => {
  test('are taken in when the bytes are the same, through links too', () => {
    const store = open();
    const real = fs.realpathSync('/usr/bin/env');
    const bytes = fs.readFileSync(real);
    expect(store.importLocal('/usr/bin/env', digestOf(bytes), bytes.length)).toEqual({ ok: true, value: true });
    const copy = store.path(digestOf(bytes)) ?? '';
    expect(fs.readFileSync(copy).equals(bytes)).toBe(true);
    expect(fs.statSync(copy).ino).not.toBe(fs.statSync(real).ino);
  });

  test('are not when they differ, lie elsewhere, point elsewhere or are not for everybody', () => {
    const system = join(dir, 'system');
    fs.mkdirSync(system);
    fs.writeFileSync(join(dir, 'private'), 'text');
    fs.writeFileSync(join(system, 'public'), 'text');
    fs.writeFileSync(join(system, 'secret'), 'text', { mode: 0o600 });
    fs.symlinkSync('../private', join(system, 'escape'));
    fs.symlinkSync('public', join(system, 'inside'));
    const store = open({ systemDirs: [system] });
    const digest = digestOf(Buffer.from('text'));
    const refused = [`${system}/../private`, join(dir, 'private'), join(system, 'escape'), join(system, 'secret')];
    for (const path of [...refused, join(system, 'nothing'), system]) {
      expect([path, store.importLocal(path, digest, 4)]).toEqual([path, { ok: true, value: false }]);
    }
    expect(store.importLocal(join(system, 'public'), digestOf(Buffer.from('tent')), 4)).toEqual({
      ok: true,
      value: false,
    });
    expect(store.importLocal(join(system, 'public'), digest, 5)).toEqual({ ok: true, value: false });
    expect(filesBelow(join(dir, 'blobs'))).toEqual([]);
    expect(store.importLocal(join(system, 'inside'), digest, 4)).toEqual({ ok: true, value: true });
  });
});

describe('a full disk', () => {
  const isRoot = process.getuid?.() === 0;
  if (!isRoot) console.warn('SKIPPED: the store on a full disk (needs root, to mount a small tmpfs)');

  test.skipIf(!isRoot)('is told as such, leaves no half file, and the store goes on', () => {
    const small = join(dir, 'small');
    fs.mkdirSync(small);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', small]);
    try {
      const store = open({}, join(small, 'blobs'));
      const kept = put(store, Buffer.alloc(100_000, 7));
      store.link(kept, join(small, 'held'));
      const bytes = randomBytes(2_000_000);
      const writer = store.write(digestOf(bytes));
      const appended = writer.append(bytes);
      expect(appended.ok ? '' : appended.error.code).toBe('disk-full');
      expect(writer.commit().ok).toBe(false);
      expect(fs.readdirSync(join(small, 'blobs', 'tmp'))).toEqual([]);
      expect(store.verify(kept)).toBe(true);
      fs.mkdirSync(join(dir, 'system'));
      fs.writeFileSync(join(dir, 'system', 'large'), bytes);
      const again = open({ systemDirs: [join(dir, 'system')] }, join(small, 'blobs'));
      const copied = again.importLocal(join(dir, 'system', 'large'), digestOf(bytes), bytes.length);
      expect(copied.ok ? '' : copied.error.code).toBe('disk-full');
      expect(fs.readdirSync(join(small, 'blobs', 'tmp'))).toEqual([]);
      put(store, Buffer.alloc(100_000, 8));
    } finally {
      execFileSync('umount', [small]);
    }
  });
});
