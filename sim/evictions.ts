// npm run sim -- evictions: what it is worth to know how long owners stay away. An office whose owners come and go over
// working days, builds of short and long tasks that arrive through the day, the same three times: the machines tell nothing of their
// owners, what habit says, or what the calendar says too. For docs/calendars.md.
import { createPrng } from '../src/base/prng.ts';
import { FREEZE_MS, GRACE_MS } from '../src/core/availability/owner-first.ts';
import { GIB, sampleInfo } from '../src/core/testing/samples.ts';
import { Desk, knowledges, type Knowledge, type Quality } from './knowledge.ts';
import { LAN } from './farms.ts';
import { spanAt } from './availability.ts';
import { logUniform, pick, streamOf, uniform } from './random.ts';
import type { BuildPlan, MachinePlan, Scenario, TaskPlan } from './types.ts';
import { World } from './world.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const FROM_HOUR = 9;
const TO_HOUR = 16.5;

export const farms = ['good', 'middling', 'poor', 'mixed'] as const;
/** Whose calendars: all of one quality, or a quarter each good, middling, poor and without any. */
export type Farm = (typeof farms)[number];

export interface Kind {
  readonly name: string;
  readonly workMs: number;
  /** Of each build. */
  readonly tasks: number;
}

/** A build of each has fewer tasks than the office has slots, but for those of 2 s: where a task goes is a choice. */
export const kinds: readonly Kind[] = [
  { name: '2 s', workMs: 2_000, tasks: 300 },
  { name: '60 s', workMs: 60_000, tasks: 60 },
  { name: '8 min', workMs: 480_000, tasks: 24 },
];

export interface Size {
  readonly machines: number;
  readonly learnDays: number;
  readonly days: number;
  /** A day. */
  readonly builds: number;
}

export const office: Size = { machines: 30, learnDays: 28, days: 5, builds: 5 };

/** All builds of one farm and seed. Times are slot milliseconds. */
export interface Season {
  readonly attempts: number;
  readonly evictions: number;
  /** Of other machines: all, of attempts that an owner ended, and of copies whose twin was first. */
  readonly cpuMs: number;
  readonly evictedMs: number;
  readonly copiesMs: number;
  /** Of the delegators' own. */
  readonly here: number;
  /** Sum over builds. */
  readonly makespanMs: number;
  /** Slot time of machines without their owner while a build ran. */
  readonly freeMs: number;
}

const DELEGATORS = 2;
const OWN_SLOTS = 4;
const SLOTS = [2, 4, 4, 8] as const;

export class Office {
  readonly #seed: number;
  readonly #size: Size;
  readonly #desks: readonly { readonly desk: Desk; readonly hasCalendar: boolean }[];

