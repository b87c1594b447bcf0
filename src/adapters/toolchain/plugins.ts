// What is loaded into a compiler besides its own files: plugins, with the libraries that they load in turn. Where the loader
// itself would have to look for one, the answer is left to the compiler here.
import { existsSync, realpathSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import type { Result } from '../../base/result.ts';
import { err, ok } from '../../base/result.ts';
import { spellAbsolute } from '../../compiler/scan/directories.ts';
import { tryStat } from '../stat.ts';
import type { ToolchainDescription, ToolchainError } from './describe.ts';
import { readElf } from './elf.ts';
import { listLibraries, type Loaded } from './libraries.ts';
import type { Answers } from './remember.ts';
import { questionEnvironment, run, type Environment } from './run.ts';

export interface PluginQuestion {
  readonly compilerPath: string;
  readonly toolchain: ToolchainDescription;
  /** As the command names them. */
  readonly plugins: readonly string[];
  readonly cwd: string;
  readonly env: Environment;
}

/** All that must be there for the plugins to be loaded elsewhere: files, and directories that the compiler asks for. */
export async function listPlugins(
  { compilerPath, toolchain, plugins, cwd, env }: PluginQuestion,
  known: Answers<Loaded>,
): Promise<Result<readonly string[], ToolchainError>> {
  const paths: string[] = [];
  const ownDir = toolchain.family === 'gcc' ? await askPluginDir(compilerPath, env) : null;
  for (const name of plugins) {
    // As gcc tells short names from files.
    const isShort = toolchain.family === 'gcc' && !/[./]/.test(name);
    if (isShort && ownDir === null) return err({ message: `${compilerPath} does not say where its plugins are` });
    if (!isShort && !name.includes('/')) return err({ message: `«${name}» is looked for by the loader` });
    paths.push(isShort ? join(ownDir ?? '/', `${name}.so`) : spellAbsolute(name, cwd));
  }
  const files = new Set<string>();
  const { interpreter } = readElf(realpathSync.native(compilerPath));
  for (const path of paths) {
    if (tryStat(path)?.isFile() !== true) return err({ message: `${path} is not there` });
    try {
      if (interpreter === null || !readElf(path).elf) return err({ message: `${path} cannot be loaded` });
      const loaded = await listLibraries(realpathSync.native(path), questionEnvironment(env), known, interpreter);
      const lost = loaded.cachedDirs.find((dir) => !toolchain.libraryDirs.includes(dir));
      if (lost !== undefined) return err({ message: `${path} needs libraries of ${lost}` });
      for (const file of [path, ...loaded.paths]) files.add(file);
    } catch (error) {
      return err({ message: `${path} cannot be read: ${(error as Error).message}` });
    }
  }
  const own = new Set(toolchain.files.map((file) => file.path));
  const foreign = [...files].filter((file) => !own.has(realpathSync.native(file)));
  return ok(ownDir !== null && existsSync(ownDir) ? [...foreign, ownDir] : foreign);
}

/** The directory of gcc's own plugins, which it hands to every plugin; null: it has none. */
async function askPluginDir(compilerPath: string, env: Environment): Promise<string | null> {
  const answer = await run(compilerPath, ['-print-file-name=plugin'], { env: questionEnvironment(env), cwd: '/' });
  const dir = answer.ok ? answer.value.stdout.trim() : '';
  return isAbsolute(dir) && dirname(dir) !== dir ? dir : null;
}
