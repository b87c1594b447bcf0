// Changes of a real tree between two units of a build, each of a kind that can fool a cache: after it the scanner and the cache
// that know the tree as it was must say what new ones say. With looks at the disk, and with watches.
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FileCache } from '../../src/adapters/files/file-cache.ts';
import { openWatches, type Watches } from '../../src/adapters/files/watches.ts';
import { IncludeScanner } from '../../src/compiler/scan/scan.ts';
import type { ScanRequest } from '../../src/compiler/types.ts';

let root = '';
let watches: Watches | null = null;

const at = (path: string): string => join(root, 't', path);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Makes the directories, too. */
function write(path: string, text: string): void {
  mkdirSync(dirname(at(path)), { recursive: true });
  writeFileSync(at(path), text);
}

/** Long ago, so that nothing is young by its modification time alone. */
const LONG_AGO = new Date('2020-02-02T02:02:02Z');
const age = (path: string): void => utimesSync(at(path), LONG_AGO, LONG_AGO);

const TREE: Readonly<Record<string, string>> = {
  'p/a.c':
    '#include "b.h"\n#include <x.h>\n#include <l/y.h>\n#include <up/y.h>\n#include "d.h"\nasm(".incbin \\"data\\"");\n',
  'p/b.h': '#include "c1.h"\n',
  'p/c1.h': '',
  'p/c2.h': '',
  'p/d.h': '#line 1 "p/gen.y"\n',
  'p/data': 'one',
  'h/readme': '',
  'i/x.h': '#include "z1.h"\n#if __has_include(<maybe/q.h>)\n#include <maybe/q.h>\n#endif\n',
  'i/z1.h': '',
  'i/z2.h': '',
  'i/d.h': '',
  'one/y.h': '#include "../i/z1.h"\n',
  'two/y.h': '#include "../i/z2.h"\n',
  'deep/up/y.h': '#include <x.h>\n',
  'deep2/up/y.h': '#include <x.h>\n',
};

beforeEach(() => {
  // For all to read, for one test does without the rights of root.
  root = realpathSync.native(mkdtempSync(join(tmpdir(), 'tender-changes-')));
  chmodSync(root, 0o755);
  for (const [path, text] of Object.entries(TREE)) write(path, text);
  symlinkSync('../one', at('i/l'));
  symlinkSync('z1.h', at('i/by-link.h'));
  for (const path of Object.keys(TREE)) age(path);
});
afterEach(() => {
  watches?.close();
  watches = null;
  rmSync(root, { recursive: true, force: true });
});

function request(): ScanRequest {
  return {
    source: at('p/a.c'),
    cwd: at('.'),
    scan: {
      quoteDirs: ['q'],
      includeDirs: ['h', 'gone', 'i', 'deep', 'deep/../i', 'i/l/../deep'],
      systemDirs: ['s'],
      afterDirs: [],
      forcedIncludes: ['f.h'],
      macros: [],
      noStdInc: true,
      noStdIncPlusPlus: false,
      sysroot: null,
    },
    builtin: { systemDirs: [] },
    envDirs: { afterI: [], afterSystem: [] },
  };
}

/** All that a unit's fate hangs on. */
function tell(scanner: IncludeScanner, cache: FileCache): unknown {
  const result = scanner.scan(request());
  const piece = cache.fragment(result.files, result.searchDirs);
  return {
    result,
    digests: result.files.map((path) => {
      const named = cache.digest(path);
      return named === null ? `${path}: none` : `${path}: ${named.path} ${hex(named.digest)}`;
    }),
    resolutions: scanner.resolutions(request(), result.files).map((it) => (it === null ? null : hex(it))),
    prelude: hex(scanner.prelude(request())),
    piece: piece.ok
      ? {
          files: piece.value.files.map(({ path, digest }) => `${path} ${hex(digest)}`).toSorted(),
          links: piece.value.symlinks.map(({ path, target }) => `${path} -> ${target}`).toSorted(),
          dirs: [...piece.value.dirs].toSorted(),
        }
      : piece.error,
  };
}

function tellAnew(): unknown {
  const cache = new FileCache();
  cache.beginMoment();
  return tell(new IncludeScanner(cache), cache);
}

/** Exchanges two paths. */
function swap(one: string, other: string): void {
  renameSync(at(one), at('swap'));
  renameSync(at(other), at(one));
  renameSync(at('swap'), at(other));
}

function link(target: string, path: string): void {
  rmSync(at(path), { force: true });
  symlinkSync(target, at(path));
}

/** These end with what a compile sees as it was. */
const ALIKE: ReadonlySet<string> = new Set([
  'an ancestor replaced by a like one',
  'a directory in front that has the header’s name',
]);
/** No watch on a directory tells of a write through a link that came to be after the look: only a look does, after a pause. */
const UNTOLD: ReadonlySet<string> = new Set(['written through another name, a new one']);

