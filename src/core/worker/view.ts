// What `status` shows of the worker, as plain data copied out of the desk.
import type { AttemptId, LeaseId, NodeId } from '../types.ts';
import type { Desk } from './desk.ts';

export interface AdmissionView {
  readonly slots: number;
  /** Slots promised to delegators, those of running attempts included. */
  readonly promised: number;
  readonly running: number;
  /** null: not paused. */
  readonly paused: string | null;
  readonly closedBecause: string;
  readonly delegators: readonly PartyView[];
}

export interface PartyView {
  readonly id: NodeId;
  readonly session: 'none' | 'connecting' | 'up' | 'closing';
  /** Tasks that it wants done and that we could take. */
  readonly wanted: number;
  readonly remark: string;
  readonly lease: {
    readonly id: LeaseId;
    readonly slots: number;
    /** Slots in which something runs. */
    readonly used: number;
    /** Slots of it that the worker has asked back, and that are still reserved. */
    readonly recalled: number;
    /** Awards beyond the slots that may be made, and those that wait with their files fetched. */
    readonly ahead: number;
    readonly queued: number;
    readonly expiresInMs: number;
  } | null;
  readonly attempts: readonly { readonly id: AttemptId; readonly ageMs: number; readonly killed: boolean }[];
}

export function viewOf(desk: Desk, now: number): AdmissionView {
  return {
    slots: desk.options.slots,
    promised: desk.promised(),
    running: desk.attempts.size,
    paused: desk.paused,
    closedBecause: desk.options.closedBecause,
    delegators: [...desk.parties.values()].map((party) => ({
      id: party.id,
      session: party.session,
      wanted: party.wanted,
      remark: party.remark,
      lease:
        party.lease === null
          ? null
          : {
              id: party.lease.id,
              slots: party.lease.slots,
              used: party.lease.used,
              recalled: party.lease.slots - party.lease.keep,
              ahead: party.lease.ahead,
              queued: party.lease.queue.length,
              expiresInMs: party.lease.expiresAt - now,
            },
      attempts: [...party.attempts.values()].map(({ id, startedAt, killed }) => ({
        id,
        ageMs: now - startedAt,
        killed,
      })),
    })),
  };
}
