// What the simulator is given and what it tells: a scenario is plain data that a seed decided, the same for Tender and for every
// other way of scheduling it is compared with. All times are milliseconds of the virtual clock.

import type { DelegatorOptions } from '../src/core/delegation/types.ts';

type PolicyName = DelegatorOptions['policy'];

/** A time in which something holds; `untilMs` may be Infinity. */
export interface Span {
  readonly fromMs: number;
  readonly untilMs: number;
}

export interface MachinePlan {
  readonly id: string;
  /** Multiples of the reference machine: a task of `workMs` runs `workMs / speed` here. */
  readonly speed: number;
  readonly slots: number;
  readonly cores: number;
  readonly memBytes: number;
  /** What its benchmark says; default: 1,000 times its speed. */
  readonly benchScore?: number;
  /** Machines of one site reach each other in `NetworkPlan.latencyMs`, of two sites in `farLatencyMs`. */
  readonly site: number;
  /** Taken before each command starts and after it ends: a slow disk. */
  readonly diskMs: number;
  /** This machine's clock runs so much faster (parts per million; negative: slower). */
  readonly skewPpm: number;
  /** The owner is there: what runs is ended after the grace, nothing is offered. */
  readonly ownerThere: readonly Span[];
  /** From the owner's return until what still runs is ended; default 10,000. */
  readonly graceMs?: number;
  /** Gone: the process is killed and starts anew at the end, if there is one. */
  readonly crashes: readonly Span[];
  /** Stopped as by SIGSTOP: nothing is sent or answered, connections stay open. */
  readonly freezes: readonly Span[];
  /** Gray: still answers, but runs so many times slower. */
  readonly gray: readonly (Span & { readonly slowdown: number })[];
  /** Each attempt here fails with this probability (disk, sandbox, memory). */
  readonly failureProbability: number;
  /** Each attempt here never ends by itself with this probability. */
  readonly hangProbability?: number;
  /** Its compiler is another one than the delegators'. */
  readonly otherToolchain?: boolean;
  /** It says that a cancelled attempt is gone, where others only stop naming it. */
  readonly reportsKilled?: boolean;
  /** Other programs: load per core, and all the memory that they leave. */
  readonly otherWork?: readonly (Span & { readonly load: number; readonly memFreeBytes: number })[];
  /** It builds something itself: so many of its slots are its own. */
  readonly ownBuilds?: readonly (Span & { readonly running: number })[];
}

export interface TaskPlan {
  readonly id: string;
  /** What durations are remembered under: equal in a build before and a build after. */
  readonly label: string;
  /** On the reference machine. */
  readonly workMs: number;
  /** Known from an earlier build; null: never seen. */
  readonly predictedP80Ms: number | null;
  readonly bytes: number;
  readonly memBytes: number;
  /** What it asks of a machine: nothing (`any`), criteria, the delegator's compiler, what no machine has, or to stay; default `any`. */
  readonly needs?: 'any' | 'criteria' | 'toolchain' | 'nobody-has' | 'to-stay';
  /** Its launcher goes away so long after the submission. */
  readonly cancelAfterMs?: number;
  /** The compiler's own; default 0. */
  readonly exitCode?: number;
}

export interface BuildPlan {
  readonly delegator: string;
  readonly startsAtMs: number;
  /** make's -j: so many tasks are submitted and unfinished at a time, in the order of `tasks`. */
  readonly jobs: number;
  readonly tasks: readonly TaskPlan[];
}

export interface DelegatorPlan {
  readonly id: string;
  readonly site: number;
  /** Slots of its own that run tasks at speed 1; 0: all goes to others while anybody is there. */
  readonly ownSlots: number;
  /** All that may run here at once, what nobody else takes included; without it `ownSlots`, at least 1. */
  readonly hereSlots?: number;
  /** As of a machine. */
  readonly skewPpm?: number;
  readonly freezes?: readonly Span[];
  /** Dies then, and its tasks with it: their launchers run the real compilers. */
  readonly diesAtMs?: number;
  readonly policy?: PolicyName;
  readonly nobodyAfterMs?: number;
  readonly maxWaiting?: number;
  /** It has a list of its peers, and so knows how many hear it. */
  readonly knowsListeners?: boolean;
}

/** What happens once, to somebody whom the run picks among those that are there. */
export interface Incident {
  readonly atMs: number;
  /** A connection breaks; somebody without a session lies to a machine or to a delegator; a machine lies about another's attempt. */
  readonly what: 'session-breaks' | 'stranger-at-machine' | 'stranger-at-delegator' | 'liar';
}

export interface NetworkPlan {
  /** One way, within a site. */
  readonly latencyMs: number;
  /** One way, between sites. */
  readonly farLatencyMs: number;
  /** Latencies are spread by up to this share, evenly. */
  readonly jitter: number;
  /** Of datagrams (announcements); sessions are reliable and ordered until they break. */
  readonly loss: number;
  readonly duplication: number;
  /** Of datagrams that are late by up to 400 ms. */
  readonly reordering: number;
  /** During the span nothing passes between these sites and the others; sessions break when it is long. */
  readonly partitions: readonly (Span & { readonly sites: readonly number[] })[];
  /** The ends of a broken connection hear of it within this; default two latencies. */
  readonly toldWithinMs?: number;
  /** Of attempts to open a session. */
  readonly connectFailure?: number;
  /** Links of this many bytes per millisecond; 0: bytes cost nothing. */
  readonly bytesPerMs: number;
}

export interface Scenario {
  readonly name: string;
  readonly seed: number;
  readonly machines: readonly MachinePlan[];
  readonly delegators: readonly DelegatorPlan[];
  readonly builds: readonly BuildPlan[];
  readonly network: NetworkPlan;
  readonly incidents?: readonly Incident[];
}

export interface BuildOutcome {
  readonly delegator: string;
  /** From the build's start to its last task's end. */
  readonly makespanMs: number;
  readonly tasks: number;
  readonly remote: number;
  readonly local: number;
  /** Longest time within the build in which no task ended. */
  readonly longestSilenceMs: number;
}

export interface Outcome {
  readonly scenario: string;
  readonly seed: number;
  /** Which way of scheduling: `tender`, `round-robin`, … */
  readonly scheduler: string;
  readonly builds: readonly BuildOutcome[];
  /** The last build's end. */
  readonly makespanMs: number;
  /** Messages in all, each receiver of a multicast counted once. */
  readonly messages: number;
  /** The same by kind: announcement, offer, award, heartbeat, … */
  readonly messagesByKind?: Readonly<Record<string, number>>;
  /** The same with a multicast counted as one. */
  readonly sends: number;
  readonly announcements: number;
  readonly offers: number;
  /** For each announcement: how many offers it drew. */
  readonly offersPerAnnouncement: readonly number[];
  /** From a task's submission with a free slot somewhere to its award's arrival, in round trips of the network. */
  readonly awardRoundTrips: readonly number[];
  /** Machine time spent on copies whose result was not used, over all machine time spent. */
  readonly waste: number;
  /** The part of `waste` that copies cost whose task another copy finished: no fault, no owner. */
  readonly hedgeWaste?: number;
  readonly hedges: number;
  readonly failures: number;
  /** Steps after which all invariants were checked. */
  readonly checkedSteps: number;
}
