// A calm farm: one make with its -j, some workers of given slots and speeds, no faults. It measures what the protocol
// costs and gains: makespan over the bound that no schedule can beat, messages, doubled tasks.
import { createPrng } from '../../base/prng.ts';
import { Delegation } from '../delegation/delegation.ts';
import type { DelegatorEffect, DelegatorEvent } from '../delegation/types.ts';
import type { AttemptId, TaskId } from '../types.ts';
import { WorkerAdmission } from '../worker/admission.ts';
import type { WorkerEffect, WorkerEvent } from '../worker/types.ts';
import { VirtualClock } from './clock.ts';
import { GIB, sampleInfo, sampleTask } from './samples.ts';

export interface CalmPlan {
  /** make's -j. */
  readonly jobs: number;
  /** Durations on a machine of speed 1, in the order in which make starts them. */
  readonly durationsMs: readonly number[];
  /** Whether the delegator has a good idea of each duration. */
  readonly predicted: boolean;
  readonly ownSlots: number;
  readonly policy: 'first' | 'finish';
  readonly workers: readonly { readonly slots: number; readonly speed: number }[];
  readonly latencyMs: number;
}

export interface CalmOutcome {
  readonly makespanMs: number;
  /** All work over all speed, or the longest task on the fastest machine. */
  readonly boundMs: number;
  readonly messages: number;
  readonly hedges: number;
  readonly local: number;
  /** Tasks done by each worker. */
  readonly done: readonly number[];
}

interface Machine<E, F> {
  step(event: E, now: number): F[];
  nextWakeAt(): number | null;
}

