// What decides when a machine may help: what is known of its owner, and what follows. Times are milliseconds since 1970 UTC where a name
// ends in `AtMs`, lengths where it ends in `Ms`.

/** What a stretch of the owner's calendar means; the classes of availability.md by their effect. */
export type StretchClass =
  'REMOTE_OK' | 'NO_REMOTE' | 'WANTED' | 'AWAY_LONG' | 'ELSEWHERE' | 'DESK_MEETING' | 'AWAY_MEETING' | 'SOLO_BLOCK';

/** A stretch of the owner's calendar. */
export interface Stretch {
  readonly startAtMs: number;
  readonly endAtMs: number;
  readonly class: StretchClass;
  /** 1; half for what is tentative. */
  readonly weight: number;
  /** Which calendar it comes from: reliability and calibration are learned for each. */
  readonly source: string;
}

/** What is known of the owner at this moment. */
export type Presence =
  /** Nobody sits at this machine, ever: a server. Load alone decides. */
  | { readonly state: 'headless' }
  | { readonly state: 'present'; readonly because: string }
  /** Away since then (the last input, or the lock). */
  | { readonly state: 'away'; readonly sinceAtMs: number; readonly locked: boolean };

/** What the owner or the machine itself has said, which no forecast overrules. */
export type Switch =
  /** `tender pause`, until then (Infinity: until `tender resume`). */
  | { readonly kind: 'paused'; readonly untilAtMs: number }
  /** `tender resume`: help although the owner is there, until then. */
  | { readonly kind: 'resumed'; readonly untilAtMs: number }
  /** Outside of `tender hours`, until then. */
  | { readonly kind: 'hours'; readonly untilAtMs: number }
  /** It cannot be read what they have said last. */
  | { readonly kind: 'unreadable' }
  | { readonly kind: 'battery' | 'lid' | 'sleep' | 'memory' };

/** The minutes at which S is told in an offer. */
export const FORECAST_MINUTES = [1, 5, 15, 30, 60, 120, 240, 480] as const;

export interface Forecast {
  /** Whether this machine may offer now. */
  readonly mayHelp: boolean;
  /** For people, one line: «helping until 15:00: meeting», «not helping: battery». No title of any event is in it. */
  readonly why: string;
  /** Probability of staying free for FORECAST_MINUTES, 0 to 1, never rising. */
  readonly freeFor: readonly number[];
  /** When to drain: nothing may run any more from then on; Infinity: no such time is known. */
  readonly drainAtMs: number;
}
