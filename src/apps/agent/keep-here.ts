// Results of compilers that run on this machine itself are kept like those of workers. A worker reads copies; a compiler here
// reads the disk while others may write to it. So its result is kept only when nothing that it could have read was touched
// from its start to its end, when what it left is its own work, and when it is still the compiler that the key names.
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { constants, zstdCompress } from 'node:zlib';
import { identityOrNull } from '../../adapters/files/directory-entry.ts';
import { readMade } from '../../adapters/files/made.ts';
import type { LauncherReport } from '../../adapters/launcher-socket/types.ts';
import type { ToolchainDescription } from '../../adapters/toolchain/index.ts';
import type { MadeResult } from './keep.ts';
import { packAboveBytes } from './outputs.ts';
import type { OutputPlan } from './prepare.ts';
import type { Surroundings } from './surroundings.ts';
import type { Unit } from './units.ts';

const compress = promisify(zstdCompress);
const zstdFast = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/** Of results that are being packed or wait for a look at the disk; what comes above is not kept. */
const MAX_PENDING_BYTES = 64 * 2 ** 20;
const MAX_PENDING = 256;

/** Variables that stay at home, so that no result may show what they do. */
const CHANGES_PROGRAMS = /^(?:LD_(?!LIBRARY_PATH$)|GLIBC_TUNABLES$)/;

/** A compiler that runs here. */
export interface HereRun {
  /** It has ended, and nothing that comes after it in the build has begun. */
  ended(report: LauncherReport): void;
}

/** Keeps the result of a task that is one which may be kept. */
export interface Keep {
  /** A worker made it. */
  made(result: MadeResult): void;
  /** A compiler here will make it: to be called before that starts. Null: what that makes cannot be kept. */
  startHere(): HereRun | null;
}

/** What a run is about, and what is done with what it made. */
export interface HereTask {
  readonly unit: Unit;
  readonly surroundings: Surroundings;
  readonly outputs: OutputPlan;
  /** Puts it into the store; false when something stands against it. Called in a moment of the disk that began anew. */
  put(result: MadeResult): boolean;
}

export interface HereWorld {
  /** Does `work` in the next moment of the disk, in which everything is looked at again. */
  inNextMoment<T>(work: () => T): Promise<T>;
  /** The compiler as its files are now. */
  describe(compiler: string, surroundings: Surroundings): Promise<ToolchainDescription | string>;
  /** `notKept`: why; empty for a result that was kept. */
  ended(task: HereTask, notKept: string): void;
}

export class HereKeeper {
  readonly #world: HereWorld;
  readonly #pending = new Set<Promise<void>>();
  #pendingBytes = 0;

  constructor(world: HereWorld) {
    this.#world = world;
  }

  /** To be called right before the compiler may start. Null: nothing that it makes can be kept. */
  start(task: HereTask): HereRun | null {
    const { unit, surroundings, outputs } = task;
    const { taken } = unit;
    if (taken === null || [...surroundings.env.keys()].some((name) => CHANGES_PROGRAMS.test(name))) return null;
    const before = outputs.outputs.map(({ path }) => identityOrNull(path));
    const isUntouched = taken.watchOver();
    const startedMs = performance.now();
    return {
      ended: (report) => {
        const ranMs = Math.round(performance.now() - startedMs);
        const made = this.#collect(outputs, before, report, ranMs);
        if (typeof made === 'string') return this.#world.ended(task, made);
        this.#await(unit, this.#keep(task, made, isUntouched));
      },
    };
  }

  /** Until all that has ended so far is kept, or is not. */
  async settle(): Promise<void> {
    await Promise.all(this.#pending);
  }

  /** All that the run made, taken at once: its launcher waits for it. Else why it is not kept. */
  #collect(
    { outputs, umask }: OutputPlan,
    before: readonly ReturnType<typeof identityOrNull>[],
    { exit, cpuMs, printed }: LauncherReport,
    ranMs: number,
  ): MadeResult | string {
    if (exit.how === 'signal' || exit.code !== 0) return 'it failed';
    if (printed === null) return 'it printed too much, or to a terminal';
    if (this.#pending.size >= MAX_PENDING) return 'too many wait';
    const files = [];
    let left = MAX_PENDING_BYTES - this.#pendingBytes;
    for (const [index, { kind, path, mode }] of outputs.entries()) {
      const made = readMade(path, before[index] ?? null, left);
      // A module that was to be expected, and is not in the source after all.
      if (made === null && kind === 'module' && (before[index] ?? null) === null && !existsSync(path)) continue;
      if (made === null) return `${path} is not what it left, or too large`;
      left -= made.data.length;
      // A file that was there keeps its mode, which says nothing of this compile.
      const shown = mode === null ? made.mode : 0o666 & ~umask;
      files.push({ index, data: made.data, zstd: false, size: made.data.length, mode: shown });
    }
    const { stdout, stderr } = printed;
    return { signalled: false, code: 0, stdout, stderr, outputs: files, ranMs, cpuMs: Math.round(cpuMs) };
  }

  async #keep(task: HereTask, made: MadeResult, isUntouched: () => boolean): Promise<void> {
    const { unit, surroundings } = task;
    const bytes = made.outputs.reduce((sum, { size }) => sum + size, 0);
    this.#pendingBytes += bytes;
    let notKept = '';
    try {
      const outputs = await Promise.all(made.outputs.map(pack));
      if ((await this.#world.describe(unit.compiler, surroundings)) !== unit.toolchain) notKept = 'another compiler';
      else {
        const kept = await this.#world.inNextMoment(() => isUntouched() && task.put({ ...made, outputs }));
        if (!kept) notKept = 'what it read was touched meanwhile';
      }
    } catch (error) {
      notKept = `broken: ${(error as Error).stack}`;
    } finally {
      this.#pendingBytes -= bytes;
    }
    this.#world.ended(task, notKept);
  }

  /** The next call of the unit waits: it would compile again what is about to be kept. */
  #await(unit: Unit, keeping: Promise<void>): void {
    const pending = keeping.finally(() => {
      this.#pending.delete(pending);
      if (unit.keeping === pending) unit.keeping = null;
    });
    this.#pending.add(pending);
    unit.keeping = pending;
  }
}

type Output = MadeResult['outputs'][number];

/** As a worker sends it, so that the place where it was made does not show. */
async function pack(output: Output): Promise<Output> {
  return output.size > packAboveBytes ? { ...output, data: await compress(output.data, zstdFast), zstd: true } : output;
}
