// What can happen to a delegator, and what it may ask of the world. `delegation.ts` is the machine between them.
import type { PolicyName } from '../selection/index.ts';
import type { Candidate } from '../selection/types.ts';
import type {
  Announcement,
  AttemptId,
  BuildId,
  Exit,
  FailureCode,
  LeaseId,
  LocalReason,
  NodeId,
  Offer,
  TaskClass,
  TaskId,
  WorkerInfo,
} from '../types.ts';

export interface TaskSpec {
  readonly id: TaskId;
  readonly build: BuildId;
  /** For people and for the record of durations: the source's path. */
  readonly label: string;
  /** null: this task can only run here (`staysReason` says why) and only waits for an own slot. */
  readonly class: TaskClass | null;
  readonly staysReason: string;
  /** Predicted 80th percentile of the duration, or null for a unit never seen (its class's p80 counts). */
  readonly p80Ms: number | null;
  readonly bytes: number;
  /** What durations and rates are remembered under; default: no project, and the class's id for the kind. */
  readonly project?: string;
  readonly kind?: string;
  /** In place of the delegator's. */
  readonly policy?: PolicyName;
}

export type DelegatorEvent =
  | { readonly type: 'submit'; readonly task: TaskSpec }
  /** The launcher went away (Ctrl-C): the task must end everywhere, without output. */
  | { readonly type: 'cancel'; readonly task: TaskId }
  /** A task that ran here has ended; without `succeeded` nobody knows how. */
  | { readonly type: 'local-ended'; readonly task: TaskId; readonly succeeded?: boolean }
  | { readonly type: 'session-up'; readonly worker: NodeId; readonly name: string }
  | { readonly type: 'session-down'; readonly worker: NodeId }
  | { readonly type: 'offer'; readonly worker: NodeId; readonly offer: Offer }
  /** The worker takes back a lease it had offered; attempts that run on it go on. */
  | { readonly type: 'lease-withdrawn'; readonly worker: NodeId; readonly leaseId: LeaseId }
  | { readonly type: 'started'; readonly worker: NodeId; readonly attempt: AttemptId }
  /** Alive, and these attempts are in its hands; its leases are renewed by as much as their time to live. */
  | {
      readonly type: 'heartbeat';
      readonly worker: NodeId;
      readonly attempts: readonly AttemptId[];
      readonly load: number;
      /** Sent back as `echo` now and then, so that the worker can measure the round trip; not given: never. */
      readonly stamp?: number;
    }
  | {
      readonly type: 'result';
      readonly worker: NodeId;
      readonly attempt: AttemptId;
      readonly exit: Exit;
      /** Wall time of the command on the worker. */
      readonly ranMs: number;
      readonly cpuMs: number;
      /** Peak of resident memory, bytes; 0: not measured. */
      readonly memBytes?: number;
    }
  | {
      readonly type: 'failed';
      readonly worker: NodeId;
      readonly attempt: AttemptId;
      readonly code: FailureCode;
      readonly message: string;
    }
  /** The worker's owner is back: no new awards; attempts end soon or come as failed. */
  | { readonly type: 'returning'; readonly worker: NodeId }
  /** What time it is, milliseconds since 1970: what was learnt ages by it. */
  | { readonly type: 'wall-clock'; readonly wallMs: number }
  /** What was learnt of a project, of a worker, of both together, or of all is to be forgotten. */
  | { readonly type: 'forget'; readonly project?: string | undefined; readonly worker?: NodeId | undefined }
  | { readonly type: 'tick' };

