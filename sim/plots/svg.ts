// Plots as SVG text, without any library: lines over a logarithmic or even axis, and grouped bars. A figure must be readable in
// black on white, printed, and by those who do not tell red from green: colours by Okabe and Ito, each line with a mark of its own.

export interface Point {
  readonly x: number;
  readonly y: number;
  /** The spread over seeds, drawn as a thin bar. */
  readonly low?: number;
  readonly high?: number;
}

export interface Series {
  readonly name: string;
  readonly points: readonly Point[];
}

export interface Axis {
  readonly label: string;
  readonly log?: boolean;
  /** Where ticks are; the first and the last are the ends of the axis. */
  readonly ticks: readonly number[];
}

/** A horizontal line with a word: a goal, a bound. */
export interface Mark {
  readonly y: number;
  readonly label: string;
}

export interface LinePlot {
  readonly title: string;
  readonly note: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
  readonly marks?: readonly Mark[];
}

export interface BarPlot {
  readonly title: string;
  readonly note: string;
  readonly groups: readonly string[];
  readonly y: Axis;
  /** One bar a group and series; null: none. */
  readonly series: readonly { readonly name: string; readonly bars: readonly (Omit<Point, 'x'> | null)[] }[];
  readonly marks?: readonly Mark[];
  /** How a bar's figure is written above it. */
  readonly write: (y: number) => string;
}

const WIDTH = 800;
const HEIGHT = 470;
const LEFT = 74;
const RIGHT = 150;
const TOP = 74;
const BOTTOM = 58;
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#444444'] as const;
const INK = '#222222';
const FAINT = '#e3e3e3';

export function linePlot(plot: LinePlot): string {
  const parts = frame(plot.title, plot.note, plot.y, plot.marks ?? []);
  const xOf = scaleOf(plot.x, LEFT, WIDTH - RIGHT);
  const yOf = scaleOf(plot.y, HEIGHT - BOTTOM, TOP);
  for (const tick of plot.x.ticks) {
    parts.push(line(xOf(tick), HEIGHT - BOTTOM, xOf(tick), HEIGHT - BOTTOM + 5, INK, 1));
    parts.push(text(xOf(tick), HEIGHT - BOTTOM + 20, written(tick), 'middle'));
  }
  parts.push(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14, plot.x.label, 'middle'));
  for (const [i, series] of plot.series.entries()) {
    const colour = colourOf(i);
    const path = series.points.map(({ x, y }, at) => `${at === 0 ? 'M' : 'L'}${fixed(xOf(x))} ${fixed(yOf(y))}`);
    parts.push(`<path d="${path.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`);
    for (const point of series.points) {
      parts.push(spread(xOf(point.x), point, yOf, colour), mark(i, xOf(point.x), yOf(point.y), colour));
    }
  }
  parts.push(
    ...legend(
      plot.series.map(({ name }) => name),
      true,
    ),
  );
  return document(parts);
}

export function barPlot(plot: BarPlot): string {
  const parts = frame(plot.title, plot.note, plot.y, plot.marks ?? []);
  const yOf = scaleOf(plot.y, HEIGHT - BOTTOM, TOP);
  const groupWidth = (WIDTH - LEFT - RIGHT) / plot.groups.length;
  const barWidth = Math.min(46, (0.84 * groupWidth) / plot.series.length);
  const floor = HEIGHT - BOTTOM;
  for (const [g, group] of plot.groups.entries()) {
    const middle = LEFT + (g + 0.5) * groupWidth;
    parts.push(text(middle, floor + 20, group, 'middle'));
    for (const [i, { bars }] of plot.series.entries()) {
      const bar = bars[g];
      if (bar === null || bar === undefined) continue;
      const x = middle + (i - plot.series.length / 2) * barWidth;
      const top = yOf(bar.y);
      const size = `width="${fixed(barWidth - 3)}" height="${fixed(Math.max(0, floor - top))}"`;
      parts.push(`<rect x="${fixed(x + 1.5)}" y="${fixed(top)}" ${size} fill="${colourOf(i)}"/>`);
      parts.push(spread(x + barWidth / 2, bar, yOf, INK));
      const above = Math.min(top, bar.high === undefined ? top : yOf(bar.high));
      parts.push(text(x + barWidth / 2, above - 5, plot.write(bar.y), 'middle', 11));
    }
  }
  if (plot.series.length > 1)
    parts.push(
      ...legend(
        plot.series.map(({ name }) => name),
        false,
      ),
    );
  return document(parts);
}

/** Ticks of 1, 2 and 5 (or of 1 alone) times powers of ten that hold all of `values`. */
export function logTicks(values: readonly number[], steps: readonly number[] = [1, 2, 5]): number[] {
  const [low, high] = rangeOf(values);
  const all: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    for (const step of steps) all.push(Number((step * 10 ** power).toPrecision(3)));
  }
  const first = all.findLastIndex((tick) => tick <= low);
  const last = all.findIndex((tick) => tick >= high);
  return all.slice(Math.max(0, first), (last === -1 ? all.length : last) + 1);
}

