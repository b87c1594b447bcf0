// npm run sim -- figures: runs what the figures of docs/simulation.md show, draws each as SVG, and keeps the numbers beside them.
// npm run sim -- goals: the promised figures and what was reached. npm run sim -- owners: the same of forecasts, for docs/calendars.md.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { drawAll } from './drawings.ts';
import { goals, measureGoals } from './goals.ts';
import type { GoalRow } from './goals.ts';
import { drawOwners, measureOwners } from './owners.ts';
import type { OwnerRow } from './owners.ts';
import { figures } from './series.ts';
import type { FigureId } from './series.ts';
import { readTrace } from './tasks.ts';
import type { TaskMix } from './tasks.ts';

/** Where lines go: what was asked for, and what is said meanwhile. */
export interface Lines {
  readonly print: (line: string) => void;
  readonly log: (line: string) => void;
}

interface FigureFlags {
  readonly quick?: boolean;
  readonly out: string;
  readonly only: readonly FigureId[];
  readonly seeds?: number;
  readonly trace?: TaskMix;
}

interface GoalFlags {
  readonly json?: boolean;
  readonly only: readonly string[];
  readonly seeds: number;
}

interface OwnerFlags {
  readonly out: string;
  readonly seeds: number;
  readonly days: number;
}

const SEEDS = 5;
const OWNER_DAYS = 180;
const QUICK_SEEDS = 2;
const SEEDS_MAX = 1000;

/** The commands `figures` and `goals` of the simulator. */
export function addFigureCommands(program: Command, lines: Lines): void {
  const figureIds = Object.keys(figures) as FigureId[];
  program
    .command('figures')
    .description('draws the figures of docs/simulation.md and keeps their numbers as JSON')
    .option('--quick', 'fewer seeds, and farms of up to 300 machines')
    .option('--out <dir>', 'where they go', 'docs/figures')
    .option('--only <ids>', `some of ${figureIds.join(',')}`, among(figureIds), figureIds)
    .option('--seeds <n>', 'seeds 1 to n', countOfSeeds)
    .option('--trace <file>', 'task lengths from a JSON or CSV file of milliseconds instead of lognormal ones', mixFrom)
    .action((flags: FigureFlags) => drawFigures(flags, lines));
  program
    .command('owners')
    .description(
      'how well S(d) foretells made-up owners; draws the figures of docs/calendars.md and keeps their numbers',
    )
    .option('--out <dir>', 'where they go', 'docs/figures')
    .option('--seeds <n>', 'seeds 1 to n', countOfSeeds, SEEDS)
    .option('--days <n>', 'of each owner’s life', countOfSeeds, OWNER_DAYS)
    .action((flags: OwnerFlags) => drawOwnerFigures(flags, lines));
  const goalIds = goals.map((goal) => goal.id);
  program
    .command('goals')
    .description('the promised figures and what was reached; exit code 1 when one is not met')
    .option('--json', 'one line of JSON')
    .option('--only <ids>', `some of ${goalIds.join(',')}`, among(goalIds), goalIds)
    .option('--seeds <n>', 'seeds 1 to n', countOfSeeds, SEEDS)
    .action((flags: GoalFlags) => {
      process.exitCode = showGoals(flags, lines);
    });
}

function drawOwnerFigures({ out, seeds, days }: OwnerFlags, { print, log }: Lines): void {
  const rows = measureOwners(firstSeeds(seeds), days, log);
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, 'owners.json'), `${JSON.stringify({ seeds: firstSeeds(seeds), days, rows }, roundly, 1)}\n`);
  for (const [name, svg] of drawOwners(rows)) {
    writeFileSync(join(out, `${name}.svg`), svg);
    print(join(out, `${name}.svg`));
  }
  for (const row of rows) print(lineOfOwner(row));
}

function lineOfOwner({ calendar, read, minutes, time, skill, calibrationError, rate }: OwnerRow): string {
  const who = `${calendar}${read ? '' : ', not read'}`.padEnd(18);
  const spread = (of: OwnerRow['skill']): string =>
    `${written(of.median)} (${written(of.least)} – ${written(of.most)})`;
  const when = `${time} ${String(minutes).padStart(2)} min`;
  return `${who} ${when}  skill ${spread(skill)}  calibration error ${spread(calibrationError)}  stayed free ${written(rate)}`;
}

function drawFigures(flags: FigureFlags, { print, log }: Lines): void {
  const { quick = false, out, only, trace } = flags;
  const seeds = firstSeeds(flags.seeds ?? (quick ? QUICK_SEEDS : SEEDS));
  mkdirSync(out, { recursive: true });
  const write = (name: string, text: string): void => {
    writeFileSync(join(out, name), text);
    print(join(out, name));
  };
  for (const id of only) {
    const run = figures[id]({ seeds, quick, mix: trace, log });
    const about = { figure: id, tasks: trace?.name ?? 'lognormal', seeds };
    write(`${id}.json`, `${JSON.stringify({ ...about, ...run }, roundly, 1)}\n`);
    for (const [name, svg] of drawAll(id, run)) write(`${name}.svg`, svg);
  }
}

function showGoals({ json, only, seeds }: GoalFlags, { print }: Lines): number {
  const rows = measureGoals(firstSeeds(seeds), only);
  if (json === true) print(JSON.stringify({ goals: rows, seeds: firstSeeds(seeds) }, roundly));
  else for (const row of rows) print(lineOf(row));
  return rows.every((row) => row.met) ? 0 : 1;
}

function lineOf({ about, limit, median, least, most, met }: GoalRow): string {
  const figure = `${written(median)} (${written(least)} – ${written(most)})`;
  return `${met ? 'met     ' : 'not met '} ${figure.padEnd(24)} limit ${written(limit).padEnd(6)} ${about}`;
}

function written(figure: number): string {
  return Math.abs(figure) < 10 ? figure.toFixed(3) : figure.toFixed(1);
}

/** Four digits are more than a seed's figure is worth. */
export function roundly(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value;
}

export function firstSeeds(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}

export function countOfSeeds(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > SEEDS_MAX) {
    throw new InvalidArgumentError(`a whole number from 1 to ${SEEDS_MAX} is wanted.`);
  }
  return count;
}

export function among<T extends string>(all: readonly T[]): (text: string) => T[] {
  return (text) =>
    text.split(',').map((name) => {
      const found = all.find((each) => each === name);
      if (found === undefined) throw new InvalidArgumentError(`${name} is none of ${all.join(', ')}.`);
      return found;
    });
}

function mixFrom(file: string): TaskMix {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new InvalidArgumentError(`it cannot be read: ${(error as Error).message}.`);
  }
  const mix = readTrace(basename(file), text);
  if (mix === null) throw new InvalidArgumentError('durations in milliseconds are wanted, as JSON or CSV.');
  return mix;
}
