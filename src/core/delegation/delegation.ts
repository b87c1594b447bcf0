// The delegator: takes in tasks, gives them to the best places, and sees each one to exactly one end, whatever fails.
// Pure: `step(event, now)` gives the effects, `nextWakeAt()` says when a `tick` is due. The agent does the rest.
import { assert, unreachable } from '../../base/assert.ts';
import type { Prng } from '../../base/prng.ts';
import { PastRecord, scopeKey } from '../record/record.ts';
import type { AttemptId, NodeId } from '../types.ts';
import { end, failed, lost, result, runHere, started } from './attempts.ts';
import { Book } from './book.ts';
import { announceDemand, createPeak, nextAnnounceAt, nextSurplusAt, releaseSurplus } from './demand.ts';
import { estimateOf, learntFrom } from './estimates.ts';
import { strike } from './exclusion.ts';
import { hedge, lookForDoubts, nextLookAt } from './hedge.ts';
import { echo, forgetLeases, giveBack, heartbeat, offered, withdrawn } from './leases.ts';
import { OVERSLEPT_MS } from './limits.ts';
import { match, nextNobodyAt } from './matching.ts';
import { kindOf } from './parts.ts';
import { forgiveSleep, runTimers } from './timers.ts';
import type { DelegatorEffect, DelegatorEvent, DelegatorOptions, TaskSpec } from './types.ts';
import { slotsInReach, viewOf } from './view.ts';
import type { DelegationView } from './view.ts';
import type { Attempt, Task, WorkerBook } from './parts.ts';

/**
 * A task's way (`Place` in book.ts):
 *
 *   submit ──► waiting ──award──► away ──first result──► ended (deliver)
 *     │           ▲  │              │
 *     │           │  │   last live copy failed or silent
 *     │           └──┼──────────────┤
 *     │              │              └─ 3 failures, 2 evictions ──► queued-here
 *     │              │ own slot is best, or nobody offers               │
 *     │              └───────────► here ◄───────────── a slot is free ──┘
 *     ├─ cannot travel ──► queued-here │
 *     └─ queue full ────► here         └─ local-ended ──► ended
 *
 *   cancel, from anywhere ──► ended
 */
export class Delegation {
  /** Durations and rates that this delegator learns; the agent predicts from it and keeps it across builds. */
  readonly record: PastRecord;
  readonly #book: Book;
  readonly #peak = createPeak();
  #wakeAt = Infinity;
  #steppedAt = -Infinity;

  constructor(options: DelegatorOptions, prng: Prng, record: PastRecord = new PastRecord()) {
    this.record = record;
    this.#book = new Book(options, prng, record);
  }

