// Which changes of the disk a file's digest must show, and which it must not: on small trees in memory.
import { describe, expect, test } from 'vitest';
import { fingerprint } from './fingerprint.ts';
import { Disk, request } from './memory-disk.ts';
import type { Overrides } from './memory-disk.ts';
import { IncludeScanner } from './scan.ts';

const hex = (digest: Uint8Array | null): string => (digest === null ? 'null' : Buffer.from(digest).toString('hex'));

/** The digests of `names` by name, before and after `change`: which of them became others. */
function changedBy(disk: Disk, overrides: Overrides, change: () => void, names = [...disk.files.keys()]): string[] {
  const scanner = new IncludeScanner(disk);
  const tell = (): string[] => [
    ...scanner.resolutions(request(overrides), names).map(hex),
    hex(scanner.prelude(request(overrides))),
  ];
  const before = tell();
  expect(tell()).toEqual(before);
  change();
  const after = tell();
  // A scanner that remembers nothing says the same.
  const fresh = new IncludeScanner(disk);
  expect([...fresh.resolutions(request(overrides), names).map(hex), hex(fresh.prelude(request(overrides)))]).toEqual(
    after,
  );
  return [...names, 'prelude'].filter((_, at) => before[at] !== after[at]);
}

describe('a change of names shows where it is looked up', () => {
  const dirs: Overrides = { quoteDirs: ['/q'], includeDirs: ['/h', '/i'], system: ['/s'] };
  const tree = {
    '/p/a.c': '#include "b.h"\n#include <x.h>\n',
    '/p/b.h': 'int b;\n',
    '/i/x.h': '#include "y.h"\n#include <z.h>\n#if __has_include("may.h") || __has_include(<far/may.h>)\n#endif\n',
    '/i/y.h': '',
    '/i/n.h': '#include_next <z.h>\n',
    '/s/z.h': '',
  };
  const write = (path: string) => (disk: Disk) => disk.write(path, '');
  const remove = (path: string) => (disk: Disk) => disk.remove(path);

  test.each<[string, (disk: Disk) => void, string[]]>([
    ['nothing changes', () => undefined, []],
    ['an unrelated file', write('/i/other.h'), []],
    ['a header in an earlier directory', write('/h/x.h'), ['/p/a.c']],
    ['a quoted header further on changes nothing', write('/h/b.h'), []],
    ['beside an includer before the path', write('/q/y.h'), []],
    ['a header for two', write('/i/z.h'), ['/i/x.h', '/i/n.h']],
    ['a candidate of include_next alone', write('/q/z.h'), ['/i/n.h']],
    ['a header gone', remove('/s/z.h'), ['/s/z.h', '/i/x.h', '/i/n.h']],
    ['a quoted header gone', remove('/i/y.h'), ['/i/y.h', '/i/x.h']],
    ['a name that was only asked for', write('/i/may.h'), ['/i/x.h']],
    ['the same in a new directory', write('/i/far/may.h'), ['/i/x.h']],
    ['a precompiled header for one of the source', write('/h/x.h.gch'), ['prelude']],
    ['a precompiled header beside it', write('/p/b.h.gch'), ['prelude']],
    ['a precompiled header for another file', write('/i/y.h.gch'), []],
    ['the header before all', write('/s/stdc-predef.h'), ['prelude']],
  ])('%s', (_, change, expected) => {
    const disk = new Disk({ ...tree, '/h/none': '', '/q/none': '' });
    const changed = changedBy(disk, dirs, () => change(disk), Object.keys(tree));
    expect(changed.toSorted()).toEqual(expected.toSorted());
  });

  test('forced includes are the prelude', () => {
    const disk = new Disk({ ...tree, '/i/f.h': '' });
    const overrides = { ...dirs, forcedIncludes: ['f.h'] };
    expect(changedBy(disk, overrides, () => disk.write('/h/f.h', ''))).toEqual(['prelude']);
    expect(changedBy(disk, overrides, () => disk.write('/p/f.h', ''))).toEqual(['prelude']);
    expect(changedBy(disk, overrides, () => disk.write('/p/f.h', 'int f;'))).toEqual([]);
    expect(changedBy(disk, overrides, () => disk.write('/p/f.h.gch', ''))).toEqual(['prelude']);
  });

  test('a source that comes or goes', () => {
    const disk = new Disk(tree);
    expect(changedBy(disk, dirs, () => disk.remove('/p/a.c'), ['/p/a.c', '/i/x.h'])).toEqual(['/p/a.c']);
    expect(new IncludeScanner(disk).resolutions(request(dirs), ['/p/a.c', '/none/b.h'])).toEqual([null, null]);
  });
});

