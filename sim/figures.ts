// npm run sim -- figures: runs what the figures of docs/simulation.md show, draws each as SVG, and keeps the numbers beside them.
// npm run sim -- goals: the promised figures and what was reached.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { drawAll } from './drawings.ts';
import { goals, measureGoals } from './goals.ts';
import type { GoalRow } from './goals.ts';
import { figures } from './series.ts';
import type { FigureId, FigureRun } from './series.ts';
import { readTrace } from './tasks.ts';
import type { TaskMix } from './tasks.ts';

/** Where lines for people go, one at a time. */
export type Print = (line: string) => void;

const FIGURES_USAGE = 'usage: figures [--quick] [--out DIR] [--only ID,…] [--seeds N] [--trace FILE]';
const GOALS_USAGE = 'usage: goals [--json] [--seeds N] [--only ID,…]';
const SEEDS = 5;
const QUICK_SEEDS = 2;
const GOAL_SEEDS = 5;
const SEEDS_MAX = 1000;

/** Exit code 0, or 2 for wrong arguments. */
export function figuresCommand(argv: readonly string[], print: Print): number {
  const args = parsed(argv, { quick: { type: 'boolean' }, out: { type: 'string' }, trace: { type: 'string' } });
  if (args === null) return wrong(print, FIGURES_USAGE);
  const { quick, out, trace } = args.values;
  const seeds = seedsOf(args.values.seeds, quick === true ? QUICK_SEEDS : SEEDS);
  const only = chosen(args.values.only, Object.keys(figures));
  if (seeds === null || only === null) return wrong(print, FIGURES_USAGE);
  const mix = typeof trace === 'string' ? mixFrom(trace) : undefined;
  if (mix === null)
    return wrong(print, `${String(trace)}: no durations could be read; JSON or CSV of milliseconds is expected`);
  const dir = typeof out === 'string' ? out : 'docs/figures';
  mkdirSync(dir, { recursive: true });
  for (const id of only as FigureId[]) {
    const run = figures[id]({ seeds, quick: quick === true, mix, print });
    const file = join(dir, `${id}.json`);
    writeFileSync(file, JSON.stringify({ id, seeds, tasks: mix?.name ?? 'lognormal', ...run }, null, 1) + '\n');
    print(`${file}`);
    for (const [name, svg] of drawAll(id, run)) {
      writeFileSync(join(dir, `${name}.svg`), svg);
      print(join(dir, `${name}.svg`));
    }
  }
  return 0;
}

/** Exit code 0 when all goals are met, 1 when some are not, 2 for wrong arguments. */
export function goalsCommand(argv: readonly string[], print: Print): number {
  const args = parsed(argv, { json: { type: 'boolean' } });
  if (args === null) return wrong(print, GOALS_USAGE);
  const seeds = seedsOf(args.values.seeds, GOAL_SEEDS);
  const ids = chosen(
    args.values.only,
    goals.map((goal) => goal.id),
  );
  if (seeds === null || ids === null) return wrong(print, GOALS_USAGE);
  const rows = measureGoals(seeds, ids);
  if (args.values.json === true) print(JSON.stringify({ goals: rows, seeds }));
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

const SHARED = { seeds: { type: 'string' }, only: { type: 'string' } } as const;
type Options = Record<string, { readonly type: 'boolean' | 'string' }>;

function parsed(
  argv: readonly string[],
  own: Options,
): { values: Record<string, string | boolean | undefined> } | null {
  try {
    const { values } = parseArgs({ args: [...argv], options: { ...SHARED, ...own }, allowPositionals: false });
    return { values: values as Record<string, string | boolean | undefined> };
  } catch {
    return null;
  }
}

/** 1 … N. */
function seedsOf(text: string | boolean | undefined, usual: number): number[] | null {
  const count = text === undefined ? usual : Number(text);
  if (!Number.isInteger(count) || count < 1 || count > SEEDS_MAX) return null;
  return Array.from({ length: count }, (_, i) => i + 1);
}

function chosen(text: string | boolean | undefined, all: readonly string[]): string[] | null {
  if (typeof text !== 'string') return [...all];
  const ids = text.split(',');
  return ids.every((id) => all.includes(id)) ? ids : null;
}

function mixFrom(file: string): TaskMix | null {
  try {
    return readTrace(basename(file), readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}

function wrong(print: Print, line: string): number {
  print(line);
  return 2;
}

export type { FigureRun };
