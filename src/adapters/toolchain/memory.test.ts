// What is known of compilers from an earlier life: told without asking while everything is as it was, asked anew after every kind of
// change, and after every kind of damage.
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { identityOf } from './digests.ts';
import { Toolchains } from './index.ts';
import { ToolchainMemory } from './memory.ts';

let dir = '';
let file = '';
beforeEach(() => {
  dir = realpathSync.native(mkdtempSync(join(tmpdir(), 'tender-memory-')));
  file = join(dir, 'compilers.json');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** As if all in `dir` had been made long before: times of change cannot be set, so the question is asked later instead. */
const LATER_MS = 60_000;

/** What a new life recalls of an answer that an earlier one kept. */
function recallAfter(paths: readonly string[], change: () => void): unknown {
  const first = new ToolchainMemory(file);
  first.keep('key', { said: 1 }, paths, Date.now() + LATER_MS);
  first.save();
  expect(new ToolchainMemory(file).recall('key')).toEqual({ said: 1 });
  change();
  return new ToolchainMemory(file).recall('key');
}

function make(name: string, content = 'x'): string {
  const path = join(dir, name);
  writeFileSync(path, content);
  return path;
}

describe('an answer of an earlier life', () => {
  test('is told while what it rests on stays', () => {
    const part = make('part');
    expect(recallAfter([part, join(dir, 'absent')], () => undefined)).toEqual({ said: 1 });
  });

  const changes: [string, (part: string) => void][] = [
    ['content', (part) => writeFileSync(part, 'y')],
    ['more of it', (part) => appendFileSync(part, 'y')],
    [
      'content under the old time',
      (part) => {
        writeFileSync(part, 'y');
        utimesSync(part, 1, 1);
      },
    ],
    [
      'another file under its name, of equal size and time',
      (part) => {
        copyFileSync(part, `${part}.new`);
        utimesSync(`${part}.new`, 1, 1);
        renameSync(`${part}.new`, part);
      },
    ],
    ['its end', (part) => unlinkSync(part)],
    [
      'its mode',
      (part) => {
        // Until the clock by which the kernel stamps times has ticked.
        for (const before = identityOf(part); identityOf(part) === before;) chmodSync(part, 0o400);
      },
    ],
    [
      'a link in its place',
      (part) => {
        renameSync(part, `${part}.old`);
        symlinkSync(`${part}.old`, part);
      },
    ],
    ['a file where nothing was', () => make('absent')],
    ['a directory where nothing was', () => mkdirSync(join(dir, 'absent'))],
    ['a file in a directory that counts', () => make('places/new')],
  ];
  test.each(changes)('is not told after a change: %s', (_, change) => {
    const part = make('part');
    utimesSync(part, 1, 1);
    mkdirSync(join(dir, 'places'));
    utimesSync(join(dir, 'places'), 1, 1);
    expect(recallAfter([part, join(dir, 'absent'), join(dir, 'places')], () => change(part))).toBeNull();
  });

  test('is not told when a link on the way is made anew', () => {
    make('one');
    const [link, outer] = [join(dir, 'link'), join(dir, 'outer')];
    symlinkSync('one', link);
    symlinkSync('link', outer);
    const answer = recallAfter([outer], () => {
      symlinkSync('one', `${link}.new`);
      renameSync(`${link}.new`, link);
    });
    expect(answer).toBeNull();
  });

  test('is not kept when something changed a moment ago, for a second change could hide', () => {
    const memory = new ToolchainMemory(file);
    memory.keep('key', 1, [make('young')], Date.now());
    expect(memory.recall('key')).toBeNull();
    symlinkSync('/etc/passwd', join(dir, 'young-link'));
    memory.keep('key', 1, [join(dir, 'young-link')], Date.now());
    expect(memory.recall('key')).toBeNull();
  });

  test.each<[string, (text: string) => string]>([
    ['cut short', (text) => text.slice(0, -2)],
    ['flipped', (text) => text.replace('said', 'sbid')],
    ['of another version', (text) => text.replace(/^tender compilers \d+/, 'tender compilers 0')],
    ['empty', () => ''],
    ['no text', () => '\u0000\u0001'],
  ])('a file that is %s is as good as none, and is written anew', (_, spoil) => {
    const memory = new ToolchainMemory(file);
    memory.keep('key', { said: 1 }, [], Date.now());
    memory.save();
    writeFileSync(file, spoil(readFileSync(file, 'utf8')));
    const next = new ToolchainMemory(file);
    expect(next.recall('key')).toBeNull();
    next.keep('key', { said: 2 }, [], Date.now());
    next.save();
    expect(new ToolchainMemory(file).recall('key')).toEqual({ said: 2 });
  });

  test('a place that cannot be written costs the memory, no more', () => {
    const memory = new ToolchainMemory(join(dir, 'no', 'such', 'file'));
    memory.keep('key', 1, [], Date.now());
    memory.save();
    expect(memory.recall('key')).toBe(1);
  });

  test('has a bound: what came first goes', () => {
    const memory = new ToolchainMemory(file);
    for (let i = 0; i < 300; i++) memory.keep(`key ${i}`, i, [], Date.now());
    memory.save();
    const next = new ToolchainMemory(file);
    expect([next.recall('key 0'), next.recall('key 299')]).toEqual([null, 299]);
  });
});

describe('a compiler', () => {
  const gxx = spawnSync('sh', ['-c', 'command -v g++'], { encoding: 'utf8' }).stdout.trim();
  const said = async (memory: string): Promise<readonly unknown[]> => {
    const toolchains = new Toolchains({ env: process.env, memory });
    return [await toolchains.describe(gxx), await toolchains.builtinSearch(gxx, 'c++', ['-std=c++17'])];
  };

  test('is described in the next life as in the first, by what was kept', async () => {
    const first = await said(file);
    const text = readFileSync(file, 'utf8');
    expect(text).toContain('cc1plus');
    expect(await said(file)).toEqual(first);
    // Nothing was new.
    expect(readFileSync(file, 'utf8')).toBe(text);
    expect(await said(join(dir, 'other'))).toEqual(first);
  });

  test('is told from what is kept, not by asking', async () => {
    const [described] = await said(file);
    const lie = (name: string): void => {
      const [, text = ''] = readFileSync(file, 'utf8').split('\n');
      const data = JSON.parse(text) as { answers: [string, { value: { version?: string } }][] };
      for (const [, { value }] of data.answers) if (value.version !== undefined) value.version = name;
      const memory = new ToolchainMemory(file);
      for (const [key, { value }] of data.answers) memory.keep(key, value, [], Date.now());
      memory.save();
    };
    lie('99');
    const [again] = await said(file);
    expect(again).toEqual({ ok: true, value: { ...(described as { value: object }).value, version: '99' } });
  });

  test('is read again when a digest was kept of another file', async () => {
    const [described] = await said(file);
    const { files } = (described as { value: { files: { path: string; digest: Uint8Array; size: number }[] } }).value;
    const part = files[0];
    const memory = new ToolchainMemory(file);
    const wrong = { path: part?.path ?? '', digest: Buffer.alloc(32), size: 1, executable: true };
    memory.set(wrong.path, { identity: `${identityOf(wrong.path)}0`, file: wrong });
    memory.save();
    expect((await said(file))[0]).toEqual(described);
  });
});
