// A compiler call becomes a task: verdict, toolchain, include scan, the piece of the file system that must travel.
// All of it belongs to one moment of the disk, and nothing is preprocessed; what cannot travel is told with its reason.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { recognizeDriver } from '../../compiler/command/driver.ts';
import { envDirs, envSubset } from '../../compiler/command/environment.ts';
import { parseCommand, type CommandContext } from '../../compiler/command/parse.ts';
import { spellAbsolute } from '../../compiler/scan/directories.ts';
import { IncludeScanner } from '../../compiler/scan/scan.ts';
import type { BuiltinSearch, CompilePlan, NameSpacePiece, OutputSpec, StayReason } from '../../compiler/types.ts';
import { FileCache } from '../../adapters/files/file-cache.ts';
import { tryStat } from '../../adapters/stat.ts';
import type { LauncherRequest } from '../../adapters/launcher-socket/types.ts';
import {
  askDependencies,
  listLocaleFiles,
  type ToolchainDescription,
  type Toolchains,
} from '../../adapters/toolchain/index.ts';
import type { TaskClass } from '../../core/types.ts';
import { speaksTranslated, travellingZone } from './surroundings.ts';

/** All that a worker is told of one compile; paths absolute on this machine. */
export interface CompileTask {
  /** For people. */
  readonly label: string;
  /** Absolute. */
  readonly source: string;
  readonly class: TaskClass;
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: readonly string[];
  readonly umask: number;
  /** Generation of this machine's name space: within one, a path has one content. */
  readonly epoch: number;
  readonly fragment: NameSpacePiece;
  readonly outputs: readonly OutputSpec[];
  /** gcc -c without -pipe: two programs one after the other, the second writes the object. */
  readonly compilesThenAssembles: boolean;
  /** Size of all files that go in. */
  readonly bytes: number;
  /** Where an include could have come from: tells a header that we failed to send from one that does not exist. */
  readonly searchDirs: readonly string[];
}

export type Prepared =
  | { readonly travels: true; readonly task: CompileTask }
  /** Heavy: it does work that should wait for a slot; a question to the compiler does not. */
  | { readonly travels: false; readonly reason: StayReason; readonly detail: string; readonly heavy: boolean };

export interface PreparedCall {
  readonly prepared: Prepared;
  readonly build: string;
  readonly label: string;
}

export interface PreparerWorld {
  readonly toolchains: Toolchains;
  needsOf(build: string): string;
  log(event: string, fields: Record<string, unknown>): void;
}

interface Unit {
  readonly request: LauncherRequest;
  readonly env: ReadonlyMap<string, string>;
  readonly variables: Readonly<Record<string, string>>;
  readonly build: string;
  readonly plan: CompilePlan;
  readonly toolchain: ToolchainDescription;
  /** For each source of the plan. */
  readonly builtins: readonly BuiltinSearch[];
}

export class Preparer {
  private readonly world: PreparerWorld;
  private readonly files = new FileCache();
  private readonly scanner = new IncludeScanner(this.files);
  /** Collections that wait for the next look at the disk. */
  private arrived: (() => void)[] = [];
  private readonly classes = new Map<string, TaskClass>();
  // Starts at the clock so that no two lives of an agent share a generation.
  private epoch = Date.now() * 1000;

  constructor(world: PreparerWorld) {
    this.world = world;
  }

  /** Never fails: whatever is odd about a call, the real compiler here is the answer. */
  async prepare(request: LauncherRequest): Promise<PreparedCall> {
    const env = new Map<string, string>();
    for (const entry of request.env) {
      const at = entry.indexOf('=');
      if (at > 0) env.set(entry.slice(0, at), entry.slice(at + 1));
    }
    const build = env.get('TENDER_BUILD') ?? 'adhoc';
    let prepared: Prepared;
    try {
      prepared = await this.prepareOrThrow(request, env, build);
    } catch (error) {
      this.world.log('prepare-broke', { argv: request.argv, error: (error as Error).stack });
      prepared = stays('compiler-unknown', (error as Error).message);
    }
    // The whole path: the record of durations must not mix two files of one name.
    const label = prepared.travels ? prepared.task.source : (request.argv.find(looksLikeSource) ?? '');
    return { prepared, build, label };
  }

