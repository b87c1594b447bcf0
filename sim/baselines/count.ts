// What a run of one of the other schedulers is counted by, in the words of an outcome.
import type { Outcome, Scenario } from '../types.ts';
import type { Job } from './farm.ts';

export class Count {
  readonly #scenario: Scenario;
  readonly #scheduler: string;
  readonly #builds: { remote: number; local: number; endedAt: number; longestSilenceMs: number }[];
  readonly #awardRoundTrips: number[] = [];
  readonly #began = new Set<Job>();
  #allMs = 0;
  #usedMs = 0;
  messages = 0;
  /** Tasks submitted of which no machine has begun. */
  waiting = 0;
  failures = 0;
  /** Tasks that have not ended. */
  open: number;

  constructor(scenario: Scenario, scheduler: string) {
    this.#scenario = scenario;
    this.#scheduler = scheduler;
    this.open = scenario.builds.reduce((sum, build) => sum + build.tasks.length, 0);
    this.#builds = scenario.builds.map((build) => ({
      remote: 0,
      local: 0,
      endedAt: build.startsAtMs,
      longestSilenceMs: 0,
    }));
  }

  began(job: Job, at: number, roundTripMs: number): void {
    if (this.#began.has(job)) return;
    this.#began.add(job);
    this.waiting -= 1;
    if (job.slotWasFree && roundTripMs > 0) this.#awardRoundTrips.push((at - job.submittedAt) / roundTripMs);
  }

  ran(ms: number, used: boolean): void {
    this.#allMs += ms;
    if (used) this.#usedMs += ms;
  }

  ended(index: number, isLocal: boolean, at: number): void {
    const build = this.#builds[index];
    if (build === undefined) return;
    build[isLocal ? 'local' : 'remote'] += 1;
    build.longestSilenceMs = Math.max(build.longestSilenceMs, at - build.endedAt);
    build.endedAt = at;
    this.open -= 1;
  }

  outcome(): Outcome {
    const waste = this.#allMs === 0 ? 0 : 1 - this.#usedMs / this.#allMs;
    return {
      scenario: this.#scenario.name,
      seed: this.#scenario.seed,
      scheduler: this.#scheduler,
      builds: this.#builds.map(({ remote, local, endedAt, longestSilenceMs }, i) => ({
        delegator: this.#scenario.builds[i]?.delegator ?? '',
        makespanMs: endedAt - (this.#scenario.builds[i]?.startsAtMs ?? 0),
        tasks: this.#scenario.builds[i]?.tasks.length ?? 0,
        remote,
        local,
        longestSilenceMs,
      })),
      makespanMs: Math.max(0, ...this.#builds.map((build) => build.endedAt)),
      messages: this.messages,
      messagesByKind: {},
      sends: this.messages,
      announcements: 0,
      offers: 0,
      offersPerAnnouncement: [],
      awardRoundTrips: this.#awardRoundTrips,
      waste,
      hedgeWaste: 0,
      hedges: 0,
      failures: this.failures,
      checkedSteps: 0,
    };
  }
}
