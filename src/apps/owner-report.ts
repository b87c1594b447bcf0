// What the agent answers to an owner's questions, as types: `tender why --json` and `tender calendar show --json` print these fields.
import type { SourceState } from '../adapters/calendars/types.ts';

/** What `tender why` tells. */
export interface OwnerReport {
  readonly why: string;
  readonly mayHelp: boolean;
  readonly freeFor: readonly number[];
  readonly calendars: readonly SourceState[];
  readonly hours: string;
  readonly zone: string;
}

/** What `tender calendar show` tells, to the owner alone. */
export interface OwnerShow {
  readonly zone: string;
  readonly nowMs: number;
  /** Each quarter of an hour from now. */
  readonly stayFree: readonly number[];
  readonly events: readonly {
    readonly startMs: number;
    readonly endMs: number;
    readonly class: string;
    readonly source: string;
    /** Empty for private ones. */
    readonly summary: string;
  }[];
}
