// How text is laid out for people: columns that fit the terminal, times and counts in few characters, colours only where they are wanted.

export interface Paint {
  bold(text: string): string;
  dim(text: string): string;
  warn(text: string): string;
}

/** Colours on a terminal only, and never against NO_COLOR or a terminal that has none. */
export function paintFor(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv = process.env): Paint {
  const wanted = stream.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  const style = (code: string) => (text: string) => (wanted && text !== '' ? `\x1b[${code}m${text}\x1b[0m` : text);
  return { bold: style('1'), dim: style('2'), warn: style('33') };
}

/** Columns of a terminal; elsewhere lines are as long as they are. */
export function widthOf(stream: NodeJS.WriteStream): number {
  return stream.isTTY === true && stream.columns > 0 ? stream.columns : Infinity;
}

export interface Column {
  readonly head: string;
  /** Numbers stand at the right. */
  readonly align?: 'right';
  /** Takes what room is left; cut at the side that tells less. One column of a table. */
  readonly flexible?: 'cut-left' | 'cut-right';
}

/** Lines of equal columns, none longer than `width`; the head comes first. */
export function layTable(columns: readonly Column[], rows: readonly (readonly string[])[], width: number): string[] {
  const heads = columns.map(({ head }) => head);
  const widths = columns.map(({ head }, at) => Math.max(head.length, ...rows.map((row) => lengthOf(row[at] ?? ''))));
  const flexible = columns.findIndex((column) => column.flexible !== undefined);
  const total = widths.reduce((sum, columnWidth) => sum + columnWidth, 2 * (columns.length - 1));
  const room = widths[flexible];
  if (total > width && room !== undefined) widths[flexible] = Math.max(8, room - (total - width));
  const lay = (cells: readonly string[]): string => {
    const laid = columns.map((column, at) => {
      const cellWidth = widths[at] ?? 0;
      const cut = column.flexible ?? 'cut-right';
      const cell = withoutControls(cells[at] ?? '');
      const text = cut === 'cut-left' ? cutLeft(cell, cellWidth) : cutRight(cell, cellWidth);
      const padding = ' '.repeat(cellWidth - lengthOf(text));
      return column.align === 'right' ? padding + text : text + padding;
    });
    return cutRight(laid.join('  ').trimEnd(), width);
  };
  return [lay(heads), ...rows.map(lay)];
}

/** At most `width` characters; what is missing at the end is marked. */
export function cutRight(text: string, width: number): string {
  if (lengthOf(text) <= width) return text;
  return `${Array.from(text)
    .slice(0, Math.max(0, width - 1))
    .join('')}…`;
}

/** The same, but the end is kept: of a path it tells more. */
export function cutLeft(text: string, width: number): string {
  if (lengthOf(text) <= width) return text;
  return `…${Array.from(text)
    .slice(lengthOf(text) - Math.max(0, width - 1))
    .join('')}`;
}

/** Words in lines of at most `width`. A word that is longer is cut. */
export function fold(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of withoutControls(text).split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (lengthOf(longer) <= width || line === '') {
      line = longer;
      continue;
    }
    lines.push(line);
    line = word;
  }
  lines.push(line);
  return lines.map((each) => cutRight(each, width));
}

/** «35 ms», «1.8 s», «12 s», «4 min», «1.5 h». */
export function shortTime(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 9950) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 90_000) return `${Math.round(ms / 1000)} s`;
  if (ms < 90 * 60_000) return `${Math.round(ms / 60_000)} min`;
  return `${(ms / 3_600_000).toFixed(1)} h`;
}

/** A path as one would type it: relative where it lies below `cwd`. */
export function nearPath(path: string, cwd: string): string {
  return cwd !== '/' && path.startsWith(`${cwd}/`) ? path.slice(cwd.length + 1) : path;
}

/** «1 task», «2 tasks». */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** What other machines and paths bring along must not move the cursor or colour the terminal. */
export function withoutControls(text: string): string {
  return text.replace(/\p{Cc}/gu, '?');
}

function lengthOf(text: string): number {
  return Array.from(text).length;
}
