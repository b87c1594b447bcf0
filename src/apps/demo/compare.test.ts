// The comparison is what the demo's word rests on: it must see every kind of difference, and none where there is none.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  compareOutputs,
  countNewObjects,
  listMadeOutputs,
  moveAside,
  readTreeState,
  type Comparison,
} from './compare.ts';

let dir: string;
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'tender-compare-'))));
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function write(files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  }
}

/** Both sets of files as two builds' outputs, compared. */
async function compare(farm: Record<string, string>, local: Record<string, string>): Promise<Comparison> {
  for (const [side, files] of Object.entries({ farm, local })) {
    write(Object.fromEntries(Object.entries(files).map(([path, text]) => [join(side, path), text])));
  }
  return compareOutputs({
    farmDir: join(dir, 'farm'),
    farmPaths: Object.keys(farm),
    localDir: join(dir, 'local'),
    localPaths: Object.keys(local),
  });
}

describe('compareOutputs', () => {
  const build = {
    'a.cc.o': 'AAAA',
    'a.cc.o.d': 'a.cc.o: a.cc',
    'sub/b.o': 'BBBB',
    'sub/b.d': 'b.o: b.c',
    'libx.a': 'lib',
  };

  test('finds nothing where nothing differs', async () => {
    expect(await compare(build, build)).toEqual({ files: 5, units: 2, differingUnits: 0, differences: [] });
  });

  test('finds one flipped byte in an object', async () => {
    const found = await compare({ ...build, 'sub/b.o': 'BBCB' }, build);
    expect(found.differences).toEqual([
      { path: 'sub/b.o', kind: 'differs', detail: '4 bytes each, first difference at byte 2' },
    ]);
    expect(found.differingUnits).toBe(1);
  });

  test('finds an object cut short', async () => {
    const found = await compare({ ...build, 'a.cc.o': 'AAA' }, build);
    expect(found.differences[0]?.detail).toBe('3 bytes from the farm, 4 local, first difference at byte 3');
  });

  test('finds files that only one build made, and counts their unit', async () => {
    const { 'sub/b.o': _object, 'a.cc.o.d': _depfile, ...rest } = build;
    const found = await compare({ ...rest, 'extra.o': 'x' }, build);
    expect(found.differences.map(({ path, kind }) => `${kind} ${path}`)).toEqual([
      'missing a.cc.o.d',
      'extra extra.o',
      'missing sub/b.o',
    ]);
    expect(found).toMatchObject({ files: 6, units: 3, differingUnits: 3 });
  });

  test.each(['a.cc.o.d', 'sub/b.d'])('a depfile that differs makes its unit differ: %s', async (path) => {
    expect((await compare({ ...build, [path]: 'other' }, build)).differingUnits).toBe(1);
  });

  test('an archive that differs is told, but is no unit', async () => {
    const found = await compare({ ...build, 'libx.a': 'lob' }, build);
    expect(found).toMatchObject({ differingUnits: 0, differences: [{ path: 'libx.a' }] });
  });
});

describe('listMadeOutputs', () => {
  test('lists what a build made or made again, not what lay there or is no output', async () => {
    write({ 'tree/old.o': 'old', 'tree/again.o': 'one', 'tree/x.c': 'int x;' });
    const tree = join(dir, 'tree');
    const before = await readTreeState(tree);
    write({
      'tree/again.o': 'two',
      'tree/sub/new.o': 'new',
      'tree/sub/new.d': 'd',
      'tree/.ninja_log': 'times',
      'tree/y.c': '',
    });
    expect(await listMadeOutputs(tree, before)).toEqual(['again.o', 'sub/new.d', 'sub/new.o']);
    expect(await countNewObjects(tree, before)).toBe(1);
    await moveAside(tree, ['sub/new.o'], join(dir, 'aside'));
    expect([existsSync(join(tree, 'sub/new.o')), existsSync(join(dir, 'aside/sub/new.o'))]).toEqual([false, true]);
  });

  test('a tree that is not there yet is empty', async () => {
    const before = await readTreeState(join(dir, 'none'));
    expect(before.size).toBe(0);
    expect(await countNewObjects(join(dir, 'none'), before)).toBe(0);
  });
});
