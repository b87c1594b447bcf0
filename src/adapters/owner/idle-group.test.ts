// Groups of the real kernel: version 1 for weight and freezing, version 2 for freezing (its cpu controller is version 1's here), and a
// stand-in for systemd-run that makes a scope as systemd does. Needs root, or a delegated group.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findPlaces } from './cgroup-places.ts';
import { openIdleGroup, type IdleGroup } from './idle-group.ts';

const real = findPlaces({ procRoot: '/proc', mountPrefix: '' });
const mayMake = (dir: string | null): boolean => {
  if (dir === null) return false;
  const trial = join(dir, `tender-trial-${process.pid}`);
  try {
    fs.mkdirSync(trial);
    fs.rmdirSync(trial);
    return true;
  } catch {
    return false;
  }
};
const has1 = mayMake(real.cpu) && mayMake(real.freezer);
const has2 = mayMake(real.unified) && fs.existsSync(join(real.unified ?? '', 'cgroup.procs'));
if (!has1 || !has2) console.warn('SKIPPED: some tests of control groups; they need root and both versions');

let dir = '';
let group: IdleGroup | null = null;
const children: ChildProcess[] = [];
beforeEach(() => {
  dir = fs.mkdtempSync(join(os.tmpdir(), 'tender-group-'));
});
afterEach(async () => {
  group?.close();
  group = null;
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  fs.rmSync(dir, { recursive: true, force: true });
});

function sleeper(): ChildProcess & { readonly pid: number } {
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  children.push(child);
  if (child.pid === undefined) throw new Error('sleep did not start');
  return child as ChildProcess & { readonly pid: number };
}

const groupsOf = (place: string | null): string[] =>
  place === null ? [] : fs.readdirSync(place).filter((name) => name.startsWith('tender-'));
const read = (...path: string[]): string => fs.readFileSync(join(...path), 'utf8').trim();
const membership = (pid: number): ReturnType<typeof findPlaces> =>
  findPlaces({ procRoot: '/proc', mountPrefix: '' }, pid);

