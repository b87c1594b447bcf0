// What a conformance case is: a small project, the commands that are run in it, and where each must have run. Cases
// are data; `rig.ts` runs them, once by the compiler alone and once through the launcher, and compares all that comes
// of it.
import type { StayReason } from '../../src/compiler/types.ts';

/** One entry of the project. A string is a file's text. `$DIR` in texts and targets is the project's absolute path. */
export type Entry =
  | string
  | Buffer
  | { readonly text: string; readonly mode?: number; readonly mtime?: Date }
  | { readonly link: string }
  | { readonly dir: true; readonly mode?: number };

/** A command: words, or a line whose words are parted by single spaces. `$CC`, `$CXX` and `$DIR` are replaced. */
export type Line = string | readonly string[];

/**
 * `travels`: a worker ran it. `plain`: a command that is no compiler and goes round the launcher. Else it ran here,
 * with this reason (docs/errors.md).
 */
export type Expectation = 'travels' | 'plain' | 'output-not-written' | StayReason;

export interface Spec {
  readonly files?: Readonly<Record<string, Entry>>;
  /** Run one after the other in the same project. */
  readonly run: Line | { readonly lines: readonly Line[] };
  /** Relative to the project. */
  readonly cwd?: string;
  /** Added to a small environment that is the same for all; null removes one. */
  readonly env?: Readonly<Record<string, string | null>>;
  readonly umask?: number;
  readonly stdin?: string;
  /** Columns of the terminal that the command runs in; without it standard output and error are pipes. */
  readonly terminal?: number;
  /** Reach the launcher by a link of the compiler's name that comes first in PATH, as `tender build` does. */
  readonly masquerade?: true;
  /** For all commands, or for each. Default: travels. */
  readonly expect?: Expectation | readonly Expectation[];
  /** The exit code that the commands must have; a number for all, or one for each. Default 0. */
  readonly exit?: number | readonly number[];
  /**
   * What differs between two runs of the compiler alone, and why: a file, or `stderr` or `stdout` with the command's
   * number (`stderr 0`). The rig runs it alone again and fails when it does not differ; all bytes that were equal are
   * compared, or, where it differs as a `whole`, only that it is there.
   */
  readonly unsteady?: Readonly<Record<string, string | { readonly whole: string }>>;
  /** Files that show the time of the compile: dates and times in them must lie within the run, the rest is compared. */
  readonly clock?: readonly string[];
  /** It is about what a user may not do: skipped, loudly, when all runs as root. */
  readonly ordinaryUser?: true;
  /** Commands that must succeed for the case to make sense here; else it is skipped, loudly. */
  readonly needs?: readonly string[];
  /** A fault of Tender's that is known: the case must fail, so that nobody forgets to take this away. */
  readonly broken?: string;
}

export type Family = 'gcc' | 'clang';

export interface Case extends Omit<Spec, 'run' | 'expect' | 'exit'> {
  readonly title: string;
  readonly family: Family;
  readonly commands: readonly {
    readonly line: Line;
    readonly expect: Expectation;
    readonly exit: number;
  }[];
}

const drivers: Readonly<Record<Family, { readonly CC: string; readonly CXX: string }>> = {
  gcc: { CC: 'gcc', CXX: 'g++' },
  clang: { CC: 'clang', CXX: 'clang++' },
};

function substitute(line: Line, family: Family): Line {
  const { CC, CXX } = drivers[family];
  const one = (word: string): string => word.replaceAll('$CXX', CXX).replaceAll('$CC', CC);
  return typeof line === 'string' ? one(line) : line.map(one);
}

/** The value for the command at `at`, from one for all or one for each. */
const pick = <T>(value: T | readonly T[], at: number): T | undefined =>
  Array.isArray(value) ? (value as readonly T[])[at] : (value as T);

function make(family: Family, title: string, { run, expect = 'travels', exit = 0, ...rest }: Spec): Case {
  const lines = typeof run === 'object' && 'lines' in run ? run.lines : [run];
  const commands = lines.map((line, at) => ({
    line: substitute(line, family),
    expect: pick(expect, at) ?? 'travels',
    exit: pick(exit, at) ?? 0,
  }));
  return { ...rest, family, title: `${family}: ${title}`, commands };
}

/** `[title, spec]`, in the order in which the report shows them. */
export type Row = readonly [title: string, spec: Spec];

export const forGcc = (rows: readonly Row[]): readonly Case[] => rows.map(([title, spec]) => make('gcc', title, spec));
export const forClang = (rows: readonly Row[]): readonly Case[] =>
  rows.map(([title, spec]) => make('clang', title, spec));
/** The same case for both compilers. */
export const forBoth = (rows: readonly Row[]): readonly Case[] => [...forGcc(rows), ...forClang(rows)];
