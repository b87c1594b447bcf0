// Which files a Fortran unit reads and writes, on a disk in memory: where modules are looked for, whose an older module file is,
// and that everything looked for shows in the prelude by which kept results are found.
import { describe, expect, test } from 'vitest';
import { Disk, request, type Overrides } from '../scan/memory-disk.ts';
import { IncludeScanner } from '../scan/scan.ts';
import type { ScanRequest } from '../types.ts';

const DIRS = { includeDirs: ['inc'], system: ['/usr/finclude'] };

function fortran(overrides: Overrides = {}, more: Partial<NonNullable<ScanRequest['fortran']>> = {}): ScanRequest {
  const base = request({ ...DIRS, ...overrides }, '/p/src/a.f90');
  return { ...base, fortran: { moduleDir: '/p', preprocessed: false, before: [], ...more } };
}

function scan(files: Readonly<Record<string, string>>, asked = fortran()) {
  const { files: found, fortran: findings } = new IncludeScanner(new Disk(files)).scan(asked);
  return { files: found, modules: findings?.modules, doubt: findings?.doubt ?? null };
}

test('modules and included files, in every place where they could be', () => {
  const { files, modules } = scan({
    '/p/src/a.f90': "module m\nuse one\nuse two\nuse three\nuse gone\ninclude 'x.inc'\nend module\n",
    '/p/one.mod': '',
    '/p/inc/two.mod': '',
    '/p/src/two.mod': '',
    '/usr/finclude/three.mod': '',
    '/p/src/x.inc': "include 'y.inc'\nuse four\n",
    '/p/inc/y.inc': '',
    '/p/inc/four.mod': '',
  });
  expect(files[0]).toBe('/p/src/a.f90');
  expect(files.toSorted()).toEqual(
    ['one.mod', 'inc/two.mod', 'src/two.mod', 'src/x.inc', 'inc/y.inc', 'inc/four.mod', 'src/a.f90']
      .map((path) => `/p/${path}`)
      .concat('/usr/finclude/three.mod')
      .toSorted(),
  );
  expect(modules).toEqual(['/p/m.mod', '/p/m.smod']);
});

test('submodules read and write files of their ancestors’ names', () => {
  const { files, modules } = scan({
    '/p/src/a.f90': 'submodule (m:s) t\nend\n',
    '/p/m@s.smod': '',
    '/p/m.mod': '',
    '/p/t.mod': '',
  });
  expect(files).toEqual(['/p/src/a.f90', '/p/m@s.smod']);
  expect(modules).toEqual(['/p/m@t.smod']);
});

describe('an older file of a module that the source itself makes', () => {
  const source = 'module m\nend module\nprogram p\nuse m\nend\n';
  test('is not read', () => {
    expect(scan({ '/p/src/a.f90': source, '/p/m.mod': '' })).toMatchObject({ files: ['/p/src/a.f90'], doubt: null });
  });
  test('is read when the use comes first', () => {
    const swapped = 'program p\nuse m\nend\nmodule m\nend module\n';
    expect(scan({ '/p/src/a.f90': swapped, '/p/m.mod': '' }).files).toContain('/p/m.mod');
  });
  test('may be read when the module is conditional', () => {
    const conditional = '#ifdef X\nmodule m\nend module\n#endif\nprogram p\nuse m\nend\n';
    expect(scan({ '/p/src/a.f90': conditional, '/p/m.mod': '' }, fortran({}, { preprocessed: true })).files).toContain(
      '/p/m.mod',
    );
  });
  test('is a doubt when there is another of its name', () => {
    expect(scan({ '/p/src/a.f90': source, '/p/inc/m.mod': '' }).doubt).toContain('m.mod');
  });
  test('is not read either when an earlier source of the command makes it', () => {
    const files = { '/p/src/a.f90': 'program p\nuse m\nend\n', '/p/m.f90': 'module m\nend module\n', '/p/m.mod': '' };
    expect(scan(files).files).toContain('/p/m.mod');
    expect(scan(files, fortran({}, { before: ['/p/m.f90'] })).files).toEqual(['/p/src/a.f90']);
  });
});

describe('what the preprocessor could change', () => {
  const doubt = (text: string, overrides: Overrides = {}): string | null =>
    scan({ '/p/src/a.f90': text, '/p/inc/h.h': '#define FROM_HEADER x\n' }, fortran(overrides, { preprocessed: true }))
      .doubt;
  test.each<[string, string, Overrides, boolean]>([
    ['nothing', '#define N 3\nmodule m\nuse n_\nend module\n', {}, false],
    ['a name that is a macro', '#define m x\nmodule m\nend module\n', {}, true],
    ['a name that a header makes a macro', '#include "h.h"\nuse FROM_HEADER\n', {}, true],
    ['a name that -D gives', 'use m\n', { macros: [['D', 'm=x']] }, true],
    ['a macro that holds a statement', '#define S use x\nS\n', {}, true],
    ['-D with a statement', 'S\n', { macros: [['D', 'S=use x']] }, true],
    ['an include by macro', "#define FILE 'x'\ninclude FILE\n", {}, true],
    ['a statement as an argument', '#define W(x) x\nW(use m)\n', {}, true],
  ])('%s', (_, text, overrides, isDoubt) => {
    expect(doubt(text, overrides) !== null).toBe(isDoubt);
  });
  test('without the preprocessor none of it counts', () => {
    expect(scan({ '/p/src/a.f90': '#define m x\nmodule m\nend module\n' }).doubt).toBe(null);
  });
});

describe('the prelude', () => {
  const source = "program p\nuse m\ninclude 'i.inc'\nend\n";
  const asked = fortran();
  const prelude = (disk: Disk): string => Buffer.from(new IncludeScanner(disk).prelude(asked)).toString('hex');
  const disk = (): Disk =>
    new Disk({ '/p/src/a.f90': source, '/p/inc/m.mod': 'one', '/p/inc/i.inc': '', '/usr/finclude/x': '' });

  test.each([
    ['a module file comes up in an earlier directory', '/p/m.mod'],
    ['one comes up in a later directory', '/usr/finclude/m.mod'],
    ['an included file comes up beside the source', '/p/src/i.inc'],
  ])('changes when %s', (_, path) => {
    const it = disk();
    const before = prelude(it);
    it.write(path, '');
    expect(prelude(it)).not.toBe(before);
    it.remove(path);
    expect(prelude(it)).toBe(before);
  });

  test('changes when a file that was there goes, and with the modules that are made', () => {
    const it = disk();
    const before = prelude(it);
    it.remove('/p/inc/m.mod');
    expect(prelude(it)).not.toBe(before);
    const other = disk();
    other.write('/p/src/a.f90', `module made\nend module\n${source}`);
    expect(prelude(other)).not.toBe(before);
  });

  test('says nothing of what nobody asks for', () => {
    const it = disk();
    const before = prelude(it);
    it.write('/p/other.mod', '');
    expect(prelude(it)).toBe(before);
  });

  test('a header of a preprocessed source counts as in C', () => {
    const files = { '/p/src/a.f90': '#include "h.h"\nend\n', '/p/inc/h.h': '#define X\n' };
    const it = new Disk(files);
    const tell = (): string =>
      Buffer.from(new IncludeScanner(it).prelude(fortran({}, { preprocessed: true }))).toString('hex');
    const before = tell();
    it.write('/p/src/h.h', '#define X\n');
    expect(tell()).not.toBe(before);
  });
});
