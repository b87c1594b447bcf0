// What the demo says while it runs: one line that rewrites itself on a terminal, else a line now and then.
import type { Writable } from 'node:stream';

const LINE_EVERY_MS = 10_000;

export interface Progress {
  /** Somebody watches a terminal. */
  readonly live: boolean;
  /** A step that stays on the screen. */
  say(line: string): void;
  /** The state of the step that runs. */
  update(text: string): void;
  /** Ends the rewritten line. */
  clear(): void;
}

/** `screen` null: not a terminal, so that updates become lines every ten seconds, through `log` as all else does. */
export function createProgress(log: (line: string) => void, screen: Writable | null): Progress {
  let shown = '';
  let lastLineAt = performance.now();
  const clear = (): void => {
    if (shown !== '') screen?.write('\r\x1b[K');
    shown = '';
  };
  return {
    live: screen !== null,
    clear,
    say: (line) => {
      clear();
      lastLineAt = performance.now();
      log(line);
    },
    update: (text) => {
      if (screen !== null) {
        if (text !== shown) screen.write(`\r${text}\x1b[K`);
        shown = text;
      } else if (performance.now() - lastLineAt >= LINE_EVERY_MS) {
        lastLineAt = performance.now();
        log(text);
      }
    },
  };
}
