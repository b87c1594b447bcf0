// What becomes of a result on this machine's disk where that is not just a file each: modules that would be the same, what only
// the compiler here can tell, and which missing files are Tender's fault.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { OutputKind } from '../../compiler/types.ts';
import type { ExecutionResultMessage } from '../../wire/messages.ts';
import { discardOutputs, judgeResult, writeOutputs } from './outputs.ts';
import type { CompileTask, OutputPlan } from './prepare.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tender-outputs-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function plan(names: Readonly<Record<string, OutputKind>>, hasPlugins = false): OutputPlan {
  const outputs = Object.entries(names).map(([name, kind]) => ({ kind, path: join(dir, name), mode: null }));
  return { cwd: dir, umask: 0o022, outputs, dropsDepfile: false, hasPlugins, compilesThenAssembles: true };
}

function result(
  contents: readonly (Buffer | null)[],
  more: Partial<ExecutionResultMessage> = {},
): ExecutionResultMessage {
  const outputs = contents.flatMap((data, index) =>
    data === null ? [] : [{ index, data, zstd: false, size: data.length, mode: 0o644 }],
  );
  const none = Buffer.alloc(0);
  const said = { attempt: 'a', signalled: false, code: 0, stdout: none, stderr: none, unnamed: '' };
  return { ...said, outputs, ranMs: 1, cpuMs: 1, maxRssBytes: 1, bytesFetched: 0, ...more };
}

/** Names of the files that would be renamed into place, or the reason why none are. */
function write(task: OutputPlan, made: ExecutionResultMessage): readonly string[] | string {
  const written = writeOutputs(task, made);
  if (!written.ok) return written.error;
  discardOutputs(written.value);
  return written.value.map(([, to]) => to.slice(dir.length + 1));
}

describe('Fortran modules', () => {
  const task = (): OutputPlan => plan({ 'a.o': 'object', 'm.mod': 'module' });
  const object = Buffer.from('object');
  const text = gzipSync('one');

  test('one that is there and would be the same stays', () => {
    writeFileSync(join(dir, 'm.mod'), text);
    expect(write(task(), result([object, text]))).toEqual(['a.o']);
    // As by another gzip: its checksum is what counts.
    expect(write(task(), result([object, gzipSync('one', { level: 1 })]))).toEqual(['a.o']);
    expect(readFileSync(join(dir, 'm.mod'))).toEqual(text);
  });

  test('a new one and another one come', () => {
    expect(write(task(), result([object, text]))).toEqual(['a.o', 'm.mod']);
    writeFileSync(join(dir, 'm.mod'), gzipSync('two'));
    expect(write(task(), result([object, text]))).toEqual(['a.o', 'm.mod']);
    writeFileSync(join(dir, 'm.mod'), '');
    expect(write(task(), result([object, text]))).toEqual(['a.o', 'm.mod']);
  });

  test('one that the source turned out not to make is left alone', () => {
    writeFileSync(join(dir, 'm.mod'), text);
    expect(write(task(), result([object, null]))).toEqual(['a.o']);
    expect(existsSync(join(dir, 'm.mod'))).toBe(true);
  });

  test('of an older one only the compiler here knows what becomes when a compile fails', () => {
    expect(write(task(), result([null, null], { code: 1 }))).toEqual([]);
    writeFileSync(join(dir, 'm.mod'), text);
    expect(write(task(), result([null, null], { code: 1 }))).toContain('m.mod');
    // It came, so it is known.
    expect(write(task(), result([null, gzipSync('two')], { code: 1 }))).toEqual(['m.mod']);
  });
});

test('with a plugin a failure is not believed, a success is', () => {
  const task = plan({ 'a.o': 'object' }, true);
  expect(write(task, result([Buffer.from('o')]))).toEqual(['a.o']);
  expect(write(task, result([null], { code: 1 }))).toContain('plugin');
  expect(write(task, result([null], { signalled: true, code: 11 }))).toContain('plugin');
});

test('a file that no option names brings the compile here', () => {
  const task = plan({ 'a.o': 'object' });
  expect(write(task, result([Buffer.from('o')], { unnamed: '/p/log.txt' }))).toContain('/p/log.txt');
  expect(existsSync(join(dir, 'a.o'))).toBe(false);
});

describe('a file that was missed elsewhere', () => {
  const missing = (stderr: string): string | null => {
    const task = { ...plan({ 'a.o': 'object' }), source: join(dir, 'a.f90'), searchDirs: [] } as unknown as CompileTask;
    return judgeResult(task, result([null], { code: 1, stderr: Buffer.from(stderr) }))?.message ?? null;
  };
  test.each([
    [
      "a.f90:2:5:\n\n    2 | use m\n      |     1\nFatal Error: Cannot open module file 'there' for reading at (1): No such file or directory\n",
      true,
    ],
    ['a.f90:2:0:\n\nFatal Error: Cannot open included file ‘there’\n', true],
    ['f951: Fatal Error: Module file ‘there’ has not been generated, either because …\n', true],
    ['a.F90:1:2:\n\n    1 | #include "there"\n      |  1~\nFatal Error: there: No such file or directory\n', true],
    ['a.c:1:10: fatal error: there: No such file or directory\n', true],
    ["Fatal Error: Cannot open module file 'gone' for reading at (1): No such file or directory\n", false],
    ['a.f90:3:3:\n\nError: Unclassifiable statement at (1)\n', false],
  ])('%j: %s', (stderr, isOurs) => {
    writeFileSync(join(dir, 'there'), '');
    expect(missing(stderr) !== null).toBe(isOurs);
  });
});
