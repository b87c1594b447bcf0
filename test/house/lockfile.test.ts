// npm ci must work in a fresh clone: the lockfile names every package, also those for platforms that are not this one.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { findMissingEntries } from '../../scripts/complete-lockfile.ts';
import type { Lockfile } from '../../scripts/complete-lockfile.ts';

const root = path.resolve(import.meta.dirname, '../..');
const read = (name: string): unknown => JSON.parse(readFileSync(path.join(root, name), 'utf8'));

interface Manifest {
  readonly dependencies: Record<string, string>;
  readonly devDependencies: Record<string, string>;
  readonly optionalDependencies: Record<string, string>;
}

test('the lockfile is complete (else: node scripts/complete-lockfile.ts)', () => {
  const lock = read('package-lock.json') as Lockfile;
  expect(findMissingEntries(lock)).toEqual({});
  const broken: Lockfile = { packages: { ...lock.packages } };
  delete broken.packages['node_modules/@oxlint/binding-darwin-arm64'];
  expect(Object.keys(findMissingEntries(broken))).toEqual(['node_modules/@oxlint/binding-darwin-arm64']);
});

test('every dependency has an exact version and is explained in docs/decisions/', () => {
  const { dependencies, devDependencies, optionalDependencies } = read('package.json') as Manifest;
  const all = { ...dependencies, ...devDependencies, ...optionalDependencies };
  const page = readFileSync(path.join(root, 'docs/decisions/007-dependencies.md'), 'utf8');
  expect(Object.entries(all).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  expect(Object.keys(all).filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});
