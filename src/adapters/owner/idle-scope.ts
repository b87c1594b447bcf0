// A control group from systemd, beside all else that its manager runs: a scope with CPUWeight=idle that is ours to divide. A process that
// does nothing but wait for the end of its input holds it; when the agent ends, however, that ends too, and systemd removes the scope.
import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { findPlaces, type CgroupRoots } from './cgroup-places.ts';

const withinMs = 3_000;

export interface Scope {
  readonly dir: string;
  close(): void;
}

/** Null: there is no such manager, or processes of ours may not be moved to what it makes. */
export async function openScope(systemdRun: string, name: string, roots: CgroupRoots): Promise<Scope | null> {
  if (!fs.existsSync(systemdRun)) return null;
  // Before systemd 252 there is no word for idle, and the least weight has to do.
  return (await openWith('idle', systemdRun, name, roots)) ?? openWith('1', systemdRun, name, roots);
}

async function openWith(weight: string, systemdRun: string, name: string, roots: CgroupRoots): Promise<Scope | null> {
  const isRoot = process.getuid?.() === 0;
  const words = [
    ...(isRoot ? [] : ['--user']),
    ...['--scope', '--quiet', '--collect', `--unit=${name}-${process.pid}-${weight}`, '--slice=-.slice'],
    ...[
      `--property=CPUWeight=${weight}`,
      '--property=Delegate=yes',
      '--',
      'sh',
      '-c',
      'echo here; exec cat >/dev/null',
    ],
  ];
  const holder = spawn(systemdRun, words, { stdio: ['pipe', 'pipe', 'ignore'] });
  const close = (): void => {
    holder.stdin.destroy();
  };
  holder.stdin.on('error', () => undefined);
  holder.unref();
  // systemd-run becomes the holder once it is in its scope; its first word says so.
  const isThere = await saysSomething(holder);
  holder.stdout.destroy();
  const dir = isThere && holder.pid !== undefined ? findPlaces(roots, holder.pid).unified : null;
  if (dir !== null && dir.includes(name) && mayEnter(dir)) return { dir, close };
  close();
  holder.kill('SIGKILL');
  return null;
}

async function saysSomething(child: ChildProcess): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (value: boolean): void => {
      clearTimeout(timer);
      resolve(value);
    };
    const timer = setTimeout(() => end(false), withinMs);
    child.stdout?.once('data', () => end(true));
    child.once('error', () => end(false));
    child.once('exit', () => end(false));
  });
}

/** Whoever moves a process needs a right to what holds both groups, which one of a login session does not have. */
function mayEnter(dir: string): boolean {
  const trial = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore'] });
  trial.on('error', () => undefined);
  try {
    // Into a cell of its own: systemd may have made the scope's own group one that only has groups in it.
    const cell = join(dir, 'trial');
    fs.mkdirSync(cell);
    try {
      fs.writeFileSync(join(cell, 'cgroup.procs'), String(trial.pid));
      fs.writeFileSync(join(dir, 'cgroup.procs'), String(trial.pid));
    } finally {
      fs.rmdirSync(cell);
    }
    return true;
  } catch {
    return false;
  } finally {
    trial.stdin.destroy();
    trial.kill('SIGKILL');
  }
}
