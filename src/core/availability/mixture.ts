// S(d): the probability that the machine stays free for d more. A mixture over why its owner is away (a break, an event of the
// calendar, the end of the day), weighed by how common each is and by how well it fits the time away so far.
import { hourOf, type Habits, type WallClock } from './habits.ts';
import type { Reliability } from './reliability.ts';
import { daySurvival, eventSurvival, type BreaksByHour } from './survival.ts';
import type { Stretch, StretchClass } from './types.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** The machine is given back so long before somebody wants it. */
export const DRAIN_BEFORE_MS = 2 * MINUTE_MS;
/** Who leaves so shortly before an event, has left for it. */
const LEAVES_BEFORE_MS = 10 * MINUTE_MS;
/** Who leaves so long after an event began may still be late for it; and so fast it becomes unlikely. */
const LATE_MS = 5 * MINUTE_MS;
const LATE_FADES_MS = 5 * MINUTE_MS;
/** Long ones say nothing of the hour at which one leaves for them. */
const LASTING: ReadonlySet<StretchClass> = new Set(['REMOTE_OK', 'AWAY_LONG', 'ELSEWHERE']);
/** Events with less than this between them are one absence. */
const CHAIN_GAP_MS = 10 * MINUTE_MS;
/** No working day within so many: holidays. */
const DAYS_AHEAD = 10;

export interface Knowledge {
  readonly breaks: BreaksByHour;
  readonly habits: Habits;
  readonly reliability: Reliability;
  readonly clock: WallClock;
}

/** One reason to be away, with its weight and the probability of being away still at a given time. */
export interface Component {
  readonly reason: 'break' | 'event' | 'day';
  /** Of all reasons together 1. */
  readonly weight: number;
  readonly stillAway: (atMs: number) => number;
  /** The stretch it comes from; null for breaks and days. */
  readonly stretch: Stretch | null;
}

/** Why the owner may be away, `away` since then, as seen at `nowMs`. The weights add up to 1. */
export function componentsOf(
  stretches: readonly Stretch[],
  awaySinceMs: number,
  nowMs: number,
  knowledge: Knowledge,
): readonly Component[] {
  const { breaks, habits, reliability, clock } = knowledge;
  const found: Component[] = [];
  const hour = hourOf(clock.toWall(awaySinceMs));
  const onBreak = (atMs: number): number => breaks.survival(hour, atMs - awaySinceMs);
  const endsDay = habits.endsTheDay(clock.toWall(awaySinceMs));
  let left = 1;
  for (const chain of chainsAt(stretches, nowMs)) {
    const { stretch, startAtMs, endAtMs } = chain;
    const fits = Math.min(1, Math.max(0, 1 - (startAtMs - nowMs) / LEAVES_BEFORE_MS));
    // Whoever was gone long before the event began is less likely at it than on the way home; who left for it came near its start.
    // Who sat here when it had long begun is not at it, whatever they left for since.
    const lateMs = awaySinceMs - startAtMs - LATE_MS;
    const came = LASTING.has(stretch.class) ? 1 : Math.exp(-Math.max(0, lateMs) / LATE_FADES_MS);
    const prior = left * reliability.of(stretch.source, stretch.class) * stretch.weight * fits * came;
    left -= prior;
    const backAtMs = backAfter(stretches, endAtMs, knowledge);
    const goesHome = habits.endsTheDay(clock.toWall(endAtMs));
    const nextDayMs = nextWorkStart(stretches, endAtMs, knowledge);
    const stillAway =
      backAtMs === endAtMs
        ? (atMs: number): number => {
            const s = eventSurvival(startAtMs, endAtMs, atMs);
            return s + (1 - s) * goesHome * daySurvival(nextDayMs, atMs);
          }
        : (atMs: number): number => daySurvival(backAtMs, atMs);
    found.push({ reason: 'event', weight: prior, stretch, stillAway });
  }
  const workAtMs = nextWorkStart(stretches, awaySinceMs, knowledge);
  found.push({
    reason: 'day',
    weight: left * endsDay,
    stretch: null,
    stillAway: (atMs) => daySurvival(workAtMs, atMs),
  });
  found.push({
    reason: 'break',
    weight: left * (1 - endsDay),
    stretch: null,
    stillAway: onBreak,
  });
  const weighed = found.map((each) => each.weight * each.stillAway(nowMs));
  const sum = weighed.reduce((total, weight) => total + weight, 0);
  if (sum <= 0) return [{ reason: 'break', weight: 1, stretch: null, stillAway: onBreak }];
  return found.map((each, i) => ({ ...each, weight: (weighed[i] ?? 0) / sum }));
}