  private async prepareOrThrow(request: LauncherRequest, env: Map<string, string>, build: string): Promise<Prepared> {
    const { cwd, compiler } = request;
    if (!request.validUtf8) return stays('path-not-utf8', 'a word or a path is not UTF-8');
    const context: CommandContext = {
      cwd,
      env,
      readFile: readText,
      stderrIsTerminal: request.stderrIsTerminal,
      isDirectory: (path) => tryStat(path)?.isDirectory() ?? false,
    };
    // argv[0] says how the user called it; what the compiler is, its real name says.
    const words = [compiler, ...request.argv.slice(1)];
    let verdict = parseCommand(words, context);
    if (!verdict.travels) {
      const { reason, detail } = verdict;
      return {
        travels: false,
        reason,
        detail,
        heavy: reason !== 'probe' && request.argv.slice(1).some((word) => !word.startsWith('-')),
      };
    }
    const variables = Object.fromEntries(env);
    const described = await this.world.toolchains.describe(compiler, variables);
    if (!described.ok) return stays('compiler-unknown', described.error.message);
    const toolchain = described.value;
    if (recognizeDriver(compiler)?.family !== toolchain.family) {
      verdict = parseCommand(words, { ...context, family: toolchain.family });
      if (!verdict.travels) return stays(verdict.reason, verdict.detail);
    }
    const { plan } = verdict;
    if (speaksTranslated(env)) return stays('environment', 'the translations of messages do not travel');
    const search = { cwd, env: variables };
    const builtins: BuiltinSearch[] = [];
    for (const { language } of plan.sources) {
      const builtin = await this.world.toolchains.builtinSearch(compiler, language, plan.builtinArgs, search);
      if (!builtin.ok) return stays('compiler-unknown', builtin.error.message);
      builtins.push(builtin.value);
    }
    const unit: Unit = { request, env, variables, build, plan, toolchain, builtins };
    const prepared = await this.inOneMoment(unit, null);
    if (prepared !== 'unresolved') return prepared;
    const asked = await askDependencies(compiler, plan.args, cwd, variables);
    if (!asked.ok) return stays('include-not-resolved', asked.error.message);
    const again = await this.inOneMoment(unit, asked.value);
    return again === 'unresolved' ? stays('include-not-resolved', 'an include by macro') : again;
  }

  /** Units that arrive together share one look at the disk: each of them came before it. */
  private inOneMoment(unit: Unit, asked: readonly string[] | null): Promise<Prepared | 'unresolved'> {
    return new Promise((resolve, reject) => {
      this.arrived.push(() => {
        try {
          resolve(this.collect(unit, asked));
        } catch (error) {
          reject(error as Error);
        }
      });
      if (this.arrived.length > 1) return;
      setImmediate(() => {
        const units = this.arrived;
        this.arrived = [];
        this.files.beginMoment();
        for (const collect of units) collect();
      });
    });
  }

