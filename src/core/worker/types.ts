// What can happen to a worker, and what it may ask of the world. `admission.ts` is the machine between them.
import type {
  Announcement,
  AttemptId,
  FailureCode,
  LeaseId,
  NodeId,
  Offer,
  ToolchainRef,
  WorkerInfo,
} from '../types.ts';

/** Where a delegator can be reached: the datagram's source address (or the open session's) and the announced port. */
export interface DelegatorAddress {
  readonly host: string;
  readonly port: number;
}

export type WorkerEvent =
  | { readonly type: 'announcement'; readonly announcement: Announcement; readonly from: DelegatorAddress }
  | { readonly type: 'session-up'; readonly delegator: NodeId }
  | { readonly type: 'session-down'; readonly delegator: NodeId }
  /** A heartbeat's stamp comes back: the time since then is the round trip. */
  | { readonly type: 'echo'; readonly delegator: NodeId; readonly stamp: number }
  /** Somebody there wants to know: answered by a heartbeat. */
  | { readonly type: 'poll'; readonly delegator: NodeId }
  /** How fast bytes came by the session lately. */
  | { readonly type: 'link'; readonly delegator: NodeId; readonly bytesPerMs: number }
  /** So many tasks of this machine's own builds run here now: they go first. */
  | { readonly type: 'own'; readonly running: number }
  /** A new reading of this machine (about every second). `slots` in it is the configured number. */
  | { readonly type: 'sample'; readonly info: WorkerInfo }
  /** The answer to `check-toolchain`. Not the same: `label` says what is here instead (empty: nothing at that path). */
  | { readonly type: 'toolchain'; readonly digest: string; readonly same: boolean; readonly label: string }
  | {
      readonly type: 'award';
      readonly delegator: NodeId;
      readonly leaseId: LeaseId;
      readonly attempt: AttemptId;
      readonly memBytes: number;
    }
  | { readonly type: 'release'; readonly delegator: NodeId; readonly leaseId: LeaseId; readonly slots: number }
  | { readonly type: 'cancel'; readonly delegator: NodeId; readonly attempt: AttemptId; readonly why: string }
  /** The attempt's process is gone and its result or failure is on its way. */
  | { readonly type: 'ended'; readonly attempt: AttemptId }
  | { readonly type: 'pause'; readonly why: string }
  | { readonly type: 'resume' }
  | { readonly type: 'tick' };

export type WorkerEffect =
  /** Compare our compiler at the announced path with the announced digest; answered by a `toolchain` event. */
  | { readonly type: 'check-toolchain'; readonly toolchain: ToolchainRef }
  | { readonly type: 'connect'; readonly delegator: NodeId; readonly address: DelegatorAddress }
  /** Nothing left to hold the session for (no demand, no lease, nothing running, for a while). */
  | { readonly type: 'disconnect'; readonly delegator: NodeId }
  | { readonly type: 'offer'; readonly delegator: NodeId; readonly offer: Offer }
  | { readonly type: 'withdraw'; readonly delegator: NodeId; readonly leaseId: LeaseId }
  /** An award beyond the slots: get its files, but run nothing; `run` follows when a slot is free, or `kill`. */
  | { readonly type: 'fetch'; readonly delegator: NodeId; readonly attempt: AttemptId }
  | { readonly type: 'run'; readonly delegator: NodeId; readonly attempt: AttemptId }
  /** No result will come of this attempt. Code `killed`: the delegator cancelled it, and its slot is free again. */
  | {
      readonly type: 'refuse';
      readonly delegator: NodeId;
      readonly attempt: AttemptId;
      readonly code: FailureCode;
      readonly message: string;
    }
  /** End the attempt's processes now; answered by `ended`. */
  | { readonly type: 'kill'; readonly attempt: AttemptId; readonly why: string }
  | {
      readonly type: 'heartbeat';
      readonly delegator: NodeId;
      readonly attempts: readonly AttemptId[];
      readonly load: number;
      /** Comes back as `echo`. */
      readonly stamp: number;
    }
  | { readonly type: 'returning'; readonly delegator: NodeId };

export interface WorkerOptions {
  /** Slots to lend in all; 0: this machine takes no tasks. */
  readonly slots: number;
  /** Why not, when slots is 0 for a reason worth telling («no user namespaces»); else empty. */
  readonly closedBecause: string;
  /** Where the machine stands, for criteria; empty: not said. */
  readonly site?: string;
  /** Memory that must stay free beside the tasks. */
  readonly memReserveBytes: number;
  /** Assumed for a task that says nothing. */
  readonly memPerTaskBytes: number;
  /** No offers above this load per core that is not Tender's own. */
  readonly maxLoad: number;
  readonly leaseTtlMs: number;
  readonly heartbeatMs: number;
  /** The delay before an offer is up to this or ten round trips, whichever is longer; just this where few machines listen. */
  readonly offerDelayMs: number;
}