export type DelegatorEffect =
  | { readonly type: 'announce'; readonly announcement: Omit<Announcement, 'delegator' | 'delegatorName' | 'port'> }
  | {
      readonly type: 'award';
      readonly worker: NodeId;
      readonly leaseId: LeaseId;
      readonly task: TaskId;
      readonly attempt: AttemptId;
    }
  /** Gives `slots` of a lease back; all of them when the demand has ended. */
  | { readonly type: 'release'; readonly worker: NodeId; readonly leaseId: LeaseId; readonly slots: number }
  /** Answers a heartbeat at once; rare. */
  | { readonly type: 'echo'; readonly worker: NodeId; readonly stamp: number }
  | { readonly type: 'cancel-attempt'; readonly worker: NodeId; readonly attempt: AttemptId; readonly why: string }
  /** Tell the launcher to run the real compiler; ends with `local-ended` (or `cancel`). */
  | { readonly type: 'run-local'; readonly task: TaskId; readonly reason: LocalReason; readonly detail: string }
  /** This attempt's result is the task's result: write outputs, answer. The task has ended for the machine. */
  | { readonly type: 'deliver'; readonly task: TaskId; readonly attempt: AttemptId; readonly worker: NodeId }
  /** The attempt's result must be thrown away (a hedge's loser, a cancelled task, an unknown attempt). */
  | { readonly type: 'discard'; readonly attempt: AttemptId; readonly worker: NodeId }
  | { readonly type: 'note'; readonly note: DelegationNote };

/** What a place was chosen from, for people who ask why. */
export interface Weighed {
  /** Predicted p80 of the task on a machine of rate 1. */
  readonly estimateMs: number;
  /** All places with a free slot that the task might have got; of a second copy only the one it got. */
  readonly candidates: readonly Candidate[];
  /** Why a second copy: an expected end much sooner, or a first one that takes far too long; `no`: it is the first. */
  readonly hedge: 'no' | 'tail' | 'straggler';
}

/** What people may want to see happen; CLI, status and logs are views of these. */
export type DelegationNote =
  | {
      readonly kind: 'awarded';
      readonly task: TaskId;
      readonly attempt: AttemptId;
      readonly worker: NodeId;
      readonly hedge: boolean;
      readonly weighed: Weighed;
    }
  | {
      readonly kind: 'local';
      readonly task: TaskId;
      readonly reason: LocalReason;
      readonly detail: string;
      /** null: there was nothing to choose. */
      readonly weighed: Weighed | null;
    }
  | {
      readonly kind: 'attempt-failed';
      readonly task: TaskId;
      readonly attempt: AttemptId;
      readonly worker: NodeId;
      readonly code: FailureCode;
      readonly message: string;
    }
  | {
      readonly kind: 'ended';
      readonly task: TaskId;
      readonly build: BuildId;
      readonly how: 'remote' | 'local' | 'cancelled';
      readonly worker: NodeId | null;
      readonly tookMs: number;
    }
  | { readonly kind: 'refused-offer'; readonly worker: NodeId; readonly remark: string }
  | { readonly kind: 'worker-excluded'; readonly worker: NodeId; readonly forMs: number; readonly why: string };

export interface DelegatorOptions {
  /** Own slots that may take tasks which could travel; 0: everything that can travel goes to others. */
  readonly ownSlots: number;
  /** All that may run here at once, at least 1: what stays, what failed elsewhere, what nobody took. */
  readonly hereSlots: number;
  /** How places are chosen where a task does not say. */
  readonly policy: PolicyName;
  /** This machine as it would describe itself in an offer; what it does at the moment is counted anyway. */
  readonly own?: WorkerInfo;
  /** How long tasks wait for a first offer when no worker holds a lease for us, three round trips at least; then they run here. */
  readonly nobodyAfterMs: number;
  /** Bound on waiting tasks; past it the launcher is told to run here at once. */
  readonly maxWaiting: number;
  /** How long leases are kept after the last task has ended, so that make's next wave finds them; default 1000. */
  readonly lingerMs?: number;
  /** How many machines hear announcements, where that is known (a list of peers). */
  readonly listeners?: number;
  /** Ends every attempt's id; drawn at random when not given. Workers serve many delegators, whose task ids may be equal. */
  readonly attemptSalt?: string;
}
