// `tender build -- COMMAND`: the command with every compile going through the launcher, progress, and a summary.
// Whatever happens to the agent, the command runs and its exit code is the answer.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { availableParallelism, constants } from 'node:os';
import { join } from 'node:path';
import { homeDirectory, socketPath } from '../../adapters/config/config.ts';
import { callControl } from '../../adapters/launcher-socket/client.ts';
import type { BuildProgress, BuildReport } from '../report.ts';
import { complain } from '../complain.ts';
import { ask, ensureAgent } from './agent-client.ts';
import { buildEnvironment, configuredWithout, wordsBehindLauncher } from './build-environment.ts';
import { planJobs, type Jobs } from './jobs.ts';
import { openProgress } from './progress.ts';
import { progressLine, summarise } from './summary.ts';

export interface BuildOptions {
  readonly needs: string;
  /** A policy's name; empty: the project's or the configuration's. */
  readonly policy: string;
  readonly jobs: number | null;
  readonly json: boolean;
}

export async function runBuild(command: readonly string[], options: BuildOptions): Promise<number> {
  const home = homeDirectory();
  const build = `b${randomBytes(6).toString('hex')}`;
  const started = await ensureAgent(home);
  let slots = 0;
  if (!started.ok) {
    complain(`${started.error}; building here`);
  } else {
    const { needs, policy } = options;
    const opened = await ask(home, { cmd: 'build-start', build, needs, policy, cwd: process.cwd() });
    if (!opened.ok) return complain(opened.error);
    slots = (opened.value[0] as { slots: number }).slots;
  }
  const made = buildEnvironment(home, build, command, process.env);
  if (!made.ok) complain(`${made.error}; building without them`);
  const env = made.ok ? made.value : { ...process.env };
  const behind = made.ok ? wordsBehindLauncher(command) : command;
  const jobs = planJobs(behind, { asked: options.jobs, slots, env, dir: started.ok ? join(home, 'run') : null });
  const hint = configuredWithout(command, process.cwd(), env);
  if (hint !== null) complain(hint);

  const startedAt = performance.now();
  const view = options.json || !started.ok ? null : openProgress(process.stderr);
  const watching = started.ok ? watch(home, build, startedAt, view, jobs) : null;
  const exit = await runCommand(jobs.words, jobs.env, jobs.inherit);
  watching?.stop();
  view?.close();
  jobs.close();

  if (started.ok) await report(home, build, performance.now() - startedAt, options.json);
  return exit;
}

async function report(home: string, build: string, wallMs: number, json: boolean): Promise<void> {
  const ended = await ask(home, { cmd: 'build-end', build });
  if (!ended.ok) {
    complain(`no summary: ${ended.error}`);
    return;
  }
  const figures: BuildReport = { ...(ended.value[0] as BuildReport), wallMs: Math.round(wallMs) };
  const file = process.env['TENDER_REPORT'];
  if (file !== undefined && file !== '') writeFileSync(file, `${JSON.stringify(figures)}\n`);
  if (json) process.stdout.write(`${JSON.stringify(figures)}\n`);
  else process.stderr.write(`tender: ${summarise(figures, wallMs, availableParallelism())}\n`);
}

function runCommand(words: readonly string[], env: NodeJS.ProcessEnv, inherit: readonly number[]): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(words[0] ?? '', words.slice(1), { env, stdio: ['inherit', 'inherit', 'inherit', ...inherit] });
    const forward = (signal: NodeJS.Signals): void => {
      child.kill(signal);
    };
    // A terminal sends Ctrl-C to the whole group; a signal to this process alone must reach the build too.
    const signals: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    for (const signal of signals) process.on(signal, forward);
    child.on('error', (error: NodeJS.ErrnoException) => {
      resolve(complain(error.code === 'ENOENT' ? `${words[0]}: no such command` : error.message) && 127);
    });
    child.on('exit', (code, signal) => {
      for (const name of signals) process.off(name, forward);
      resolve(signal === null ? (code ?? 1) : 128 + constants.signals[signal]);
    });
  });
}

/** Follows the build at the agent: for people, when there is a view, and for the number of make's jobs. */
function watch(
  home: string,
  build: string,
  startedAt: number,
  view: { show(line: string): void } | null,
  jobs: Jobs,
): { stop(): void } {
  let latest: BuildProgress | null = null;
  const ended = new AbortController();
  let stopped = false;
  const draw = (): void => {
    if (latest === null || stopped || view === null) return;
    view.show(
      progressLine(latest.figures, latest.inFlight, performance.now() - startedAt, process.stderr.columns ?? 100),
    );
  };
  const timers = [setInterval(draw, 500), setInterval(() => jobs.follow(latest?.slots ?? null), 250)];
  const answered = (answer: unknown): void => {
    latest = answer as BuildProgress;
    draw();
  };
  void callControl(socketPath(home), { cmd: 'build-watch', build }, answered, { signal: ended.signal });
  return {
    stop: () => {
      stopped = true;
      for (const timer of timers) clearInterval(timer);
      ended.abort();
    },
  };
}