/** S(d) of these components; 1 at d = 0, never rising, 0 from the drain on. */
export function stayFree(
  components: readonly Component[],
  nowMs: number,
  durationMs: number,
  drainAtMs: number,
): number {
  if (durationMs <= 0) return 1;
  if (nowMs + durationMs > drainAtMs) return 0;
  let sum = 0;
  for (const { weight, stillAway } of components) {
    const now = stillAway(nowMs);
    if (weight > 0 && now > 0) sum += weight * Math.min(1, stillAway(nowMs + durationMs) / now);
  }
  return Math.min(1, sum);
}

/** When the machine must be given back for the next event that wants it; Infinity when none is known. */
export function drainAt(stretches: readonly Stretch[], nowMs: number): number {
  let at = Infinity;
  for (const { startAtMs, endAtMs, class: kind } of stretches) {
    if ((kind === 'WANTED' || kind === 'NO_REMOTE') && endAtMs > nowMs) at = Math.min(at, startAtMs - DRAIN_BEFORE_MS);
  }
  return at;
}

interface Chain {
  readonly stretch: Stretch;
  readonly startAtMs: number;
  readonly endAtMs: number;
}

/** Events at which the owner may be now or is about to be, with those that follow at once; the most telling first. */
function chainsAt(stretches: readonly Stretch[], nowMs: number): Chain[] {
  const away = stretches.filter(({ class: kind }) => kind !== 'WANTED' && kind !== 'NO_REMOTE');
  const near = away.filter(
    ({ startAtMs, endAtMs }) => startAtMs <= nowMs + LEAVES_BEFORE_MS && endAtMs > nowMs - 3 * LEAVES_BEFORE_MS,
  );
  const chains = near.map((stretch) => {
    let { endAtMs } = stretch;
    for (const next of away) {
      if (
        next.startAtMs >= stretch.startAtMs &&
        next.startAtMs <= endAtMs + CHAIN_GAP_MS &&
        next.class === stretch.class
      ) {
        endAtMs = Math.max(endAtMs, next.endAtMs);
      }
    }
    return { stretch, startAtMs: stretch.startAtMs, endAtMs };
  });
  const rank = (chain: Chain): number => order.indexOf(chain.stretch.class);
  return chains.sort((a, b) => rank(a) - rank(b) || b.endAtMs - a.endAtMs).slice(0, 6);
}

const order = ['REMOTE_OK', 'AWAY_LONG', 'ELSEWHERE', 'AWAY_MEETING', 'DESK_MEETING', 'SOLO_BLOCK'];

/** A working day, from its start: who is done with an event by then comes back to the desk. */
const WORKING_DAY_MS = 9 * 60 * MINUTE_MS;

/** When somebody comes back from an event that ends then: at once in working hours, else when work begins again. */
function backAfter(stretches: readonly Stretch[], endAtMs: number, knowledge: Knowledge): number {
  const { habits, clock } = knowledge;
  const wallMs = clock.toWall(endAtMs);
  const day = Math.floor(wallMs / DAY_MS);
  const startMs = habits.startOn(day);
  const works = habits.worksOn(day) && wallMs >= startMs - 60 * MINUTE_MS && wallMs <= startMs + WORKING_DAY_MS;
  return works ? endAtMs : nextWorkStart(stretches, endAtMs, knowledge);
}

/** The next start of work after an absence began; days that the calendar says are free are passed over. */
function nextWorkStart(
  stretches: readonly Stretch[],
  sinceMs: number,
  { habits, clock, reliability }: Knowledge,
): number {
  const today = Math.floor(clock.toWall(sinceMs) / DAY_MS);
  for (let day = today; day <= today + DAYS_AHEAD; day++) {
    if (!habits.worksOn(day)) continue;
    const at = clock.toInstant(habits.startOn(day));
    if (at <= sinceMs) continue;
    const off = stretches.find(
      (each) =>
        each.class === 'AWAY_LONG' &&
        each.startAtMs <= at &&
        each.endAtMs > at &&
        reliability.of(each.source, each.class) > 0.5,
    );
    if (off === undefined) return at;
    if (off.endAtMs - at < DAY_MS / 2) return off.endAtMs;
  }
  return sinceMs + DAYS_AHEAD * DAY_MS;
}