export function runCalmFarm(plan: CalmPlan): CalmOutcome {
  const clock = new VirtualClock();
  const { durationsMs, latencyMs, workers } = plan;
  const tally = { messages: 0, hedges: 0, local: 0, ended: 0, running: 0, next: 0, endedAt: 0 };
  const done = workers.map(() => 0);
  const killed = new Set<AttemptId>();

  /** Feeds one machine and calls `act` for each effect; wakes it when it asks. */
  function drive<E, F>(machine: Machine<E, F>, tick: E, act: (effect: F) => void): (event: E) => void {
    let wakeAt = Infinity;
    const post = (event: E): void => {
      for (const effect of machine.step(event, clock.now)) act(effect);
      const at = machine.nextWakeAt() ?? Infinity;
      wakeAt = at;
      if (at === Infinity) return;
      clock.at(at, () => {
        if (wakeAt !== at) return;
        wakeAt = Infinity;
        post(tick);
      });
    };
    return post;
  }

  const send = (deliver: () => void): void => {
    tally.messages += 1;
    clock.after(latencyMs, deliver);
  };
  const durationOf = (task: TaskId): number => durationsMs[Number(task.slice(1))] ?? 0;
  const feed = (): void => {
    while (tally.running < plan.jobs && tally.next < durationsMs.length) {
      const id = `t${tally.next}`;
      tally.next += 1;
      tally.running += 1;
      const p80Ms = plan.predicted ? Math.round(durationOf(id) * 1.2) : null;
      toDelegator({ type: 'submit', task: sampleTask(id, { p80Ms }) });
    }
  };
  const ended = (): void => {
    tally.running -= 1;
    tally.ended += 1;
    tally.endedAt = clock.now;
    feed();
  };

  const delegation = new Delegation(
    {
      ownSlots: plan.ownSlots,
      hereSlots: Math.max(1, plan.ownSlots),
      policy: plan.policy,
      nobodyAfterMs: 200,
      maxWaiting: 100_000,
      attemptSalt: '',
    },
    createPrng(1),
  );
  const toDelegator = drive<DelegatorEvent, DelegatorEffect>(delegation, { type: 'tick' }, (effect) => {
    switch (effect.type) {
      case 'announce': {
        const announcement = { ...effect.announcement, delegator: 'd', delegatorName: 'd', port: 1 };
        for (const post of toWorkers) {
          send(() => post({ type: 'announcement', announcement, from: { host: 'd', port: 1 } }));
        }
        return;
      }
      case 'award': {
        const { leaseId, attempt } = effect;
        send(() => toWorker(effect.worker)({ type: 'award', delegator: 'd', leaseId, attempt, memBytes: 0 }));
        return;
      }
      case 'release': {
        const { leaseId, slots } = effect;
        send(() => toWorker(effect.worker)({ type: 'release', delegator: 'd', leaseId, slots }));
        return;
      }
      case 'cancel-attempt': {
        const { attempt, why } = effect;
        send(() => toWorker(effect.worker)({ type: 'cancel', delegator: 'd', attempt, why }));
        return;
      }
      case 'run-local':
        tally.local += 1;
        clock.after(durationOf(effect.task), () => {
          toDelegator({ type: 'local-ended', task: effect.task });
          ended();
        });
        return;
      case 'deliver':
        ended();
        return;
      case 'note':
        if (effect.note.kind === 'awarded' && effect.note.hedge) tally.hedges += 1;
        return;
      case 'discard':
        return;
    }
  });

  const toWorkers = workers.map(({ slots, speed }, index) => {
    const worker = `w${index}`;
    const options = {
      slots,
      closedBecause: '',
      memReserveBytes: 0,
      memPerTaskBytes: GIB / 16,
      maxLoad: 2,
      leaseTtlMs: 10_000,
      heartbeatMs: 2000,
      offerDelayMs: 20,
    };
    const admission = new WorkerAdmission(options, createPrng(index + 2));
    const reply = (event: DelegatorEvent): void => send(() => toDelegator(event));
    const post = drive<WorkerEvent, WorkerEffect>(admission, { type: 'tick' }, (effect) => {
      switch (effect.type) {
        case 'connect':
          clock.after(3 * latencyMs, () => {
            toDelegator({ type: 'session-up', worker, name: worker });
            post({ type: 'session-up', delegator: 'd' });
          });
          return;
        case 'offer':
          return reply({ type: 'offer', worker, offer: effect.offer });
        case 'withdraw':
          return reply({ type: 'lease-withdrawn', worker, leaseId: effect.leaseId });
        case 'heartbeat':
          return reply({ type: 'heartbeat', worker, attempts: effect.attempts, load: effect.load });
        case 'refuse':
          return reply({ type: 'failed', worker, attempt: effect.attempt, code: effect.code, message: effect.message });
        case 'kill':
          killed.add(effect.attempt);
          clock.after(1, () => post({ type: 'ended', attempt: effect.attempt }));
          return;
        case 'run': {
          const { attempt } = effect;
          const ranMs = durationOf(attempt.slice(0, attempt.indexOf('#'))) / speed;
          clock.after(ranMs, () => {
            if (killed.has(attempt)) return;
            done[index] = (done[index] ?? 0) + 1;
            post({ type: 'ended', attempt });
            reply({ type: 'result', worker, attempt, exit: { how: 'exit', code: 0 }, ranMs, cpuMs: ranMs });
          });
          return;
        }
        case 'check-toolchain':
        case 'disconnect':
        case 'returning':
          return;
      }
    });
    post({ type: 'sample', info: sampleInfo({ name: worker }) });
    return post;
  });
  const toWorker = (id: string): ((event: WorkerEvent) => void) => {
    const post = toWorkers[Number(id.slice(1))];
    if (post === undefined) throw new Error(`no worker ${id}`);
    return post;
  };

  feed();
  while (tally.ended < durationsMs.length && clock.advance(1e8));
  const total = durationsMs.reduce((sum, ms) => sum + ms, 0);
  const speed = workers.reduce((sum, worker) => sum + worker.slots * worker.speed, plan.ownSlots);
  const fastest = Math.max(1, ...workers.map((worker) => worker.speed));
  const boundMs = Math.max(total / speed, Math.max(...durationsMs) / fastest);
  const { messages, hedges, local } = tally;
  return { makespanMs: tally.endedAt, boundMs, messages, hedges, local, done };
}
