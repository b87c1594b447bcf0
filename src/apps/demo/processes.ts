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
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(Number)
    .filter((pid) => readProc(pid, 'environ')?.split('\0').includes(`${MARK}=${value}`) ?? false);
}

/** Whether `pid` is there and has not ended (a zombie has). */
export function isRunning(pid: number): boolean {
  const stat = readProc(pid, 'stat');
  return stat !== null && !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
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
