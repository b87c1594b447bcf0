// The worker's times and bounds, in one place; what a user may set is in WorkerOptions.

/** A remark of one cause goes to one delegator at most so often. */
export const REMARK_EVERY_MS = 30_000;
/** A session that serves nothing is kept this long: the next build finds its files named already. */
export const IDLE_SESSION_MS = 600_000;
/** A connection that has neither come up nor failed is taken for failed. */
export const CONNECT_TIMEOUT_MS = 10_000;
export const CONNECT_RETRY_MIN_MS = 500;
export const CONNECT_RETRY_MAX_MS = 30_000;
/** The compiler may be installed or updated meanwhile. */
export const TOOLCHAIN_SAME_FOR_MS = 600_000;
export const TOOLCHAIN_DIFFERENT_FOR_MS = 30_000;
/** An answer that never came is asked for again. */
export const TOOLCHAIN_ANSWER_MS = 30_000;
/** Sequence numbers are remembered longer than any datagram can be late. */
export const BUILD_FORGOTTEN_MS = 60_000;
export const SERVED_HALF_LIFE_MS = 60_000;
/** An unchanged lease is told again at most so often: its facts (memory, link) age, its slots do not. */
export const OFFER_AGAIN_MS = 8000;
/** Idle slots that were asked back and did not come in this time and four round trips are taken. */
export const RECALL_MS = 1000;
/** So many answers are sought for each that is wanted: some will be lost, late or placed badly. */
export const ANSWERS_PER_WANTED = 3;
/** How many of all listeners say why they offer nothing, when saying it means opening a session first. */
export const REMARKS_WANTED = 12;
/** A delay of so many round trips lets the word that enough have answered arrive first. */
export const DELAY_ROUND_TRIPS = 10;
/** Over a longer round trip than this, tasks may be awarded ahead: one for so many slots. */
export const AHEAD_ABOVE_RTT_MS = 5;
export const SLOTS_PER_AHEAD = 4;
/** Who holds an odd slot keeps it until another is so much slot time behind. */
export const HOLD_MS = 5000;
/** Round trips are the least of the last few: what is above it is waiting for a busy machine. */
export const RTT_SAMPLES = 4;
export const OPENING_ROUND_TRIPS = 3;
/** Weight of the latest run in the worker's own estimate. */
export const PACE_NEW = 0.25;

export const DELEGATORS_MAX = 1024;
export const BUILDS_MAX = 64;
export const CLASSES_MAX = 64;
export const TOOLCHAINS_MAX = 256;
/** Compilers that an offer names. */
export const HELD_MAX = 8;
export const CRITERIA_MAX = 256;