  /** All that the unit reads, as it is in this moment; `asked`: what the compiler listed where the scan cannot follow. */
  private collect(unit: Unit, asked: readonly string[] | null): Prepared | 'unresolved' {
    const { request, env, build, plan, toolchain } = unit;
    const { cwd } = request;
    const files = new Set<string>();
    const searchDirs = new Set<string>();
    for (const [index, { path, language }] of plan.sources.entries()) {
      const builtin = unit.builtins[index];
      if (builtin === undefined) throw new Error('bug: a source without search directories');
      const scanned = this.scanner.scan({
        source: spellAbsolute(path, cwd),
        cwd,
        scan: plan.scan,
        builtin,
        envDirs: envDirs(env, language, cwd, toolchain.family),
      });
      if (scanned.usesTimestamp) return stays('time-macro', '__TIMESTAMP__ is the time of the file here');
      if (scanned.hasAssemblerIncludes) return stays('assembler-includes', 'the assembler pulls in files of its own');
      if (scanned.precompiledHeader !== null) return stays('precompiled-header', scanned.precompiledHeader);
      if (scanned.unresolved.length > 0 && asked === null) return 'unresolved';
      for (const file of scanned.files) files.add(file);
      for (const dir of scanned.searchDirs) searchDirs.add(dir);
    }
    const outputs = plan.outputs.map((output) => ({ ...output, path: spellAbsolute(output.path, cwd) }));
    for (const { path } of outputs) {
      const there = tryStat(path);
      if (there !== null && !there.isFile()) return stays('output-not-a-file', path);
    }
    const pwd = env.get('PWD');
    const inputs = [...files, ...(asked ?? []), ...plan.extraInputs, ...listLocaleFiles(unit.variables)];
    const dirs = [...searchDirs, cwd, ...outputs.map((output) => dirname(output.path))];
    if (pwd?.startsWith('/') === true) dirs.push(pwd);
    const taken = this.files.fragment(
      inputs.map((path) => spellAbsolute(path, cwd)),
      dirs,
    );
    if (!taken.ok) return stays('file-missing', taken.error.message);
    if (this.files.takeChanged().length > 0) this.epoch++;
    const fragment = joinPieces(taken.value, toolchain);
    const task: CompileTask = {
      label: basename(plan.sources[0].path),
      source: spellAbsolute(plan.sources[0].path, cwd),
      class: this.classOf(toolchain, request.compiler, this.world.needsOf(build)),
      argv: [request.compiler, ...plan.args],
      cwd,
      env: [
        ...envSubset(env).filter((entry) => !entry.startsWith('TZ=')),
        `PATH=${toolchain.pathDirs.join(':')}`,
        ...(toolchain.libraryDirs.length > 0 ? [`LD_LIBRARY_PATH=${toolchain.libraryDirs.join(':')}`] : []),
        `TZ=${travellingZone(env)}`,
      ],
      umask: request.umask,
      epoch: this.epoch,
      fragment,
      outputs,
      compilesThenAssembles: toolchain.family === 'gcc' && plan.args.includes('-c') && !plan.args.includes('-pipe'),
      bytes: fragment.files.reduce((sum, file) => sum + file.size, 0),
      searchDirs: [...searchDirs],
    };
    return { travels: true, task };
  }

  private classOf(toolchain: ToolchainDescription, path: string, criteria: string): TaskClass {
    const key = `${toolchain.digest}\0${path}\0${criteria}`;
    let known = this.classes.get(key);
    if (known === undefined) {
      known = {
        id: createHash('sha256').update(key).digest('hex').slice(0, 32),
        criteria,
        toolchain: { digest: toolchain.digest, path, label: toolchain.label },
        p50Ms: 1_000,
        p80Ms: 3_000,
        bytes: 2_000_000,
      };
      this.classes.set(key, known);
    }
    return known;
  }
}

function stays(reason: StayReason, detail: string): Prepared {
  return { travels: false, reason, detail, heavy: true };
}

const looksLikeSource = (word: string): boolean => /\.(?:c|cc|cpp|cxx|c\+\+|C|m|mm|s|S|i|ii)$/.test(word);

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/** The unit's files and the compiler's, each path once. */
function joinPieces(unit: NameSpacePiece, toolchain: NameSpacePiece): NameSpacePiece {
  const seen = new Set<string>();
  const once = <T extends { readonly path: string }>(entry: T): boolean =>
    !seen.has(entry.path) && seen.add(entry.path) !== undefined;
  const files = [...unit.files, ...toolchain.files].filter(once);
  const symlinks = [...unit.symlinks, ...toolchain.symlinks].filter(once);
  return { files, symlinks, dirs: [...new Set([...unit.dirs, ...toolchain.dirs])] };
}
