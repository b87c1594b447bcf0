// A journal of one simulated node, in the format of an agent's (src/apps/agent/journal.ts), with the effects themselves
// beside their digests, so that a difference can be shown whole.
import { closeSync, openSync, writeSync } from 'node:fs';
import type { NodeId } from '../src/core/types.ts';
import { digestOf } from './replay.ts';
import type { Watch } from './world.ts';

const BUFFER_BYTES = 64 * 1024;

export interface JournalFile {
  readonly watch: Watch;
  close(): void;
}

/** Writes the first life of `node` to `path`, over what is there. */
export function openJournal(path: string, node: NodeId): JournalFile {
  const fd = openSync(path, 'w', 0o600);
  let lives = 0;
  let buffer = '';
  const flush = (): void => {
    writeSync(fd, buffer);
    buffer = '';
  };
  const write = (line: object): void => {
    buffer += `${JSON.stringify(line)}\n`;
    if (buffer.length > BUFFER_BYTES) flush();
  };
  return {
    watch: {
      born: (life) => {
        if (life.node !== node) return;
        lives += 1;
        const { role, options, seed, record } = life;
        if (lives === 1) write({ journal: 1, role, node, options, seed, record, wallMs: 0 });
        else if (lives === 2) write({ end: 'broke' });
      },
      step: (id, at, event, effects) => {
        if (id !== node || lives !== 1) return;
        write({ at, event, effects: digestOf(effects), gave: effects });
      },
    },
    close: () => {
      if (lives === 1) write({ end: 'stopped' });
      flush();
      closeSync(fd);
    },
  };
}