/** Where two steps stand, the disk is asked between them, too. */
const CHANGES: readonly (readonly [string, ...(() => void)[]])[] = [
  ['another text', () => write('p/b.h', '#include "c2.h"\n// longer\n')],
  ['a text of the same size', () => write('p/b.h', '#include "c2.h"\n')],
  [
    'a text of the same size, the time put back',
    () => {
      write('p/b.h', '#include "c2.h"\n');
      age('p/b.h');
    },
  ],
  [
    'again and again within a clock tick',
    ...Array.from({ length: 25 }, (_, turn) => () => write('p/b.h', `#include "c${(turn % 2) + 1}.h"\n`)),
    () => write('p/b.h', '#include "c2.h"\n'),
  ],
  [
    'another file renamed over it',
    () => {
      write('p/new', '#include "c2.h"\n');
      renameSync(at('p/new'), at('p/b.h'));
    },
  ],
  [
    'another file of the same size and time renamed over it',
    () => {
      write('p/new', '#include "c2.h"\n');
      age('p/new');
      renameSync(at('p/new'), at('p/b.h'));
    },
  ],
  [
    'exchanged with a file of the same size and time',
    () => {
      write('p/other', '#include "c2.h"\n');
      age('p/other');
    },
    () => swap('p/other', 'p/b.h'),
  ],
  [
    'removed and made anew, the same size and time, perhaps the same inode',
    () => {
      rmSync(at('p/b.h'));
      write('p/b.h', '#include "c2.h"\n');
      age('p/b.h');
    },
  ],
  [
    'written through another name, a new one',
    () => linkSync(at('p/b.h'), at('deep2/where')),
    () => {
      writeFileSync(at('deep2/where'), '#include "c2.h"\n');
      utimesSync(at('deep2/where'), LONG_AGO, LONG_AGO);
    },
  ],
  [
    'written through another name, known from the beginning',
    () => {
      rmSync(at('p/b.h'));
      write('deep2/where', '#include "c1.h"\n');
      linkSync(at('deep2/where'), at('p/b.h'));
    },
    () => writeFileSync(at('deep2/where'), '#include "c2.h"\n'),
    () => {
      writeFileSync(at('deep2/where'), '#include "c1.h"\n');
      utimesSync(at('deep2/where'), LONG_AGO, LONG_AGO);
    },
  ],
  [
    'a header that is a symlink, switched',
    () => write('i/x.h', '#include "by-link.h"\n'),
    () => link('z2.h', 'i/by-link.h'),
  ],
  [
    'a header that is a symlink, its target rewritten',
    () => {
      write('else/target.h', '');
      link('../else/target.h', 'i/z1.h');
    },
    () => write('else/target.h', '#include <z2.h>\n'),
  ],
  ['a directory that is a symlink, switched', () => link('../two', 'i/l')],
  [
    'a directory that is a symlink, become a directory',
    () => {
      rmSync(at('i/l'));
      write('i/l/y.h', '#include "z2.h"\n');
    },
  ],
  [
    'a directory become a symlink',
    () => {
      renameSync(at('one'), at('else'));
      symlinkSync('two', at('one'));
    },
  ],
  ['a symlink that dangled, its target made', () => link('../far/x.h', 'h/x.h'), () => write('far/x.h', '')],
  ['a symlink to a directory that dangled', () => link('far', 'gone'), () => write('far/x.h', '')],
  [
    'a chain of symlinks, its middle switched',
    () => (link('mid', 'gone'), link('one', 'mid')),
    () => link('two', 'mid'),
  ],
  ['a header in an earlier directory', () => write('h/x.h', '')],
  ['a header in an earlier directory, empty before', () => rmSync(at('h/readme')), () => write('h/x.h', '')],
  ['a header beside the includer', () => write('i/c1.h', ''), () => write('p/x.h', ''), () => write('p/c1.h', '//')],
  ['a quoted header that -iquote comes to have', () => rmSync(at('p/d.h')), () => write('q/d.h', '')],
  ['a header that was asked for only', () => write('i/maybe/q.h', '#include "../z2.h"\n')],
  ['a header removed', () => rmSync(at('i/x.h'))],
  ['a header removed that another directory has, too', () => write('h/x.h', ''), () => rmSync(at('h/x.h'))],
  ['a search directory that was missing', () => write('gone/x.h', '')],
  ['a search directory that was missing, empty at first', () => mkdirSync(at('gone')), () => write('gone/x.h', '')],
  ['a search directory moved into place', () => write('far/x.h', ''), () => renameSync(at('far'), at('gone'))],
  ['a search directory removed', () => rmSync(at('i'), { recursive: true })],
  ['a search directory that is a file', () => rmSync(at('h'), { recursive: true }), () => write('h', '')],
  ['an ancestor renamed', () => renameSync(at('deep'), at('else'))],
  ['an ancestor replaced by a like one', () => age('deep2/up/y.h'), () => swap('deep', 'deep2')],
  [
    'an ancestor replaced by one with another text of the same size and time',
    () => {
      write('deep2/up/y.h', '#include <d.h>\n');
      age('deep2/up/y.h');
    },
    () => swap('deep', 'deep2'),
  ],
  [
    'an ancestor replaced, and the replacement changed',
    () => swap('deep', 'deep2'),
    () => write('deep/up/y.h', '#include <d.h>\n'),
    () => swap('deep', 'deep2'),
    () => write('deep2/up/y.h', '#include "none.h"\n'),
    () => write('deep/up/y.h', '#include <z2.h>\n'),
  ],
  [
    'the whole tree moved away and copied back',
    () => {
      renameSync(at('.'), join(root, 'away'));
      for (const [path, text] of Object.entries(TREE)) write(path, text);
      write('i/x.h', '');
    },
  ],
  ['a header become a directory', () => rmSync(at('i/x.h')), () => mkdirSync(at('i/x.h'))],
  ['a directory in front that has the header’s name', () => mkdirSync(at('h/x.h'))],
  [
    'a directory in front that becomes a header',
    () => mkdirSync(at('h/x.h')),
    () => (rmSync(at('h/x.h'), { recursive: true }), write('h/x.h', '')),
  ],
  ['a precompiled header', () => write('h/x.h.gch', '')],
  ['a precompiled header, a directory of them', () => mkdirSync(at('p/b.h.gch'))],
  ['a forced include', () => write('f.h', '#include <z2.h>\n')],
  ['a forced include, on the path first', () => write('i/f.h', ''), () => write('f.h', '')],
  ['what the assembler reads', () => write('p/data', 'two')],
  ['what the assembler reads, in front', () => write('data', 'one')],
  ['what #line names', () => write('p/gen.y', '%%\n')],
  ['the source itself', () => write('p/a.c', '#include "c2.h"\n')],
  ['the source removed', () => rmSync(at('p/a.c'))],
];

