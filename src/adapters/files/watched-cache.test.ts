// The file cache with watches against one that looks at everything anew, over random changes of a real tree; and what the
// watches save.
import {
  appendFileSync,
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createPrng } from '../../base/prng.ts';
import { FileCache } from './file-cache.ts';
import { openWatches, type Watches } from './watches.ts';

let root = '';
let watches: Watches;
beforeEach(() => {
  root = realpathSync.native(mkdtempSync(join(tmpdir(), 'tender-watched-')));
  mkdirSync(join(root, 't'));
  const opened = openWatches(join(root, 'cookies'));
  if (opened === null) throw new Error('this system offers no directory watches');
  watches = opened;
});
afterEach(() => {
  watches.close();
  rmSync(root, { recursive: true, force: true });
});

const at = (path: string): string => join(root, 't', path);

/** Everything that the scanner and the delegator ask of a tree of these names. */
function ask(cache: FileCache, names: readonly string[]): unknown {
  return names.map((name) => {
    const path = at(name);
    const digest = cache.digest(path);
    return {
      name,
      file: cache.isFile(path),
      directory: cache.realDirectory(path),
      directives: cache.parsed(path)?.directives.length ?? null,
      digest:
        digest === null ? null : `${digest.path} ${Buffer.from(digest.digest).toString('hex')} ${digest.executable}`,
      piece: pieceOf(cache, path),
    };
  });
}

/** The order in which links are met is of no meaning. */
function pieceOf(cache: FileCache, path: string): unknown {
  const taken = cache.fragment([path], [at('a'), at('b')]);
  if (!taken.ok) return taken.error;
  const { files, symlinks, dirs } = taken.value;
  return [
    files.map((file) => `${file.path} ${Buffer.from(file.digest).toString('hex')}`).toSorted(),
    symlinks.map((link) => `${link.path} > ${link.target}`).toSorted(),
    [...dirs].toSorted(),
  ];
}

const DIRS = ['a', 'b', 'a/c', 'b/c', 'a/c/d'];
const NAMES = ['x.h', 'y.h', 'z.h', 'c'];
const ALL = [...DIRS, ...DIRS.flatMap((dir) => NAMES.map((name) => `${dir}/${name}`)), 'x.h', 'b/../a/x.h'];

function change(random: () => number): string {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const path = pick(ALL);
  const other = pick(ALL);
  const kinds: readonly [string, () => void][] = [
    [
      'write',
      () => writeFileSync(at(path), random() < 0.5 ? `#include "${pick(NAMES)}"\n` : `${Math.floor(random() * 9)}`),
    ],
    ['append', () => appendFileSync(at(path), '#include <x>\n')],
    [
      'same time',
      () => {
        const { atime, mtime } = statSync(at(path));
        writeFileSync(at(path), String(Math.floor(random() * 9)));
        utimesSync(at(path), atime, mtime);
      },
    ],
    ['rename', () => renameSync(at(path), at(other))],
    ['remove', () => rmSync(at(path), { recursive: true })],
    ['mkdir', () => mkdirSync(at(path), { recursive: true })],
    ['symlink', () => symlinkSync(random() < 0.5 ? at(other) : pick(['x.h', '../b', 'c', '../a/c', '..']), at(path))],
    ['mode', () => chmodSync(at(path), random() < 0.5 ? 0o755 : 0o644)],
  ];
  const [kind, act] = pick(kinds);
  try {
    act();
  } catch {
    return `${kind} ${path} ${other}: not possible`;
  }
  return `${kind} ${path} ${other}`;
}

