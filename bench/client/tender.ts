// Tender in the benchmark: a build again with an agent that knows the sources, a first build by a fresh agent on a fresh farm, where
// Tender has met the compiler before and where not, and a build whose results are in the store.
import { randomBytes } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { BuildReport } from '../../src/apps/report.ts';
import { clearOutputs } from './canned.ts';
import { Farm, launcher, type FarmSeed } from './farm.ts';
import { BenchProblem } from './problem.ts';
import { cpuBetween, readCpu, readRss } from './process-cpu.ts';
import { runJobs } from './run-jobs.ts';
import type { Bench, Canned, Contender, Sample } from './types.ts';

export type TenderKind = 'warm' | 'cold' | 'first' | 'store';

export class Tender implements Contender {
  readonly who: string;
  readonly corpus: Canned;
  readonly jobs: number;
  readonly comparesDepfiles = true;
  private readonly bench: Bench;
  private readonly seed: FarmSeed;
  private readonly kind: TenderKind;
  private farm: Farm | null = null;
  /** Of an earlier agent's life. */
  private heritage: string | null = null;
  private profiles = 0;

  constructor(bench: Bench, seed: FarmSeed, corpus: Canned, jobs: number, kind: TenderKind) {
    this.bench = bench;
    this.seed = seed;
    this.corpus = corpus;
    this.jobs = jobs;
    this.kind = kind;
    this.who = `tender-${kind}`;
  }

  async open(): Promise<string | null> {
    if (this.kind === 'store' && !this.seed.hasStore) return 'this version has no result store';
    if (this.kind === 'first') return null;
    if (this.kind === 'cold') {
      await this.liveBefore();
      return null;
    }
    this.farm = await this.startFarm();
    // The builds that came before: the agent learns the sources, the workers get the headers, the store fills.
    for (let i = 0; i < 2; i++) {
      clearOutputs(this.corpus);
      await this.build(this.farm);
    }
    return null;
  }

  async round(): Promise<Sample> {
    const farm = this.farm ?? (await this.startFarm());
    try {
      const profile = await this.startProfile(farm);
      const before = readCpu(farm.pid);
      const { report, cpuMs, wallMs } = await this.build(farm);
      const after = readCpu(farm.pid);
      if (profile !== null) await this.endProfile(farm, profile);
      const bytes = report.workers.reduce((sum, worker) => sum + worker.bytesIn + worker.bytesOut, 0);
      return {
        launcherCpuMs: cpuMs,
        agentCpuMs: cpuBetween(before, after),
        wallMs,
        bytes,
        agentRssBytes: readRss(farm.pid),
        faults: this.faultsOf(farm, report),
      };
    } finally {
      if (this.farm === null) await farm.close();
    }
  }

  async close(): Promise<void> {
    await this.farm?.close();
  }

  /** An agent that is gone has built something once. */
  private async liveBefore(): Promise<void> {
    const farm = await this.startFarm();
    try {
      clearOutputs(this.corpus);
      await this.build(farm);
      const dir = join(this.bench.scratch, 'heritage');
      farm.leaveTo(dir);
      this.heritage = dir;
    } finally {
      await farm.close();
    }
  }

  private startFarm(): Promise<Farm> {
    const { profileDir } = this.bench;
    const name = `${this.who}-${this.corpus.name}`;
    const profile = profileDir === null ? null : join(profileDir, `${name}-${randomBytes(3).toString('hex')}`);
    this.profiles = 0;
    const hasMet = this.kind !== 'first';
    const { heritage } = this;
    return Farm.start(this.bench, this.seed, this.corpus, {
      name,
      store: this.kind === 'store',
      hasMet,
      heritage,
      profile,
    });
  }

  private async build(farm: Farm): Promise<{ report: BuildReport; cpuMs: number; wallMs: readonly number[] }> {
    const build = `b${randomBytes(6).toString('hex')}`;
    await farm.ask({ cmd: 'build-start', build, needs: '' });
    const commands = this.corpus.units.map((unit) => [launcher, ...unit.argv]);
    const { cpuMs, wallMs } = await runJobs(this.bench, commands, {
      jobs: this.jobs,
      cwd: this.corpus.outDir,
      env: { TENDER_HOME: farm.home, TENDER_BUILD: build, TENDER_NO_START: '1' },
    });
    const report = (await farm.ask({ cmd: 'build-end', build })) as BuildReport;
    return { report, cpuMs, wallMs };
  }

  /** A build whose units ran elsewhere than the row says measures something else. */
  private faultsOf(farm: Farm, report: BuildReport): string[] {
    const faults: string[] = [];
    const units = this.corpus.units.length;
    if (report.local > 0) faults.push(`${report.local} of ${units} units ran here: ${JSON.stringify(report.reasons)}`);
    if (this.kind === 'store' && report.remote > 0)
      faults.push(`${report.remote} of ${units} units were not in the store`);
    if (report.retried > 0) {
      faults.push(`${report.retried} attempts failed and were made again (${farm.failureCodes().join(', ')})`);
    }
    return faults;
  }

  /** The prefix of the profile that now runs. */
  private async startProfile(farm: Farm): Promise<string | null> {
    if (farm.profile === null) return null;
    const file = `${farm.profile}-${this.profiles++}`;
    process.kill(farm.pid, 'SIGUSR2');
    await appears(`${file}.running`);
    return file;
  }

  private async endProfile(farm: Farm, file: string): Promise<void> {
    process.kill(farm.pid, 'SIGUSR2');
    await appears(`${file}.cpuprofile`);
    rmSync(`${file}.running`, { force: true });
    this.bench.log(`profile: ${file}.cpuprofile`);
  }
}

async function appears(file: string): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!existsSync(file)) {
    if (performance.now() > deadline) throw new BenchProblem(`the agent wrote no ${file}`);
    await delay(10);
  }
}
