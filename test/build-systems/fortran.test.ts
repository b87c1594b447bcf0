// Fortran projects whose sources need each other's modules: by make with its rules in order, by CMake, which works the order out.
// The same files as without Tender; a module file that would be the same stays untouched, and so do its users.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compileLocally, TestFarm } from '../e2e/support.ts';
import { Builder, changeSources, have, treeOf, writeSources, type Sources } from './support.ts';

let farm: TestFarm;
let builder: Builder;
beforeAll(async () => {
  farm = await TestFarm.start(1, {}, { slots: 2 });
  builder = new Builder(farm);
});
afterAll(() => farm.close());

const constants = 'module constants\n  implicit none\n  real, parameter :: half = 0.5\nend module\n';
const sources: Sources = {
  'src/constants.f90': constants,
  'src/shapes.F90':
    '#include "options.h"\nmodule shapes\n  use constants\n  implicit none\n  interface\n    module function area(a, h) result(r)\n      real, intent(in) :: a, h\n      real :: r\n    end function\n' +
    '  end interface\n  integer :: sides = SIDES\nend module\n',
  'src/area.f90':
    'submodule (shapes) areas\ncontains\n  module procedure area\n    r = half * a * h\n  end procedure\nend submodule\n',
  'src/main.f90':
    "program main\n  use shapes\n  use, intrinsic :: iso_fortran_env, only: output_unit\n  include 'text.inc'\n  write (output_unit, *) greeting, area(2.0, 3.0), sides\nend program\n",
  'src/text.inc': "  character(len=*), parameter :: greeting = 'triangle'\n",
  'src/options.h': '#define SIDES 3\n',
  Makefile: [
    'FFLAGS = -O2 -g -Jmods',
    'vpath %.f90 src',
    'vpath %.F90 src',
    'main: main.o shapes.o area.o constants.o',
    '\t$(FC) -o $@ $^',
    '%.o: %.f90 | mods',
    '\t$(FC) $(FFLAGS) -c $< -o $@',
    '%.o: %.F90 | mods',
    '\t$(FC) $(FFLAGS) -c $< -o $@',
    'mods:',
    '\tmkdir -p mods',
    'mods/constants.mod: constants.o ;',
    'mods/shapes.mod: shapes.o ;',
    'shapes.o: src/options.h mods/constants.mod',
    'area.o: mods/shapes.mod',
    'main.o: src/text.inc mods/shapes.mod',
    '',
  ].join('\n'),
  'CMakeLists.txt': [
    'cmake_minimum_required(VERSION 3.17)',
    'project(shapes Fortran)',
    'add_executable(main src/main.f90 src/area.f90 src/shapes.F90 src/constants.f90)',
    'set_target_properties(main PROPERTIES Fortran_MODULE_DIRECTORY ${CMAKE_BINARY_DIR}/mods)',
    '',
  ].join('\n'),
};

/** A machine on which there is gcc, and no Fortran at all. */
const withoutFortran =
  'for file in $(readlink -f "$(command -v gfortran)") $(gcc -print-prog-name=f951); do mount --bind /dev/null "$file"; done; ' +
  'mount -t tmpfs none "$(gcc -print-file-name=finclude)" && exec "$@"';
const mayHide = process.getuid?.() === 0 && have('unshare', 'gfortran');

test.skipIf(!mayHide)('gcc sends its Fortran compiler to a machine that has none', async () => {
  const lonely = new TestFarm();
  try {
    await lonely.startClient();
    await lonely.addWorker('bare', { prefix: ['unshare', '-m', 'sh', '-c', withoutFortran, 'sh'] });
    const dir = join(lonely.dir, 'p');
    writeSources(dir, {
      'a.f90': constants,
      'b.F90': 'subroutine b\n  use constants\n  use omp_lib\n  print *, half\nend subroutine\n',
    });
    const units = ['a', 'b'].map((unit) => [
      'gcc',
      '-fopenmp',
      '-c',
      unit === 'a' ? 'a.f90' : 'b.F90',
      '-o',
      `${unit}.o`,
    ]);
    for (const words of units) expect(await lonely.cc('client', words, dir)).toMatchObject({ code: 0, stderr: '' });
    const seen = treeOf(dir);
    expect((await lonely.status('client')).total).toMatchObject({ remote: 2, local: 0 });
    for (const words of units) expect(compileLocally(words, dir).code).toBe(0);
    expect([...treeOf(dir)]).toEqual([...seen]);
  } finally {
    await lonely.close();
  }
});

describe.skipIf(!have('gfortran', 'make'))('Fortran', () => {
  test('make, one module after the other', async () => {
    const dir = join(farm.dir, 'make');
    const script = [['make', '-j3', 'FC=gfortran']];
    const [counts] = await builder.compare({ dir, sources, script, ways: ['tender build', 'PATH'], atLeast: 9 });
    expect(counts).toMatchObject({ units: 4, remote: 4 });
  });

  test('a module that comes out the same is not written again, another one is', async () => {
    const dir = join(farm.dir, 'again');
    const make = [['make', 'FC=gfortran']];
    writeSources(dir, sources);
    await builder.runThrough('tender build', dir, make);
    const moduleTime = (): bigint => statSync(join(dir, 'mods/constants.mod'), { bigint: true }).mtimeNs;
    const before = moduleTime();
    changeSources(dir, { 'src/constants.f90': `! The same module.\n${constants}` });
    await builder.runThrough('tender build', dir, make);
    expect(moduleTime()).toBe(before);
    changeSources(dir, { 'src/constants.f90': constants.replace('0.5', '0.25') });
    const some = await builder.runThrough('tender build', dir, make);
    expect(moduleTime()).not.toBe(before);
    expect(some.counts).toMatchObject({ local: 0 });
    const seen = treeOf(dir);
    await builder.runPlain(dir, [['make', '-B', 'FC=gfortran']]);
    expect([...treeOf(dir)].filter(([path, what]) => seen.get(path) !== what)).toEqual([]);
  });

  describe.each([
    ['Ninja', 'ninja'],
    ['Unix Makefiles', 'make'],
  ])('CMake: %s', (generator, tool) => {
    test.skipIf(!have('cmake', tool))('the same files, each compile elsewhere', async () => {
      const dir = join(farm.dir, tool);
      const script = [
        ['cmake', '-G', generator, '-S', '.', '-B', 'out', '-DCMAKE_BUILD_TYPE=RelWithDebInfo'],
        ['cmake', '--build', 'out', '--parallel', '3'],
      ];
      const ignore =
        /(?:^|\/)(?:CMakeCache\.txt|CMake(?:Output|Error)\.log|CMakeConfigureLog\.yaml|\.ninja_(?:log|deps)|Progress\/.*|build\.(?:make|ninja)|CompilerIdFortran\/.*|CMakeDetermineCompilerABI.*|compile_commands\.json)$/;
      const [counts] = await builder.compare({ dir, sources, script, ways: ['tender build'], ignore, atLeast: 9 });
      expect(counts).toMatchObject({ remote: 4, local: 0 });
    });
  });
});
