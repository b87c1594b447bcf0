// Another machine names a path: only what is kept as a compiler may run.
import { chmodSync, copyFileSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { isTrustedCompiler } from './trust.ts';

const dir = mkdtempSync(join(tmpdir(), 'tender-trust-'));
afterAll(() => rmSync(dir, { recursive: true }));

test('compilers of this machine, through their links', () => {
  expect(isTrustedCompiler('/usr/bin/gcc')).toBe(true);
  expect(isTrustedCompiler('/usr/bin/g++')).toBe(true);
});

test('no other programs, by whatever name, and nothing that others could have put there', () => {
  expect(isTrustedCompiler('/bin/true')).toBe(false);
  expect(isTrustedCompiler('gcc')).toBe(false);
  expect(isTrustedCompiler('/nowhere/gcc')).toBe(false);
  symlinkSync('/bin/true', join(dir, 'gcc'));
  expect(isTrustedCompiler(join(dir, 'gcc'))).toBe(false);
  copyFileSync('/bin/true', join(dir, 'g++'));
  chmodSync(join(dir, 'g++'), 0o755);
  expect(isTrustedCompiler(join(dir, 'g++'))).toBe(true);
  chmodSync(join(dir, 'g++'), 0o777);
  expect(isTrustedCompiler(join(dir, 'g++'))).toBe(false);
  chmodSync(join(dir, 'g++'), 0o755);
  chmodSync(dir, 0o777);
  expect(isTrustedCompiler(join(dir, 'g++'))).toBe(false);
});