/** Even ticks from 0 that hold all of `values`. */
export function evenTicks(values: readonly number[]): number[] {
  const high = Math.max(...values, 1e-9);
  const rough = high / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 2.5, 5, 10].find((each) => each * power >= rough) ?? 10);
  return Array.from({ length: Math.ceil(high / step) + 1 }, (_, i) => Number((i * step).toPrecision(6)));
}

function rangeOf(values: readonly number[]): [number, number] {
  const positive = values.filter((value) => value > 0 && Number.isFinite(value));
  return [Math.min(...positive, Infinity), Math.max(...positive, 1e-9)];
}

function frame(title: string, note: string, y: Axis, marks: readonly Mark[]): string[] {
  const yOf = scaleOf(y, HEIGHT - BOTTOM, TOP);
  const parts = [
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    text(LEFT - 56, 28, title, 'start', 17, 'bold'),
    text(LEFT - 56, 48, note, 'start', 12, 'normal', '#555555'),
  ];
  for (const tick of y.ticks) {
    parts.push(line(LEFT, yOf(tick), WIDTH - RIGHT, yOf(tick), FAINT, 1));
    parts.push(text(LEFT - 8, yOf(tick) + 4, written(tick), 'end'));
  }
  parts.push(
    line(LEFT, TOP, LEFT, HEIGHT - BOTTOM, INK, 1),
    line(LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM, INK, 1),
    `<g transform="translate(20 ${(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)">${text(0, 0, y.label, 'middle')}</g>`,
  );
  for (const { y: at, label } of marks) {
    parts.push(
      `<path d="M${LEFT} ${fixed(yOf(at))} H${WIDTH - RIGHT}" stroke="${INK}" stroke-width="1" stroke-dasharray="5 4"/>`,
      text(WIDTH - RIGHT + 6, yOf(at) + 4, label, 'start', 11),
    );
  }
  return parts;
}

function legend(names: readonly string[], withMarks: boolean): string[] {
  return names.flatMap((name, i) => {
    const [x, y] = [WIDTH - RIGHT + 18, TOP + 8 + 20 * i];
    const sign = withMarks
      ? line(x - 10, y, x + 10, y, colourOf(i), 2) + mark(i, x, y, colourOf(i))
      : `<rect x="${x - 6}" y="${y - 6}" width="12" height="12" fill="${colourOf(i)}"/>`;
    return [sign, text(x + 16, y + 4, name, 'start')];
  });
}

function scaleOf(axis: Axis, from: number, to: number): (value: number) => number {
  const [first, last] = [axis.ticks[0] ?? 0, axis.ticks.at(-1) ?? 1];
  const place = axis.log === true ? Math.log : (value: number): number => value;
  const [low, high] = [place(first), place(last)];
  return (value) => {
    const share = (place(Math.min(last, Math.max(first, value))) - low) / (high - low || 1);
    return from + (to - from) * share;
  };
}

function spread(x: number, point: Omit<Point, 'x'>, yOf: (y: number) => number, colour: string): string {
  if (point.low === undefined || point.high === undefined || point.low === point.high) return '';
  return line(x, yOf(point.low), x, yOf(point.high), colour, 1.2);
}

function mark(i: number, x: number, y: number, colour: string): string {
  const [at, size] = [`${fixed(x)} ${fixed(y)}`, 4.5];
  const paint = `fill="${colour}" stroke="#ffffff" stroke-width="1"`;
  switch (i % 5) {
    case 0:
      return `<circle cx="${fixed(x)}" cy="${fixed(y)}" r="${size}" ${paint}/>`;
    case 1:
      return `<path d="M${at} m-4.5 -4.5 h9 v9 h-9 z" ${paint}/>`;
    case 2:
      return `<path d="M${at} m0 -6 l5.5 10 h-11 z" ${paint}/>`;
    case 3:
      return `<path d="M${at} m0 -6 l5.5 6 l-5.5 6 l-5.5 -6 z" ${paint}/>`;
    default:
      return `<path d="M${at} m0 6 l5.5 -10 h-11 z" ${paint}/>`;
  }
}

function colourOf(i: number): string {
  return COLOURS[i % COLOURS.length] ?? INK;
}

function line(x1: number, y1: number, x2: number, y2: number, colour: string, width: number): string {
  const ends = `x1="${fixed(x1)}" y1="${fixed(y1)}" x2="${fixed(x2)}" y2="${fixed(y2)}"`;
  return `<line ${ends} stroke="${colour}" stroke-width="${width}"/>`;
}

function text(
  x: number,
  y: number,
  words: string,
  anchor: 'start' | 'middle' | 'end',
  size = 12,
  weight = 'normal',
  colour = INK,
): string {
  const style = `font-size="${size}" font-weight="${weight}" fill="${colour}"`;
  return `<text x="${fixed(x)}" y="${fixed(y)}" text-anchor="${anchor}" ${style}>${escaped(words)}</text>`;
}

function written(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(3)));
}

function fixed(value: number): string {
  return String(Number(value.toFixed(1)));
}

function escaped(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

function document(parts: readonly string[]): string {
  const size = `width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}"`;
  const font = 'font-family="DejaVu Sans, Verdana, Helvetica, Arial, sans-serif"';
  const body = parts.filter((part) => part !== '').join('\n');
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} ${font} role="img">\n${body}\n</svg>\n`;
}
