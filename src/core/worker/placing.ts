// How soon this machine answers an announcement: the worse it is placed among those that the delegator knows, the later,
// so that the word that enough have answered arrives before the bad offers do.
import type { Desk, Party } from './desk.ts';
import { isLive } from './desk.ts';
import { DELAY_ROUND_TRIPS } from './limits.ts';

/** `T·(0.8·(1 − percentile) + 0.2·u)`; T is short where all are asked anyway: then nothing is gained by waiting. */
export function offerDelayMs(desk: Desk, party: Party, now: number): number {
  const { offerDelayMs: shortest } = desk.options;
  const asking = [...party.builds.values()].filter((build) => isLive(build, now) && build.asksUs);
  const roundTrips = DELAY_ROUND_TRIPS * rttMs(party);
  const longest = asking.some((build) => build.asksAll) ? shortest : Math.max(shortest, roundTrips);
  const scores = asking.find((build) => build.scores.length > 0)?.scores ?? [];
  return longest * (0.8 * (1 - percentile(desk, scores)) + 0.2 * desk.prng());
}

/** Round trip of the session: the least of the last few; 0: not measured. */
export function rttMs(party: Party): number {
  return party.roundTrips.length === 0 ? 0 : Math.min(...party.roundTrips);
}

/** Share of the known machines that are slower than this one is now, 0 to 1; its own strain alone where none are known. */
function percentile(desk: Desk, scores: readonly number[]): number {
  const { info } = desk;
  const strain = Math.min(1, Math.max(info?.load ?? 0, (info?.pressure ?? 0) / 100));
  const own = (info?.bench ?? 0) * (1 - strain);
  if (scores.length < 2 || own === 0) return 1 - strain;
  const above = scores.findIndex((score) => score > own);
  if (above < 0) return 1;
  if (above === 0) return 0;
  const [low, high] = [scores[above - 1] ?? 0, scores[above] ?? 0];
  return (above - 1 + (own - low) / Math.max(1e-9, high - low)) / (scores.length - 1);
}
