// The digest must not tell two texts alike that differ anywhere, and must be the same on every machine.
import { expect, test } from 'vitest';
import { fingerprint } from './fingerprint.ts';

const hex = (text: string): string => Buffer.from(fingerprint(text)).toString('hex');

test('sixteen bytes, the same for ever', () => {
  expect([hex(''), hex('a'), hex('/usr/include/stdio.h\0\0')]).toMatchInlineSnapshot(`
    [
      "536501778666369626866492c6fcf741",
      "eec32d29763d4b76bc00de7f51cdcd9d",
      "a380f6936fe5c05735bc61c8db75d28a",
    ]
  `);
});

test('texts that differ in one place, in length or in order differ', () => {
  const texts = new Set<string>(['', '\0', '\0\0', 'ab', 'ba', 'größe', 'grosse', '\ud800', '\udc00']);
  const long = '/usr/include/c++/12/bits/stl_algobase.h\0'.repeat(30);
  for (let at = 0; at < long.length; at++) {
    texts.add(`${long.slice(0, at)}~${long.slice(at + 1)}`);
    texts.add(long.slice(0, at));
  }
  for (let number = 0; number < 20_000; number++) texts.add(`x${number}`);
  const digests = new Set([...texts].map(hex));
  expect(digests.size).toBe(texts.size);
  // Each half and each quarter alone tells them apart as far as its size lets it.
  expect(new Set([...digests].map((digest) => digest.slice(0, 16))).size).toBe(texts.size);
  expect(new Set([...digests].map((digest) => digest.slice(16))).size).toBe(texts.size);
  for (const at of [0, 8, 16, 24]) {
    expect(new Set([...digests].map((digest) => digest.slice(at, at + 8))).size).toBeGreaterThan(texts.size - 5);
  }
});
