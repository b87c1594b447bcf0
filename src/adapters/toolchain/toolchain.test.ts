// Compilers described: the real ones of this machine, and things that look like compilers but are not.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseCommand } from '../../compiler/command/parse.ts';
import { parseSearch } from './builtin.ts';
import { askDependencies, dependencyArguments } from './dependencies.ts';
import { FileDigests } from './digests.ts';
import { readElf } from './elf.ts';
import { describeToolchain, listLocaleFiles, Toolchains } from './index.ts';
import { listParts, Shared } from './parts.ts';
import { questionEnvironment } from './run.ts';
import { walkPath } from './walk.ts';

let dir = '';
beforeAll(() => {
  dir = realpathSync.native(mkdtempSync(join(tmpdir(), 'tender-toolchain-')));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function where(program: string): string | null {
  const path = spawnSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).stdout.trim();
  return path === '' ? null : path;
}

async function describeOrFail(path: string) {
  const described = await describeToolchain(path, { env: process.env });
  if (!described.ok) throw new Error(described.error.message);
  return described.value;
}

const gxx = where('g++') ?? '';
const clang = where('clang++');

describe('description', () => {
  test('g++: driver, compilers, assembler, loader, libraries', async () => {
    const described = await describeOrFail(gxx);
    expect(described.family).toBe('gcc');
    expect(described.label).toBe(`g++ ${described.version} ${described.target}`);
    expect(described.version).toMatch(/^\d+\.\d+/);
    expect(described.digest).toMatch(/^[0-9a-f]{64}$/);
    const names = described.files.map((file) => basename(file.path));
    expect(names).toEqual(
      expect.arrayContaining([
        'cc1',
        'cc1plus',
        expect.stringMatching(/\bas$/),
        expect.stringMatching(/^libc\.so|^libc\.musl|^ld-musl/),
      ]),
    );
    expect(described.files.some((file) => file.path === realpathSync.native(gxx))).toBe(true);
    expect(described.files.every((file) => file.path === realpathSync.native(file.path))).toBe(true);
    expect(described.files.some((file) => /\.h$|\/include\//.test(file.path))).toBe(false);
    expect(described.pathDirs.some((path) => path === join(where('as') ?? '', '..'))).toBe(true);
  });

  test('the same again, and from another instance', async () => {
    const first = await describeOrFail(gxx);
    const other = await new Toolchains({ env: process.env }).describe(gxx);
    expect(other.ok && other.value.digest).toBe(first.digest);
    expect(await describeOrFail(gxx)).toBe(first);
    const gcc = await describeOrFail(where('gcc') ?? '');
    expect(gcc.digest).not.toBe(first.digest);
  });

  test('questions asked at one time are one question', async () => {
    const toolchains = new Toolchains({ env: process.env });
    const [one, two] = await Promise.all([toolchains.describe(gxx), toolchains.describe(gxx)]);
    expect(one).toBe(two);
  });

  test('clang: one program, its libraries, and the gcc installation it leans on', async ({ skip }) => {
    if (clang === null) {
      console.warn('SKIPPED: clang is not installed here, so it cannot be described');
      skip();
      return;
    }
    const described = await describeOrFail(clang);
    expect(described.family).toBe('clang');
    expect(described.label).toMatch(/^clang\+\+ \d+/);
    expect(described.files.map((file) => file.path)).toContain(realpathSync.native(clang));
  });

  test.each<[string, () => string, RegExp]>([
    ['nothing', () => join(dir, 'none'), /there is no such compiler/],
    ['a relative path', () => 'gcc', /there is no such compiler/],
    [
      'a script',
      () => {
        const path = join(dir, 'wrapper');
        writeFileSync(path, `#!/bin/sh\nexec ${gxx} "$@"\n`);
        chmodSync(path, 0o755);
        return path;
      },
      /is a script, not a compiler/,
    ],
    ['another program', () => where('env') ?? '', /is neither gcc nor clang/],
    ['a directory', () => dir, /cannot be described/],
  ])('not a compiler: %s', async (_, make, message) => {
    const described = await describeToolchain(make(), { env: process.env });
    expect(described.ok ? '' : described.error.message).toMatch(message);
  });

  test.each(['distcc', 'icecc', 'sccache', 'colorgcc'])('a link to %s says so at once', async (name) => {
    const away = mkdtempSync(join(dir, 'away-'));
    copyFileSync(where('env') ?? '', join(away, name));
    symlinkSync(name, join(away, 'middle'));
    symlinkSync('middle', join(away, 'gcc'));
    const described = await describeToolchain(join(away, 'gcc'), { env: process.env });
    expect(described.ok ? '' : described.error.message).toContain(`leads to ${name}, not to a compiler`);
  });

  test.each(clang === null ? [gxx] : [gxx, clang])('a program that calls %s is not the compiler', async (real) => {
    const away = mkdtempSync(join(dir, 'calls-'));
    const path = join(away, basename(real));
    const code = `#include <unistd.h>\nint main(int c, char **v) { v[0] = "${real}"; return execv(v[0], v) + c; }\n`;
    const made = spawnSync(where('gcc') ?? '', ['-w', '-x', 'c', '-', '-o', path], { input: code, encoding: 'utf8' });
    expect(made.stderr).toBe('');
    const described = await describeToolchain(path, { env: process.env });
    expect(described.ok ? '' : described.error.message).toMatch(/is not the compiler itself/);
  });

  test('the names of one compiler are one: what is known of one serves the others', async () => {
    const bin = mkdtempSync(join(dir, 'names-'));
    const names = ['gcc', 'cc', 'gcc-7'].map((name) => join(bin, name));
    for (const name of names) symlinkSync(where('gcc') ?? '', name);
    const env = questionEnvironment(process.env);
    const shared = new Shared();
    const asked = names.map(async (name) => {
      const walked = walkPath(name);
      return walked === null ? null : await listParts(name, walked, env, shared);
    });
    const [first, ...others] = await Promise.all(asked);
    expect(first?.ok).toBe(true);
    for (const other of others) expect(other).toBe(first);
    const toolchains = new Toolchains({ env: process.env });
    const described = [];
    for (const name of names) described.push(await toolchains.describe(name));
    const digests = new Set(described.map((one) => one.ok && one.value.digest));
    expect(digests.size).toBe(3);
    const [files, ...more] = described.map((one) => (one.ok ? one.value.files : []));
    expect(files?.length).toBeGreaterThan(4);
    for (const [at, file] of (files ?? []).entries()) for (const other of more) expect(other[at]).toBe(file);
  });

  test('a file is read again when it changes, and while it may change without a trace', async () => {
    const digests = new FileDigests();
    const path = join(dir, 'file');
    const hex = async () => Buffer.from((await digests.read(path)).digest).toString('hex');
    writeFileSync(path, 'one');
    const fresh = await digests.read(path);
    expect(await digests.read(path)).not.toBe(fresh);
    expect(await hex()).toBe(createHash('sha256').update('one').digest('hex'));
    writeFileSync(path, 'two');
    expect(await hex()).toBe(createHash('sha256').update('two').digest('hex'));
    const old = await digests.read(realpathSync.native(gxx));
    expect(await digests.read(old.path)).toBe(old);
    rmSync(path);
    await expect(digests.read(path)).rejects.toThrow(/ENOENT/);
  });

  test('a compiler that comes to be another is asked again', async () => {
    const path = join(dir, 'cc');
    const toolchains = new Toolchains({ env: process.env, recheckMs: 0 });
    symlinkSync(where('gcc') ?? '', path);
    const gcc = await toolchains.describe(path);
    rmSync(path);
    symlinkSync(gxx, path);
    const other = await toolchains.describe(path);
    rmSync(path);
    const gone = await toolchains.describe(path);
    expect(gcc.ok && other.ok && gcc.value.digest !== other.value.digest).toBe(true);
    expect(gone.ok).toBe(false);
  });
});

describe.skipIf(where('gfortran') === null)('Fortran', () => {
  const gfortran = where('gfortran') ?? '';
  const frontEnd = spawnSync('gcc', ['-print-prog-name=f951'], { encoding: 'utf8' }).stdout.trim();

  test('gfortran has its front end, other drivers of gcc have it only where a Fortran source asks for it', async () => {
    const described = await describeOrFail(gfortran);
    expect(described.label).toBe(`gfortran ${described.version} ${described.target}`);
    expect(described.files.map((file) => file.path)).toContain(realpathSync.native(frontEnd));
    const other = await describeOrFail(gxx);
    expect(other.files.map((file) => basename(file.path))).not.toContain('f951');
    const toolchains = new Toolchains({ env: process.env });
    const bearings = async (driver: string, language: 'c' | 'fortran'): Promise<readonly string[]> => {
      const asked = await toolchains.builtinSearch(driver, language, []);
      return asked.ok ? (asked.value.bearings ?? []) : [];
    };
    expect(await bearings(gxx, 'fortran')).toContain(frontEnd);
    expect(await bearings(gxx, 'c')).not.toContain(frontEnd);
    expect(await bearings(gfortran, 'fortran')).not.toContain(frontEnd);
  });

  test('where its own modules are', async () => {
    const asked = await new Toolchains({ env: process.env }).builtinSearch(gfortran, 'fortran', []);
    const dirs = asked.ok ? (asked.value.intrinsicDirs ?? []) : [];
    expect(dirs.map((place) => readdirSync(place).includes('ieee_arithmetic.mod'))).toEqual([true]);
  });
});
if (where('gfortran') === null) console.warn('SKIPPED: gfortran is not installed here, its description is not tried');

describe('plugins', () => {
  const build = (name: string, ...words: string[]): string => {
    const path = join(dir, name);
    const source = join(dir, `${name}.c`);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(source, 'int plugin_is_GPL_compatible;\n');
    expect(spawnSync('gcc', ['-shared', '-fPIC', source, '-o', path, ...words]).status).toBe(0);
    return path;
  };
  const list = async (plugins: readonly string[], compilerPath = gxx) => {
    const toolchain = await describeOrFail(compilerPath);
    const question = { compilerPath, toolchain, plugins, cwd: dir, env: process.env };
    return await new Toolchains({ env: process.env }).listPlugins(question);
  };

  test('go with the libraries that they load, but for the compiler’s own', async () => {
    const library = build('lib/libown.so');
    const plugin = build('plug.so', '-Wl,--no-as-needed', library, `-Wl,-rpath,${join(dir, 'lib')}`);
    const ownDir = spawnSync(gxx, ['-print-file-name=plugin'], { encoding: 'utf8' }).stdout.trim();
    const relative = await list(['./plug.so']);
    expect(relative.ok && relative.value.filter((path) => path !== ownDir)).toEqual([plugin, library]);
    expect(await list([plugin])).toEqual(relative);
  });

  test('that are not there, or only the loader would find, or are none', async () => {
    writeFileSync(join(dir, 'text.so'), 'text');
    for (const name of ['./gone.so', 'plug.so', 'gone', './text.so', './lib']) {
      expect((await list([name])).ok, name).toBe(false);
    }
  });
});

describe('built-in search', () => {
  test('by language, and remembered', async () => {
    const toolchains = new Toolchains({ env: { ...process.env, CPATH: dir, C_INCLUDE_PATH: dir } });
    const plus = await toolchains.builtinSearch(gxx, 'c++', ['-std=c++17']);
    const c = await toolchains.builtinSearch(gxx, 'c', []);
    if (!plus.ok || !c.ok) throw new Error('g++ did not answer');
    expect(plus.value.systemDirs.some((path) => path.includes('c++'))).toBe(true);
    expect(c.value.systemDirs.some((path) => path.includes('c++'))).toBe(false);
    expect(c.value.systemDirs).toContain('/usr/include');
    expect([...plus.value.systemDirs, ...c.value.systemDirs]).not.toContain(dir);
    expect(await toolchains.builtinSearch(gxx, 'c', ['-nostdinc'])).toEqual({
      ok: true,
      value: { systemDirs: [], bearings: [], intrinsicDirs: [] },
    });
    expect(await toolchains.builtinSearch(gxx, 'assembler', [])).toEqual({
      ok: true,
      value: { systemDirs: [], bearings: [], intrinsicDirs: [] },
    });
  });

  test.skipIf(clang === null)('clang without standard directories (skipped without clang)', async () => {
    const toolchains = new Toolchains({ env: process.env });
    const none = await toolchains.builtinSearch(clang ?? '', 'c', ['-nostdinc']);
    expect(none.ok ? none.value.systemDirs : none.error.message).toEqual([]);
    const some = await toolchains.builtinSearch(clang ?? '', 'c', []);
    expect(some.ok && some.value.systemDirs).toContain('/usr/include');
  });

  test.skipIf(process.arch !== 'x64')(
    'the kernel’s code model with what belongs to it (skipped but on x64)',
    async () => {
      const verdict = parseCommand([gxx, '-mcmodel=kernel', '-mnop-mcount', '-fno-PIE', '-O2', '-c', 'a.c'], {
        cwd: '/',
        env: new Map(),
        readFile: () => null,
        stderrIsTerminal: false,
        isDirectory: () => false,
      });
      if (!verdict.travels) throw new Error(verdict.detail);
      const { builtinArgs } = verdict.plan;
      expect(builtinArgs).toEqual(['-mcmodel=kernel', '-mnop-mcount', '-fno-PIE']);
      const asked = await new Toolchains().builtinSearch(gxx, 'c', builtinArgs);
      expect(asked.ok ? '' : asked.error.message).toBe('');
    },
  );

  test('a relative sysroot belongs to its directory; a directory that appears later is found', async () => {
    const toolchains = new Toolchains({ env: process.env, recheckMs: 0 });
    const ask = async () => {
      const search = await toolchains.builtinSearch(gxx, 'c', ['--sysroot=root'], { cwd: dir });
      return search.ok ? search.value.systemDirs : [];
    };
    expect((await ask()).some((path) => path.startsWith(join(dir, 'root/')))).toBe(false);
    mkdirSync(join(dir, 'root/usr/include'), { recursive: true });
    expect((await ask()).some((path) => path.startsWith(join(dir, 'root/')))).toBe(true);
  });

  test('a refusal is told in the compiler’s words', async () => {
    const search = await new Toolchains().builtinSearch(gxx, 'c++', ['-std=nonsense']);
    expect(search.ok ? '' : search.error.message).toMatch(/does not say where it looks .*nonsense/);
  });

  test('the list as text', () => {
    const told =
      'ignoring nonexistent directory "/no"\n#include "..." search starts here:\n#include <...> search starts here:\n /a b\n /c (framework directory)\n /d\nEnd of search list.\n';
    expect(parseSearch(told)).toEqual({
      systemDirs: ['/a b', '/d'],
      missingDirs: ['/no'],
      doubleDirs: [],
    });
    expect(parseSearch('#include "..." search starts here:\nEnd of search list.\n')).toEqual({
      systemDirs: [],
      missingDirs: [],
      doubleDirs: [],
    });
    expect(parseSearch('')).toBeNull();
  });
});

describe('dependencies', () => {
  test.each<[string, string[], string[]]>([
    [
      'outputs go',
      ['-c', 'a.c', '-o', 'a.o', '-oa.o', '-MD', '-MF', 'a.d', '-MFa.d', '-MT', 'x', '-MQ', 'y', '-MP'],
      ['a.c'],
    ],
    ['-Wp,-MD goes', ['-Wp,-MMD,.a.o.d', '-c', 'a.c'], ['a.c']],
    [
      'the rest stays',
      ['-O2', '-DM=1', '-I', 'i', '-include', 'f.h', '-march=x', 'a.c'],
      ['-O2', '-DM=1', '-I', 'i', '-include', 'f.h', '-march=x', 'a.c'],
    ],
  ])('%s', (_, args, kept) => {
    expect(dependencyArguments(args)).toEqual([...kept, '-M', '-MT', 'x']);
  });

  test('a computed include that only the preprocessor can follow', async () => {
    writeFileSync(join(dir, 'a.c'), '#define S(x) #x\n#define H(n) S(computed_##n.h)\n#include H(1)\n');
    writeFileSync(join(dir, 'computed_1.h'), '');
    const asked = await askDependencies(gxx, ['-c', 'a.c', '-o', 'a.o', '-MD'], dir, process.env);
    if (!asked.ok) throw new Error(asked.error.message);
    expect(asked.value.slice(0, 1)).toEqual([join(dir, 'a.c')]);
    expect(asked.value).toContain(join(dir, 'computed_1.h'));
  });

  test('several sources, and files that only a compile should write', async () => {
    for (const name of ['one', 'two']) {
      writeFileSync(join(dir, `${name}.c`), `#include "of_${name}.h"\n`);
      writeFileSync(join(dir, `of_${name}.h`), '');
    }
    const before = readdirSync(dir);
    const args = ['-c', 'one.c', 'two.c', '-Wp,-MD,wp.d', '-save-temps'];
    const asked = await askDependencies(gxx, args, dir, process.env);
    if (!asked.ok) throw new Error(asked.error.message);
    const ours = asked.value.filter((file) => file.startsWith(dir)).map((file) => basename(file));
    expect(ours).toEqual(['one.c', 'of_one.h', 'two.c', 'of_two.h']);
    expect(readdirSync(dir)).toEqual(before);
  });

  test('what does not preprocess is an error with the reason', async () => {
    writeFileSync(join(dir, 'bad.c'), '#include "nowhere.h"\n');
    const asked = await askDependencies(gxx, ['-c', 'bad.c'], dir, process.env);
    expect(asked.ok ? '' : asked.error.message).toMatch(/nowhere\.h: No such file/);
  });
});

describe('small tools', () => {
  test('what a program loads, by its header', () => {
    expect(readElf(realpathSync.native(process.execPath))).toMatchObject({ elf: true });
    expect(readElf(realpathSync.native(gxx)).interpreter).toMatch(/^\/lib.*ld/);
    const path = join(dir, 'short');
    writeFileSync(path, 'x');
    expect(readElf(path)).toEqual({ elf: false, interpreter: null, runPath: false });
    copyFileSync(realpathSync.native(gxx), path);
    expect(readElf(path)).toMatchObject({ elf: true });
  });

  test('a path step by step', () => {
    mkdirSync(join(dir, 'w/x'), { recursive: true });
    symlinkSync('w/x', join(dir, 'wl'));
    symlinkSync('loop', join(dir, 'loop'));
    expect(walkPath(`${dir}/wl/../x/.`)).toEqual({
      real: join(dir, 'w/x'),
      links: [{ path: join(dir, 'wl'), target: 'w/x' }],
      passed: [join(dir, 'w/x')],
    });
    expect(walkPath(join(dir, 'loop'))).toBeNull();
    expect(walkPath(join(dir, 'none'))).toBeNull();
    expect(walkPath('/')).toEqual({ real: '/', links: [], passed: [] });
  });

  test('the files of a locale', () => {
    for (const env of [{}, { LANG: 'C' }, { LC_ALL: 'POSIX', LANG: 'C.UTF-8' }, { LANG: '../x' }]) {
      expect(listLocaleFiles(env)).toEqual([]);
    }
    for (const file of listLocaleFiles({ LANG: 'C.UTF-8' })) expect(file).toMatch(/^\/usr\/lib\/locale\//);
  });
});
