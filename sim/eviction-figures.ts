// The command `evictions`: runs sim/evictions.ts, draws the pictures of docs/calendars.md, and prints their table.
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
      'what knowing how long owners stay away is worth; draws the figures of docs/calendars.md and prints the table',
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
      for (const [name, svg] of drawEvictions(rows, only)) {
        writeFileSync(join(out, `${name}.svg`), svg);
        print(join(out, `${name}.svg`));
      }
      print(tableOf(rows));
    });
}

/** Markdown, medians with their spread. */
function tableOf(rows: readonly EvictionRow[]): string {
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

const LONGEST = kinds.at(-1)?.name ?? '';

/** Name of the file (without its ending) and SVG of each picture: those of the longest tasks, for which it matters. */
function drawEvictions(rows: readonly EvictionRow[], which: readonly Farm[]): [string, string][] {
  const long = rows.filter(({ task }) => task === LONGEST);
  const note = `${office.machines} machines, ${office.days} working days; median and spread over seeds`;
  const draw = (of: (row: EvictionRow) => EvictionRow['lost'], title: string, label: string, step: number): string => {
    const most = Math.max(step, ...long.map((row) => of(row).most));
    return barPlot({
      title,
      note,
      groups: which.map((farm) => (farm === 'mixed' ? 'mixed and none' : `${farm} calendars`)),
      y: { label, ticks: Array.from({ length: Math.ceil(most / step) + 1 }, (_, i) => Number((i * step).toFixed(2))) },
      series: knowledges.map((knowledge) => ({
        name: `known: ${words[knowledge]}`,
        bars: which.map((farm) => {
          const row = long.find((each) => each.farm === farm && each.knowledge === knowledge);
          return row === undefined ? null : { y: of(row).median, low: of(row).least, high: of(row).most };
        }),
      })),
      write: (y) => (step < 1 ? y.toFixed(2) : y.toFixed(1)),
    });
  };
  const inPercent = ({ lost: { median, least, most } }: EvictionRow): EvictionRow['lost'] => ({
    median: 100 * median,
    least: 100 * least,
    most: 100 * most,
  });
  return [
    [
      'evictions-lost',
      draw(inPercent, `Tasks of ${LONGEST}: what owners’ returns cost`, '% of CPU time that came to nothing', 5),
    ],
    [
      'evictions-makespan',
      draw(
        ({ makespan }) => makespan,
        `Tasks of ${LONGEST}: how long builds take`,
        'makespan over that with nothing known',
        0.25,
      ),
    ],
  ];
}
