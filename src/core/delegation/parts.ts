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
  readonly estimateMs: number;
  /** Project and kind as the record's key. */
  readonly scope: string;
  place: Place;
  /** Those that may still give the task's result: live and silent ones. */
  readonly attempts: Set<Attempt>;
  attemptsMade: number;
  failures: number;
  evictions: number;
  refusals: number;
  lastFailure: string;
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
  readonly estimateMs: number;
  readonly deadlineAt: number;
  readonly hedge: 'no' | 'tail' | 'straggler';
  /** `silent`: given up, but its late result still counts. `cancelled`: holds its slot until the worker lets go. */
  state: 'live' | 'silent' | 'cancelled';
  cancelledAt: number;
  /** When the worker last said that it has it; awards count. */
  seenAt: number;
  confirmed: boolean;
}

export interface Lease {
  readonly id: LeaseId;
  slots: number;
  used: number;
  ttlMs: number;
  expiresAt: number;
  classIds: ReadonlySet<string>;
  readonly arrival: number;
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
  /** Something changed that workers should hear before the period is over. */
  announceSoon: boolean;
  lingerUntil: number;
  lastSubmitAt: number;
  /** For the hedging budget, in estimated milliseconds. */
  workMs: number;
  tailMs: number;
  stragglerMs: number;
}

/** What a task's duration is remembered under. */
export function kindOf(spec: TaskSpec): string {
  return spec.kind ?? spec.class?.id ?? '';
}
