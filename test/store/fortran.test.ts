// Fortran and the store of results: a unit comes from it with its module files, and is compiled anew when a module that it uses,
// or a place where one is looked for, is another. Nothing stale: random edits, each compared with the compiler alone.
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createPrng } from '../../src/base/prng.ts';
import { have } from '../build-systems/support.ts';
import { compileLocally, TestFarm, type Ran } from '../e2e/support.ts';
import { settleFiles } from './support.ts';

let farm: TestFarm;
let dir = '';
let projects = 0;
beforeAll(async () => {
  farm = await TestFarm.start(1, { store: true });
});
afterAll(() => farm.close());
beforeEach(() => {
  dir = join(farm.dir, `project${++projects}`);
  for (const name of ['', 'inc', 'mods', 'stock']) mkdirSync(join(dir, name));
});

const write = (name: string, text: string): void => writeFileSync(join(dir, name), text);
const bytesOf = (name: string): Buffer | null => {
  const path = join(dir, name);
  return existsSync(path) ? readFileSync(path) : null;
};
const moduleText = (name: string, value: number): string =>
  `module ${name}\n  integer, parameter :: value_of_${name} = ${value}\nend module\n`;

async function counted(work: () => Promise<unknown>): Promise<{ remote: number; stored: number; local: number }> {
  const before = (await farm.status('client')).total;
  await work();
  const { remote, stored, local } = (await farm.status('client')).total;
  return { remote: remote - before.remote, stored: stored - before.stored, local: local - before.local };
}

const compile = (...words: readonly string[]): Promise<Ran> => farm.cc('client', ['gfortran', ...words], dir);

describe.skipIf(!have('gfortran'))('Fortran', () => {
  test('a unit comes back with its modules; users follow what their modules are', async () => {
    write('a.f90', moduleText('a', 1));
    write('b.f90', 'integer function b()\n  use a\n  b = value_of_a\nend function\n');
    await settleFiles(dir);
    const both = async (): Promise<void> => {
      for (const unit of ['a.f90', 'b.f90']) {
        expect((await compile('-Jmods', '-c', unit)).code).toBe(0);
        await settleFiles(dir);
      }
    };
    expect(await counted(both)).toEqual({ remote: 2, stored: 0, local: 0 });
    const made = ['a.o', 'b.o', 'mods/a.mod'].map(bytesOf);
    for (const name of ['a.o', 'b.o', 'mods/a.mod']) rmSync(join(dir, name));
    expect(await counted(both)).toEqual({ remote: 0, stored: 2, local: 0 });
    expect(['a.o', 'b.o', 'mods/a.mod'].map(bytesOf)).toEqual(made);

    // A module that is there and the same stays as it is.
    const { ino } = statSync(join(dir, 'mods/a.mod'));
    expect(await counted(both)).toEqual({ remote: 0, stored: 2, local: 0 });
    expect(statSync(join(dir, 'mods/a.mod')).ino).toBe(ino);

    write('a.f90', moduleText('a', 2));
    await settleFiles(dir);
    expect(await counted(both)).toEqual({ remote: 2, stored: 0, local: 0 });
    expect(bytesOf('b.o')).not.toEqual(made[1]);
    write('a.f90', moduleText('a', 1));
    await settleFiles(dir);
    expect(await counted(both)).toEqual({ remote: 0, stored: 2, local: 0 });
    expect(['a.o', 'b.o', 'mods/a.mod'].map(bytesOf)).toEqual(made);
  });

  test('what a compiler here makes is kept with its modules', async () => {
    const alone = new TestFarm();
    try {
      alone.prepare('client', { store: true, own_slots: 2 });
      await alone.startAgent('client');
      write('a.f90', moduleText('a', 1));
      write('b.f90', 'integer function b()\n  use a\n  b = value_of_a\nend function\n');
      await settleFiles(dir);
      const lines = ['a.f90', 'b.f90'].map((unit) => ['gfortran', '-Jmods', '-c', unit]);
      const build = async (): Promise<void> => {
        for (const words of lines) {
          expect((await alone.cc('client', words, dir)).code).toBe(0);
          await settleFiles(dir);
        }
      };
      await build();
      const names = ['a.o', 'b.o', 'mods/a.mod'];
      const made = names.map(bytesOf);
      for (const name of names) rmSync(join(dir, name));
      await build();
      expect(names.map(bytesOf)).toEqual(made);
      expect((await alone.status('client')).total).toMatchObject({ local: 2, stored: 2 });
    } finally {
      await alone.close();
    }
  });

  test('a random edit is always seen', async () => {
    const random = createPrng(7);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
    for (const value of [1, 2, 3]) {
      write(`stock/c.f90`, moduleText('c', value));
      expect(compileLocally(['gfortran', '-Jstock', '-c', 'stock/c.f90', '-o', 'stock/c.o'], dir).code).toBe(0);
      copyFileSync(join(dir, 'stock/c.mod'), join(dir, `stock/c${value}.mod`));
    }
    write('user.f90', "integer function user()\n  use c\n  include 'v.inc'\n  user = value_of_c + v\nend function\n");
    write('v.inc', 'integer, parameter :: v = 0\n');
    copyFileSync(join(dir, 'stock/c1.mod'), join(dir, 'inc/c.mod'));
    const words = ['gfortran', '-Iinc', '-Jmods', '-O1', '-c', 'user.f90', '-o', 'user.o'];
    const edits: readonly (() => string)[] = [
      () => {
        const [from, to] = [`stock/c${pick([1, 2, 3])}.mod`, `${pick(['.', 'inc', 'mods'])}/c.mod`];
        rmSync(join(dir, to), { force: true });
        copyFileSync(join(dir, from), join(dir, to));
        return `${from} to ${to}`;
      },
      () => {
        const gone = `${pick(['.', 'inc', 'mods'])}/${pick(['c.mod', 'v.inc'])}`;
        rmSync(join(dir, gone), { force: true });
        return `${gone} removed`;
      },
      () => {
        const [path, value] = [`${pick(['.', 'inc', 'mods'])}/v.inc`, pick([1, 2, 3])];
        write(path, `integer, parameter :: v = ${value}\n`);
        return `${path} says ${value}`;
      },
    ];
    const wrong: string[] = [];
    let made = 0;
    const count = await counted(async () => {
      for (let round = 0; round < 40; round++) {
        const what = pick(edits)();
        if (random() < 0.7) await settleFiles(dir);
        rmSync(join(dir, 'user.o'), { force: true });
        const through = await farm.cc('client', words, dir);
        const seen = bytesOf('user.o');
        rmSync(join(dir, 'user.o'), { force: true });
        const alone = compileLocally(words, dir);
        const expected = bytesOf('user.o');
        if (expected !== null) made++;
        const same = (expected === null) === (seen === null) && (expected === null || seen?.equals(expected) === true);
        if (through.code !== alone.code || through.stderr !== alone.stderr || !same)
          wrong.push(
            `${round}: ${what}: ${JSON.stringify([through.code, through.stderr, alone.code, alone.stderr, same])}`,
          );
      }
    });
    expect(wrong).toEqual([]);
    expect(made).toBeGreaterThan(10);
    expect(count.stored).toBeGreaterThan(3);
  }, 240_000);
});
