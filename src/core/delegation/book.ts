// The delegator's books: tasks, attempts, workers, leases, builds, and the counts between them. Every change of a
// task's place goes through `place`, so that demand and local slots can never drift from the tasks themselves.
import { assert } from '../../base/assert.ts';
import type { Prng } from '../../base/prng.ts';
import type { PastRecord } from '../record/record.ts';
import type { AttemptId, BuildId, LocalReason, NodeId, TaskId } from '../types.ts';
import {
  BENCH_RATIO_MAX,
  BYTES_PER_MS,
  LATE_MIN_MS,
  LATE_TIMES,
  OVERHEAD_MS,
  RATE_KNOWN_AFTER,
  TAIL_AFTER_MS,
  TAIL_SHARE,
} from './limits.ts';
import { freeOf } from './parts.ts';
import type { Attempt, BuildBook, Place, Task, WorkerBook } from './parts.ts';
import type { DelegationNote, DelegatorEffect, DelegatorOptions } from './types.ts';
import { createAsk } from './asking.ts';
import type { Ask } from './asking.ts';
import { createFastest } from './fastest.ts';
import type { Fastest } from './fastest.ts';
import { createDoubts } from './doubts.ts';
import type { Doubts } from './doubts.ts';
import { createHorizon } from './horizon.ts';
import type { Horizon } from './horizon.ts';
import { WaitingTasks } from './waiting.ts';

function put(set: Set<WorkerBook>, worker: WorkerBook, isIn: boolean): void {
  if (isIn) set.add(worker);
  else set.delete(worker);
}

export class Book {
  readonly options: DelegatorOptions;
  readonly record: PastRecord;
  readonly tasks = new Map<TaskId, Task>();
  readonly attempts = new Map<AttemptId, Attempt>();
  readonly workers = new Map<NodeId, WorkerBook>();
  readonly builds = new Map<BuildId, BuildBook>();
  readonly away = new Set<Task>();
  readonly waiting = new WaitingTasks();
  /** The time of this step. */
  now = -Infinity;
  /** Slots of this machine in use, and those of them taken for choice. */
  hereUsed = 0;
  ownUsed = 0;
  /** Grows with every announcement of any build, so that no number is ever used twice for a build. */
  seq = 0;
  arrivals = 0;
  submitted = 0;
  /** The announcements that still seek answers; see asking.ts. */
  readonly ask: Ask = createAsk();
  /** Tasks that wait to travel or are away. */
  demand = 0;
  /** Results of this process, by project and kind. */
  readonly resultsOf = new Map<string, number>();
  /** When demand last began. */
  startedAt = -Infinity;
  /** Slots of all leases, and those of them that may be awarded now. */
  slots = 0;
  free = 0;
  /** Workers with a lease, and those of them with a slot that may be awarded; those that take tasks ahead. */
  readonly holding = new Set<WorkerBook>();
  readonly open = new Set<WorkerBook>();
  readonly takingAhead = new Set<WorkerBook>();
  /** The shortest round trip that any worker has told. */
  nearestMs = Infinity;
  readonly horizon: Horizon = createHorizon();
  readonly fastest: Fastest = createFastest();
  /** What may want a second copy; see hedge.ts. */
  readonly doubts: Doubts = createDoubts();
  /** Some lease has more slots than it may keep. */
  owesSlots = false;
  /** When the class last had no lease, for classes that wait without one. */
  readonly leaselessSince = new Map<string, number>();
  /** When a waiting task may go again to where it failed; set by each matching. */
  retryAt = Infinity;
  /** A lower bound of the time at which some timer falls due. */
  timersAt = Infinity;
  effects: DelegatorEffect[] = [];

  /** Ends every attempt's id. */
  readonly salt: string;

  constructor(options: DelegatorOptions, prng: Prng, record: PastRecord) {
    this.salt = options.attemptSalt ?? `-${Math.floor(prng() * 2 ** 32).toString(36)}`;
    assert(options.hereSlots >= 1, 'a delegator needs a slot of its own machine');
    this.options = options;
    this.record = record;
  }

  emit(effect: DelegatorEffect): void {
    this.effects.push(effect);
  }

  note(note: DelegationNote): void {
    this.effects.push({ type: 'note', note });
  }

  /** Asks for a look at the timers at `at` or before. */
  wakeBy(at: number): void {
    if (at < this.timersAt) this.timersAt = at;
  }

  build(id: BuildId): BuildBook {
    let build = this.builds.get(id);
    if (build === undefined) {
      build = {
        id,
        classes: new Map(),
        demand: 0,
        peak: 0,
        open: false,
        announcedAt: -Infinity,
        announcedDemand: 0,
        announcedClasses: 0,
        announcedWanted: 0,
        announceSoon: false,
        lingerUntil: Infinity,
        lastSubmitAt: -Infinity,
        submitted: 0,
        unseen: 0,
        workMs: 0,
        tailMs: 0,
        stragglerMs: 0,
      };
      this.builds.set(id, build);
    }
    return build;
  }

  worker(id: NodeId): WorkerBook {
    let worker = this.workers.get(id);
    if (worker === undefined) {
      worker = {
        id,
        name: id,
        connected: false,
        heardAt: -Infinity,
        info: null,
        remark: '',
        load: 0,
        returning: false,
        leases: new Map(),
        ended: new Map(),
        counted: { slots: 0, free: 0, ahead: 0 },
        rttMs: 0,
        bytesPerMs: 0,
        echoedAt: -Infinity,
        slow: 1,
        attempts: new Map(),
        strikes: 0,
        exclusions: 0,
        excludedUntil: -Infinity,
        excludedWhy: '',
        done: 0,
      };
      this.workers.set(id, worker);
    }
    return worker;
  }

