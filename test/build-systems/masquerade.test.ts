// The directory of compiler links that `tender masquerade --print` names, as a user or a test suite takes it: each link is a
// compiler, with an agent and without one, by any PATH and without any.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestFarm } from '../e2e/support.ts';
import { Builder, have } from './support.ts';

let farm: TestFarm;
let builder: Builder;
let links: string;
let dir: string;
beforeAll(async () => {
  farm = await TestFarm.start(1, {}, { slots: 2 });
  builder = new Builder(farm);
  links = await builder.linksDir();
  dir = join(farm.dir, 'units');
  mkdirSync(dir);
  writeFileSync(join(dir, 'x.c'), 'int x = sizeof(long);\n');
});
afterAll(() => farm.close());

const found = (name: string): string => execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim();

describe.skipIf(!have('gcc', 'g++', 'cc', 'c++'))('tender masquerade', () => {
  test('makes the directory anew when it is gone, and prints nothing else', async () => {
    rmSync(links, { recursive: true });
    for (const words of [['masquerade'], ['masquerade', '--print']]) {
      const ran = await farm.cli('client', words);
      expect(ran).toMatchObject({ code: 0, stdout: `${links}\n`, stderr: '' });
      expect(lstatSync(links).mode & 0o777).toBe(0o700);
    }
  });

  test('has a link for each compiler of this machine and for nothing else', async () => {
    const names = readdirSync(links);
    expect(names).toEqual(expect.arrayContaining(['cc', 'c++', 'gcc', 'g++']));
    const there = (name: string): boolean => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0;
    for (const name of [
      'clang',
      'clang++',
      basename(found('gcc')),
      'x86_64-linux-gnu-gcc',
      'aarch64-linux-gnu-g++',
      'gcc-12',
    ]) {
      expect(names.includes(name), name).toBe(there(name));
    }
    for (const name of names) expect(there(name), name).toBe(true);
    expect(names.filter((name) => /gcov|-ar|nm|ranlib|clangd|format|tidy|ccache|c99$/.test(name))).toEqual([]);
  });

  test('follows PATH: a new compiler gets its link, one that is gone loses it, a damaged link is mended', async () => {
    const extra = join(farm.dir, 'extra');
    mkdirSync(extra);
    for (const name of ['mips-unknown-elf-gcc-9.1', 'notes-gcc', 'gcc-77'])
      writeFileSync(join(extra, name), '#!/bin/sh\n');
    chmodSync(join(extra, 'mips-unknown-elf-gcc-9.1'), 0o755);
    mkdirSync(join(extra, 'some-clang'));
    rmSync(join(links, 'g++'));
    symlinkSync('/nowhere/else', join(links, 'g++'));
    const path = `${extra}:${links}:${process.env['PATH'] ?? ''}`;
    await farm.cli('client', ['masquerade'], { env: { PATH: path } });
    expect(readdirSync(links)).toContain('mips-unknown-elf-gcc-9.1');
    expect(readdirSync(links).filter((name) => /notes|gcc-77|some/.test(name))).toEqual([]);
    expect((await farm.run([join(links, 'g++'), '--version'], { cwd: dir, env: builder.env() })).code).toBe(0);
    await farm.cli('client', ['masquerade']);
    expect(readdirSync(links)).not.toContain('mips-unknown-elf-gcc-9.1');
  });

  test('many at once leave a whole directory', async () => {
    rmSync(links, { recursive: true });
    const ran = await Promise.all(Array.from({ length: 5 }, () => farm.cli('client', ['masquerade'])));
    for (const one of ran) expect(one).toMatchObject({ code: 0, stdout: `${links}\n`, stderr: '' });
    expect(readdirSync(links)).toEqual(expect.arrayContaining(['cc', 'c++', 'gcc', 'g++']));
    expect(readdirSync(links).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  test('each link compiles the same as the compiler of that name, with an agent and without one', async () => {
    const names = ['gcc', 'cc', 'c++', 'clang++', 'x86_64-linux-gnu-g++'].filter((name) =>
      readdirSync(links).includes(name),
    );
    expect(names.length).toBeGreaterThanOrEqual(3);
    const agentless = { ...builder.env(), TENDER_HOME: join(farm.dir, 'nobody') };
    for (const name of names) {
      const alone = spawnSync(found(name), ['-c', '-g', 'x.c', '-o', 'x.o'], { cwd: dir, encoding: 'utf8' });
      expect(alone.status).toBe(0);
      const expected = readFileSync(join(dir, 'x.o'));
      for (const [env, travels] of [
        // Each other name makes an agent look at all of its files again: two are enough here.
        ...(name === 'gcc' || name === 'clang++' ? [[builder.env(), 1] as const] : []),
        [agentless, 0],
        [{ ...builder.env(), TENDER_DISABLE: '1' }, 0],
      ] as const) {
        rmSync(join(dir, 'x.o'));
        const before = (await farm.status('client')).total.remote;
        const ran = await farm.run([join(links, name), '-c', '-g', 'x.c', '-o', 'x.o'], { cwd: dir, env });
        expect(ran, name).toMatchObject({ code: 0, stdout: alone.stdout, stderr: alone.stderr });
        expect(readFileSync(join(dir, 'x.o')).equals(expected), name).toBe(true);
        expect((await farm.status('client')).total.remote - before, name).toBe(travels);
      }
    }
  });

  test('the real compiler is found past links of links, doubled and unusual PATH entries, and without PATH', async () => {
    const far = join(farm.dir, 'far');
    const near = join(farm.dir, 'near');
    symlinkSync(links, far);
    mkdirSync(near);
    symlinkSync(join(far, 'gcc'), join(near, 'gcc'));
    const home = { TENDER_HOME: farm.homeOf('client'), TENDER_NO_START: '1' };
    const paths = [
      `${links}:/usr/bin:/bin`,
      `${links}:${links}:${far}:${near}:/usr/bin:/bin`,
      `${far}/:${links}/../masquerade:${near}::/usr/bin:/bin`,
      `/usr/bin:/bin:${links}`,
      `relative/dir:${near}:/no/such/dir:/usr/bin`,
      undefined,
    ];
    for (const PATH of paths) {
      const clean = Object.entries({ ...home, ...(PATH === undefined ? {} : { PATH }) }).map((one) => one.join('='));
      for (const link of [join(links, 'gcc'), join(far, 'gcc'), join(near, 'gcc')]) {
        const words = ['/usr/bin/env', '-i', ...clean, link];
        const ran = await farm.run([...words, '-c', 'x.c', '-o', 'y.o'], { cwd: dir, env: {} });
        expect(ran, `${PATH} ${link}`).toEqual({ code: 0, signal: null, stdout: '', stderr: '' });
      }
      const version = await farm.run(['/usr/bin/env', '-i', ...clean, join(near, 'gcc'), '--version'], {
        cwd: dir,
        env: {},
      });
      expect(version.stdout).toContain('Free Software Foundation');
    }
  });

  test('without HOME and TENDER_HOME the compiler runs all the same', async () => {
    const ran = await farm.run(['/usr/bin/env', '-i', 'PATH=/usr/bin', join(links, 'cc'), '-c', 'x.c', '-o', 'z.o'], {
      cwd: dir,
      env: {},
    });
    expect(ran).toEqual({ code: 0, signal: null, stdout: '', stderr: '' });
  });
});
