// The delegator's things: where a task can be, and what is written down of tasks, attempts, leases, workers and builds.
// Only Book and the step files beside it change them.
import type { AttemptId, BuildId, LeaseId, LocalReason, NodeId, TaskClass, WorkerInfo } from '../types.ts';
import type { TaskSpec } from './types.ts';

/** Where a task is. See the diagram in delegation.ts. */
export type Place =
  | { readonly at: 'new' }
  | { readonly at: 'waiting' }
  /** At least one attempt is live. */
  | { readonly at: 'away' }
  /** Waits for a slot of this machine, and takes no other. */
  | { readonly at: 'queued-here'; readonly reason: LocalReason; readonly detail: string }
  | { readonly at: 'here'; readonly reason: LocalReason; readonly since: number; readonly holdsSlot: boolean }
  | { readonly at: 'ended' };

export interface Task {
  readonly spec: TaskSpec;
  readonly order: number;
  readonly submittedAt: number;
  /** Predicted p80 on a machine of rate 1. */
  estimateMs: number;
  /** Whether that is of this very task; else of its kind, and the mean is what many of them take each. */
  isKnown: boolean;
  meanMs: number;
  /** The spread of the logarithms of its kind's durations; 0 where it is known. */
  sigma: number;
  /** Project and kind as the record's key. */
  readonly scope: string;
  /** What counts for its turn: the estimate, or what a task never seen may well take; see estimates.ts. */
  orderMs: number;
  place: Place;
  /** Those that may still give the task's result: live and silent ones. */
  readonly attempts: Set<Attempt>;
  attemptsMade: number;
  failures: number;
  evictions: number;
  refusals: number;
  lastFailure: string;
  /** Until when a faster slot should have been free for it; then it takes any. Infinity: it was never held back. */
  heldUntil: number;
  /** Not before this again to a worker on which it failed. */
  retrySameAt: number;
  readonly failedOn: Set<NodeId>;
}

export interface Attempt {
  readonly id: AttemptId;
  readonly task: Task;
  readonly worker: WorkerBook;
  readonly leaseId: LeaseId;
  readonly awardedAt: number;
  estimateMs: number;
  /** The part of that before it begins. */
  readonly waitsMs: number;
  readonly deadlineAt: number;
  /** What it would take there in running and way alone, were the machine as fast as it usually is. */
  usualMs: number;
  readonly hedge: 'no' | 'tail' | 'straggler';
  /** Awarded beyond the worker's slots: it waited there, and its times say nothing of the way. */
  readonly ahead: boolean;
  /** `silent`: given up, but its late result still counts. `cancelled`: holds its slot until the worker lets go. */
  state: 'live' | 'silent' | 'cancelled';
  cancelledAt: number;
  /** When the worker last said that it has it; awards count. */
  seenAt: number;
  confirmed: boolean;
  /** Heartbeats since then that did not name it. */
  unnamed: number;
}

export interface Lease {
  readonly id: LeaseId;
  /** Slots that are ours until we give them back. */
  slots: number;
  /** So many of them the worker lets us keep; idle ones beyond go back. */
  keep: number;
  /** Awards beyond the slots that the worker takes to fetch ahead. */
  ahead: number;
  /** Attempts that hold a slot or wait there with their files fetched. */
  used: number;
  /** Slots given back so far. */
  released: number;
  ttlMs: number;
  expiresAt: number;
  classIds: ReadonlySet<string>;
  arrival: number;
  readonly since: number;
}

export interface WorkerBook {
  readonly id: NodeId;
  name: string;
  connected: boolean;
  heardAt: number;
  info: WorkerInfo | null;
  remark: string;
  load: number;
  returning: boolean;
  readonly leases: Map<LeaseId, Lease>;
  /** Leases given back whole, and until when word of them may still be on its way. */
  readonly ended: Map<LeaseId, number>;
  /** Of all its leases, as they were counted last: see Book.recount. */
  counted: { slots: number; free: number; ahead: number };
  /** As the worker measured; 0: not yet. */
  rttMs: number;
  bytesPerMs: number;
  echoedAt: number;
  /** How many times longer than usual its latest results took. */
  slow: number;
  readonly attempts: Map<AttemptId, Attempt>;
  strikes: number;
  exclusions: number;
  excludedUntil: number;
  excludedWhy: string;
  done: number;
}

export interface BuildBook {
  readonly id: BuildId;
  /** Demand per class: waiting + away. */
  readonly classes: Map<string, { class: TaskClass; count: number }>;
  demand: number;
  /** The highest demand so far. */
  peak: number;
  open: boolean;
  announcedAt: number;
  announcedDemand: number;
  announcedClasses: number;
  /** Offers wanted by the last announcement. */
  announcedWanted: number;
  /** Something changed that workers should hear before the period is over. */
  announceSoon: boolean;
  lingerUntil: number;
  lastSubmitAt: number;
  /** Tasks that could travel, and those of them that were never seen before. */
  submitted: number;
  unseen: number;
  /** For the hedging budget, in estimated milliseconds. */
  workMs: number;
  tailMs: number;
  stragglerMs: number;
}

/** What a task's duration is remembered under. */
export function kindOf(spec: TaskSpec): string {
  return spec.kind ?? spec.class?.id ?? '';
}

/** Slots of a lease that may be awarded now: not in use, and not asked back. */
export function freeOf(lease: Lease): number {
  return Math.max(0, Math.min(lease.slots, lease.keep) - lease.used);
}
