// npm run sim -- owners: how well S(d) foretells owners of our own making whose calendars are good, middling and poor, with and without
// these calendars, over the whole week and in working hours alone; drawn for docs/calendars.md, with the numbers beside.
import { createPrng } from '../src/base/prng.ts';
import { GRID_MS, HORIZONS_MS, Score } from '../src/core/availability/calibration.ts';
import { OwnerModel } from '../src/core/availability/owner-model.ts';
import { calendars, liveThrough, synthesise, type SyntheticOwner } from '../src/core/availability/synthetic-owner.ts';
import { barPlot, linePlot, type Point } from './plots/svg.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const utc = { toWall: (ms: number): number => ms, toInstant: (ms: number): number => ms };

export const qualities = ['good', 'middling', 'poor'] as const;
type Quality = (typeof qualities)[number];
/** When forecasts were made: at any time, or from nine to five on a weekday, when it is hard. */
const times = ['week', 'work'] as const;
type Time = (typeof times)[number];

interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export interface OwnerRow {
  readonly calendar: Quality;
  /** False: the same owner, of whose calendar the machine knows nothing. */
  readonly read: boolean;
  readonly minutes: number;
  readonly time: Time;
  readonly forecasts: number;
  /** How often the machine stayed free so long. */
  readonly rate: number;
  /** Against always telling that rate. */
  readonly skill: Spread;
  /** Mean distance between what was said and how often it happened. */
  readonly calibrationError: Spread;
  /** Over all seeds: of forecasts in each step of 5 %, what they said in the mean, how often it happened, how many. */
  readonly steps: readonly (readonly [said: number, happened: number, forecasts: number])[];
}

/** Owners of `days` days, one for each seed and quality. */
export function measureOwners(seeds: readonly number[], days: number, log: (line: string) => void): OwnerRow[] {
  const rows: OwnerRow[] = [];
  for (const calendar of qualities) {
    for (const read of [true, false]) {
      log(`${calendar}${read ? '' : ', not read'}`);
      const scores = seeds.map((seed) => {
        const owner = synthesise(calendars[calendar], days, createPrng(seed));
        return scoresOf(read ? owner : { ...owner, stretches: [] });
      });
      for (const [h, horizonMs] of HORIZONS_MS.entries()) {
        for (const time of times) {
          const all = scores.map((each) => each[time][h] ?? new Score());
          rows.push({ calendar, read, minutes: horizonMs / 60_000, time, ...summaryOf(all) });
        }
      }
    }
  }
  return rows;
}

/** Judged here and not by the model: what came is read from the owner's life, and nothing fades. */
function scoresOf(owner: SyntheticOwner): Record<Time, Score[]> {
  const scores = { week: HORIZONS_MS.map(() => new Score()), work: HORIZONS_MS.map(() => new Score()) };
  const model = new OwnerModel(utc);
  let index = 0;
  liveThrough(model, owner, (nowMs, presence, stretches) => {
    if (presence.state !== 'away' || nowMs % GRID_MS !== 0) return;
    while ((owner.there[index]?.untilMs ?? Infinity) <= nowMs) index += 1;
    const backAtMs = owner.there[index]?.fromMs ?? Infinity;
    const said = model.stayFree(nowMs, presence, stretches, HORIZONS_MS);
    for (const [h, horizonMs] of HORIZONS_MS.entries()) {
      if (nowMs + horizonMs > owner.endAtMs) continue;
      const stayed = backAtMs > nowMs + horizonMs;
      scores.week[h]?.add(said[h] ?? 0, stayed);
      if (atWork(nowMs)) scores.work[h]?.add(said[h] ?? 0, stayed);
    }
  });
  return scores;
}

function atWork(nowMs: number): boolean {
  const day = Math.floor(nowMs / DAY_MS);
  const hour = (nowMs - day * DAY_MS) / HOUR_MS;
  // 1970-01-01 was a Thursday.
  return (day + 3) % 7 < 5 && hour >= 9 && hour < 17;
}

function summaryOf(scores: readonly Score[]): Omit<OwnerRow, 'calendar' | 'read' | 'minutes' | 'time'> {
  const sum = (pick: (score: Score) => number): number => scores.reduce((total, score) => total + pick(score), 0);
  const n = sum((score) => score.n);
  const bins = scores[0]?.bins.length ?? 0;
  return {
    forecasts: n,
    rate: sum((score) => score.happened) / n,
    skill: spreadOf(scores.map((score) => score.skill)),
    calibrationError: spreadOf(scores.map((score) => score.calibrationError)),
    steps: Array.from({ length: bins }, (_, i) => {
      const count = sum((score) => score.bins[i]?.n ?? 0);
      const mean = (pick: (bin: Score['bins'][number]) => number): number =>
        sum((score) => {
          const bin = score.bins[i];
          return bin === undefined ? 0 : pick(bin);
        }) / Math.max(1, count);
      return [mean((bin) => bin.said), mean((bin) => bin.happened), count] as const;
    }),
  };
}

function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (i: number): number => sorted[i] ?? 0;
  return { median: at(Math.floor(sorted.length / 2)), least: at(0), most: at(sorted.length - 1) };
}

/** Name of the file (without its ending) and SVG of each picture. */
export function drawOwners(rows: readonly OwnerRow[]): [string, string][] {
  return [
    ['owner-skill', drawSkill(rows)],
    ['owner-calibration', drawCalibration(rows)],
  ];
}

function drawSkill(rows: readonly OwnerRow[]): string {
  const bars = (time: Time, minutes: number, read: boolean): (Omit<Point, 'x'> | null)[] =>
    qualities.map((calendar) => {
      const row = rows.find(
        (each) => each.calendar === calendar && each.time === time && each.minutes === minutes && each.read === read,
      );
      if (row === undefined) return null;
      return { y: row.skill.median, low: row.skill.least, high: row.skill.most };
    });
  return barPlot({
    title: 'How well S(d) foretells, in working hours and over the week',
    note: 'Brier skill against always telling the mean; half a year of made-up owners; median and spread over seeds',
    groups: qualities.map((quality) => `${quality} calendar`),
    y: { label: 'Brier skill (1: always right, 0: no better)', ticks: [0, 0.2, 0.4, 0.6, 0.8, 1] },
    series: [
      { name: 'work, 15 min', bars: bars('work', 15, true) },
      { name: '… not read', bars: bars('work', 15, false) },
      { name: 'work, 60 min', bars: bars('work', 60, true) },
      { name: '… not read', bars: bars('work', 60, false) },
      { name: 'week, 15 min', bars: bars('week', 15, true) },
      { name: 'week, 60 min', bars: bars('week', 60, true) },
    ],
    write: (y) => y.toFixed(2),
  });
}

/** Steps of fewer forecasts say nothing. */
const ENOUGH = 200;

function drawCalibration(rows: readonly OwnerRow[]): string {
  const series = qualities.map((calendar) => {
    const row = rows.find(
      (each) => each.calendar === calendar && each.read && each.minutes === 60 && each.time === 'week',
    );
    const points = (row?.steps ?? []).filter(([, , n]) => n >= ENOUGH).map(([x, y]) => ({ x, y }));
    return { name: `${calendar} calendar`, points };
  });
  const ticks = [0, 0.2, 0.4, 0.6, 0.8, 1];
  return linePlot({
    title: 'What was said, and how often it happened',
    note: 'the machine stays free for another hour; steps of 5 % with at least 200 forecasts',
    x: { label: 'said', ticks },
    y: { label: 'happened', ticks },
    series: [...series, { name: 'as said', points: [0, 1].map((at) => ({ x: at, y: at })) }],
  });
}
