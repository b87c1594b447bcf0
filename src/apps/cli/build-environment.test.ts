// What a build command is given by `tender build`, read and run as a build would: variables, PATH, the stand-ins' own text.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { behindLauncher, buildEnvironment, configuredWithout, wordsBehindLauncher } from './build-environment.ts';
import { launcherPath } from './masquerade.ts';

let dir: string;
let home: string;
let tools: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tender-environment-'));
  home = join(dir, "Anna's home");
  tools = join(dir, 'tools');
  mkdirSync(home);
  mkdirSync(tools);
  for (const name of ['cmake', 'ninja', 'g++']) {
    writeFileSync(
      join(tools, name),
      `#!/bin/sh\necho "${name} PATH=$PATH CC=\${CC-none} CXX=\${CXX-none}:"; printf '<%s>' "$@"\n`,
    );
    chmodSync(join(tools, name), 0o755);
  }
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const environment = (command: string[], given: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => {
  const made = buildEnvironment(home, 'b1', command, { PATH: `${tools}:/usr/bin:/bin`, ...given });
  if (!made.ok) throw new Error(made.error);
  return made.value;
};

describe('the environment of a build', () => {
  test('links and stand-ins come first, once, however often it is nested', () => {
    const once = environment(['make']);
    expect(once['PATH']).toBe(`${home}/shims:${home}/masquerade:${tools}:/usr/bin:/bin`);
    const twice = environment(['make'], once);
    expect(twice['PATH']).toBe(once['PATH']);
    expect(twice['CCACHE_PATH']).toBe(once['CCACHE_PATH']);
    expect(twice).toMatchObject({ TENDER_HOME: home, TENDER_BUILD: 'b1', CMAKE_CXX_COMPILER_LAUNCHER: launcherPath });
  });

  test('what the user has set stands', () => {
    const own = {
      CMAKE_C_COMPILER_LAUNCHER: 'ccache',
      CCACHE_PREFIX: 'icecc',
      CCACHE_PATH: '/opt',
      CC: 'gcc -m32',
      CXX: '',
    };
    expect(environment(['make'], own)).toMatchObject(own);
  });

  test('the stand-in for cmake takes out links, stand-ins and the launcher, and nothing else', () => {
    const env = environment(['sh'], { CC: '/usr/bin/gcc -m32', CXX: 'g++' });
    expect(env['CC']).toBe(`${launcherPath} /usr/bin/gcc -m32`);
    const path = `/first:${env['PATH']}:${home}/masquerade:/last`;
    const said = execFileSync('cmake', ['-DX=a b', ''], { env: { ...env, PATH: path }, encoding: 'utf8' });
    expect(said).toBe(`cmake PATH=/first:${tools}:/usr/bin:/bin:/last CC=/usr/bin/gcc -m32 CXX=g++:\n<-DX=a b><>`);
    expect(execFileSync('cmake', { env: { PATH: env['PATH'] }, encoding: 'utf8' })).toContain('CC=none CXX=none');
  });

  test('the stand-in for ninja says how many jobs, and the user’s own number comes after it', () => {
    const env = environment(['sh']);
    const run = (extra: NodeJS.ProcessEnv): string =>
      execFileSync('ninja', ['-j2', 'all'], { env: { ...env, ...extra }, encoding: 'utf8' });
    expect(run({ TENDER_JOBS: '40' })).toMatch(/<-j40><-j2><all>$/);
    expect(run({})).toMatch(/:\n<-j2><all>$/);
  });

  test('CMake by itself gets neither links nor changed compilers', () => {
    const env = environment(['/opt/cmake'], { CC: '/usr/bin/gcc' });
    expect(env).toMatchObject({ PATH: `${tools}:/usr/bin:/bin`, CC: '/usr/bin/gcc' });
  });

  test('a home that cannot be written is told in a sentence', () => {
    writeFileSync(join(dir, 'file'), '');
    const made = buildEnvironment(join(dir, 'file'), 'b1', ['make'], { PATH: tools });
    expect(made).toMatchObject({ ok: false });
    expect(made.ok ? '' : made.error).toContain(`cannot make the compiler links in ${dir}/file/masquerade`);
  });
});

test.each([
  ['/usr/bin/gcc', '/l/tender-cc /usr/bin/gcc'],
  ['/usr/bin/g++ -m64 -B/x', '/l/tender-cc /usr/bin/g++ -m64 -B/x'],
  ['gcc', 'gcc'],
  ['ccache gcc', 'ccache gcc'],
  ['/usr/bin/ccache /usr/bin/gcc', '/usr/bin/ccache /usr/bin/gcc'],
  ['/other/tender-cc gcc', '/other/tender-cc gcc'],
  ['/usr/bin/env X=1 gcc', '/usr/bin/env X=1 gcc'],
  ['', ''],
])('CC=%j becomes %j', (compiler, expected) => {
  expect(behindLauncher(compiler, '/l/tender-cc')).toBe(expected);
  expect(behindLauncher(compiler, '/with space/tender-cc')).toBe(compiler);
});

test('words of make and configure, and of nobody else', () => {
  const words = ['CC=/bin/gcc', 'CXX=g++', 'CFLAGS=/x', 'all'];
  const expected = ['CC=/l/tender-cc /bin/gcc', 'CXX=g++', 'CFLAGS=/x', 'all'];
  for (const command of ['make', '/usr/bin/gmake', '../configure']) {
    expect(wordsBehindLauncher([command, ...words], '/l/tender-cc')).toEqual([command, ...expected]);
  }
  expect(wordsBehindLauncher(['sh', ...words], '/l/tender-cc')).toEqual(['sh', ...words]);
});

describe('a directory that CMake has prepared', () => {
  const cache = (launcher: string, compiler = '/usr/bin/c++'): void => {
    mkdirSync(join(dir, 'out'), { recursive: true });
    const lines = [
      `CMAKE_CXX_COMPILER:FILEPATH=${compiler}`,
      launcher && `CMAKE_CXX_COMPILER_LAUNCHER:STRING=${launcher}`,
    ];
    writeFileSync(join(dir, 'out/CMakeCache.txt'), `# comment\n${lines.join('\n')}\n`);
  };
  const hint = (...command: string[]): string | null => configuredWithout(command, dir, { TENDER_HOME: home });

  test('without Tender is named, wherever the command builds', () => {
    cache('');
    for (const words of ['ninja -C out', 'make -Cout -k', 'cmake --build out --target x', 'cmake --build=out']) {
      expect(hint(...words.split(' ')), words).toContain(`tender build -- cmake ${dir}/out`);
    }
    expect(configuredWithout(['ninja'], join(dir, 'out'), {})).toContain('without Tender');
    cache('/usr/bin/distcc');
    expect(hint('ninja', '-C', 'out')).toContain('without Tender');
  });

  test('with Tender, by launcher, by link, or behind ccache, is not; nor is any other directory or command', () => {
    for (const launcher of ['/x/tender-cc', 'tender-cc', '/usr/bin/ccache;tender-cc', 'ccache']) {
      cache(launcher);
      expect(hint('ninja', '-C', 'out'), launcher).toBeNull();
    }
    cache('', `${home}/masquerade/c++`);
    expect(hint('ninja', '-C', 'out')).toBeNull();
    cache('');
    expect(hint('make')).toBeNull();
    expect(hint('cmake', '-B', 'out')).toBeNull();
    expect(hint('ninja', '-C', 'nowhere')).toBeNull();
  });
});
