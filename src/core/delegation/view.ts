// What `status` shows of the delegator, as plain data copied out of the books.
import type { AttemptId, BuildId, LeaseId, LocalReason, NodeId, TaskId, WorkerInfo } from '../types.ts';
import type { Book } from './book.ts';

export interface DelegationView {
  readonly tasks: readonly TaskView[];
  readonly workers: readonly WorkerView[];
  readonly waiting: number;
  readonly awayTasks: number;
  readonly here: number;
  readonly slots: number;
  readonly freeSlots: number;
}

export interface TaskView {
  readonly id: TaskId;
  readonly build: BuildId;
  readonly label: string;
  readonly state: 'waiting' | 'away' | 'here';
  /** Since the task was submitted. */
  readonly ageMs: number;
  /** Predicted p80 on a machine of rate 1. */
  readonly estimateMs: number;
  /** Since it runs here; null elsewhere. */
  readonly hereMs: number | null;
  readonly reason: LocalReason | null;
  readonly attempts: readonly AttemptView[];
}

export interface AttemptView {
  readonly id: AttemptId;
  readonly worker: NodeId;
  readonly state: 'awarded' | 'running' | 'silent';
  readonly ageMs: number;
  /** What it was expected to take there, from award to end. */
  readonly estimateMs: number;
  /** Since the worker last said that it has it. */
  readonly heardAgoMs: number;
  readonly hedge: boolean;
}

export interface WorkerView {
  readonly id: NodeId;
  readonly name: string;
  readonly connected: boolean;
  readonly slots: number;
  readonly running: number;
  /** Tasks done for us since this process started. */
  readonly done: number;
  readonly rate: number;
  readonly load: number;
  /** null: never. */
  readonly heardAgoMs: number | null;
  /** 0: not left out. */
  readonly excludedForMs: number;
  readonly excludedWhy: string;
  readonly returning: boolean;
  readonly remark: string;
  readonly info: WorkerInfo | null;
  readonly leases: readonly LeaseView[];
}

export interface LeaseView {
  readonly id: LeaseId;
  readonly slots: number;
  readonly used: number;
  readonly expiresInMs: number;
}

/** Slots that take tasks of ours now or would if asked: of each worker its leases, or without one all that it has. */
export function slotsInReach(book: Book, now: number): number {
  let slots = 0;
  for (const worker of book.workers.values()) {
    if (!worker.connected || worker.returning || worker.excludedUntil > now) continue;
    let leased = 0;
    for (const lease of worker.leases.values()) leased += lease.slots;
    slots += leased > 0 || worker.remark !== '' ? leased : (worker.info?.slots ?? 0);
  }
  return slots;
}

export function viewOf(book: Book, now: number): DelegationView {
  return {
    tasks: [...book.tasks.values()].map((task) => ({
      id: task.spec.id,
      build: task.spec.build,
      label: task.spec.label,
      state: task.place.at === 'away' ? 'away' : task.place.at === 'here' ? 'here' : 'waiting',
      ageMs: now - task.submittedAt,
      estimateMs: task.estimateMs,
      hereMs: task.place.at === 'here' ? now - task.place.since : null,
      reason: task.place.at === 'here' || task.place.at === 'queued-here' ? task.place.reason : null,
      attempts: [...task.attempts].map((attempt) => ({
        id: attempt.id,
        worker: attempt.worker.id,
        state: attempt.state === 'silent' ? 'silent' : attempt.confirmed ? 'running' : 'awarded',
        ageMs: now - attempt.awardedAt,
        estimateMs: attempt.estimateMs,
        heardAgoMs: now - attempt.seenAt,
        hedge: attempt.hedge !== 'no',
      })),
    })),
    workers: [...book.workers.values()].map((worker) => {
      const leases = [...worker.leases.values()];
      return {
        id: worker.id,
        name: worker.name,
        connected: worker.connected,
        slots: leases.reduce((sum, lease) => sum + lease.slots, 0),
        running: [...worker.attempts.values()].filter((attempt) => attempt.state === 'live').length,
        done: worker.done,
        rate: book.rate(worker),
        load: worker.load,
        heardAgoMs: worker.heardAt === -Infinity ? null : now - worker.heardAt,
        excludedForMs: Math.max(0, worker.excludedUntil - now),
        excludedWhy: worker.excludedUntil > now ? worker.excludedWhy : '',
        returning: worker.returning,
        remark: worker.remark,
        info: worker.info,
        leases: leases.map(({ id, slots, used, expiresAt }) => ({ id, slots, used, expiresInMs: expiresAt - now })),
      };
    }),
    waiting: book.waiting.size,
    awayTasks: book.away.size,
    here: book.hereUsed,
    slots: book.slots,
    freeSlots: book.free,
  };
}
