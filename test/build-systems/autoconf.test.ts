// Autoconf, Automake and Libtool: configure finds what it finds without Tender, and what make then builds is the same.
// The project is made ready (autoreconf) once; each build starts from the same tarball-like tree.
import { cpSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestFarm } from '../e2e/support.ts';
import { Builder, differences, have, treeOf, writeSources, type Sources } from './support.ts';

const hasLibtool = have('libtoolize');
const there = have('autoconf', 'automake', 'make', 'gcc');

const sources: Sources = {
  'configure.ac': [
    'AC_INIT([sample], [1.0])',
    'AM_INIT_AUTOMAKE([foreign subdir-objects])',
    hasLibtool ? 'LT_INIT' : 'AC_PROG_RANLIB',
    'AC_PROG_CC',
    'AC_PROG_CXX',
    'AM_PROG_AR',
    'AC_CHECK_HEADERS([unistd.h nothing.h])',
    'AC_CHECK_FUNCS([memfd_create no_such_function])',
    'AC_CHECK_SIZEOF([long])',
    'AC_C_BIGENDIAN',
    'AC_SEARCH_LIBS([cos], [m])',
    'AC_CACHE_CHECK([whether the compiler knows -Wshadow], [sample_cv_shadow],',
    '  [CFLAGS_="$CFLAGS"; CFLAGS="$CFLAGS -Werror -Wshadow"; AC_COMPILE_IFELSE([AC_LANG_PROGRAM], [sample_cv_shadow=yes], [sample_cv_shadow=no]); CFLAGS="$CFLAGS_"])',
    'AC_CONFIG_HEADERS([config.h])',
    'AC_CONFIG_FILES([Makefile])',
    'AC_OUTPUT',
    '',
  ].join('\n'),
  'Makefile.am': [
    hasLibtool
      ? 'lib_LTLIBRARIES = libs.la\nlibs_la_SOURCES = lib/s.c lib/t.cc'
      : 'lib_LIBRARIES = libs.a\nlibs_a_SOURCES = lib/s.c lib/t.cc',
    'AM_CPPFLAGS = -I$(srcdir)/lib',
    'bin_PROGRAMS = sample',
    'sample_SOURCES = app/main.c lib/s.h',
    `sample_LDADD = ${hasLibtool ? 'libs.la' : 'libs.a'} -lstdc++`,
    'TESTS = sample',
    '',
  ].join('\n'),
  'lib/s.h': 'int s(void);\nint t(void);\n',
  'lib/s.c': '#include "config.h"\n#include "s.h"\nint s(void) { return SIZEOF_LONG; }\n',
  'lib/t.cc': '#include <vector>\nextern "C" {\n#include "s.h"\n}\nint t() { return std::vector<int>(2).size(); }\n',
  'app/main.c':
    '#include <config.h>\n#include "s.h"\n#include <stdio.h>\nint main(void) { return printf("%s\\n", PACKAGE) > 100 * s() + t(); }\n',
};
const units = hasLibtool ? 5 : 3; // libtool compiles a library's sources twice: position-independent and not

// configure's log has times, process ids and host names; automake's own caches are not there in a tarball.
const ignore = /(?:^|\/)(?:config\.log|autom4te\.cache|sample\.log|test-suite\.log)$/;

describe.skipIf(!there)('configure and make', () => {
  let farm: TestFarm;
  let builder: Builder;
  let tarball: string;
  let dir: string;
  beforeAll(async () => {
    farm = await TestFarm.start(1, {}, { slots: 2 });
    builder = new Builder(farm);
    tarball = join(farm.dir, 'tarball');
    dir = join(farm.dir, 'sample');
    writeSources(tarball, sources);
    await builder.runPlain(tarball, [['autoreconf', '-i']]);
    rmSync(join(tarball, 'autom4te.cache'), { recursive: true, force: true });
  });
  afterAll(() => farm.close());

  const unpack = (): void => {
    rmSync(dir, { recursive: true, force: true });
    // Times too: a configure that looks older than its configure.ac would be made again.
    cpSync(tarball, dir, { recursive: true, preserveTimestamps: true });
    mkdirSync(join(dir, 'out'));
  };
  /** What configure asked and found, and each program that it ran to find it. */
  const answers = (log: string): string[] =>
    readFileSync(log, 'utf8')
      .split('\n')
      .filter((line) => /^(?:ac_cv_|am_cv_|lt_cv_|sample_cv_|\w+=')|: (?:checking|result)/.test(line))
      .map((line) => line.replace(/^configure:\d+: /, ''))
      .filter((line) => !/^(?:PATH|MAKEFLAGS|ac_cv_env_|CC=|CXX=)/.test(line));

  test('finds the same and builds the same, out of tree', async () => {
    const here = join(dir, 'out');
    const script = [['../configure'], ['make', '-j4'], ['make', 'check']];
    unpack();
    await builder.runPlain(here, script);
    const plain = treeOf(dir, ignore);
    const found = answers(join(here, 'config.log'));
    expect(found.length).toBeGreaterThan(60);
    expect([...plain.keys()].filter((name) => name.endsWith('.o')).length).toBe(units);
    unpack();
    const checks = await builder.runThrough('tender build', here, script.slice(0, 1));
    expect(checks.counts.units).toBe(0);
    const { counts } = await builder.runThrough('tender build', here, script.slice(1));
    expect(counts).toMatchObject({ units, remote: units });
    expect(differences(plain, treeOf(dir, ignore))).toEqual([]);
    expect(answers(join(here, 'config.log'))).toEqual(found);
  });

  test('a compiler by its path in configure’s words, in the source’s own tree, make install into a directory, and make distcheck', async () => {
    unpack();
    const configure = ['./configure', 'CC=/usr/bin/gcc', '--disable-dependency-tracking', '--disable-static'];
    const out = dir;
    const ran = await builder.runThrough('tender build', out, [
      configure,
      ['make'],
      ['make', 'install', `DESTDIR=${dir}/in`],
    ]);
    expect(ran.counts.remote).toBe(ran.counts.units);
    expect(ran.counts.units).toBeGreaterThanOrEqual(3);
    const app = await farm.run([join(out, 'sample')], { cwd: out, env: builder.env() });
    expect(app.stdout).toBe('sample\n');
    // Packs the distribution, and from it, in a tree that may not be written to, configures, builds, checks, installs and cleans anew.
    const again = await builder.runThrough('tender build', out, [['make', '-j4', 'distcheck']]);
    expect(again.said).toContain('sample-1.0.tar.gz');
    expect(again.counts).toMatchObject({ units, remote: units });
  });
});
