// Trees on a real disk: what lies where, what is refused before anything is touched, and what is removed when.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openTrees, type TreesOptions } from './trees.ts';
import type { BlobSource, TreeError, TreeFile, TreeLease, TreeRequest, Trees } from './types.ts';

let dir = '';
let opened: Trees[] = [];
let stock: Map<string, string>;

beforeEach(() => {
  dir = fs.mkdtempSync(join(os.tmpdir(), 'tender-trees-'));
  fs.mkdirSync(join(dir, 'stock'));
  opened = [];
  stock = new Map();
});
afterEach(async () => {
  await Promise.all(opened.map((trees) => trees.close()));
  fs.rmSync(dir, { recursive: true, force: true });
});

const blobs: BlobSource = {
  has: (digest) => stock.has(digest),
  link(digest, to) {
    const from = stock.get(digest);
    if (from === undefined) return { ok: false, error: { code: 'missing', message: 'gone' } };
    fs.linkSync(from, to);
    return { ok: true, value: undefined };
  },
};

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function file(path: string, text = path): TreeFile {
  const digest = digestOf(text);
  if (!stock.has(digest)) {
    fs.writeFileSync(join(dir, 'stock', digest), text);
    stock.set(digest, join(dir, 'stock', digest));
  }
  return { path, digest };
}

function open(options: TreesOptions = {}): Trees {
  const trees = openTrees(join(dir, 'trees'), blobs, options);
  if (!trees.ok) throw new Error(trees.error.message);
  opened.push(trees.value);
  return trees.value;
}

const request = (parts: Partial<TreeRequest>): TreeRequest => ({
  client: 'one',
  epoch: '1',
  files: [],
  symlinks: [],
  dirs: [],
  ...parts,
});

function acquire(trees: Trees, parts: Partial<TreeRequest>): TreeLease {
  const got = trees.acquire(request(parts));
  if (!got.ok) throw new Error(got.error.message);
  return got.value;
}

function refuse(trees: Trees, parts: Partial<TreeRequest>): TreeError {
  const got = trees.acquire(request(parts));
  if (got.ok) throw new Error('was taken');
  return got.error;
}

describe('placing', () => {
  test('files lie at their paths, share the stock’s inode, and the tree grows', () => {
    const trees = open();
    const first = acquire(trees, { files: [file('/home/x/a.h'), file('/home/x/sub/b.h')], dirs: ['/home/x/out'] });
    const second = acquire(trees, { files: [file('/home/x/a.h'), file('/usr/include/c.h')] });
    expect(second.root).toBe(first.root);
    for (const path of ['/home/x/a.h', '/home/x/sub/b.h', '/usr/include/c.h']) {
      expect(fs.readFileSync(first.root + path, 'utf8')).toBe(path);
      expect(fs.statSync(first.root + path).nlink).toBe(2);
    }
    expect(fs.readdirSync(`${first.root}/home/x/out`)).toEqual([]);
    expect(fs.statSync(`${first.root}/home/x`).mode & 0o777).toBe(0o755);
  });

  test('clients and epochs have trees of their own', () => {
    const trees = open();
    const roots = [
      acquire(trees, { files: [file('/a', '1')] }),
      acquire(trees, { epoch: '2', files: [file('/a', '2')] }),
      acquire(trees, { client: 'two', files: [file('/a', '3')] }),
    ].map((lease) => lease.root);
    expect(roots.map((root) => fs.readFileSync(`${root}/a`, 'utf8'))).toEqual(['1', '2', '3']);
  });

  test('what is missing is named once each, and nothing is placed', () => {
    const trees = open();
    const files = [
      file('/here'),
      { path: '/x', digest: 'aa' },
      { path: '/y', digest: 'aa' },
      { path: '/z', digest: 'bb' },
    ];
    const error = refuse(trees, { files });
    expect(error).toMatchObject({ code: 'missing', digests: ['aa', 'bb'] });
    const lease = acquire(trees, {});
    expect(fs.existsSync(`${lease.root}/here`)).toBe(false);
  });

  test('a warm task costs no system call and little time', () => {
    const trees = open();
    const files = Array.from({ length: 500 }, (_, n) => file(`/usr/include/some/where/header-${n}.h`, `${n % 7}`));
    acquire(trees, { files }).release();
    const before = performance.now();
    for (let n = 0; n < 200; n++) acquire(trees, { files }).release();
    const each = ((performance.now() - before) / 200) * 1000;
    console.info(`warm acquire of 500 files: ${each.toFixed(0)} µs`);
    expect(each).toBeLessThan(2000);
  });
});

