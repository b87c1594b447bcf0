// The compile path's vocabulary: a command line's verdict, what the scanner must look for, what a task carries.
// Paths are absolute or relative to the command's cwd as noted; all text is UTF-8 (other bytes stay at home).
import type { FortranFindings, FortranSearch } from './fortran/scan.ts';
import type { ParsedFortran } from './fortran/parse.ts';

export type Language =
  | 'c'
  | 'c++'
  | 'objc'
  | 'objc++'
  | 'c-preprocessed'
  | 'c++-preprocessed'
  | 'assembler'
  | 'assembler-cpp'
  | 'fortran'
  | 'fortran-cpp';

/** Why a command runs on its own machine. `docs/errors.md` lists each with what it means. */
export type StayReason =
  | 'not-a-compile' // no -c: links, --version, -E, -M, …
  | 'no-source'
  | 'several-sources' // and one -o for all of them
  | 'stdin-source'
  | 'output-not-a-file' // -o -, /dev/null, a directory, a pipe
  | 'probe' // configure's and CMake's test programs
  | 'native-cpu' // -march=native and friends where what they mean cannot be written down
  | 'precompiled-header'
  | 'module'
  | 'plugin'
  | 'profile' // profiles whose files are not followed
  | 'save-temps' // in a way that is not known
  | 'unknown-option' // an option that we do not know cannot be known to travel
  | 'side-files' // an option that reads or writes files that we do not follow, or adds to one
  | 'language'
  | 'assembler-includes'
  | 'time-macro' // __TIMESTAMP__
  | 'path-not-utf8'
  | 'path-reserved' // something it needs lies in /proc, /dev or /sys
  | 'file-missing' // let the compiler itself say so
  | 'include-not-resolved' // a computed include that neither we nor -M could follow
  | 'compiler-unknown' // neither gcc nor clang, or it cannot be described
  | 'environment'; // a variable that changes outputs in ways that we do not follow

/**
 * `intermediate`: what -save-temps keeps. `report`: traces, records, dumps and graphs for people or tools. `module`: what a
 * Fortran module may write; one that is there already stays as it is when nothing in it is new.
 */
export type OutputKind = 'object' | 'depfile' | 'dwo' | 'gcno' | 'stack-usage' | 'intermediate' | 'report' | 'module';

export interface OutputSpec {
  readonly kind: OutputKind;
  /** As the command names or implies it, relative to cwd when not absolute. */
  readonly path: string;
}

/** Where and how includes are searched, as the command line says (built-in directories come from the compiler). */
export interface ScanOptions {
  readonly quoteDirs: readonly string[]; // -iquote
  readonly includeDirs: readonly string[]; // -I
  readonly systemDirs: readonly string[]; // -isystem
  readonly afterDirs: readonly string[]; // -idirafter
  readonly forcedIncludes: readonly string[]; // -include and -imacros, in order
  /** -D and -U in order: `['D', 'NAME=VALUE']`, `['U', 'NAME']`. */
  readonly macros: readonly (readonly ['D' | 'U', string])[];
  readonly noStdInc: boolean;
  readonly noStdIncPlusPlus: boolean;
  /** --sysroot / -isysroot, or null. */
  readonly sysroot: string | null;
}

export interface SourceSpec {
  /** As given. */
  readonly path: string;
  readonly language: Language;
}

export interface CompilePlan {
  /** In the order of the command; at least one. */
  readonly sources: readonly [SourceSpec, ...SourceSpec[]];
  /** The command without argv[0], @files expanded: what the worker runs. */
  readonly args: readonly string[];
  readonly outputs: readonly OutputSpec[];
  /** The compiler's major version from which on the outputs have these names; of an older one the command must stay. */
  readonly namesSince: number;
  /** Extra files the command reads that no include names (e.g. -fsanitize-ignorelist=), as given. */
  readonly extraInputs: readonly string[];
  /** Files that the command reads where they exist (a profile); each goes along, and its absence matters as much. */
  readonly optionalInputs: readonly string[];
  /** Where the assembler looks for files besides `scan.includeDirs` (-Wa,-I). */
  readonly assemblerDirs: readonly string[];
  readonly scan: ScanOptions;
  /** Arguments that select the compiler's built-in search directories and macros (-std=, -m…, --sysroot=, -nostdinc, -stdlib=, -target …). */
  readonly builtinArgs: readonly string[];
  /** Where in `args` words stand that mean this machine's processor (-march=native): the driver here must be asked what they are. */
  readonly nativeAt: readonly number[];
  /** Whether the working directory can show in an output by more than the paths that the command spells (-g, coverage, LTO, …). */
  readonly cwdShows: boolean;
  /** Where Fortran's module files go (-J), as given. */
  readonly moduleDir: string;
  /** What is loaded into the compiler, files or short names as given. Where it fails elsewhere, it is done here again. */
  readonly plugins: readonly string[];
  /** False when equal inputs may give unequal outputs, so that no result of it may be kept. */
  readonly storable: boolean;
}

export type Verdict =
  | { readonly travels: true; readonly plan: CompilePlan }
  | { readonly travels: false; readonly reason: StayReason; readonly detail: string };

/** What the compiler says of itself for a language and a set of `builtinArgs` (from `-v -E -x LANG /dev/null`). */
export interface BuiltinSearch {
  /** `#include <...>` directories that the compiler adds by itself, in order. */
  readonly systemDirs: readonly string[];
  /** Files by whose presence the compiler found them (a gcc installation that clang leans on); they must go along. */
  readonly bearings?: readonly string[];
  /** Where Fortran's intrinsic modules lie. */
  readonly intrinsicDirs?: readonly string[];
}

