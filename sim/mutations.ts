// Deliberate bugs around the state machines, to show that the checker sees them.
import type { DelegatorEffect, DelegatorEvent } from '../src/core/delegation/types.ts';
import type { WorkerEvent, WorkerOptions } from '../src/core/worker/types.ts';

export const mutations = [
  'cancel-unheard',
  'loser-delivered',
  'local-end-unheard',
  'run-local-twice',
  'one-slot-too-many',
  'memory-forgotten',
  'lease-for-ever',
  'session-end-unheard',
  'old-news-obeyed',
] as const;

type Heard = Extract<WorkerEvent, { type: 'announcement' }>;

export type Mutation = 'none' | (typeof mutations)[number];

/** Whether a node does not hear what it should. */
export function isUnheard(mutation: Mutation, event: DelegatorEvent | WorkerEvent): boolean {
  switch (mutation) {
    case 'cancel-unheard':
      return event.type === 'cancel' && 'task' in event;
    case 'local-end-unheard':
      return event.type === 'local-ended';
    case 'session-end-unheard':
      return event.type === 'session-down' && 'delegator' in event;
    case 'lease-for-ever':
      if (event.type === 'announcement') return event.announcement.demands.every((demand) => demand.count === 0);
      return event.type === 'release';
    default:
      return false;
  }
}

export function mutatedOptions(mutation: Mutation, options: WorkerOptions): WorkerOptions {
  switch (mutation) {
    case 'one-slot-too-many':
      return { ...options, slots: options.slots + 1 };
    case 'memory-forgotten':
      return { ...options, memReserveBytes: 0 };
    case 'lease-for-ever':
      return { ...options, leaseTtlMs: 1e9 };
    default:
      return options;
  }
}

/** An announcement that is old, as a worker sees it that does not look at the number. */
export function mutatedOldNews(mutation: Mutation, event: Heard): Heard {
  if (mutation !== 'old-news-obeyed') return event;
  return { ...event, announcement: { ...event.announcement, seq: event.announcement.seq + 1e6 } };
}

export function mutatedEffects(mutation: Mutation, effect: DelegatorEffect, event: DelegatorEvent): DelegatorEffect[] {
  if (mutation === 'run-local-twice' && effect.type === 'run-local') return [effect, effect];
  if (mutation === 'loser-delivered' && effect.type === 'discard' && event.type === 'result') {
    const task = event.attempt.slice(0, event.attempt.lastIndexOf('#'));
    return [{ type: 'deliver', task, attempt: event.attempt, worker: event.worker }];
  }
  return [effect];
}
