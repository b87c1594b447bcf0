// Many storms, seed by seed, on as many cores as asked for: progress on the way, the story of each seed that fails, and
// how to go on when it is interrupted.
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Tally } from './checker.ts';
import type { Mutation } from './mutations.ts';
import { explainTrouble } from './run-seed.ts';
import { stormOf } from './storm.ts';

export interface SeedRange {
  readonly from: number;
  /** Included. */
  readonly to: number;
}

export interface RangeOptions {
  /** Threads at a time; 0: one for each core. */
  readonly workers: number;
  readonly mutation: Mutation;
  readonly log: (line: string) => void;
  readonly print: (text: string) => void;
}

/** What a thread tells of its seeds. */
export interface RangeReport extends SeedRange {
  readonly steps: number;
  readonly tally: Tally;
  readonly failures: readonly { readonly seed: number; readonly story: string }[];
}

const CHUNK = 100;
const PROGRESS_EVERY_MS = 5000;
const SHRINK_TRIES = 600;
/** A bug that every seed shows is not worth the rest of the night. */
const FAILURES_MAX = 20;

/** Runs all storms of the range. @returns the exit code: 0 when all invariants held in all of them */
export async function runRange(seeds: SeedRange, options: RangeOptions): Promise<number> {
  const { log, print, mutation } = options;
  const sum: Record<string, number> = {};
  const failed: number[] = [];
  const startedAt = performance.now();
  const done = new Set<number>();
  let next = seeds.from;
  let passed = 0;
  let steps = 0;
  let saidAt = startedAt;

  /** The first seed that is not known to have been run. */
  const unfinished = (): number => {
    let from = seeds.from;
    while (done.has(from)) from += CHUNK;
    return from;
  };
  const tellHowToGoOn = (): void => {
    if (unfinished() <= seeds.to) log(`go on with: npm run sim:long -- --seeds ${unfinished()}..${seeds.to}`);
  };
  process.on('exit', tellHowToGoOn);

  const take = (report: RangeReport): void => {
    done.add(report.from);
    steps += report.steps;
    passed += report.to - report.from + 1 - report.failures.length;
    for (const [what, count] of Object.entries(report.tally)) sum[what] = (sum[what] ?? 0) + Number(count);
    for (const { seed, story } of report.failures) {
      failed.push(seed);
      if (failed.length > FAILURES_MAX) continue;
      log(story);
      if (failed.length === 1)
        for (const line of explainTrouble(stormOf(seed), mutation, SHRINK_TRIES)?.lines ?? []) log(line);
    }
    if (performance.now() - saidAt < PROGRESS_EVERY_MS) return;
    saidAt = performance.now();
    log(progress(passed + failed.length, seeds, failed.length, saidAt - startedAt));
  };

  const nextChunk = (): SeedRange | null => {
    if (next > seeds.to || failed.length > FAILURES_MAX) return null;
    const chunk = { from: next, to: Math.min(seeds.to, next + CHUNK - 1) };
    next += CHUNK;
    return chunk;
  };
  const threads = Math.min(options.workers || availableParallelism(), Math.ceil((seeds.to - seeds.from + 1) / CHUNK));
  await Promise.all(Array.from({ length: threads }, () => runThread(mutation, nextChunk, take)));
  if (failed.length <= FAILURES_MAX) process.off('exit', tellHowToGoOn);

  const tookS = (performance.now() - startedAt) / 1000;
  print(`${passed} storms passed, ${failed.length} failed; ${steps} steps checked in ${tookS.toFixed(0)} s`);
  print(
    `  ${Object.entries(sum)
      .map(([what, count]) => `${what} ${count}`)
      .join(', ')}`,
  );
  return failed.length === 0 ? 0 : 1;
}

/** One thread, given one chunk after the other until there is none. */
function runThread(
  mutation: Mutation,
  nextChunk: () => SeedRange | null,
  take: (report: RangeReport) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(new URL('./storm-thread.ts', import.meta.url), { workerData: { mutation } });
    const give = (): void => {
      const chunk = nextChunk();
      if (chunk === null) void thread.terminate().then(() => resolve());
      else thread.postMessage(chunk);
    };
    thread.on('message', (report: RangeReport) => {
      take(report);
      give();
    });
    thread.on('error', reject);
    give();
  });
}

function progress(run: number, { from, to }: SeedRange, failed: number, ms: number): string {
  const perSecond = (1000 * run) / ms;
  const leftS = (to - from + 1 - run) / perSecond;
  const left = leftS < 120 ? `${leftS.toFixed(0)} s` : `${(leftS / 60).toFixed(0)} min`;
  return `${run} of ${to - from + 1} storms, ${failed} failed, ${perSecond.toFixed(0)} a second, ${left} left`;
}
