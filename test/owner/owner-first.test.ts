// The owner comes back while a compile of somebody else's runs: it stands still, goes on when they leave again, or is ended and done
// elsewhere. `tender pause` stands for the owner here; the way from there on is the same.
import { spawnSync } from 'node:child_process';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { findPlaces } from '../../src/adapters/owner/cgroup-places.ts';
import { TestFarm, until, type AgentOptions } from '../e2e/support.ts';

/** For what an idle group does: on a busy machine it gets next to nothing. */
const patientMs = 120_000;

let farm: TestFarm | null = null;
afterEach(async () => {
  await farm?.close();
  farm = null;
});

/** All compilers of the unit with this marker. */
function compilers(marker: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      const words = /^\d+$/.test(pid) ? readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0') : [];
      return basename(words[0] ?? '') === 'cc1plus' && words.some((word) => word.includes(marker));
    } catch {
      return false;
    }
  });
}

/** Their states, as ps shows them. */
function compilerStates(marker: string): string[] {
  return compilers(marker).flatMap((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      return [stat.slice(stat.lastIndexOf(')') + 2)[0] ?? ''];
    } catch {
      return [];
    }
  });
}

const workerOptions = (config: string, niceness: number): AgentOptions => ({
  slots: 1,
  niceness,
  config: `[owner]\npresence = false\n${config}`,
});

async function startSlowCompile(
  config: string,
  niceness = 0,
  more: AgentOptions = {},
  rounds = 1_500_000,
): Promise<{ marker: string; done: ReturnType<TestFarm['build']> }> {
  farm = new TestFarm();
  await farm.startClient({ own_slots: 0 });
  await farm.addWorker('w1', { ...workerOptions(config, niceness), ...more });
  const marker = `SLOW_${basename(farm.dir).replaceAll('-', '_')}`;
  // Some seconds of the compiler's time, enough to be stopped in the midst of them.
  const text = `constexpr long f() { long s = 0; for (long i = 0; i < ${rounds}; i++) s ^= i; return s; }\nstatic_assert(f() >= 0);\n`;
  writeFileSync(join(farm.dir, 'slow.cc'), text);
  const limits = '-fconstexpr-ops-limit=99999999999 -fconstexpr-loop-limit=2147483647';
  const done = farm.build(['sh', '-c', `g++ -D${marker} ${limits} -c slow.cc -o slow.o`], farm.dir);
  await until('the compiler runs at the worker', () => (compilerStates(marker).length > 0 ? true : null), patientMs);
  return { marker, done };
}

test('frozen when the grace is over, thawed when the owner leaves again; the result comes as if nothing had been', async () => {
  const { marker, done } = await startSlowCompile('grace_seconds = 0.1\nfreeze_seconds = 600');
  const here = farm as TestFarm;
  const paused = await here.cli('w1', ['pause', '1h']);
  expect(paused.stdout).toMatch(/^not helping: paused by you until/);
  await until('the compiler stands still', () => (compilerStates(marker).join('') === 'T' ? true : null));
  expect((await here.cli('w1', ['resume'])).stdout).toMatch(/^helping/);
  await until('it goes on', () => (compilerStates(marker).includes('T') ? null : true));
  const { code, report } = await done;
  expect(code).toBe(0);
  expect(report).toMatchObject({ remote: 1, local: 0 });
});

test('an owner who stays: the compile is ended there, and done here', async () => {
  const { marker, done } = await startSlowCompile('grace_seconds = 0.1\nfreeze_seconds = 0.1');
  await (farm as TestFarm).cli('w1', ['pause']);
  const { code, report } = await done;
  expect(code).toBe(0);
  expect(report).toMatchObject({ remote: 0, local: 1 });
  expect(compilerStates(marker)).toEqual([]);
});

const mayMount = spawnSync('unshare', ['-m', 'true']).status === 0;
if (!mayMount) console.warn('SKIPPED: the test of a plug that is pulled needs root, for other files in place of /sys');

