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
/** An unchanged lease is told again at most so often. */
export const OFFER_AGAIN_MS = 1500;

export const DELEGATORS_MAX = 1024;
export const BUILDS_MAX = 64;
export const CLASSES_MAX = 64;
export const TOOLCHAINS_MAX = 256;
export const CRITERIA_MAX = 256;
