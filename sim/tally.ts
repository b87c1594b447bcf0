// What one run is told of: builds, messages, machine time. The nodes report here what they do; the outcome is read from it.
import type { BuildPlan, Outcome, Scenario } from './types.ts';

export type MessageKind =
  | 'announcement'
  | 'offer'
  | 'withdraw'
  | 'heartbeat'
  | 'echo'
  | 'started'
  | 'result'
  | 'failed'
  | 'returning'
  | 'award'
  | 'release'
  | 'cancel';

interface BuildCount {
  readonly plan: BuildPlan;
  remote: number;
  local: number;
  cancelled: number;
  endedAt: number;
  longestSilenceMs: number;
}

interface Waiting {
  readonly submittedAt: number;
  /** A slot was free somewhere for it when it was submitted. */
  readonly slotWasFree: boolean;
}

interface Run {
  readonly task: string;
  readonly sinceMs: number;
  /** Machine time; null while it runs. */
  ranMs: number | null;
  /** It ended by itself, or as a copy that was no longer wanted: not by a fault or an owner. */
  healthy: boolean;
  used: boolean;
}

export class Tally {
  readonly #builds: BuildCount[];
  readonly #messages = new Map<MessageKind, number>();
  readonly #waiting = new Map<string, Waiting>();
  readonly #runs = new Map<string, Run>();
  readonly #deliveredTasks = new Set<string>();
  readonly #offersOf: number[] = [];
  readonly #awardRoundTrips: number[] = [];
  #sends = 0;
  #announcements = 0;
  #offers = 0;
  #hedges = 0;
  #failures = 0;
  /** Slots of machines that are there and run nothing. */
  freeSlots = 0;
  steps = 0;
  open = 0;
  /** Of any task. */
  lastEndAt = 0;

  constructor(scenario: Scenario) {
    this.#builds = scenario.builds.map((plan) => ({
      plan,
      remote: 0,
      local: 0,
      cancelled: 0,
      endedAt: plan.startsAtMs,
      longestSilenceMs: 0,
    }));
    this.open = scenario.builds.reduce((sum, build) => sum + build.tasks.length, 0);
  }

  /** A message on a session. */
  sent(kind: MessageKind): void {
    this.#count(kind, 1);
    this.#sends += 1;
  }

  /** The announcement's number, under which its offers are counted. */
  announced(): number {
    this.#sends += 1;
    this.#announcements += 1;
    return this.#offersOf.push(0) - 1;
  }

  /** So many machines are reached by one announcement. */
  reached(receivers: number): void {
    this.#count('announcement', receivers);
  }

  /** `isNew`: the first word of this lease; `announcement`: the one that the machine heard last. */
  offered(isNew: boolean, announcement: number): void {
    this.sent('offer');
    this.#offers += 1;
    if (isNew) this.#offersOf[announcement] = (this.#offersOf[announcement] ?? 0) + 1;
  }

  submitted(task: string, at: number): void {
    this.#waiting.set(task, { submittedAt: at, slotWasFree: this.freeSlots > this.#waiting.size });
  }

  /** A machine has taken the task in hand. */
  began(attempt: string, task: string, at: number, roundTripMs: number): void {
    this.#runs.set(attempt, { task, sinceMs: at, ranMs: null, healthy: true, used: false });
    const waiting = this.#waiting.get(task);
    if (waiting === undefined) return;
    this.#waiting.delete(task);
    if (waiting.slotWasFree && roundTripMs > 0) this.#awardRoundTrips.push((at - waiting.submittedAt) / roundTripMs);
  }

  /** The attempt no longer runs; `healthy`: by itself or because it was no longer wanted, not by a fault or an owner. */
  stopped(attempt: string, at: number, healthy: boolean): void {
    const run = this.#runs.get(attempt);
    if (run === undefined) return;
    run.ranMs = at - run.sinceMs;
    run.healthy = healthy;
  }

  delivered(attempt: string): void {
    const run = this.#runs.get(attempt);
    if (run === undefined) return;
    run.used = true;
    this.#deliveredTasks.add(run.task);
  }

  hedged(): void {
    this.#hedges += 1;
  }

  failed(): void {
    this.#failures += 1;
  }

  ended(build: number, task: string, how: 'remote' | 'local' | 'cancelled', at: number): void {
    const count = this.#builds[build];
    if (count === undefined) return;
    this.#waiting.delete(task);
    count[how] += 1;
    count.longestSilenceMs = Math.max(count.longestSilenceMs, at - count.endedAt);
    count.endedAt = at;
    this.open -= 1;
    this.lastEndAt = at;
  }

  /** Tasks that nobody will ever end: their delegator has died. */
  abandoned(tasks: number): void {
    this.open -= tasks;
  }

  #count(kind: MessageKind, messages: number): void {
    this.#messages.set(kind, (this.#messages.get(kind) ?? 0) + messages);
  }

  outcome(scenario: Scenario): Outcome {
    const messagesByKind = Object.fromEntries(this.#messages);
    let allMs = 0;
    let unusedMs = 0;
    let lostRacesMs = 0;
    for (const run of this.#runs.values()) {
      // The last losers are still to hear of it when the last build has ended.
      const ranMs = run.ranMs ?? this.lastEndAt - run.sinceMs;
      allMs += ranMs;
      if (run.used) continue;
      unusedMs += ranMs;
      if (run.healthy && this.#deliveredTasks.has(run.task)) lostRacesMs += ranMs;
    }
    const builds = this.#builds.map(({ plan, remote, local, endedAt, longestSilenceMs }) => ({
      delegator: plan.delegator,
      makespanMs: endedAt - plan.startsAtMs,
      tasks: plan.tasks.length,
      remote,
      local,
      longestSilenceMs,
    }));
    return {
      scenario: scenario.name,
      seed: scenario.seed,
      scheduler: 'tender',
      builds,
      makespanMs: Math.max(0, ...this.#builds.map((build) => build.endedAt)),
      messages: [...this.#messages.values()].reduce((sum, count) => sum + count, 0),
      messagesByKind,
      sends: this.#sends,
      announcements: this.#announcements,
      offers: this.#offers,
      offersPerAnnouncement: this.#offersOf,
      awardRoundTrips: this.#awardRoundTrips,
      waste: allMs === 0 ? 0 : unusedMs / allMs,
      hedgeWaste: allMs === 0 ? 0 : lostRacesMs / allMs,
      hedges: this.#hedges,
      failures: this.#failures,
      checkedSteps: this.steps,
    };
  }
}
