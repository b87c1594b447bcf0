// Shows progress beside a command that owns the terminal: the last row is taken out of the scrolling region (as apt does),
// so that the build keeps its terminal, its colours and its own status lines. Elsewhere: a plain line now and then.

export interface ProgressView {
  show(line: string): void;
  close(): void;
}

const plainEveryMs = 5_000;

export function openProgress(stream: NodeJS.WriteStream): ProgressView {
  if (stream.isTTY !== true || process.env['TERM'] === 'dumb' || stream.rows < 4) return plainProgress(stream);
  let rows = 0;
  const reserve = (): void => {
    rows = stream.rows;
    // Save the cursor, keep all rows but the last for scrolling (which homes the cursor), restore it above the reserved row.
    stream.write(`\n\x1b7\x1b[1;${rows - 1}r\x1b8\x1b[1A`);
  };
  const clear = (): void => {
    stream.write(`\x1b7\x1b[r\x1b[${rows};1H\x1b[2K\x1b8`);
  };
  const resized = (): void => {
    clear();
    reserve();
  };
  reserve();
  stream.on('resize', resized);
  return {
    show: (line) => stream.write(`\x1b7\x1b[${rows};1H\x1b[2K\x1b[2m${line}\x1b[0m\x1b8`),
    close: () => {
      stream.off('resize', resized);
      clear();
    },
  };
}

function plainProgress(stream: NodeJS.WriteStream): ProgressView {
  let lastAt = performance.now();
  let last = '';
  return {
    show: (line) => {
      const now = performance.now();
      if (now - lastAt < plainEveryMs || line === last) return;
      lastAt = now;
      last = line;
      stream.write(`${line}\n`);
    },
    close: () => undefined,
  };
}