// Hard links are not among the changes: who writes through one in a directory that is not watched is noticed only by a look.
describe('with watches', () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])('answers as one that looks anew, seed %i', async (seed) => {
    const random = createPrng(seed);
    const cache = new FileCache({ watches, youngMs: 0, relookMs: Infinity });
    for (const dir of DIRS) mkdirSync(at(dir), { recursive: true });
    const done: string[] = [];
    for (let step = 0; step < 150; step++) {
      for (let count = Math.floor(random() * 3); count >= 0; count--) done.push(change(random));
      await cache.nextMoment();
      // Often only a part is asked for, so that the rest is told of long before it is asked for again.
      const names = ALL.filter(() => random() < 0.4);
      expect(ask(cache, names), done.slice(-12).join('\n')).toEqual(ask(new FileCache(), names));
    }
  });

  test('a remembered answer holds exactly as long as one that looks anew gives the same', async () => {
    const random = createPrng(11);
    const cache = new FileCache({ watches, youngMs: 0, relookMs: Infinity });
    for (const dir of DIRS) mkdirSync(at(dir), { recursive: true });
    const look = (facts: FileCache): string =>
      JSON.stringify(ALL.map((name) => [facts.isFile(at(name)), facts.realDirectory(at(name))]));
    await cache.nextMoment();
    let remembered = cache.remember(() => look(cache));
    let held = 0;
    for (let step = 0; step < 200; step++) {
      const done = change(random);
      await cache.nextMoment();
      if (remembered.holds()) held++;
      else remembered = cache.remember(() => look(cache));
      expect(remembered.value, done).toBe(look(new FileCache()));
    }
    expect(held).toBeGreaterThan(20);
  });

  test('a snapshot holds while nothing that it rests on changes', async () => {
    mkdirSync(at('a'));
    writeFileSync(at('a/x.h'), '1\n');
    writeFileSync(at('a/y.h'), '1\n');
    symlinkSync('y.h', at('a/l.h'));
    const cache = new FileCache({ watches, youngMs: 0, relookMs: Infinity });
    const take = () =>
      cache.snapshot(() => [cache.isFile(at('a/none.h')), cache.fragment([at('a/x.h'), at('a/l.h')], [at('a')])]);
    await cache.nextMoment();
    let snapshot = take();
    const heldAfter = async (change: () => void): Promise<boolean> => {
      change();
      await cache.nextMoment();
      const held = snapshot.holds();
      snapshot = take();
      return held;
    };
    expect(await heldAfter(() => undefined)).toBe(true);
    expect(await heldAfter(() => writeFileSync(at('a/x.o'), 'an object that nobody asked for'))).toBe(true);
    // Compilers tell equal files apart by their times: the same bytes count as the same only with the same time.
    const { atime, mtime } = statSync(at('a/x.h'));
    const again = (time: Date) => {
      writeFileSync(at('a/x.h'), '1\n');
      utimesSync(at('a/x.h'), atime, time);
    };
    expect(await heldAfter(() => again(mtime))).toBe(true);
    expect(await heldAfter(() => again(new Date(mtime.getTime() - 5_000)))).toBe(false);
    expect(await heldAfter(() => writeFileSync(at('a/x.h'), '2\n'))).toBe(false);
    expect(await heldAfter(() => writeFileSync(at('a/y.h'), '2\n'))).toBe(false);
    expect(await heldAfter(() => chmodSync(at('a/x.h'), 0o755))).toBe(false);
    expect(await heldAfter(() => writeFileSync(at('a/none.h'), ''))).toBe(false);
    const relink = () => {
      rmSync(at('a/l.h'));
      symlinkSync('x.h', at('a/l.h'));
    };
    expect(await heldAfter(relink)).toBe(false);
    expect(await heldAfter(() => rmSync(at('a/x.h')))).toBe(false);
  });

  test('a hard link elsewhere tells nothing: seen when the file has it already, and after a while in any case', async () => {
    mkdirSync(at('a'));
    writeFileSync(at('a/y.h'), '1\n');
    linkSync(at('a/y.h'), join(root, 'z.h'));
    const cache = new FileCache({ watches, youngMs: 0, relookMs: Infinity });
    await cache.nextMoment();
    expect(cache.parsed(at('a/y.h'))?.directives).toHaveLength(0);
    appendFileSync(join(root, 'z.h'), '#include <x>\n');
    await cache.nextMoment();
    expect(cache.parsed(at('a/y.h'))?.directives).toHaveLength(1);
    const impatient = new FileCache({ watches, youngMs: 0, relookMs: 0 });
    writeFileSync(at('a/x.h'), '1\n');
    await impatient.nextMoment();
    expect(impatient.parsed(at('a/x.h'))?.directives).toHaveLength(0);
    linkSync(at('a/x.h'), join(root, 'x.h'));
    appendFileSync(join(root, 'x.h'), '#include <x>\n');
    await impatient.nextMoment();
    expect(impatient.parsed(at('a/x.h'))?.directives).toHaveLength(1);
  });

  test('thousands of changes at once: more than the queue of the kernel may hold', async () => {
    mkdirSync(at('a'));
    writeFileSync(at('a/x.h'), '1');
    const cache = new FileCache({ watches, youngMs: 0, relookMs: Infinity });
    await cache.nextMoment();
    expect(cache.parsed(at('a/x.h'))?.directives).toHaveLength(0);
    // Names take turns: equal events in a row are told once.
    for (let round = 0; round < 10_000; round++) utimesSync(at(round % 2 === 0 ? 'a/x.h' : 'a'), round, round);
    writeFileSync(at('a/x.h'), '#include <x>\n');
    await cache.nextMoment();
    expect(cache.parsed(at('a/x.h'))?.directives).toHaveLength(1);
  });
});
