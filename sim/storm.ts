// Small worlds in bad weather, each decided by its seed: a few machines and delegators, and everything that can go wrong.
// They are made to find bugs, not figures: whatever happens in them, the six invariants of protocol.md must hold.
import type { Prng } from '../src/base/prng.ts';
import { GIB } from '../src/core/testing/samples.ts';
import { exponential, pick, streamOf, uniform } from './random.ts';
import type {
  BuildPlan,
  DelegatorPlan,
  Incident,
  MachinePlan,
  NetworkPlan,
  Scenario,
  Span,
  TaskPlan,
} from './types.ts';

const STORM_MS = 40_000;
const INCIDENTS: readonly Incident['what'][] = [
  'session-breaks',
  'stranger-at-machine',
  'stranger-at-delegator',
  'liar',
];
const NEEDS: readonly NonNullable<TaskPlan['needs']>[] = ['any', 'criteria', 'toolchain'];

/** The storm of a seed; with so many machines in place of those that the seed decides, if given. */
export function stormOf(seed: number, count?: number): Scenario {
  const size = streamOf(seed, 'size');
  const sites = 1 + Math.floor(size() * 2);
  // Mostly few, where everything meets everything; now and then so many that not all are asked.
  const drawn = size() < 0.05 ? 10 + Math.floor(size() * 40) : 1 + Math.floor(size() * 6);
  const machines = count ?? drawn;
  const delegators = 1 + Math.floor(size() * 3);
  /** Mean time between faults of one kind anywhere. */
  const everyMs = pick(size, [Infinity, 20_000, 8000, 3000]);
  const vanishAt = size() < 0.1 ? STORM_MS / 2 : Infinity;
  const delegatorPlans = Array.from({ length: delegators }, (_, i) =>
    delegatorOf(`d${i}`, streamOf(seed, `delegator ${i}`), sites, everyMs),
  );
  return {
    name: 'storm',
    seed,
    machines: Array.from({ length: machines }, (_, i) =>
      machineOf(`w${i}`, streamOf(seed, `machine ${i}`), sites, (everyMs * machines) / 2, vanishAt),
    ),
    delegators: delegatorPlans,
    builds: delegatorPlans.flatMap(({ id }) => buildsOf(id, streamOf(seed, `builds ${id}`))),
    network: networkOf(streamOf(seed, 'network'), sites),
    incidents: incidentsOf(streamOf(seed, 'incidents'), everyMs),
  };
}

function machineOf(id: string, random: Prng, sites: number, everyMs: number, vanishAt: number): MachinePlan {
  const slots = 1 + Math.floor(random() * 6);
  const crashes = spansOf(random, everyMs, 500, 20_000);
  const isGray = random() < 0.2;
  return {
    id,
    speed: uniform(random, 0.3, 3),
    slots,
    cores: slots,
    memBytes: 12 * GIB,
    site: Math.floor(random() * sites),
    diskMs: random() < 0.3 ? uniform(random, 20, 1500) : uniform(random, 0, 20),
    skewPpm: random() < 0.5 ? 0 : uniform(random, -20_000, 20_000),
    ownerThere: spansOf(random, everyMs, 500, 20_000),
    graceMs: random() < 0.5 ? uniform(random, 0, 3000) : 10_000,
    crashes: vanishAt < Infinity ? endingWith(crashes, vanishAt) : crashes,
    freezes: spansOf(random, everyMs, 500, 20_000),
    gray: isGray ? [{ fromMs: uniform(random, 0, STORM_MS), untilMs: Infinity, slowdown: uniform(random, 5, 20) }] : [],
    failureProbability: 0.05,
    hangProbability: 0.004,
    otherToolchain: random() < 0.2,
    reportsKilled: random() < 0.7,
    ownBuilds: spansOf(random, 20_000, 500, 10_000).map((span) => ({
      ...span,
      running: 1 + Math.floor(random() * (slots + 1)),
    })),
    otherWork: spansOf(random, 10_000, 1000, 8000).map((span) => ({
      ...span,
      load: random() < 0.5 ? 3 : uniform(random, 0, 1.5),
      memFreeBytes: GIB / 2 + uniform(random, 0.2, 8) * (GIB / 2),
    })),
  };
}

