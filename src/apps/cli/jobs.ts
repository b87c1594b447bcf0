// How many jobs a build command runs: a jobserver that follows the farm where the command is a GNU make that understands one,
// a number where it is not. Nobody has to ask «what -j?», and who has said it is obeyed.
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { Jobserver, jobserverForm, type JobserverForm } from '../../adapters/jobserver/jobserver.ts';
import { readMachine, readRunnable } from '../../adapters/machine/read.ts';
import { chooseJobs, JobTokens } from '../../core/jobserver/tokens.ts';
import { findIn } from './build-environment.ts';

export interface Jobs {
  readonly words: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Descriptors that the command inherits as 3, 4, … */
  readonly inherit: readonly number[];
  /** The slots in reach have changed or time has passed; null: nothing is known of them. */
  follow(slots: number | null): void;
  close(): void;
}

export interface JobsWish {
  /** `--jobs`; null: not said. */
  readonly asked: number | null;
  /** In reach at the start. */
  readonly slots: number;
  readonly env: NodeJS.ProcessEnv;
  /** Where a jobserver's pipe may be made; null: nothing would feed it. */
  readonly dir: string | null;
  /** What a make of that path understands. */
  readonly formOf?: (make: string) => JobserverForm;
}

const makes = /^(?:gmake|make)$/;
const ninjas = /^(?:ninja|samu|ninja-build)$/;
/** Descriptors that a child gets after the standard three. */
const readFd = 3;
const writeFd = 4;

/** The command and its environment with the number of jobs said in the way that this command understands. */
export function planJobs(command: readonly string[], wish: JobsWish): Jobs {
  const cores = availableParallelism();
  const env = { ...wish.env };
  const number = wish.asked ?? chooseJobs(wish.slots, cores);
  const server = wish.asked === null && wish.dir !== null && !saysJobs(command, env) ? serverFor(command, wish) : null;
  if (server === null) {
    const words = withJobs(command, number, env, wish.asked !== null);
    return { words, env, inherit: [], follow: () => undefined, close: () => undefined };
  }
  const tokens = new JobTokens(cores, wish.slots);
  const { jobserver, form } = server;
  jobserver.allow(tokens.jobs);
  env['MAKEFLAGS'] = `${env['MAKEFLAGS'] ?? ''} ${jobserver.flags(form, readFd, writeFd)}`;
  env['TENDER_JOBS'] = String(number);
  env['SCONSFLAGS'] ??= `-j${number}`;
  // `cmake --build` would hand a number on to make, which would then complain and ignore the jobserver.
  delete env['CMAKE_BUILD_PARALLEL_LEVEL'];
  const inherit = form === 'pipe' ? [jobserver.readEnd, jobserver.writeEnd] : [];
  return {
    words: [...command],
    env,
    inherit,
    follow: (slots) => {
      const { memFreeBytes, memTotalBytes } = readMachine();
      const memFreeShare = memTotalBytes > 0 ? memFreeBytes / memTotalBytes : 1;
      jobserver.allow(tokens.read({ slots: slots ?? wish.slots, runnable: readRunnable(), memFreeShare }));
    },
    close: () => jobserver.close(),
  };
}

/** A jobserver where it is sure to be used: by make itself, or by CMake on top of it. Scripts may lose what a pipe needs. */
function serverFor(
  command: readonly string[],
  wish: JobsWish,
): { jobserver: Jobserver; form: Exclude<JobserverForm, 'none'> } | null {
  const tool = basename(command[0] ?? '');
  const throughCmake = tool === 'cmake' && generatorOf(command) === 'Unix Makefiles';
  if (!makes.test(tool) && !throughCmake) return null;
  const make = throughCmake ? 'make' : (command[0] ?? '');
  const path = make.includes('/') ? make : findIn(wish.env['PATH'] ?? '', make);
  const form = path === null ? 'none' : (wish.formOf ?? jobserverForm)(path);
  if (form === 'none') return null;
  const opened = Jobserver.open(wish.dir ?? '', `jobs-${process.pid}`);
  return opened.ok ? { jobserver: opened.value, form } : null;
}

/** What `cmake --build DIR` will call, as CMake wrote it down; empty when this is something else. */
function generatorOf(command: readonly string[]): string {
  const at = command.indexOf('--build');
  if (at < 0) return '';
  try {
    const cache = readFileSync(join(command[at + 1] ?? '.', 'CMakeCache.txt'), 'utf8');
    return /^CMAKE_GENERATOR:INTERNAL=(.*)$/m.exec(cache)?.[1] ?? '';
  } catch {
    return '';
  }
}

/** Whether the user has said how many jobs, on the command line or in MAKEFLAGS. */
function saysJobs(command: readonly string[], env: NodeJS.ProcessEnv): boolean {
  const said = command.some((word) => /^(?:-j\d*|-j.*|--jobs(?:=.*)?|--parallel(?:=.*)?)$/.test(word));
  return said || /(?:^| )(?:-j|--jobs|[a-zA-Z]*j\d)/.test(env['MAKEFLAGS'] ?? '');
}

/** Tells make, ninja, CMake, Meson and SCons how many jobs to run, unless the user has said so. */
export function withJobs(command: readonly string[], jobs: number, env: NodeJS.ProcessEnv, asked: boolean): string[] {
  const tool = basename(command[0] ?? '');
  if (saysJobs(command, env) && !asked) return [...command];
  env['CMAKE_BUILD_PARALLEL_LEVEL'] = String(jobs);
  if (makes.test(tool) || ninjas.test(tool)) return [command[0] ?? '', `-j${jobs}`, ...command.slice(1)];
  env['MAKEFLAGS'] = `${env['MAKEFLAGS'] ?? ''} -j${jobs}`.trim();
  // For the ninja that Meson or a script starts (build-environment.ts), and for SCons.
  env['TENDER_JOBS'] = String(jobs);
  env['SCONSFLAGS'] ??= `-j${jobs}`;
  return [...command];
}
