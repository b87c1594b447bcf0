// What a machine needs to work for others: sandbox, blob store, trees, readings of itself, and the worker that uses them.
import { randomInt } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { openBlobStore } from '../../adapters/blobs/store.ts';
import type { Cluster } from '../../adapters/cluster/types.ts';
import type { Config } from '../../adapters/config/config.ts';
import { benchScore } from '../../adapters/machine/bench.ts';
import { readMachine } from '../../adapters/machine/read.ts';
import { openIdleGroup, type IdleGroup } from '../../adapters/owner/idle-group.ts';
import { openSandbox } from '../../adapters/sandbox/open.ts';
import { openScratch } from '../../adapters/sandbox/scratch.ts';
import { openTrees } from '../../adapters/sandbox/trees.ts';
import type { Sandbox, Trees } from '../../adapters/sandbox/types.ts';
import { isTrustedCompiler, type Toolchains } from '../../adapters/toolchain/index.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { unreachable } from '../../base/assert.ts';
import { createPrng } from '../../base/prng.ts';
import { OwnerFirst, type Claim } from '../../core/availability/owner-first.ts';
import type { Verdict } from '../../core/availability/verdict.ts';
import type { WorkerInfo } from '../../core/types.ts';
import { WorkerAdmission } from '../../core/worker/admission.ts';
import type { Journals } from './journal.ts';
import { sessionIdentity } from './network.ts';
import { Worker } from './worker.ts';

const sampleEveryMs = 1_000;

/** How a workshop comes by what runs tasks; a benchmark of the client puts one that answers at once in its place. */
export interface WorkshopParts {
  readonly openSandbox: typeof openSandbox;
  readonly openTrees: typeof openTrees;
}

/** Where a workshop writes down what happens. */
export interface WorkshopRecords {
  readonly log: (event: string, fields: Record<string, unknown>) => void;
  /** Null: decisions are not written down. */
  readonly journals: Journals | null;
}

const realParts: WorkshopParts = { openSandbox, openTrees };

export class Workshop {
  readonly worker: Worker;
  /** 0 with a reason when this machine takes no tasks. */
  readonly slots: number;
  readonly closedBecause: string;
  latest: WorkerInfo;
  private readonly trees: Trees;
  private readonly sandbox: Sandbox | null;
  private readonly idleGroup: IdleGroup | null;
  private readonly niceness: number;
  private readonly scratchDir: string;
  private readonly timer: NodeJS.Timeout;
  /** S at eight durations; until the owner is known the machine counts as free. */
  private freeFor: readonly number[] = [1, 1, 1, 1, 1, 1, 1, 1];
  private readonly ownerFirst: OwnerFirst;
  private claim: Claim | null = null;
  private relief: NodeJS.Timeout | null = null;
  /** Our own runs' part in the one-minute load, as the kernel averages it: the owner's load is the rest. */
  private ownLoad = 0;

  private constructor(
    home: string,
    worker: Worker,
    slots: number,
    closedBecause: string,
    config: Config,
    trees: Trees,
    sandbox: Sandbox | null,
    idleGroup: IdleGroup | null,
    scratchDir: string,
  ) {
    const [graceMs, freezeMs] = [config.owner.grace_seconds * 1000, config.owner.freeze_seconds * 1000];
    this.ownerFirst = new OwnerFirst({ graceMs, freezeMs });
    this.scratchDir = scratchDir;
    this.trees = trees;
    this.sandbox = sandbox;
    this.idleGroup = idleGroup;
    this.niceness = config.work.niceness;
    this.worker = worker;
    this.slots = slots;
    this.closedBecause = closedBecause;
    const { cpuModel, ghz } = readMachine();
    const bench = benchScore({ dir: home, key: `${cpuModel} ${ghz}` });
    const sample = (): WorkerInfo => {
      this.ownLoad += (worker.running().length - this.ownLoad) * (1 - Math.exp(-sampleEveryMs / 60_000));
      const reading = readMachine();
      const foreign = Math.max(0, reading.load - this.ownLoad / reading.cores);
      const free = { freeFor: this.freeFor, graceMs };
      return { ...reading, ...free, name: config.machine.name, slots, load: foreign, bench, toolchains: [] };
    };
    this.latest = sample();
    worker.post({ type: 'sample', info: this.latest });
    this.timer = setInterval(() => {
      this.latest = sample();
      worker.post({ type: 'sample', info: this.latest });
    }, sampleEveryMs);
  }

