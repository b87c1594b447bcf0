// The clairvoyant lower bound: no schedule, even one that knows every duration, owner and fault beforehand, ends a scenario sooner.
// The largest of three, for the builds that start at s or later, with the work w1 ≥ w2 ≥ … and L(m) the least one-way latency to m:
//   area     the least T with  Σ_m slots(m) · ∫ from s + L(m) to T − L(m) of rate(m, t) dt  ≥  Σ w
//   top k    s + 2 · min L + Σ of the k longest works / Σ of the k highest slot rates (k tasks never use more than k slots)
//   longest  the earliest end of w1 over every machine and every moment at which that machine becomes free
// rate is 0 while a machine is down or frozen, or its owner is there longer than the grace; a gray one's is divided by its slowdown.
import { GRACE_MS, courseOf, isFree, spanAt } from './availability.ts';
import { isWithin } from './pace.ts';
import type { BuildPlan, MachinePlan, Scenario } from './types.ts';

/** A machine as the bound sees it: how far it is from the nearest delegator, one way. */
interface Reach {
  readonly machine: MachinePlan;
  readonly latencyMs: number;
}

/** The earliest moment at which all builds of the scenario can have ended. */
export function boundMs(scenario: Scenario): number {
  const reaches = reachesOf(scenario);
  let bound = 0;
  for (const startMs of new Set(scenario.builds.map((build) => build.startsAtMs))) {
    const builds = scenario.builds.filter((build) => build.startsAtMs >= startMs);
    bound = Math.max(bound, endOf(reaches, startMs, builds));
  }
  return bound;
}

/** From one build's start to the earliest end it could have if the whole farm were its own. */
export function buildBoundMs(scenario: Scenario, build: BuildPlan): number {
  return endOf(reachesOf(scenario), build.startsAtMs, [build]) - build.startsAtMs;
}

function endOf(reaches: readonly Reach[], startMs: number, builds: readonly BuildPlan[]): number {
  const works = builds.flatMap((build) => build.tasks.map((task) => task.workMs)).sort((a, b) => b - a);
  const longest = works[0];
  if (longest === undefined) return startMs;
  const total = works.reduce((sum, work) => sum + work, 0);
  const longestEnd = earliestEnd(reaches, startMs, longest);
  const area = areaEnd(reaches, startMs, total);
  return Math.max(area, longestEnd, topEnd(reaches, startMs, works, 2 * Math.max(area, longestEnd)));
}

/** The delegators' own slots count as machines without a way; a delegator without any can still run one task at a time. */
function reachesOf(scenario: Scenario): Reach[] {
  const { network, delegators } = scenario;
  const least = 1 - network.jitter;
  const reaches: Reach[] = scenario.machines.map((machine) => {
    const near = delegators.some((delegator) => delegator.site === machine.site);
    return { machine, latencyMs: least * (near ? network.latencyMs : network.farLatencyMs) };
  });
  for (const { id, site, ownSlots } of delegators) {
    reaches.push({ machine: ownMachine(id, site, ownSlots), latencyMs: 0 });
  }
  return reaches;
}

/** A delegator's own slots as a machine of speed 1 that nothing befalls. */
export function ownMachine(id: string, site: number, ownSlots: number): MachinePlan {
  const slots = Math.max(1, ownSlots);
  const untroubled = { ownerThere: [], crashes: [], freezes: [], gray: [], failureProbability: 0 };
  return { id, site, speed: 1, slots, cores: slots, memBytes: 0, diskMs: 0, skewPpm: 0, ...untroubled };
}

/** Work per millisecond on one slot at a moment: what runs may go on through the grace. */
function rateAt(machine: MachinePlan, ms: number): number {
  const owner = spanAt(machine.ownerThere, ms);
  if (owner !== null && ms >= owner.fromMs + GRACE_MS) return 0;
  if (isWithin(machine.crashes, ms) || isWithin(machine.freezes, ms)) return 0;
  let rate = machine.speed;
  for (const span of machine.gray) if (span.fromMs <= ms && ms < span.untilMs) rate /= span.slowdown;
  return rate;
}

