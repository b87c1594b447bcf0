// Reading a file whole: the digest is of its bytes whatever its size, one text does not show through in the next, and what says
// another size than it has is not believed.
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readContents } from './contents.ts';

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'tender-contents-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const MIB = 2 ** 20;

test.each([
  ...[0, 1, 100, 2 ** 12, MIB - 1, MIB, MIB + 1, 3 * MIB].map((size) => [size, true] as const),
  ...[0, 5, MIB, 2 * MIB + 7].map((size) => [size, false] as const),
])('%i bytes, parsed: %s', (size, parse) => {
  const path = join(dir, `${size}-${parse}`);
  const bytes = Buffer.alloc(size, 'xyz\n');
  writeFileSync(path, bytes);
  const contents = readContents(path, parse);
  expect(contents).toMatchObject({ size, digest: createHash('sha256').update(bytes).digest() });
  expect(contents?.parsed === null).toBe(!parse);
});

test('what an earlier, longer text named is not in a later one', () => {
  const [long, short, none] = ['long', 'short', 'none'].map((name) => join(dir, name)) as [string, string, string];
  writeFileSync(long, '// ü\n#include "a.h"\n#include "b.h"\n#include "c.h"\n');
  writeFileSync(short, '#include "d.h"\n');
  writeFileSync(none, '');
  const names = [long, short, none, long].map((path) =>
    readContents(path, true)?.parsed?.directives.map((directive) => ('name' in directive ? directive.name : '')),
  );
  expect(names).toEqual([['a.h', 'b.h', 'c.h'], ['d.h'], [], ['a.h', 'b.h', 'c.h']]);
});

test('a file that says it is empty and is not cannot be read', () => {
  expect(readContents('/proc/self/status', true)).toBeNull();
});