  static async open(
    home: string,
    config: Config,
    cluster: Cluster,
    toolchains: Toolchains,
    { log, journals }: WorkshopRecords,
    parts: WorkshopParts = realParts,
  ): Promise<Result<Workshop, string>> {
    const { work } = config;
    const scratchDir = openScratch(home);
    const takes = work.enabled && work.slots > 0;
    // A machine that does nothing else has nobody to give way to.
    const idleGroup = takes && work.niceness > 0 ? await openIdleGroup(home) : null;
    if (takes && work.niceness > 0) log('gives-way', { by: idleGroup?.kind ?? 'priority and signals' });
    const takeCell = idleGroup === null ? null : () => idleGroup.take();
    const sandbox = takes ? await parts.openSandbox(home, { niceness: work.niceness, takeCell }) : null;
    const closedBecause =
      sandbox === null
        ? 'work is switched off in config.toml'
        : sandbox.ok
          ? ''
          : `${sandbox.error.message}${sandbox.error.command === '' ? '' : `; run: ${sandbox.error.command}`}`;
    const slots = closedBecause === '' ? work.slots : 0;
    if (closedBecause !== '') log('takes-no-tasks', { why: closedBecause });
    const opened = openBlobStore(join(home, 'blobs'), { maxBytes: work.blobs_mib * 2 ** 20 });
    if (!opened.ok) {
      idleGroup?.close();
      return err(opened.error.message);
    }
    const blobs = opened.value;
    const trees = parts.openTrees(join(home, 'trees'), blobs);
    if (!trees.ok) {
      idleGroup?.close();
      return err(trees.error.message);
    }
    const options = {
      slots,
      closedBecause,
      site: config.machine.site,
      memReserveBytes: work.mem_reserve_mib * 2 ** 20,
      memPerTaskBytes: work.mem_per_task_mib * 2 ** 20,
      maxLoad: work.max_load,
      leaseTtlMs: 10_000,
      heartbeatMs: 2_000,
      offerDelayMs: 5,
    };
    const seed = randomInt(2 ** 32);
    const admission = new WorkerAdmission(options, createPrng(seed));
    const worker = new Worker({
      name: config.machine.name,
      machine:
        journals?.keep(admission, { role: 'worker', node: cluster.nodeId, options, seed, record: null }) ?? admission,
      identity: sessionIdentity(cluster),
      blobs,
      trees: trees.value,
      sandbox: sandbox?.ok === true ? sandbox.value : null,
      scratchDir,
      checkToolchain: async (announced) => {
        // The path comes from another machine, and describing a compiler runs it.
        if (!isTrustedCompiler(announced.path)) return { same: false, label: '' };
        const ours = await toolchains.describe(announced.path);
        if (!ours.ok) return { same: false, label: '' };
        return { same: ours.value.digest === announced.digest, label: ours.value.label };
      },
      log,
    });
    return ok(
      new Workshop(
        home,
        worker,
        slots,
        closedBecause,
        config,
        trees.value,
        sandbox?.ok === true ? sandbox.value : null,
        idleGroup,
        scratchDir,
      ),
    );
  }

  /** How tasks give way to the owner's programs, for people. */
  get givesWay(): string {
    if (this.niceness === 0) return 'not at all (niceness = 0)';
    return this.idleGroup?.kind ?? 'priority and signals';
  }

  /** Whether others' tasks may run here, as presence and calendar say. */
  ownerSays(verdict: Verdict): void {
    if (verdict.mayHelp) this.freeFor = verdict.freeFor;
    // What others are told of it holds nothing of the calendar.
    this.claim = verdict.mayHelp ? null : { why: 'its owner needs it', urgent: verdict.urgent };
    this.relieve();
  }

  /** Does what is due for the owner now, and looks again when more will be. */
  private relieve(): void {
    if (this.relief !== null) clearTimeout(this.relief);
    this.relief = null;
    const now = performance.now();
    for (const effect of this.ownerFirst.step(this.claim, this.worker.running().length, now)) {
      switch (effect.type) {
        case 'revoke':
          this.worker.post({ type: 'pause', why: effect.why });
          break;
        case 'welcome':
          this.worker.post({ type: 'resume' });
          break;
        case 'freeze':
          this.worker.standStill(true);
          break;
        case 'thaw':
          this.worker.standStill(false);
          break;
        case 'evict':
          this.worker.evict(effect.why);
          break;
        default:
          unreachable(effect);
      }
    }
    const at = this.ownerFirst.nextWakeAt();
    if (at !== null) this.relief = setTimeout(() => this.relieve(), Math.max(0, at - now));
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    if (this.relief !== null) clearTimeout(this.relief);
    await this.worker.stop();
    this.sandbox?.close();
    this.idleGroup?.close();
    await this.trees.close();
    rmSync(this.scratchDir, { recursive: true, force: true });
  }
}
