// Headers and sources that are made during the build, by a generator that the same build compiles: no unit may ever be
// compiled against what was there before. Every state is compared with a clean build by the compiler alone.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launcher, TestFarm } from '../e2e/support.ts';
import { Builder, changeSources, differences, have, treeOf, writeSources, type Sources } from './support.ts';

let farm: TestFarm;
let builder: Builder;
beforeAll(async () => {
  farm = await TestFarm.start(1, {}, { slots: 2 });
  builder = new Builder(farm);
});
afterAll(() => farm.close());

const sources: Sources = {
  'spec.txt': 'RED 1\n',
  'late.txt': '1\n',
  'gen.c': [
    '#include <stdio.h>',
    'int main(int argc, char **argv) {',
    '  char name[99]; int value; FILE *in = fopen(argv[1], "r"), *out = fopen(argv[2], "w");',
    '  while (fscanf(in, "%98s %d", name, &value) == 2) fprintf(out, "#define %s %d\\n", name, value);',
    '  return fclose(out) + argc * 0;',
    '}',
    '',
  ].join('\n'),
  'early.c':
    '#if __has_include("late.h")\n#include "late.h"\n#else\n#define LATE 0\n#endif\nint early(void) { return LATE; }\n',
  'user.c': '#include "colors.h"\n#include "late.h"\nint user(void) { return RED * 100 + LATE; }\n',
  'other.c': '#include "sub/other.h"\nint other(void) { return OTHER; }\n',
  'main.c':
    '#include <stdio.h>\nint user(void); int other(void); int made(void); int early(void);\nint main(void) { return printf("%d %d %d %d\\n", user(), other(), made(), early()) < 0; }\n',
  Makefile: [
    'CFLAGS = -O1 -g -MMD -MP -Igen -I.',
    'OBJ = early.o user.o other.o main.o made.o',
    'app: $(OBJ)',
    '\t$(CC) -o $@ $^',
    'generator: gen.o',
    '\t$(CC) -o $@ $^',
    // Written only when it differs: what did not change keeps its time.
    'gen/colors.h: spec.txt generator',
    '\t@mkdir -p gen',
    '\t./generator spec.txt $@.new',
    '\tcmp -s $@.new $@ && rm $@.new || mv $@.new $@',
    'gen/late.h: late.txt early.o',
    '\t@mkdir -p gen',
    '\techo "#define LATE $$(cat late.txt)" > $@',
    'gen/sub/other.h: spec.txt',
    '\t@mkdir -p gen/sub',
    '\techo "#define OTHER $$(wc -c < spec.txt)" > $@',
    'made.c: spec.txt',
    '\t(echo "int made(void) { return"; tail -c 3 spec.txt; echo ";}") > $@',
    'user.o: gen/colors.h gen/late.h',
    'other.o: gen/sub/other.h',
    'early.o:',
    '-include $(wildcard *.d)',
    '',
  ].join('\n'),
};

describe.skipIf(!have('make', 'gcc'))('files made during the build', () => {
  test('make: through changes of the specification, unchanged results, and clean builds', async () => {
    const dir = join(farm.dir, 'make');
    const make = ['make', '-j3'];
    const changes: Sources[] = [
      {},
      { 'spec.txt': 'RED 2\n' }, // the same size
      { 'late.txt': '7\n' },
      { 'spec.txt': 'RED 2\nBLUE 3\n' },
      { 'gen.c': `${sources['gen.c']}/* the same header comes out */\n` },
      { 'spec.txt': 'RED 1\n', 'late.txt': '1\n' }, // back again
    ];
    writeSources(dir, sources);
    // The same steps alone, for each state's files; a clean build for what is linked.
    const alone = [];
    for (const change of changes) {
      changeSources(dir, change);
      await builder.runPlain(dir, [make]);
      alone.push(treeOf(dir));
    }
    writeSources(dir, sources);
    for (const [state, change] of changes.entries()) {
      changeSources(dir, change);
      const { counts } = await builder.runThrough('tender build', dir, [make]);
      expect(counts).toMatchObject({ remote: counts.units, local: 0 });
      if (state === 0) expect(counts.units).toBe(6);
      else expect(counts.units).toBeGreaterThan(0);
      expect(differences(alone[state] ?? new Map(), treeOf(dir)), `state ${state}`).toEqual([]);
      const again = await builder.runThrough('tender build', dir, [make]);
      expect(again.counts.units).toBe(0);
    }
  });

  test('one command after another in the same second: each sees the header as it is', async () => {
    const dir = join(farm.dir, 'quick');
    writeSources(dir, { 'q.c': '#include "q.h"\nint q(void) { return Q; }\n' });
    const script = [
      'i=0',
      'while [ $i -lt 12 ]; do',
      '  i=$((i + 1)); echo "#define Q $((i % 10))" > q.h',
      '  [ $((i % 4)) -ne 0 ] || { mkdir -p up; echo "#define Q 90$i" > up/q.h; }',
      '  [ $((i % 4)) -ne 1 ] || rm -rf up',
      '  $CC -c -O1 -iquote up q.c -o q$i.o',
      'done',
    ].join('\n');
    const local = { CC: 'gcc' };
    await builder.runPlain(dir, [['sh', '-ec', script]], local);
    const plain = treeOf(dir);
    await builder.runPlain(dir, [['sh', '-c', 'rm -r *.o q.h up']]);
    const before = (await farm.status('client')).total.remote;
    await builder.runPlain(dir, [['sh', '-ec', script]], { CC: `${launcher} gcc` });
    expect((await farm.status('client')).total.remote - before).toBe(12);
    expect(differences(plain, treeOf(dir))).toEqual([]);
  });

  test.skipIf(!have('cmake', 'ninja'))('CMake custom commands by a generator of the same build', async () => {
    const dir = join(farm.dir, 'cmake');
    const project: Sources = {
      'spec.txt': sources['spec.txt'] ?? '',
      'gen.c': sources['gen.c'] ?? '',
      'user.c': '#include "colors.h"\nint main(void) { return RED; }\n',
      'CMakeLists.txt': [
        'cmake_minimum_required(VERSION 3.17)\nproject(g C)',
        'add_executable(gen gen.c)',
        'add_custom_command(OUTPUT colors.h COMMAND gen ${CMAKE_SOURCE_DIR}/spec.txt colors.h DEPENDS gen spec.txt)',
        'add_executable(app user.c ${CMAKE_CURRENT_BINARY_DIR}/colors.h)',
        'target_include_directories(app PRIVATE ${CMAKE_CURRENT_BINARY_DIR})',
        '',
      ].join('\n'),
    };
    writeSources(dir, project);
    const ninja = ['ninja', '-C', 'out'];
    const app = (): string => readFileSync(join(dir, 'out/app'), 'latin1');
    await builder.runThrough('tender build', dir, [['cmake', '-G', 'Ninja', '-S', '.', '-B', 'out']]);
    const seen: string[] = [];
    for (const red of ['1', '2', '1']) {
      changeSources(dir, { 'spec.txt': `RED ${red}\n` });
      const { counts } = await builder.runThrough('tender build', dir, [ninja]);
      expect(counts.units).toBe(seen.length === 0 ? 2 : 1);
      expect(counts.remote).toBe(counts.units);
      seen.push(app());
      await builder.runPlain(dir, [['ninja', '-C', 'out', '-t', 'clean'], ninja]);
      expect(app() === seen.at(-1)).toBe(true);
    }
    expect(new Set(seen).size).toBe(2);
    const idle = await builder.runThrough('tender build', dir, [ninja]);
    expect(idle.said).toContain('no work to do');
  });
});
