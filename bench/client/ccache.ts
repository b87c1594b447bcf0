// ccache in the benchmark: every unit is in the cache, and is found by ccache's direct mode.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { clearOutputs, writeIndex } from './canned.ts';
import { ensureInstalled } from './peers.ts';
import { runJobs, type JobsResult } from './run-jobs.ts';
import type { Bench, Canned, Contender, Sample } from './types.ts';

const ccache = '/usr/bin/ccache';

export class CcacheHit implements Contender {
  readonly who = 'ccache-hit';
  readonly corpus: Canned;
  readonly jobs: number;
  readonly comparesDepfiles = true;
  private readonly bench: Bench;
  private readonly env: Readonly<Record<string, string>>;

  constructor(bench: Bench, corpus: Canned, jobs: number) {
    this.bench = bench;
    this.corpus = corpus;
    this.jobs = jobs;
    this.env = { CCACHE_DIR: join(bench.scratch, `ccache-${corpus.name}`), CCACHE_DIRECT: '1' };
  }

  async open(): Promise<string | null> {
    const missing = ensureInstalled(ccache, ['ccache'], this.bench.log);
    if (missing !== null) return missing;
    // The cache is filled without compiling: ccache preprocesses, and then calls this in front of the compiler. Twice, because
    // it does not trust a file as young as its own start.
    const bin = join(this.bench.scratch, `ccache-bin-${this.corpus.name}`);
    mkdirSync(bin);
    copyFileSync(this.bench.cannedCompiler, join(bin, 'canned-cc'));
    writeIndex(this.corpus, this.corpus.keptDir, bin);
    for (let i = 0; i < 2; i++) {
      clearOutputs(this.corpus);
      await this.build({ CCACHE_PREFIX: join(bin, 'canned-cc') });
    }
    return null;
  }

  async round(): Promise<Sample> {
    const before = this.countHits();
    const { cpuMs, wallMs } = await this.build();
    const hits = this.countHits() - before;
    const units = this.corpus.units.length;
    const faults = hits === units ? [] : [`only ${hits} of ${units} units were direct hits`];
    return { launcherCpuMs: cpuMs, agentCpuMs: 0, wallMs, bytes: null, agentRssBytes: null, faults };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private build(more: Readonly<Record<string, string>> = {}): Promise<JobsResult> {
    const commands = this.corpus.units.map((unit) => [ccache, ...unit.argv]);
    return runJobs(this.bench, commands, { jobs: this.jobs, cwd: this.corpus.outDir, env: { ...this.env, ...more } });
  }

  private countHits(): number {
    const text = execFileSync(ccache, ['--print-stats'], { env: { ...this.bench.env, ...this.env }, encoding: 'utf8' });
    return Number(/^direct_cache_hit\t(\d+)$/m.exec(text)?.[1] ?? 0);
  }
}
