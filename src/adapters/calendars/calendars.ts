// All calendars of the owner: polled, the last good copies kept, expanded once per change into the stretches that the forecast uses.
import { setImmediate as breathe } from 'node:timers/promises';
import type { Prng } from '../../base/prng.ts';
import { Classifier, type ClassOptions, type EventClass } from '../../calendar/classes.ts';
import { expand } from '../../calendar/expand.ts';
import type { Calendar, Occurrence } from '../../calendar/types.ts';
import type { Zone } from '../../calendar/zones.ts';
import { PollSchedule } from '../../core/availability/poll-schedule.ts';
import type { Stretch, StretchClass } from '../../core/availability/types.ts';
import { forgetOthers, loadCopy, saveCopy, stillGood } from './copies.ts';
import { fetchFile, fetchUrl } from './fetch-text.ts';
import type { Login } from './http.ts';
import { err, type Result } from '../../base/result.ts';
import type { Copy, Fetched, FetchFailure, SourceState, StoredSource } from './types.ts';

const DAY_MS = 86_400_000;
/** Expanded so far back and ahead; anew when half a day has passed. */
const BACK_MS = DAY_MS;
const AHEAD_MS = 14 * DAY_MS;
const EXPAND_AGAIN_MS = DAY_MS / 2;
/** A look at a file costs nothing: changes of it are seen soon. */
const FILE_EVERY_MS = 30_000;
/** Texts parsed before others get their turn. */
const TEXTS_AT_ONCE = 100;

export interface CalendarsOptions {
  readonly home: string;
  /** The owner's zone. */
  readonly zone: Zone;
  /** What the owner said of events: of all calendars, and of the one of this name. */
  readonly classes: (calendar: string) => ClassOptions;
  /** The owner's mail addresses, lower case; whoever logs in under one is known anyway. */
  readonly addresses: readonly string[];
  readonly prng: Prng;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Something has changed in what the calendars say or how they are. */
  readonly onChange: () => void;
  /** Between two looks at what is not a file; the default is five minutes. */
  readonly pollEveryMs?: number;
}

interface Followed {
  readonly source: StoredSource;
  readonly schedule: PollSchedule;
  copy: Copy | null;
  /** By address, with the tag of the text that it was read from. */
  readonly parsed: Map<string, { readonly tag: string; readonly calendar: Calendar | null; readonly problem: string }>;
  stretches: readonly Stretch[];
  occurrences: readonly { readonly occurrence: Occurrence; readonly class: EventClass }[];
  expandedAtMs: number;
  problem: string;
  events: number;
  /** Asked now: one that hangs holds no other up. */
  busy: boolean;
}

export class Calendars {
  readonly #options: CalendarsOptions;
  #followed: Followed[] = [];
  #timer: NodeJS.Timeout | null = null;
  readonly #stopped = new AbortController();

  constructor(options: CalendarsOptions) {
    this.#options = options;
  }

  /** Follows these sources from now on; what is known of those that stay is kept. */
  async follow(sources: readonly StoredSource[]): Promise<void> {
    const { home, now, prng, pollEveryMs } = this.#options;
    const next: Followed[] = [];
    for (const source of sources) {
      const known = this.#followed.find((each) => JSON.stringify(each.source) === JSON.stringify(source));
      if (known !== undefined) {
        next.push(known);
        continue;
      }
      const kept = loadCopy(home, source.name, source.place);
      const everyMs = source.kind === 'file' ? Math.min(FILE_EVERY_MS, pollEveryMs ?? FILE_EVERY_MS) : pollEveryMs;
      const schedule = new PollSchedule(now(), kept?.goodAtMs ?? null, prng, everyMs);
      next.push({
        source,
        schedule,
        copy: kept?.copy ?? null,
        parsed: new Map(),
        stretches: [],
        occurrences: [],
        expandedAtMs: -Infinity,
        problem: '',
        events: 0,
        busy: false,
      });
    }
    this.#followed = next;
    forgetOthers(home, new Set(sources.map((source) => source.name)));
    for (const each of next) if (each.copy !== null && each.expandedAtMs === -Infinity) await this.#expand(each);
    this.#plan();
  }

