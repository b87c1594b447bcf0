// What the sandbox asks for and gives: growing trees of a client's files, and one confined run in one of them.
// Paths are the client's own absolute ones unless a name says otherwise; digests are SHA-256 in lower-case hex.
import type { Result } from '../../base/result.ts';
import type { Exit, FailureCode } from '../../core/types.ts';

export interface TreeFile {
  readonly path: string;
  readonly digest: string;
  /** Where it comes from: equal files of one inode become one file, others two. */
  readonly inode?: number;
  /** Seconds; equal files have equal times here where they have there, and unequal ones where they have not. */
  readonly modifiedS?: number;
}

export interface TreeSymlink {
  readonly path: string;
  readonly target: string;
}

export interface TreeRequest {
  readonly client: string;
  /** Within one epoch a path has one content. */
  readonly epoch: string;
  readonly files: readonly TreeFile[];
  readonly symlinks: readonly TreeSymlink[];
  /** Must exist, even if empty. */
  readonly dirs: readonly string[];
}

export type TreeError =
  | { readonly code: 'missing'; readonly digests: readonly string[]; readonly message: string }
  | {
      readonly code: 'conflict' | 'bad-path' | 'disk-full' | 'too-large' | 'io';
      readonly path: string;
      readonly message: string;
    };

/** One entry that a task needs directly in some directory. */
export type ChildEntry =
  | { readonly kind: 'file' | 'dir'; readonly name: string }
  | { readonly kind: 'symlink'; readonly name: string; readonly target: string };

/** A task's hold on a tree; the tree stays while it is held. */
export interface TreeLease {
  /** The host's path of the tree: the task's root directory. Never writable to the task. */
  readonly root: string;
  /** Makes a directory exist and gives its path in the tree with every symbolic link on the way followed inside the tree. */
  ensureDir(path: string): Result<string, TreeError>;
  /** What the task's own files, links and directories (and `also`) put directly into `dir` (a resolved path). */
  childrenOf(dir: string, also: readonly string[]): readonly ChildEntry[];
  release(): void;
}

export interface Trees {
  acquire(request: TreeRequest): Result<TreeLease, TreeError>;
  /** Removes trees unused for long or beyond the number kept per client; `all`: every tree that no task holds. */
  sweep(all?: boolean): void;
  figures(): { readonly trees: number; readonly held: number };
  /** Waits until all that is being removed is gone. */
  close(): Promise<void>;
}

/** What trees need of the store of blobs. */
export interface BlobSource {
  has(digest: string): boolean;
  link(digest: string, to: string): Result<void, { readonly code: string; readonly message: string }>;
}

export interface Limits {
  /** CPU time of any one process. */
  readonly cpuSeconds: number;
  /** Address space of any one process, and resident memory of all together. */
  readonly memBytes: number;
  /** Any one file, stdout and stderr each, all outputs together; the scratch directory may hold four times as much. */
  readonly outputBytes: number;
  readonly processes: number;
  readonly openFiles: number;
  readonly wallMs: number;
}

export interface RunSpec {
  readonly tree: Pick<TreeLease, 'root' | 'ensureDir' | 'childrenOf'>;
  /** argv[0] is a path. */
  readonly argv: readonly string[];
  readonly cwd: string;
  /** `NAME=value`; TMPDIR is set by the sandbox. */
  readonly env: readonly string[];
  readonly umask: number;
  readonly outputs: readonly string[];
  /** A host directory for this run alone, in a private directory; made, and removed at the end. */
  readonly scratchDir: string;
  readonly limits: Limits;
  /** The process exists. */
  readonly onStart?: () => void;
}

export interface RunResult {
  readonly exit: Exit;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  /** As in `RunSpec.outputs`; null: the command did not write it. */
  readonly outputs: readonly ({ readonly data: Buffer; readonly mode: number } | null)[];
  /** A file that it wrote and that no output names, as the command would spell it; absent: none where it may write. */
  readonly unnamed?: string;
  readonly ranMs: number;
  /** User and system time of the command and all it started, to 10 ms. */
  readonly cpuMs: number;
  /** Sampled, so 0 for commands shorter than a tenth of a second. */
  readonly maxRssBytes: number;
}

export interface RunFailure {
  readonly code: FailureCode;
  readonly message: string;
}

export interface Run {
  /** Ends everything inside with SIGKILL; `done` then gives a failure with `why` (and `code`, by default `killed`). */
  kill(why: string, code?: FailureCode): void;
  /** Stops everything inside, as SIGSTOP does, and lets it go on; its time limit runs on. */
  freeze(): void;
  thaw(): void;
  readonly done: Promise<Result<RunResult, RunFailure>>;
}

/** A place for one run's processes, where the machine has something better for them than priorities and signals. */
export interface Cell {
  /** Puts a process there, with all that it will start; false: it is not there. */
  enter(pid: number): Promise<boolean>;
  /** False: nothing can be stopped this way. */
  freeze(): boolean;
  /** Killed processes may need it to go. */
  thaw(): void;
  /** Nothing runs there any more. */
  leave(): void;
}

/** What a machine lacks for confined runs, and the line that mends it (empty when there is none). */
export interface SandboxProblem {
  readonly message: string;
  readonly command: string;
}

export interface Sandbox {
  /** bubblewrap's version. */
  readonly version: string;
  run(spec: RunSpec): Run;
  close(): void;
}
