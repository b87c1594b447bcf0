// The owner as this machine knows them: watches presence beside the calendar, learns from what came true, and forecasts. Pure: told the
// time and what is seen, about once a minute and at every change; the agent keeps what `export` gives.
import { Calibration, GRID_MS, HORIZONS_MS, type SourceScores } from './calibration.ts';
import { Habits, hourOf, type HabitsData, type WallClock } from './habits.ts';
import { componentsOf, drainAt, stayFree, type Knowledge } from './mixture.ts';
import { Reliability, type ReliabilityData } from './reliability.ts';
import { BreaksByHour } from './survival.ts';
import { FORECAST_MINUTES, type Presence, type Stretch } from './types.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** Longer without a look, and this machine slept: nothing is learned from that time. */
const SLEPT_MS = 10 * MINUTE_MS;
/** An event has come true when the owner was away for so much of it; one that wants the machine, when they were there for so much. */
const AWAY_SHARE = 0.7;
const THERE_SHARE = 0.3;
/** No break lasts longer: that is the end of a day or something else. */
const BREAK_MAX_MS = 4 * 60 * MINUTE_MS;
/** Shorter absences from the keyboard are no absences. */
const ABSENCE_MIN_MS = MINUTE_MS;
const WATCHED_MAX = 500;

export interface OwnerData {
  readonly version: 1;
  readonly breaks: readonly (readonly number[])[];
  readonly habits: HabitsData;
  readonly reliability: ReliabilityData;
  readonly sources: SourceScores;
}

/** An event on the way, and how long the owner was away during it so far. */
interface Watched {
  readonly stretch: Stretch;
  awayMs: number;
  seenMs: number;
}

export class OwnerModel {
  readonly calibration: Calibration;
  readonly #knowledge: Knowledge;
  readonly #watched = new Map<string, Watched>();
  #lookedAtMs: number | null = null;
  #awaySinceMs: number | null = null;
  #wallDay: number | null = null;
  #firstSeenMs: number | null = null;
  #gridAtMs = -Infinity;

