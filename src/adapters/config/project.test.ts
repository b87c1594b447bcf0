// A project's file: where it is found, what it may say, and what is said of a bad one; config.toml's faults come the same way.
import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { loadConfig } from './config.ts';
import { findProject } from './project.ts';

let dir = '';
const made: string[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tender-project-'));
  made.push(dir);
  mkdirSync(join(dir, 'p', 'a', 'b'), { recursive: true });
});
afterAll(() => {
  for (const path of made) rmSync(path, { recursive: true });
});

const write = (path: string, text: string): void => writeFileSync(join(dir, path), text);
const found = (path = 'p/a/b'): ReturnType<typeof findProject> => findProject(join(dir, path), dir);

describe('where it lies', () => {
  test('upwards, the nearest file; without one the version control; without that nowhere', () => {
    expect(found()).toEqual({ root: null, policy: null, needs: null, fault: null, ignored: null });
    mkdirSync(join(dir, 'p', '.git'));
    expect(found()).toEqual({ root: join(dir, 'p'), policy: null, needs: null, fault: null, ignored: null });
    write('p/.tender.toml', '[delegate]\npolicy = "record"\nneeds = "mem.free >= 2GiB"\n');
    expect(found()).toEqual({
      root: join(dir, 'p'),
      policy: 'record',
      needs: 'mem.free >= 2GiB',
      fault: null,
      ignored: null,
    });
    write('p/a/.tender.toml', '');
    expect(found()).toEqual({ root: join(dir, 'p/a'), policy: null, needs: null, fault: null, ignored: null });
  });

  test('not in the home directory, and not above it', () => {
    write('.tender.toml', '[delegate]\npolicy = "first"\n');
    expect(found().policy).toBeNull();
    expect(findProject(join(dir, 'p'), '/nowhere').policy).toBe('first');
  });

  test('not more than forty levels up', () => {
    const deep = join(dir, 'p', ...Array.from({ length: 45 }, () => 'd'));
    mkdirSync(deep, { recursive: true });
    write('p/.tender.toml', '[delegate]\npolicy = "first"\n');
    expect(findProject(deep, dir).policy).toBeNull();
    expect(findProject(join(deep, '../../../../../..'), dir).policy).toBe('first');
  });
});

describe('what does not count', () => {
  test('a pipe, a directory, a link to nowhere, a large one', () => {
    const file = join(dir, 'p/.tender.toml');
    execFileSync('mkfifo', [file]);
    expect(found().ignored).toBe(`${file}: is no file and does not count`);
    rmSync(file);
    mkdirSync(file);
    expect(found().ignored).toBe(`${file}: is no file and does not count`);
    rmSync(file, { recursive: true });
    symlinkSync(join(dir, 'nowhere'), file);
    expect(found().ignored).toBeNull();
    rmSync(file);
    write('p/.tender.toml', '#'.repeat(70_000));
    expect(found().ignored).toBe(`${file}: is larger than 64 KiB and does not count`);
  });

  test.skipIf(process.getuid?.() !== 0)("another user's", () => {
    write('p/.tender.toml', '[delegate]\nneeds = "slots > 100"\n');
    chownSync(join(dir, 'p/.tender.toml'), 12_345, 12_345);
    expect(found()).toMatchObject({
      needs: null,
      ignored: expect.stringContaining('belongs to another user') as string,
    });
  });
});

describe('what is wrong is told with its line and with what is allowed', () => {
  test.each([
    [
      '[delegate]\npolicy = "fastest"\n',
      ':2: delegate.policy: Invalid option: expected one of "first"|"info"|"record"|"finish"',
    ],
    ['# mine\n\n[delegate]\nneeds = "mem.free > 2"\n', ':4: delegate.needs: mem.free is a number of bytes'],
    [
      '[delegate]\nneeds = "memfree > 2GiB"\n',
      'did you mean mem.free? (text goes in quotes) (at character 1 of «memfree > 2GiB»)',
    ],
    [`[delegate]\nneeds = "${'load < 1 || '.repeat(40)}load < 1"\n`, ':2: delegate.needs: longer than 440 bytes'],
    ['delegate.needs = 7\n', ':1: delegate.needs: Invalid input: expected string'],
    [
      '[delegate]\nown_slots = 0\n',
      ':2: "own_slots" is not known in [delegate]; known in [delegate] are policy, needs',
    ],
    ['[delegate]\n[work]\nslots = 99\n', ':2: "work" is not known here; known are delegate'],
    ['[delegate\n', ':1:'],
    ['delegate = { polici = "first" }\n', ':1: "polici" is not known in [delegate]'],
  ])('%j', (text, problem) => {
    write('p/.tender.toml', text);
    expect(found()).toMatchObject({ root: join(dir, 'p'), policy: null, needs: null });
    expect(found().fault).toContain(`${join(dir, 'p/.tender.toml')}:`);
    expect(found().fault).toContain(problem);
  });

  test('of config.toml too', () => {
    const problem = (text: string): string => {
      write('config.toml', text);
      const loaded = loadConfig(dir);
      return loaded.ok ? 'accepted' : loaded.error;
    };
    expect(problem('[delegate]\npolicy = "info"\nneeds = "site in [\\"here\\"]"\n')).toBe('accepted');
    expect(problem('[work]\nslots = 2\n[delegate]\npolicy = "last"\n')).toContain(
      'config.toml:4: delegate.policy: Invalid option',
    );
    expect(problem('[delegate]\nneeds = "load < "\n')).toContain(
      'config.toml:2: delegate.needs: a name or a value is expected',
    );
    expect(problem('[network]\nports = 1\n')).toMatch(
      /config\.toml:2: "ports" is not known in \[network\]; known in \[network\] are port, host/,
    );
    expect(problem('[network]\npeers = ["a", 7]\n')).toContain(
      'config.toml:2: network.peers.1: Invalid input: expected string',
    );
  });
});
