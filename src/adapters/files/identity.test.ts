// When a file's times let it be trusted unread. Kernels of late stamp finely enough to hide the race, so it is tried on numbers.
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readContents } from './contents.ts';
import { identityOf, isSettled, sameIdentity } from './identity.ts';
import type { Identity } from './identity.ts';

const READ_AT_MS = 1_700_000_000_000;

function changed(mtimeMs: number, ctimeMs: number): Identity {
  return { size: 4n, ino: 1n, dev: 1n, mtimeNs: BigInt(mtimeMs) * 1_000_000n, ctimeNs: BigInt(ctimeMs) * 1_000_000n };
}

describe('settled', () => {
  test.each<[string, number, number, boolean]>([
    ['long ago', 60_000, 60_000, true],
    ['just before reading', 1, 1, false],
    ['within a coarse tick', 49, 49, false],
    ['an old time put on a file of now', 60_000, 1, false],
    ['a time in the future', -5_000, 60_000, false],
  ])('%s', (_, mtimeAgoMs, ctimeAgoMs, expected) => {
    expect(isSettled(changed(READ_AT_MS - mtimeAgoMs, READ_AT_MS - ctimeAgoMs), READ_AT_MS)).toBe(expected);
  });
});

test('every part of an identity counts', () => {
  const base = changed(READ_AT_MS, READ_AT_MS);
  expect(sameIdentity(base, { ...base })).toBe(true);
  for (const part of ['size', 'ino', 'dev', 'mtimeNs', 'ctimeNs'] as const) {
    expect(sameIdentity(base, { ...base, [part]: base[part] + 1n })).toBe(false);
  }
});

test('what was read just after it was written is not settled, what is old is', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'tender-identity-'));
  try {
    const path = join(dir, 'x.h');
    await expect
      .poll(() => {
        writeFileSync(path, 'text');
        return readContents(path, false)?.settled;
      })
      .toBe(false);
    await expect.poll(() => readContents(path, false)?.settled).toBe(true);
    expect(readContents(path, false)?.identity).toEqual(identityOf(statSync(path, { bigint: true })));
  } finally {
    rmSync(dir, { recursive: true });
  }
});
