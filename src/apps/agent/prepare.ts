// A compiler call becomes a task: verdict, toolchain, include scan, the piece of the file system that must travel.
// All of it belongs to one moment of the disk, and nothing is preprocessed; what cannot travel is told with its reason.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { recognizeDriver } from '../../compiler/command/driver.ts';
import { envDirs } from '../../compiler/command/environment.ts';
import { parseCommand, type CommandContext } from '../../compiler/command/parse.ts';
import { fortranSearch } from '../../compiler/fortran/search.ts';
import { spellAbsolute } from '../../compiler/scan/directories.ts';
import { IncludeScanner } from '../../compiler/scan/scan.ts';
import type { NameSpacePiece, ScanRequest } from '../../compiler/types.ts';
import { FileCache } from '../../adapters/files/file-cache.ts';
import type { Watches } from '../../adapters/files/watches.ts';
import type { StoredResult } from '../../adapters/results/types.ts';
import { tryStat } from '../../adapters/stat.ts';
import type { LauncherRequest } from '../../adapters/launcher-socket/types.ts';
import { askDependencies, type ToolchainDescription, type Toolchains } from '../../adapters/toolchain/index.ts';
import type { Explanation } from '../report.ts';
import type { Compile, TaskTerms } from './classes.ts';
import { explainCall } from './explain.ts';
import { takeUnit } from './inputs.ts';
import { placeOutputs, withModules, type OutputPlace } from './output-places.ts';
import { ResultKeeper, type KeepingStore, type MadeResult } from './keep.ts';
import { HereKeeper, type Keep } from './keep-here.ts';
import { stays, type Stay } from './stay.ts';
import { unitKey } from './store-keys.ts';
import { Moments } from './moments.ts';
import { SurroundingsReader, travellingZone, type Surroundings } from './surroundings.ts';
import { UnitMemory, type Taken, type Unit } from './units.ts';

/** What a call's answer will be written to. */
export interface OutputPlan {
  readonly cwd: string;
  readonly umask: number;
  readonly outputs: readonly OutputPlace[];
  /** A compile that fails removes the depfile of an earlier one. */
  readonly dropsDepfile: boolean;
  /** A compile that failed elsewhere is done here: what a plugin looks for may be only here. */
  readonly hasPlugins: boolean;
  /** gcc -c without -pipe: two programs one after the other, the second writes the object. */
  readonly compilesThenAssembles: boolean;
}

/** All that a worker is told of one compile; paths absolute on this machine. */
export interface CompileTask extends OutputPlan, TaskTerms {
  /** For people. */
  readonly label: string;
  /** Absolute. */
  readonly source: string;
  readonly argv: readonly string[];
  readonly env: readonly string[];
  /** Generation of this machine's name space: within one, a path has one content. */
  readonly epoch: number;
  readonly fragment: NameSpacePiece;
  /** Size of all files that go in, the compiler's own not among them. */
  readonly bytes: number;
  /** Where an include could have come from: tells a header that we failed to send from one that does not exist. */
  readonly searchDirs: readonly string[];
}

export type Prepared =
  | { readonly travels: true; readonly task: CompileTask; readonly keep: Keep | null }
  /** Compiled before, from the same files. */
  | { readonly travels: 'stored'; readonly outputs: OutputPlan; readonly result: StoredResult }
  | Stay;

export interface PreparedCall {
  readonly prepared: Prepared;
  readonly build: string;
  readonly label: string;
}

export interface PreparerWorld {
  readonly toolchains: Toolchains;
  /** Null: nothing vouches for the disk, every moment looks at it. */
  readonly watches: Watches | null;
  /** Of ours: the meaning of -march=native is kept there as files. */
  readonly nativeDir: string;
  /** Null: no results are kept. */
  readonly store: KeepingStore | null;
  /** Of which class it is, and under what it is remembered. */
  termsOf(compile: Compile, build: string, cwd: string): TaskTerms;
  /** A result of a compiler that ran here lies in the store now. */
  keptHere(build: string): void;
  log(event: string, fields: Record<string, unknown>): void;
}

