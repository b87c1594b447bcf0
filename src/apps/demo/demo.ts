// `tender demo`: a real project built through a throw-away farm, then locally at the same paths, and every output compared.
// Whatever happens, success, failure, Ctrl-C or a crash, nothing of it stays: no process, no namespace, no file.
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { defaultCacheDir } from '../../adapters/corpus/fetch.ts';
import { createFarmNetwork, loopbackNetwork, type FarmNetwork } from '../../adapters/netns/farm-network.ts';
import { ok, type Result } from '../../base/result.ts';
import { buildLocally, buildThroughFarm } from './builds.ts';
import { compareOutputs, moveAside } from './compare.ts';
import { explainIdleness, startFarm, WORKERS } from './farm.ts';
import { countStranded, judge, toJsonLine, type DemoResult } from './figures.ts';
import { isRunning, killMarked, signalProcess } from './processes.ts';
import { createProgress, type Progress } from './progress.ts';
import { prepareAbseil, prepareDirectory, prepareLeveldb, type Problem, type Project } from './projects.ts';
import { startSweeper } from './sweeper.ts';
import { renderResult } from './table.ts';

export interface DemoOptions {
  readonly json: boolean;
  readonly chaos: boolean;
  /** A project of the user's own, with `command`; else `corpus`. */
  readonly dir: string | null;
  readonly command: readonly string[] | null;
  readonly corpus: 'abseil' | 'leveldb';
  /** The table, or the JSON line. */
  readonly out: Writable;
  /** Progress, a line at a time. */
  readonly log: (line: string) => void;
  /** The command line of the CLI; by default the one that belongs to this file's checkout. */
  readonly cli?: readonly [string, ...string[]];
}

interface Room {
  readonly scratch: string;
  readonly network: FarmNetwork;
  readonly options: DemoOptions;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

const INTERRUPTED = 130;
const STOP_WITHIN_MS = 3000;
const KILL_WITHIN_MS = 5000;

/** Runs the demo; 0: all is as it should be, 1: not, 2: it was asked for wrongly, 130: interrupted. */
export async function runDemo(options: DemoOptions): Promise<number> {
  const [program, ...args] = options.command ?? [];
  if ((options.dir === null) !== (program === undefined)) {
    options.log('tender demo: --dir and a build command belong together: tender demo --dir DIR -- make -j8');
    return 2;
  }
  const stop = new AbortController();
  const interrupt = (): void => stop.abort();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, interrupt);
  const progress = createProgress(options.log, process.stderr.isTTY ? process.stderr : null);
  try {
    const command: [string, ...string[]] | null = program === undefined ? null : [program, ...args];
    const result = await runInRoom(options, command, progress, stop.signal);
    progress.clear();
    if (stop.signal.aborted) {
      options.log('tender demo: interrupted; everything it started is gone');
      return INTERRUPTED;
    }
    if (!result.ok) {
      options.log(`tender demo: ${result.error.message}`);
      if (options.json) options.out.write(`${JSON.stringify({ ok: false, error: result.error.message })}\n`);
      return 1;
    }
    const lines = options.json ? [toJsonLine(result.value)] : renderResult(result.value, availableParallelism());
    options.out.write(`${lines.join('\n')}\n`);
    return result.value.faults.length === 0 ? 0 : 1;
  } finally {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(name, interrupt);
  }
}

/** Everything between making the temporary directory and removing it. */
async function runInRoom(
  options: DemoOptions,
  command: [string, ...string[]] | null,
  progress: Progress,
  signal: AbortSignal,
): Promise<Result<DemoResult, Problem>> {
  const scratch = await mkdtemp(join(tmpdir(), 'tender-demo-'));
  const made = await createFarmNetwork({ hosts: WORKERS + 1 });
  const network = made.ok ? made.value : loopbackNetwork({ hosts: WORKERS + 1 });
  const sweeper = startSweeper(scratch, network.namespaces);
  try {
    progress.say(
      made.ok
        ? `network: ${WORKERS + 1} namespaces on a bridge, IPv4 and IPv6`
        : `network: loopback (${made.error.message}); all agents share this machine's own network`,
    );
    return await show({ scratch, network, options, progress, signal }, command);
  } finally {
    progress.clear();
    const problems = await cleanUp(scratch, network);
    for (const problem of problems) options.log(`tender demo: ${problem}`);
    if (problems.length === 0) sweeper.dismiss();
  }
}

