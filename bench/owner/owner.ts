// What the owner feels of others' compiles: frames of a program of theirs, on the empty machine and while all slots compile, in turns, for
// each way to give way; and how soon compiles stand still when the owner is back.
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { buildProgram } from '../client/programs.ts';
import { ratiosOf, rowOf, workMs, ways, type Measured, type OwnerBenchResult, type Way } from './figures.ts';
import { Machines } from './machines.ts';

const run = promisify(execFile);
const framesPerSecond = 60;
/** After the start of compiles, and after their end. */
const settleMs = 500;

export interface OwnerBenchOptions {
  readonly rounds: number;
  /** Of frames, for each way in each round. */
  readonly seconds: number;
  readonly log: (line: string) => void;
}

export async function benchOwner({ rounds, seconds, log }: OwnerBenchOptions): Promise<OwnerBenchResult> {
  const cores = availableParallelism();
  const compiles = Math.max(4, cores);
  const dir = mkdtempSync(join(tmpdir(), 'tender-owner-bench-'));
  const machines = new Machines(dir, compiles);
  try {
    const program = buildProgram('frames', dir, import.meta.dirname);
    const before = readTicks();
    await delay(2 * settleMs);
    const busyBefore = share(before, readTicks());
    const steps = execFileSync(program, ['calibrate', String(workMs)])
      .toString()
      .trim();
    await machines.open();
    const measured = new Map<Way, { framesUs: number[]; reliefMs: number[]; busy: number[] }>();
    for (const way of ways) measured.set(way, { framesUs: [], reliefMs: [], busy: [] });
    const skipped = machines.kindOf('idle-group') === null ? 'this machine lets us make no idle group' : '';
    for (let round = 1; round <= rounds; round++) {
      for (const way of ways) {
        const into = measured.get(way);
        if (into === undefined || (way === 'idle-group' && skipped !== '')) continue;
        log(`round ${round}: ${way}`);
        if (way !== 'empty') await machines.compileAt(way);
        await delay(settleMs);
        const began = readTicks();
        into.framesUs.push(...(await draw(program, steps, seconds * framesPerSecond)));
        into.busy.push(share(began, readTicks()));
        if (way === 'empty') continue;
        into.reliefMs.push(await machines.relief(way));
        await machines.clear(way);
      }
    }
    const rows = ways.map((way) => {
      const nothing: Measured = { framesUs: [], reliefMs: [], busy: [] };
      return rowOf(way, measured.get(way) ?? nothing, way === 'idle-group' ? skipped : '');
    });
    const rounded = Math.round(busyBefore * 100) / 100;
    return { bench: 'owner', cores, compiles, busyBefore: rounded, rows, ratios: ratiosOf(rows) };
  } finally {
    await machines.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** In a session of its own, as a program is that the owner has started. */
async function draw(program: string, steps: string, count: number): Promise<number[]> {
  const { stdout } = await run('setsid', ['--wait', program, 'run', steps, String(count)], { maxBuffer: 2 ** 24 });
  return stdout.trim().split('\n').map(Number);
}

interface Ticks {
  readonly busy: number;
  readonly all: number;
}

function readTicks(): Ticks {
  const fields = (/^cpu +(.*)$/m.exec(readFileSync('/proc/stat', 'latin1'))?.[1] ?? '').split(' ').map(Number);
  const all = fields.slice(0, 8).reduce((sum, each) => sum + each, 0);
  return { all, busy: all - (fields[3] ?? 0) - (fields[4] ?? 0) };
}

function share(from: Ticks, to: Ticks): number {
  return to.all === from.all ? 0 : (to.busy - from.busy) / (to.all - from.all);
}