  stop(): void {
    this.#stopped.abort();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** What the calendars say of the days around now, those too old to be believed left out. */
  stretches(): readonly Stretch[] {
    const nowMs = this.#options.now();
    return this.#followed.flatMap((each) => (each.schedule.isGood(nowMs) ? each.stretches : []));
  }

  /** The same with the events behind it, for the owner's eyes only. */
  occurrences(): readonly { readonly source: string; readonly occurrence: Occurrence; readonly class: EventClass }[] {
    return this.#followed.flatMap((each) => each.occurrences.map((found) => ({ ...found, source: each.source.name })));
  }

  states(): readonly SourceState[] {
    const nowMs = this.#options.now();
    return this.#followed.map(({ source, schedule, problem, events }) => ({
      name: source.name,
      kind: source.kind,
      place: source.place,
      state:
        schedule.failures === 0
          ? schedule.goodAtMs === null
            ? 'new'
            : 'ok'
          : schedule.isGood(nowMs)
            ? 'stale'
            : 'failing',
      problem,
      events,
      goodAtMs: schedule.goodAtMs,
      nextAtMs: schedule.nextAtMs,
    }));
  }

  #plan(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#stopped.signal.aborted || this.#followed.length === 0) return;
    const nowMs = this.#options.now();
    const next = Math.min(
      ...this.#followed
        .filter((each) => !each.busy)
        .map(({ schedule, copy, expandedAtMs }) =>
          copy === null ? schedule.nextAtMs : Math.min(schedule.nextAtMs, expandedAtMs + EXPAND_AGAIN_MS),
        ),
    );
    this.#timer = setTimeout(() => this.#pollDue(), Math.min(60_000, Math.max(10, next - nowMs)));
    this.#timer.unref();
  }

  #pollDue(): void {
    const nowMs = this.#options.now();
    for (const each of this.#followed) {
      if (each.busy) continue;
      if (each.schedule.nextAtMs <= nowMs) void this.#poll(each).then(() => this.#plan());
      else if (each.expandedAtMs + EXPAND_AGAIN_MS <= nowMs && each.copy !== null)
        void this.#expand(each).then(() => this.#plan());
    }
    this.#plan();
  }

  async #poll(each: Followed): Promise<void> {
    const { home, now, onChange } = this.#options;
    if (each.busy) return;
    each.busy = true;
    const before = `${each.problem} ${each.schedule.failures > 0} ${each.expandedAtMs}`;
    const fetched = await fetchSource(each.source, each.copy, this.#stopped.signal);
    each.busy = false;
    // Removed meanwhile: what comes now would bring its copy back.
    if (this.#stopped.signal.aborted || !this.#followed.includes(each)) return;
    if (!fetched.ok) {
      each.schedule.failed(now(), fetched.error.retryAfterMs);
      each.problem = fetched.error.message;
    } else {
      const isNew = fetched.value.is === 'new';
      if (fetched.value.is === 'new') each.copy = fetched.value.copy;
      each.schedule.succeeded(now());
      each.problem = '';
      if (each.copy !== null) {
        const { name, place } = each.source;
        if (isNew) saveCopy(home, name, place, { goodAtMs: now(), copy: each.copy });
        else stillGood(home, name, now());
        if (isNew || each.expandedAtMs + EXPAND_AGAIN_MS <= now()) await this.#expand(each);
      }
    }
    if (before !== `${each.problem} ${each.schedule.failures > 0} ${each.expandedAtMs}`) onChange();
  }

  async #expand(each: Followed): Promise<void> {
    const { zone, classes, addresses, now } = this.#options;
    const texts = each.copy?.texts ?? {};
    for (const url of each.parsed.keys()) if (!(url in texts)) each.parsed.delete(url);
    const own = { ownAddresses: [...addresses, ...ownAddresses(each.source)] };
    // Only where there is a calendar, as above.
    const { parseCalendar } = await import('../../calendar/parse.ts');
    let since = 0;
    for (const [url, { tag, text }] of Object.entries(texts)) {
      if (tag !== '' && each.parsed.get(url)?.tag === tag) continue;
      const parsed = parseCalendar(text, own);
      each.parsed.set(url, { tag, calendar: parsed.ok ? parsed.value : null, problem: parsed.ok ? '' : parsed.error });
      if (++since % TEXTS_AT_ONCE === 0) await breathe();
    }
    const calendars = [...each.parsed.values()];
    const merged: Calendar = {
      events: calendars.flatMap(({ calendar }) => calendar?.events ?? []),
      availability: calendars.flatMap(({ calendar }) => calendar?.availability ?? []),
      freeBusy: calendars.flatMap(({ calendar }) => calendar?.freeBusy ?? []),
      problems: [],
    };
    const nowMs = now();
    const { occurrences } = expand(merged, { fromMs: nowMs - BACK_MS, untilMs: nowMs + AHEAD_MS }, zone);
    const classifier = new Classifier(classes(each.source.name));
    const found = occurrences.map((occurrence) => ({ occurrence, ...classifier.classify(occurrence) }));
    each.occurrences = found;
    each.stretches = found.flatMap(({ occurrence, class: kind, weight }) =>
      kind === 'IGNORE' || kind === 'NONE'
        ? []
        : [
            {
              startAtMs: occurrence.startMs,
              endAtMs: occurrence.endMs,
              class: kind satisfies StretchClass,
              weight,
              source: each.source.name,
            },
          ],
    );
    each.events = merged.events.length + merged.freeBusy.length;
    each.expandedAtMs = nowMs;
    const unreadable = calendars.find(({ problem }) => problem !== '');
    if (unreadable !== undefined && each.events === 0) each.problem = unreadable.problem;
    this.#options.onChange();
  }
}

/** Reads a source once, whatever its kind. */
export async function fetchSource(
  source: StoredSource,
  known: Copy | null,
  signal: AbortSignal,
): Promise<Result<Fetched, FetchFailure>> {
  const login: Login | null = source.user === '' ? null : { user: source.user, password: source.password };
  switch (source.kind) {
    case 'file':
      return fetchFile(source.place, known);
    case 'url':
    case 'freebusy':
      return fetchUrl(source.place, login, known, signal);
    case 'caldav': {
      if (login === null) return err({ message: 'CalDAV wants a user and a password', retryAfterMs: null });
      // Only where there is one: its library costs 30 ms and 8 MB, which no agent without it shall pay.
      const { fetchCaldav } = await import('./caldav.ts');
      return fetchCaldav(source.place, login, known, signal);
    }
  }
}

function ownAddresses(source: StoredSource): readonly string[] {
  return source.user.includes('@') ? [source.user.toLowerCase()] : [];
}