/** The next moment after `ms` at which the rate may change, or Infinity. */
function nextEdge(machine: MachinePlan, ms: number): number {
  let at = Infinity;
  const see = (edge: number): void => {
    if (edge > ms && edge < at) at = edge;
  };
  for (const spans of [machine.crashes, machine.freezes, machine.gray, machine.ownerThere]) {
    for (const { fromMs, untilMs } of spans) {
      see(spans === machine.ownerThere ? fromMs + GRACE_MS : fromMs);
      see(untilMs);
    }
  }
  return at;
}

function areaEnd(reaches: readonly Reach[], startMs: number, work: number): number {
  for (let horizonMs = startMs + 60_000; ; horizonMs = startMs + 8 * (horizonMs - startMs)) {
    const end = sweep(reaches, startMs, work, horizonMs);
    if (end !== null) return end;
    if (horizonMs > startMs + 1e10) return Infinity;
  }
}

/** null: not before `horizonMs`, up to which all changes of the farm are looked at. */
function sweep(reaches: readonly Reach[], startMs: number, work: number, horizonMs: number): number | null {
  const changes: { atMs: number; by: number }[] = [];
  for (const { machine, latencyMs } of reaches) {
    let at = startMs + latencyMs;
    let before = 0;
    while (at < horizonMs) {
      const rate = rateAt(machine, at) * machine.slots;
      // What is worked at t counts when its result is home, at t + L.
      if (rate !== before) changes.push({ atMs: at + latencyMs, by: rate - before });
      before = rate;
      at = nextEdge(machine, at);
    }
  }
  changes.sort((a, b) => a.atMs - b.atMs);
  let left = work;
  let rate = 0;
  let now = startMs;
  for (const { atMs, by } of changes) {
    const gain = rate * (atMs - now);
    if (gain >= left) break;
    left -= gain;
    now = atMs;
    rate += by;
  }
  const end = rate > 1e-9 ? now + left / rate : Infinity;
  return end <= horizonMs ? end : null;
}

/** Rates are the highest of each slot up to `horizonMs`: what it finds beyond that is only known to be no sooner than that. */
function topEnd(reaches: readonly Reach[], startMs: number, works: readonly number[], horizonMs: number): number {
  const rates: number[] = [];
  let leastLatency = Infinity;
  for (const { machine, latencyMs } of reaches) {
    leastLatency = Math.min(leastLatency, latencyMs);
    let best = 0;
    for (let at = startMs; at < horizonMs; at = nextEdge(machine, at)) {
      best = Math.max(best, rateAt(machine, at));
    }
    for (let slot = 0; slot < machine.slots && best > 0; slot++) rates.push(best);
  }
  rates.sort((a, b) => b - a);
  let work = 0;
  let rate = 0;
  let most = 0;
  for (const [i, next] of works.entries()) {
    work += next;
    rate += rates[i] ?? 0;
    most = Math.max(most, work / rate);
    if (i >= rates.length) break;
  }
  return Math.min(horizonMs, startMs + 2 * leastLatency + most);
}

/** The earliest end of one task: the sooner it starts in a time in which a machine is free, the sooner it ends. */
function earliestEnd(reaches: readonly Reach[], startMs: number, work: number): number {
  let best = Infinity;
  const soonestFirst = [...reaches].sort((a, b) => b.machine.speed - a.machine.speed);
  for (const { machine, latencyMs } of soonestFirst) {
    for (const from of freeFrom(machine, startMs + latencyMs)) {
      if (from + latencyMs + work / machine.speed >= best) continue;
      const course = courseOf(machine, from, work);
      if (course.how === 'done') best = Math.min(best, course.atMs + latencyMs);
    }
  }
  return best;
}

/** The moments at or after `ms` from which on the machine is free. */
function freeFrom(machine: MachinePlan, ms: number): number[] {
  const froms = [ms];
  for (const spans of [machine.crashes, machine.freezes, machine.ownerThere]) {
    for (const { untilMs } of spans) if (untilMs > ms && untilMs !== Infinity) froms.push(untilMs);
  }
  return froms.filter((from) => isFree(machine, from));
}
