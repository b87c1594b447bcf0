// distcc in the benchmark: its own client and server, the server's compiler answering with kept objects. A unit that distcc compiles
// by itself instead is an error here, so that no figure is of something else.
import { copyFileSync, cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { clearOutputs, writeIndex } from './canned.ts';
import { CountingProxy, ensureInstalled, findFreePort, Helper } from './peers.ts';
import { runJobs, type JobsResult } from './run-jobs.ts';
import type { Bench, Canned, Contender, Sample } from './types.ts';

const distcc = '/usr/bin/distcc';
const distccd = '/usr/bin/distccd';
const slots = 32;
/** The client may make a compiler's name more precise before it sends it. */
const compilerNames = ['gcc', 'g++', 'cc', 'c++'].flatMap((name) =>
  ['x86_64-linux-gnu-', 'aarch64-linux-gnu-', ''].flatMap((prefix) =>
    ['', '-11', '-12', '-13', '-14'].map((version) => `${prefix}${name}${version}`),
  ),
);

export class Distcc implements Contender {
  readonly who: string = 'distcc';
  readonly corpus: Canned;
  readonly jobs: number;
  readonly comparesDepfiles: boolean = true;
  protected readonly bench: Bench;
  protected readonly dir: string;
  private server: Helper | null = null;
  private port = 0;
  private bytes = 0;

  constructor(bench: Bench, corpus: Canned, jobs: number) {
    this.bench = bench;
    this.corpus = corpus;
    this.jobs = jobs;
    this.dir = join(bench.scratch, `${new.target.name}-${corpus.name}`);
  }

  async open(): Promise<string | null> {
    const missing = ensureInstalled(distccd, ['distcc'], this.bench.log);
    if (missing !== null) return missing;
    const bin = join(this.dir, `${this.who}-bin`);
    mkdirSync(bin, { recursive: true });
    mkdirSync(join(this.dir, `${this.who}-state`));
    copyFileSync(this.bench.cannedCompiler, join(bin, 'canned-cc'));
    for (const name of compilerNames) symlinkSync('canned-cc', join(bin, name));
    // distccd gives up being root, and then may not read the user's cache.
    const kept = join(this.dir, 'kept');
    cpSync(this.corpus.keptDir, kept, { recursive: true });
    writeIndex(this.corpus, kept, bin);
    this.port = await findFreePort();
    this.server = new Helper(
      [
        distccd,
        ...['--no-detach', '--daemon', '--listen', '127.0.0.1', '--allow', '127.0.0.1', '--port', String(this.port)],
        ...['--jobs', String(slots), '--enable-tcp-insecure', '--log-stderr', '--log-level', 'error'],
      ],
      { ...this.bench.env, DISTCCD_PATH: bin, PATH: bin },
    );
    await this.server.listens(this.port);
    // Once through a proxy that counts: the bytes are the same each time, and the proxy need not disturb the rounds.
    const proxy = await CountingProxy.open(this.port);
    try {
      clearOutputs(this.corpus);
      await this.build(proxy.port);
      this.bytes = proxy.bytes;
    } finally {
      proxy.close();
    }
    return null;
  }

  async round(): Promise<Sample> {
    const { cpuMs, wallMs, said } = await this.build(this.port);
    return {
      launcherCpuMs: cpuMs,
      agentCpuMs: 0,
      wallMs,
      bytes: this.bytes,
      agentRssBytes: null,
      faults: this.faultsOf(said),
    };
  }

  async close(): Promise<void> {
    await this.server?.close();
  }

  protected host(port: number): string {
    return `127.0.0.1:${port}/${slots}`;
  }

  protected clientEnv(): Readonly<Record<string, string>> {
    return {};
  }

  protected faultsOf(said: string): readonly string[] {
    const lines = said.split('\n').filter((line) => line.startsWith('distcc['));
    return lines.length === 0 ? [] : [`distcc says (${lines.length} lines): ${lines[0]}`];
  }

  protected build(port: number): Promise<JobsResult> {
    const commands = this.corpus.units.map((unit) => [distcc, ...unit.argv]);
    return runJobs(this.bench, commands, {
      jobs: this.jobs,
      cwd: this.corpus.outDir,
      env: {
        DISTCC_DIR: join(this.dir, `${this.who}-state`),
        DISTCC_HOSTS: `--localslots=${slots} --localslots_cpp=${slots} ${this.host(port)}`,
        DISTCC_FALLBACK: '0',
        DISTCC_SKIP_LOCAL_RETRY: '1',
        ...this.clientEnv(),
      },
    });
  }
}
