// A task's story as it is kept in memory: small, with ids for names and times of the delegator's clock.
import type { TaskSpec } from '../delegation/types.ts';
import type { AttemptId, NodeId } from '../types.ts';
import type { KeptChoice } from './choice.ts';
import type { TaskStory, Told } from './types.ts';

export interface KeptStory {
  readonly spec: TaskSpec;
  readonly submittedAt: number;
  /** Since when it is in its state. */
  movedAt: number;
  state: TaskStory['state'];
  endedAt: number | null;
  how: TaskStory['how'];
  /** Whose result it got. */
  worker: NodeId | null;
  /** Copies of which something is expected; none while it has not been given away, and after its end. */
  readonly copies: Set<AttemptId>;
  readonly entries: Entry[];
  untold: number;
}

type Kept<T> = T extends { readonly choice: unknown }
  ? Omit<T, 'name' | 'choice'> & { readonly choice: KeptChoice | Extract<T['choice'], null> }
  : Omit<T, 'name'>;

type Own = Exclude<Told, { readonly kind: 'announced' | 'offer' | 'ended' }>;

/** What happened to the task itself; announcements and offers are for many tasks, and are found by their times. */
export type Entry = { readonly at: number } & Kept<Own>;
