// Bad luck, for real: machines that die, freeze, fill up or differ; builds that are interrupted; strangers at every door.
import { spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
  appendFileSync,
  realpathSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { afterEach, describe, expect, test } from 'vitest';
import { compileLocally, contentsOf, launcher, processesOf, TestFarm, until, writeProject } from './support.ts';

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn('SKIPPED: tests that mount file systems need root');

let farm: TestFarm | null = null;
afterEach(async () => {
  await farm?.close();
  farm = null;
});

function project(of: TestFarm, units: number): string {
  const dir = join(of.dir, 'project');
  mkdirSync(dir);
  writeProject(dir, units);
  return dir;
}

async function expectSameAsLocal(dir: string): Promise<void> {
  const remote = contentsOf(join(dir, 'out'));
  rmSync(join(dir, 'out'), { recursive: true });
  expect(compileLocally(['make', '-j2'], dir).code).toBe(0);
  const local = contentsOf(join(dir, 'out'));
  expect([...remote.keys()].sort()).toEqual([...local.keys()].sort());
  for (const [name, bytes] of local) expect(remote.get(name)?.equals(bytes), name).toBe(true);
}

const someBack = (of: TestFarm, units: number): Promise<true> =>
  until(
    `${units} units are back`,
    async () => ((await of.status('client')).total.units >= units ? true : null),
    60_000,
  );

describe('workers', () => {
  test('one killed and one frozen in mid-build: complete, identical, nothing lost', async () => {
    farm = await TestFarm.start(3);
    const dir = project(farm, 24);
    const building = farm.build(['make', '-j12'], dir);
    await someBack(farm, 4);
    farm.agents[1]?.child.kill('SIGKILL');
    farm.agents[2]?.child.kill('SIGSTOP');
    const built = await building;
    expect(built.code, built.stderr).toBe(0);
    expect(built.report.units).toBe(24);
    await expectSameAsLocal(dir);
  });

  test('nobody there: the build runs here, at once', async () => {
    farm = new TestFarm();
    await farm.startClient({ own_slots: 2, nobody_after_ms: 100 });
    const dir = project(farm, 4);
    const built = await farm.build(['make', '-j4'], dir);
    expect(built.code).toBe(0);
    expect(built.report).toMatchObject({ units: 4, remote: 0, local: 4 });
  });

  test('named in a list instead of heard by multicast', async () => {
    farm = new TestFarm();
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    await farm.startClient({ announce: ['list'], peers: [`127.0.0.1:${port}`] });
    await farm.addWorker('w1', { announce: ['list'], port });
    const dir = project(farm, 3);
    const built = await farm.build(['make', '-j3'], dir);
    expect(built.report).toMatchObject({ units: 3, remote: 3 });
  });

  test('named in a list, where sessions and multicast groups use one port, as by default', async () => {
    farm = new TestFarm();
    await farm.startClient({ announce: ['list'], peers: ['127.0.0.1'] });
    await farm.addWorker('w1', { announce: ['multicast', 'list'], port: 'group' });
    expect((await farm.status('w1')).agent).toMatchObject({ port: farm.groupPort, problems: [] });
    const built = await farm.build(['make', '-j3'], project(farm, 3));
    expect(built.report).toMatchObject({ units: 3, remote: 3 });
  });

  test.skipIf(!isRoot)('another compiler: said in the offer, shown in status', async () => {
    farm = await TestFarm.start(0, { own_slots: 0, nobody_after_ms: 3_000 });
    const driver = realpathSync('/usr/bin/g++');
    const other = join(farm.dir, 'other-g++');
    copyFileSync(driver, other);
    chmodSync(other, 0o755);
    appendFileSync(other, 'another build of the same compiler');
    await farm.addWorker('odd', {
      prefix: ['unshare', '-m', 'sh', '-c', `mount --bind '${other}' '${driver}' && exec "$@"`, 'sh'],
    });
    const dir = project(farm, 2);
    const built = await farm.build(['make', '-j2'], dir);
    expect(built.report).toMatchObject({ units: 2, remote: 0, local: 2 });
    const here = farm;
    const status = await until('the worker says why not', async () => {
      const machine = (await here.status('client')).machines[0];
      return machine !== undefined && machine.remark !== '' ? machine : null;
    });
    expect(status.remark).toMatch(/^g\+\+ .* there has other files than the one here$/);
    expect((await farm.cli('client', ['status'])).stdout).toContain(status.remark);
  });

  test.skipIf(!isRoot)('a full disk: that worker fails, the build does not', async () => {
    farm = await TestFarm.start(1);
    const small = mkdtempSync(join(tmpdir(), 'tender-small-'));
    expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', small]).status).toBe(0);
    try {
      const home = join(small, 'home');
      await farm.addWorker('small', { home });
      await farm.cli('client', ['status']);
      const dir = project(farm, 12);
      const built = await farm.build(['make', '-j8'], dir);
      expect(built.code, built.stderr).toBe(0);
      expect(built.report.units).toBe(12);
      expect(farm.logOf('client')).toContain('disk-full');
      await expectSameAsLocal(dir);
      await farm.close();
    } finally {
      spawnSync('umount', ['-l', small]);
      rmSync(small, { recursive: true });
    }
  });
});

describe('the build', () => {
  test('Ctrl-C in mid-build: nothing left running, no half-written object, slots free again', async () => {
    farm = await TestFarm.start(2);
    const here = farm;
    const dir = project(farm, 40);
    const child = spawn(process.execPath, ['dist/apps/main.js', 'build', '--', 'make', '-C', dir, '-j8'], {
      env: farm.env('client'),
      stdio: 'ignore',
      detached: true,
    });
    const ended = new Promise((resolve) => child.on('exit', resolve));
    await someBack(farm, 3);
    process.kill(-(child.pid as number), 'SIGINT');
    await ended;
    await until(
      'every launcher and compiler is gone',
      () => (processesOf(dir).filter((pid) => pid !== child.pid).length === 0 ? true : null),
      5_000,
    );
    await until(
      'the workers have nothing in their hands',
      async () => {
        const status = await here.status('client');
        return status.waiting === 0 && status.machines.every((machine) => machine.tasks.length === 0) ? true : null;
      },
      5_000,
    );
    await until(
      'no temporary file is left',
      () => (readdirSync(join(dir, 'out')).every((name) => !name.startsWith('.tender')) ? true : null),
      5_000,
    );
    const objects = readdirSync(join(dir, 'out')).filter((name) => name.endsWith('.o'));
    expect(objects.length).toBeGreaterThan(0);
    expect(objects.length).toBeLessThan(40);
    const kept = new Map(objects.map((name) => [name, readFileSync(join(dir, 'out', name))]));
    rmSync(join(dir, 'out'), { recursive: true });
    expect(compileLocally(['make', '-j2'], dir).code).toBe(0);
    for (const [name, bytes] of kept) expect(readFileSync(join(dir, 'out', name)).equals(bytes), name).toBe(true);
  });

  test('the client’s agent killed in mid-build: the launchers finish the build', async () => {
    farm = await TestFarm.start(1);
    const dir = project(farm, 10);
    const building = farm.cli('client', ['build', '--', 'make', '-j4'], { cwd: dir });
    await someBack(farm, 2);
    farm.agents[0]?.child.kill('SIGKILL');
    const built = await building;
    expect(built.code, built.stderr).toBe(0);
    await expectSameAsLocal(dir);
  });

  test('the client’s agent frozen: the launchers finish the build', async () => {
    farm = await TestFarm.start(1);
    const dir = project(farm, 6);
    const make = farm.run(['make', '-j6', `CXX=${launcher} g++`], { cwd: dir, env: farm.env('client') });
    await someBack(farm, 1);
    farm.agents[0]?.child.kill('SIGSTOP');
    const built = await make;
    expect(built.code, built.stderr).toBe(0);
    await expectSameAsLocal(dir);
  });
});

describe('criteria and choice', () => {
  test('what a build needs keeps machines out that lack it, and a mistake in it is told with its place', async () => {
    farm = await TestFarm.start(1, { nobody_after_ms: 2_000, policy: 'first' });
    const dir = project(farm, 2);
    const wrong = await farm.cli('client', ['build', '--needs', 'mem.free >= 2 parsecs', '--', 'make'], { cwd: dir });
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toMatch(/--needs: mem.free .*2GiB \(at character 13 of/);
    const asked = [
      'cpu.cores >= 1 && mem.free >= 64MiB && load < 1000 && arch == "x86_64" || arch == "aarch64"',
      'cpu.cores >= 5000',
    ];
    for (const [index, needs] of asked.entries()) {
      rmSync(join(dir, 'out'), { recursive: true, force: true });
      const ran = await farm.cli('client', ['build', '--json', '--needs', needs, '--', 'make', '-s'], { cwd: dir });
      expect(ran.code, ran.stderr).toBe(0);
      const report = JSON.parse(ran.stdout.trim().split('\n').at(-1) as string) as { remote: number; local: number };
      expect(report).toMatchObject(index === 0 ? { remote: 2, local: 0 } : { remote: 0, local: 2 });
    }
    expect((await farm.status('client')).machines[0]?.remark).toMatch(/cores.*5000/);
  });
});

describe('a machine without user namespaces', () => {
  test('takes no tasks, and says so to its owner and to the build', async () => {
    farm = await TestFarm.start(0, { nobody_after_ms: 3_000 });
    const forbid = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"';
    await farm.addWorker('closed', { prefix: ['unshare', '-Ur', 'sh', '-c', forbid, 'sh'] });
    const owner = await farm.cli('closed', ['status']);
    expect(owner.stdout).toMatch(/lends nothing: .*namespaces/);
    const dir = project(farm, 2);
    const built = await farm.build(['make', '-j2'], dir);
    expect(built.code, built.stderr).toBe(0);
    expect(built.report).toMatchObject({ units: 2, remote: 0, local: 2 });
    expect((await farm.status('client')).machines[0]?.remark).toMatch(/namespaces/);
  });
});

describe('an ordinary user', () => {
  test.skipIf(!isRoot)('builds on the farm, and is told of an unwritable directory as by the compiler', async () => {
    farm = new TestFarm();
    farm.uid = 65534;
    await farm.startClient();
    await farm.addWorker('w1');
    const dir = project(farm, 3);
    mkdirSync(join(dir, 'out'));
    farm.giveAway(join(dir, 'out'));
    const built = await farm.build(['make', '-j3'], dir);
    expect(built.code, built.stderr).toBe(0);
    expect(built.report).toMatchObject({ units: 3, remote: 3 });
    const locked = join(dir, 'locked');
    mkdirSync(locked);
    writeFileSync(join(dir, 'one.c'), 'int one;\n');
    const words = ['gcc', '-c', 'one.c', '-o', 'locked/one.o'];
    const refused = await farm.cc('client', words, dir);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/can't create locked\/one\.o: Permission denied/);
    expect(readdirSync(locked)).toEqual([]);
    expect((await farm.status('client')).total.reasons).toMatchObject({ 'output-not-written': 1 });
  });
});

describe('the agent', () => {
  test('is one per TENDER_HOME, starts over a dead one’s socket, and ends cleanly', async () => {
    farm = await TestFarm.start(0);
    const second = await farm.cli('client', ['agent']);
    expect(second.code).toBe(1);
    expect(second.stderr).toMatch(/an agent runs already/);
    farm.agents[0]?.child.kill('SIGKILL');
    await until('the killed agent is gone', () => (farm?.agents[0]?.child.signalCode != null ? true : null));
    expect(existsSync(join(farm.homeOf('client'), 'run/agent.sock'))).toBe(true);
    expect((await farm.cli('client', ['status', '--json'], { env: { TENDER_NO_START: '0' } })).code).toBe(0);
    const stopped = await farm.cli('client', ['stop', '--json']);
    expect(JSON.parse(stopped.stdout)).toMatchObject({ stopped: true });
    expect(existsSync(join(farm.homeOf('client'), 'run/agent.sock'))).toBe(false);
    const { child } = await farm.startAgent('client');
    child.kill('SIGTERM');
    await until('it ends by SIGTERM', () => (child.exitCode === null ? null : true));
    expect(child.exitCode).toBe(0);
  });

  test('without a cluster it listens on nothing but its own socket', async () => {
    farm = new TestFarm();
    farm.prepare('alone', { own_slots: 2 });
    const agent = await farm.startAgent('alone');
    const inodes = new Set(
      readdirSync(`/proc/${agent.pid}/fd`).flatMap((fd) => {
        try {
          return [/^socket:\[(\d+)\]$/.exec(realpathOfLink(`/proc/${agent.pid}/fd/${fd}`))?.[1] ?? ''];
        } catch {
          return [];
        }
      }),
    );
    for (const table of ['tcp', 'tcp6', 'udp', 'udp6']) {
      const rows = readFileSync(`/proc/${agent.pid}/net/${table}`, 'utf8').trim().split('\n').slice(1);
      for (const row of rows) expect(inodes.has(row.trim().split(/\s+/)[9] ?? '?'), `${table}: ${row}`).toBe(false);
    }
    expect(inodes.size).toBeGreaterThan(1);
  });

  test('garbage on every port and strangers without a certificate change nothing', async () => {
    farm = await TestFarm.start(1);
    const status = await farm.status('client');
    const port = status.agent.port as number;
    const garbage = Buffer.from(Array.from({ length: 4096 }, (_, index) => (index * 7919) & 255));
    for (let round = 0; round < 20; round++) {
      await new Promise<void>((resolve) => {
        const socket = connect(port, '127.0.0.1', () => socket.end(garbage));
        socket.on('error', () => resolve());
        socket.on('close', () => resolve());
        socket.resume();
      });
      const datagrams = createSocket('udp4');
      await new Promise<void>((resolve) =>
        datagrams.send(garbage.subarray(0, 50 + 50 * round), port, '127.0.0.1', () => resolve()),
      );
      datagrams.close();
      await new Promise<void>((resolve) => {
        const socket = connect(join((farm as TestFarm).homeOf('client'), 'run/agent.sock'), () => socket.end(garbage));
        socket.on('error', () => resolve());
        socket.on('close', () => resolve());
        socket.resume();
      });
    }
    const refused = await new Promise<string>((resolve) => {
      const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['h2'] });
      socket.on('error', (error) => resolve(error.message));
      socket.on('close', () => resolve('closed'));
      socket.resume();
    });
    expect(refused).toMatch(/certificate|closed|reset|disconnected/i);
    const dir = project(farm, 3);
    const built = await farm.build(['make', '-j3'], dir);
    expect(built.report).toMatchObject({ units: 3, remote: 3 });
  });

  test('a broken configuration is told with its place', async () => {
    farm = new TestFarm();
    const home = farm.prepare('odd', {});
    for (const [text, said] of [
      ['[work]\nslots = "many"\n', /config\.toml:2: work\.slots/],
      ['[work\n', /config\.toml:1:/],
      ['[works]\n', /works/],
    ] as const) {
      writeFileSync(join(home, 'config.toml'), text);
      const ran = await farm.cli('odd', ['agent']);
      expect(ran.code).toBe(1);
      expect(ran.stderr).toMatch(said);
      expect(ran.stderr).not.toMatch(/\n\s+at /);
    }
  });
});

function realpathOfLink(path: string): string {
  return spawnSync('readlink', [path], { encoding: 'utf8' }).stdout.trim();
}
