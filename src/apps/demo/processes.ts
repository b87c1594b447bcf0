// The demo's hold on everything it starts. Each process inherits a mark in its environment, so that also those that detach
// themselves (agents) or that others start (make's children) are found and ended by their pid, and nobody else's are.
import type { ChildProcess } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';

/** The variable that carries the mark; its value is the demo's own temporary directory. */
export const MARK = 'TENDER_DEMO';
const OUTPUT_KEPT = 64 * 1024;
const PIPE_GRACE_MS = 500;

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last 64 KiB of each stream that was piped. */
  readonly stdout: string;
  readonly stderr: string;
}

/** Waits for a child. When `signal` aborts, it is killed by pid, with its process group where it leads one. */
export function waitForChild(child: ChildProcess, signal: AbortSignal): Promise<Ended> {
  return new Promise((resolve) => {
    const kept = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]?.setEncoding('utf8').on('data', (text: string) => {
        kept[name] = (kept[name] + text).slice(-OUTPUT_KEPT);
      });
    }
    const stop = (): void => killChild(child);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    const finish = (code: number | null, by: NodeJS.Signals | null): void => {
      signal.removeEventListener('abort', stop);
      resolve({ code, signal: by, ...kept });
    };
    child.on('error', (cause) => {
      kept.stderr += cause.message;
      finish(127, null);
    });
    child.on('close', finish);
    // An agent that a command leaves in the background may hold its pipes open for ever.
    child.on('exit', (code, by) => setTimeout(() => finish(code, by), PIPE_GRACE_MS).unref());
  });
}

function killChild(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    child.kill('SIGKILL');
  }
}

/** All processes that carry the mark `value`. */
export function findMarked(value: string): readonly number[] {
  return findByEnvironment(`${MARK}=${value}`);
}

/** The agent that serves `home` (its TENDER_HOME), or null. */
export function findAgent(home: string): number | null {
  const found = findByEnvironment(`TENDER_HOME=${home}`).filter((pid) => {
    const argv = readProc(pid, 'cmdline')?.split('\0') ?? [];
    return argv.includes('agent');
  });
  return found[0] ?? null;
}

function findByEnvironment(entry: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(Number)
    .filter((pid) => readProc(pid, 'environ')?.split('\0').includes(entry) ?? false);
}

/** A process named `name` below `pid`, at any depth, or null. */
export function findDescendant(pid: number, name: string): number | null {
  const parents = new Map<number, { parent: number; name: string }>();
  for (const entry of readdirSync('/proc').filter((each) => /^\d+$/.test(each))) {
    const stat = readStat(Number(entry));
    if (stat !== null) parents.set(Number(entry), stat);
  }
  for (const [candidate, stat] of parents) {
    if (stat.name !== name) continue;
    let at: number | undefined = candidate;
    while (at !== undefined && at !== pid) at = parents.get(at)?.parent;
    if (at === pid) return candidate;
  }
  return null;
}

export interface CpuReading {
  readonly ownMs: number;
  /** Of children that ended and were waited for, with theirs. */
  readonly childrenMs: number;
}

/** CPU time of a process so far, or null when it is gone. */
export function readCpu(pid: number): CpuReading | null {
  const stat = readStat(pid);
  return stat === null ? null : { ownMs: stat.ownMs, childrenMs: stat.childrenMs };
}

/** Linux counts in hundredths of a second here on every architecture that Node runs on. */
const TICK_MS = 10;

function readStat(pid: number): { parent: number; name: string; ownMs: number; childrenMs: number } | null {
  const text = readProc(pid, 'stat');
  if (text === null) return null;
  const nameEnd = text.lastIndexOf(')');
  const fields = text
    .slice(nameEnd + 2)
    .split(' ')
    .map(Number);
  const [user, system, childUser, childSystem] = fields.slice(11, 15);
  return {
    name: text.slice(text.indexOf('(') + 1, nameEnd),
    parent: fields[1] ?? 0,
    ownMs: ((user ?? 0) + (system ?? 0)) * TICK_MS,
    childrenMs: ((childUser ?? 0) + (childSystem ?? 0)) * TICK_MS,
  };
}

function readProc(pid: number, file: string): string | null {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return null;
  }
}

/** Sends a signal to one process (a negative pid: to the group that it leads); false when it is gone. */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** SIGKILLs every marked process, again until none is left; gives back those that would not die within `withinMs`. */
export async function killMarked(value: string, withinMs: number): Promise<readonly number[]> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const left = findMarked(value);
    if (left.length === 0 || performance.now() > deadline) return left;
    for (const pid of left) signalProcess(pid, 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
