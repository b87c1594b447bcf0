// The world of the other schedulers: clients, machines that queue what comes when their slots are taken, and the same network and
// faults as Tender's. What differs between schedulers is only who picks the machine, what is known then, and how long is waited.
import { courseOf, isFree, spanAt } from '../availability.ts';
import type { Course } from '../availability.ts';
import { ownMachine } from '../bounds.ts';
import { VirtualClock } from '../clock.ts';
import { isWithin } from '../pace.ts';
import { streamOf } from '../random.ts';
import type { DelegatorPlan, MachinePlan, Scenario, TaskPlan } from '../types.ts';
import { Count } from './count.ts';

/** What a client learns of an attempt. `refused`: nobody listens there, or the owner is there. */
export type Ending = 'done' | 'refused' | 'lost' | 'failed' | 'evicted' | 'timed-out';

export interface Job {
  readonly task: TaskPlan;
  readonly client: Client;
  readonly submittedAt: number;
  readonly slotWasFree: boolean;
  /** For a scheduler that counts them. */
  failures: number;
}

export interface Client {
  readonly index: number;
  readonly plan: DelegatorPlan;
  /** Its own slots, which never fail. */
  readonly own: Host;
}

export interface Attempt {
  readonly job: Job;
  readonly host: Host;
  /** The client has heard how it ended, or waits no longer. */
  settled: boolean;
}

/** A machine and its daemon: `slots` commands at a time, the rest in order of arrival. */
export interface Host {
  readonly index: number;
  readonly machine: MachinePlan;
  running: number;
  queue: Attempt[];
}

/** An ordered connection, one way. */
export interface Stream {
  arrivedAt: number;
}

/** A way of scheduling: told of what clients see, it calls `Farm.send` and `Farm.finish`. */
export interface Scheduler {
  readonly name: string;
  /** Once, before anything else. */
  begin(farm: Farm): void;
  submitted(job: Job): void;
  /** The job has not ended unless `how` is `done`; a later result of a timed-out attempt is never told. */
  settled(attempt: Attempt, how: Ending): void;
}

export class Farm {
  readonly clock = new VirtualClock();
  readonly scenario: Scenario;
  readonly hosts: readonly Host[];
  readonly clients: readonly Client[];
  readonly count: Count;
  readonly random: () => number;
  readonly #scheduler: Scheduler;
  readonly #jitter: () => number;
  readonly #failures: () => number;
  readonly #next: number[];

  constructor(scenario: Scenario, scheduler: Scheduler) {
    this.scenario = scenario;
    this.count = new Count(scenario, scheduler.name);
    this.#scheduler = scheduler;
    this.random = streamOf(scenario.seed, `choices ${scheduler.name}`);
    this.#jitter = streamOf(scenario.seed, 'jitter');
    this.#failures = streamOf(scenario.seed, 'failures');
    this.hosts = scenario.machines.map((machine, index) => ({ index, machine, running: 0, queue: [] }));
    this.clients = scenario.delegators.map((plan, index) => ({
      index,
      plan,
      own: { index: -1, machine: ownMachine(plan.id, plan.site, plan.ownSlots), running: 0, queue: [] },
    }));
    this.#next = scenario.builds.map(() => 0);
  }

  get now(): number {
    return this.clock.now;
  }

  /** Runs all builds to their end. */
  run(): void {
    this.#scheduler.begin(this);
    for (const [i, build] of this.scenario.builds.entries()) {
      this.at(build.startsAtMs, () => {
        for (let job = 0; job < build.jobs; job++) this.#submitNext(i);
      });
    }
    while (this.count.open > 0) if (!this.clock.advance(Infinity)) throw new Error('a job waits for nothing');
  }

  at(ms: number, run: () => void): void {
    this.clock.at(ms, { happen: run }, null);
  }

  after(ms: number, run: () => void): void {
    this.at(this.now + ms, run);
  }

  /** One message, there after the latency between the sites; on a stream not before what was sent on it earlier. */
  message(fromSite: number, toSite: number, arrive: () => void, stream?: Stream): void {
    this.count.messages += 1;
    const at = Math.max(stream?.arrivedAt ?? 0, this.now + this.latencyMs(fromSite, toSite));
    if (stream !== undefined) stream.arrivedAt = at;
    this.at(at, arrive);
  }

