// The walk over includes on small trees in memory: order of directories, next, forced, computed, loops.
import { describe, expect, test } from 'vitest';
import type { FileFacts } from '../types.ts';
import { Disk, request } from './memory-disk.ts';
import type { Overrides } from './memory-disk.ts';
import { IncludeScanner, scanIncludes } from './scan.ts';

function files(disk: FileFacts, overrides: Overrides = {}): readonly string[] {
  return scanIncludes(request(overrides), disk).files;
}

describe('the order of directories', () => {
  const everywhere = (source: string, ...dirs: string[]): Disk =>
    new Disk({ '/p/a.c': source, ...Object.fromEntries(dirs.map((dir) => [`${dir}/x.h`, ''])) });

  test.each<[string, string, string[], Overrides, string]>([
    ['beside the includer first', '"x.h"', ['/p', '/q', '/i'], { quoteDirs: ['/q'], includeDirs: ['/i'] }, '/p/x.h'],
    ['then -iquote', '"x.h"', ['/q', '/i'], { quoteDirs: ['/q'], includeDirs: ['/i'] }, '/q/x.h'],
    ['then -I', '"x.h"', ['/i', '/s'], { includeDirs: ['/i'], systemDirs: ['/s'] }, '/i/x.h'],
    [
      'angle: neither beside nor -iquote',
      '<x.h>',
      ['/p', '/q', '/i'],
      { quoteDirs: ['/q'], includeDirs: ['/i'] },
      '/i/x.h',
    ],
    ['-I in order', '<x.h>', ['/i', '/j'], { includeDirs: ['/j', '/i'] }, '/j/x.h'],
    ['-I before -isystem', '<x.h>', ['/i', '/s'], { includeDirs: ['/i'], systemDirs: ['/s'] }, '/i/x.h'],
    ['-isystem before built-in', '<x.h>', ['/s', '/b'], { systemDirs: ['/s'], system: ['/b'] }, '/s/x.h'],
    ['built-in before -idirafter', '<x.h>', ['/b', '/z'], { afterDirs: ['/z'], system: ['/b'] }, '/b/x.h'],
    ['-idirafter last', '<x.h>', ['/z'], { afterDirs: ['/z'], system: ['/b'] }, '/z/x.h'],
    [
      'CPATH after -I',
      '<x.h>',
      ['/i', '/e'],
      { includeDirs: ['/i'], env: { afterI: ['/e'], afterSystem: [] } },
      '/i/x.h',
    ],
    [
      'CPATH before -isystem',
      '<x.h>',
      ['/s', '/e'],
      { systemDirs: ['/s'], env: { afterI: ['/e'], afterSystem: [] } },
      '/e/x.h',
    ],
    [
      'C_INCLUDE_PATH after -isystem',
      '<x.h>',
      ['/s', '/e'],
      { systemDirs: ['/s'], env: { afterI: [], afterSystem: ['/e'] } },
      '/s/x.h',
    ],
    [
      'C_INCLUDE_PATH before built-in',
      '<x.h>',
      ['/b', '/e'],
      { system: ['/b'], env: { afterI: [], afterSystem: ['/e'] } },
      '/e/x.h',
    ],
    ['relative to the working directory', '<x.h>', ['/p/inc'], { includeDirs: ['inc'] }, '/p/inc/x.h'],
    ['dots are spelled out', '<x.h>', ['/p/inc'], { includeDirs: ['./inc/.//'] }, '/p/inc/x.h'],
    ['two dots stay', '<x.h>', ['/inc'], { includeDirs: ['../inc'] }, '/p/../inc/x.h'],
    [
      'a -I that is a system directory goes',
      '<x.h>',
      ['/b', '/j'],
      { includeDirs: ['/b', '/j'], system: ['/b'] },
      '/j/x.h',
    ],
    ['the same by another name', '<x.h>', ['/b', '/j'], { includeDirs: ['/j/../b', '/j'], system: ['/b'] }, '/j/x.h'],
    ['sysroot =', '<x.h>', ['/r/i'], { includeDirs: ['=/i'], sysroot: '/r' }, '/r/i/x.h'],
    ['sysroot by name', '<x.h>', ['/r/i'], { systemDirs: ['$SYSROOT/i'], sysroot: '/r' }, '/r/i/x.h'],
    ['absolute name', '"/i/x.h"', ['/i'], {}, '/i/x.h'],
  ])('%s', (_, operand, dirs, overrides, expected) => {
    expect(files(everywhere(`#include ${operand}\n`, ...dirs), overrides)).toEqual(['/p/a.c', expected]);
  });

  test('a symlink that a search meets in vain is told with the directories', () => {
    const disk = new Disk(
      { '/p/a.c': '#include <l/x.h>\n', '/i/y': '', '/far/y': '', '/j/l/x.h': '' },
      { '/i/l': '/far' },
    );
    expect(scanIncludes(request({ includeDirs: ['/i', '/j'] }), disk).searchDirs).toEqual(['/i', '/j', '/i/l']);
  });

  test('-iquote for a system directory: gcc leaves it out, clang does not', () => {
    const disk = everywhere('#include "x.h"\n', '/b', '/i');
    const overrides = { quoteDirs: ['/b'], includeDirs: ['/i'], system: ['/b'] };
    expect(files(disk, overrides)).toEqual(['/p/a.c', '/b/x.h', '/i/x.h']);
  });

  test('-nostdinc leaves out what the compiler adds', () => {
    const disk = everywhere('#include <x.h>\n', '/b');
    expect(files(disk, { system: ['/b'], noStdInc: true })).toEqual(['/p/a.c']);
  });

  test('only directories that exist are reported', () => {
    const { searchDirs } = scanIncludes(
      request({ quoteDirs: ['/q'], includeDirs: ['/none', '/i', '/b', '/i/../b'], system: ['/b', '/gone'] }),
      everywhere('', '/i', '/b', '/q'),
    );
    // Also one that is searched in another place: a compiler may name its files by this spelling.
    expect(searchDirs).toEqual(['/q', '/i', '/b', '/i/../b']);
  });
});

