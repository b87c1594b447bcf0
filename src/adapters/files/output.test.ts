// Output files: written whole beside their place, and a clear word when that is not possible.
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { removeTemporary, writeTemporary } from './output.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tender-output-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const data = Buffer.from('object');

test('beside its place, whole, with exactly the mode, under a name of its own each time', () => {
  const final = join(dir, 'a.o');
  const written = [0o644, 0o666, 0o600].map((mode) => {
    const result = writeTemporary(final, data, mode);
    if (!result.ok) throw new Error(result.error);
    expect(dirname(result.value)).toBe(dir);
    expect(basename(result.value)).toMatch(new RegExp(`^\\.tender-${process.pid}-\\d+-a\\.o$`));
    expect(readFileSync(result.value, 'utf8')).toBe('object');
    expect(statSync(result.value).mode & 0o777).toBe(mode);
    return result.value;
  });
  expect(new Set(written).size).toBe(3);
  for (const path of written) removeTemporary(path);
  for (const path of written) removeTemporary(path);
  expect(readdirSync(dir)).toEqual([]);
});

test('a name as long as the file system allows', () => {
  const result = writeTemporary(join(dir, `${'ä'.repeat(126)}.o`), data, 0o644);
  expect(result.ok && Buffer.byteLength(basename(result.value))).toBeLessThanOrEqual(255);
  expect(readdirSync(dir)).toHaveLength(1);
});

test('no such directory', () => {
  const path = join(dir, 'none/a.o');
  expect(writeTemporary(path, data, 0o644)).toEqual({
    ok: false,
    error: `cannot write ${path}: its directory does not exist`,
  });
  writeFileSync(join(dir, 'file'), '');
  expect(writeTemporary(join(dir, 'file/a.o'), data, 0o644)).toMatchObject({ ok: false });
});

test('a directory that may not be written', () => {
  const place = join(dir, 'locked');
  mkdirSync(place);
  const path = join(place, 'a.o');
  chmodSync(place, 0o555);
  if (process.getuid?.() === 0) {
    // Modes do not bind root, but no user may create files in /proc.
    expect(writeTemporary('/proc/a.o', data, 0o644)).toMatchObject({ ok: false });
    return;
  }
  const error = `cannot write ${path}: its directory may not be written by this user`;
  expect(writeTemporary(path, data, 0o644)).toEqual({ ok: false, error });
});

test('a full disk: said so, and nothing is left behind', ({ skip }) => {
  const full = join(dir, 'full');
  mkdirSync(full);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', full]);
  if (mounted.status !== 0) {
    console.warn('SKIPPED: a full disk cannot be tried here, mounting a small tmpfs is not allowed');
    skip();
  }
  try {
    const path = join(full, 'a.o');
    expect(writeTemporary(path, Buffer.alloc(1 << 20), 0o644)).toEqual({
      ok: false,
      error: `cannot write ${path}: the disk is full`,
    });
    expect(readdirSync(full)).toEqual([]);
  } finally {
    spawnSync('umount', [full]);
  }
});
