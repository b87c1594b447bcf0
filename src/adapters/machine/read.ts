// Reads the machine: a few small files, a second apart; a file that is missing or strange gives a modest value, never an error.
// What does not change while a machine runs (model, clock, architecture) is read once per set of roots.
import fs from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import type { MachineOptions, MachineReading } from './types.ts';

type Constant = Pick<MachineReading, 'arch' | 'os' | 'cpuModel' | 'ghz'>;

const constants = new Map<string, Constant>();

/** A reading of this machine, or of the one whose /proc and /sys are given. Costs about a tenth of a millisecond. */
export function readMachine(options: MachineOptions = {}): MachineReading {
  const { procRoot = '/proc', sysRoot = '/sys', allowedCores = os.availableParallelism() } = options;
  const cores = Math.max(1, Math.min(allowedCores, Math.floor(readQuota(procRoot, sysRoot)) || 1));
  const memory = readMemory(procRoot, sysRoot);
  return {
    ...readConstant(procRoot, sysRoot),
    cores,
    ...memory,
    load: toNumber(read(procRoot, 'loadavg').split(' ')[0]) / cores,
    pressure: toNumber(/^some avg10=([\d.]+)/m.exec(read(procRoot, 'pressure/cpu'))?.[1]),
  };
}

/** Processes that run or could, at this moment; 0 where /proc does not tell. */
export function readRunnable(procRoot = '/proc'): number {
  return toNumber(/^procs_running (\d+)/m.exec(read(procRoot, 'stat'))?.[1]);
}

function readConstant(procRoot: string, sysRoot: string): Constant {
  const key = `${procRoot}\0${sysRoot}`;
  const known = constants.get(key);
  if (known) return known;
  const cpuinfo = read(procRoot, 'cpuinfo');
  const constant = {
    arch: os.machine(),
    os: os.platform(),
    cpuModel: findModel(cpuinfo),
    ghz: readGhz(cpuinfo, sysRoot),
  };
  constants.set(key, constant);
  return constant;
}

/** «model name» on x86, «Model» or «Hardware» of the board on ARM, which names no processor. */
function findModel(cpuinfo: string): string {
  for (const name of ['model name', 'Model', 'Hardware', 'cpu']) {
    const found = new RegExp(`^${name}[ \\t]*:[ \\t]*(\\S.*)$`, 'm').exec(cpuinfo)?.[1];
    if (found !== undefined) return found.replace(/\s+/g, ' ').trim();
  }
  return '';
}

function readGhz(cpuinfo: string, sysRoot: string): number {
  let highest = 0;
  for (const name of list(sysRoot, 'devices/system/cpu')) {
    if (!/^cpu\d+$/.test(name)) continue;
    highest = Math.max(highest, toNumber(read(sysRoot, `devices/system/cpu/${name}/cpufreq/cpuinfo_max_freq`)) / 1e6);
  }
  if (highest > 0) return round(highest);
  // Virtual machines show no range, only the present clock or the one in the model's name: «… CPU @ 2.90GHz».
  for (const [, mhz] of cpuinfo.matchAll(/^cpu MHz\s*:\s*([\d.]+)/gm))
    highest = Math.max(highest, toNumber(mhz) / 1000);
  return round(Math.max(highest, toNumber(/@ ([\d.]+)GHz/.exec(cpuinfo)?.[1])));
}

/** Processors' worth of time that the cgroup may use; Infinity: no quota. Both versions of cgroups, own group and its parents. */
function readQuota(procRoot: string, sysRoot: string): number {
  let quota = Infinity;
  for (const dir of groupDirs(procRoot, '')) {
    const [max, period] = read(sysRoot, `fs/cgroup${dir}/cpu.max`).split(' ');
    if (toNumber(max) > 0) quota = Math.min(quota, toNumber(max) / (toNumber(period) || 100_000));
  }
  for (const dir of groupDirs(procRoot, 'cpu')) {
    const max = toNumber(read(sysRoot, `fs/cgroup/cpu${dir}/cpu.cfs_quota_us`));
    const period = toNumber(read(sysRoot, `fs/cgroup/cpu${dir}/cpu.cfs_period_us`)) || 100_000;
    if (max > 0) quota = Math.min(quota, max / period);
  }
  return Math.max(1, quota);
}

function readMemory(procRoot: string, sysRoot: string): Pick<MachineReading, 'memTotalBytes' | 'memFreeBytes'> {
  const meminfo = read(procRoot, 'meminfo');
  const kilobytes = (name: string): number => toNumber(new RegExp(`^${name}:\\s*(\\d+) kB`, 'm').exec(meminfo)?.[1]);
  let total = kilobytes('MemTotal') * 1024;
  // Kernels before 3.14 name no MemAvailable.
  let free = (kilobytes('MemAvailable') || kilobytes('MemFree') + kilobytes('Cached') / 2) * 1024;
  for (const dir of groupDirs(procRoot, '')) {
    const max = toNumber(read(sysRoot, `fs/cgroup${dir}/memory.max`));
    if (max <= 0 || max >= total) continue;
    total = max;
    const inactive = toNumber(/^inactive_file (\d+)/m.exec(read(sysRoot, `fs/cgroup${dir}/memory.stat`))?.[1]);
    const used = toNumber(read(sysRoot, `fs/cgroup${dir}/memory.current`)) - inactive;
    free = Math.max(0, Math.min(free, max - used));
  }
  return { memTotalBytes: total, memFreeBytes: free };
}

/** Our group's path and its parents' in a controller's hierarchy (`''`: version 2), the innermost first; '' is the root. */
function groupDirs(procRoot: string, controller: string): string[] {
  for (const line of read(procRoot, 'self/cgroup').split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (path === undefined || controllers === undefined) continue;
    if (controller === '' ? controllers !== '' : !controllers.split(',').includes(controller)) continue;
    const names = path.split('/').filter((name) => name !== '' && name !== '..');
    return names.map((_, index) => `/${names.slice(0, names.length - index).join('/')}`).concat('');
  }
  return [''];
}

function read(root: string, path: string): string {
  try {
    return fs.readFileSync(join(root, path), 'utf8');
  } catch {
    return '';
  }
}

function list(root: string, path: string): string[] {
  try {
    return fs.readdirSync(join(root, path));
  } catch {
    return [];
  }
}

/** A number of a file's text; 0 for what is none («max», nothing at all). */
function toNumber(text: string | undefined): number {
  const number = Number.parseFloat(text ?? '');
  return Number.isFinite(number) ? number : 0;
}

function round(ghz: number): number {
  return Math.round(ghz * 100) / 100;
}
