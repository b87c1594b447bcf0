// Runs a corpus's units through a contender's command, some at a time, by the program jobs.c that knows what each cost.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { BenchProblem } from './problem.ts';
import type { Bench } from './types.ts';

const longestMs = 15 * 60_000;

export interface JobsResult {
  /** Of the commands and all that they waited for, ms. */
  readonly cpuMs: number;
  /** By command. */
  readonly wallMs: readonly number[];
  /** What the commands printed. */
  readonly said: string;
}

/** Runs all commands, `jobs` at a time, in `cwd`; fails when one of them fails. */
export async function runJobs(
  bench: Bench,
  commands: readonly (readonly string[])[],
  options: {
    readonly jobs: number;
    readonly cwd: string;
    readonly env?: Readonly<Record<string, string>>;
    /** Put before the program that runs the commands; its own cost does not count. */
    readonly prefix?: readonly string[];
  },
): Promise<JobsResult> {
  const saidFile = join(bench.scratch, 'said');
  const said = openSync(saidFile, 'w');
  const [program, ...words] = [...(options.prefix ?? []), bench.jobsProgram, String(options.jobs)];
  const child = spawn(program, words, {
    cwd: options.cwd,
    env: { ...bench.env, ...options.env },
    stdio: ['pipe', 'pipe', said],
    detached: true,
  });
  closeSync(said);
  const timer = setTimeout(() => process.kill(-(child.pid ?? 0), 'SIGKILL'), longestMs);
  const stop = (): void => void process.kill(-(child.pid ?? 0), 'SIGKILL');
  process.prependOnceListener('exit', stop);
  if (child.stdin === null || child.stdout === null) throw new Error('bug: a child without pipes');
  child.stdin.end(commands.map((words) => `${words.join('\t')}\n`).join(''));
  const ended = once(child, 'close');
  const answers = await text(child.stdout);
  await ended;
  clearTimeout(timer);
  process.off('exit', stop);
  const told = readFileSync(saidFile, 'utf8');
  const ends = answers
    .trim()
    .split('\n')
    .map((line) => line.split(' ').map(Number));
  const bad = ends.find((end) => end[1] !== 0);
  if (ends.length !== commands.length || bad !== undefined) {
    const command = commands[bad?.[0] ?? 0]?.join(' ') ?? '';
    throw new BenchProblem(
      `${bad === undefined ? `only ${ends.length} of ${commands.length} commands ended` : `${command} ended with ${bad[1]}`}:\n` +
        told.split('\n').slice(0, 15).join('\n'),
    );
  }
  return {
    cpuMs: ends.reduce((sum, end) => sum + (end[3] ?? 0), 0) / 1000,
    wallMs: ends.map((end) => (end[2] ?? 0) / 1000),
    said: told,
  };
}
