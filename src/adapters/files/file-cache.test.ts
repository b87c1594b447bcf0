// The file cache on a real disk: what it notices, what it does not ask twice, and what it hands to a worker.
import {
  chmodSync,
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
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FileCache } from './file-cache.ts';
import { isSettled } from './identity.ts';

let root = '';
let cache = new FileCache();
beforeEach(() => {
  root = realpathSync.native(mkdtempSync(join(tmpdir(), 'tender-files-')));
  cache = new FileCache();
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function at(path: string): string {
  return join(root, path);
}

function write(path: string, text = path): string {
  mkdirSync(dirname(at(path)), { recursive: true });
  writeFileSync(at(path), text);
  return at(path);
}

/** Old enough that its identity can be trusted. */
function writeOld(path: string, text = path): string {
  const full = write(path, text);
  age(full);
  return full;
}

/** Waits until the file's last change lies far enough back; its ctime cannot be set. */
function age(path: string): void {
  const limit = Date.now() + 5_000;
  const stats = statSync(path, { bigint: true });
  const identity = { size: 0n, ino: 0n, dev: 0n, mtimeNs: stats.mtimeNs, ctimeNs: stats.ctimeNs };
  while (!isSettled(identity, Date.now())) if (Date.now() > limit) throw new Error(`${path} does not age`);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function digestOf(path: string): string | null {
  const named = cache.digest(path);
  return named === null ? null : Buffer.from(named.digest).toString('hex');
}

describe('answers within a moment and after', () => {
  test('files, directories and neither', () => {
    write('a/x.h');
    symlinkSync('x.h', at('a/link.h'));
    symlinkSync('gone.h', at('a/broken.h'));
    symlinkSync('a', at('l'));
    expect(cache.isFile(at('a/x.h'))).toBe(true);
    expect(cache.isFile(at('a/link.h'))).toBe(true);
    expect(cache.isFile(at('l/x.h'))).toBe(true);
    expect(cache.isFile(at('l/../l/x.h'))).toBe(true);
    expect(cache.isFile(at('a'))).toBe(false);
    expect(cache.isFile(at('l'))).toBe(false);
    expect(cache.isFile(at('a/broken.h'))).toBe(false);
    expect(cache.isFile(at('a/none.h'))).toBe(false);
    expect(cache.isFile(at('none/x.h'))).toBe(false);
    expect(cache.isFile(at('a/x.h/y.h'))).toBe(false);
    expect(cache.isDirectory(at('l'))).toBe(true);
    expect(cache.isDirectory(at('a/x.h'))).toBe(false);
    expect(cache.realDirectory(`${at('l')}/../l/.`)).toBe(at('a'));
    expect(cache.realDirectory(`${root}/none/..`)).toBeNull();
  });

  test('one moment sees one state, the next one sees the changes', () => {
    write('a/x.h', '#include "y.h"\n');
    expect(cache.isFile(at('a/y.h'))).toBe(false);
    expect(cache.parsed(at('a/x.h'))?.directives).toHaveLength(1);
    write('a/y.h');
    write('a/x.h', '\n');
    expect(cache.isFile(at('a/y.h'))).toBe(false);
    expect(cache.parsed(at('a/x.h'))?.directives).toHaveLength(1);
    cache.beginMoment();
    expect(cache.isFile(at('a/y.h'))).toBe(true);
    expect(cache.parsed(at('a/x.h'))?.directives).toHaveLength(0);
    rmSync(at('a'), { recursive: true });
    cache.beginMoment();
    expect(cache.isFile(at('a/y.h'))).toBe(false);
    expect(cache.isDirectory(at('a'))).toBe(false);
    expect(cache.parsed(at('a/x.h'))).toBeNull();
  });

  test('a directory that appears, goes, and comes back', () => {
    for (let round = 0; round < 3; round++) {
      cache.beginMoment();
      expect(cache.isFile(at('d/s/x.h'))).toBe(false);
      write('d/s/x.h');
      cache.beginMoment();
      expect(cache.isFile(at('d/s/x.h'))).toBe(true);
      rmSync(at('d'), { recursive: true });
    }
  });

  test('a symlink that is turned elsewhere', () => {
    write('a/x.h');
    write('b/y.h');
    symlinkSync('a', at('l'));
    expect(cache.isFile(at('l/x.h'))).toBe(true);
    rmSync(at('l'));
    symlinkSync('b', at('l'));
    cache.beginMoment();
    expect(cache.isFile(at('l/x.h'))).toBe(false);
    expect(cache.isFile(at('l/y.h'))).toBe(true);
  });

  test('symlinks in circles are nothing', () => {
    symlinkSync('two', at('one'));
    symlinkSync('one', at('two'));
    symlinkSync('self/x', at('self'));
    expect(cache.realDirectory(at('one'))).toBeNull();
    expect(cache.realDirectory(at('self'))).toBeNull();
    expect(cache.isFile(at('one/x.h'))).toBe(false);
    expect(cache.digest(at('one'))).toBeNull();
    expect(cache.fragment([at('two')], []).ok).toBe(false);
  });
});

describe('contents', () => {
  test('digest, size, executable', () => {
    const path = write('a.sh', 'text');
    expect(cache.digest(path)).toMatchObject({ path, size: 4, executable: false });
    expect(digestOf(path)).toBe(sha256('text'));
    chmodSync(path, 0o755);
    cache.beginMoment();
    expect(cache.digest(path)).toMatchObject({ executable: true });
    expect(cache.digest(at('none'))).toBeNull();
    expect(cache.digest(root)).toBeNull();
    expect(cache.digest('/dev/null')).toBeNull();
  });

  test('a large file is read in pieces', () => {
    const text = 'x'.repeat(3_000_001);
    expect(digestOf(write('large', text))).toBe(sha256(text));
  });

  test('an untouched old file keeps its very parse; equal bytes do too', () => {
    const path = writeOld('x.h', '#include "y.h"\n');
    const first = cache.parsed(path);
    cache.beginMoment();
    expect(cache.parsed(path)).toBe(first);
    write('x.h', '#include "y.h"\n');
    cache.beginMoment();
    expect(cache.parsed(path)).toBe(first);
    write('x.h', '#include "z.h"\n');
    cache.beginMoment();
    expect(cache.parsed(path)).not.toBe(first);
  });

  test('texts of one size in quick succession are told apart', () => {
    const path = write('x.h', '0000');
    for (let round = 1; round <= 100; round++) {
      const text = String(round).padStart(4, '0');
      writeFileSync(path, text);
      cache.beginMoment();
      expect(digestOf(path)).toBe(sha256(text));
    }
  });

  test('a restored modification time hides nothing', () => {
    const path = writeOld('x.h', 'aaaa');
    expect(digestOf(path)).toBe(sha256('aaaa'));
    const { atime, mtime } = statSync(path);
    writeFileSync(path, 'bbbb');
    utimesSync(path, atime, mtime);
    cache.beginMoment();
    expect(digestOf(path)).toBe(sha256('bbbb'));
  });

  test('another file moved over it', () => {
    const path = writeOld('x.h', 'aaaa');
    digestOf(path);
    renameSync(write('y.h', 'bbbb'), path);
    cache.beginMoment();
    expect(digestOf(path)).toBe(sha256('bbbb'));
  });

  test('text that is not ASCII, and bytes that are not text', () => {
    expect(cache.parsed(write('u.h', '#include "ä.h"\n'))?.directives).toEqual([
      { form: 'quote', name: 'ä.h', next: false },
    ]);
    const bytes = Buffer.from([0xff, 0xfe, 0, 0x0a, 0x23, 0x69]);
    writeFileSync(at('b.h'), bytes);
    expect(cache.parsed(at('b.h'))?.directives).toEqual([]);
    expect(digestOf(at('b.h'))).toBe(createHash('sha256').update(bytes).digest('hex'));
  });
});

describe('remembered answers', () => {
  const ask = () => cache.remember(() => [at('i/x.h'), at('j/x.h')].find((path) => cache.isFile(path)) ?? null);

  test('hold while nothing that was asked for changes', () => {
    write('i/other.h');
    write('j/x.h');
    const remembered = ask();
    expect(remembered.value).toBe(at('j/x.h'));
    for (const change of [() => write('i/object.o'), () => write('j/x.h', 'new text'), () => write('k/x.h')]) {
      change();
      cache.beginMoment();
      expect(remembered.holds()).toBe(true);
    }
  });

  test.each<[string, () => void]>([
    ['a file in front', () => write('i/x.h')],
    ['the file gone', () => rmSync(at('j/x.h'))],
    ['its directory gone', () => rmSync(at('j'), { recursive: true })],
    [
      'a directory in its place',
      () => {
        rmSync(at('j/x.h'));
        mkdirSync(at('j/x.h'));
      },
    ],
    [
      'the directory replaced',
      () => {
        renameSync(at('j'), at('k'));
        mkdirSync(at('j'));
      },
    ],
  ])('end with %s', (_, change) => {
    write('i/other.h');
    write('j/x.h');
    const remembered = ask();
    change();
    expect(remembered.holds()).toBe(true); // Still the same moment.
    cache.beginMoment();
    expect(remembered.holds()).toBe(false);
  });

  test('end when a directory that was missing appears', () => {
    write('j/x.h');
    const remembered = ask();
    write('i/x.h');
    cache.beginMoment();
    expect(remembered.holds()).toBe(false);
  });

  test('end when a symlinked header comes to dangle', () => {
    write('far.h');
    mkdirSync(at('i'));
    symlinkSync('../far.h', at('i/x.h'));
    const remembered = ask();
    expect(remembered.value).toBe(at('i/x.h'));
    rmSync(at('far.h'));
    cache.beginMoment();
    expect(remembered.holds()).toBe(false);
  });

  test('an inner answer counts for the outer one', () => {
    write('j/x.h');
    write('i/other.h');
    const inner = ask();
    const outer = cache.remember(() => inner.holds());
    write('i/x.h');
    cache.beginMoment();
    expect(outer.holds()).toBe(false);
  });

  test('nothing holds across a forgetting', () => {
    cache = new FileCache({ maxFiles: 1 });
    const paths = [write('a.h'), write('b.h')];
    for (const path of paths) cache.parsed(path);
    const remembered = cache.remember(() => cache.isFile(at('a.h')));
    cache.beginMoment();
    expect(remembered.holds()).toBe(false);
    expect(cache.isFile(at('a.h'))).toBe(true);
  });
});

describe('pieces of the name space', () => {
  function piece(paths: string[], dirs: string[] = []): { files: string[]; symlinks: string[]; dirs: string[] } {
    const taken = cache.fragment(paths.map(at), dirs.map(at));
    if (!taken.ok) throw new Error(taken.error.message);
    const short = (path: string): string => path.replace(`${root}/`, '').replace(root, '.');
    return {
      files: taken.value.files.map((file) => short(file.path)).toSorted(),
      symlinks: taken.value.symlinks.map((link) => `${short(link.path)} > ${short(link.target)}`).toSorted(),
      dirs: taken.value.dirs.map(short).toSorted(),
    };
  }

  test('plain files, each once', () => {
    write('a/x.h');
    expect(piece(['a/x.h', 'a/x.h'])).toEqual({ files: ['a/x.h'], symlinks: [], dirs: [] });
  });

  test('symlinked directories and files, relative and absolute', () => {
    write('a/b/x.h');
    symlinkSync('a/b', at('l'));
    symlinkSync(at('l'), at('m'));
    symlinkSync('../l/x.h', at('a/y.h'));
    expect(piece(['m/x.h', 'a/y.h'])).toEqual({
      files: ['a/b/x.h'],
      symlinks: ['a/y.h > ../l/x.h', 'l > a/b', 'm > l'],
      dirs: ['a'],
    });
  });

  test('what a .. leaves must exist', () => {
    write('a/x.h');
    mkdirSync(at('b/c'), { recursive: true });
    symlinkSync('b/c', at('l'));
    // join() would fold the dots away.
    const taken = cache.fragment([`${root}/l/../../a/x.h`], []);
    if (!taken.ok) throw new Error(taken.error.message);
    expect(taken.value.files.map((file) => file.path)).toEqual([at('a/x.h')]);
    expect(taken.value.symlinks).toEqual([{ path: at('l'), target: 'b/c' }]);
    expect([...taken.value.dirs].toSorted()).toEqual([at('b'), at('b/c')]);
  });

  test('directories: empty ones count, missing ones do not', () => {
    mkdirSync(at('empty'));
    symlinkSync('empty', at('l'));
    expect(piece([], ['l', 'none'])).toEqual({ files: [], symlinks: ['l > empty'], dirs: ['empty'] });
    expect(piece(['empty'])).toEqual({ files: [], symlinks: [], dirs: ['empty'] });
  });

  test('/dev/null is in every root', () => {
    expect(cache.isFile('/dev/null')).toBe(true);
    expect(cache.fragment(['/dev/null'], [])).toEqual({ ok: true, value: { files: [], symlinks: [], dirs: [] } });
  });

  test('a missing file is named', () => {
    write('a/x.h');
    const taken = cache.fragment([at('a/x.h'), at('a/gone.h')], []);
    expect(taken).toEqual({
      ok: false,
      error: { path: at('a/gone.h'), message: `${at('a/gone.h')} cannot be read any more` },
    });
  });

  test('equal files are equal objects until they change', () => {
    writeOld('x.h');
    const take = () => {
      cache.beginMoment();
      const taken = cache.fragment([at('x.h')], []);
      return taken.ok ? taken.value.files[0] : undefined;
    };
    const first = take();
    expect(take()).toBe(first);
    write('x.h', 'other');
    expect(take()).not.toBe(first);
  });
});

describe('changes of what was handed out', () => {
  function changesAfter(change: () => void, ask: () => unknown): readonly string[] {
    cache.beginMoment();
    const given = cache.fragment([at('a/x.h'), at('l/x.h')], []);
    expect(given.ok).toBe(true);
    expect(cache.isFile(at('a/x.h'))).toBe(true);
    expect(cache.takeChanged()).toEqual([]);
    change();
    cache.beginMoment();
    ask();
    const changed = cache.takeChanged();
    expect(cache.takeChanged()).toEqual([]);
    return changed;
  }
  beforeEach(() => {
    write('a/x.h');
    write('b/x.h');
    symlinkSync('a', at('l'));
  });
  const again = () => cache.fragment([at('a/x.h')], []);

  test('none: the same bytes written again, a new file beside it', () => {
    const rewrite = () => {
      const { atime, mtime } = statSync(at('a/x.h'));
      write('a/x.h', 'a/x.h');
      utimesSync(at('a/x.h'), atime, mtime);
    };
    expect(changesAfter(rewrite, again)).toEqual([]);
    expect(
      changesAfter(
        () => write('a/y.h'),
        () => cache.fragment([at('a/y.h')], []),
      ),
    ).toEqual([]);
  });
  test('the same bytes at another time: compilers tell equal files apart by it', () => {
    const change = () => utimesSync(at('a/x.h'), 1_000, 1_000);
    expect(changesAfter(change, again)).toEqual([at('a/x.h')]);
  });
  test('other bytes', () => {
    expect(changesAfter(() => write('a/x.h', 'other'), again)).toEqual([at('a/x.h')]);
  });
  test('another mode', () => {
    expect(changesAfter(() => chmodSync(at('a/x.h'), 0o755), again)).toEqual([at('a/x.h')]);
  });
  test('removed, and only asked about', () => {
    expect(
      changesAfter(
        () => rmSync(at('a/x.h')),
        () => cache.isFile(at('a/x.h')),
      ),
    ).toEqual([at('a/x.h')]);
  });
  test('removed, and another name asked for', () => {
    expect(
      changesAfter(
        () => rmSync(at('a/x.h')),
        () => cache.isFile(at('a/none.h')),
      ),
    ).toEqual([at('a/x.h')]);
  });
  test('its directory removed', () => {
    const changed = changesAfter(
      () => rmSync(at('a'), { recursive: true }),
      () => cache.isFile(at('a/x.h')),
    );
    expect(changed).toContain(at('a/x.h'));
  });
  test('a symlink in its place', () => {
    const change = () => {
      rmSync(at('a/x.h'));
      symlinkSync('../b/x.h', at('a/x.h'));
    };
    expect(changesAfter(change, again)).toContain(at('a/x.h'));
  });
  test('a symlink to it turned elsewhere', () => {
    const change = () => {
      rmSync(at('l'));
      symlinkSync('b', at('l'));
    };
    expect(changesAfter(change, () => cache.fragment([at('l/x.h')], []))).toContain(at('l'));
  });
  test('a directory in place of a symlink', () => {
    const change = () => {
      rmSync(at('l'));
      write('l/x.h');
    };
    expect(changesAfter(change, () => cache.fragment([at('l/x.h')], []))).toContain(at('l'));
  });
  test('a directory that the cache had forgotten is no excuse', () => {
    cache = new FileCache({ maxFiles: 1 });
    expect(
      changesAfter(
        () => rmSync(at('a/x.h')),
        () => cache.isFile(at('a/x.h')),
      ),
    ).toEqual([at('a/x.h')]);
  });
  test('away and back with its directory, then removed', () => {
    cache.fragment([at('a/x.h')], []);
    const step = (change: () => void): readonly string[] => {
      change();
      cache.beginMoment();
      if (cache.isFile(at('a/x.h'))) cache.fragment([at('a/x.h')], []);
      return cache.takeChanged();
    };
    expect(step(() => renameSync(at('a'), at('away')))).toContain(at('a/x.h'));
    step(() => renameSync(at('away'), at('a')));
    expect(step(() => rmSync(at('a/x.h')))).toContain(at('a/x.h'));
  });
});