const KINDS = ['looks', 'watches'] as const;
describe.each(KINDS)('by %s', (kind) => {
  function open(): FileCache {
    if (kind === 'looks') return new FileCache();
    watches = openWatches(join(root, 'cookies'));
    if (watches === null) throw new Error('this system offers no directory watches');
    // Everything may be vouched for at once, so that a watch that misses a change is found out.
    return new FileCache({ watches, youngMs: 0 });
  }

  async function next(cache: FileCache): Promise<void> {
    if (kind === 'looks') cache.beginMoment();
    else await cache.nextMoment();
  }

  const told = CHANGES.filter(([name]) => kind === 'looks' || !UNTOLD.has(name));
  test.each(told.map(([name, ...steps]) => ({ name, steps })))('$name', async ({ name, steps }) => {
    const cache = open();
    const scanner = new IncludeScanner(cache);
    await next(cache);
    let before = tell(scanner, cache);
    expect(before).toEqual(tellAnew());
    // A second look lets the cache trust what it knows.
    await next(cache);
    tell(scanner, cache);
    let differs = false;
    for (const step of steps) {
      step();
      const now = tellAnew();
      await next(cache);
      expect(tell(scanner, cache)).toEqual(now);
      differs ||= JSON.stringify(now) !== JSON.stringify(before);
      before = now;
    }
    // A change that not even a new cache shows would prove nothing.
    expect(differs).toBe(!ALIKE.has(name));
  });

  test('no right to read: a file, then a directory', async () => {
    const cache = open();
    const scanner = new IncludeScanner(cache);
    const tellNow = async (): Promise<unknown> => {
      await next(cache);
      return withoutRights(() => {
        const told = tell(scanner, cache);
        expect(told).toEqual(tellAnew());
        return told;
      });
    };
    const usual = await tellNow();
    for (const [path, mode] of [
      ['i/x.h', 0],
      ['p', 0],
      ['i', 0],
      ['i', 0o444],
      ['.', 0],
    ] as const) {
      const was = statSync(at(path)).mode;
      chmodSync(at(path), mode);
      expect(await tellNow()).not.toEqual(usual);
      chmodSync(at(path), was);
      expect(await tellNow()).toEqual(usual);
    }
  });
});

/** Runs `work` as a user who is not root: root may read everything. */
function withoutRights<T>(work: () => T): T {
  if (process.getuid?.() !== 0) return work();
  process.seteuid?.(65_534);
  try {
    return work();
  } finally {
    process.seteuid?.(0);
  }
}

test('the tree is what its own changes take it for', () => {
  expect(statSync(at('p/b.h')).size).toBe('#include "c2.h"\n'.length);
  expect(readFileSync(at('deep/up/y.h'), 'utf8')).toBe(readFileSync(at('deep2/up/y.h'), 'utf8'));
  expect(statSync(at('deep2/up/y.h')).mtimeMs).toBe(statSync(at('deep/up/y.h')).mtimeMs);
});
