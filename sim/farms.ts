// Machines of a seed: speeds, slots, owners who come and go, crashes and gray times.
import { exponential, logUniform, pick, streamOf, uniform } from './random.ts';
import type { MachinePlan, NetworkPlan, Span } from './types.ts';

/** What befalls the machines of a farm; shares are of its machines. */
export interface Faults {
  /** Machines with an owner, who is there for so long and away for so long (means of exponential times). */
  readonly ownedShare: number;
  readonly ownerThereMs: number;
  readonly ownerAwayMs: number;
  /** Machines that crash once or more: the mean time between, and how long they are gone. */
  readonly crashShare: number;
  readonly crashEveryMs: number;
  readonly crashedMs: number;
  /** Machines that turn gray: for how long, how long between, and how many times slower. */
  readonly grayShare: number;
  readonly grayEveryMs: number;
  readonly grayMs: number;
  readonly graySlowdown: readonly [number, number];
  /** Of every attempt on every machine, and on the few with a bad disk. */
  readonly failureProbability: number;
  readonly badShare: number;
  readonly badFailureProbability: number;
}

/** A lively office: within a build of half a minute some owners come back, some leave, and a few machines crash or drag. */
export const OFFICE_FAULTS: Faults = {
  ownedShare: 0.6,
  ownerThereMs: 180_000,
  ownerAwayMs: 300_000,
  crashShare: 0.1,
  crashEveryMs: 60_000,
  crashedMs: 30_000,
  grayShare: 0.1,
  grayEveryMs: 60_000,
  grayMs: 60_000,
  graySlowdown: [3, 10],
  failureProbability: 0.001,
  badShare: 0.02,
  badFailureProbability: 0.1,
};

export const NO_FAULTS: Faults = {
  ...OFFICE_FAULTS,
  ownedShare: 0,
  crashShare: 0,
  grayShare: 0,
  failureProbability: 0,
  badShare: 0,
};

/** One Gbit/s a machine, a third of a millisecond from desk to desk, another site 30 ms away. */
export const LAN: NetworkPlan = {
  latencyMs: 0.3,
  farLatencyMs: 30,
  jitter: 0.2,
  loss: 0,
  duplication: 0,
  reordering: 0,
  partitions: [],
  bytesPerMs: 125_000,
};

/** Owners and faults are drawn up to here; later all is quiet. */
const DRAWN_MS = 900_000;
/** What holds when the world begins has held for so long: no grace is left of it. */
const LONG_BEFORE_MS = 3_600_000;
const SLOTS = [2, 4, 4, 6, 8, 8, 12, 16] as const;
const GIB = 2 ** 30;

export function farm(seed: number, count: number, faults: Faults, farShare: number): MachinePlan[] {
  const hardware = streamOf(seed, 'hardware');
  const owners = streamOf(seed, 'owners');
  const crashes = streamOf(seed, 'crashes');
  const gray = streamOf(seed, 'gray');
  const far = streamOf(seed, 'far');
  return Array.from({ length: count }, (_, i): MachinePlan => {
    const slots = pick(hardware, SLOTS);
    const speed = logUniform(hardware, 1, 4);
    const isOwned = owners() < faults.ownedShare;
    const crashing = crashes() < faults.crashShare;
    const bad = crashes() < faults.badShare;
    const dragging = gray() < faults.grayShare;
    const [least, most] = faults.graySlowdown;
    return {
      id: `m${i}`,
      speed,
      slots,
      cores: slots,
      memBytes: 2 * GIB * slots,
      site: far() < farShare ? 1 : 0,
      diskMs: 0,
      skewPpm: Math.round(uniform(hardware, -50, 50)),
      ownerThere: isOwned ? spans(owners, faults.ownerAwayMs, faults.ownerThereMs) : [],
      crashes: crashing ? spans(crashes, faults.crashEveryMs, faults.crashedMs, false) : [],
      freezes: [],
      gray: dragging
        ? spans(gray, faults.grayEveryMs, faults.grayMs).map((span) => ({
            ...span,
            slowdown: uniform(gray, least, most),
          }))
        : [],
      failureProbability: bad ? faults.badFailureProbability : faults.failureProbability,
    };
  });
}

export function slotsOf(machines: readonly MachinePlan[]): number {
  return machines.reduce((sum, machine) => sum + machine.slots, 0);
}

/** Times of something that comes and goes, with exponential lengths; it may hold already when the world begins. */
function spans(random: () => number, betweenMs: number, lastsMs: number, fromStart = true): Span[] {
  const found: Span[] = [];
  let at = 0;
  if (fromStart && random() < lastsMs / (lastsMs + betweenMs)) {
    at = exponential(random, lastsMs);
    found.push({ fromMs: -LONG_BEFORE_MS, untilMs: at });
  }
  for (;;) {
    const fromMs = at + exponential(random, betweenMs);
    if (fromMs > DRAWN_MS) return found;
    at = fromMs + exponential(random, lastsMs);
    found.push({ fromMs, untilMs: at });
  }
}
