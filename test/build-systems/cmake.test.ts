// CMake with its launcher variables, by Ninja and by make, and by `tender build -- cmake`: the same files as without Tender,
// checks of the compiler stay here, rebuilds do what they must and no more.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launcher, TestFarm } from '../e2e/support.ts';
import { Builder, changeSources, differences, have, treeOf, writeSources, type Sources, type Tree } from './support.ts';

let farm: TestFarm;
let builder: Builder;
beforeAll(async () => {
  farm = await TestFarm.start(1, {}, { slots: 2 });
  builder = new Builder(farm);
});
afterAll(() => farm.close());

const hasObjc = spawnSync('gcc', ['-x', 'objective-c', '-c', '-o', '/dev/null', '/dev/null']).status === 0;
if (!hasObjc) console.error('SKIPPED: gcc has no Objective-C here (gobjc), that part of the CMake project is left out');

const sources: Sources = {
  'CMakeLists.txt': [
    'cmake_minimum_required(VERSION 3.17)',
    `project(all C CXX ASM${hasObjc ? ' OBJC' : ''})`,
    'include(CheckIncludeFile)',
    'include(CheckCXXSourceCompiles)',
    'include(CheckTypeSize)',
    'check_include_file(unistd.h HAVE_UNISTD_H)',
    'check_cxx_source_compiles("int main() { auto f = [] { return 0; }; return f(); }" HAVE_LAMBDA)',
    'check_cxx_source_compiles("int main() { return nothing; }" HAVE_NOTHING)',
    'check_type_size(long SIZEOF_LONG)',
    'configure_file(config.h.in config.h)',
    'include_directories(${CMAKE_CURRENT_BINARY_DIR} include)',
    `add_library(base STATIC src/a.c src/b.cc src/s.S${hasObjc ? ' src/o.m' : ''})`,
    'add_library(shared SHARED src/c.cc)',
    'add_executable(app src/main.cc)',
    'target_link_libraries(app base shared)',
    '',
  ].join('\n'),
  'config.h.in':
    '#cmakedefine HAVE_UNISTD_H\n#cmakedefine HAVE_LAMBDA\n#cmakedefine HAVE_NOTHING\n#define LONG @SIZEOF_LONG@\n',
  'include/one.h': '#pragma once\n#define ONE 1\n',
  'include/two.h': '#pragma once\n#define TWO 2\n',
  'src/a.c':
    '#include "one.h"\n#include <config.h>\n#include <stdio.h>\nint a(void) { return printf("%s %d\\n", __FILE__, ONE + LONG); }\n',
  'src/b.cc': '#include "two.h"\n#include <map>\nstd::map<int, int> b{{TWO, 2}};\n',
  'src/c.cc':
    '#include "one.h"\n#include "two.h"\n#include <string>\nstd::string c() { return std::string(ONE, TWO); }\n',
  'src/s.S': '#include "one.h"\n.globl start\nstart: nop\n .long ONE\n',
  'src/o.m':
    '#import "two.h"\n@interface Thing { int x; }\n- (int)get;\n@end\n@implementation Thing\n- (int)get { return x + TWO; }\n@end\n',
  'src/main.cc':
    '#include "config.h"\n#include <iostream>\n#include <string>\nextern "C" int a(void);\nstd::string c();\nint main() { std::cout << c() << a(); }\n',
};
const compiles = hasObjc ? 6 : 5;
// What CMake's generated files say of the launcher itself, and logs with times and random names.
const ignore =
  /(?:^|\/)(?:CMakeCache\.txt|CMake(?:Output|Error)\.log|CMakeConfigureLog\.yaml|\.ninja_(?:log|deps)|Progress\/.*)$/;

