// Runs a plan's units through a command, so many at a time, as make would: says when each ended, loses machines on the way, and
// ends what takes too long.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Bench, Outcome, Request } from './types.ts';

/** The machine that builds is the network's first host, workers are the others. */
export const clientHost = 0;
export const workerHost = (index: number): number => index + 1;

export interface BuildCommand {
  /** Put before each unit's words. */
  readonly command: readonly string[];
  readonly jobs: number;
  readonly env: Readonly<Record<string, string>>;
}

/** Runs all units once; `notes` are added by who knows more. */
export async function runBuild(bench: Bench, request: Request, how: BuildCommand): Promise<Outcome> {
  const { plan, sources, condition } = request;
  const hereFile = join(bench.scratch, 'here');
  const saidFile = join(bench.scratch, 'said');
  rmSync(hereFile, { force: true });
  rmSync(sources.outDir, { recursive: true, force: true });
  mkdirSync(sources.outDir);
  const said = openSync(saidFile, 'w');
  const child = bench.hosts.network.exec(clientHost, [bench.jobsProgram, String(how.jobs)], {
    cwd: sources.outDir,
    env: { ...bench.env, ...how.env, SLEEPCC_HERE: hereFile },
    stdio: ['pipe', 'pipe', said],
    detached: true,
  });
  closeSync(said);
  if (child.stdin === null || child.stdout === null) throw new Error('bug: a child without pipes');
  const stop = (): void => killGroup(child);
  process.prependOnceListener('exit', stop);
  const before = { cpuMs: bench.hosts.cpuMs(), busy: readProcessors() };
  const startedAt = performance.now();
  const timer = setTimeout(stop, bench.capMs);
  const ended = once(child, 'close');
  child.stdin.end(sources.words.map((words) => `${[...how.command, ...words].join('\t')}\n`).join(''));

  const ends: number[] = [];
  const succeeded = new Set<number>();
  let doneMs = 0;
  let commandsCpuMs = 0;
  let lostAtMs: number | null = null;
  for await (const line of createInterface({ input: child.stdout })) {
    const [unit = 0, status, , cpuUs = 0] = line.split(' ').map(Number);
    commandsCpuMs += cpuUs / 1000;
    const nowMs = performance.now() - startedAt;
    ends.push(nowMs);
    if (status === 0) {
      succeeded.add(unit);
      doneMs += plan.durationsMs[unit] ?? 0;
    }
    if (condition === 'healthy' || lostAtMs !== null || doneMs < plan.lossAtMs) continue;
    lostAtMs = nowMs;
    bench.hosts.lose(plan.lost.map(workerHost), condition);
  }
  await ended;
  clearTimeout(timer);
  process.off('exit', stop);
  const makespanMs = performance.now() - startedAt;
  const cpuMs = bench.hosts.cpuMs() - before.cpuMs + commandsCpuMs;
  const now = readProcessors();
  const unfinished = plan.durationsMs.length - ends.length;
  const times = [0, ...ends, ...(unfinished > 0 ? [makespanMs] : [])];
  const silenceMs = times.slice(1).reduce((longest, at, index) => Math.max(longest, at - (times[index] ?? 0)), 0);
  const wrong = [...succeeded].filter((unit) => {
    const made = join(sources.outDir, sources.objects[unit] ?? '');
    return !existsSync(made) || !readFileSync(made).equals(sources.expected[unit] ?? Buffer.of());
  });
  return {
    makespanMs,
    lostAtMs,
    silenceMs,
    endedAtMs: ends,
    failed: plan.durationsMs.length - succeeded.size,
    unfinished,
    here: existsSync(hereFile) ? statSync(hereFile).size : 0,
    different: wrong.length,
    cpuMs,
    busy: (now.busyMs - before.busy.busyMs) / Math.max(1, now.allMs - before.busy.allMs),
    said: readFileSync(saidFile, 'utf8').slice(-2000).trim(),
    notes: [],
  };
}

/** Time of all processors so far, ms. */
function readProcessors(): { busyMs: number; allMs: number } {
  let [busyMs, allMs] = [0, 0];
  for (const { times } of cpus()) {
    busyMs += times.user + times.nice + times.sys + times.irq;
    allMs += times.user + times.nice + times.sys + times.irq + times.idle;
  }
  return { busyMs, allMs };
}

/** The commands with everything that they started. */
function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // They ended by themselves meanwhile.
  }
}
