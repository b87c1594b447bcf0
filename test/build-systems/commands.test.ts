// Command lines as large build systems write them: the kernel's Kbuild, Bazel with its forest of links, Xcode with all paths
// absolute, waf with its probes. Each runs alone and through Tender, and all that came out is compared.
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestFarm } from '../e2e/support.ts';
import { Builder, differences, have, treeOf, writeSources, type Sources } from './support.ts';

const x64 = process.arch === 'x64';
let farm: TestFarm;
let builder: Builder;
beforeAll(async () => {
  farm = await TestFarm.start(1, {}, { slots: 2 });
  builder = new Builder(farm);
});
afterAll(() => farm.close());

/** Runs the commands alone, then each through the launcher, in directories made by `prepare`; how many travelled. */
async function bothWays(
  dir: string,
  sources: Sources,
  commands: readonly (readonly string[])[],
  options: { at?: string; prepare?: () => void; env?: NodeJS.ProcessEnv } = {},
): Promise<number> {
  const { at = '.', prepare = () => undefined, env = {} } = options;
  writeSources(dir, sources);
  prepare();
  const given = treeOf(dir).size;
  const cwd = join(dir, at);
  await builder.runPlain(cwd, commands, env);
  const plain = treeOf(dir);
  expect(plain.size).toBeGreaterThanOrEqual(given + commands.length);
  writeSources(dir, sources);
  prepare();
  const before = (await farm.status('client')).total.remote;
  for (const words of commands) {
    const ran = await farm.cc('client', words, cwd, env);
    expect(ran, words.join(' ')).toEqual({ code: 0, signal: null, stdout: '', stderr: '' });
  }
  expect(differences(plain, treeOf(dir))).toEqual([]);
  return (await farm.status('client')).total.remote - before;
}