interface Call {
  readonly request: LauncherRequest;
  readonly surroundings: Surroundings;
  /** As what the call was prepared. */
  unit?: Unit;
}

export class Preparer {
  private readonly world: PreparerWorld;
  readonly files: FileCache;
  readonly scanner: IncludeScanner;
  private readonly keeper: ResultKeeper | null;
  private readonly hereKeeper: HereKeeper;
  private readonly surroundings = new SurroundingsReader();
  private readonly units = new UnitMemory();
  private readonly moments: Moments;
  // Starts at the clock so that no two lives of an agent share a generation.
  private epoch = Date.now() * 1000;

  constructor(world: PreparerWorld) {
    this.world = world;
    this.files = new FileCache({ watches: world.watches });
    this.moments = new Moments(this.files);
    this.scanner = new IncludeScanner(this.files);
    this.keeper = world.store === null ? null : new ResultKeeper(world.store, this.files, this.scanner);
    this.hereKeeper = new HereKeeper({
      inNextMoment: (work) => this.moments.inOne(work, true),
      describe: async (compiler, { variables }) => {
        const described = await world.toolchains.describe(compiler, variables, { anew: true });
        return described.ok ? described.value : described.error.message;
      },
      ended: ({ unit, surroundings }, notKept) => {
        if (notKept === '') world.keptHere(surroundings.build);
        else world.log('not-kept', { source: unit.requests[0].source, why: notKept });
      },
    });
  }

  /** Ends when all that compilers have made here is kept, or is not. */
  async close(): Promise<void> {
    await this.hereKeeper.settle();
    this.files.close();
  }

  /** Never fails: whatever is odd about a call, the real compiler here is the answer. */
  async prepare(request: LauncherRequest): Promise<PreparedCall> {
    const surroundings = this.surroundings.read(request.env);
    let prepared: Prepared;
    try {
      prepared = await this.prepareOrThrow({ request, surroundings });
    } catch (error) {
      this.world.log('prepare-broke', { argv: request.argv, error: (error as Error).stack });
      prepared = stays('compiler-unknown', (error as Error).message);
    }
    // The whole path: the record of durations must not mix two files of one name.
    const label = prepared.travels === true ? prepared.task.source : (request.argv.find(looksLikeSource) ?? '');
    return { prepared, build: surroundings.build, label };
  }

  /** What would become of a call, and of what it is made. Nothing is compiled. */
  async explain(request: LauncherRequest): Promise<Explanation> {
    const surroundings = this.surroundings.read([...request.env, 'TENDER_NO_STORE=1']);
    const call: Call = { request, surroundings };
    const prepared = await this.prepareOrThrow(call);
    const { unit = null } = call;
    const { keeper } = this;
    const asAsked = this.surroundings.read(request.env);
    const stored =
      unit !== null && keeper !== null && (await this.moments.inOne(() => keeper.find(unit, asAsked) !== null));
    return explainCall({ compiler: request.compiler, prepared, unit, stored, keeps: keeper !== null });
  }

  private async prepareOrThrow(call: Call): Promise<Prepared> {
    const { request, surroundings } = call;
    if (!request.validUtf8) return stays('path-not-utf8', 'a word or a path is not UTF-8');
    const { compiler, cwd } = request;
    const name = nameOf(call);
    let unit = this.units.get(name);
    if (unit === null || (await this.describe(call)) !== unit.toolchain) {
      const recognised = await this.recognise(call);
      if ('travels' in recognised) return recognised;
      unit = recognised;
      if (!unit.passing) this.units.set(name, unit);
    }
    const found = unit;
    call.unit = unit;
    if (found.keeping !== null) await found.keeping;
    const prepared = await this.moments.inOne(() => this.collect(call, found));
    if (prepared !== 'unresolved') return prepared;
    const asked = await askDependencies(compiler, unit.plan.args, cwd, surroundings.variables);
    if (!asked.ok) return stays('include-not-resolved', asked.error.message);
    // Of this call alone: what the next one would be told, nobody knows.
    const passing: Unit = { ...unit, asked: asked.value, taken: null, storeKey: null, keeping: null };
    call.unit = passing;
    const again = await this.moments.inOne(() => this.collect(call, passing));
    return again === 'unresolved' ? stays('include-not-resolved', 'an include by macro') : again;
  }

