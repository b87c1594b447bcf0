// For tests of the record's store: rows made of a few words, and a process that writes them until it is killed.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RecordData } from '../../core/record/record.ts';

export const start = 1_700_000_000_000;

/** A record of one unit, its kind, one worker and its rate, learnt at `atMs`. */
export function rowsOf(project: string, label: string, worker: string, meanMs = 1000, atMs = start): RecordData {
  return {
    version: 2,
    units: [[project, 'g++ -O2', label, meanMs, 10, 3, 5e8, 2e6, atMs]],
    kinds: [
      [
        project,
        'g++ -O2',
        [[meanMs, 2e6, 5e8, atMs]],
        [
          [0.5, 0.25, 20],
          [0, 0, 0],
        ],
      ],
    ],
    workers: [[worker, 1.5, 1.25, 12, 40, 17.5, atMs]],
    rates: [[worker, project, 'g++ -O2', 1.75, 8, atMs]],
  };
}

export async function inDirectory<T>(work: (dir: string) => T | Promise<T>): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), 'tender-record-'));
  try {
    return await work(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** A process that puts `u0`, `u1`, … one after the other into `file`, saying each that is written, up to `count`. */
export function startWriter(file: string, worker: string, count: number): ChildProcess {
  const store = fileURLToPath(new URL('store.ts', import.meta.url));
  const rig = fileURLToPath(new URL('test-rig.ts', import.meta.url));
  const script = `
    import { openRecordStore } from ${JSON.stringify(store)};
    import { rowsOf, start } from ${JSON.stringify(rig)};
    import { writeSync } from 'node:fs';
    const store = openRecordStore(${JSON.stringify(file)}, { nowMs: () => start });
    for (let i = 0; i < ${count}; i++) {
      let put;
      do put = store.put(rowsOf('/p', ${JSON.stringify(worker)} + '/u' + i, ${JSON.stringify(worker)}, 1000 + i, start + i));
      while (!put.ok && /another process/.test(put.error));
      if (!put.ok) throw new Error(put.error);
      writeSync(1, 'u' + i + '\\n');
    }
    store.close();`;
  return spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: ['ignore', 'pipe', 'pipe'] });
}