describe('refusing', () => {
  const bad: [string, string][] = [
    ['relative/a.h', 'not absolute'],
    ['/home/../etc/passwd', 'not normalised'],
    ['/home/./a.h', 'not normalised'],
    ['/home//a.h', 'not normalised'],
    ['/home/a.h/', 'not normalised'],
    ['/home/\0a.h', 'zero byte'],
    ['/', 'root directory'],
    [`/${'n'.repeat(256)}`, 'longer than 255'],
    [`${'/dir'.repeat(200)}`, 'deeper'],
    [`/${'long/'.repeat(1000)}x`, 'longer than 4095'],
    ['/proc/1/mem', 'keeps for itself'],
    ['/dev/sda', 'keeps for itself'],
    ['/.tender/init/sh', 'keeps for itself'],
    ['/.tender', 'keeps for itself'],
    ['/etc/ld.so.preload', 'into every program'],
  ];
  test.each(bad)('the path %s', (path, why) => {
    const trees = open();
    for (const parts of [{ files: [file(path, 'x')] }, { symlinks: [{ path, target: 'x' }] }]) {
      const error = refuse(trees, parts);
      expect(error.code).toBe('bad-path');
      expect(error.message).toContain(why);
    }
    if (path !== '/') expect(refuse(trees, { dirs: [path] }).code).toBe('bad-path');
  });

  test('two contents for one path in one epoch', () => {
    const trees = open();
    acquire(trees, { files: [file('/a.h', '1')] });
    expect(refuse(trees, { files: [file('/a.h', '2')] })).toMatchObject({ code: 'conflict', path: '/a.h' });
    expect(refuse(trees, { files: [file('/b.h', '1'), file('/b.h', '2')] }).code).toBe('conflict');
    acquire(trees, { symlinks: [{ path: '/l', target: 'a' }] });
    expect(refuse(trees, { symlinks: [{ path: '/l', target: 'b' }] }).code).toBe('conflict');
  });

  test('a path that is two kinds of thing', () => {
    const trees = open();
    acquire(trees, { files: [file('/d/a')], symlinks: [{ path: '/l', target: 'd' }] });
    expect(refuse(trees, { files: [file('/d', 'x')] }).code).toBe('conflict');
    expect(refuse(trees, { files: [file('/d/a/b', 'x')] }).code).toBe('conflict');
    expect(refuse(trees, { files: [file('/l', 'x')] }).code).toBe('conflict');
    expect(refuse(trees, { symlinks: [{ path: '/d', target: 'x' }] }).code).toBe('conflict');
    expect(refuse(trees, { symlinks: [{ path: '/d/a', target: 'x' }] }).code).toBe('conflict');
    expect(refuse(trees, { dirs: ['/d/a'] }).code).toBe('conflict');
  });

  test('files below a symbolic link, in whichever order they come', () => {
    const trees = open();
    const out = join(dir, 'outside');
    fs.mkdirSync(out);
    const symlinks = [{ path: '/home/x', target: out }];
    expect(refuse(trees, { symlinks, files: [file('/home/x/a.h')] }).code).toBe('conflict');
    expect(refuse(trees, { files: [file('/home/x/a.h')] }).code).toBe('conflict');
    expect(fs.readdirSync(out)).toEqual([]);
  });
});