describe.skipIf(!have('gcc', 'g++'))('command lines of', () => {
  test('Kbuild: depfiles by -Wp, KBUILD_ names, -include, nostdinc, and make that puts them together', async () => {
    const dir = join(farm.dir, 'kernel');
    const sources: Sources = {
      'include/linux/kconfig.h': '#define CONFIG_X86 1\n#define IS_ENABLED(x) x\n',
      'include/linux/compiler_types.h': '#define __init __attribute__((section(".init.text")))\n',
      'include/linux/init.h': 'extern int start;\n',
      'arch/x86/include/asm/types.h': 'typedef unsigned long u64;\n',
      'arch/x86/include/generated/asm/offsets.h': '#define OFFSET 8\n',
      'kernel/core.c': [
        '#include <linux/init.h>',
        '#include <asm/types.h>',
        '#include <asm/offsets.h>',
        '#include <stdarg.h>',
        'const char *const here = __FILE__ KBUILD_MODNAME;',
        'u64 __init core(int n, ...) { va_list ap; va_start(ap, n); u64 r = va_arg(ap, u64) + OFFSET; va_end(ap); return r; }',
        '',
      ].join('\n'),
      'kernel/entry.S': '#include <asm/offsets.h>\n.globl entry\nentry: .long OFFSET\nret\n',
      'scripts/mod/empty.c': '/* empty file to figure out endianness / word size */\n',
      'kernel/.keep': '',
    };
    const flags = [
      ...['-nostdinc', '-I./arch/x86/include', '-I./arch/x86/include/generated', '-I./include'],
      ...['-include', './include/linux/compiler_types.h', '-include', './include/linux/kconfig.h', '-D__KERNEL__'],
    ];
    const c = [
      ...['-fmacro-prefix-map=./=', '-Wall', '-Wundef', '-Werror=strict-prototypes', '-fno-strict-aliasing', '-O2'],
      ...[
        '-std=gnu11',
        '-fno-asynchronous-unwind-tables',
        ...(x64 ? ['-mno-sse', '-mno-red-zone'] : ['-mgeneral-regs-only']),
      ],
      ...[
        ...(x64 ? ['-fcf-protection=none'] : []),
        '-fno-PIE',
        '-fno-stack-protector',
        '-falign-functions=16',
        '-g',
        '-gdwarf-5',
      ],
      ...[
        '-DKBUILD_MODFILE="kernel/core"',
        '-DKBUILD_BASENAME="core"',
        '-DKBUILD_MODNAME="core"',
        '-D__KBUILD_MODNAME=kmod_core',
      ],
      ...['-isystem', execFileSync('gcc', ['-print-file-name=include'], { encoding: 'utf8' }).trim()],
    ];
    const commands = [
      ['gcc', '-Wp,-MMD,kernel/.core.o.d', ...flags, ...c, '-c', '-o', 'kernel/core.o', 'kernel/core.c'],
      [
        'gcc',
        '-Wp,-MD,kernel/.entry.o.d',
        ...flags,
        '-D__ASSEMBLY__',
        '-fno-PIE',
        '-c',
        '-o',
        'kernel/entry.o',
        'kernel/entry.S',
      ],
      [
        'gcc',
        '-Wp,-MMD,scripts/mod/.empty.o.d',
        ...flags,
        ...c,
        '-c',
        '-o',
        'scripts/mod/empty.o',
        'scripts/mod/empty.c',
      ],
      [
        'gcc',
        '-Wp,-MMD,kernel/.core.s.d',
        ...flags,
        ...c,
        '-fverbose-asm',
        '-S',
        '-o',
        'kernel/core.s',
        'kernel/core.c',
      ],
    ];
    expect(await bothWays(dir, sources, commands)).toBe(4);
    // The kernel's own code model, which goes with -fno-PIE only.
    const model = commands.map((words) => [...words, x64 ? '-mcmodel=kernel' : '-mcmodel=small']);
    expect(await bothWays(dir, sources, model)).toBe(4);
  });

  test('Bazel: relative names in a forest of links, random seeds, .pic.o, quoted include roots', async () => {
    const dir = join(farm.dir, 'bazel');
    const sources: Sources = {
      'workspace/lib/greet.h': '#pragma once\n#include "lib/deep/word.h"\nstd::string greet();\n',
      'workspace/lib/deep/word.h': '#pragma once\n#include <string>\n#define WORD "hello"\n',
      'workspace/lib/greet.cc':
        '#include "lib/greet.h"\n#include "gen/made.h"\n#include "external/dep/dep.h"\nnamespace { int local; }\nstd::string greet() { return WORD __FILE__ + std::to_string(MADE + DEP + local); }\n',
      'store/dep/dep.h': '#define DEP 3\n',
      'out/bin/gen/made.h': '#define MADE 4\n',
      'out/bin/_objs/.keep': '',
    };
    const root = join(dir, 'execroot/main');
    const prepare = (): void => {
      mkdirSync(join(root, 'external'), { recursive: true });
      mkdirSync(join(root, 'lib'));
      // One link a file, one a directory, one to an output tree elsewhere: as sandboxes and execroots have them.
      symlinkSync(join(dir, 'workspace/lib/greet.cc'), join(root, 'lib/greet.cc'));
      symlinkSync(join(dir, 'workspace/lib/greet.h'), join(root, 'lib/greet.h'));
      symlinkSync(join(dir, 'workspace/lib/deep'), join(root, 'lib/deep'));
      symlinkSync('../../../store/dep', join(root, 'external/dep'));
      symlinkSync('../../out', join(root, 'bazel-out'));
    };
    const object = 'bazel-out/bin/_objs/greet';
    const commands = ['pic.', ''].map((pic) => [
      ...[
        '/usr/bin/g++',
        '-U_FORTIFY_SOURCE',
        '-fstack-protector',
        '-Wall',
        '-Wunused-but-set-parameter',
        '-Wno-free-nonheap-object',
      ],
      ...[
        '-fno-omit-frame-pointer',
        '-g',
        '-O2',
        '-D_FORTIFY_SOURCE=1',
        '-DNDEBUG',
        '-ffunction-sections',
        '-fdata-sections',
      ],
      ...['-std=c++17', '-MD', '-MF', `${object}.${pic}d`, `-frandom-seed=${object}.${pic}o`],
      ...(pic === '' ? [] : ['-fPIC']),
      ...['-iquote', '.', '-iquote', 'bazel-out/bin', '-iquote', 'external/dep', '-isystem', 'external/dep'],
      ...['-fno-canonical-system-headers', '-Wno-builtin-macro-redefined', '-D__DATE__="redacted"'],
      ...['-D__TIME__="redacted"', '-c', 'lib/greet.cc', '-o', `${object}.${pic}o`],
    ]);
    // Bazel says so of every action's directory; the compiler writes it into the debug information.
    const options = { at: 'execroot/main', prepare, env: { PWD: '/proc/self/cwd' } };
    expect(await bothWays(dir, sources, commands, options)).toBe(2);
    const redacted = commands.map((words) => [...words, '-D__TIMESTAMP__="redacted"']);
    expect(await bothWays(dir, sources, redacted, options)).toBe(2);
  });

  test('Xcode and others: all absolute, header maps of directories, a serialised file list, spaces and umlauts', async () => {
    const dir = join(farm.dir, 'Mein Projekt ü');
    const sources: Sources = {
      'Source Files/Thing.cpp': '#include <Thing/Thing.h>\n#include "Local.h"\nint Thing::get() { return LOCAL; }\n',
      'Source Files/Local.h': '#define LOCAL 4\n',
      'Public Headers/Thing/Thing.h': 'struct Thing { int get(); };\n',
      'Build/Objects-normal/x86_64/.keep': '',
    };
    const object = join(dir, 'Build/Objects-normal/x86_64/Thing');
    const flags = [
      ...[
        '-x',
        'c++',
        '-ffunction-sections',
        '-std=gnu++17',
        '-Wno-trigraphs',
        '-O0',
        '-g',
        '-fasynchronous-unwind-tables',
      ],
      ...[`-I${join(dir, 'Public Headers')}`, '-iquote', join(dir, 'Source Files'), `-I${dir}/not there`],
      ...[
        '-MMD',
        '-MT',
        'dependencies',
        '-MF',
        `${object}.d`,
        '-c',
        join(dir, 'Source Files/Thing.cpp'),
        '-o',
        `${object}.o`,
      ],
    ];
    for (const compiler of have('clang++') ? ['/usr/bin/g++', '/usr/bin/clang++'] : ['/usr/bin/g++']) {
      expect(await bothWays(dir, sources, [[compiler, ...flags]])).toBe(1);
    }
  });

  test('a response file of options and sources, as MSBuild, Unreal and qmake write them', async () => {
    const dir = join(farm.dir, 'response');
    const sources: Sources = {
      'src/r.cc': '#include "inc dir/r.h"\nint r() { return R; }\n',
      'more/inc dir/r.h': '#define R VALUE\n',
      'flags.rsp': '-O1 -g "-Imore" -DVALUE=\\"text\\"[0]\n@nested.rsp\n',
      'nested.rsp': "-MD -MF 'r file.d'\n-c src/r.cc\n",
    };
    expect(await bothWays(dir, sources, [['g++', '@flags.rsp', '-o', 'r.o']])).toBe(1);
  });

  test('waf’s, CMake’s, Meson’s and configure’s trials stay here', async () => {
    const dir = join(farm.dir, 'trials');
    const places = [
      'build/.conf_check_12ab/testbuild',
      'CMakeFiles/CMakeScratch/TryCompile-x',
      'out/meson-private/tmp1',
    ];
    const sources: Sources = {
      ...Object.fromEntries(places.map((place) => [`${place}/test.c`, 'int main(void) { return 0; }\n'])),
      'conftest.c': 'int main(void) { return 0; }\n',
    };
    const commands = [...places.map((place) => `${place}/test.c`), 'conftest.c'].map((source) => [
      ...['gcc', '-c', source, '-o', source.replace(/c$/, 'o')],
    ]);
    const before = (await farm.status('client')).total;
    expect(await bothWays(dir, sources, commands)).toBe(0);
    const after = (await farm.status('client')).total;
    expect(after.others - before.others).toBe(4);
    expect(after.local).toBe(before.local);
  });
});
