// docs/errors.md lists each code that a user can meet, and none that does not exist.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');
const read = (name: string): string => readFileSync(path.join(root, name), 'utf8');

/** The string literals of `export type NAME = 'a' | 'b' …;` in a source text. */
function membersOf(source: string, name: string): string[] {
  const [, body] = new RegExp(`export type ${name} =([^;]*);`).exec(source.replaceAll(/\/\/.*/g, '')) ?? [];
  return [...(body ?? '').matchAll(/'([^']+)'/g)].map((match) => match[1] ?? '');
}

test('every code is explained, and every explained code exists', () => {
  const stays = membersOf(read('src/compiler/types.ts'), 'StayReason');
  const failures = membersOf(read('src/core/types.ts'), 'FailureCode');
  const locals = membersOf(read('src/core/types.ts'), 'LocalReason');
  expect(Math.min(stays.length, failures.length, locals.length)).toBeGreaterThan(3);
  // Each row needs all three cells.
  const rows = [...read('docs/errors.md').matchAll(/^\| `([^`]+)` \| [^|]{10,} \| [^|]{5,} \|$/gm)];
  const explained = rows.map((row) => row[1] ?? '');
  expect(explained.toSorted()).toEqual([...stays, ...failures, ...locals].toSorted());
});
