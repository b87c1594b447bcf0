// What files tell: power, lid, logins, loads, memory; fake roots, and the kernel's own figures for a real child.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ForeignLoad, readMemoryPressure } from './load.ts';
import { lastTypedAtOwn, lastTypedMs, readLogins, readTerminals } from './logins.ts';
import { lidClosed, onBattery } from './power.ts';
import { PresenceRig } from './test-rig.ts';

let rig: PresenceRig;
beforeEach(() => {
  rig = new PresenceRig();
});
afterEach(() => rig.close());

describe('power', () => {
  const supply = (name: string, values: Record<string, string>): void => {
    for (const [of, text] of Object.entries(values)) rig.write(`sys/class/power_supply/${name}/${of}`, `${text}\n`);
  };
  const battery = (): boolean | null => onBattery(rig.roots.sysRoot);

  test('a laptop: on its battery only when no plug is in and it discharges', () => {
    supply('BAT0', { type: 'Battery', status: 'Discharging', present: '1' });
    supply('AC', { type: 'Mains', online: '0' });
    expect(battery()).toBe(true);
    supply('ucsi-source-psy-1', { type: 'USB', online: '1' });
    expect(battery()).toBe(false);
    supply('ucsi-source-psy-1', { type: 'USB', online: '0' });
    supply('BAT0', { status: 'Charging' });
    expect(battery()).toBe(false);
  });

  test('a desktop with a wireless mouse, a machine with nothing, a battery that was taken out: not known', () => {
    expect(battery()).toBeNull();
    supply('hidpp_battery_0', { type: 'Battery', scope: 'Device', status: 'Discharging' });
    expect(battery()).toBeNull();
    supply('BAT1', { type: 'Battery', present: '0', status: 'Discharging' });
    expect(battery()).toBeNull();
    supply('BAT2', { type: '\0\0', status: 'x'.repeat(10_000) });
    expect(battery()).toBeNull();
  });

  test('the lid', () => {
    expect(lidClosed(rig.roots.procRoot)).toBeNull();
    rig.write('proc/acpi/button/lid/LID0/state', 'state:      open\n');
    expect(lidClosed(rig.roots.procRoot)).toBe(false);
    rig.write('proc/acpi/button/lid/LID0/state', 'state:      closed\n');
    expect(lidClosed(rig.roots.procRoot)).toBe(true);
    rig.write('proc/acpi/button/lid/LID0/state', 'state:      unsupported\n');
    expect(lidClosed(rig.roots.procRoot)).toBeNull();
  });
});

describe('logins', () => {
  const entry = (type: number, line: string, host = ''): Buffer => {
    const bytes = Buffer.alloc(384);
    bytes.writeInt16LE(type);
    bytes.write(line, 8, 'latin1');
    bytes.write(host, 76, 'latin1');
    return bytes;
  };
  const logins = (...entries: Buffer[]): string[] | null => {
    rig.write('run/utmp', Buffer.concat(entries));
    return (
      readLogins(rig.roots.runRoot, rig.roots.devRoot)?.map(
        (each) => `${each.kind} ${each.surface} ${each.tty}${each.display}`,
      ) ?? null
    );
  };

  test('of a list: console, display, ssh; not terminal windows, not what ended, not what is broken', () => {
    expect(readLogins(rig.roots.runRoot, rig.roots.devRoot)).toBeNull();
    rig.write('dev/pts/3', '');
    rig.write('dev/pts/4', '');
    expect(
      logins(
        entry(2, '~'),
        entry(7, 'tty3'),
        entry(7, 'tty7', ':0'),
        entry(7, ':1', ':1'),
        entry(7, 'pts/3', 'laptop.example'),
        entry(7, 'pts/4', ':0'),
        entry(7, 'pts/9', 'gone.example'),
        entry(8, 'tty4'),
        entry(7, '../../etc/passwd'),
        Buffer.alloc(100, 7),
      ),
    ).toEqual(['local terminal tty3', 'local graphical tty7:0', 'local graphical :1', 'remote terminal pts/3']);
  });

  test('the last key at a terminal is its access time', () => {
    const file = rig.write('dev/pts/5', '');
    rig.write('dev/pts/ptmx', '');
    fs.utimesSync(file, 1_700_000_000, 1_800_000_000);
    expect(lastTypedMs(rig.roots.devRoot, 'pts/5')).toBe(1_700_000_000_000);
    expect(lastTypedAtOwn(rig.roots.devRoot, fs.statSync(file).uid)).toBe(1_700_000_000_000);
    expect(lastTypedAtOwn(rig.roots.devRoot, 12_345)).toBeNull();
    expect(readTerminals(rig.roots.devRoot).map((each) => each.tty)).toEqual(['pts/5']);
    expect(lastTypedMs(rig.roots.devRoot, 'pts/6')).toBeNull();
    expect(lastTypedMs(rig.roots.devRoot, '../run/utmp')).toBeNull();
  });
});

