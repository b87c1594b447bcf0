// The cache must give only what the pin names; npm itself is played by a small script that counts its calls.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { defaultCacheDir, fetchPackage, unpackPackage, type PinnedPackage } from './fetch.ts';

let dir: string;
let pin: PinnedPackage;
let npm: string;
let cacheDir: string;
const lines: string[] = [];
const log = (line: string): void => void lines.push(line);

beforeEach(() => {
  lines.length = 0;
  dir = mkdtempSync(join(tmpdir(), 'tender-corpus-'));
  cacheDir = join(dir, 'cache');
  mkdirSync(join(dir, 'package'));
  writeFileSync(join(dir, 'package', 'a.cc'), 'int a;\n');
  execFileSync('tar', ['-czf', join(dir, 'source.tgz'), '-C', dir, 'package']);
  const digest = createHash('sha512')
    .update(readFileSync(join(dir, 'source.tgz')))
    .digest('base64');
  pin = { name: 'thing', version: '1.2.3', integrity: `sha512-${digest}` };
  npm = join(dir, 'npm');
  writeNpm(`cp ${dir}/source.tgz "$4/thing-1.2.3.tgz"`);
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function writeNpm(body: string): void {
  writeFileSync(npm, `#!/bin/sh\necho "$2" >> ${dir}/calls\n${body}\n`);
  chmodSync(npm, 0o755);
}
const messageOf = (result: Awaited<ReturnType<typeof fetchPackage>>): string =>
  result.ok ? 'it worked' : result.error.message;
const calls = (): string[] =>
  existsSync(join(dir, 'calls')) ? readFileSync(join(dir, 'calls'), 'utf8').trim().split('\n') : [];

describe('fetchPackage', () => {
  test('asks npm once, then serves the cache, and unpacks', async () => {
    const first = await fetchPackage(pin, { cacheDir, log, npm });
    expect(first).toEqual({ ok: true, value: join(cacheDir, 'thing-1.2.3.tgz') });
    const second = await fetchPackage(pin, { cacheDir, log, npm: join(dir, 'no-such-npm') });
    expect(second).toEqual(first);
    expect(calls()).toEqual(['thing@1.2.3']);
    expect(readdirSync(cacheDir)).toEqual(['thing-1.2.3.tgz']);
    const unpacked = await unpackPackage(join(cacheDir, 'thing-1.2.3.tgz'), join(dir, 'out'));
    if (!unpacked.ok) throw new Error(unpacked.error.message);
    expect(readFileSync(join(unpacked.value, 'a.cc'), 'utf8')).toBe('int a;\n');
  });

  test('refuses a package whose bytes differ from the pin, and keeps nothing of it', async () => {
    const other = await fetchPackage({ ...pin, integrity: `sha512-${'A'.repeat(86)}==` }, { cacheDir, log, npm });
    expect(messageOf(other)).toMatch(/thing@1\.2\.3 from npm is not the pinned package/);
    expect(readdirSync(cacheDir)).toEqual([]);
  });

  test('a flipped byte in the cache is noticed and the package fetched again', async () => {
    await fetchPackage(pin, { cacheDir, log, npm });
    const cached = join(cacheDir, 'thing-1.2.3.tgz');
    const bytes = readFileSync(cached);
    bytes[20] = (bytes[20] ?? 0) ^ 1;
    writeFileSync(cached, bytes);
    expect((await fetchPackage(pin, { cacheDir, log, npm })).ok).toBe(true);
    expect(calls()).toHaveLength(2);
    expect(lines.at(-1)).toContain('is damaged');
    expect(readFileSync(cached)).toEqual(readFileSync(join(dir, 'source.tgz')));
  });

  test('says what npm said when it cannot be fetched', async () => {
    writeNpm('echo "npm error code ENOTFOUND" >&2; echo "npm error network no such host" >&2; exit 1');
    const failed = await fetchPackage(pin, { cacheDir, log, npm });
    expect(messageOf(failed)).toContain('cannot fetch thing@1.2.3 by npm: code ENOTFOUND; network no such host');
    expect(readdirSync(cacheDir)).toEqual([]);
    const missing = await fetchPackage(pin, { cacheDir, log, npm: join(dir, 'no-such-npm') });
    expect(messageOf(missing)).toContain('is not installed');
  });

  test('says so when the cache cannot be written', async () => {
    writeFileSync(join(dir, 'file'), '');
    const failed = await fetchPackage(pin, { cacheDir: join(dir, 'file', 'cache'), log, npm });
    expect(messageOf(failed)).toContain('cannot write to the cache directory');
    expect(calls()).toEqual([]);
  });
});

test('the cache lies where the XDG standard says', () => {
  expect(defaultCacheDir({ XDG_CACHE_HOME: '/x' })).toBe('/x/tender');
  expect(defaultCacheDir({ XDG_CACHE_HOME: 'relative' })).toMatch(/\/\.cache\/tender$/);
});
