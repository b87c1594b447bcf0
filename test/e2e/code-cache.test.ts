// The engine's work on the agent's code outlives the agent that built something first, and the next one takes it over.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { TestFarm, until } from './support.ts';

const main = fileURLToPath(new URL('../../dist/apps/main.js', import.meta.url));

let farm: TestFarm | null = null;
afterEach(async () => {
  await farm?.close();
  farm = null;
});

test('kept after the first compiles elsewhere, for the user alone, and believed by the next agent', async () => {
  farm = await TestFarm.start(1);
  const here = farm;
  const home = farm.homeOf('client');
  const code = join(home, 'code');
  const dir = join(farm.dir, 'project');
  mkdirSync(dir);
  const units = Array.from({ length: 8 }, (_, index) => `u${index}`);
  for (const unit of units) writeFileSync(join(dir, `${unit}.c`), `int ${unit};\n`);
  writeFileSync(join(dir, 'Makefile'), `all: ${units.map((unit) => `${unit}.o`).join(' ')}\n`);
  expect(existsSync(join(code, 'good'))).toBe(false);
  const { report } = await farm.build(['make', '-j4'], dir);
  expect(report.remote).toBe(units.length);
  await until('it is kept', () => (existsSync(join(code, 'good')) ? true : null));
  expect(readdirSync(code)).toEqual(['good']);
  expect(statSync(code).mode & 0o077).toBe(0);
  await farm.cli('client', ['stop']);

  const child = spawn(process.execPath, [main, 'agent'], {
    env: { ...farm.env('client'), NODE_DEBUG_NATIVE: 'COMPILE_CACHE' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (text: Buffer) => (said += text.toString()));
  try {
    await until('the next agent answers', async () =>
      (await here.cli('client', ['status'])).code === 0 ? true : null,
    );
  } finally {
    child.kill('SIGTERM');
    await once(child, 'close');
  }
  const accepted = said.split('\n').filter((line) => line.includes('was accepted'));
  expect(accepted.some((line) => line.includes('core/delegation/delegation.js'))).toBe(true);
  expect(accepted.length).toBeGreaterThan(100);
  expect(said).not.toContain('was rejected');
  expect(readdirSync(code)).toEqual(['good']);
});