test.skipIf(!mayMount)('the plug is pulled: nothing waits for a grace', async () => {
  const power = mkdtempSync(join(tmpdir(), 'tender-power-'));
  try {
    mkdirSync(join(power, 'BAT0'));
    writeFileSync(join(power, 'BAT0/type'), 'Battery\n');
    const status = join(power, 'BAT0/status');
    writeFileSync(status, 'Full\n');
    const mounts = `mount -t tmpfs none /sys/class && mkdir /sys/class/power_supply && mount --bind ${power} /sys/class/power_supply && exec "$@"`;
    // A machine of which nothing tells but its battery.
    const nobody = ['-u', 'DISPLAY', '-u', 'WAYLAND_DISPLAY', 'DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nowhere'];
    const options = {
      prefix: ['unshare', '-m', 'env', ...nobody, 'sh', '-c', mounts, 'sh'],
      config: '[owner]\ngrace_seconds = 3600\nfreeze_seconds = 3600',
    };
    // The battery is looked at every few seconds only: the compile must outlast that.
    const { marker, done } = await startSlowCompile('', 0, options, 4_000_000);
    writeFileSync(status, 'Discharging\n');
    const { code, report } = await done;
    expect(code).toBe(0);
    expect(report).toMatchObject({ remote: 0, local: 1 });
    expect(compilers(marker)).toEqual([]);
    expect((await (farm as TestFarm).cli('w1', ['why'])).stdout).toBe('not helping: on battery\n');
  } finally {
    rmSync(power, { recursive: true, force: true });
  }
});

const { cpu, freezer } = findPlaces({ procRoot: '/proc', mountPrefix: '' });
const mayGroup = cpu !== null && freezer !== null && mayWrite(cpu) && mayWrite(freezer);
if (!mayGroup)
  console.warn('SKIPPED: tests of control groups in a farm; they need version 1 and the right to make groups');

function mayWrite(dir: string): boolean {
  try {
    accessSync(dir, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** The directories of the group in which a compiler runs. */
async function groupsOf(marker: string): Promise<{ readonly cpu: string; readonly cell: string }> {
  return until(
    'the compiler is in a group',
    () => {
      const [pid] = compilers(marker);
      const places = pid === undefined ? null : findPlaces({ procRoot: '/proc', mountPrefix: '' }, Number(pid));
      if (places?.cpu?.includes('/tender-') !== true || places.freezer === null) return null;
      return { cpu: places.cpu, cell: places.freezer };
    },
    patientMs,
  );
}

/** An idle group gets nothing on a machine that is busy otherwise, and these tests are not about that. */
function hurry(group: string): void {
  writeFileSync(join(group, 'cpu.idle'), '0');
}

const stateOf = (cell: string): string => readFileSync(join(cell, 'freezer.state'), 'utf8').trim();

describe.skipIf(!mayGroup)('where control groups are to be had', () => {
  test('a compile runs in an idle one, is frozen and thawed in it, and nothing of it is left when the agent stops', async () => {
    const { marker, done } = await startSlowCompile('grace_seconds = 0.1\nfreeze_seconds = 600', 19);
    const here = farm as TestFarm;
    const { cpu: group, cell } = await groupsOf(marker);
    expect(readFileSync(join(group, 'cpu.idle'), 'utf8').trim()).toBe('1');
    hurry(group);
    await here.cli('w1', ['pause', '1h']);
    await until('it stands still', () => (stateOf(cell) === 'FROZEN' ? true : null));
    await here.cli('w1', ['resume']);
    await until('it goes on', () => (stateOf(cell) === 'THAWED' ? true : null));
    const { code, report } = await done;
    expect(code).toBe(0);
    expect(report).toMatchObject({ remote: 1, local: 0 });
    await here.cli('w1', ['stop']);
    await until('the groups are gone', () => (existsSync(group) || existsSync(join(cell, '..')) ? null : true));
  });

  test('an owner who stays: what is frozen is ended there, and done here', async () => {
    const { marker, done } = await startSlowCompile('grace_seconds = 0.1\nfreeze_seconds = 0.1', 19);
    hurry((await groupsOf(marker)).cpu);
    await (farm as TestFarm).cli('w1', ['pause']);
    const { code, report } = await done;
    expect(code).toBe(0);
    expect(report).toMatchObject({ remote: 0, local: 1 });
    expect(compilers(marker)).toEqual([]);
  });

  test('an agent that is killed while its tasks are frozen: the next one ends them', async () => {
    const { marker, done } = await startSlowCompile('grace_seconds = 0.1\nfreeze_seconds = 600', 19);
    const here = farm as TestFarm;
    const { cpu: group, cell } = await groupsOf(marker);
    hurry(group);
    await here.cli('w1', ['pause', '1h']);
    await until('it stands still', () => (stateOf(cell) === 'FROZEN' ? true : null));
    const worker = here.agents.find((agent) => agent.name === 'w1');
    worker?.child.kill('SIGKILL');
    expect((await done).report).toMatchObject({ remote: 0, local: 1 });
    expect(compilers(marker)).toHaveLength(1);
    await here.startAgent('w1', workerOptions('', 19));
    await until('the old compiler is gone', () => (compilers(marker).length === 0 ? true : null));
  });
});
