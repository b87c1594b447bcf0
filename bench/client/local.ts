// The real compiler alone, here: what is saved is measured against it. Worth its time for the tiny corpus only.
import { runJobs } from './run-jobs.ts';
import type { Bench, Canned, Contender, Sample } from './types.ts';

export class Local implements Contender {
  readonly who = 'local';
  readonly corpus: Canned;
  readonly jobs: number;
  readonly comparesDepfiles = true;
  private readonly bench: Bench;

  constructor(bench: Bench, corpus: Canned, jobs: number) {
    this.bench = bench;
    this.corpus = corpus;
    this.jobs = jobs;
  }

  open(): Promise<string | null> {
    return Promise.resolve(null);
  }

  async round(): Promise<Sample> {
    const commands = this.corpus.units.map((unit) => unit.argv);
    const { cpuMs, wallMs } = await runJobs(this.bench, commands, { jobs: this.jobs, cwd: this.corpus.outDir });
    return { launcherCpuMs: cpuMs, agentCpuMs: 0, wallMs, bytes: null, agentRssBytes: null, faults: [] };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