  latencyMs(site: number, other: number): number {
    const { latencyMs, farLatencyMs, jitter } = this.scenario.network;
    return (site === other ? latencyMs : farLatencyMs) * (1 + jitter * (2 * this.#jitter() - 1));
  }

  /** Sends a job to a machine, or runs it on the client's own slots; `settled` tells how it went, at the latest after the time-out. */
  send(job: Job, host: Host, timeoutMs: number): Attempt {
    const attempt: Attempt = { job, host, settled: false };
    if (host === job.client.own) {
      this.#arrive(attempt);
      return attempt;
    }
    const { site } = job.client.plan;
    const bytesMs = this.scenario.network.bytesPerMs > 0 ? job.task.bytes / this.scenario.network.bytesPerMs : 0;
    this.count.messages += 1;
    this.after(bytesMs + this.latencyMs(site, host.machine.site), () => this.#arrive(attempt));
    if (timeoutMs !== Infinity) this.after(timeoutMs, () => this.#settle(attempt, 'timed-out'));
    return attempt;
  }

  /** The job's result is here. */
  finish(job: Job, isLocal: boolean): void {
    const build = this.scenario.builds.findIndex(({ delegator }) => delegator === job.client.plan.id);
    this.count.ended(build, isLocal, this.now);
    this.#submitNext(build);
  }

  #submitNext(build: number): void {
    const plan = this.scenario.builds[build];
    const task = plan?.tasks[this.#next[build] ?? 0];
    const client = this.clients.find((one) => one.plan.id === plan?.delegator);
    if (task === undefined || client === undefined) return;
    this.#next[build] = (this.#next[build] ?? 0) + 1;
    const job = { task, client, submittedAt: this.now, slotWasFree: this.#isSlotFree(), failures: 0 };
    this.count.waiting += 1;
    this.#scheduler.submitted(job);
  }

  /** Whether more slots are free somewhere than tasks wait for one or are on their way. */
  #isSlotFree(): boolean {
    let free = -this.count.waiting;
    for (const host of this.hosts) {
      if (host.running < host.machine.slots && isFree(host.machine, this.now))
        free += host.machine.slots - host.running;
      if (free > 0) return true;
    }
    return false;
  }

  #arrive(attempt: Attempt): void {
    const { host } = attempt;
    const freeze = spanAt(host.machine.freezes, this.now);
    // Its kernel takes the connection; nobody reads before it thaws.
    if (freeze !== null) return this.clock.at(freeze.untilMs, { happen: () => this.#arrive(attempt) }, null);
    if (!isFree(host.machine, this.now)) return this.#answer(attempt, 'refused');
    host.queue.push(attempt);
    this.#startNext(host);
  }

  #startNext(host: Host): void {
    while (host.running < host.machine.slots) {
      const attempt = host.queue.shift();
      if (attempt === undefined) return;
      if (!isFree(host.machine, this.now)) this.#answer(attempt, 'refused');
      else if (!attempt.settled) this.#start(attempt);
    }
  }

  #start(attempt: Attempt): void {
    const { job, host } = attempt;
    const startedAt = this.now;
    host.running += 1;
    this.count.began(job, startedAt, 2 * this.#wayMs(attempt));
    const fails = this.#failures() < host.machine.failureProbability;
    const course: Course = courseOf(host.machine, startedAt, job.task.workMs * (fails ? this.#failures() : 1));
    if (course.how === 'never') return;
    this.at(course.atMs, () => {
      host.running -= 1;
      const how = course.how === 'done' ? (fails ? 'failed' : 'done') : course.how === 'crashed' ? 'lost' : 'evicted';
      this.count.ran(course.atMs - startedAt, how === 'done' && !attempt.settled);
      this.#answer(attempt, how);
      if (how === 'lost') for (const queued of host.queue.splice(0)) this.#answer(queued, 'lost');
      this.#startNext(host);
    });
  }

  #wayMs({ job, host }: Attempt): number {
    const { latencyMs, farLatencyMs } = this.scenario.network;
    if (host === job.client.own) return 0;
    return job.client.plan.site === host.machine.site ? latencyMs : farLatencyMs;
  }

  /** The result, or that the connection broke, on its way back. */
  #answer(attempt: Attempt, how: Ending): void {
    const { job, host } = attempt;
    if (attempt.settled) return;
    if (host === job.client.own) return this.#settle(attempt, how);
    this.message(host.machine.site, job.client.plan.site, () => this.#settle(attempt, how));
  }

  #settle(attempt: Attempt, how: Ending): void {
    if (attempt.settled) return;
    attempt.settled = true;
    if (how !== 'done') this.count.failures += 1;
    this.#scheduler.settled(attempt, how);
  }

  /** Whether the machine would take a task now. */
  takes(host: Host): boolean {
    return isFree(host.machine, this.now);
  }

  /** Whether the machine would answer a question now. */
  answers(host: Host): boolean {
    return !isWithin(host.machine.crashes, this.now) && !isWithin(host.machine.freezes, this.now);
  }
}