describe('the walk', () => {
  test('every branch is followed, each file once', () => {
    const disk = new Disk({
      '/p/a.c': '#if A\n#include "b.h"\n#else\n#include "c.h"\n#endif\n',
      '/p/b.h': '#include "d.h"\n',
      '/p/c.h': '#include "d.h"\n#include "b.h"\n',
      '/p/d.h': '#include "a.c"\n',
    });
    expect([...files(disk)].toSorted()).toEqual(['/p/a.c', '/p/b.h', '/p/c.h', '/p/d.h']);
  });

  test('quoted names are looked for beside the file that has them', () => {
    const disk = new Disk({
      '/p/a.c': '#include "s/b.h"\n',
      '/p/s/b.h': '#include "c.h"\n',
      '/p/s/c.h': '',
      '/p/c.h': '',
    });
    expect(files(disk)).toEqual(['/p/a.c', '/p/s/b.h', '/p/s/c.h']);
  });

  test('include_next gives every later match', () => {
    const disk = new Disk({
      '/p/a.c': '#include <x.h>\n',
      '/i/x.h': '#include_next <x.h>\n',
      '/j/x.h': '#include_next <x.h>\n',
      '/b/x.h': '',
    });
    const found = files(disk, { includeDirs: ['/i', '/j'], system: ['/b'] });
    expect([...found].toSorted()).toEqual(['/b/x.h', '/i/x.h', '/j/x.h', '/p/a.c']);
  });

  test('names with .. that lead in circles end', () => {
    const disk = new Disk({
      '/p/a.c': '#include "s/b.h"\n',
      '/p/s/b.h': '#include "../t/c.h"\n',
      '/p/t/c.h': '#include "../s/b.h"\n',
    });
    expect(files(disk)).toEqual(['/p/a.c', '/p/s/b.h', '/p/s/../t/c.h', '/p/t/../s/b.h']);
  });

  test('a .. after a symlink starts from where the link leads', () => {
    const disk = new Disk(
      { '/p/a.c': '#include "l/b.h"\n', '/far/s/b.h': '#include "../c.h"\n', '/far/c.h': '', '/p/c.h': '' },
      { '/p/l': '/far/s' },
    );
    expect(files(disk)).toEqual(['/p/a.c', '/p/l/b.h', '/far/s/../c.h']);
  });

  test('forced includes: from the working directory, else the search path', () => {
    const disk = new Disk({ '/p/s/a.c': '', '/p/f.h': '', '/p/s/f.h': '', '/i/g.h': '', '/i/stdc-predef.h': '' });
    const { files: found } = scanIncludes(
      request({ forcedIncludes: ['f.h', 'g.h', 'missing.h'], includeDirs: ['/i'] }, '/p/s/a.c'),
      disk,
    );
    expect(found).toEqual(['/p/s/a.c', '/i/stdc-predef.h', '/p/f.h', '/i/g.h']);
  });

  test('a missing source gives itself', () => {
    expect(files(new Disk({}))).toEqual(['/p/a.c']);
  });

  test('flags come from any file, and from the command line', () => {
    const disk = new Disk({ '/p/a.c': '#include "b.h"\n', '/p/b.h': '__TIMESTAMP__ .incbin __DATE__', '/p/c.c': '' });
    const all = { usesTimestamp: true, usesDate: true, hasAssemblerIncludes: true };
    const none = { usesTimestamp: false, usesDate: false, hasAssemblerIncludes: false };
    expect(scanIncludes(request(), disk)).toMatchObject(all);
    expect(scanIncludes(request({}, '/p/c.c'), disk)).toMatchObject(none);
    const give = (value: string): Overrides => ({ macros: [['D', `X=${value}`]] });
    expect(scanIncludes(request(give('__TIME__'), '/p/c.c'), disk)).toMatchObject({ ...none, usesDate: true });
    expect(scanIncludes(request(give('__TIMESTAMP__'), '/p/c.c'), disk)).toMatchObject({
      ...none,
      usesTimestamp: true,
    });
    const binary = give('asm(".incbin \\"x\\"")');
    expect(scanIncludes(request(binary, '/p/c.c'), disk)).toMatchObject({ ...none, hasAssemblerIncludes: true });
  });

  test('time macros of the command line take the place of the built-in ones', () => {
    const disk = new Disk({ '/p/a.c': '__TIMESTAMP__ __DATE__ __TIME__', '/p/b.c': '#pragma GCC dependency "c.y"\n' });
    const times = (macros: NonNullable<Overrides['macros']>, source = '/p/a.c'): readonly boolean[] => {
      const { usesTimestamp, usesDate } = scanIncludes(request({ macros }, source), disk);
      return [usesTimestamp, usesDate];
    };
    expect(times([])).toEqual([true, true]);
    expect(times([['D', '__TIMESTAMP__="redacted"']])).toEqual([false, true]);
    expect(times([['U', '__TIMESTAMP__']])).toEqual([false, true]);
    expect(times([['D', '__DATE__="d"']])).toEqual([true, true]);
    expect(
      times([
        ['D', '__DATE__="d"'],
        ['D', '__TIME__'],
      ]),
    ).toEqual([true, false]);
    expect(times([['D', '__TIMESTAMP__X=1']])).toEqual([true, true]);
    // What compares times does so whatever the macros are.
    expect(times([['D', '__TIMESTAMP__=1']], '/p/b.c')).toEqual([true, false]);
  });

  test('a file that is named as a search directory is carried', () => {
    const disk = new Disk({ '/p/a.c': '#include "b.h"\n', '/i/b.h': '', '/p/x': '#include "c.h"\n', '/i/c.h': '' });
    const { files: found, unlisted } = scanIncludes(request({ includeDirs: ['x', 'none', '/i'] }), disk);
    expect({ found, unlisted }).toEqual({ found: ['/p/a.c', '/i/b.h', '/p/x'], unlisted: ['/p/x'] });
  });

  test('files that #line names are carried, not followed', () => {
    const disk = new Disk({
      '/p/a.c': '#line 1 "parse.y"\n#line 2 "no.y"\n',
      '/p/parse.y': '#include "b.h"\n',
      '/p/b.h': '',
    });
    const { files: found, unlisted } = scanIncludes(request(), disk);
    expect({ found, unlisted }).toEqual({ found: ['/p/a.c', '/p/parse.y'], unlisted: ['/p/parse.y'] });
  });

  test('a precompiled header is told', () => {
    const disk = new Disk({ '/p/a.c': '#include "b.h"\n', '/p/b.h': '', '/p/b.h.gch': '' });
    expect(scanIncludes(request(), disk).precompiledHeader).toBe('/p/b.h.gch');
    disk.remove('/p/b.h.gch');
    expect(scanIncludes(request(), disk).precompiledHeader).toBeNull();
    disk.write('/p/f.h.pch', '');
    disk.write('/p/f.h', '');
    expect(scanIncludes(request({ forcedIncludes: ['f.h'] }), disk).precompiledHeader).toBe('/p/f.h.pch');
  });

  test('a precompiled header counts in a directory that has not the header, up to the one that has it', () => {
    const disk = new Disk({ '/p/a.c': '#include <b.h>\n', '/i/x': '', '/j/b.h': '', '/k/b.h.gch': '' });
    const scanner = new IncludeScanner(disk);
    const scan = (): string | null => scanner.scan(request({ includeDirs: ['/i', '/j', '/k'] })).precompiledHeader;
    expect(scan()).toBeNull();
    disk.write('/i/b.h.gch', '');
    expect(scan()).toBe('/i/b.h.gch');
  });

  test('a precompiled header that a computed include could take', () => {
    const disk = new Disk({ '/p/a.c': '#define H "b.h"\n#include H\n', '/p/b.h': '', '/p/b.h.gch': '' });
    expect(scanIncludes(request(), disk).precompiledHeader).toBe('/p/b.h.gch');
  });
});