  private async describe({ request, surroundings }: Call): Promise<ToolchainDescription | string> {
    const described = await this.world.toolchains.describe(request.compiler, surroundings.variables);
    return described.ok ? described.value : described.error.message;
  }

  /** Reads a command that was not seen before. */
  private async recognise(call: Call): Promise<Unit | Stay> {
    const { request, surroundings } = call;
    const { cwd, compiler } = request;
    const { env, variables } = surroundings;
    // What the command means rests on files that the next look may find changed.
    let passing = false;
    const context: CommandContext = {
      cwd,
      env,
      readFile: (path) => {
        passing = true;
        return readText(path);
      },
      stderrIsTerminal: request.stderrIsTerminal,
      isDirectory: (path) => tryStat(path)?.isDirectory() ?? false,
      exists: (path) => {
        passing = true;
        return tryStat(path) !== null;
      },
    };
    // argv[0] says how the user called it; what the compiler is, its real name says.
    const words = [compiler, ...request.argv.slice(1)];
    let verdict = parseCommand(words, context);
    if (!verdict.travels) {
      const { reason, detail } = verdict;
      const heavy = reason !== 'probe' && request.argv.slice(1).some((word) => !word.startsWith('-'));
      return { travels: false, reason, detail, heavy };
    }
    const toolchain = await this.describe(call);
    if (typeof toolchain === 'string') return stays('compiler-unknown', toolchain);
    if (recognizeDriver(compiler)?.family !== toolchain.family) {
      verdict = parseCommand(words, { ...context, family: toolchain.family });
      if (!verdict.travels) return stays(verdict.reason, verdict.detail);
    }
    let { plan } = verdict;
    const major = Number.parseInt(toolchain.version, 10);
    if (major < plan.namesSince) return stays('side-files', `version ${major} may give its files other names`);
    if (surroundings.translated) return stays('environment', 'the translations of messages do not travel');
    if (plan.nativeAt.length > 0) {
      const place = { env: variables, dir: this.world.nativeDir };
      const resolved = await this.world.toolchains.resolveNative(compiler, plan.args, place);
      if (!resolved.ok) return stays('native-cpu', resolved.error.message);
      plan = { ...plan, args: resolved.value.args, extraInputs: [...plan.extraInputs, ...resolved.value.files] };
    }
    if (plan.plugins.length > 0) {
      // Where a name leads is looked at for each call.
      passing = true;
      const question = { compilerPath: compiler, toolchain, plugins: plan.plugins, cwd, env: variables };
      const found = await this.world.toolchains.listPlugins(question);
      if (!found.ok) return stays('plugin', found.error.message);
      plan = { ...plan, extraInputs: [...plan.extraInputs, ...found.value] };
    }
    const search = { cwd, env: variables };
    const bearings: string[] = [];
    const requests: ScanRequest[] = [];
    for (const source of plan.sources) {
      const { path, language } = source;
      const builtin = await this.world.toolchains.builtinSearch(compiler, language, plan.builtinArgs, search);
      if (!builtin.ok) return stays('compiler-unknown', builtin.error.message);
      bearings.push(...(builtin.value.bearings ?? []));
      requests.push({
        source: spellAbsolute(path, cwd),
        cwd,
        scan: plan.scan,
        builtin: builtin.value,
        envDirs: envDirs(env, language, cwd, toolchain.family),
        assemblerDirs: plan.assemblerDirs.map((dir) => spellAbsolute(dir, cwd)),
        assemblerOnly: language === 'assembler',
        ...fortranSearch(plan, source, cwd),
      });
    }
    const keeps = this.keeper !== null && plan.storable && plan.sources.length === 1;
    return {
      plan,
      toolchain,
      compiler,
      cwd,
      requests: requests as [ScanRequest, ...ScanRequest[]],
      bearings,
      passing,
      asked: null,
      taken: null,
      storeKey: keeps ? unitKey(plan, compiler, toolchain.digest, cwd, surroundings) : null,
      hit: null,
      keeping: null,
    };
  }