describe('load that is not ours', () => {
  /** Ticks: busy and idle of the machine, of the agent (with its ended children), of a task. */
  const machine = (busy: number, idle: number, agent: number, task: number | null): void => {
    rig.write('proc/stat', `cpu  ${busy} 0 0 ${idle} 0 0 0 500 0 0\ncpu0 1 2 3\n`);
    const stat = (pid: number, name: string, own: number, ended: number): void => {
      rig.write(`proc/${pid}/stat`, `${pid} (${name}) S 1 1 1 0 -1 4194304 0 0 0 0 ${own} 0 ${ended} 0 39 19 1 0 0\n`);
    };
    stat(100, 'agent', 5, agent - 5);
    rig.write('proc/100/task/100/children', task === null ? '' : '200 ');
    if (task === null) fs.rmSync(join(rig.dir, 'proc/200'), { recursive: true, force: true });
    else stat(200, 'a) S 9 (x', task, 0);
  };

  test('is all less the agent, its tasks, and those that ended', () => {
    machine(1000, 1000, 10, 100);
    const load = new ForeignLoad(rig.roots.procRoot, () => [100]);
    expect(load.look()).toBeNull();
    machine(1100, 1000, 10, 180);
    expect(load.look()).toBeCloseTo(0.2);
    // The task has ended: its ticks are the agent's now.
    machine(1150, 1050, 240, null);
    expect(load.look()).toBeCloseTo(0);
    machine(1250, 1050, 240, null);
    expect(load.look()).toBe(1);
    machine(1250, 1150, 240, null);
    expect(load.look()).toBe(0);
  });

  test('is not known where /proc does not tell', () => {
    expect(new ForeignLoad(rig.roots.procRoot, () => [1]).look()).toBeNull();
    rig.write('proc/stat', 'cpu  x y z\n');
    expect(new ForeignLoad(rig.roots.procRoot, () => [1]).look()).toBeNull();
  });

  test('of this machine: a busy child counts as ours when it is said to be, else not', async () => {
    const child = spawn('sh', ['-c', 'while :; do :; done'], { stdio: 'ignore' });
    rig.defer(() => child.kill('SIGKILL'));
    const ours = new ForeignLoad('/proc', () => [process.pid]);
    const others = new ForeignLoad('/proc', () => []);
    const ticks = (): number => {
      const stat = fs.readFileSync(`/proc/${child.pid}/stat`, 'latin1');
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[11]);
    };
    const deadline = performance.now() + 20_000;
    while (ticks() < 30 && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
    const [withOurs, all] = [ours.look() ?? NaN, others.look() ?? NaN];
    expect(all).toBeGreaterThan(0);
    expect(withOurs).toBeLessThan(all - 0.01);
  });
});

test('memory pressure', () => {
  expect(readMemoryPressure(rig.roots.procRoot)).toBeNull();
  rig.write(
    'proc/pressure/memory',
    'some avg10=12.50 avg60=1.00 avg300=0.10 total=1\nfull avg10=3.25 avg60=0 avg300=0 total=0\n',
  );
  expect(readMemoryPressure(rig.roots.procRoot)).toEqual({ some: 12.5, full: 3.25 });
  rig.write('proc/pressure/memory', 'some avg10=\n');
  expect(readMemoryPressure(rig.roots.procRoot)).toBeNull();
});
