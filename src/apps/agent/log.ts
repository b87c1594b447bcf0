// The agent's log: one JSON line an event in $TENDER_HOME/log/agent.log, cut back at start when it has grown large.
import { mkdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';

const maxLogBytes = 16 * 1024 * 1024;

export interface Log {
  write(event: string, fields: Record<string, unknown>): void;
  close(): Promise<void>;
}

/** TENDER_LOG=debug also writes what happens to each task. */
export function openLog(home: string): Log {
  const directory = join(home, 'log');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = join(directory, 'agent.log');
  try {
    if (statSync(file).size > maxLogBytes) renameSync(file, `${file}.1`);
  } catch {
    // There is none yet.
  }
  const destination = pino.destination({ dest: file, mode: 0o600, sync: false, minLength: 0 });
  const logger = pino({ level: process.env['TENDER_LOG'] ?? 'info', base: null }, destination);
  const perTask = new Set(['awarded', 'ended', 'local', 'not-kept']);
  return {
    write: (event, fields) => {
      if (perTask.has(event)) logger.debug({ event, ...fields });
      else logger.info({ event, ...fields });
    },
    close: () =>
      new Promise((resolve) => {
        destination.flush(() => resolve());
      }),
  };
}