describe('what the assembler reads', () => {
  test('is followed along every directory that an assembler may search', () => {
    const disk = new Disk({
      '/p/a.c': '#include "s/b.h"\n',
      '/p/s/b.h': 'asm(".include \\"x.s\\"");\n',
      '/p/x.s': '.incbin "d/x.bin",4\n# include "no.h"\n.include "y.s"\n',
      '/p/no.h': '',
      '/i/d/x.bin': '.include "no.h"\n',
      '/w/y.s': '',
      '/e/y.s': '',
      '/p/s/y.s': '',
    });
    const env = { afterI: ['/e'], afterSystem: [] };
    const { files: found, unlisted } = scanIncludes(
      { ...request({ includeDirs: ['../i'], env }), assemblerDirs: ['/w'] },
      disk,
    );
    const behind = ['/e/y.s', '/p/../i/d/x.bin', '/p/x.s', '/w/y.s'];
    expect([...unlisted].toSorted()).toEqual(behind);
    expect([...found].toSorted()).toEqual([...behind, '/p/a.c', '/p/s/b.h'].toSorted());
  });

  test('a source for the assembler alone has no includes of its own', () => {
    const disk = new Disk({
      '/p/a.s': '# include the rest\n#include "b.h"\n.include "b.s"\n',
      '/p/b.h': '',
      '/p/b.s': '.incbin NAME\n',
      '/i/stdc-predef.h': '',
    });
    const asked = request({ includeDirs: ['/i'] }, '/p/a.s');
    expect(scanIncludes({ ...asked, assemblerOnly: true }, disk)).toMatchObject({
      files: ['/p/a.s', '/p/b.s'],
      unresolved: [],
      hasAssemblerIncludes: true,
    });
    expect(scanIncludes(asked, disk)).toMatchObject({ unresolved: ['the rest'] });
  });

  test('circles end', () => {
    const disk = new Disk({ '/p/a.c': 'asm(".include \\"x.s\\"");', '/p/x.s': '.include "x.s"\n.include "a.c"\n' });
    expect(files(disk)).toEqual(['/p/a.c', '/p/x.s']);
  });
});

