// One run as figures, and the figures of several seeds as medians with their spread.
import { sampleInfo } from '../src/core/testing/samples.ts';
import { boundMs } from './bounds.ts';
import { runBaseline } from './baselines/index.ts';
import type { Baseline } from './baselines/index.ts';
import { runTender } from './tender.ts';
import type { Outcome, Scenario } from './types.ts';

export type Scheduler = 'tender' | Baseline;

export interface Sample {
  readonly scheduler: Scheduler;
  readonly seed: number;
  readonly makespanMs: number;
  readonly boundMs: number;
  /** Makespan over the clairvoyant bound. */
  readonly ratio: number;
  /** Each receiver of a multicast counted. */
  readonly messagesPerTask: number;
  /** A multicast counted once. */
  readonly sendsPerTask: number;
  /** The most that one announcement drew. */
  readonly offersMost: number;
  readonly awardP50: number;
  readonly awardP90: number;
  /** Machine time of copies that lost, and of all work that came to nothing, over all machine time. */
  readonly hedgeWaste: number;
  readonly waste: number;
  readonly silenceMs: number;
  readonly failures: number;
}

/** The delegator's own machine: the reference, whose bench score machines' scores are multiples of. */
const OWN = sampleInfo({ bench: 1000 });

/** Runs the scenario once; equal arguments give equal samples. */
export function measure(scheduler: Scheduler, scenario: Scenario): Sample {
  const outcome =
    scheduler === 'tender' ? runTender(scenario, { delegator: { own: OWN } }) : runBaseline(scheduler, scenario);
  return sampleOf(scheduler, scenario, outcome);
}

function sampleOf(scheduler: Scheduler, scenario: Scenario, outcome: Outcome): Sample {
  const tasks = scenario.builds.reduce((sum, build) => sum + build.tasks.length, 0);
  const bound = boundMs(scenario);
  return {
    scheduler,
    seed: scenario.seed,
    makespanMs: Math.round(outcome.makespanMs),
    boundMs: Math.round(bound),
    ratio: outcome.makespanMs / bound,
    messagesPerTask: outcome.messages / tasks,
    sendsPerTask: outcome.sends / tasks,
    offersMost: Math.max(0, ...outcome.offersPerAnnouncement),
    awardP50: quantile(outcome.awardRoundTrips, 0.5),
    awardP90: quantile(outcome.awardRoundTrips, 0.9),
    hedgeWaste: outcome.hedgeWaste ?? 0,
    waste: outcome.waste,
    silenceMs: Math.round(Math.max(0, ...outcome.builds.map((build) => build.longestSilenceMs))),
    failures: outcome.failures,
  };
}

/** The value below which that share of them lies, by straight lines between them; 0 of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const below = sorted[Math.floor(at)] ?? 0;
  const above = sorted[Math.ceil(at)] ?? below;
  return below + (above - below) * (at - Math.floor(at));
}

export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export function spreadOf(values: readonly number[]): Spread {
  return { median: quantile(values, 0.5), least: Math.min(...values), most: Math.max(...values) };
}
