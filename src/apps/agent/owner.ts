// The owner of this machine, as the agent sees them: calendars, presence, what they said, and the one answer whether others' tasks may
// run here. Titles and places of events stay in this file's `show`; what goes to the worker is S, a yes or a no, and a reason without them.
import { Calendars } from '../../adapters/calendars/calendars.ts';
import { loadSources } from '../../adapters/calendars/source-file.ts';
import { classOptions, type CalendarSection } from '../../adapters/config/calendar-section.ts';
import { openLearnedStore, type LearnedStore } from '../../adapters/owner/learned-store.ts';
import { loadSaid, nothingSaid, type OwnerSaid } from '../../adapters/owner/owner-files.ts';
import { ok, type Result } from '../../base/result.ts';
import type { Prng } from '../../base/prng.ts';
import { findZone, utc, type Zone } from '../../calendar/zones.ts';
import { parseHours, withinHours } from '../../core/availability/hours.ts';
import { OwnerModel } from '../../core/availability/owner-model.ts';
import type { Presence, Switch } from '../../core/availability/types.ts';
import { judge, type Verdict } from '../../core/availability/verdict.ts';
import type { OwnerReport, OwnerShow } from '../owner-report.ts';

const lookEveryMs = 5_000;
const saveEveryMs = 60_000;

export interface OwnerParts {
  readonly home: string;
  readonly prng: Prng;
  readonly pollEveryMs: number;
  /** [calendar] of config.toml. */
  readonly said: CalendarSection;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Who is at the machine, and what the machine itself says (battery, lid, memory). */
  readonly presence: () => { readonly presence: Presence; readonly switches: readonly Switch[] };
  /** The answer has changed, or its figures have. */
  readonly onVerdict: (verdict: Verdict) => void;
  readonly problem: (what: string, why: string | null) => void;
}

export class Owner {
  readonly #parts: OwnerParts;
  readonly #zone: Zone;
  readonly #store: LearnedStore;
  #model: OwnerModel;
  readonly #calendars: Calendars;
  /** Null: it cannot be read. */
  #said: OwnerSaid | null = nothingSaid;
  #verdict: Verdict | null = null;
  #timer: NodeJS.Timeout | null = null;
  #savedAtMs: number;
  #saved = '';

  constructor(parts: OwnerParts) {
    this.#parts = parts;
    const { home, now, prng, pollEveryMs, said } = parts;
    this.#zone = findZone(said.zone || new Intl.DateTimeFormat().resolvedOptions().timeZone, new Map()) ?? utc;
    this.#store = openLearnedStore(home, now);
    this.#model = new OwnerModel(this.#zone, this.#store.load());
    this.#tellStore();
    this.#savedAtMs = now();
    this.#calendars = new Calendars({
      home,
      zone: this.#zone,
      classes: (calendar) => classOptions(said, calendar),
      addresses: said.own_addresses.map((address) => address.toLowerCase()),
      prng,
      now,
      pollEveryMs,
      onChange: () => this.look(),
    });
  }

  async start(): Promise<void> {
    this.reread();
    this.#timer = setInterval(() => this.look(), lookEveryMs);
    this.#timer.unref();
    await this.followCalendars();
    this.look();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#calendars.stop();
    this.#save();
    this.#store.close();
  }

  get verdict(): Verdict {
    return this.#verdict ?? this.#judge();
  }

  /** Looks at presence now, and tells when that changes the answer. */
  look(): void {
    const { now, presence, onVerdict } = this.#parts;
    const stretches = this.#calendars.stretches();
    this.#model.look(now(), presence().presence, stretches);
    const before = JSON.stringify(this.#verdict);
    this.#verdict = this.#judge();
    if (JSON.stringify(this.#verdict) !== before) onVerdict(this.#verdict);
    if (now() - this.#savedAtMs > saveEveryMs) this.#save();
  }

  /** What `tender pause`, `resume` and `hours` have written. */
  reread(): void {
    const said = loadSaid(this.#parts.home);
    this.#parts.problem('owner', said.ok ? null : said.error);
    this.#said = said.ok ? said.value : null;
  }

  /** Takes up the list of calendars as it is now. */
  async followCalendars(): Promise<void> {
    const sources = loadSources(this.#parts.home);
    this.#parts.problem('calendars', sources.ok ? null : sources.error);
    if (!sources.ok) return;
    await this.#calendars.follow(sources.value);
    this.#model.keepOnly(new Set(sources.value.map((source) => source.name)));
  }

  report(): OwnerReport {
    const { why, mayHelp, freeFor } = this.verdict;
    return {
      why,
      mayHelp,
      freeFor,
      calendars: this.#calendars.states(),
      hours: this.#said?.hours ?? '',
      zone: this.#zone.name,
    };
  }

  /** For the owner alone: what is known of the next days, and S at each quarter of an hour of them as seen from now. */
  show(days: number): OwnerShow {
    const nowMs = this.#parts.now();
    const untilMs = nowMs + days * 86_400_000;
    const found = this.#calendars.occurrences();
    const { presence } = this.#parts.presence();
    const steps = Math.min(960, days * 96);
    const durations = Array.from({ length: steps }, (_, i) => i * 15 * 60_000);
    return {
      zone: this.#zone.name,
      nowMs,
      stayFree: this.#model.stayFree(nowMs, presence, this.#calendars.stretches(), durations),
      events: found
        .filter(({ occurrence }) => occurrence.endMs > nowMs - 3_600_000 && occurrence.startMs < untilMs)
        .map(({ occurrence, class: kind, source }) => ({
          startMs: occurrence.startMs,
          endMs: occurrence.endMs,
          class: kind,
          source,
          summary: occurrence.facts.private ? '' : occurrence.facts.summary,
        })),
    };
  }

  #judge(): Verdict {
    const { now, presence } = this.#parts;
    const nowMs = now();
    const seen = presence();
    const switches = [...seen.switches, ...this.#switches(nowMs)];
    return judge(this.#model, nowMs, seen.presence, switches, this.#calendars.stretches(), this.#zone);
  }

  #switches(nowMs: number): Switch[] {
    if (this.#said === null) return [{ kind: 'unreadable' }];
    const { paused, resumed, hours } = this.#said;
    const until = (value: number | 'forever'): number => (value === 'forever' ? Infinity : value);
    const switches: Switch[] = [];
    if (paused !== null) switches.push({ kind: 'paused', untilAtMs: until(paused) });
    if (resumed !== null) switches.push({ kind: 'resumed', untilAtMs: until(resumed) });
    const parsed = hours === '' ? null : parseHours(hours);
    if (parsed?.ok === true) {
      const { within, untilWallMs } = withinHours(parsed.value, this.#zone.toWall(nowMs));
      if (!within) {
        const untilAtMs = untilWallMs === Infinity ? Infinity : this.#zone.toInstant(untilWallMs);
        switches.push({ kind: 'hours', untilAtMs });
      }
    }
    return switches;
  }

  /** All that was learned of the owner; how many rows of it were kept. */
  forget(): Result<number, string> {
    const gone = this.#store.forget();
    this.#tellStore();
    if (!gone.ok) return gone;
    this.#model = new OwnerModel(this.#zone);
    this.#saved = JSON.stringify(this.#model.export());
    this.look();
    return ok(gone.value);
  }

  #save(): void {
    this.#savedAtMs = this.#parts.now();
    const data = this.#model.export();
    const text = JSON.stringify(data);
    if (text === this.#saved) return;
    if (this.#store.save(data).ok) this.#saved = text;
    this.#tellStore();
  }

  #tellStore(): void {
    this.#parts.problem('what was learned of the owner', this.#store.problem);
  }
}
