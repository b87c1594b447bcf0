// Remembers which nonces were heard, for as long as their time window lets them in, in bounded memory.
// Nonces lie in slices by the time they were sent. When there are too many, the oldest slice is forgotten and its time is
// closed: what was sent then is refused from now on, so a forgotten nonce cannot come back.

const sliceMs = 10_000;
const defaultMaxNonces = 50_000;

export interface ReplayWindow {
  /** True when the nonce is new (it is remembered from then on), false when it was heard or may have been. */
  admit(nonce: string, sentAtMs: number, nowMs: number): boolean;
  /** Nonces remembered now. */
  readonly size: number;
}

/** @param windowMs how far `sentAtMs` may be from `nowMs`; the caller has checked that it is not further */
export function createReplayWindow(windowMs: number = 120_000, maxNonces: number = defaultMaxNonces): ReplayWindow {
  const slices = new Map<number, Set<string>>();
  let size = 0;
  /** Slices below this one are closed. */
  let floor = Number.NEGATIVE_INFINITY;

  const forget = (slice: number): void => {
    size -= slices.get(slice)?.size ?? 0;
    slices.delete(slice);
  };

  return {
    admit(nonce, sentAtMs, nowMs) {
      const slice = Math.floor(sentAtMs / sliceMs);
      // What lies outside the window is refused for its time, whether it is remembered or not.
      for (const old of slices.keys()) {
        if ((old + 1) * sliceMs < nowMs - windowMs || old * sliceMs > nowMs + windowMs) forget(old);
      }
      if (slice < floor || slices.get(slice)?.has(nonce) === true) return false;
      if (size >= maxNonces) {
        const oldest = Math.min(...slices.keys());
        forget(oldest);
        floor = Math.max(floor, oldest + 1);
        if (slice < floor) return false;
      }
      let nonces = slices.get(slice);
      if (nonces === undefined) slices.set(slice, (nonces = new Set()));
      nonces.add(nonce);
      size++;
      return true;
    },
    get size() {
      return size;
    },
  };
}
