// What the owner usually does: when work begins on each weekday, and at which hours an absence is the end of the day. Learned from
// presence alone; without any history an office from nine to half past five.

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/** A wall clock of the owner's: local time of an instant and back. */
export interface WallClock {
  toWall(instantMs: number): number;
  toInstant(wallMs: number): number;
}

interface WeekdayHabit {
  /** Of the first input of the day, milliseconds after midnight. */
  startMs: number;
  /** Beta counts of days with and without work. */
  worked: number;
  free: number;
  days: number;
}

export interface HabitsData {
  readonly weekdays: readonly {
    readonly startMs: number;
    readonly worked: number;
    readonly free: number;
    readonly days: number;
  }[];
  /** For each hour of a working day, then of a free one: absences that were the day's end, and all others. */
  readonly dayEnds: readonly (readonly [number, number])[];
}

const START_PRIOR_MS = 9 * HOUR_MS;
const NEW = 0.15;
/** Counts fade beyond so many: habits change with the seasons. */
const COUNTS_MAX = 60;

export class Habits {
  readonly #weekdays: WeekdayHabit[];
  readonly #dayEnds: [number, number][];

  constructor(data: HabitsData | null = null) {
    this.#weekdays = Array.from({ length: 7 }, (_, i) => ({ ...(data?.weekdays[i] ?? weekdayPrior(i)) }));
    this.#dayEnds = Array.from({ length: 48 }, (_, i) => {
      const [ends, others] = data?.dayEnds[i] ?? endPrior(i);
      return [ends, others];
    });
  }

  export(): HabitsData {
    return {
      weekdays: this.#weekdays.map((each) => ({ ...each })),
      dayEnds: this.#dayEnds.map(([a, b]) => [a, b] as const),
    };
  }

  /** A day is over: when the owner first came, or that nobody did. `wallDay`: days since 1970 on the owner's wall. */
  dayEnded(wallDay: number, firstSeenMs: number | null): void {
    const habit = this.#weekdays[weekdayOf(wallDay)];
    if (habit === undefined) return;
    if (firstSeenMs === null) habit.free += 1;
    else {
      habit.worked += 1;
      habit.days += 1;
      habit.startMs += Math.max(NEW, 1 / (habit.days + 1)) * (firstSeenMs - habit.startMs);
    }
    if (habit.worked + habit.free > COUNTS_MAX) {
      habit.worked /= 2;
      habit.free /= 2;
    }
  }

  /** An absence that began then has ended; `lastedTheDay`: the owner came back on another working day. */
  absenceEnded(startWallMs: number, lastedTheDay: boolean): void {
    const counts = this.#dayEnds[this.#hourOf(startWallMs)];
    if (counts === undefined) return;
    counts[lastedTheDay ? 0 : 1] += 1;
    if (counts[0] + counts[1] > COUNTS_MAX) {
      counts[0] /= 2;
      counts[1] /= 2;
    }
  }

  /** Probability that an absence which begins then is the end of the day. */
  endsTheDay(startWallMs: number): number {
    const [ends, others] = this.#dayEnds[this.#hourOf(startWallMs)] ?? [1, 1];
    return ends / (ends + others);
  }

  worksOn(wallDay: number): boolean {
    const habit = this.#weekdays[weekdayOf(wallDay)];
    return habit !== undefined && habit.worked > habit.free;
  }

  /** When work begins on that day, on the owner's wall. */
  startOn(wallDay: number): number {
    return wallDay * DAY_MS + (this.#weekdays[weekdayOf(wallDay)]?.startMs ?? START_PRIOR_MS);
  }

  #hourOf(wallMs: number): number {
    const day = Math.floor(wallMs / DAY_MS);
    return hourOf(wallMs) + (this.worksOn(day) ? 0 : 24);
  }
}

function weekdayPrior(weekday: number): WeekdayHabit {
  return { startMs: START_PRIOR_MS, worked: weekday < 5 ? 4 : 1, free: weekday < 5 ? 1 : 4, days: 0 };
}

function endPrior(hour: number): [number, number] {
  if (hour >= 24) return [3, 2];
  if (hour >= 19 || hour < 6) return [5, 1];
  if (hour >= 17) return [2, 2];
  return [0.2, 8];
}

/** The hour of the day, 0 to 23, of a wall time. */
export function hourOf(wallMs: number): number {
  return Math.floor((wallMs - Math.floor(wallMs / DAY_MS) * DAY_MS) / HOUR_MS);
}

/** Monday is 0. */
function weekdayOf(wallDay: number): number {
  return (((wallDay + 3) % 7) + 7) % 7;
}
