// What a policy sees when it picks a place for one task, and what it may answer.
import type { LeaseId, NodeId, WorkerInfo } from '../types.ts';

/** A place with a free slot: a lease of some worker, or (`worker` null) this machine. */
export interface Candidate {
  readonly worker: NodeId | null;
  readonly leaseId: LeaseId | null;
  /** Speed in multiples of this machine, in the task's project and kind. */
  readonly rate: number;
  /** The same by what it did alone; 1 for a machine never seen. */
  readonly past: number;
  /** What the machine last said of itself; null: nothing. */
  readonly info: WorkerInfo | null;
  /** Runnable processes per core: others' as last heard, and our tasks there. */
  readonly load: number;
  /** What sending the task there takes by what the session measured, whatever the record says. */
  readonly linkMs: number;
  /** Expected cost beside the running: sending, fetching. */
  readonly overheadMs: number;
  /** Probability of staying free for 1, 5, 15, … minutes (`WorkerInfo.freeFor`); empty: always. */
  readonly freeFor: readonly number[];
  /** Grows with the order of arrival; this machine's own slots are 0. */
  readonly arrival: number;
}

export interface TaskNeed {
  /** Predicted 80th percentile on a machine of rate 1. */
  readonly estimateMs: number;
}

/** What is known of the rest of the build when few tasks are left; null while many wait. */
export interface Tail {
  /** When the work that runs now is expected to be done, from now. */
  readonly runningMs: number;
  /** Expected time until the waiting tasks before this one have found a place. */
  readonly queueMs: number;
  /** The busy slots: rate, and expected time until each is free. */
  readonly busy: readonly { readonly rate: number; readonly remainingMs: number }[];
}

export interface Policy {
  readonly name: string;
  /** The candidate to take, or null: better wait for a slot that is busy now. Null only when there is no candidate or `tail` is given. */
  choose(task: TaskNeed, candidates: readonly Candidate[], tail: Tail | null): Candidate | null;
}
