// The demo's two builds of one tree: through the farm, watched (and, for chaos, struck) while it runs, and locally.
// Progress is counted in objects on disk, which says the same of every build tool.
import { spawn, type ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FarmNetwork } from '../../adapters/netns/farm-network.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { countNewObjects, listMadeOutputs, readTreeState, type TreeState } from './compare.ts';
import { cleanEnvironment, readLogTail, type Farm, type FarmMember } from './farm.ts';
import { mergeReports, parseReport, type DemoResult, type FarmReport } from './figures.ts';
import { signalProcess, waitForChild, type Ended } from './processes.ts';
import type { Progress } from './progress.ts';
import type { Problem, Project } from './projects.ts';

export interface Builder {
  readonly scratch: string;
  readonly network: FarmNetwork;
  readonly cli: readonly [string, ...string[]];
  readonly project: Project;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

export interface LocalBuild {
  /** Outputs made, relative to the project's tree. */
  readonly made: readonly string[];
  readonly wallMs: number;
}

export interface FarmBuild extends LocalBuild {
  readonly report: FarmReport;
  readonly chaos: DemoResult['chaos'];
  /** `tender build`'s own last line; empty where it went to the terminal by itself. */
  readonly summary: string;
}

const WATCH_EVERY_MS = 200;
/** Rest after a look, in looks. */
const WATCH_REST = 50;
/** Chaos strikes when this share of the units is done, or this many objects where their number is not known. */
const CHAOS_SHARE = 0.2;
const CHAOS_OBJECTS = 4;
const OUTPUT_SHOWN_LINES = 12;

/** Builds the project through the farm from a clean tree. */
export async function buildThroughFarm(
  builder: Builder,
  farm: Farm,
  how: { jobs: number; chaos: boolean },
): Promise<Result<FarmBuild, Problem>> {
  const { project, scratch, network, cli } = builder;
  const reset = await project.reset();
  if (!reset.ok) return reset;
  const before = await readTreeState(project.tree);
  const startedAt = performance.now();
  const reports: FarmReport[] = [];
  let chaos: DemoResult['chaos'] = null;
  let summary = '';
  for (const [index, step] of project.steps(how.jobs).entries()) {
    const reportFile = join(scratch, `report-${index}.json`);
    const child = network.exec(0, [...cli, 'build', '--', ...step], {
      env: { ...farm.env, TENDER_REPORT: reportFile },
      cwd: project.cwd,
      // On a terminal `tender build` shows its own progress there, which says more than a count of objects.
      stdio: ['ignore', 'pipe', builder.progress.live ? 'inherit' : 'pipe'],
      detached: true,
    });
    const title = builder.progress.live ? null : 'farm build';
    const ended = await watch(builder, child, before, startedAt, title, (objects) => {
      if (how.chaos && chaos === null && objects >= chaosAt(project)) chaos = strike(builder, farm, objects);
    });
    if (builder.signal.aborted) return err({ message: 'interrupted' });
    if (ended.code !== 0) {
      return err({
        message: describeFailure('the farm build', step, ended) + (await readLogTail(farm.client.home)),
      });
    }
    const text = await readFile(reportFile, 'utf8').catch(() => null);
    if (text === null) return err({ message: `\`tender build\` left no report in ${reportFile}` });
    const report = parseReport(text);
    if (!report.ok) return report;
    reports.push(report.value);
    if (report.value.units > 0) summary = ended.stderr.trim().split('\n').at(-1) ?? '';
  }
  const [first, ...others] = reports;
  if (first === undefined) throw new Error('bug: a project without a step');
  return ok({
    made: await listMadeOutputs(project.tree, before),
    wallMs: performance.now() - startedAt,
    report: mergeReports([first, ...others]),
    chaos,
    summary,
  });
}

/** Builds the project as anyone would without Tender, from a clean tree. */
export async function buildLocally(builder: Builder, cores: number): Promise<Result<LocalBuild, Problem>> {
  const { project, scratch } = builder;
  const reset = await project.reset();
  if (!reset.ok) return reset;
  const before = await readTreeState(project.tree);
  const startedAt = performance.now();
  for (const step of project.steps(cores)) {
    const [program, ...args] = step;
    const child = spawn(program, args, {
      env: { ...cleanEnvironment(scratch), ...parallelEnvironment(step, cores), TENDER_DISABLE: '1' },
      cwd: project.cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const ended = await watch(builder, child, before, startedAt, 'local build', () => {});
    if (builder.signal.aborted) return err({ message: 'interrupted' });
    if (ended.code !== 0) return err({ message: describeFailure('the local build', step, ended) });
  }
  return ok({ made: await listMadeOutputs(project.tree, before), wallMs: performance.now() - startedAt });
}

/** What `tender build` does for a command that names no number of jobs, done for the local build too. */
function parallelEnvironment(argv: readonly string[], cores: number): NodeJS.ProcessEnv {
  if (argv.some((arg) => /^(?:-j|--jobs|--parallel)/.test(arg))) return {};
  return { MAKEFLAGS: `-j${cores}`, CMAKE_BUILD_PARALLEL_LEVEL: String(cores) };
}

async function watch(
  builder: Builder,
  child: ChildProcess,
  before: TreeState,
  startedAt: number,
  title: string | null,
  onLook: (objects: number) => void,
): Promise<Ended> {
  let ended = false;
  let timer: NodeJS.Timeout;
  const look = async (): Promise<void> => {
    const lookedAt = performance.now();
    const objects = await countNewObjects(builder.project.tree, before);
    if (ended) return;
    const of = builder.project.units === null ? '' : ` of ${builder.project.units}`;
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    if (title !== null) builder.progress.update(`${title}: ${objects}${of} objects, ${seconds} s`);
    onLook(objects);
    // A large tree is looked at less often: watching must not cost what the build needs.
    timer = setTimeout(() => void look(), Math.max(WATCH_EVERY_MS, WATCH_REST * (performance.now() - lookedAt)));
  };
  timer = setTimeout(() => void look(), WATCH_EVERY_MS);
  const outcome = await waitForChild(child, builder.signal);
  ended = true;
  clearTimeout(timer);
  builder.progress.clear();
  return outcome;
}

function chaosAt(project: Project): number {
  return project.units === null ? CHAOS_OBJECTS : Math.ceil(project.units * CHAOS_SHARE);
}

/** Kills one worker's agent and freezes another's, as a pulled plug and a hung machine would look from here. */
function strike(builder: Builder, farm: Farm, objects: number): DemoResult['chaos'] {
  const [, victim, sleeper] = farm.workers as readonly (FarmMember | undefined)[];
  if (victim === undefined || sleeper === undefined) throw new Error('bug: too few workers for chaos');
  signalProcess(victim.pid, 'SIGKILL');
  signalProcess(sleeper.pid, 'SIGSTOP');
  builder.progress.say(`chaos after ${objects} objects: ${victim.name} killed, ${sleeper.name} frozen`);
  return { killed: victim.name, frozen: sleeper.name };
}

function describeFailure(what: string, argv: readonly string[], ended: Ended): string {
  const how = ended.signal === null ? `ended with ${ended.code}` : `died of ${ended.signal}`;
  const said = `${ended.stdout}\n${ended.stderr}`.trim().split('\n').slice(-OUTPUT_SHOWN_LINES).join('\n');
  const command = argv.join(' ');
  return `${what} failed: \`${command.length > 120 ? `${command.slice(0, 117)}…` : command}\` ${how}:\n${said}`;
}