  /** The unit as it is in this moment: its stored result, or all that it reads. */
  private collect(call: Call, unit: Unit): Prepared | 'unresolved' {
    const { request, surroundings } = call;
    const { plan, toolchain, cwd, compiler } = unit;
    const places = placeOutputs(
      withModules(unit, this.scanner),
      toolchain.family,
      (path) => spellAbsolute(path, cwd),
      this.files,
    );
    if (!places.ok) return stays('output-not-a-file', places.error);
    const outputs: OutputPlan = {
      cwd,
      umask: request.umask,
      outputs: places.value,
      dropsDepfile: toolchain.family === 'clang' && !plan.args.includes('-MG'),
      hasPlugins: plan.plugins.length > 0,
      compilesThenAssembles: toolchain.family === 'gcc' && plan.args.includes('-c') && !plan.args.includes('-pipe'),
    };
    const stored = this.keeper?.find(unit, surroundings) ?? null;
    if (stored !== null) return { travels: 'stored', outputs, result: stored };
    let taken = unit.taken?.holds() === true ? unit.taken.value : null;
    if (taken === null) {
      const snapshot = this.files.snapshot(() => takeUnit(unit, surroundings, outputs.outputs, this));
      const { value } = snapshot;
      if (value === 'unresolved' || 'travels' in value) return value;
      this.units.take(unit, { ...snapshot, value });
      taken = value;
    }
    if (this.files.takeChanged().length > 0) this.epoch++;
    const source = unit.requests[0].source;
    const compile = { plan, toolchain, compiler, source, bytes: taken.bytes };
    const task: CompileTask = {
      ...outputs,
      ...this.world.termsOf(compile, surroundings.build, cwd),
      label: basename(plan.sources[0].path),
      source,
      argv: [compiler, ...plan.args],
      env: [
        ...surroundings.sent,
        `PATH=${toolchain.pathDirs.join(':')}`,
        ...(toolchain.libraryDirs.length > 0 ? [`LD_LIBRARY_PATH=${toolchain.libraryDirs.join(':')}`] : []),
        `TZ=${travellingZone(surroundings.env)}`,
      ],
      epoch: this.epoch,
      fragment: taken.fragment,
      bytes: taken.bytes,
      searchDirs: taken.searchDirs,
    };
    return { travels: true, task, keep: this.keepOf(unit, surroundings, taken, outputs) };
  }

  /** The result is put into the store in a moment in which all that the task was made from is still there. */
  private keepOf(unit: Unit, surroundings: Surroundings, taken: Taken, outputs: OutputPlan): Keep | null {
    const { keeper } = this;
    if (keeper === null || unit.storeKey === null || !taken.repeatable) return null;
    const made = (result: MadeResult): void =>
      this.moments.next(() => {
        try {
          keeper.put(unit, surroundings, taken, result);
        } catch (error) {
          this.world.log('keep-broke', { source: unit.requests[0].source, error: (error as Error).stack });
        }
      });
    const put = (result: MadeResult): boolean => keeper.put(unit, surroundings, taken, result, true);
    return { made, startHere: () => this.hereKeeper.start({ unit, surroundings, outputs, put }) };
  }
}

/** Calls of one name are the same compile. */
function nameOf({ request, surroundings }: Call): string {
  const { compiler, cwd, stderrIsTerminal, argv } = request;
  return [surroundings.kind, compiler, cwd, stderrIsTerminal ? 't' : '', ...argv].join('\0');
}

const looksLikeSource = (word: string): boolean =>
  /\.(?:c|cc|cpp|cxx|c\+\+|C|m|mm|s|S|i|ii|[fF](?:\d\d|or|tn)?)$/.test(word);

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
