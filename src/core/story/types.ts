// What is told of one task afterwards: plain data (JSON-able), made only when somebody asks. `tender explain` is a view of it.
import type { AttemptId, BuildId, Exit, FailureCode, LocalReason, NodeId, TaskId } from '../types.ts';

export interface TaskStory {
  readonly id: TaskId;
  readonly build: BuildId;
  /** The source's path. */
  readonly label: string;
  /** The compiler's own name for itself; empty for what cannot travel. */
  readonly compiler: string;
  /** What a machine must have to take it; empty: nothing. */
  readonly criteria: string;
  readonly state: 'waiting' | 'away' | 'here' | 'ended';
  /** How it ended: elsewhere, here, from the store, or not at all; null: it has not. */
  readonly how: 'remote' | 'local' | 'stored' | 'cancelled' | null;
  /** Name of the machine whose result it got; empty: none. */
  readonly machine: string;
  readonly submittedAgoMs: number;
  /** From submission to end; null: it has not ended. */
  readonly tookMs: number | null;
  /** In order of time. */
  readonly happenings: readonly Happening[];
  /** Happenings beyond the bound, which are not told. */
  readonly untold: number;
}

/** A machine with a free slot, as it was weighed. */
export interface WeighedPlace {
  /** null: this machine. */
  readonly worker: NodeId | null;
  /** Empty: this machine. */
  readonly name: string;
  /** Speed in multiples of this machine. */
  readonly rate: number;
  /** Expected cost beside the running. */
  readonly overheadMs: number;
  /** Expected running time there. */
  readonly runMs: number;
  /** Probability that the machine stays free for both, 0 to 1. */
  readonly staysFree: number;
  /** Both, over that probability: what `finish` compares. */
  readonly costMs: number;
  /** Runnable processes per core, and GHz; null: it has said nothing of itself. */
  readonly load: number | null;
  readonly ghz: number | null;
}

export interface Choice {
  readonly policy: string;
  /** Predicted p80 on a machine like this one. */
  readonly estimateMs: number;
  /** How many places there were to choose from. */
  readonly count: number;
  /** The chosen one, then the next best; a few. */
  readonly places: readonly WeighedPlace[];
}

/** `atMs`: since the task's submission. */
export type Happening = { readonly atMs: number } & Told;

export type Told =
  /** Demand was announced, for this task among others; before its submission when a build's demand was known already. */
  | {
      readonly kind: 'announced';
      /** Those of one class with it, itself included. */
      readonly tasks: number;
      readonly offersWanted: number;
      /** How often it was said again while the task waited. */
      readonly again: number;
    }
  /** `slots` 0: it offers none, and `remark` says why. */
  | {
      readonly kind: 'offer';
      readonly worker: NodeId;
      readonly name: string;
      readonly slots: number;
      readonly load: number;
      readonly remark: string;
    }
  | {
      readonly kind: 'awarded';
      readonly worker: NodeId;
      readonly name: string;
      readonly attempt: AttemptId;
      /** `no`: the first copy. Else why a second one: another machine ends much sooner, or the first takes far too long. */
      readonly hedge: 'no' | 'tail' | 'straggler';
      readonly choice: Choice;
    }
  | { readonly kind: 'started'; readonly worker: NodeId; readonly name: string; readonly attempt: AttemptId }
  | {
      readonly kind: 'result';
      readonly worker: NodeId;
      readonly name: string;
      readonly attempt: AttemptId;
      readonly exit: Exit;
      readonly ranMs: number;
      readonly cpuMs: number;
      /** False: another copy was first, or nobody wanted it any more. */
      readonly used: boolean;
    }
  | {
      readonly kind: 'failed';
      readonly worker: NodeId;
      readonly name: string;
      readonly attempt: AttemptId;
      readonly code: FailureCode;
      readonly message: string;
    }
  | {
      readonly kind: 'told-to-stop';
      readonly worker: NodeId;
      readonly name: string;
      readonly attempt: AttemptId;
      readonly why: string;
    }
  | { readonly kind: 'here'; readonly reason: LocalReason; readonly detail: string; readonly choice: Choice | null }
  | { readonly kind: 'ended'; readonly how: 'remote' | 'local' | 'stored' | 'cancelled' };
