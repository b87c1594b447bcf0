// tender-cc under a compiler's name: it finds the next compiler of that name in PATH, and never runs in a circle.
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Rig, buildLauncher } from './test-rig.ts';

const launcher = buildLauncher();
const hasClang = existsSync('/usr/bin/clang++');
if (!hasClang) console.error('SKIPPED: no clang++ in /usr/bin, its installation directory is not tested');

describe.skipIf(launcher === null)('masquerade', () => {
  let rig: Rig;
  let masks: string;
  let compilers: string[];
  beforeEach(async () => {
    rig = new Rig(launcher ?? '');
    masks = join(rig.dir, 'masks');
    compilers = [];
    mkdirSync(masks);
    await rig.agent((request, call) => {
      compilers.push(request.compiler);
      call.local('');
    });
  });
  afterEach(() => rig.dispose());

  const link = (dir: string, name: string, target = rig.launcher): string => {
    mkdirSync(dir, { recursive: true });
    symlinkSync(target, join(dir, name));
    return join(dir, name);
  };
  const path = (...dirs: string[]): { env: { PATH: string } } => ({
    env: { PATH: [...dirs, '/usr/bin', '/bin'].join(':') },
  });

  test.each(['gcc', 'g++', 'cc', 'c++', 'clang', 'clang++', 'gcc-12', 'x86_64-linux-gnu-g++'])(
    'as %s',
    async (name) => {
      const real = rig.script(`real/${name}`, 'echo "$0 $*"');
      link(masks, name);
      const ended = await rig.start(name, ['-c', 'a b'], path(masks, join(rig.dir, 'real'))).ended;
      expect(ended).toMatchObject({ code: 0, stdout: `${real} -c a b\n`, stderr: '' });
      expect(compilers).toEqual([real]);
    },
  );

  test('twice in PATH, links of links, copies of itself, another installation: the compiler behind them all', async () => {
    const real = rig.script('real/g++', 'echo real');
    const [one, two, three, four] = ['one', 'two', 'three', 'four'].map((name) => join(rig.dir, name));
    link(one ?? '', 'g++');
    link(two ?? '', 'g++', link(join(rig.dir, 'far'), 'x', join(one ?? '', 'g++')));
    mkdirSync(three ?? '');
    copyFileSync(rig.launcher, join(three ?? '', 'tender-cc'));
    link(three ?? '', 'g++', 'tender-cc');
    mkdirSync(four ?? '');
    copyFileSync(rig.launcher, join(four ?? '', 'g++'));
    const dirs = [one, two, one, three, `${one}/../one/`, four].map((dir) => dir ?? '');
    const ended = await rig.start('g++', [], path(...dirs, join(rig.dir, 'real'))).ended;
    expect(ended).toMatchObject({ code: 0, stdout: 'real\n', stderr: '' });
    const behind = await rig.start('g++', [], path(...dirs.slice(0, 5), join(rig.dir, 'real'))).ended;
    expect(behind).toMatchObject({ code: 0, stdout: 'real\n' });
    expect(compilers.at(-1)).toBe(real);
  });

  test('tender-cc before a masked name, before a mask by path, before itself', async () => {
    const real = rig.script('real/g++', 'echo "real $*"');
    const mask = link(masks, 'g++');
    for (const args of [['g++'], [mask], [rig.launcher, 'g++'], ['tender-cc', mask]]) {
      const ended = await rig.cc([...args, 'x'], path(masks, join(rig.dir, 'real')));
      expect(ended).toMatchObject({ code: 0, stdout: 'real x\n', stderr: '' });
    }
    expect(new Set(compilers)).toEqual(new Set([real]));
  });

  test('only masks in PATH: 127 and a plain word', async () => {
    link(masks, 'g++');
    const ended = await rig.start(join(masks, 'g++'), [], { env: { PATH: `${masks}:${masks}` } }).ended;
    expect(ended).toMatchObject({ code: 127, stdout: '' });
    expect(ended.stderr).toMatch(/no compiler .*g\+\+ in PATH besides the launcher: install it or correct PATH/);
  });

  test('a wrapper such as ccache, that looks for the compiler behind itself, finds the compiler behind both', async () => {
    link(masks, 'g++');
    // Like ccache in its own directory of links: takes itself out of PATH and runs the next g++, which is the mask again.
    rig.script(
      'cache/g++',
      `PATH=$(echo "$PATH" | sed "s|${rig.dir}/cache:||"); export PATH; echo cache; exec g++ "$@"`,
    );
    rig.script('real/g++', 'echo "real $*"');
    const inFront = path(masks, join(rig.dir, 'cache'), join(rig.dir, 'real'));
    expect(await rig.start('g++', ['x'], inFront).ended).toMatchObject({ code: 0, stdout: 'cache\nreal x\n' });
    rig.script('cache/g++', 'echo cache; exec g++ "$@"'); // one that does not even do that comes by twice
    expect(await rig.start('g++', ['x'], inFront).ended).toMatchObject({ code: 0, stdout: 'cache\ncache\nreal x\n' });
  });

  test('ccache behind the mask runs first and at once, told of the launcher and of the compiler behind it', async () => {
    const show = 'echo "$(basename "$0") $* with $CCACHE_PREFIX before $CCACHE_COMPILER, nested $TENDER_NESTED"';
    const ccache = rig.script('cache/ccache', show);
    link(join(rig.dir, 'cache'), 'g++', ccache);
    link(masks, 'g++');
    const real = rig.script('real/g++', 'echo "real $*"');
    const dirs = path(masks, join(rig.dir, 'cache'), join(rig.dir, 'real'));
    const told = (name: string, behind: string): string => `${name} x with ${rig.launcher} before ${behind}, nested \n`;
    expect(await rig.start('g++', ['x'], dirs).ended).toMatchObject({ code: 0, stdout: told('g++', real) });
    expect(await rig.cc(['ccache', 'x'], dirs)).toMatchObject({ code: 0, stdout: told('ccache', '') });
    expect(compilers).toEqual([]);
    // What it calls on a miss is no compiler within a compiler: it asks the agent.
    rig.script('cache/ccache', 'exec $CCACHE_PREFIX $CCACHE_COMPILER "$@"');
    expect(await rig.start('g++', ['x'], dirs).ended).toMatchObject({ code: 0, stdout: 'real x\n', stderr: '' });
    expect(compilers).toEqual([real]);
    const own = { env: { ...dirs.env, CCACHE_PREFIX: 'own', CCACHE_COMPILER: 'mine' } };
    rig.script('cache/ccache', show);
    expect((await rig.start('g++', [], own).ended).stdout).toContain('with own before mine');
  });

  test('a script without its #! runs as in every shell', async () => {
    mkdirSync(join(rig.dir, 'real'));
    writeFileSync(join(rig.dir, 'real/g++'), 'printf "%s|" "$@"\n', { mode: 0o755 });
    link(masks, 'g++');
    const ended = await rig.start('g++', ['-c', 'a b', ''], path(masks, join(rig.dir, 'real'))).ended;
    expect(ended).toMatchObject({ code: 0, stdout: '-c|a b||', stderr: '' });
  });

  test('links to distcc and icecc in PATH are passed over', async () => {
    link(masks, 'g++');
    const real = rig.script('real/g++', 'echo "real $*"');
    for (const name of ['distcc', 'icecc']) {
      link(join(rig.dir, `${name}-links`), 'g++', rig.script(`bin/${name}`, 'echo rival'));
    }
    const rivals = [join(rig.dir, 'distcc-links'), join(rig.dir, 'icecc-links')];
    const dirs = path(masks, ...rivals, join(rig.dir, 'bin'), join(rig.dir, 'real'));
    expect(await rig.start('g++', ['x'], dirs).ended).toMatchObject({ code: 0, stdout: 'real x\n' });
    expect(compilers).toEqual([real]);
    expect(await rig.cc(['distcc', 'g++'], dirs)).toMatchObject({ code: 0, stdout: 'rival\n' });
  });

  test('a compiler that is only a script around the mask ends with a plain word', async () => {
    const script = rig.script('only/g++', 'exec tender-cc g++ "$@"');
    link(masks, 'tender-cc');
    const ended = await rig.cc(['g++'], { env: { PATH: `${rig.dir}/only:${masks}` } });
    expect(ended).toMatchObject({ code: 127, stdout: '' });
    expect(ended.stderr).toContain(`g++ calls itself in a circle, through ${script}:${script}: correct PATH`);
  });

  test('a compiler that starts itself by name (link-time optimisation does) is found again', async () => {
    link(masks, 'gcc');
    rig.script('real/gcc', 'if [ "$1" = again ]; then echo again; else echo once; exec gcc again; fi');
    const ended = await rig.start('gcc', [], path(masks, join(rig.dir, 'real'))).ended;
    // /usr/bin/gcc may be behind it: the one that ran is the one that must run.
    expect(ended.stdout).toBe('once\nagain\n');
    expect(compilers).toHaveLength(1);
  });

  test('gcc and clang look for their files beside themselves, not beside the mask', async () => {
    link(masks, 'g++');
    const gcc = await rig.start('g++', ['-v'], path(masks)).ended;
    const direct = execFileSync('sh', ['-c', '/usr/bin/g++ -print-search-dirs'], { encoding: 'utf8' });
    expect(gcc.stderr).toContain('COLLECT_GCC=/usr/bin/g++');
    expect((await rig.start('g++', ['-print-search-dirs'], path(masks)).ended).stdout).toBe(direct);
  });

  test.skipIf(!hasClang)('clang says that it is installed where it is', async () => {
    link(masks, 'clang++');
    const installed = (text: string): string | undefined => /InstalledDir: .*/.exec(text)?.[0];
    const direct = execFileSync('/usr/bin/clang++', ['--version'], { encoding: 'utf8' });
    const masked = await rig.start('clang++', ['--version'], path(masks)).ended;
    expect(installed(masked.stdout)).toBe(installed(direct));
    expect(installed(direct)).toBeDefined();
  });
});
