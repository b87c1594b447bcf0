// Meson: it looks closely at the compiler it is given, and treats a `tender-cc gcc` like gcc itself.
// Then SCons, which hides the caller's environment from compilers unless a project hands it on.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launcher, TestFarm } from '../e2e/support.ts';
import { Builder, differences, have, treeOf, writeSources, type Sources, type Way } from './support.ts';

let farm: TestFarm;
let builder: Builder;
beforeAll(async () => {
  farm = await TestFarm.start(1, {}, { slots: 2 });
  builder = new Builder(farm);
});
afterAll(() => farm.close());

const sources: Sources = {
  'meson.build': [
    "project('sample', 'c', 'cpp', default_options: ['buildtype=debugoptimized'])",
    "cc = meson.get_compiler('c')",
    'conf = configuration_data()',
    "conf.set('HAVE_UNISTD', cc.has_header('unistd.h'))",
    "conf.set('HAVE_NOTHING', cc.has_header('nothing.h'))",
    "conf.set('LONG', cc.sizeof('long'))",
    "configure_file(output: 'config.h', configuration: conf)",
    "gen = executable('gen', 'gen.c')",
    "made = custom_target('made.h', output: 'made.h', command: [gen], capture: true)",
    "lib = static_library('l', 'l.cpp', made)",
    "executable('app', 'app.c', link_with: lib, link_language: 'cpp')",
    '',
  ].join('\n'),
  'gen.c': '#include <stdio.h>\nint main(void) { return puts("#define MADE 3") < 0; }\n',
  'l.cpp': '#include "made.h"\n#include <string>\nextern "C" int l() { return std::string(MADE, 0).size(); }\n',
  'app.c': '#include "config.h"\nint l(void);\nint main(void) { return l() - LONG; }\n',
};

// Meson's records hold Python objects with times; its log holds temporary names.
const ignore = /(?:^|\/)(?:meson-(?:logs|private|info)|\.ninja_(?:log|deps)|__pycache__|\.sconsign\.dblite)$/;

describe.skipIf(!have('meson', 'ninja', 'gcc', 'g++'))('Meson', () => {
  test('sees the same compiler, checks here, compiles elsewhere, the same files', async () => {
    const dir = join(farm.dir, 'meson');
    const script = [
      ['meson', 'setup', 'out'],
      ['meson', 'compile', '-C', 'out'],
    ];
    /** «C compiler for the host machine: ccache cc (gcc 12.2.0 "…")» and what links with it. */
    const compilerOf = (): string[] =>
      readFileSync(join(dir, 'out/meson-logs/meson-log.txt'), 'utf8')
        .split('\n')
        .filter((line) => /^(?:C|C\+\+) (?:compiler|linker) for the host machine/.test(line))
        .map((line) => line.replace(/: .*?\((?=\w+ \d)|: \S+(?: \S+)* (?=ld)/, ': '));
    writeSources(dir, sources);
    await builder.runPlain(dir, script);
    const plain = treeOf(dir, ignore);
    const compilers = compilerOf();
    expect(plain.size).toBeGreaterThan(10);
    expect(compilers).toHaveLength(4);
    for (const [way, extra] of [
      ['tender build', {}],
      ['CC', { CC: '/usr/bin/cc', CXX: '/usr/bin/c++' }],
    ] as [Way, NodeJS.ProcessEnv][]) {
      writeSources(dir, sources);
      const checks = await builder.runThrough(way, dir, script.slice(0, 1), extra);
      expect(checks.counts.units, checks.said).toBe(0);
      const built = await builder.runThrough(way, dir, script.slice(1), extra);
      expect(built.counts, way).toMatchObject({ units: 3, remote: 3 });
      const differing = differences(plain, treeOf(dir, ignore, await builder.linksDir()));
      expect(
        differing.filter((path) => !/build\.ninja$|compile_commands\.json$/.test(path)),
        way,
      ).toEqual([]);
      expect(compilerOf()).toEqual(compilers);
    }
    const idle = await builder.runThrough('tender build', dir, [['ninja', '-C', 'out']]);
    expect(idle.counts.units).toBe(0);
    expect(idle.said).toContain('no work to do');
  });
});

describe.skipIf(!have('scons', 'gcc'))('SCons', () => {
  const files: Sources = {
    SConstruct: [
      'import os',
      "env = Environment(ENV=os.environ, CC=os.environ.get('CC', 'gcc'), CCFLAGS='-O1 -g', CPPPATH=['#inc'])",
      "env.VariantDir('out', 'src', duplicate=0)",
      "env.Program('out/app', ['out/a.c', 'out/b.c'])",
      '',
    ].join('\n'),
    'inc/h.h': '#define H 5\nint b(void);\n',
    'src/a.c': '#include "h.h"\nint main(void) { return b() - H; }\n',
    'src/b.c': '#include <h.h>\nint b(void) { return H; }\n',
  };

  test('a project that hands its environment on compiles elsewhere', async () => {
    const dir = join(farm.dir, 'scons');
    const ways: Way[] = ['tender build', 'CC'];
    for (const counts of await builder.compare({
      dir,
      sources: files,
      script: [['scons', '-Q']],
      ways,
      ignore,
      atLeast: 3,
    })) {
      expect(counts).toMatchObject({ units: 2, remote: 2 });
    }
  });

  test('one that does not: the compiler by its own name here, the launcher in CC with TENDER_HOME elsewhere', async () => {
    const dir = join(farm.dir, 'hidden');
    const hidden = { ...files, SConstruct: files['SConstruct']?.replace('ENV=os.environ, ', '') ?? '' };
    writeSources(dir, hidden);
    const blind = await builder.runThrough('tender build', dir, [['scons', '-Q']]);
    expect(blind.counts.units).toBe(0);
    const plain = treeOf(dir, ignore);
    writeSources(dir, hidden);
    const home = farm.homeOf('client');
    const env = { CC: `env TENDER_HOME=${home} ${launcher} gcc` };
    const before = (await farm.status('client')).total;
    await builder.runPlain(dir, [['scons', '-Q']], env);
    expect((await farm.status('client')).total.remote - before.remote).toBe(2);
    expect(differences(plain, treeOf(dir, ignore))).toEqual([]);
  });
});
