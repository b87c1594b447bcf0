// What was learnt loses weight with time: machines get other disks and other users, sources grow. After a half-life an old
// observation counts half, so that a record of last year neither binds nor misleads.

/** Fourteen days. */
export const HALF_LIFE_MS = 14 * 24 * 3600 * 1000;

/**
 * The weight left of something learnt at `atMs`, seen from `nowMs` (wall clock, milliseconds since 1970): 1 when it is new,
 * 0.5 after a half-life. A clock that was put back leaves it whole.
 */
export function weightLeft(atMs: number, nowMs: number): number {
  return nowMs <= atMs ? 1 : 2 ** ((atMs - nowMs) / HALF_LIFE_MS);
}
