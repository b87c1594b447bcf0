// The main job, from the outside: a make build through real agents, against the same build by the compiler alone.
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compileLocally, contentsOf, TestFarm, until, writeProject } from './support.ts';

let farm: TestFarm;

beforeAll(async () => {
  farm = await TestFarm.start(2);
});
afterAll(() => farm.close());

describe('a build through two workers', () => {
  test('gives the bytes of a local build, with every unit on a worker', async () => {
    const dir = join(farm.dir, 'project');
    mkdirSync(dir);
    writeProject(dir, 12);
    const built = await farm.build(['make', '-j6'], dir);
    expect(built.stderr).toContain('12 compiled: 12 on 2 machines');
    expect(built.code).toBe(0);
    expect(built.report).toMatchObject({ units: 12, remote: 12, local: 0, failed: 0 });
    expect(built.report.workers.reduce((sum, worker) => sum + worker.units, 0)).toBe(12);
    const remote = contentsOf(join(dir, 'out'));
    rmSync(join(dir, 'out'), { recursive: true });
    expect(compileLocally(['make', '-j2'], dir).code).toBe(0);
    const local = contentsOf(join(dir, 'out'));
    expect([...remote.keys()].sort()).toEqual([...local.keys()].sort());
    for (const [name, bytes] of local) expect(remote.get(name)?.equals(bytes), name).toBe(true);
  });

  test('a changed header reaches the workers, a removed one is gone there', async () => {
    const dir = join(farm.dir, 'headers');
    mkdirSync(join(dir, 'first'), { recursive: true });
    mkdirSync(join(dir, 'second'));
    writeFileSync(join(dir, 'a.c'), '#include "value.h"\nint value(void) { return VALUE; }\n');
    writeFileSync(join(dir, 'first/value.h'), '#define VALUE 1\n');
    writeFileSync(join(dir, 'second/value.h'), '#define VALUE 2\n');
    const words = ['gcc', '-O1', '-Ifirst', '-Isecond', '-c', 'a.c', '-o', 'a.o'];
    const both = async (): Promise<[Buffer, Buffer]> => {
      const before = (await farm.status('client')).total.remote;
      expect((await farm.cc('client', words, dir)).code).toBe(0);
      expect((await farm.status('client')).total.remote).toBe(before + 1);
      const remote = readFileSync(join(dir, 'a.o'));
      expect(compileLocally(words, dir).code).toBe(0);
      return [remote, readFileSync(join(dir, 'a.o'))];
    };
    const seen = new Set<string>();
    for (const change of [
      () => undefined,
      () => writeFileSync(join(dir, 'first/value.h'), '#define VALUE 3\n'),
      () => rmSync(join(dir, 'first/value.h')),
      () => writeFileSync(join(dir, 'first/value.h'), '#define VALUE 5\n'),
    ]) {
      change();
      const [remote, local] = await both();
      expect(remote.equals(local)).toBe(true);
      seen.add(remote.toString('hex'));
    }
    expect(seen.size).toBe(4);
  });

  test('an object in the directory of its source, with a header beside it', async () => {
    const dir = join(farm.dir, 'in-source');
    mkdirSync(dir);
    writeFileSync(join(dir, 'own.h'), 'static const int own = 7;\n');
    writeFileSync(join(dir, 'in.c'), '#include "own.h"\nint get(void) { return own; }\n');
    const words = ['gcc', '-g', '-MD', '-c', 'in.c'];
    expect((await farm.cc('client', words, dir)).code).toBe(0);
    const remote = contentsOf(dir);
    expect(remote.has('in.o') && remote.has('in.d')).toBe(true);
    expect(compileLocally(words, dir).code).toBe(0);
    const local = contentsOf(dir);
    expect(remote.get('in.o')?.equals(local.get('in.o') as Buffer)).toBe(true);
    expect(remote.get('in.d')?.equals(local.get('in.d') as Buffer)).toBe(true);
    expect(readdirSync(dir).filter((name) => name.startsWith('.tender'))).toEqual([]);
  });

  test('warnings are shown once, as the compiler wrote them', async () => {
    const dir = join(farm.dir, 'warning');
    mkdirSync(dir);
    writeFileSync(join(dir, 'w.cc'), 'int f(int x) { int unused = 1; return x; }\n');
    const words = ['g++', '-Wall', '-c', 'w.cc', '-o', 'w.o'];
    const remote = await farm.cc('client', words, dir);
    const local = compileLocally(words, dir);
    expect(local.stderr).toContain('unused');
    expect(remote).toEqual(local);
  });

  test('an error of the program is the worker’s answer: shown once, compiled once, held against nobody', async () => {
    const dir = join(farm.dir, 'error');
    mkdirSync(dir);
    writeFileSync(join(dir, 'e.cc'), '#include "there-is-none.h"\nint f() { return nothing; }\n');
    writeFileSync(join(dir, 'f.cc'), 'int f() { return nothing; }\n');
    for (const file of ['e.cc', 'f.cc']) {
      const words = ['g++', '-c', file, '-o', 'e.o'];
      const before = (await farm.status('client')).total;
      writeFileSync(join(dir, 'e.o'), 'old');
      const remote = await farm.cc('client', words, dir);
      const leftByRemote = readdirSync(dir).sort();
      writeFileSync(join(dir, 'e.o'), 'old');
      const local = compileLocally(words, dir);
      expect(local.code).toBe(1);
      expect(remote).toEqual(local);
      expect(leftByRemote).toEqual(readdirSync(dir).sort());
      const after = (await farm.status('client')).total;
      expect(after).toMatchObject({
        remote: before.remote + 1,
        local: before.local,
        retried: before.retried,
        failed: before.failed + 1,
      });
    }
  });

  test('a compiler that crashes says the same and exits the same', async () => {
    const dir = join(farm.dir, 'crash');
    mkdirSync(dir);
    // The parser recurses for each parenthesis: the compiler runs out of stack and reports a segmentation fault.
    writeFileSync(join(dir, 'crash.c'), `int x = ${'('.repeat(400_000)}1${')'.repeat(400_000)};\n`);
    const words = ['gcc', '-c', 'crash.c', '-o', 'crash.o'];
    const local = compileLocally(words, dir);
    expect(local.code).not.toBe(0);
    const remote = await farm.cc('client', words, dir);
    expect(remote.code).toBe(local.code);
    expect(remote.stderr).toContain('Segmentation fault');
    expect(readdirSync(dir)).toEqual(['crash.c']);
  });

  test('links, questions and configure’s probes run here', async () => {
    const dir = join(farm.dir, 'probes');
    mkdirSync(dir);
    writeFileSync(join(dir, 'conftest.c'), 'int main(void) { return 0; }\n');
    const before = (await farm.status('client')).total;
    expect((await farm.cc('client', ['gcc', '-c', 'conftest.c'], dir)).code).toBe(0);
    expect((await farm.cc('client', ['gcc', 'conftest.o', '-o', 'conftest'], dir)).code).toBe(0);
    expect((await farm.cc('client', ['gcc', '--version'], dir)).stdout).toContain('Free Software Foundation');
    const after = (await farm.status('client')).total;
    expect(after).toMatchObject({ units: before.units, remote: before.remote, others: before.others + 3 });
  });

  test('an output that cannot be written is told by the compiler itself', async () => {
    const dir = join(farm.dir, 'no-place');
    mkdirSync(dir);
    writeFileSync(join(dir, 'n.c'), 'int n;\n');
    const words = ['gcc', '-c', 'n.c', '-o', 'missing/n.o'];
    const local = compileLocally(words, dir);
    expect(local.code).not.toBe(0);
    const remote = await farm.cc('client', words, dir);
    expect(remote.code).toBe(local.code);
    // The temporary assembler file has a random name.
    const steady = (text: string): string => text.replace(/\/tmp\/cc\w+/g, '/tmp/ccX');
    expect(steady(remote.stderr)).toBe(steady(local.stderr));
  });

  test('a compiler named by its path in CC or CXX', async () => {
    const dir = join(farm.dir, 'named');
    mkdirSync(dir);
    writeProject(dir, 2);
    const built = await farm.build(['make'], dir, { CXX: '/usr/bin/g++' });
    expect(built.code, built.stderr).toBe(0);
    expect(built.report).toMatchObject({ units: 2, remote: 2 });
  });

  test('CMake by launcher variables, ninja or make, and status while it runs', async () => {
    const dir = join(farm.dir, 'cmake');
    mkdirSync(dir);
    writeProject(dir, 6);
    writeFileSync(
      join(dir, 'CMakeLists.txt'),
      'cmake_minimum_required(VERSION 3.17)\nproject(p CXX)\nfile(GLOB S src/*.cc)\nadd_library(p STATIC ${S})\ntarget_include_directories(p PRIVATE include)\n',
    );
    const configured = await farm.build(['cmake', '-B', 'b', '-S', '.'], dir);
    expect(configured.code, configured.stderr).toBe(0);
    expect(configured.report.units).toBe(0);
    const building = farm.build(['cmake', '--build', 'b'], dir);
    const busy = await until('a machine has tasks in its hands', async () => {
      const status = await farm.status('client');
      return status.machines.some((machine) => machine.tasks.length > 0) ? status : null;
    });
    expect(busy.machines.map((machine) => machine.name).sort()).toEqual(['w1', 'w2']);
    const lender = await until('a worker says for whom it works', async () => {
      for (const name of ['w1', 'w2']) {
        const [lending] = (await farm.status(name)).lending;
        if (lending !== undefined) return lending;
      }
      return null;
    });
    expect(lender.delegator).toBe('client');
    const built = await building;
    expect(built.code, built.stderr).toBe(0);
    expect(built.report).toMatchObject({ units: 6, remote: 6 });
  });
});