describe('computed includes', () => {
  const tree = { '/p/x.h': '', '/p/y.h': '', '/i/z.h': '', '/i/linux/fs.h': '' };

  test.each<[string, string, Overrides, string[], string[]]>([
    ['a macro of the file', '#define H "x.h"\n#include H\n', {}, ['/p/x.h'], []],
    ['all its values', '#define H "x.h"\n#define H "y.h"\n#include H\n', {}, ['/p/x.h', '/p/y.h'], []],
    ['a chain', '#define G "x.h"\n#define H G\n#include H\n', {}, ['/p/x.h'], []],
    ['the command line', '#include H\n', { macros: [['D', 'H="x.h"']] }, ['/p/x.h'], []],
    ['angle', '#include H\n', { macros: [['D', 'H=<z.h>']], includeDirs: ['/i'] }, ['/i/z.h'], []],
    ['unknown', '#include H\n', {}, [], ['H']],
    ['half known', '#define H "x.h"\n#define H G\n#include H\n', {}, ['/p/x.h'], ['H']],
    ['a call', '#include STR(x.h)\n', {}, [], ['STR(x.h)']],
    ['a macro that calls', '#define H STR(x.h)\n#include H\n', {}, [], ['H']],
    ['a circle', '#define H G\n#define G H\n#include H\n', {}, [], []],
    ['words in angles may be macros', '#define H <z/none.h>\n#include H\n', { includeDirs: ['/i'] }, [], ['H']],
    [
      'words that gcc replaces',
      '#define H <linux/fs.h>\n#include H\n',
      { includeDirs: ['/i'] },
      ['/i/linux/fs.h'],
      ['H'],
    ],
    ['an existence test', '#define H "x.h"\n#if __has_include(H)\n', {}, ['/p/x.h'], []],
  ])('%s', (_, source, overrides, expected, unresolved) => {
    const result = scanIncludes(request(overrides), new Disk({ ...tree, '/p/a.c': source }));
    expect([...result.files].toSorted()).toEqual(['/p/a.c', ...expected].toSorted());
    expect(result.unresolved).toEqual(unresolved);
  });

  test('a macro from a header that a computed include brings in', () => {
    const disk = new Disk({
      '/p/a.c': '#include SECOND\n#define FIRST "first.h"\n#include FIRST\n',
      '/p/first.h': '#define SECOND "second.h"\n',
      '/p/second.h': '#include "x.h"\n',
      '/p/x.h': '',
    });
    const result = scanIncludes(request(), disk);
    expect([...result.files].toSorted()).toEqual(['/p/a.c', '/p/first.h', '/p/second.h', '/p/x.h']);
    expect(result.unresolved).toEqual([]);
  });
});

