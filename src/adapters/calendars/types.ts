// Where an owner's calendars are, and what is known of each. Nothing here ever leaves the machine.
export const sourceKinds = ['file', 'url', 'caldav', 'freebusy'] as const;
export type SourceKind = (typeof sourceKinds)[number];

export interface CalendarSource {
  /** Short, unique, chosen by the owner or from the place's name: what commands take. */
  readonly name: string;
  readonly kind: SourceKind;
  /** A path, or an http(s) address without user and password. */
  readonly place: string;
  /** Empty: nobody logs in. */
  readonly user: string;
}

/** A source with its secret, as the file holds it. */
export interface StoredSource extends CalendarSource {
  readonly password: string;
}

/** What was fetched: one text, or (CalDAV) one for each event with its tag. */
export interface Copy {
  /** Address or path → text; one entry for what is one text. */
  readonly texts: Readonly<Record<string, { readonly tag: string; readonly text: string }>>;
  /** ETag, ctag or sync token of the whole: equal means unchanged. Empty: unknown. */
  readonly tag: string;
}

export type Fetched = { readonly is: 'unchanged' } | { readonly is: 'new'; readonly copy: Copy };

/** Why a source could not be read; `message` is for people and holds no secret. */
export interface FetchFailure {
  readonly message: string;
  readonly retryAfterMs: number | null;
}

export interface SourceState {
  readonly name: string;
  readonly kind: SourceKind;
  readonly place: string;
  /** `ok`, `stale` (the last good copy is used), `failing` (nothing is known), `new` (not asked yet). */
  readonly state: 'ok' | 'stale' | 'failing' | 'new';
  /** Empty when all is well. */
  readonly problem: string;
  readonly events: number;
  readonly goodAtMs: number | null;
  readonly nextAtMs: number;
}
