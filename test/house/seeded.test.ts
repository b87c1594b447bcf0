// The compiler and the linter themselves guard the pure layers: a copy of them passes, and each seeded impurity fails.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');
let copy = '';

beforeAll(() => {
  copy = mkdtempSync(path.join(os.tmpdir(), 'tender-house-'));
  for (const name of ['package.json', 'tsconfig.base.json', '.oxlintrc.json', 'src/base', 'src/core']) {
    const withoutTests = (from: string): boolean => !from.endsWith('.test.ts');
    cpSync(path.join(root, name), path.join(copy, name), { recursive: true, filter: withoutTests });
  }
  symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'));
});

afterAll(() => rmSync(copy, { recursive: true, force: true }));

function runTool(script: string, ...args: string[]): { code: number | null; output: string } {
  const run = spawnSync(process.execPath, [path.join(root, 'node_modules', script), ...args], {
    cwd: copy,
    encoding: 'utf8',
  });
  return { code: run.status, output: `${run.stdout}${run.stderr}` };
}
const compile = () => runTool('typescript/bin/tsc', '-b', 'src/core');
const lint = () => runTool('oxlint/bin/oxlint', 'src');

/** Runs `tool` with `text` as a file of core. */
function withSeed(text: string, tool: typeof compile): { code: number | null; output: string } {
  const seed = path.join(copy, 'src/core/seed.ts');
  writeFileSync(seed, `// Seeded.\n${text}\n`);
  try {
    return tool();
  } finally {
    rmSync(seed);
  }
}

describe('the pure layers', () => {
  test('pass as they are', () => {
    expect(compile()).toEqual({ code: 0, output: '' });
    const linted = lint();
    expect(linted.code, linted.output).toBe(0);
  });

  test.each([
    ["'node:fs'", "import { readFileSync } from 'node:fs';\nexport const text = readFileSync('x', 'utf8');"],
    ["'setTimeout'", 'export const timer = setTimeout(() => {}, 1);'],
    ["'process'", 'export const directory = process.cwd();'],
    ["'../adapters/blobs/store.ts'", "export * from '../adapters/blobs/store.ts';"],
  ])('do not type-check with %s', (unknown, text) => {
    const { code, output } = withSeed(text, compile);
    expect(code).not.toBe(0);
    expect(output).toMatch(/^src\/core\/seed\.ts.*Cannot find (?:module|name)/m);
    expect(output).toContain(unknown);
  });

  test.each([
    [
      'no-restricted-imports',
      "import { readFileSync } from 'node:fs';\nexport const text = readFileSync('x', 'utf8');",
    ],
    ['no-restricted-globals', 'export const timer = setTimeout(() => {}, 1);'],
    ['no-restricted-globals', 'export const now = Date.now();'],
    ['no-restricted-properties', 'export const dice = Math.random();'],
    ['no-floating-promises', 'export function start(): void {\n  Promise.resolve(1);\n}'],
  ])('break the lint rule %s', (rule, text) => {
    const { code, output } = withSeed(text, lint);
    expect(code).not.toBe(0);
    expect(output).toContain('src/core/seed.ts');
    expect(output).toContain(rule);
  });
});
