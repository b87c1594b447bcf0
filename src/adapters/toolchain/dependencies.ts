// For computed includes that the scanner cannot follow: the compiler itself lists what a unit reads (-M). It costs a
// preprocessor run, so callers ask once per unit and remember.
import type { Result } from '../../base/result.ts';
import { err, ok } from '../../base/result.ts';
import { parseDependencies } from '../../compiler/scan/depfile.ts';
import { spellAbsolute } from '../../compiler/scan/directories.ts';
import type { ToolchainError } from './describe.ts';
import type { Environment } from './run.ts';
import { questionEnvironment, run } from './run.ts';

const ALONE = new Set(['-c', '-S', '-E', '-MD', '-MMD', '-MP', '-MG', '-M', '-MM', '-save-temps', '-ftime-trace']);
const WITH_OPERAND = new Set(['-MF', '-MT', '-MQ', '-o', '--serialize-diagnostics', '-serialize-diagnostics']);

/** The command that only lists dependencies: no output, no depfile of its own. */
export function dependencyArguments(args: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? '';
    if (ALONE.has(arg) || /^-(?:MF|MT|MQ|Wp,-M|-?save-temps|ftime-trace=)/.test(arg) || /^-o./.test(arg)) {
      if (WITH_OPERAND.has(arg)) i++;
      continue;
    }
    if (WITH_OPERAND.has(arg)) i++;
    else kept.push(arg);
  }
  return [...kept, '-M', '-MT', 'x'];
}

/** Every file that the compiler names for this command (without argv[0]), absolute as spelled, each source before its headers. */
export async function askDependencies(
  compilerPath: string,
  args: readonly string[],
  cwd: string,
  env: Environment,
): Promise<Result<readonly string[], ToolchainError>> {
  const search = { ...questionEnvironment(env) };
  // Unlike other questions this one is about a command as it stands, search path variables included.
  for (const name of ['CPATH', 'C_INCLUDE_PATH', 'CPLUS_INCLUDE_PATH', 'OBJC_INCLUDE_PATH', 'OBJCPLUS_INCLUDE_PATH']) {
    search[name] = env[name];
  }
  const answer = await run(compilerPath, dependencyArguments(args), { env: search, cwd });
  if (!answer.ok) return err({ message: answer.error });
  if (answer.value.code !== 0) {
    const why = /^.*error: .*$/m.exec(answer.value.stderr)?.[0] ?? `it ended with code ${answer.value.code}`;
    return err({ message: `${compilerPath} does not list what the unit reads: ${why}` });
  }
  // One rule for each source.
  const files = answer.value.stdout.split(/^(?=x:)/m).flatMap(parseDependencies);
  return ok([...new Set(files.map((file) => spellAbsolute(file, cwd)))]);
}
