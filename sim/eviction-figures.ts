// The command `evictions`: runs sim/evictions.ts, draws the picture of docs/calendars.md, and prints the table that stands beside it.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { farms, kinds, measureEvictions, office, type EvictionRow, type Farm } from './evictions.ts';
import { among, countOfSeeds, firstSeeds, roundly } from './figures.ts';
import type { Lines } from './figures.ts';
import { knowledges, type Knowledge } from './knowledge.ts';
import { barPlot } from './plots/svg.ts';

const SEEDS = 5;

interface Flags {
  readonly out: string;
  readonly seeds: number;
  readonly only: readonly Farm[];
}

const words: Readonly<Record<Knowledge, string>> = {
  none: 'nothing',
  habits: 'habits',
  calendar: 'calendar',
};

export function addEvictionCommand(program: Command, { print, log }: Lines): void {
  program
    .command('evictions')
    .description(
      'what knowing how long owners stay away is worth; draws a figure of docs/calendars.md and prints its table',
    )
    .option('--out <dir>', 'where they go', 'docs/figures')
    .option('--seeds <n>', 'seeds 1 to n', countOfSeeds, SEEDS)
    .option('--only <farms>', `whose calendars: some of ${farms.join(',')}`, among([...farms]), [...farms])
    .action(({ out, seeds, only }: Flags) => {
      const all = firstSeeds(seeds);
      const rows = measureEvictions(only, all, office, log);
      mkdirSync(out, { recursive: true });
      writeFileSync(
        join(out, 'evictions.json'),
        `${JSON.stringify({ seeds: all, office, kinds, rows }, roundly, 1)}\n`,
      );
      writeFileSync(join(out, 'evictions.svg'), drawEvictions(rows, only));
      print(join(out, 'evictions.svg'));
      print(tableOf(rows));
    });
}

/** Markdown, medians with their spread. */
export function tableOf(rows: readonly EvictionRow[]): string {
  const percent = ({ median, least, most }: EvictionRow['lost']): string =>
    `${written(median)} % (${written(least)} – ${written(most)})`;
  const ratio = ({ median, least, most }: EvictionRow['makespan']): string =>
    `${median.toFixed(2)} (${least.toFixed(2)} – ${most.toFixed(2)})`;
  const lines = rows.map(({ farm, task, knowledge, evicted, lost, makespan, used, here }) => {
    const time = knowledge === 'none' ? '1' : ratio(makespan);
    const cells = [task, farm, words[knowledge], percent(evicted), percent(lost), time, percent(used), percent(here)];
    return `| ${cells.join(' | ')} |`;
  });
  const head = '| tasks | calendars | known | evicted | CPU lost | makespan | idle time used | ran at home |';
  return [head, '|---|---|---|---|---|---|---|---|', ...lines].join('\n');
}

function written(share: number): string {
  const percent = 100 * share;
  return percent < 10 ? percent.toFixed(1) : percent.toFixed(0);
}

function drawEvictions(rows: readonly EvictionRow[], which: readonly Farm[]): string {
  const shown = kinds.filter(({ name }) => rows.some(({ task }) => task === name));
  const groups = shown.flatMap(({ name }) => which.map((farm) => ({ name, farm })));
  const most = Math.max(0.01, ...rows.map(({ lost }) => 100 * lost.most));
  const step = most > 12 ? 5 : 2;
  return barPlot({
    title: 'Processor time lost to owners who came back',
    note: 'share of what others’ machines spent; 30 machines, working days; median and spread over seeds',
    groups: groups.map(({ name, farm }) => `${name}, ${farm}`),
    y: { label: '% of CPU time lost', ticks: Array.from({ length: Math.ceil(most / step) + 1 }, (_, i) => i * step) },
    series: knowledges.map((knowledge) => ({
      name: words[knowledge],
      bars: groups.map(({ name, farm }) => {
        const row = rows.find((each) => each.task === name && each.farm === farm && each.knowledge === knowledge);
        if (row === undefined) return null;
        return { y: 100 * row.lost.median, low: 100 * row.lost.least, high: 100 * row.lost.most };
      }),
    })),
    write: (y) => (y < 10 ? y.toFixed(1) : y.toFixed(0)),
  });
}
