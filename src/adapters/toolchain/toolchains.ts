// Remembers what compilers said of themselves, for as long as their files stay what they were.
import { existsSync, realpathSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import type { Result } from '../../base/result.ts';
import { ok } from '../../base/result.ts';
import type { BuiltinSearch, Language } from '../../compiler/types.ts';
import type { AskedSearch } from './builtin.ts';
import { askBuiltinSearch } from './builtin.ts';
import type { ToolchainDescription, ToolchainError } from './describe.ts';
import { readToolchain } from './describe.ts';
import { identityOf } from './digests.ts';
import { listLibraries } from './libraries.ts';
import type { NativeCommand, NativePlace, NativeWords } from './native.ts';
import { askNative, nativeQuestion, writeNative } from './native.ts';
import { findInPath, placesIn, Shared } from './parts.ts';
import { listPlugins, type PluginQuestion } from './plugins.ts';
import { Answers } from './remember.ts';
import type { Environment } from './run.ts';
import { questionEnvironment } from './run.ts';

/** Arguments that cannot name a file whose content has a say in where headers are. */
const NAMES_NO_FILE = /^-(?:std=[\w+:]+|ansi|m[\w-]+(?:=[\w.+-]+)?|nostdinc(?:\+\+)?|pthread|fopenmp)$/;

/** Files of a compiler are looked at this often at most. */
const DEFAULT_RECHECK_MS = 3_000;

export class Toolchains {
  readonly #env: Environment;
  readonly #shared: Shared;
  readonly #described: Answers<Result<ToolchainDescription, ToolchainError>>;
  readonly #natives: Answers<Result<NativeWords, ToolchainError>>;
  readonly #searches: Answers<Result<AskedSearch, ToolchainError>>;

  /**
   * `env`: for PATH and the variables that gcc itself reads when no call brings its own. `memory`: a file in which answers outlive
   * this process.
   */
  constructor(options: { readonly env?: Environment; readonly recheckMs?: number; readonly memory?: string } = {}) {
    this.#env = options.env ?? process.env;
    this.#shared = new Shared(options.memory ?? null);
    const recheckMs = options.recheckMs ?? DEFAULT_RECHECK_MS;
    this.#described = new Answers(recheckMs);
    this.#natives = new Answers(recheckMs);
    this.#searches = new Answers(recheckMs);
  }

  /** The compiler at an absolute path; the message of a failure is for people. `anew`: its files are looked at in any case. */
  describe(
    compilerPath: string,
    env: Environment = this.#env,
    { anew = false } = {},
  ): Promise<Result<ToolchainDescription, ToolchainError>> {
    return this.#described.get(
      [compilerPath, placesIn(env)].join('\0'),
      () => readToolchain(compilerPath, env, this.#shared),
      (result) => (result.ok ? stateOf([compilerPath, ...result.value.files.map((file) => file.path)], env) : null),
      anew,
    );
  }

  /** Where the compiler looks by itself for this language under these arguments; `cwd` matters when they name relative paths. */
  async builtinSearch(
    compilerPath: string,
    language: Language,
    builtinArgs: readonly string[],
    options: { readonly cwd?: string; readonly env?: Environment } = {},
  ): Promise<Result<BuiltinSearch, ToolchainError>> {
    const env = options.env ?? this.#env;
    const cwd = options.cwd ?? '/';
    const described = await this.describe(compilerPath, env);
    if (!described.ok) return described;
    const place = builtinArgs.some(namesRelativePath) ? cwd : '';
    const key = [described.value.digest, compilerPath, language, place, ...builtinArgs].join('\0');
    const search = await this.#searches.get(
      key,
      () => this.#search(described.value, key, { compilerPath, language, builtinArgs, env, cwd: place || '/' }),
      (result) =>
        result.ok
          ? [...result.value.systemDirs, ...result.value.missingDirs, ...result.value.bearings]
              .map((dir) => (existsSync(dir) ? '+' : '-'))
              .join('')
          : null,
    );
    if (!search.ok) return search;
    const { systemDirs, bearings, intrinsicDirs } = search.value;
    return ok({ systemDirs, bearings, intrinsicDirs });
  }

  /** Asked, or told in an earlier life. A gcc installation that clang leans on can appear anywhere, so clang is asked. */
  async #search(
    toolchain: ToolchainDescription,
    key: string,
    question: {
      readonly compilerPath: string;
      readonly language: Language;
      readonly builtinArgs: readonly string[];
      readonly env: Environment;
      readonly cwd: string;
    },
  ): Promise<Result<AskedSearch, ToolchainError>> {
    const { compilerPath, language, builtinArgs, env, cwd } = question;
    const { memory } = this.#shared;
    const name = ['search', placesIn(env), key].join('\0');
    const keeps = toolchain.family === 'gcc' && builtinArgs.every((arg) => NAMES_NO_FILE.test(arg));
    const kept = keeps ? memory.recall<AskedSearch>(name) : null;
    if (kept !== null) return ok(kept);
    const askedAtMs = Date.now();
    const asked = await askBuiltinSearch(compilerPath, language, builtinArgs, { env, cwd });
    if (asked.ok && asked.value.frontEnd !== null) {
      // A driver that is not for this language: its description knows nothing of the front end.
      const own = new Set(toolchain.files.map((file) => file.path));
      const { paths } = await listLibraries(asked.value.frontEnd, questionEnvironment(env), this.#shared.loaded);
      const foreign = [asked.value.frontEnd, ...paths].filter((path) => !own.has(tryRealPath(path)));
      return ok({ ...asked.value, bearings: [...foreign, ...asked.value.bearings] });
    }
    if (asked.ok && keeps) {
      const { systemDirs, missingDirs, doubleDirs } = asked.value;
      memory.keep(name, asked.value, [...systemDirs, ...missingDirs, ...doubleDirs], askedAtMs);
      memory.save();
    }
    return asked;
  }

  /** What plugins, as a command names them, need to be loaded elsewhere. The error says which cannot. */
  listPlugins(question: PluginQuestion): Promise<Result<readonly string[], ToolchainError>> {
    return listPlugins(question, this.#shared.loaded);
  }

  /**
   * A command (without argv[0]) whose words for this machine's processor, `-march=native` and the like, are replaced by what they
   * mean here, so that the object is the same wherever it is made. An error: the command must stay.
   */
  async resolveNative(
    compilerPath: string,
    args: readonly string[],
    place: NativePlace,
  ): Promise<Result<NativeCommand, ToolchainError>> {
    const described = await this.describe(compilerPath, place.env);
    if (!described.ok) return described;
    const { digest, family } = described.value;
    const question = nativeQuestion(args);
    const words = await this.#natives.get(
      [digest, compilerPath, place.dir, ...question].join('\0'),
      () => askNative(compilerPath, question, { ...place, family }),
      (result) => (result.ok && result.value.files.every((file) => existsSync(file)) ? 'kept' : null),
    );
    return words.ok ? ok({ args: writeNative(args, words.value), files: words.value.files }) : words;
  }
}

const shared = new Toolchains();

/** The compiler at `compilerPath`, remembered for the whole process. */
export function describeToolchain(
  compilerPath: string,
  options: { readonly env: Environment },
): Promise<Result<ToolchainDescription, ToolchainError>> {
  return shared.describe(compilerPath, options.env);
}

function stateOf(paths: readonly string[], env: Environment): string {
  const first = paths[0];
  return [...paths.map(identityOf), first === undefined ? '' : tryRealPath(first), findInPath('as', env)].join('\n');
}

function tryRealPath(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return '';
  }
}

function namesRelativePath(arg: string): boolean {
  if (!arg.startsWith('-')) return !isAbsolute(arg);
  const value = /^(?:--?(?:sysroot|gcc-toolchain|gcc-install-dir)=|-isysroot|-B|-iprefix)(.*)$/.exec(arg)?.[1];
  return value !== undefined && value !== '' && !isAbsolute(value);
}
