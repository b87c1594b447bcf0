// Runs the compiler to ask it something: in the C locale, without the variables that would change its answer, with a limit
// on time and output.
import { execFile } from 'node:child_process';
import type { Result } from '../../base/result.ts';
import { err, ok } from '../../base/result.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const TIMEOUT_MS = 30_000;
const MAX_OUTPUT_BYTES = 16 << 20;

/** Runs a program to its end. The error: it could not be started, or did not end in time. */
export function run(
  program: string,
  args: readonly string[],
  options: { readonly env: Environment; readonly cwd: string },
): Promise<Result<Answer, string>> {
  return new Promise((resolve) => {
    const settings = {
      cwd: options.cwd,
      env: { ...options.env },
      timeout: TIMEOUT_MS,
      killSignal: 'SIGKILL',
      maxBuffer: MAX_OUTPUT_BYTES,
      encoding: 'utf8',
    } as const;
    execFile(program, [...args], settings, (error, stdout, stderr) => {
      if (error === null) return resolve(ok({ code: 0, stdout, stderr }));
      if (typeof error.code === 'number') return resolve(ok({ code: error.code, stdout, stderr }));
      resolve(err(`${program} could not be asked: ${error.message.split('\n')[0]}`));
    });
  });
}

const CHANGES_ANSWERS = [
  'LANG',
  'LANGUAGE',
  'LC_MESSAGES',
  'LC_CTYPE',
  'CPATH',
  'C_INCLUDE_PATH',
  'CPLUS_INCLUDE_PATH',
  'OBJC_INCLUDE_PATH',
  'OBJCPLUS_INCLUDE_PATH',
  'DEPENDENCIES_OUTPUT',
  'SUNPRO_DEPENDENCIES',
  'GCC_COLORS',
  'LD_PRELOAD',
] as const;

/** `env` as a question to the compiler needs it. A launcher that stands at the compiler's path steps aside. */
export function questionEnvironment(env: Environment): Environment {
  const clean: Record<string, string | undefined> = { ...env, LC_ALL: 'C', TENDER_DISABLE: '1' };
  for (const name of CHANGES_ANSWERS) delete clean[name];
  return clean;
}