  /**
   * Takes in what happened at `now` (monotonic, milliseconds); gives what the world must do, in this order.
   * A step much later than `nextWakeAt` asked for is taken as this machine's own sleep, not as the workers' silence.
   */
  step(event: DelegatorEvent, now: number): DelegatorEffect[] {
    const book = this.#book;
    const dueAt = Math.max(this.#wakeAt, this.#steppedAt);
    if (now - dueAt > OVERSLEPT_MS) forgiveSleep(book, now - dueAt, now);
    this.#steppedAt = now;
    book.now = now;
    this.#take(event, now);
    runTimers(book, now);
    lookForDoubts(book, now);
    hedge(book, 'urgent', now);
    match(book, now);
    hedge(book, 'any', now);
    giveBack(book, now);
    releaseSurplus(book, this.#peak, now);
    announceDemand(book, now);
    this.#wakeAt = this.#nextWake();
    const effects = book.effects;
    book.effects = [];
    return effects;
  }

  /** When a `tick` is due if nothing happens before, or null. May be early, never late. */
  nextWakeAt(): number | null {
    return this.#wakeAt === Infinity ? null : this.#wakeAt;
  }

  view(now: number = this.#steppedAt): DelegationView {
    return viewOf(this.#book, now);
  }

  /** Slots of other machines that take tasks of ours now or would if asked: what make's number of jobs follows. */
  slotsInReach(now: number = this.#steppedAt): number {
    return slotsInReach(this.#book, now);
  }

  #nextWake(): number {
    const book = this.#book;
    return Math.min(
      book.timersAt,
      nextNobodyAt(book),
      book.retryAt,
      nextAnnounceAt(book),
      nextSurplusAt(book, this.#peak),
      nextLookAt(book),
    );
  }

  #take(event: DelegatorEvent, now: number): void {
    const book = this.#book;
    switch (event.type) {
      case 'submit':
        this.#submit(event.task, now);
        return;
      case 'cancel': {
        const task = book.tasks.get(event.task);
        if (task !== undefined) end(book, task, 'cancelled', null, 'cancelled', now);
        return;
      }
      case 'local-ended':
        this.#localEnded(book.tasks.get(event.task), event.succeeded !== false, now);
        return;
      case 'session-up': {
        const worker = book.worker(event.worker);
        if (worker.connected) this.#lose(worker, 'a new session took the place of the old one', now);
        worker.connected = true;
        worker.returning = false;
        worker.heardAt = now;
        if (event.name !== '') worker.name = event.name;
        return;
      }
      case 'session-down': {
        const worker = book.workers.get(event.worker);
        if (worker?.connected === true) this.#lose(worker, 'the session ended', now);
        return;
      }
      case 'offer': {
        const worker = this.#hear(event.worker, now);
        if (worker !== null) offered(book, worker, event.offer, now);
        return;
      }
      case 'lease-withdrawn': {
        const worker = this.#hear(event.worker, now);
        if (worker !== null) withdrawn(book, worker, event.leaseId);
        return;
      }
      case 'started': {
        const attempt = this.#attempt(event.worker, event.attempt, now);
        if (attempt !== null) started(book, attempt, now);
        return;
      }
      case 'heartbeat': {
        const worker = this.#hear(event.worker, now);
        if (worker === null) return;
        heartbeat(book, worker, event.attempts, event.load, now);
        if (event.stamp !== undefined) echo(book, worker, event.stamp, now);
        return;
      }
      case 'result': {
        const attempt = this.#attempt(event.worker, event.attempt, now);
        if (attempt === null) book.emit({ type: 'discard', attempt: event.attempt, worker: event.worker });
        else result(book, attempt, event, now);
        return;
      }
      case 'failed': {
        const attempt = this.#attempt(event.worker, event.attempt, now);
        if (attempt !== null) failed(book, attempt, event.code, event.message, now);
        return;
      }
      case 'returning': {
        const worker = this.#hear(event.worker, now);
        if (worker === null) return;
        worker.returning = true;
        forgetLeases(book, worker);
        return;
      }
      case 'wall-clock':
        this.record.advance(event.wallMs);
        return;
      case 'forget':
        this.record.forget(event);
        return;
      case 'tick':
        return;
      default:
        unreachable(event);
    }
  }

  #submit(spec: TaskSpec, now: number): void {
    const book = this.#book;
    assert(!book.tasks.has(spec.id), `task ${spec.id} was submitted twice`);
    const task: Task = {
      spec,
      order: ++book.submitted,
      submittedAt: now,
      ...estimateOf(this.record, spec),
      scope: scopeKey(spec.project ?? '', kindOf(spec)),
      place: { at: 'new' },
      attempts: new Set(),
      attemptsMade: 0,
      failures: 0,
      evictions: 0,
      refusals: 0,
      lastFailure: '',
      heldUntil: Infinity,
      retrySameAt: -Infinity,
      failedOn: new Set(),
    };
    book.tasks.set(spec.id, task);
    if (book.waiting.size >= book.options.maxWaiting) {
      runHere(book, task, 'queue-full', `${book.waiting.size} tasks wait`, false, now);
    } else if (spec.class === null) {
      book.place(task, { at: 'queued-here', reason: 'stays', detail: spec.staysReason });
    } else {
      const build = book.build(spec.build);
      build.lastSubmitAt = now;
      build.submitted += 1;
      if (!task.isKnown) build.unseen += 1;
      book.place(task, { at: 'waiting' });
    }
  }

  #localEnded(task: Task | undefined, succeeded: boolean, now: number): void {
    if (task?.place.at !== 'here') return;
    const { spec, place } = task;
    // What fails is done sooner than what succeeds.
    if (spec.class !== null && succeeded) {
      const { label, project, bytes } = spec;
      const ran = { label, classKey: kindOf(spec), project, bytes, ranMs: now - place.since, overheadMs: 0 };
      this.record.observe({ ...ran, worker: null });
      learntFrom(this.#book, task);
    }
    end(this.#book, task, 'local', null, 'done here', now);
  }

  /** Nothing of this session will ever come again: its attempts, live, silent or cancelled, are gone. */
  #lose(worker: WorkerBook, message: string, now: number): void {
    const book = this.#book;
    worker.connected = false;
    forgetLeases(book, worker);
    const attempts = [...worker.attempts.values()];
    const costsWork = attempts.some((attempt) => attempt.state === 'live');
    for (const attempt of attempts) lost(book, attempt, message, now);
    if (costsWork) strike(book, worker, 'worker-lost', now);
  }

  /** Any message from a connected worker is a sign of life; one from nobody we know changes nothing. */
  #hear(id: NodeId, now: number): WorkerBook | null {
    const worker = this.#book.workers.get(id);
    if (worker?.connected !== true) return null;
    worker.heardAt = now;
    return worker;
  }

  #attempt(id: NodeId, attemptId: AttemptId, now: number): Attempt | null {
    return this.#hear(id, now)?.attempts.get(attemptId) ?? null;
  }
}
