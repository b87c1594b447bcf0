// A few lines that are drawn again in place on a terminal; elsewhere each drawing follows the last, with an empty line between.

const plainEveryMs = 2000;

export interface Screen {
  /** How many lines may be shown at once. */
  rows(): number;
  show(lines: readonly string[]): void;
  close(): void;
}

export function openScreen(stream: NodeJS.WriteStream): Screen {
  if (stream.isTTY !== true || process.env['TERM'] === 'dumb') return plainScreen(stream);
  let drawn = 0;
  stream.write('\x1b[?25l');
  // A terminal that has become narrower has wrapped the lines: where they begin is not known any more.
  const resized = (): void => {
    stream.write('\x1b[H\x1b[J');
    drawn = 0;
  };
  stream.on('resize', resized);
  return {
    // The last row stays free: a line feed there would scroll.
    rows: () => Math.max(2, stream.rows - 1),
    show: (lines) => {
      const up = drawn === 0 ? '\r' : `\x1b[${drawn}A\r`;
      stream.write(`${up}${lines.map((line) => `${line}\x1b[K\n`).join('')}\x1b[J`);
      drawn = lines.length;
    },
    close: () => {
      stream.off('resize', resized);
      stream.write('\x1b[?25h');
    },
  };
}

function plainScreen(stream: NodeJS.WriteStream): Screen {
  let first = true;
  let lastAt = -Infinity;
  return {
    rows: () => Infinity,
    show: (lines) => {
      if (performance.now() - lastAt < plainEveryMs) return;
      lastAt = performance.now();
      stream.write(`${first ? '' : '\n'}${lines.join('\n')}\n`);
      first = false;
    },
    close: () => undefined,
  };
}
