// GNU make in the ways people write Makefiles: recursive, parallel, out of tree, by make's own rules.
// Each build is compared with make alone, and every compile must have been another machine's.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launcher, TestFarm } from '../e2e/support.ts';
import { Builder, have, writeSources, type Sources, type Way } from './support.ts';

let farm: TestFarm;
let builder: Builder;
beforeAll(async () => {
  farm = await TestFarm.start(1, {}, { slots: 2 });
  builder = new Builder(farm);
});
afterAll(() => farm.close());

const everyWay: Way[] = ['tender build', 'CC', 'PATH'];

const recursive: Sources = {
  'include/shared.h': '#define SHARED 4\nint a(void); int b(int); int deep(void);\n',
  Makefile: [
    'CFLAGS = -O2 -g -I$(CURDIR)/include',
    'export CFLAGS',
    'DIRS = lib lib/deep app',
    'all: $(DIRS)',
    'app: lib lib/deep',
    '$(DIRS):',
    '\t$(MAKE) -C $@',
    '.PHONY: all $(DIRS)',
    '',
  ].join('\n'),
  'lib/Makefile': 'lib.a: a.o b.o\n\t$(AR) rcs $@ $^\n',
  'lib/a.c': '#include "shared.h"\n#include <stdio.h>\nint a(void) { return printf("%d %s\\n", SHARED, __FILE__); }\n',
  'lib/b.c': '#include <shared.h>\nint b(int x) { return x * SHARED; }\n',
  'lib/deep/Makefile': 'deep.a: deep.o start.o\n\t$(AR) rcs $@ $^\n',
  'lib/deep/deep.c': '#include "../../include/shared.h"\nint deep(void) { return b(SHARED); }\n',
  'lib/deep/start.S': '#define NAME entry\n.globl NAME\nNAME: ret\n',
  'app/Makefile': 'app: main.o ../lib/deep/deep.a ../lib/lib.a\n\t$(CC) $(LDFLAGS) -o $@ $^\n',
  'app/main.c': '#include "shared.h"\nint main(void) { return a() + deep() > 1000; }\n',
};

describe.skipIf(!have('make', 'gcc'))('GNU make', () => {
  test('recursive and parallel, by its own rules, in each of the three ways', async () => {
    const dir = join(farm.dir, 'recursive');
    const script = [['make', '-j4']];
    for (const counts of await builder.compare({ dir, sources: recursive, script, ways: everyWay, atLeast: 8 })) {
      expect(counts).toMatchObject({ units: 5, remote: 5, others: 1 });
    }
  });

  test.each([
    ['CC=/usr/bin/gcc in the environment', { CC: '/usr/bin/gcc' }, ['make']],
    ['flags in CC', {}, ['make', 'CC=gcc -pipe -std=gnu11']],
    ['a path in make’s own words', {}, ['make', 'CC=/usr/bin/gcc -pipe']],
    ['another compiler, MAKEFLAGS with -j and -k', { MAKEFLAGS: '-kj3' }, ['make', 'CC=cc', '-B']],
  ])('tender build: %s', async (_, env, words) => {
    const dir = join(farm.dir, 'cc');
    const ways: Way[] = ['tender build'];
    const [counts] = await builder.compare({ dir, sources: recursive, script: [words], ways, env, atLeast: 8 });
    expect(counts).toMatchObject({ units: 5, remote: 5 });
  });

  test('CC on make’s command line names the launcher', async () => {
    const dir = join(farm.dir, 'line');
    writeSources(dir, recursive);
    const before = (await farm.status('client')).total;
    await builder.runPlain(dir, [['make', '-j2', `CC=${launcher} gcc`]]);
    expect((await farm.status('client')).total.remote - before.remote).toBe(5);
  });

  test('out of tree with VPATH, pattern rules and depfiles; a touched header makes its users anew', async () => {
    const sources: Sources = {
      'src/one/one.cc': '#include "one.h"\n#include <vector>\nint one() { return std::vector<int>(ONE).size(); }\n',
      'src/one/one.h': '#define ONE 1\nint one();\n',
      'src/two/two.cc': '#include "../one/one.h"\nint two() { return ONE + one(); }\n',
      'src/three.cc': 'int three() { return __LINE__; }\n',
      'build/Makefile': [
        'VPATH = ../src ../src/one ../src/two',
        'OBJ = one.o two.o three.o',
        'CXXFLAGS = -O1 -g -std=c++17',
        'lib.a: $(OBJ)',
        '\tar rcs $@ $^',
        '%.o: %.cc',
        '\t$(CXX) $(CXXFLAGS) -MMD -MP -MT $@ -MF $*.dep -c $< -o $@',
        '-include $(OBJ:.o=.dep)',
        '',
      ].join('\n'),
    };
    const dir = join(farm.dir, 'vpath');
    const make = ['make', '-C', 'build', '-j3'];
    const script = [make, ['sh', '-c', 'echo "#define TWO 2" >> src/one/one.h'], make];
    for (const counts of await builder.compare({ dir, sources, script, ways: everyWay, atLeast: 7 })) {
      expect(counts).toMatchObject({ units: 5, remote: 5 });
    }
    const again = await builder.runThrough('tender build', dir, [make]);
    expect(again.counts.units).toBe(0);
    expect(again.said).toContain('up to date');
  });

  test('make -n compiles nothing and prints what make alone prints', async () => {
    const dir = join(farm.dir, 'dry');
    writeSources(dir, recursive);
    const print = ['sh', '-c', 'make -n -C lib > ../dry.txt'];
    await builder.runPlain(dir, [print]);
    const plain = readFileSync(join(farm.dir, 'dry.txt'), 'utf8');
    const { counts } = await builder.runThrough('tender build', dir, [print]);
    expect(counts).toMatchObject({ units: 0, others: 0 });
    expect(readFileSync(join(farm.dir, 'dry.txt'), 'utf8')).toBe(plain);
  });

  test('a compile error stops make with make’s own code, and -k goes on', async () => {
    const dir = join(farm.dir, 'broken');
    const sources = { ...recursive, 'lib/a.c': '#include "shared.h"\nint a(void) { return nothing; }\n' };
    for (const flags of [[], ['-k']]) {
      writeSources(dir, sources);
      const plain = await farm.run(['make', ...flags], { cwd: dir, env: builder.env() });
      writeSources(dir, sources);
      const ran = await farm.cli('client', ['build', '--', 'make', '-j1', ...flags], { cwd: dir, env: builder.env() });
      expect(plain.code).toBe(2);
      expect(ran.code).toBe(2);
      const errors = (text: string): string[] => text.split('\n').filter((line) => line.startsWith('a.c:'));
      expect(errors(plain.stderr).length).toBeGreaterThan(0);
      expect(errors(ran.stderr)).toEqual(errors(plain.stderr));
    }
  });

  test('a compiler that a rule names by its path is not touched', async () => {
    const dir = join(farm.dir, 'absolute');
    mkdirSync(dir);
    const sources = { Makefile: 'x.o: x.c\n\t/usr/bin/gcc -c -g x.c\n', 'x.c': 'int x;\n' };
    const ways: Way[] = ['PATH', 'tender build'];
    for (const counts of await builder.compare({ dir, sources, script: [['make']], ways, atLeast: 1 })) {
      expect(counts).toMatchObject({ units: 0, others: 0 });
    }
  });
});