  constructor(clock: WallClock, data: OwnerData | null = null) {
    this.#knowledge = {
      breaks: new BreaksByHour(data?.breaks ?? []),
      habits: new Habits(data?.habits ?? null),
      reliability: new Reliability(data?.reliability ?? []),
      clock,
    };
    this.calibration = new Calibration(data?.sources ?? []);
  }

  export(): OwnerData {
    const { breaks, habits, reliability } = this.#knowledge;
    return {
      version: 1,
      breaks: breaks.export(),
      habits: habits.export(),
      reliability: reliability.export(),
      sources: this.calibration.export(),
    };
  }

  /** Probability of staying free for each of `durationsMs` from now on, while the owner is away. */
  stayFree(nowMs: number, presence: Presence, stretches: readonly Stretch[], durationsMs: readonly number[]): number[] {
    const trusted = stretches.filter((each) => !this.calibration.isOff(each.source, nowMs));
    const drainAtMs = drainAt(trusted, nowMs);
    if (presence.state === 'headless') return durationsMs.map((ms) => (nowMs + ms > drainAtMs && ms > 0 ? 0 : 1));
    const sinceMs = presence.state === 'away' ? presence.sinceAtMs : nowMs;
    const components = componentsOf(trusted, sinceMs, nowMs, this.#knowledge);
    return durationsMs.map((ms) => stayFree(components, nowMs, ms, drainAtMs));
  }

  /** The same at the minutes that an offer tells, in steps of 5 % so that nothing finer of the calendar shows. */
  forecast(nowMs: number, presence: Presence, stretches: readonly Stretch[]): number[] {
    const exact = this.stayFree(
      nowMs,
      presence,
      stretches,
      FORECAST_MINUTES.map((minutes) => minutes * MINUTE_MS),
    );
    return exact.map((value) => Math.round(value * 20) / 20);
  }

  /** Forgets what was learned of calendars other than these. */
  keepOnly(sources: ReadonlySet<string>): void {
    this.#knowledge.reliability.keepOnly(sources);
    this.calibration.keepOnly(sources);
  }

  drainAtMs(nowMs: number, stretches: readonly Stretch[]): number {
    return drainAt(
      stretches.filter((each) => !this.calibration.isOff(each.source, nowMs)),
      nowMs,
    );
  }

  /** Takes in what is seen now. `stretches`: of all sources, those of the last hours included. */
  look(nowMs: number, presence: Presence, stretches: readonly Stretch[]): void {
    if (presence.state === 'headless') return;
    const before = this.#lookedAtMs;
    this.#lookedAtMs = nowMs;
    const isAway = presence.state === 'away' && nowMs - presence.sinceAtMs >= ABSENCE_MIN_MS;
    if (before === null || nowMs < before || nowMs - before > SLEPT_MS) {
      this.calibration.forget();
      this.#watched.clear();
      this.#awaySinceMs = isAway ? presence.sinceAtMs : null;
      this.#day(nowMs, isAway);
      return;
    }
    this.#watch(before, nowMs, stretches);
    if (isAway) {
      this.#awaySinceMs ??= presence.sinceAtMs;
      this.calibration.stayedFree(nowMs);
      if (nowMs >= this.#gridAtMs) this.#say(nowMs, presence, stretches);
    } else if (this.#awaySinceMs !== null) {
      this.calibration.returned(nowMs);
      this.#absenceEnded(this.#awaySinceMs, nowMs, stretches);
      this.#awaySinceMs = null;
    }
    this.#day(nowMs, isAway);
  }

  #say(nowMs: number, presence: Presence, stretches: readonly Stretch[]): void {
    this.#gridAtMs = (Math.floor(nowMs / GRID_MS) + 1) * GRID_MS;
    const without = new Map<string, readonly number[]>();
    const sources = new Set(stretches.map((each) => each.source));
    for (const source of sources) {
      const others = stretches.filter((each) => each.source !== source);
      without.set(source, this.stayFree(nowMs, presence, others, HORIZONS_MS));
    }
    // A source that is switched off is still watched: said as if it were on, so that it can come back.
    const components = componentsOf(
      stretches,
      presence.state === 'away' ? presence.sinceAtMs : nowMs,
      nowMs,
      this.#knowledge,
    );
    const drain = drainAt(stretches, nowMs);
    this.calibration.said(
      nowMs,
      HORIZONS_MS.map((ms) => stayFree(components, nowMs, ms, drain)),
      without,
    );
  }

  /** Counts presence during events, and judges those that are over. */
  #watch(beforeMs: number, nowMs: number, stretches: readonly Stretch[]): void {
    const away = this.#awaySinceMs !== null;
    for (const stretch of stretches) {
      const overlapMs = Math.min(nowMs, stretch.endAtMs) - Math.max(beforeMs, stretch.startAtMs);
      if (overlapMs <= 0) continue;
      const key = `${stretch.source} ${stretch.class} ${stretch.startAtMs} ${stretch.endAtMs}`;
      const watched = this.#watched.get(key) ?? { stretch, awayMs: 0, seenMs: 0 };
      watched.seenMs += overlapMs;
      if (away) watched.awayMs += overlapMs;
      if (this.#watched.size < WATCHED_MAX || this.#watched.has(key)) this.#watched.set(key, watched);
    }
    for (const [key, { stretch, awayMs, seenMs }] of this.#watched) {
      if (stretch.endAtMs > nowMs) continue;
      this.#watched.delete(key);
      // Seen from its middle on only: this tells nothing of the whole.
      if (seenMs < 0.8 * (stretch.endAtMs - stretch.startAtMs)) continue;
      const wants = stretch.class === 'WANTED' || stretch.class === 'NO_REMOTE';
      const kept = wants ? seenMs - awayMs >= THERE_SHARE * seenMs : awayMs >= AWAY_SHARE * seenMs;
      this.#knowledge.reliability.observe(stretch.source, stretch.class, kept, stretch.weight);
    }
  }

  #absenceEnded(sinceMs: number, nowMs: number, stretches: readonly Stretch[]): void {
    const { breaks, habits, clock } = this.#knowledge;
    const startWallMs = clock.toWall(sinceMs);
    const lengthMs = nowMs - sinceMs;
    const otherDay = Math.floor(startWallMs / DAY_MS) !== Math.floor(clock.toWall(nowMs) / DAY_MS);
    const atEvent = stretches.some(
      (each) =>
        each.class !== 'WANTED' &&
        each.class !== 'NO_REMOTE' &&
        Math.min(nowMs, each.endAtMs) - Math.max(sinceMs, each.startAtMs) > lengthMs / 2 &&
        nowMs > each.endAtMs - 10 * MINUTE_MS,
    );
    const lastedTheDay = otherDay && lengthMs > BREAK_MAX_MS;
    if (!atEvent || lastedTheDay) habits.absenceEnded(startWallMs, lastedTheDay);
    if (!atEvent && !lastedTheDay && lengthMs <= BREAK_MAX_MS) breaks.observe(hourOf(startWallMs), lengthMs);
  }

  /** Days and when they began. */
  #day(nowMs: number, isAway: boolean): void {
    const wallMs = this.#knowledge.clock.toWall(nowMs);
    const day = Math.floor(wallMs / DAY_MS);
    if (this.#wallDay !== null && day === this.#wallDay + 1)
      this.#knowledge.habits.dayEnded(this.#wallDay, this.#firstSeenMs);
    if (day !== this.#wallDay) {
      this.#wallDay = day;
      this.#firstSeenMs = null;
    }
    // Before four it is still the evening before.
    if (!isAway && this.#firstSeenMs === null && wallMs - day * DAY_MS >= 4 * 60 * MINUTE_MS)
      this.#firstSeenMs = wallMs - day * DAY_MS;
  }
}
