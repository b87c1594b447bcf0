// Machines of several kinds, as their /proc and /sys look, and this one.
import fs from 'node:fs';
import os from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readMachine } from './read.ts';

let dir = '';
beforeEach(() => {
  dir = fs.mkdtempSync(join(os.tmpdir(), 'tender-machine-'));
});
afterEach(() => fs.rmSync(dir, { recursive: true, force: true }));

function machine(files: Record<string, string>, allowedCores = 8) {
  for (const [path, text] of Object.entries(files)) {
    fs.mkdirSync(dirname(join(dir, path)), { recursive: true });
    fs.writeFileSync(join(dir, path), text);
  }
  return readMachine({ procRoot: join(dir, 'proc'), sysRoot: join(dir, 'sys'), allowedCores });
}

const desktop = {
  'proc/cpuinfo':
    'processor\t: 0\nmodel name\t: Some(R)  CPU 9000\ncpu MHz\t\t: 1200.000\n\nprocessor\t: 1\nmodel name\t: Some(R)  CPU 9000\ncpu MHz\t\t: 3100.5\n',
  'proc/meminfo':
    'MemTotal:       16000000 kB\nMemFree:         1000000 kB\nMemAvailable:    9000000 kB\nCached: 100 kB\n',
  'proc/loadavg': '4.00 2.50 1.20 3/412 12345\n',
  'proc/pressure/cpu': 'some avg10=12.34 avg60=1.00 avg300=0.10 total=1234\nfull avg10=9.00 avg60=0 avg300=0 total=0\n',
  'proc/self/cgroup': '0::/user.slice/app.scope\n',
  'sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq': '4700000\n',
  'sys/devices/system/cpu/cpu1/cpufreq/cpuinfo_max_freq': '4900000\n',
  'sys/devices/system/cpu/cpufreq/x': '',
};

describe('a reading', () => {
  test('of a desktop', () => {
    expect(machine(desktop)).toEqual({
      arch: os.machine(),
      os: 'linux',
      cores: 8,
      cpuModel: 'Some(R) CPU 9000',
      ghz: 4.9,
      memTotalBytes: 16_000_000 * 1024,
      memFreeBytes: 9_000_000 * 1024,
      load: 0.5,
      pressure: 12.34,
    });
  });

  test('of a virtual machine without a range of clocks, and one that only its name tells', () => {
    const { 'proc/cpuinfo': cpuinfo } = desktop;
    expect(machine({ 'proc/cpuinfo': cpuinfo }).ghz).toBe(3.1);
    fs.rmSync(dir, { recursive: true });
    dir = fs.mkdtempSync(join(os.tmpdir(), 'tender-machine-'));
    expect(machine({ 'proc/cpuinfo': 'model name : Chip CPU @ 2.90GHz\n' }).ghz).toBe(2.9);
  });

  test('of an ARM board that names no processor', () => {
    const reading = machine({ 'proc/cpuinfo': 'processor : 0\nBogoMIPS : 108\n\nModel\t\t: Board 5\n' });
    expect([reading.cpuModel, reading.ghz]).toEqual(['Board 5', 0]);
  });

  test('of a container: quota and memory of its group and of the groups around it', () => {
    const reading = machine({
      ...desktop,
      'sys/fs/cgroup/user.slice/cpu.max': '250000 100000\n',
      'sys/fs/cgroup/user.slice/app.scope/cpu.max': 'max 100000\n',
      'sys/fs/cgroup/user.slice/memory.max': '4000000000\n',
      'sys/fs/cgroup/user.slice/memory.current': '3000000000\n',
      'sys/fs/cgroup/user.slice/memory.stat': 'anon 1\ninactive_file 1000000000\n',
    });
    expect(reading).toMatchObject({ cores: 2, load: 2, memTotalBytes: 4_000_000_000, memFreeBytes: 2_000_000_000 });
  });

  test('of a container with the older groups', () => {
    const reading = machine({
      ...desktop,
      'proc/self/cgroup': '5:cpuacct,cpu:/box\n4:memory:/box\n',
      'sys/fs/cgroup/cpu/box/cpu.cfs_quota_us': '300000\n',
      'sys/fs/cgroup/cpu/box/cpu.cfs_period_us': '100000\n',
      'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
    });
    expect(reading.cores).toBe(3);
  });

  test('where less than a core is allowed, and where affinity leaves fewer than the quota', () => {
    expect(machine({ ...desktop, 'sys/fs/cgroup/cpu.max': '50000 100000\n' }).cores).toBe(1);
    expect(machine({ 'sys/fs/cgroup/cpu.max': '600000 100000\n' }, 4).cores).toBe(4);
  });

  test('of a kernel without available memory, without pressure, with nonsense, with nothing', () => {
    const old = machine({ 'proc/meminfo': 'MemTotal: 1000 kB\nMemFree: 100 kB\nCached: 400 kB\n' });
    expect([old.memFreeBytes, old.pressure]).toEqual([300 * 1024, 0]);
    const nonsense = machine({
      'proc/meminfo': '\0\0',
      'proc/loadavg': 'x',
      'proc/cpuinfo': ':',
      'proc/self/cgroup': '0::',
    });
    expect(nonsense).toMatchObject({ memTotalBytes: 0, memFreeBytes: 0, load: 0, cpuModel: '' });
    const nothing = readMachine({ procRoot: join(dir, 'no'), sysRoot: join(dir, 'no') });
    expect(nothing).toMatchObject({ cores: expect.any(Number), ghz: 0, memFreeBytes: 0, load: 0, pressure: 0 });
  });

  test('of this machine', () => {
    const reading = readMachine();
    expect(reading.cores).toBeGreaterThanOrEqual(1);
    expect(reading.cores).toBeLessThanOrEqual(os.cpus().length);
    expect(reading.memTotalBytes).toBeLessThanOrEqual(os.totalmem());
    expect(reading.memFreeBytes).toBeGreaterThan(0);
    expect(reading.memFreeBytes).toBeLessThanOrEqual(reading.memTotalBytes);
    expect(reading.load).toBeLessThan(1000);
  });
});