describe.skipIf(!have('cmake', 'gcc', 'g++'))('CMake', () => {
  const launchers = ['C', 'CXX', 'OBJC'].map((language) => `-DCMAKE_${language}_COMPILER_LAUNCHER=${launcher}`);

  describe.each([
    ['Ninja', 'ninja'],
    ['Unix Makefiles', 'make'],
  ])('%s', (generator, tool) => {
    const there = have(tool);
    const configure = ['cmake', '-G', generator, '-S', '.', '-B', 'out', '-DCMAKE_BUILD_TYPE=RelWithDebInfo'];
    const make = ['cmake', '--build', 'out', '--parallel', '4'];
    /** What ninja has read from the depfiles, which it deletes. */
    const listed = async (dir: string): Promise<string[]> => {
      if (tool !== 'ninja') return [];
      const text = await builder.runPlain(join(dir, 'out'), [['ninja', '-t', 'deps']]);
      return text
        .replace(/deps mtime \d+/g, '')
        .split('\n\n')
        .sort();
    };

    test.skipIf(!there)('the same files, each compile elsewhere, each check of the compiler here', async () => {
      const dir = join(farm.dir, tool);
      writeSources(dir, sources);
      await builder.runPlain(dir, [configure, make]);
      const plain = treeOf(dir, ignore);
      expect(plain.size).toBeGreaterThan(30);
      const dependencies = await listed(dir);
      if (tool === 'ninja') expect(dependencies.join('')).toContain('include/one.h');

      writeSources(dir, sources);
      const checks = await builder.runThrough('tender build', dir, [configure]);
      expect(checks.counts).toMatchObject({ units: 0 });
      const built = await builder.runThrough('tender build', dir, [make]);
      expect(built.counts).toMatchObject({ remote: built.counts.units, local: 0 });
      expect(built.counts.units).toBeGreaterThanOrEqual(compiles - 1);
      expect(withoutLauncherLines(dir, plain)).toEqual([]);
      expect(await listed(dir)).toEqual(dependencies);

      // The variables given by hand: the same for both generators.
      if (tool !== 'ninja') return;
      writeSources(dir, sources);
      const before = (await farm.status('client')).total;
      await builder.runPlain(dir, [[...configure, ...launchers], make]);
      const after = (await farm.status('client')).total;
      expect(after.remote - before.remote).toBe(built.counts.units);
      expect(withoutLauncherLines(dir, plain)).toEqual([]);
    });

    test.skipIf(!there)('nothing to do twice; one touched header makes exactly its users anew', async () => {
      const dir = join(farm.dir, tool);
      const idle = await builder.runThrough('tender build', dir, [make]);
      expect(idle.counts).toMatchObject({ units: 0, others: 0 });
      changeSources(dir, { 'include/one.h': '#pragma once\n#define ONE 11\n' });
      const some = await builder.runThrough('tender build', dir, [make]);
      const users = 2 + (some.counts.units === 3 ? 1 : 0); // the assembler's, where CMake has its launcher
      expect(some.counts).toMatchObject({ units: users, remote: users });
      const seen = treeOf(dir, ignore);
      await builder.runPlain(dir, [[...make, '--clean-first']]);
      expect(differences(treeOf(dir, ignore), seen)).toEqual([]);
    });
  });

  test.skipIf(!have('ninja'))('unity build and precompiled headers', async () => {
    const dir = join(farm.dir, 'pch');
    const project: Sources = {
      'CMakeLists.txt': [
        'cmake_minimum_required(VERSION 3.17)\nproject(pch CXX)',
        'add_library(pch STATIC p1.cc p2.cc)',
        'target_precompile_headers(pch PRIVATE all.h <vector>)',
        'add_library(plain STATIC u1.cc u2.cc u3.cc)',
        'set_target_properties(plain PROPERTIES UNITY_BUILD ON)',
        '',
      ].join('\n'),
      'all.h': '#include <string>\ninline int all(int x) { return x + 1; }\n',
      'p1.cc': 'int p1() { return std::vector<int>{all(1)}.size(); }\n',
      'p2.cc': 'std::string p2() { return std::to_string(all(2)); }\n',
      'u1.cc': 'static int same1() { return 1; }\nint u1() { return same1(); }\n',
      'u2.cc': '#include <map>\nstd::map<int, int> u2;\n',
      'u3.cc': 'int u3() { return __LINE__; }\n',
    };
    writeSources(dir, project);
    const script = [
      ['cmake', '-G', 'Ninja', '-S', '.', '-B', 'out', '-DCMAKE_CXX_FLAGS=-g -Winvalid-pch'],
      ['ninja', '-C', 'out'],
    ];
    await builder.runPlain(dir, script);
    const objects = /\.gch$|\.ninja_|CMakeCache|CMakeOutput|CMakeError|build\.ninja|DetermineCompilerABI/;
    const plain = treeOf(dir, objects);
    writeSources(dir, project);
    const ran = await builder.runThrough('tender build', dir, script);
    expect(ran.counts.reasons['precompiled-header']).toBeGreaterThanOrEqual(1);
    expect(ran.counts.remote).toBeGreaterThanOrEqual(1);
    expect(differences(plain, treeOf(dir, objects, await builder.linksDir()))).toEqual([]);
    changeSources(dir, { 'all.h': '#include <string>\ninline int all(int x) { return x + 100; }\n' });
    await builder.runThrough('tender build', dir, [['ninja', '-C', 'out']]);
    const seen = treeOf(dir, objects, await builder.linksDir());
    await builder.runPlain(dir, [
      ['ninja', '-C', 'out', '-t', 'clean'],
      ['ninja', '-C', 'out'],
    ]);
    expect(differences(treeOf(dir, objects), seen)).toEqual([]);
  });

  test.skipIf(!have('ninja'))(
    'a directory prepared without Tender is named, and preparing it again mends it',
    async () => {
      const dir = join(farm.dir, 'before');
      writeSources(dir, sources);
      await builder.runPlain(dir, [['cmake', '-G', 'Ninja', '-S', '.', '-B', 'out']]);
      for (const words of [
        ['ninja', '-C', 'out'],
        ['cmake', '--build', 'out', '--clean-first'],
      ]) {
        const blind = await builder.runThrough('tender build', dir, [words]);
        expect(blind.counts.units).toBe(0);
        expect(blind.said).toContain(`CMake prepared ${dir}/out without Tender`);
        expect(blind.said).toContain(`tender build -- cmake ${dir}/out`);
      }
      const mended = await builder.runThrough('tender build', dir, [
        ['cmake', join(dir, 'out')],
        ['ninja', '-C', 'out'],
      ]);
      expect(mended.counts.remote).toBeGreaterThanOrEqual(compiles - 1);
      expect(mended.said).not.toContain('without Tender');
    },
  );

  test.skipIf(!have('ninja'))(
    'from a script: CMake finds the real compilers, ninja as many jobs as the farm wants',
    async () => {
      const dir = join(farm.dir, 'script');
      const build = 'set -e\ncmake -G Ninja -S . -B out -DCMAKE_BUILD_TYPE=Debug\nninja -C out\nctest --version\n';
      writeSources(dir, { ...sources, 'build.sh': `#!/bin/sh\n${build}` });
      await builder.runPlain(dir, [['./build.sh']]);
      const found = (): string[] =>
        readFileSync(join(dir, 'out/CMakeCache.txt'), 'utf8')
          .split('\n')
          .filter((line) => /^\w/.test(line) && !line.includes('_COMPILER_LAUNCHER'));
      const plain = found();
      expect(plain.join('\n')).toMatch(/CMAKE_C_COMPILER:FILEPATH=\/usr\/bin\/cc/);
      for (const [words, extra] of [
        [['./build.sh'], {}],
        [['sh', '-c', build], { CC: '/usr/bin/cc', CXX: '/usr/bin/c++' }],
      ] as const) {
        rmSync(join(dir, 'out'), { recursive: true });
        const ran = await builder.runThrough('tender build', dir, [words], extra);
        expect(ran.counts.remote).toBeGreaterThanOrEqual(compiles - 1);
        expect(found()).toEqual(plain);
        expect(existsSync(join(dir, 'out/app'))).toBe(true);
      }
    },
  );
});

/** Differences from the plain tree, but for what names the launcher in the files that CMake writes for make and ninja. */
function withoutLauncherLines(dir: string, plain: Tree): string[] {
  const steps = /(?:build\.ninja|rules\.ninja|build\.make|flags\.make|Makefile2?|Makefile\.cmake)$/;
  return differences(plain, treeOf(dir, ignore)).filter((path) => !steps.test(path));
}
