// The delegator's times and bounds, in one place. Each was chosen with the simulator or is protocol.md's.

/** Demand is announced at least so often while it lasts. */
export const ANNOUNCE_EVERY_MS = 2000;
/** Growing demand is announced sooner, but not more often than this: make starts its jobs within milliseconds. */
export const ANNOUNCE_GAP_MS = 25;
/** An announcement is worth answering until two later ones were lost. */
export const ANNOUNCEMENT_EXPIRES_MS = 7000;
export const LINGER_MS = 1000;
/** How often surplus slots are looked for. */
export const SURPLUS_CHECK_MS = 100;
/** More machines should answer: said as soon as this after saying that enough did. */
export const ASK_AGAIN_MS = 100;

/** Where many listen each announcement seeks so few machines; the next one follows as soon as they have answered. */
export const WAVE_OFFERS = 4;
/** Up to so many listeners all may answer at once. */
export const FEW_LISTENERS = 20;
/** Taken for the number of listeners before anything is known of it: too many costs waves, too few a storm. */
export const UNKNOWN_LISTENERS = 1000;
/** Time for answers, the opening of sessions included, before more machines are asked; and how many times more. */
export const WAVE_MS = 50;
export const WAVE_GROWTH = 5;
/**
 * So long better offers may come after the first; a task waits for them up to this share of what it takes,
 * unless it is short, or the only one and not long.
 */
export const FIRST_OFFERS_MS = 1500;
export const FIRST_WAIT_SHARE = 0.05;
export const FIRST_TASKS_MS = 300;
export const FIRST_ALONE_MS = 2000;
export const FIRST_CHECK_MS = 20;
/** Of three that are asked one is wanted (the worker's side of this is in worker/limits.ts). */
export const ANSWERS_PER_WANTED = 3;
/** Slots of a machine of which nothing is known. */
export const USUAL_SLOTS = 4;
/** Round trips are measured at most so often. */
export const ECHO_EVERY_MS = 10_000;
/** «No offer» means three round trips to the nearest machine at least. */
export const NOBODY_ROUND_TRIPS = 3;
/** A class of which tasks wait gets a slot at least once in the time that its longest takes, and this. */
export const CLASS_PATIENCE_MS = 100;
/** Three heartbeats missed. */
export const SILENT_AFTER_MS = 6000;
/** An award that waits in a full pipe is not yet known to its worker. */
export const UNCONFIRMED_AFTER_MS = 15_000;
/** The worker lives but does not name the attempt any more: it has two heartbeats, and a pause between them, to do so. */
export const UNNAMED_AFTER_MS = 10_000;
/** The same when so many heartbeats came without it; those that somebody asked for may come at once. */
export const UNNAMED_TIMES = 2;
export const UNNAMED_MIN_MS = 3000;
/** A worker says when a cancelled attempt has let go of its slot; one that does not say so in this time never will. */
export const CANCELLED_FORGOTTEN_MS = 6000;
/** Leases that were given back whole are remembered for as long as word of them can be on its way. */
export const ENDED_LEASE_MS = 20_000;
export const DEADLINE_MIN_MS = 300_000;
export const DEADLINE_ESTIMATES = 20;

export const FAILURES_MAX = 3;
export const EVICTIONS_MAX = 2;
/** So many refused awards in a row count as one failure: a bound on a quarrel about a lease. */
export const REFUSALS_PER_FAILURE = 5;

/** Time for another worker to offer before a task goes again to the one where it failed. */
export const RETRY_SAME_AFTER_MS = 1000;

export const EXCLUDE_MIN_MS = 10_000;
export const EXCLUDE_MAX_MS = 300_000;
export const STRIKES_MAX = 3;
/** After so long without exclusion the next one is short again. */
export const EXCLUSION_FORGOTTEN_MS = 600_000;
/** A worker that is gone and of which nothing bad is known is forgotten after this. */
export const WORKER_FORGOTTEN_MS = 600_000;

export const HEDGE_CHECK_MS = 250;
export const STRAGGLER_MIN_MS = 2000;
export const STRAGGLER_ESTIMATES = 3;
/** make keeps its -j full while it has work: a build is at its tail when that has stopped for so long, and to such a share. */
export const TAIL_AFTER_MS = 200;
export const TAIL_SHARE = 0.75;
export const HEDGE_GAIN = 0.6;
export const HEDGE_GAIN_LATE = 0.9;
/** Of tasks never seen: which will be long nobody knows, and the first of two ends sooner than either is expected to. */
export const HEDGE_GAIN_UNSEEN = 1.5;
export const HEDGE_BUDGET = 0.05;
/** The same when more slots are idle than tasks run: a small build on a large farm, where copies cost nobody anything. */
export const HEDGE_BUDGET_IDLE = 0.25;

/** Bench scores count until so many results were seen, and never say more than this ratio. */
export const RATE_KNOWN_AFTER = 4;
export const BENCH_RATIO_MAX = 8;

/** A slot that was expected to be free by now may be so a little later: this, or a share of what is gained by it. */
export const HELD_MORE_MS = 100;
export const HELD_MORE_SHARE = 0.25;

/** Durations are lognormal: the 99th percentile is so many times as far from the median as the 80th, in logarithms. */
export const P99_OVER_P80 = 2.764;

/** A task past so many times its estimate, and past this, says that its machine is slow now. */
export const LATE_TIMES = 2;
export const LATE_MIN_MS = 500;
/** Weight of the latest result in how much slower than usual a worker is now. */
export const SLOW_NEW = 0.5;

/** What a task costs beside its running, on a worker of which nothing is known. */
export const OVERHEAD_MS = 10;
export const BYTES_PER_MS = 50_000;

/** A step that comes so much later than asked for means that this machine slept, not that the workers were silent. */
export const OVERSLEPT_MS = 2000;
