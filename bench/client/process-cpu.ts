// What a running process has cost so far, from /proc: by its threads in nanoseconds while none of them ends, which is how it is for
// an agent, and with the children it has waited for.
import { readFileSync, readdirSync } from 'node:fs';

const tickMs = 10;

export interface CpuReading {
  readonly pid: number;
  /** By thread, ms. */
  readonly threads: ReadonlyMap<string, number>;
  /** Of all threads that ever were, ms in steps of 10. */
  readonly coarseMs: number;
  /** Of the children that were waited for, the same. */
  readonly childrenMs: number;
}

/** Throws when the process is gone: a helper that dies spoils the measurement. */
export function readCpu(pid: number): CpuReading {
  const threads = new Map<string, number>();
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const [ranNs = '0'] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ');
    threads.set(thread, Number(ranNs) / 1e6);
  }
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // From the state on: the name before it may hold anything.
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const at = (index: number): number => (fields[index] ?? 0) * tickMs;
  return { pid, threads, coarseMs: at(11) + at(12), childrenMs: at(13) + at(14) };
}

/** CPU between two readings of one process, with its children, ms. */
export function cpuBetween(before: CpuReading, after: CpuReading): number {
  const children = after.childrenMs - before.childrenMs;
  const lost = [...before.threads.keys()].some((thread) => !after.threads.has(thread));
  if (lost) return after.coarseMs - before.coarseMs + children;
  let sum = children;
  for (const [thread, ms] of after.threads) sum += ms - (before.threads.get(thread) ?? 0);
  return sum;
}

/** Resident memory now, bytes. */
export function readRss(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}