async function show(room: Room, command: [string, ...string[]] | null): Promise<Result<DemoResult, Problem>> {
  const { options, progress, scratch, network, signal } = room;
  const cli = options.cli ?? ownCli();
  const prepared = await prepareProject(room, command);
  if (!prepared.ok) return prepared;
  const project = prepared.value;
  progress.say(`project: ${project.label}`);
  const slotsPerWorker = Math.max(2, Math.ceil(availableParallelism() / WORKERS));
  const started = await startFarm({ scratch, network, cli, slotsPerWorker, signal });
  if (!started.ok) return started;
  progress.say(`farm: a client and ${WORKERS} workers with ${slotsPerWorker} slots each, joined by invitation`);

  const builder = { scratch, network, cli, project, progress, signal };
  const farmJobs = WORKERS * slotsPerWorker + 2;
  const farmBuild = await buildThroughFarm(builder, started.value, { jobs: farmJobs, chaos: options.chaos });
  if (!farmBuild.ok) return farmBuild;
  const farmDir = join(scratch, 'farm-outputs');
  await moveAside(project.tree, farmBuild.value.made, farmDir);
  if (farmBuild.value.summary !== '') progress.say(farmBuild.value.summary);
  if (countStranded(farmBuild.value.report) > 0) {
    for (const line of await explainIdleness(started.value)) progress.say(line);
  }
  await stopAgents([started.value.client, ...started.value.workers].map((member) => member.pid));

  const localBuild = await buildLocally(builder, availableParallelism());
  if (!localBuild.ok) return localBuild;
  const comparison = await compareOutputs({
    farmDir,
    farmPaths: farmBuild.value.made,
    localDir: project.tree,
    localPaths: localBuild.value.made,
  });
  const { report, wallMs, chaos } = farmBuild.value;
  const faults = judge({
    report,
    comparison,
    expectedUnits: project.units,
    chaosAsked: options.chaos,
    chaosStruck: chaos !== null,
  });
  return ok({
    project: project.label,
    network: network.kind,
    report,
    comparison,
    wallMs,
    localWallMs: localBuild.value.wallMs,
    chaos,
    faults,
  });
}

function prepareProject(room: Room, command: [string, ...string[]] | null): Promise<Result<Project, Problem>> {
  const { options, scratch, signal, progress } = room;
  const request = { scratch, cacheDir: defaultCacheDir(), log: (line: string) => progress.say(line), signal };
  if (options.dir !== null && command !== null) return prepareDirectory({ ...request, dir: options.dir, command });
  return options.corpus === 'leveldb' ? prepareLeveldb(request) : prepareAbseil(request);
}

/** This checkout's own CLI; src/ and dist/ lie equally deep. */
function ownCli(): [string, ...string[]] {
  return [process.execPath, join(import.meta.dirname, '../../..', 'dist/apps/main.js')];
}

/** Lets agents end by themselves; a frozen one cannot, and is left to the clean-up. */
async function stopAgents(pids: readonly number[]): Promise<void> {
  const deadline = performance.now() + STOP_WITHIN_MS;
  let left = pids.filter((pid) => signalProcess(pid, 'SIGTERM'));
  while (left.length > 0 && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    left = left.filter((pid) => isRunning(pid));
  }
}

async function cleanUp(scratch: string, network: FarmNetwork): Promise<readonly string[]> {
  const problems: string[] = [];
  const left = await killMarked(scratch, KILL_WITHIN_MS);
  if (left.length > 0) problems.push(`these processes do not end: ${left.join(', ')}`);
  problems.push(...(await network.remove()));
  try {
    await rm(scratch, { recursive: true, force: true, maxRetries: 5 });
  } catch (cause) {
    problems.push(`cannot remove ${scratch}: ${(cause as Error).message}`);
  }
  return problems;
}
