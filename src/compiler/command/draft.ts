// What reading a command line gathers before a verdict is possible: later words may change what earlier ones mean.
import type { OutputSpec, StayReason } from '../types.ts';
import type { Driver } from './driver.ts';
import type { DirList, Meaning, Setting, Switch } from './option-types.ts';

export interface Stay {
  readonly reason: StayReason;
  readonly detail: string;
}

/** An option as it stood on the command line. */
export interface ReadOption {
  readonly name: string;
  readonly value: string;
  readonly meaning: Meaning;
}

export interface Draft {
  readonly driver: Driver;
  /** The command without argv[0], @files expanded. */
  readonly args: readonly string[];
  /** Every option that the table knows, in order. */
  readonly options: ReadOption[];
  compile: boolean;
  assembly: boolean;
  /** An option that makes it no compile at all (`-E`, `--version`). */
  otherMode: string | null;
  /** The language that -x has set so far. */
  x: string | null;
  readonly inputs: { readonly path: string; readonly x: string | null }[];
  object: string | null;
  /** -MD or -MMD to the driver. */
  depfile: boolean;
  depfileName: string | null;
  /** The file of `-Wp,-MD,FILE`. */
  handedDepfile: string | null;
  readonly dirs: Readonly<Record<DirList, string[]>>;
  dirPrefix: string | null;
  readonly assemblerDirs: string[];
  /** Where Fortran's module files go. */
  moduleDir: string | null;
  /** Files, or short names, of what is loaded into the compiler. */
  readonly plugins: string[];
  /** What plugins are told. */
  readonly pluginWords: string[];
  readonly forcedIncludes: string[];
  readonly macros: (readonly ['D' | 'U', string])[];
  sysroot: string | null;
  headerSysroot: string | null;
  noStdInc: boolean;
  noStdIncPlusPlus: boolean;
  readonly on: Set<Switch>;
  readonly settings: Map<Setting, string>;
  /** The last -g option that sets how much debug information there is, without its `-g`; null: none. */
  debug: string | null;
  /** Where in `args` the last word about colours is, and what it says. */
  color: { readonly index: number; readonly text: string } | null;
  /** Where in `args` words mean this machine's processor. */
  readonly nativeAt: number[];
  readonly builtinArgs: string[];
  readonly extraInputs: string[];
  /** Files that change gcc's own rules, and the words that name them. */
  readonly specs: { readonly path: string; readonly shown: string }[];
  /** Files that words of the command name for writing, whatever the sources are. */
  readonly namedOutputs: OutputSpec[];
  /** Those of them that are added to when they are there already. */
  readonly appended: string[];
  /** The assembler prints or writes a listing, which names its temporary input. */
  listsAssembly: boolean;
  readonly forPreprocessor: string[];
  readonly forAssembler: string[];
  readonly forClang: string[];
  /** The first thing that keeps the command here. */
  stay: Stay | null;
}

export function createDraft(driver: Driver, args: readonly string[]): Draft {
  return {
    driver,
    args,
    options: [],
    compile: false,
    assembly: false,
    otherMode: null,
    x: null,
    inputs: [],
    object: null,
    depfile: false,
    depfileName: null,
    handedDepfile: null,
    dirs: { quoteDirs: [], includeDirs: [], systemDirs: [], afterDirs: [] },
    dirPrefix: null,
    assemblerDirs: [],
    moduleDir: null,
    plugins: [],
    pluginWords: [],
    forcedIncludes: [],
    macros: [],
    sysroot: null,
    headerSysroot: null,
    noStdInc: false,
    noStdIncPlusPlus: false,
    on: new Set(),
    settings: new Map(),
    debug: null,
    color: null,
    nativeAt: [],
    builtinArgs: [],
    extraInputs: [],
    specs: [],
    namedOutputs: [],
    appended: [],
    listsAssembly: false,
    forPreprocessor: [],
    forAssembler: [],
    forClang: [],
    stay: null,
  };
}

/** Notes a reason to stay; the first one is the one that people are told. */
export function keepHere(draft: Draft, reason: StayReason, detail: string): void {
  draft.stay ??= { reason, detail };
}