  /** The one way a task changes its place; keeps demand, queues and slots of this machine in step. */
  place(task: Task, next: Place): void {
    const before = task.place;
    assert(before.at !== 'ended', `task ${task.spec.id} had ended`);
    if (before.at === 'waiting' || before.at === 'queued-here') this.waiting.remove(task);
    if (before.at === 'away') this.away.delete(task);
    if (before.at === 'here' && before.holdsSlot) this.#holdHere(before.reason, -1);
    this.#count(task, -1);
    task.place = next;
    this.#count(task, 1);
    if (next.at === 'waiting' || next.at === 'queued-here') this.waiting.add(task, this.now);
    if (next.at === 'away') this.away.add(task);
    if (next.at === 'here' && next.holdsSlot) this.#holdHere(next.reason, 1);
    if (next.at === 'ended') this.tasks.delete(task.spec.id);
  }

  /** Takes the attempt out of all books; its slot is free in ours. */
  dropAttempt(attempt: Attempt): void {
    this.releaseSlot(attempt);
    this.attempts.delete(attempt.id);
    attempt.worker.attempts.delete(attempt.id);
    attempt.task.attempts.delete(attempt);
  }

  /** The lease may be gone by now: then there is nothing to give back. */
  releaseSlot(attempt: Attempt): void {
    if (attempt.state === 'silent') return;
    const lease = attempt.worker.leases.get(attempt.leaseId);
    if (lease === undefined) return;
    lease.used -= 1;
    this.recount(attempt.worker);
  }

  /** Whether the build seems to be running out of tasks. */
  isTail(build: BuildBook, now: number): boolean {
    return build.demand < TAIL_SHARE * build.peak && now >= build.lastSubmitAt + TAIL_AFTER_MS;
  }

  /** Live copies of a task. */
  liveAttempts(task: Task): Attempt[] {
    return [...task.attempts].filter((attempt) => attempt.state === 'live');
  }

  /** How many times slower than usual a worker is now, by its latest results and by what is late there; 1 while that can be chance. */
  lateness(worker: WorkerBook): number {
    let times = worker.slow >= LATE_TIMES ? worker.slow : 1;
    for (const { state, awardedAt, usualMs, ahead } of worker.attempts.values()) {
      const elapsedMs = this.now - awardedAt;
      if (ahead || state === 'cancelled' || elapsedMs < LATE_MIN_MS || elapsedMs < LATE_TIMES * usualMs) continue;
      times = Math.max(times, elapsedMs / usualMs);
    }
    return times;
  }

  /** What a task costs there beside its running: as seen so far, or as the link says. */
  overheadMs(worker: WorkerBook, bytes: number): number {
    const seen = this.record.overheadMs(worker.id);
    return seen ?? this.linkMs(worker, bytes);
  }

  /** The same by the session's own measurements. */
  linkMs(worker: WorkerBook, bytes: number): number {
    return OVERHEAD_MS + worker.rttMs + bytes / (worker.bytesPerMs || BYTES_PER_MS);
  }

  /**
   * Speed in multiples of this machine, in a project and kind: what was seen, before that what the bench scores promise, and
   * less while one of its tasks is late: the others on that machine are as slow as that one.
   */
  rate(worker: WorkerBook, scope?: string): number {
    return this.usualRate(worker, scope) / this.lateness(worker);
  }

  usualRate(worker: WorkerBook, scope?: string): number {
    const seen = this.record.rate(worker.id, scope);
    const count = this.record.count(worker.id);
    const [bench, own] = [worker.info?.bench ?? 0, this.options.own?.bench ?? 0];
    if (bench <= 0 || own <= 0 || count >= RATE_KNOWN_AFTER) return seen;
    const promised = Math.min(BENCH_RATIO_MAX, Math.max(1 / BENCH_RATIO_MAX, bench / own));
    return (promised * (RATE_KNOWN_AFTER - count) + seen * count) / RATE_KNOWN_AFTER;
  }

  /** Must be called after every change of a worker's leases: nothing else counts them. */
  recount(worker: WorkerBook): void {
    let [slots, free, ahead] = [0, 0, 0];
    for (const lease of worker.leases.values()) {
      slots += lease.slots;
      free += freeOf(lease);
      if (lease.slots <= lease.keep)
        ahead += Math.max(0, lease.slots + lease.ahead - Math.max(lease.used, lease.slots));
    }
    this.slots += slots - worker.counted.slots;
    this.free += free - worker.counted.free;
    worker.counted = { slots, free, ahead };
    put(this.holding, worker, slots > 0);
    if (free > 0 && !this.open.has(worker)) this.fastest.later.add(worker);
    put(this.open, worker, free > 0);
    put(this.takingAhead, worker, ahead > 0);
  }

  #holdHere(reason: LocalReason, change: 1 | -1): void {
    this.hereUsed += change;
    if (reason === 'own-slot') this.ownUsed += change;
    assert(this.hereUsed >= 0 && this.ownUsed >= 0, 'more local ends than starts');
  }

  #count(task: Task, change: 1 | -1): void {
    const at = task.place.at;
    const taskClass = task.spec.class;
    if (taskClass === null || (at !== 'waiting' && at !== 'away')) return;
    // With leases in hand the farm is known.
    if (change > 0 && this.demand === 0 && this.slots === 0) this.startedAt = this.now;
    this.demand += change;
    const build = this.build(task.spec.build);
    const entry = build.classes.get(taskClass.id) ?? { class: taskClass, count: 0 };
    entry.count += change;
    build.classes.set(taskClass.id, entry);
    build.demand += change;
    build.peak = Math.max(build.peak, build.demand);
  }
}
