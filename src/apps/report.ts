// What the agent answers to the CLI, as types: `--json` prints these fields, docs/operations.md documents them.
import type { EndedTask, Found } from '../core/story/stories.ts';
import type { OwnerReport } from './owner-report.ts';

export interface WorkerFigures {
  name: string;
  units: number;
  cpuMs: number;
  ranMs: number;
  bytesIn: number;
  bytesOut: number;
}

/** Stable fields of the build report (docs/operations.md); bytes as this machine's agent received and sent them. */
export interface BuildFigures {
  /** Compiles that ended: remote + stored + local. Links, probes and cancelled compiles are not units. */
  units: number;
  remote: number;
  /** Units whose result was made before from the same files. */
  stored: number;
  local: number;
  /** Of the local ones: those whose results were put into the store. */
  localKept: number;
  /** Why units ran here: reason code → count. */
  reasons: Record<string, number>;
  /** Calls that are no compile (links, --version, probes). */
  others: number;
  /** Units whose compiler reported an error, wherever it ran remotely. */
  failed: number;
  /** Attempts that were hedges. */
  doubled: number;
  /** Attempts that failed and were announced again. */
  retried: number;
  cancelled: number;
  waiting: number;
  runningHere: number;
  workers: WorkerFigures[];
  /** Compile time that remote machines spent, wall. */
  remoteRanMs: number;
  /** CPU that the stored units took when they were compiled. */
  storedCpuMs: number;
}

/** Of a build in which nothing has happened yet. */
export function emptyFigures(): BuildFigures {
  return {
    units: 0,
    remote: 0,
    stored: 0,
    local: 0,
    localKept: 0,
    reasons: {},
    others: 0,
    failed: 0,
    doubled: 0,
    retried: 0,
    cancelled: 0,
    waiting: 0,
    runningHere: 0,
    workers: [],
    remoteRanMs: 0,
    storedCpuMs: 0,
  };
}

/** While a build runs. */
export interface BuildProgress {
  readonly figures: BuildFigures;
  /** Machine → tasks in its hands for this build's delegator. */
  readonly inFlight: Record<string, number>;
  /** Slots that take this machine's tasks now, its own included. */
  readonly slots: number;
}

/** At a build's end. */
export interface BuildReport extends BuildFigures {
  /** CPU of this machine's agent while the build ran. */
  readonly agentCpuMs: number;
  /** CPU of all launchers of the build, as each told before it ended. */
  readonly launcherCpuMs: number;
  /** Median over the build's units. */
  readonly launcherCpuMsMedian: number;
  readonly agentCpuMsMedian: number;
  /** Agent and launchers together, over remote and local units. */
  readonly clientCpuMsPerUnit: number;
  readonly wallMs: number;
}

export interface MachineStatus {
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly slots: number;
  readonly cores: number;
  readonly ghz: number;
  readonly load: number;
  readonly memFreeBytes: number;
  /** Why it offers nothing, e.g. «gcc 12.3 there, 12.2 here»; empty when it does. */
  readonly remark: string;
  readonly tasks: readonly string[];
  readonly lastHeardMs: number;
}

/** A task of another machine that runs here. */
export interface Lending {
  readonly delegator: string;
  readonly label: string;
  readonly sinceMs: number;
}

export interface StatusReport {
  readonly agent: {
    readonly pid: number;
    readonly name: string;
    readonly home: string;
    readonly version: string;
    readonly uptimeMs: number;
    readonly cpuMs: number;
    readonly rssBytes: number;
    readonly cluster: string | null;
    readonly port: number | null;
    /** Slots lent to others when free; 0 with the reason in closedBecause. */
    readonly slots: number;
    readonly closedBecause: string;
    /** How others' tasks give way to the owner's programs; empty: none are taken. */
    readonly givesWay: string;
    readonly load: number;
    readonly problems: readonly string[];
  };
  /** Whether this machine helps and why, and how its owner’s calendars are; for the owner alone, as all of this. */
  readonly owner: OwnerReport;
  readonly machines: readonly MachineStatus[];
  /** What runs here for others. */
  readonly lending: readonly Lending[];
  readonly waiting: number;
  readonly runningHere: number;
  readonly total: BuildFigures;
}

/** A task given to another machine. */
export interface Copy {
  readonly machine: string;
  /** `awarded`: on its way there; `silent`: nothing is heard of it, and it waits again or has another copy. */
  readonly state: 'awarded' | 'running' | 'silent';
  /** Since it was given there. */
  readonly sinceMs: number;
  /** By the estimate, until its result is here. */
  readonly leftMs: number;
  /** Since the machine last spoke of it. */
  readonly heardAgoMs: number;
  /** Not the first copy of its task. */
  readonly hedge: boolean;
}

export interface LiveTask {
  readonly id: string;
  readonly build: string;
  /** The source's path. */
  readonly label: string;
  readonly state: 'waiting' | 'away' | 'here';
  /** Why it runs here, or waits for a slot here; null for the others. */
  readonly reason: string | null;
  /** In this state. */
  readonly sinceMs: number;
  /** Since the compiler was called. */
  readonly ageMs: number;
  /** What it may take on a machine like this one. */
  readonly estimateMs: number;
  /** By the estimate; null while it waits. */
  readonly leftMs: number | null;
  readonly copies: readonly Copy[];
}

/** What `tender tasks` tells. */
export interface TasksReport {
  /** What runs, then what waits; the oldest first. */
  readonly tasks: readonly LiveTask[];
  /** Of all, listed or not. */
  readonly counts: { readonly away: number; readonly here: number; readonly waiting: number };
  /** The latest first; empty unless asked for. */
  readonly ended: readonly EndedTask[];
  /** What runs here for others. */
  readonly lending: readonly Lending[];
  /** Of machines with a session to this one: the age of what is known of them. */
  readonly machines: readonly { readonly name: string; readonly heardAgoMs: number | null }[];
}

/** What `tender explain TASK` is told. */
export type Told =
  | (Extract<Found, { is: 'one' }> & {
      /** Of a task that waits: how many do, and how many slots of others stand for this machine. */
      readonly queue: { readonly waiting: number; readonly slots: number; readonly freeSlots: number } | null;
    })
  | Exclude<Found, { is: 'one' }>;

/** What `tender explain -- COMMAND` tells of one compile. */
export interface Explanation {
  readonly travels: boolean;
  /** The reason code of a command that stays (docs/errors.md), and what in it is the reason; empty for one that travels. */
  readonly reason: string;
  readonly detail: string;
  readonly compiler: string;
  /** The compiler's own name for itself and the digest of its files; empty when nothing was asked of it. */
  readonly toolchain: string;
  readonly toolchainDigest: string;
  /** What a worker runs. */
  readonly argv: readonly string[];
  readonly env: readonly string[];
  readonly sources: readonly { readonly path: string; readonly language: string }[];
  /** Files that go along, the compiler's own ones not among them. */
  readonly inputs: readonly { readonly path: string; readonly size: number; readonly sha256: string }[];
  readonly symlinks: readonly { readonly path: string; readonly target: string }[];
  readonly outputs: readonly { readonly kind: string; readonly path: string }[];
  /** Names the unit in the store of results; null: its results are not kept. */
  readonly key: string | null;
  /** Why they are not kept; empty when they are. */
  readonly notKept: string;
  /** A result for the files as they are now lies in the store. */
  readonly stored: boolean;
}