  constructor(farm: Farm, seed: number, size: Size) {
    this.#seed = seed;
    this.#size = size;
    const mix: readonly (Quality | null)[] = farm === 'mixed' ? ['good', 'middling', 'poor', null] : [farm];
    this.#desks = Array.from({ length: size.machines }, (_, i) => {
      const quality = mix[i % mix.length] ?? null;
      // Whoever keeps no calendar lives like the others.
      const desk = new Desk(quality ?? 'middling', size.learnDays, size.days, seed, `${i}`);
      return { desk, hasCalendar: quality !== null };
    });
  }

  run(kind: Kind, knowledge: Knowledge): Season {
    const scenario = this.#scenario(kind);
    const tellers = new Map(
      this.#desks.map(({ desk, hasCalendar }, i) => [
        `m${i}`,
        desk.teller(knowledge === 'calendar' && !hasCalendar ? 'habits' : knowledge),
      ]),
    );
    const seen = new Seen(scenario);
    const world = new World(scenario, {
      delegator: { own: sampleInfo({ bench: 1000 }) },
      graceMs: GRACE_MS,
      freezeMs: FREEZE_MS,
      ...(knowledge === 'none' ? {} : { freeFor: (machine, atMs) => tellers.get(machine)?.(atMs) ?? [] }),
      watch: {
        born: () => undefined,
        step: (node, _at, event, effects) => seen.step(node, world.clock.now, event, effects),
      },
    });
    world.run();
    const { builds } = world.tally.outcome(scenario);
    return seen.season(builds.map((build) => build.makespanMs));
  }

  #scenario(kind: Kind): Scenario {
    const { machines, days, builds } = this.#size;
    const hardware = streamOf(this.#seed, 'hardware');
    const plans = Array.from({ length: machines }, (_, i): MachinePlan => {
      const slots = pick(hardware, SLOTS);
      return {
        id: `m${i}`,
        speed: logUniform(hardware, 0.8, 1.25),
        slots,
        cores: slots,
        memBytes: 4 * GIB * slots,
        site: 0,
        diskMs: 0,
        skewPpm: 0,
        ownerThere: this.#desks[i]?.desk.there.filter(({ untilMs }) => untilMs > 0) ?? [],
        crashes: [],
        freezes: [],
        gray: [],
        failureProbability: 0,
      };
    });
    const arrivals = streamOf(this.#seed, `arrivals ${kind.name}`);
    const starts = Array.from({ length: days * builds }, (_, i) => {
      return Math.floor(i / builds) * DAY_MS + uniform(arrivals, FROM_HOUR, TO_HOUR) * HOUR_MS;
    }).sort((a, b) => a - b);
    return {
      name: `evictions ${kind.name}`,
      seed: this.#seed,
      machines: plans,
      delegators: Array.from({ length: DELEGATORS }, (_, i) => ({ id: `d${i}`, site: 0, ownSlots: OWN_SLOTS })),
      builds: starts.map((startsAtMs, i) => buildOf(this.#seed, kind, i, startsAtMs)),
      network: LAN,
    };
  }
}

function buildOf(seed: number, { name, workMs, tasks }: Kind, index: number, startsAtMs: number): BuildPlan {
  const lengths = createPrng(seed * 1009 + index);
  return {
    delegator: `d${index % DELEGATORS}`,
    startsAtMs,
    jobs: tasks,
    tasks: Array.from({ length: tasks }, (_, i): TaskPlan => {
      const ms = Math.round(workMs * uniform(lengths, 0.9, 1.1));
      return {
        id: `b${index}-${i}`,
        label: `${name}/${i}.cc`,
        workMs: ms,
        predictedP80Ms: Math.round(1.09 * workMs),
        bytes: 100_000,
        memBytes: 300 * 2 ** 20,
      };
    }),
  };
}

interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export interface EvictionRow {
  readonly farm: Farm;
  readonly task: string;
  readonly knowledge: Knowledge;
  /** Of all attempts on other machines, the share that an owner ended. */
  readonly evicted: Spread;
  /** Of the processor time spent on other machines, the share that came to nothing thereby. */
  readonly lost: Spread;
  /** Sum of the builds' makespans over that of the same builds without knowledge. */
  readonly makespan: Spread;
  /** A build's makespan in the mean, minutes. */
  readonly minutes: Spread;
  /** Useful machine time over that of all slots without an owner while a build ran. */
  readonly used: Spread;
  /** Tasks that ran on the delegators' own machines, of all. */
  readonly here: Spread;
}

/** Every kind of task with all three knowledges, for each farm and seed. */
export function measureEvictions(
  which: readonly Farm[],
  seeds: readonly number[],
  size: Size,
  log: (line: string) => void,
  ofKinds: readonly Kind[] = kinds,
): EvictionRow[] {
  const rows: EvictionRow[] = [];
  for (const farm of which) {
    const found = seeds.map((seed) => {
      log(`${farm} calendars, seed ${seed}`);
      const built = new Office(farm, seed, size);
      return ofKinds.map((kind) => knowledges.map((knowledge) => built.run(kind, knowledge)));
    });
    for (const [k, kind] of ofKinds.entries()) {
      for (const [n, knowledge] of knowledges.entries()) {
        const pairs = found.flatMap((each) => {
          const [season, base] = [each[k]?.[n], each[k]?.[0]];
          return season === undefined || base === undefined ? [] : [{ season, base }];
        });
        const of = (share: (season: Season, base: Season) => number): Spread =>
          spreadOf(pairs.map(({ season, base }) => share(season, base)));
        const builds = size.days * size.builds;
        rows.push({
          farm,
          task: kind.name,
          knowledge,
          evicted: of(({ evictions, attempts }) => evictions / attempts),
          lost: of(({ evictedMs, cpuMs }) => evictedMs / cpuMs),
          makespan: of((season, base) => season.makespanMs / base.makespanMs),
          minutes: of(({ makespanMs }) => makespanMs / builds / 60_000),
          used: of(({ cpuMs, evictedMs, copiesMs, freeMs }) => (cpuMs - evictedMs - copiesMs) / freeMs),
          here: of(({ here }) => here / (builds * kind.tasks)),
        });
      }
    }
  }
  return rows;
}

function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (i: number): number => sorted[i] ?? 0;
  return { median: at(Math.floor(sorted.length / 2)), least: at(0), most: at(sorted.length - 1) };
}

interface Run {
  readonly machine: string;
  readonly fromMs: number;
  untilMs: number;
  end: 'used' | 'evicted' | 'unused';
}

/** Watches what runs where, and what becomes of it. */
class Seen {
  readonly #scenario: Scenario;
  readonly #machines: ReadonlyMap<string, MachinePlan>;
  readonly #runs = new Map<string, Run>();
  #here = 0;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#machines = new Map(scenario.machines.map((plan) => [plan.id, plan]));
  }

  step(node: string, nowMs: number, event: { readonly type: string }, effects: readonly object[]): void {
    const said = event as { readonly type: string; readonly attempt?: string; readonly code?: string };
    const run = this.#runs.get(said.attempt ?? '');
    if (run !== undefined && said.type === 'ended') run.untilMs = nowMs;
    if (run !== undefined && said.type === 'failed' && said.code === 'owner-returned') run.end = 'evicted';
    for (const effect of effects as readonly { readonly type: string; readonly attempt?: string }[]) {
      const { type, attempt = '' } = effect;
      const its = this.#runs.get(attempt);
      if (type === 'run') this.#runs.set(attempt, { machine: node, fromMs: nowMs, untilMs: Infinity, end: 'unused' });
      else if (type === 'run-local') this.#here += 1;
      else if (type === 'deliver' && its !== undefined) its.end = 'used';
    }
  }

  season(makespansMs: readonly number[]): Season {
    const ends = this.#scenario.builds.map((build, i) => build.startsAtMs + (makespansMs[i] ?? 0));
    const lastMs = Math.max(...ends);
    const spent = { used: 0, evicted: 0, unused: 0 };
    let evictions = 0;
    for (const run of this.#runs.values()) {
      spent[run.end] += this.#cpuMs(run, lastMs);
      if (run.end === 'evicted') evictions += 1;
    }
    return {
      attempts: this.#runs.size,
      evictions,
      cpuMs: spent.used + spent.evicted + spent.unused,
      evictedMs: spent.evicted,
      copiesMs: spent.unused,
      here: this.#here,
      makespanMs: makespansMs.reduce((sum, ms) => sum + ms, 0),
      freeMs: this.#freeMs(ends),
    };
  }

  /** What stands still for the owner takes no processor. */
  #cpuMs({ machine, fromMs, untilMs, end }: Run, lastMs: number): number {
    const until = Math.min(untilMs, lastMs);
    const owner = end === 'evicted' ? spanAt(this.#machines.get(machine)?.ownerThere ?? [], until) : null;
    return Math.max(0, Math.min(until, owner === null ? until : owner.fromMs + GRACE_MS) - fromMs);
  }

  #freeMs(ends: readonly number[]): number {
    const building: { fromMs: number; untilMs: number }[] = [];
    for (const [i, { startsAtMs }] of this.#scenario.builds.entries()) {
      const last = building.at(-1);
      const untilMs = ends[i] ?? startsAtMs;
      if (last !== undefined && startsAtMs <= last.untilMs) last.untilMs = Math.max(last.untilMs, untilMs);
      else building.push({ fromMs: startsAtMs, untilMs });
    }
    let free = 0;
    for (const { slots, ownerThere } of this.#machines.values()) {
      for (const { fromMs, untilMs } of building) {
        free += slots * (untilMs - fromMs);
        for (const there of ownerThere) {
          free -= slots * Math.max(0, Math.min(untilMs, there.untilMs) - Math.max(fromMs, there.fromMs));
        }
      }
    }
    return free;
  }
}
