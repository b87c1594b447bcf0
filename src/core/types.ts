// The words of protocol.md as types, shared by the delegator, the worker, the wire and the simulator.
// All times are milliseconds on a monotonic clock that the caller passes in, unless a name says otherwise.

export type TaskId = string;
/** One award of a task to one worker: `<task>#<n>` and a salt, so that no two delegators ever use the same. */
export type AttemptId = string;
/** A node's identity in the cluster: the name its certificate carries. */
export type NodeId = string;
export type LeaseId = string;
export type BuildId = string;

/** The compiler a task needs, named by the digest of all files that make it up. */
export interface ToolchainRef {
  /** SHA-256, hex. */
  readonly digest: string;
  /** The compiler's absolute path on the delegator. */
  readonly path: string;
  /** For people: `g++ 12.2.0 x86_64-linux-gnu`. */
  readonly label: string;
}

/** What tasks of one kind ask of a worker; tasks of one class are interchangeable for an offer. */
export interface TaskClass {
  /** Digest of the criteria and the toolchain: equal classes have equal ids. */
  readonly id: string;
  /** Criteria expression; empty: none. */
  readonly criteria: string;
  readonly toolchain: ToolchainRef | null;
  readonly p50Ms: number;
  readonly p80Ms: number;
  /** Typical bytes to send for one task. */
  readonly bytes: number;
}

export interface TaskDemand {
  readonly class: TaskClass;
  readonly count: number;
}

/** One build's demand, as announced. Count 0 in all classes: closed. */
export interface Announcement {
  readonly delegator: NodeId;
  readonly delegatorName: string;
  /** TCP port of the delegator's session server. */
  readonly port: number;
  readonly build: BuildId;
  /** Grows with each announcement of a build; older ones are ignored. */
  readonly seq: number;
  readonly demands: readonly TaskDemand[];
  /** How many machines should answer; 0: enough have, but the demand is still there. */
  readonly offersWanted: number;
  /** How many machines hear this, as far as the delegator knows; 0: it does not. */
  readonly listeners: number;
  /** Bench scores of the workers that it knows: least, quarter, half, three quarters, most. Empty: it knows none. */
  readonly scores: readonly number[];
  /** How long the announcement is worth answering. */
  readonly expiresInMs: number;
}

/** What a worker says of itself in an offer. */
export interface WorkerInfo {
  readonly name: string;
  readonly arch: string;
  readonly os: string;
  readonly cores: number;
  /** Slots in all, lent or not. */
  readonly slots: number;
  readonly cpuModel: string;
  readonly ghz: number;
  /** Speed of one core, measured; only compared. 0: not measured. */
  readonly bench: number;
  readonly memTotalBytes: number;
  readonly memFreeBytes: number;
  /** Runnable processes per core that are not Tender's own, one-minute average. */
  readonly load: number;
  /** PSI cpu «some» avg10, 0 to 100; 0 where the kernel has none. */
  readonly pressure: number;
  /** Probability of staying free for 1, 5, 15, 30, 60, 120, 240, 480 minutes. */
  readonly freeFor: readonly number[];
  /** When the owner comes back, what runs may go on for so long. */
  readonly graceMs: number;
  /** Digests of compilers found to be the same as an announced one, the latest first; a few. */
  readonly toolchains: readonly string[];
}

/** A standing offer: slots held for one delegator for a time. No slots and a remark: why not. */
export interface Offer {
  readonly leaseId: LeaseId;
  /** All slots of the lease, those of its running attempts included. A later offer with the same lease replaces the number. */
  readonly slots: number;
  /** So many of them the worker wants back: idle ones at once, busy ones when their tasks end. They stay reserved until then. */
  readonly recalled: number;
  /** Slots of this lease that the worker knows to be released; what is released beyond that was on its way. */
  readonly released: number;
  /** So many tasks more than slots may be awarded: their files are fetched while others run. */
  readonly ahead: number;
  readonly ttlMs: number;
  /** The task classes that this worker can take. */
  readonly classIds: readonly string[];
  readonly info: WorkerInfo;
  /** Round trip of the session as the worker measured it; 0: not yet. */
  readonly rttMs: number;
  /** Bytes that came by the session in a millisecond while it was busy; 0: not measured. */
  readonly bytesPerMs: number;
  /** What a task of the wanted classes takes here by the worker's own experience; 0: none yet. */
  readonly estimateMs: number;
  /** For people, e.g. «gcc 12.3 there, 12.2 here»; empty when there is nothing to say. */
  readonly remark: string;
}

/** How a command ended: by its own exit code or by a signal. */
export type Exit =
  { readonly how: 'exit'; readonly code: number } | { readonly how: 'signal'; readonly signal: number };

/** Why an attempt did not give a result. Never an ordinary error of the compiler: that is a result. */
export type FailureCode =
  | 'worker-lost'
  | 'silent'
  | 'lease-expired'
  | 'missing-file'
  | 'sandbox'
  | 'killed'
  | 'out-of-memory'
  | 'disk-full'
  | 'too-large'
  | 'deadline'
  | 'owner-returned'
  | 'stopping'
  | 'bad-result';

/** Why a task ran on its own machine. */
export type LocalReason =
  | 'own-slot' // the own machine's offer was the best
  | 'nobody' // no machine offered in time
  | 'stays' // the command cannot travel (the compiler's reason code says why)
  | 'failed' // remote attempts failed too often
  | 'output-not-written' // it came back, but the agent could not write it: the compiler here says why
  | 'queue-full'; // too many tasks wait: never block a launcher for ever