describe('what a scanner remembers', () => {
  const tree = {
    '/p/a.c': '#include <x.h>\n',
    '/p/b.c': '#include <x.h>\n',
    '/i/x.h': '#include "y.h"\n',
    '/i/y.h': '',
  };

  test('a second unit of the same configuration asks little', () => {
    const disk = new Disk(tree);
    const scanner = new IncludeScanner(disk);
    scanner.scan(request({ includeDirs: ['/i'] }));
    disk.questions = 0;
    expect(scanner.scan(request({ includeDirs: ['/i'] }, '/p/b.c')).files).toEqual(['/p/b.c', '/i/x.h', '/i/y.h']);
    // Its own source, where its one include leads with a precompiled header before it, and nothing that the first unit had asked.
    expect(disk.questions).toBe(3);
  });

  test('changes are seen: a new file in front, another text, a file gone', () => {
    const disk = new Disk(tree);
    const scanner = new IncludeScanner(disk);
    const scan = (): readonly string[] => scanner.scan(request({ includeDirs: ['/h', '/i'] })).files;
    expect(scan()).toEqual(['/p/a.c', '/i/x.h', '/i/y.h']);
    disk.write('/h/x.h', '');
    expect(scan()).toEqual(['/p/a.c', '/h/x.h']);
    disk.write('/h/x.h', '#include "z.h"\n');
    disk.write('/h/z.h', '');
    expect(scan()).toEqual(['/p/a.c', '/h/x.h', '/h/z.h']);
    disk.remove('/h/x.h');
    expect(scan()).toEqual(['/p/a.c', '/i/x.h', '/i/y.h']);
  });

  test('configurations beyond the bound are forgotten, not confused', () => {
    const disk = new Disk({ ...tree, '/j/x.h': '' });
    const scanner = new IncludeScanner(disk, { maxConfigurations: 1 });
    for (const dir of ['/i', '/j', '/i', '/j']) {
      expect(scanner.scan(request({ includeDirs: [dir] })).files).toContain(`${dir}/x.h`);
    }
  });
});