async function until(what: string, probe: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!probe()) {
    if (performance.now() > deadline) throw new Error(`not within 10 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A view of this machine with the mounts of version 2 alone. */
function onlyVersion2(): string {
  const proc = join(dir, 'proc');
  fs.mkdirSync(join(proc, 'self'), { recursive: true });
  const mounts = fs.readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  fs.writeFileSync(join(proc, 'self/mountinfo'), mounts.filter((line) => line.includes(' - cgroup2 ')).join('\n'));
  // Copied by its text: the kernel gives files of /proc no length.
  fs.writeFileSync(join(proc, 'self/cgroup'), fs.readFileSync('/proc/self/cgroup'));
  return proc;
}

describe.skipIf(!has1)('version 1', () => {
  test('a task is idle, stands still, goes on, and nothing is left', async () => {
    group = await openIdleGroup(dir);
    expect(group?.yields).toBe(true);
    const cell = group?.take();
    const { pid } = sleeper();
    expect(await cell?.enter(pid)).toBe(true);
    const { cpu, freezer } = membership(pid);
    expect(read(cpu ?? '', 'cpu.idle')).toBe('1');
    expect(cell?.freeze()).toBe(true);
    await until('it stands still', () => read(freezer ?? '', 'freezer.state') === 'FROZEN');
    cell?.thaw();
    expect(read(freezer ?? '', 'freezer.state')).toBe('THAWED');
    group?.close();
    group = null;
    expect(fs.existsSync(cpu ?? '')).toBe(false);
    expect(fs.existsSync(freezer ?? '')).toBe(false);
    expect(fs.existsSync(`/proc/${pid}`) && !/\) Z/.test(read('/proc', String(pid), 'stat'))).toBe(false);
  });

  test('cells are used again, thawed', async () => {
    group = await openIdleGroup(dir);
    const first = group?.take();
    const one = sleeper();
    await first?.enter(one.pid);
    const { freezer } = membership(one.pid);
    first?.freeze();
    one.kill('SIGKILL');
    first?.thaw();
    await once(one, 'exit');
    first?.leave();
    const second = group?.take();
    const two = sleeper();
    await second?.enter(two.pid);
    expect(membership(two.pid).freezer).toBe(freezer);
    expect(read(freezer ?? '', 'freezer.state')).toBe('THAWED');
  });

  test('an agent that was killed with a frozen task: the next one ends the task and takes over', async () => {
    const module = fileURLToPath(new URL('idle-group.ts', import.meta.url));
    const script = `
      import { openIdleGroup } from ${JSON.stringify(module)};
      import { spawn } from 'node:child_process';
      const cell = (await openIdleGroup(${JSON.stringify(dir)})).take();
      const child = spawn('sleep', ['1000'], { stdio: 'ignore', detached: true });
      await cell.enter(child.pid);
      cell.freeze();
      process.stdout.write(child.pid + '\\n');
      setInterval(() => undefined, 1000);`;
    const agent = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: ['ignore', 'pipe', 2] });
    children.push(agent);
    const [said] = (await once(agent.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
    const orphan = Number(String(said).trim());
    agent.kill('SIGKILL');
    await once(agent, 'exit');
    expect(fs.existsSync(`/proc/${orphan}`)).toBe(true);
    group = await openIdleGroup(dir);
    await until(
      'the orphan is gone',
      () => !fs.existsSync(`/proc/${orphan}`) || /\) Z/.test(read('/proc', `${orphan}`, 'stat')),
    );
    expect(group?.yields).toBe(true);
  });

  test('what may not be entered says so', async () => {
    group = await openIdleGroup(dir);
    const cell = group?.take();
    expect(await cell?.enter(2 ** 22 + 5)).toBe(false);
    expect(cell?.freeze()).toBe(false);
  });
});

describe.skipIf(!has2)('version 2', () => {
  test('without a weight of its own tasks can still stand still as a whole; killed, they go while frozen', async () => {
    group = await openIdleGroup(dir, { procRoot: onlyVersion2(), systemdRun: null });
    expect(group?.yields).toBe(false);
    const cell = group?.take();
    const child = sleeper();
    expect(await cell?.enter(child.pid)).toBe(true);
    const place = membership(child.pid).unified ?? '';
    expect(cell?.freeze()).toBe(true);
    await until('it stands still', () => /^frozen 1$/m.test(read(place, 'cgroup.events')));
    child.kill('SIGKILL');
    await once(child, 'exit');
    group?.close();
    group = null;
    expect(fs.existsSync(place)).toBe(false);
  });

  test('a scope of systemd’s: asked for as idle and delegated, left when the group is closed', async () => {
    const systemdRun = join(dir, 'systemd-run');
    const proc = onlyVersion2();
    const place = real.unified ?? '';
    const script = `echo "$@" >${dir}/said
for word in "$@"; do case $word in --unit=*) unit=\${word#--unit=} ;; esac; done
mkdir ${place}/$unit.scope ${proc}/$$ || exit 1
echo $$ >${place}/$unit.scope/cgroup.procs
cp /proc/self/cgroup ${proc}/$$/cgroup
while [ "$1" != -- ]; do shift; done
shift
exec "$@"`;
    fs.writeFileSync(systemdRun, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    group = await openIdleGroup(dir, { procRoot: proc, systemdRun });
    expect(fs.readFileSync(join(dir, 'said'), 'utf8')).toContain(
      '--slice=-.slice --property=CPUWeight=idle --property=Delegate=yes',
    );
    expect(group?.yields).toBe(true);
    const child = sleeper();
    const cell = group?.take();
    expect(await cell?.enter(child.pid)).toBe(true);
    const scope = join(membership(child.pid).unified ?? '', '../..');
    expect(scope).toMatch(/tender-[0-9a-f]{12}-\d+-idle\.scope$/);
    expect(cell?.freeze()).toBe(true);
    group?.close();
    group = null;
    // systemd removes the scope of which nobody is left.
    await until('nobody holds the scope', () => read(scope, 'cgroup.procs') === '');
    fs.rmdirSync(scope);
  });

  test('an older systemd knows no word for idle: the least weight', async () => {
    const systemdRun = join(dir, 'systemd-run');
    const script = `echo "$@" >>${dir}/said; case "$*" in *CPUWeight=idle*) exit 1 ;; esac; exec sleep 1000`;
    fs.writeFileSync(systemdRun, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    // It says nothing then, which is waited for only so long.
    group = await openIdleGroup(dir, { procRoot: onlyVersion2(), systemdRun });
    expect(group?.yields).toBe(false);
    const said = fs.readFileSync(join(dir, 'said'), 'utf8').trim().split('\n');
    expect(said.map((line) => /CPUWeight=(\w+)/.exec(line)?.[1])).toEqual(['idle', '1']);
  });

  test('a systemd-run that fails: as if there were none', async () => {
    const systemdRun = join(dir, 'systemd-run');
    fs.writeFileSync(systemdRun, '#!/bin/sh\nexit 1\n', { mode: 0o755 });
    group = await openIdleGroup(dir, { procRoot: onlyVersion2(), systemdRun });
    expect(group?.yields).toBe(false);
  });

  test('nothing that may be made: no group', async () => {
    const proc = join(dir, 'empty');
    fs.mkdirSync(proc);
    expect(await openIdleGroup(dir, { procRoot: proc, systemdRun: null })).toBeNull();
    expect(groupsOf(real.unified)).toEqual([]);
  });
});

describe('places', () => {
  test('are found where a part of the hierarchy is mounted, as in a container', () => {
    const proc = join(dir, 'proc');
    fs.mkdirSync(join(proc, 'self'), { recursive: true });
    fs.mkdirSync(join(dir, 'cg/cpu,cpuacct/inner'), { recursive: true });
    fs.writeFileSync(join(dir, 'cg/cpu,cpuacct/inner/cgroup.procs'), '');
    const mount = '30 24 0:26 /docker/abc /cg/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n';
    fs.writeFileSync(join(proc, 'self/mountinfo'), mount);
    fs.writeFileSync(join(proc, 'self/cgroup'), '4:cpu,cpuacct:/docker/abc/inner\n');
    const found = findPlaces({ procRoot: proc, mountPrefix: dir });
    expect(found).toEqual({ cpu: join(dir, 'cg/cpu,cpuacct/inner'), freezer: null, unified: null });
  });
});
