// Where the runs' directories go, with a shared directory that others can write to.
import fs from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openScratch } from './scratch.ts';

const isTmpfs = fs.existsSync('/dev/shm') && fs.statfsSync('/dev/shm').type === 0x01021994;
if (!isTmpfs) console.warn('SKIPPED: scratch directories in memory (no tmpfs at /dev/shm)');

describe.skipIf(!isTmpfs)('scratch directories', () => {
  let home = '';
  let shared = '';
  beforeEach(() => {
    home = fs.mkdtempSync(join(os.tmpdir(), 'tender-home-'));
    shared = fs.mkdtempSync('/dev/shm/tender-test-');
  });
  afterEach(() => {
    for (const dir of [home, shared]) fs.rmSync(dir, { recursive: true, force: true });
  });

  test('lie in memory, private, the same for one home, and start empty', () => {
    const dir = openScratch(home, { dir: shared, plentyBytes: 1 });
    expect(dir.startsWith(`${shared}/tender-`)).toBe(true);
    expect(fs.statSync(dir).mode & 0o777).toBe(0o700);
    fs.writeFileSync(join(dir, 'left over'), '');
    expect(openScratch(home, { dir: shared, plentyBytes: 1 })).toBe(dir);
    expect(fs.readdirSync(dir)).toEqual([]);
    expect(openScratch(`${home}-other`, { dir: shared, plentyBytes: 1 })).not.toBe(dir);
  });

  test('lie at home when memory is short or there is none', () => {
    for (const memory of [
      { dir: shared, plentyBytes: Infinity },
      { dir: join(shared, 'none'), plentyBytes: 1 },
      { dir: '/proc', plentyBytes: 0 },
    ]) {
      expect(openScratch(home, memory)).toBe(join(home, 'runs'));
    }
  });

  test('lie at home when somebody has put something in the way', () => {
    const dir = openScratch(home, { dir: shared, plentyBytes: 1 });
    fs.chmodSync(dir, 0o777);
    expect(openScratch(home, { dir: shared, plentyBytes: 1 })).toBe(join(home, 'runs'));
    fs.rmdirSync(dir);
    fs.symlinkSync('/etc', dir);
    expect(openScratch(home, { dir: shared, plentyBytes: 1 })).toBe(join(home, 'runs'));
    expect(fs.existsSync('/etc')).toBe(true);
  });
});
