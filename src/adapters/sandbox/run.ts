// One confined run: places its directories, starts it, watches it, ends it, judges it, tidies up.
// Everything that can go wrong on this machine ends as a failure with a code, so that the delegator can try elsewhere.
import type { ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { err, ok, type Result } from '../../base/result.ts';
import type { FailureCode } from '../../core/types.ts';
import { fds, type Place } from './arguments.ts';
import { endSandbox, launch, signalSandbox, waitFor } from './bubblewrap.ts';
import type { Kit } from './kit.ts';
import { collectOutputs, findUnnamed, prepareOutputs, readRegular, type Outputs } from './outputs.ts';
import { tmpDir } from './paths.ts';
import { removeAll } from './remove.ts';
import { explainTreeError } from './tree.ts';
import type { Cell, Run, RunFailure, RunResult, RunSpec } from './types.ts';
import { countOutOfMemoryKills } from './usage.ts';
import type { UserNamespace, UserNamespaces } from './user-namespaces.ts';
import { judge, type End } from './verdict.ts';
import { collectStream, watchRun } from './watch.ts';

/** What all runs of a sandbox share. */
export interface Confinement {
  readonly bwrap: string;
  readonly kit: Kit;
  readonly niceness: number;
  /** Where a run's processes go; null: nowhere, priorities and signals do. */
  readonly takeCell: (() => Cell) | null;
  /** Null: the task stays the agent's user. */
  readonly namespaces: UserNamespaces | null;
  readonly disableUserns: boolean;
  /** Before Linux 5.14 a limit on processes counts all of the user's on the host. */
  readonly minProcessLimit: number;
  oomKills: number;
}

type Done = Result<RunResult, RunFailure>;

const maxLogBytes = 64 * 1024;
const fullBelowBytes = 64 * 1024;

/** Starts; never throws, all that goes wrong is in `done`. */
export function startRun(confinement: Confinement, spec: RunSpec): Run {
  let ended: RunFailure | null = null;
  let end: () => void = () => undefined;
  let frozen = false;
  let stand: (still: boolean) => void = () => undefined;
  const kill = (why: string, code: FailureCode = 'killed'): void => {
    ended ??= { code, message: why };
    end();
  };

  const confine = async (namespace: UserNamespace | null): Promise<Done> => {
    if (ended) return err(ended);
    const outputs = prepare(spec, namespace?.hostUid ?? null);
    if (!outputs.ok) return outputs;
    const place: Place = {
      kit: confinement.kit,
      identity: namespace ? 'own-user' : 'agent-user',
      disableUserns: confinement.disableUserns,
      tmpHostDir: join(spec.scratchDir, 'tmp'),
      mounts: outputs.value.mounts,
      maxProcesses: Math.max(spec.limits.processes, confinement.minProcessLimit),
    };
    const started = performance.now();
    const cell = confinement.takeCell?.() ?? null;
    const enter = async (pid: number): Promise<void> => {
      // It may have to stand still before it is known that it cannot be there.
      if ((await cell?.enter(pid)) === false && frozen) stand(true);
    };
    const launched = (): ChildProcess => {
      try {
        return launch(confinement, spec, place, namespace?.fd ?? null, cell === null ? null : enter);
      } catch (thrown) {
        cell?.leave();
        throw thrown;
      }
    };
    const child = launched();
    const stdout = collectStream(child.stdio[fds.stdout] as Readable, spec.limits.outputBytes, kill);
    const stderr = collectStream(child.stdio[fds.stderr] as Readable, spec.limits.outputBytes, kill);
    const watch = watchRun(child, spec, confinement.niceness, kill);
    end = () => {
      endSandbox(child, spec.scratchDir);
      cell?.thaw();
    };
    stand = (still) => {
      if (!still) cell?.thaw();
      if (!still || cell?.freeze() !== true) signalSandbox(child, still ? 'SIGSTOP' : 'SIGCONT');
    };
    if (frozen) stand(true);
    const gone = waitFor(child, spec.scratchDir);
    if (child.pid !== undefined) spec.onStart?.();
    const code = await gone;
    const ranMs = Math.round(performance.now() - started);
    watch.stop();
    end = () => undefined;
    stand = () => undefined;
    cell?.leave();
    if (code instanceof Error) return err({ code: 'sandbox', message: `bubblewrap did not start: ${code.message}` });
    if (ended) return err(ended);
    const maxRssBytes = watch.maxRssBytes();
    return conclude(confinement, spec, outputs.value, { code, stdout: stdout(), stderr: stderr(), ranMs, maxRssBytes });
  };

  const execute = async (): Promise<Done> => {
    // Never at once: the caller has the run in his hands before it starts.
    const taken = await (confinement.namespaces?.take() ?? null);
    if (taken && !taken.ok) return err({ code: 'sandbox', message: taken.error });
    try {
      return await confine(taken?.value ?? null);
    } catch (thrown) {
      const { code, message } = explainTreeError(spec.scratchDir, thrown);
      return err({ code: code === 'disk-full' ? code : 'sandbox', message });
    } finally {
      if (taken?.ok) confinement.namespaces?.giveBack(taken.value);
      await tidy(spec.scratchDir);
    }
  };
  const freeze = (): void => {
    frozen = true;
    stand(true);
  };
  const thaw = (): void => {
    frozen = false;
    stand(false);
  };
  return { kill, freeze, thaw, done: execute() };
}

function prepare(spec: RunSpec, owner: number | null): Result<Outputs, RunFailure> {
  if (spec.argv[0]?.includes('/') !== true) {
    return err({ code: 'sandbox', message: 'the command must be named by its path' });
  }
  const words = [...spec.argv, ...spec.env, spec.cwd];
  if (words.some((word) => word.includes('\0')))
    return err({ code: 'sandbox', message: 'a word has a zero byte in it' });
  // A directory from a run that a crash cut short may still be there.
  fs.rmSync(spec.scratchDir, { recursive: true, force: true });
  fs.mkdirSync(spec.scratchDir, { recursive: true, mode: 0o700 });
  const tmp = join(spec.scratchDir, 'tmp');
  fs.mkdirSync(tmp, { mode: 0o700 });
  if (owner !== null) fs.chownSync(tmp, owner, owner);
  return prepareOutputs(spec, spec.scratchDir, owner);
}

interface Ended {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  readonly ranMs: number;
  readonly maxRssBytes: number;
}

function conclude(confinement: Confinement, spec: RunSpec, outputs: Outputs, ended: Ended): Done {
  const { code, stdout, stderr, ranMs, maxRssBytes } = ended;
  const { scratchDir, limits } = spec;
  const log = readRegular(join(scratchDir, 'log'), maxLogBytes);
  const end: End = {
    code,
    log: log.ok && log.value ? log.value.data.toString() : '',
    stderr,
    outOfMemoryKill: code !== 0 && sawOomKill(confinement),
    diskFull: code !== 0 && isFull(scratchDir),
  };
  const verdict = judge(end);
  if (!verdict.ran) return err(verdict.failure);
  const collected = collectOutputs(outputs.files, limits.outputBytes);
  if (!collected.ok) return collected;
  const { exit, cpuMs } = verdict;
  const failed = exit.how !== 'exit' || exit.code !== 0;
  const unnamed = failed ? null : findUnnamed(outputs, { dir: tmpDir, hostDir: join(scratchDir, 'tmp') });
  return ok({
    exit,
    stdout,
    stderr,
    outputs: collected.value,
    ranMs,
    cpuMs,
    maxRssBytes,
    ...(unnamed === null ? {} : { unnamed }),
  });
}

/** Whether the kernel's count has grown since it was last asked. */
function sawOomKill(confinement: Confinement): boolean {
  const before = confinement.oomKills;
  confinement.oomKills = countOutOfMemoryKills();
  return confinement.oomKills > before;
}

/** No room for even a small file. */
function isFull(dir: string): boolean {
  const { bavail, bsize, files, ffree } = fs.statfsSync(dir);
  return bavail * bsize < fullBelowBytes || (files > 0 && ffree === 0);
}

async function tidy(scratchDir: string): Promise<void> {
  try {
    // Nearly always a handful of files: cheaper at once than through the thread pool.
    fs.rmSync(scratchDir, { recursive: true, force: true });
  } catch {
    await removeAll(scratchDir);
  }
}