/** One `#include`-like line of a file. */
export type Directive =
  | { readonly form: 'quote' | 'angle'; readonly name: string; readonly next: boolean }
  /** `#include MACRO` or `__has_include(MACRO)`: the tokens as written. */
  | { readonly form: 'computed'; readonly text: string; readonly next: boolean };

/** A file that `.include "name"` or, as data, `.incbin "name"` reads. */
export interface AssemblerFile {
  readonly name: string;
  readonly data: boolean;
}

/** What one file's text contributes, independent of where it lies. */
export interface ParsedFile {
  readonly directives: readonly Directive[];
  /** Object-like macros whose value could name a header: name → values seen. */
  readonly headerMacros: ReadonlyMap<string, readonly string[]>;
  /** `__TIMESTAMP__`: the file's own time matters. */
  readonly usesTimestamp: boolean;
  /** A dependency pragma: its time matters beside another's. */
  readonly comparesTimes: boolean;
  /** `__DATE__` or `__TIME__`, as words of the text: pasted together from pieces they are not seen. */
  readonly usesDate: boolean;
  /** What the assembler will read behind the preprocessor's back, by names that stand in the text. */
  readonly assemblerFiles: readonly AssemblerFile[];
  /** `.incbin`, `asm(".include …")` and the like whose names the text does not tell. */
  readonly hasAssemblerIncludes: boolean;
  /** Names of `#line N "name"`: diagnostics quote these files when they can be read. */
  readonly lineFiles: readonly string[];
}

/** An answer worked out from facts, with the means to learn cheaply whether it would come out the same now. */
export interface Remembered<T> {
  readonly value: T;
  holds(): boolean;
}

/** What the scanner asks of the file system; answers hold for the moment of one scan. */
export interface FileFacts {
  /** The parsed content of a regular file; null when there is none. */
  parsed(path: string): ParsedFile | null;
  /** The content of a regular file read as Fortran; null when there is none. */
  parsedFortran(path: string): ParsedFortran | null;
  /** The same as `parsed` for one path that is asked for again and again. */
  follow(path: string): () => ParsedFile | null;
  /** Whether `path` (absolute, as spelled) is an existing non-directory. Must be cheap when the answer is no. */
  isFile(path: string): boolean;
  isDirectory(path: string): boolean;
  /** An existing directory's path with every symlink and `..` resolved (equal paths: the same directory); null when there is none. */
  realDirectory(path: string): string | null;
  /**
   * Runs `work`; the result holds as long as every answer that isFile, isDirectory and realDirectory gave within it, and every
   * other remembered answer whose `holds` was asked within it.
   */
  remember<T>(work: () => T): Remembered<T>;
}

export interface ScanRequest {
  /** Absolute path of the source. */
  readonly source: string;
  readonly cwd: string;
  readonly scan: ScanOptions;
  readonly builtin: BuiltinSearch;
  /** CPATH, C_INCLUDE_PATH, CPLUS_INCLUDE_PATH, … that apply to the language, split, absolute. */
  readonly envDirs: { readonly afterI: readonly string[]; readonly afterSystem: readonly string[] };
  /** -Wa,-I: where the assembler looks besides the directories above. */
  readonly assemblerDirs?: readonly string[];
  /** True for a source that goes to the assembler unpreprocessed (`.s`): a `#` begins a comment there. */
  readonly assemblerOnly?: boolean;
  /** For a Fortran source. */
  readonly fortran?: FortranSearch;
}

export interface ScanResult {
  /**
   * Every file the compile may read, absolute, source first. A superset. Names keep their `..` and symlinks as the search spells them
   * (the directory of an including file is spelled by its real path), so that walking these paths meets all that the compiler walks.
   */
  readonly files: readonly string[];
  /** Those of `files` that no depfile names: what the assembler reads, and what `#line` names. */
  readonly unlisted: readonly string[];
  /** Search directories that exist, and other names of directories that a search meets; absolute, as spelled. */
  readonly searchDirs: readonly string[];
  /** Computed includes that no known macro resolves: the caller asks the compiler (-M). */
  readonly unresolved: readonly string[];
  /** The time of a file matters, as by `__TIMESTAMP__` unless the command line defines it. */
  readonly usesTimestamp: boolean;
  /** `__DATE__` or `__TIME__` in any of the files or on the command line, unless that defines both. */
  readonly usesDate: boolean;
  /** The assembler will read files whose names are not known. */
  readonly hasAssemblerIncludes: boolean;
  /** A `.gch` beside a header that the source or the command line names: the compiler here would use it. Null: none. */
  readonly precompiledHeader: string | null;
  /** What its modules are; null for other languages. */
  readonly fortran: FortranFindings | null;
}

/** A file of the client's name space at its real path. */
export interface NamedFile {
  readonly path: string;
  /** SHA-256, 32 bytes. */
  readonly digest: Uint8Array;
  readonly size: number;
  readonly executable: boolean;
  /** What tells equal files of two names apart: compilers compare them. 0 where nobody will. */
  readonly inode?: number;
  /** Seconds since 1970. */
  readonly modifiedS?: number;
}

/** The piece of a name space in which a set of spelled paths resolves exactly as where it was taken. */
export interface NameSpacePiece {
  readonly files: readonly NamedFile[];
  readonly symlinks: readonly { readonly path: string; readonly target: string }[];
  /** Directories that must exist even if nothing lies in them (real paths). */
  readonly dirs: readonly string[];
}
