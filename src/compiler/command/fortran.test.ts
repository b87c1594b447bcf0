// Fortran and plugins on the command line: what sources are, where modules go, and what stays.
import { describe, expect, test } from 'vitest';
import type { CompilePlan } from '../types.ts';
import { parseCommand } from './parse.ts';

function parse(line: string) {
  const context = { cwd: '/w', env: new Map<string, string>(), readFile: () => null, stderrIsTerminal: false };
  return parseCommand(line.split(' '), { ...context, isDirectory: () => false });
}
function plan(line: string): CompilePlan {
  const verdict = parse(line);
  if (!verdict.travels) throw new Error(`${verdict.reason}: ${verdict.detail}`);
  return verdict.plan;
}
const reason = (line: string): string => {
  const verdict = parse(line);
  return verdict.travels ? 'travels' : verdict.reason;
};

describe('Fortran', () => {
  test.each([
    ['gfortran -c a.f', 'fortran'],
    ['gfortran-12 -c a.for b.ftn c.f90 d.f95 e.f03 f.f08', 'fortran'],
    ['f95 -c a.F b.FOR c.fpp d.FPP e.FTN f.F90 g.F95 h.F03 i.F08', 'fortran-cpp'],
    ['gfortran -x f95 -c a.c', 'fortran'],
    ['gfortran -x f77-cpp-input -c a.c', 'fortran-cpp'],
    ['gfortran -c a.f90 -cpp', 'fortran-cpp'],
    ['gcc -c a.f90', 'fortran'],
    ['x86_64-linux-gnu-gfortran-12 -c a.f90', 'fortran'],
    ['gfortran -c a.c', 'c'],
  ])('%s: %s', (line, language) => {
    expect(new Set(plan(line).sources.map((source) => source.language))).toEqual(new Set([language]));
  });

  test.each([
    ['gfortran -c a.f90', ''],
    ['gfortran -Jmods -c a.f90', 'mods'],
    ['gfortran -J mods -J other -c a.f90', 'other'],
  ])('%s: modules go to «%s»', (line, dir) => {
    expect(plan(line).moduleDir).toBe(dir);
  });

  test.each([
    ['gfortran -c a.F90 -MD', ['a.o', 'a.d']],
    ['gfortran -c a.f90 -MD', ['a.o']],
    [
      'gfortran -c a.f90 --coverage -fstack-usage -g -gsplit-dwarf -o x/y.o',
      ['x/y.o', 'x/y.dwo', 'x/y.gcno', 'x/y.su'],
    ],
  ])('%s', (line, outputs) => {
    expect(plan(line).outputs.map(({ path }) => path)).toEqual(outputs);
  });

  test.each([
    ['clang -c a.f90', 'language'],
    ['gfortran -save-temps -c a.f90', 'save-temps'],
    ['gfortran -ffree-line-length-40 -c a.f90', 'unknown-option'],
    ['gfortran -ffixed-line-length-none -ffree-line-length-0 -ffixed-line-length-132 -c a.f', 'travels'],
    ['gfortran -fintrinsic-modules-path dir -c a.f90', 'unknown-option'],
    ['gfortran -fmodule-private -fdefault-real-8 -fcheck=all -static-libgfortran -c a.f90', 'travels'],
    ['gfortran -c a.mod', 'language'],
    ['gfortran -fdump-fortran-original -c a.f90', 'side-files'],
  ])('%s: %s', (line, why) => {
    expect(reason(line)).toBe(why);
  });
});

describe('plugins', () => {
  test.each([
    ['gcc -fplugin=./p.so -c a.c', ['./p.so']],
    ['gcc -fplugin=short -fplugin=/x/p.so -c a.c', ['short', '/x/p.so']],
    ['clang -fplugin=./p.so -fpass-plugin=./q.so -Xclang -load -Xclang r/r.so -c a.c', ['./p.so', './q.so', 'r/r.so']],
    ['gcc -c a.c', []],
  ])('%s', (line, plugins) => {
    expect(plan(line).plugins.toSorted()).toEqual(plugins.toSorted());
  });

  test('files that their arguments name may go along; no result is kept', () => {
    const { optionalInputs, storable } = plan(
      'gcc -fplugin=./p.so -fplugin-arg-p-rules=etc/x.txt -fplugin-arg-p-on -c a.c',
    );
    expect(optionalInputs).toContain('etc/x.txt');
    expect(storable).toBe(false);
    expect(plan('clang -fplugin=./p.so -Xclang -plugin-arg-p -Xclang rules.txt -c a.c').optionalInputs).toEqual([
      'rules.txt',
    ]);
    expect(plan('gcc -c a.c')).toMatchObject({ optionalInputs: [], storable: true });
  });

  test.each(['clang -Xclang -plugin -Xclang p -c a.c', 'gcc -fpass-plugin=./p.so -c a.c', 'gcc -fplugins=x -c a.c'])(
    '%s stays',
    (line) => {
      expect(reason(line)).not.toBe('travels');
    },
  );
});
