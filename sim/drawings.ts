// The figures' runs as pictures: which values on which axes, and what the words around them say.
import type { FigureId, FigureRow, FigureRun } from './series.ts';
import type { Scheduler } from './measure.ts';
import { barPlot, evenTicks, linePlot, logTicks } from './plots/svg.ts';
import type { Point, Series } from './plots/svg.ts';

const NAMES: Readonly<Record<Scheduler, string>> = {
  tender: 'Tender',
  'round-robin': 'round robin',
  random: 'random',
  'least-loaded': 'least loaded',
  central: 'central',
};
const SETTINGS: Readonly<Record<string, string>> = {
  office: 'office',
  'office-small': 'small builds',
  far: 'half far',
  calm: 'calm',
  'frozen-quarter': 'frozen quarter',
  fair: 'four builds',
};
const SPREAD = 'median and spread over seeds';

/** Name of the file (without its ending) and SVG of each picture of a figure. */
export function drawAll(id: FigureId, run: FigureRun): [string, string][] {
  switch (id) {
    case 'sizes':
      return [
        ['makespan', makespan(run)],
        ['messages', messages(run)],
      ];
    case 'awards':
      return [['awards', awards(run)]];
    case 'waste':
      return [['waste', waste(run)]];
    case 'recovery':
      return [['recovery', recovery(run)]];
    case 'jobs':
      return [['jobs', jobs(run)]];
  }
}

function makespan({ rows }: FigureRun): string {
  const series = bySchedulers(rows, 'ratio');
  return linePlot({
    title: 'Makespan over the clairvoyant lower bound',
    note: `offices of 10 to 10,000 machines with owners, crashes and gray machines; one build; ${SPREAD}`,
    x: sizeAxis(rows),
    y: { label: 'makespan / lower bound', log: true, ticks: ratioTicks(series) },
    series,
  });
}

function messages({ rows }: FigureRun): string {
  const once = seriesOf(rows, 'tender', 'sendsPerTask', 'Tender, sends');
  const series = [...bySchedulers(rows, 'messagesPerTask'), once];
  return linePlot({
    title: 'Messages per task',
    note: 'every receiver of an announcement counted; «sends» counts a multicast once',
    x: sizeAxis(rows),
    y: { label: 'messages per task', log: true, ticks: logTicks(ysOf(series)) },
    series,
    marks: [{ y: 2.5, label: 'goal for 60' }],
  });
}

function awards({ rows }: FigureRun): string {
  const series = [
    seriesOf(rows, 'tender', 'awardP50', 'Tender, median'),
    seriesOf(rows, 'tender', 'awardP90', 'Tender, 90 %'),
    ...(['round-robin', 'central', 'least-loaded'] as const).map((scheduler) =>
      seriesOf(rows, scheduler, 'awardP50', NAMES[scheduler]),
    ),
  ];
  return linePlot({
    title: 'From submission to a machine, in round trips',
    note: 'calm farms of which make keeps a quarter busy: a slot is free for each; the first quarter meets the machines',
    x: sizeAxis(rows),
    y: { label: 'round trips (0.6 ms)', log: true, ticks: logTicks(ysOf(series)) },
    series,
  });
}

function waste({ rows }: FigureRun): string {
  const bars = (key: 'hedgeWaste' | 'waste'): (Omit<Point, 'x'> | null)[] =>
    rows.map((row) => percent(pointOf(row, key)));
  const all = [...bars('waste'), ...bars('hedgeWaste')].map((bar) => bar?.high ?? 0);
  return barPlot({
    title: 'Machine time that came to nothing',
    note: `share of all machine time; lost copies, and with what owners, crashes and freezes ended; ${SPREAD}`,
    groups: rows.map((row) => SETTINGS[row.setting] ?? row.setting),
    y: { label: '% of machine time', ticks: evenTicks([...all, 8]) },
    series: [
      { name: 'lost copies', bars: bars('hedgeWaste') },
      { name: 'everything', bars: bars('waste') },
    ],
    marks: [{ y: 8, label: 'goal: copies' }],
    write: (y) => y.toFixed(1),
  });
}

function recovery({ rows }: FigureRun): string {
  const schedulers = Object.keys(NAMES) as Scheduler[];
  const bars = (setting: string): (Omit<Point, 'x'> | null)[] =>
    schedulers.map((scheduler) => {
      const row = rows.find((one) => one.setting === setting && one.scheduler === scheduler);
      return row === undefined ? null : pointOf(row, 'ratio');
    });
  const [calm, frozen] = [bars('calm'), bars('frozen-quarter')];
  const highs = [...calm, ...frozen].map((bar) => bar?.high ?? 1);
  return barPlot({
    title: 'When a quarter of the machines freezes',
    note: `60 machines, a quarter stopped for good (SIGSTOP) at 40 % of the build; ${SPREAD}`,
    groups: schedulers.map((scheduler) => NAMES[scheduler]),
    y: { label: 'makespan / lower bound', log: true, ticks: logTicks([1, ...highs]) },
    series: [
      { name: 'nothing freezes', bars: calm },
      { name: 'a quarter', bars: frozen },
    ],
    write: (y) => (y < 10 ? y.toFixed(2) : y.toFixed(0)),
  });
}

function jobs({ rows }: FigureRun): string {
  const series = ['calm', 'office'].map((setting) => ({
    name: setting,
    points: rows.filter((row) => row.setting === setting).map((row) => pointOf(row, 'ratio')),
  }));
  return linePlot({
    title: 'How many jobs make is asked for',
    note: 'a task that make has not started yet cannot be ordered: long ones late in its list end last',
    x: { label: 'jobs (-j) per slot of the farm', log: true, ticks: [...new Set(rows.map((row) => row.x))] },
    y: { label: 'makespan / lower bound', ticks: evenTicks(ysOf(series)) },
    series,
  });
}

function bySchedulers(rows: readonly FigureRow[], key: 'ratio' | 'messagesPerTask'): Series[] {
  const schedulers = [...new Set(rows.map((row) => row.scheduler))];
  return schedulers.map((scheduler) => seriesOf(rows, scheduler, key, NAMES[scheduler]));
}

function seriesOf(
  rows: readonly FigureRow[],
  scheduler: Scheduler,
  key: keyof FigureRow['values'],
  name: string,
): Series {
  return { name, points: rows.filter((row) => row.scheduler === scheduler).map((row) => pointOf(row, key)) };
}

function pointOf(row: FigureRow, key: keyof FigureRow['values']): Point {
  const { median, least, most } = row.values[key];
  return { x: row.x, y: median, low: least, high: most };
}

function percent({ y, low, high }: Point): Omit<Point, 'x'> {
  return { y: 100 * y, low: 100 * (low ?? y), high: 100 * (high ?? y) };
}

function sizeAxis(rows: readonly FigureRow[]): { label: string; log: true; ticks: number[] } {
  return { label: 'machines', log: true, ticks: [...new Set(rows.map((row) => row.x))] };
}

function ysOf(series: readonly Series[]): number[] {
  return series.flatMap(({ points }) => points.flatMap(({ y, low, high }) => [y, low ?? y, high ?? y]));
}

function ratioTicks(series: readonly Series[]): number[] {
  return logTicks([1, ...ysOf(series)], [1, 1.5, 2, 3, 5, 7]);
}