describe('what an answer rests on', () => {
  test('the text: other directives, another digest', () => {
    const disk = new Disk({ '/p/a.c': '#include "b.h"\n', '/p/b.h': '', '/p/c.h': '' });
    expect(changedBy(disk, {}, () => disk.write('/p/a.c', '#include "c.h"\n'))).toEqual(['/p/a.c']);
    expect(changedBy(disk, {}, () => disk.write('/p/a.c', 'int x;\n#include "c.h"\n'))).toEqual([]);
  });

  test('which of two names leads where', () => {
    const disk = new Disk({ '/p/a.c': '#include <x.h>\n#include <y.h>\n', '/i/x.h': '', '/i/y.h': '' });
    const [before] = new IncludeScanner(disk).resolutions(request({ includeDirs: ['/i'] }), ['/p/a.c']);
    disk.remove('/i/x.h');
    const [one] = new IncludeScanner(disk).resolutions(request({ includeDirs: ['/i'] }), ['/p/a.c']);
    disk.write('/i/x.h', '');
    disk.remove('/i/y.h');
    const [other] = new IncludeScanner(disk).resolutions(request({ includeDirs: ['/i'] }), ['/p/a.c']);
    expect(new Set([before, one, other].map((it) => hex(it ?? null))).size).toBe(3);
  });

  test('computed includes: all that the macros of the files and of the command give', () => {
    const disk = new Disk({
      '/p/a.c': '#include "m.h"\n#include H\n',
      '/p/m.h': '#define H <x.h>\n#define H G\n',
      '/i/x.h': '',
      '/j/x.h': '',
    });
    const all = ['/p/a.c', '/p/m.h', '/i/x.h'];
    const given: Overrides = { includeDirs: ['/i', '/j'], macros: [['D', 'G="g.h"']] };
    expect(changedBy(disk, given, () => disk.write('/p/g.h', ''), all)).toEqual(['/p/a.c']);
    expect(changedBy(disk, given, () => disk.write('/p/g.h.gch', ''), all)).toEqual(['/p/a.c']);
    expect(changedBy(disk, given, () => disk.remove('/i/x.h'), all)).toEqual(['/p/a.c', '/i/x.h']);
    const scanner = new IncludeScanner(disk);
    const known = (overrides: Overrides, files: string[]): boolean[] =>
      scanner.resolutions(request(overrides), files).map((digest) => digest !== null);
    expect(known(given, ['/p/a.c', '/p/m.h'])).toEqual([true, true]);
    expect(known({ includeDirs: ['/i', '/j'] }, ['/p/a.c', '/p/m.h'])).toEqual([false, true]);
    // Without the file that defines it the macro is not known.
    expect(known({ ...given, macros: [] }, ['/p/a.c'])).toEqual([false]);
  });

  test('files that #line and the assembler name', () => {
    const disk = new Disk({
      '/p/a.c': '#line 3 "parse.y"\n',
      '/p/b.c': 'asm(".incbin \\"x.bin\\"");\n',
      '/p/c.c': 'asm(".incbin " NAME);\n',
      '/w/none': '',
    });
    const all = [...disk.files.keys()];
    expect(changedBy(disk, {}, () => disk.write('/p/parse.y', ''), all)).toEqual(['/p/a.c']);
    expect(changedBy(disk, {}, () => disk.write('/p/x.bin', ''), all)).toEqual(['/p/b.c']);
    expect(changedBy(disk, { includeDirs: ['/w'] }, () => disk.write('/w/x.bin', ''), all)).toEqual(['/p/b.c']);
  });

  test('equal trees at two places tell the same', () => {
    const tree = (root: string): Record<string, string> => ({
      [`${root}/a.c`]: '#include "s/b.h"\n#include <c.h>\n#include <z.h>\n',
      [`${root}/s/b.h`]: '#include "c.h"\n',
      [`${root}/inc/c.h`]: '',
    });
    const disk = new Disk({ ...tree('/one'), ...tree('/real/two'), '/s/z.h': '' }, { '/two': '/real/two' });
    const scanner = new IncludeScanner(disk);
    const tell = (cwd: string): string[] => {
      const asked = { ...request({ includeDirs: ['inc'], system: ['/s'] }, `${cwd}/a.c`), cwd };
      const { files } = scanner.scan(asked);
      return [...scanner.resolutions(asked, files), scanner.prelude(asked)].map(hex);
    };
    expect(tell('/two')).toEqual(tell('/one'));
    expect(tell('/one')).toHaveLength(5);
  });

  test('a symlink that comes to lead elsewhere shows, though the path stays', () => {
    const tree = { '/p/a.c': '#include "l/b.h"\n', '/one/b.h': '', '/two/b.h': '' };
    const tell = (to: string): string =>
      hex(new IncludeScanner(new Disk(tree, { '/p/l': to })).resolutions(request(), ['/p/a.c'])[0] ?? null);
    expect(tell('/one')).toBe(tell('/one'));
    expect(tell('/one')).not.toBe(tell('/two'));
  });

  test('a search directory that becomes a second name of another shows in the prelude', () => {
    const tell = (to: string): string => {
      const disk = new Disk({ '/p/a.c': '', '/one/x': '', '/two/x': '' }, { '/l': to });
      return hex(new IncludeScanner(disk).prelude(request({ includeDirs: ['/l', '/one'] })));
    };
    expect(tell('/one')).not.toBe(tell('/two'));
  });

  test('a search directory that becomes a file shows in the prelude', () => {
    const tell = (files: Record<string, string>): string =>
      hex(new IncludeScanner(new Disk({ '/p/a.c': '', ...files })).prelude(request({ includeDirs: ['x'] })));
    expect(tell({ '/p/x': '' })).not.toBe(tell({}));
  });

  test('one configuration asked from two directories keeps them apart', () => {
    const disk = new Disk({ '/p/a.c': '#include "b.h"\n', '/p/b.h': '', '/w/x': '' });
    const scanner = new IncludeScanner(disk);
    const from = (cwd: string): string => hex(scanner.resolutions({ ...request(), cwd }, ['/p/a.c'])[0] ?? null);
    const inside = from('/p');
    expect(from('/w')).not.toBe(inside);
    expect(from('/p')).toBe(inside);
  });
});

test('while nothing changed the same bytes come back without a question', () => {
  const disk = new Disk({ '/p/a.c': '#include "b.h"\n#include <x.h>\n', '/p/b.h': '', '/i/x.h': '', '/p/d.c': '' });
  let hashed = 0;
  const hash = (text: string): Uint8Array => {
    hashed++;
    return fingerprint(text);
  };
  const scanner = new IncludeScanner(disk, { hash });
  const all = ['/p/a.c', '/p/b.h', '/i/x.h'];
  const first = scanner.resolutions(request({ includeDirs: ['/i'] }), all);
  expect(hashed).toBe(3);
  disk.questions = 0;
  const second = scanner.resolutions(request({ includeDirs: ['/i'] }, '/p/d.c'), all);
  expect(second.every((digest, at) => digest === first[at])).toBe(true);
  expect({ hashed, questions: disk.questions }).toEqual({ hashed: 3, questions: 0 });
});
