// Reading back what compilers write about dependencies, with the names that they must quote.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseDependencies } from './depfile.ts';

test.each<[string, string, string[]]>([
  ['one line', 'a.o: a.c b.h\n', ['a.c', 'b.h']],
  ['continued lines', 'a.o: a.c \\\n b.h \\\r\n c.h\n', ['a.c', 'b.h', 'c.h']],
  ['only the first rule', 'a.o: a.c b.h\nb.h:\n', ['a.c', 'b.h']],
  ['blanks', 'a.o: a\\ b.h', ['a b.h']],
  ['signs', 'a.o: a\\#b.h $$x.h', ['a#b.h', '$x.h']],
  ['backslash before a blank', 'a.o: a\\\\\\ b.h', ['a\\ b.h']],
  ['backslash elsewhere', 'a.o: a\\b.h', ['a\\b.h']],
  ['several targets, colons in names', 'a.o b.d: c:d.h', ['c:d.h']],
  ['nothing', '', []],
  ['no prerequisites', 'a.o:\n', []],
])('%s', (_, text, expected) => {
  expect(parseDependencies(text)).toEqual(expected);
});

test('odd names come back from gcc as they are', () => {
  const dir = mkdtempSync(join(tmpdir(), 'tender-depfile-'));
  try {
    const names = ['a b.h', 'c#d.h', '$e.h', 'f\\g.h', 'h:i.h'];
    for (const name of names) writeFileSync(join(dir, name), '');
    writeFileSync(join(dir, 'x.c'), names.map((name) => `#include "${name}"\n`).join(''));
    const text = execFileSync('gcc', ['-MM', 'x.c'], { cwd: dir, encoding: 'utf8' });
    expect(parseDependencies(text)).toEqual(['x.c', ...names]);
  } finally {
    rmSync(dir, { recursive: true });
  }
});