describe('directories for outputs', () => {
  test('links on the way are followed inside the tree, never on the host', () => {
    const trees = open();
    const out = join(dir, 'outside');
    fs.mkdirSync(out);
    const lease = acquire(trees, {
      symlinks: [
        { path: '/home/x/build', target: out },
        { path: '/home/x/up', target: '../../../../var' },
        { path: '/circle', target: 'circle' },
      ],
    });
    expect(lease.ensureDir('/home/x/build/obj')).toEqual({ ok: true, value: `${out}/obj` });
    expect(fs.readdirSync(out)).toEqual([]);
    expect(fs.statSync(`${lease.root}${out}/obj`).isDirectory()).toBe(true);
    expect(lease.ensureDir('/home/x/up/obj')).toEqual({ ok: true, value: '/var/obj' });
    const circle = lease.ensureDir('/circle/obj');
    expect(circle.ok ? '' : circle.error.code).toBe('conflict');
    const proc = lease.ensureDir('/proc/self');
    expect(proc.ok ? '' : proc.error.code).toBe('bad-path');
  });

  test('only what the task itself needs lies in an output directory', () => {
    const trees = open();
    acquire(trees, { files: [file('/p/other.cc')] });
    const lease = acquire(trees, {
      files: [file('/p/a.cc'), file('/p/inc/a.h'), file('/p/inc/b.h'), file('/pp/c.h')],
      symlinks: [{ path: '/p/link.h', target: 'inc/a.h' }],
      dirs: ['/p', '/p/empty'],
    });
    const children = lease.childrenOf('/p', ['/p/obj/deep']);
    expect(children.map((it) => `${it.kind} ${it.name}`).sort()).toEqual([
      'dir empty',
      'dir inc',
      'dir obj',
      'file a.cc',
      'symlink link.h',
    ]);
  });
});

describe('letting go', () => {
  const count = (): number => fs.readdirSync(join(dir, 'trees')).length;

  test('what an earlier run left is removed at start', async () => {
    acquire(open(), { files: [file('/a')] });
    expect(count()).toBe(1);
    await open().close();
    expect(count()).toBe(0);
  });

  test('trees beyond the number per client, and long unused ones, but never one in use', async () => {
    const trees = open({ perClient: 2 });
    const inUse = acquire(trees, { epoch: '0' });
    for (const epoch of ['1', '2', '3', '4']) acquire(trees, { epoch }).release();
    acquire(trees, { client: 'two' }).release();
    trees.sweep();
    expect(trees.figures()).toEqual({ trees: 4, held: 1 });
    trees.sweep(true);
    expect(trees.figures()).toEqual({ trees: 1, held: 1 });
    inUse.release();
    inUse.release();
    trees.sweep(true);
    await trees.close();
    expect(count()).toBe(0);
    expect(trees.figures().trees).toBe(0);
  });

  test('an unused tree goes after its time', () => {
    const trees = open({ idleMs: -1 });
    acquire(trees, {}).release();
    trees.sweep();
    expect(trees.figures().trees).toBe(0);
  });
});

test('equal files are one inode where they are one at the client, and have equal times where they have there', () => {
  const twin = (path: string, inode: number, modifiedS: number): TreeFile => ({
    ...file(path, 'equal'),
    inode,
    modifiedS,
  });
  const files = [
    twin('/a/1', 7, 100),
    twin('/a/2', 7, 100),
    twin('/a/3', 8, 100),
    twin('/a/4', 9, 250),
    file('/a/5', 'equal'),
  ];
  const { root } = acquire(open(), { files });
  const stats = files.map(({ path }) => fs.statSync(root + path));
  const [one, two, three, four, five] = stats as [fs.Stats, fs.Stats, fs.Stats, fs.Stats, fs.Stats];
  const seconds = (of: fs.Stats): number => Math.floor(of.mtimeMs / 1000);
  expect(two.ino).toBe(one.ino);
  expect(new Set([one, three, four, five].map(({ ino }) => ino)).size).toBe(4);
  expect(seconds(three)).toBe(seconds(one));
  expect(seconds(four)).toBe(seconds(one) + 150);
  for (const { path } of files) expect(fs.readFileSync(root + path, 'utf8')).toBe('equal');
});
