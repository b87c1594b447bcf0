// bubblewrap as a process: started at the lowest priority, waited for until nothing is left inside, ended with all it holds.
// It leads a session and group of its own, so that it has no terminal and can be killed as a group. Its options come through a
// pipe: until we write them it waits, and so it is made nice before it has started anything.
import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { fds, listCommand, listMounts, type Place } from './arguments.ts';
import type { RunSpec } from './types.ts';

const killAgainMs = 1000;

/** Starts it; `namespace` is the file number of a prepared user namespace. Inside, nothing starts before `enter`'s promise is kept. Throws what the file system throws. */
export function launch(
  { bwrap, niceness }: { readonly bwrap: string; readonly niceness: number },
  spec: RunSpec,
  place: Place,
  namespace: number | null,
  enter: ((pid: number) => Promise<unknown>) | null,
): ChildProcess {
  const opened: number[] = [];
  try {
    for (const name of ['log', 'info']) opened.push(fs.openSync(join(spec.scratchDir, name), 'ax', 0o600));
    const [log = -1, info = -1] = opened;
    const words = ['--args', String(fds.args), '--info-fd', String(fds.info), '--', ...listCommand(spec, place)];
    const child = spawn(bwrap, words, {
      cwd: '/',
      env: {}, // the client's variables are for inside only
      detached: true,
      stdio: ['ignore', 'pipe', log, 'pipe', 'pipe', namespace ?? 'ignore', info],
    });
    if (child.pid === undefined) return child;
    makeNice(child.pid, niceness);
    const pipe = child.stdio[fds.args] as Writable;
    pipe.on('error', () => undefined); // it has ended already, and its exit says why
    const options = `${listMounts(spec, place).join('\0')}\0`;
    if (enter === null) pipe.end(options);
    else void enter(child.pid).then(() => pipe.end(options));
    return child;
  } finally {
    for (const fd of opened) fs.closeSync(fd);
  }
}

/** Nice 19 also means the lowest priority for the disk; and when memory runs out, the owner's programs are not the ones to go. */
function makeNice(pid: number, niceness: number): void {
  try {
    if (niceness > 0) os.setPriority(pid, niceness);
    fs.writeFileSync(`/proc/${pid}/oom_score_adj`, '900');
  } catch {
    // It has ended already.
  }
}

/** Where sessions share the CPU as groups, nice counts only within one: the group is made nice too. False: try again later. */
export function makeGroupNice(pid: number, niceness: number): boolean {
  if (niceness === 0) return true;
  try {
    fs.writeFileSync(`/proc/${pid}/autogroup`, String(niceness), { flag: 'r+' });
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code !== 'EAGAIN'; // an ordinary user may do it ten times a second
  }
  return true;
}

/** The exit code, null for a signal, an Error if it never ran. Then nothing runs in the sandbox any more. */
export async function waitFor(child: ChildProcess, scratchDir: string): Promise<number | null | Error> {
  const code = await new Promise<number | null | Error>((resolve) => {
    child.on('error', resolve);
    child.on('close', resolve);
  });
  // bubblewrap may be gone a moment before the sandbox's first process, which it takes with it; a zombie has no one left either.
  const first = readFirstProcess(scratchDir);
  while (first !== null && isAlive(first)) await new Promise((resolve) => setTimeout(resolve, 1));
  return code;
}

/** The host's number of the sandbox's first process; null while there is none. */
export function readFirstProcess(scratchDir: string): number | null {
  try {
    const pid = /"child-pid": (\d+)/.exec(fs.readFileSync(join(scratchDir, 'info'), 'latin1'))?.[1];
    return pid === undefined ? null : Number(pid);
  } catch {
    return null;
  }
}

function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX]/.test(fs.readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

/** Kills the sandbox's first process, and with it, by the kernel, all that runs inside; before there is one, the group. */
export function endSandbox(child: ChildProcess, scratchDir: string): void {
  const { pid } = child;
  // Once it has been waited for, its number may be another process's.
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  if (pid === undefined || hasEnded()) return;
  const first = readFirstProcess(scratchDir);
  send(first ?? -pid);
  const again = setTimeout(() => {
    if (!hasEnded()) send(-pid);
  }, killAgainMs);
  child.once('exit', () => clearTimeout(again));
}

/** To all processes of a sandbox that has not ended: they are one process group. */
export function signalSandbox(child: ChildProcess, signal: 'SIGSTOP' | 'SIGCONT'): void {
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) send(-child.pid, signal);
}

function send(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone already.
  }
}