function delegatorOf(id: string, random: Prng, sites: number, everyMs: number): DelegatorPlan {
  const ownSlots = random() < 0.5 ? 1 : 0;
  return {
    id,
    site: Math.floor(random() * sites),
    ownSlots,
    hereSlots: 1 + Math.floor(random() * 3),
    skewPpm: random() < 0.5 ? 0 : uniform(random, -20_000, 20_000),
    policy: pick(random, ['first', 'info', 'record', 'finish', 'finish']),
    nobodyAfterMs: pick(random, [50, 1000, 10_000]),
    maxWaiting: random() < 0.3 ? 10 : 1000,
    knowsListeners: random() < 0.3,
    freezes: spansOf(random, 2 * everyMs, 500, 12_000),
    ...(random() < 0.1 ? { diesAtMs: uniform(random, 0, STORM_MS) } : {}),
  };
}

function buildsOf(delegator: string, random: Prng): BuildPlan[] {
  const builds = 1 + Math.floor(random() * 3);
  return Array.from({ length: builds }, () => ({
    delegator,
    startsAtMs: uniform(random, 0, STORM_MS / 2),
    jobs: pick(random, [2, 8, 24, 200]),
    tasks: Array.from({ length: 5 + Math.floor(random() * 40) }, (_, i) => taskOf(`t${i}`, random)),
  }));
}

function taskOf(id: string, random: Prng): TaskPlan {
  const kind = random();
  const workMs = uniform(random, 50, 6000) * (random() < 0.03 ? 10 : 1);
  return {
    id,
    label: `${id}.cc`,
    workMs,
    predictedP80Ms: random() < 0.3 ? null : Math.round(workMs * uniform(random, 0.3, 3)),
    bytes: Math.round(uniform(random, 1000, 200_000)),
    memBytes: random() < 0.02 ? 2 ** 50 : GIB / 4,
    needs: kind < 0.1 ? 'to-stay' : kind < 0.15 ? 'nobody-has' : pick(random, NEEDS),
    exitCode: random() < 0.1 ? 1 : 0,
    ...(random() < 0.1 ? { cancelAfterMs: uniform(random, 0, 10_000) } : {}),
  };
}

function networkOf(random: Prng, sites: number): NetworkPlan {
  const isBad = random() < 0.3;
  return {
    latencyMs: uniform(random, 0.2, 5),
    farLatencyMs: uniform(random, 5, 60),
    jitter: uniform(random, 0, 0.9),
    loss: isBad ? 0.4 : 0.05,
    duplication: 0.1,
    reordering: 0.1,
    partitions: sites > 1 ? spansOf(random, 15_000, 200, 25_000).map((span) => ({ ...span, sites: [1] })) : [],
    toldWithinMs: 3000,
    connectFailure: 0.05,
    bytesPerMs: random() < 0.5 ? 0 : uniform(random, 1000, 100_000),
  };
}

function incidentsOf(random: Prng, everyMs: number): Incident[] {
  return INCIDENTS.flatMap((what) => timesOf(random, everyMs).map((atMs) => ({ atMs, what })));
}

/** Spans that do not overlap and begin within the storm. */
function spansOf(random: Prng, everyMs: number, shortestMs: number, longestMs: number): Span[] {
  const spans: Span[] = [];
  for (const fromMs of timesOf(random, everyMs)) {
    if (fromMs < (spans.at(-1)?.untilMs ?? 0)) continue;
    spans.push({ fromMs, untilMs: fromMs + uniform(random, shortestMs, longestMs) });
  }
  return spans;
}

/** A Poisson process: times within the storm, in order. */
function timesOf(random: Prng, everyMs: number): number[] {
  const times: number[] = [];
  if (everyMs === Infinity) return times;
  for (let at = 0; ;) {
    at += exponential(random, everyMs);
    if (at >= STORM_MS) return times;
    times.push(at);
  }
}

/** Gone for good at `at`, whatever was planned. */
function endingWith(crashes: readonly Span[], at: number): Span[] {
  const before = crashes.filter((span) => span.untilMs < at);
  return [...before, { fromMs: at, untilMs: Infinity }];
}
