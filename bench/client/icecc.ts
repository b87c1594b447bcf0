// icecc in the benchmark: its scheduler, a daemon for the client and one for the server, whose environment holds a compiler that answers
// with kept objects. They live in a network namespace of their own, where no other scheduler can take part and where the
// loopback's own count says exactly what crossed the wire.
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { clearOutputs, writeIndex } from './canned.ts';
import { ensureInstalled, Helper } from './peers.ts';
import { BenchProblem } from './problem.ts';
import { cpuBetween, readCpu, readRss } from './process-cpu.ts';
import { runJobs, type JobsResult } from './run-jobs.ts';
import type { Bench, Canned, Contender, Sample } from './types.ts';

const icecc = '/usr/bin/icecc';
const slots = 32;
/** Ports of a namespace of our own: nobody else's. */
const schedulerPort = 8765;
const serverPort = 10_245;
const clientPort = 10_246;
const readyWithinMs = 60_000;

export class Icecc implements Contender {
  readonly who = 'icecc';
  readonly corpus: Canned;
  readonly jobs: number;
  /** The client's own preprocessor writes them. */
  readonly comparesDepfiles = true;
  private readonly bench: Bench;
  private readonly dir: string;
  private readonly helpers: Helper[] = [];
  private daemon: Helper | null = null;
  /** Of one build that is known to have gone to the server whole. */
  private bytes = 0;

  constructor(bench: Bench, corpus: Canned, jobs: number) {
    this.bench = bench;
    this.corpus = corpus;
    this.jobs = jobs;
    this.dir = join(bench.scratch, `icecc-${corpus.name}`);
  }

  async open(): Promise<string | null> {
    const missing = ensureInstalled('/usr/sbin/iceccd', ['icecc'], this.bench.log);
    if (missing !== null) return missing;
    if (process.getuid?.() !== 0) return 'its daemons and the network namespace need root';
    this.packEnvironment();
    const env = { ...this.bench.env, PATH: '/usr/bin:/bin:/usr/sbin:/sbin' };
    const net = ['-n', 'bench', '-s', `127.0.0.1:${schedulerPort}`];
    const scheduler = `icecc-scheduler -i lo -p ${schedulerPort} -n bench`;
    const first = new Helper(['unshare', '-n', 'sh', '-c', `ip link set lo up && exec ${scheduler}`], env);
    this.helpers.push(first);
    await this.until('the scheduler listens', () => /:223D .* 0A /.test(readNet(first.pid, 'tcp')));
    const start = (name: string, port: number, more: readonly string[]): Helper => {
      const words = ['iceccd', ...net, '-N', name, '-p', String(port), '-m', String(slots), '-u', 'icecc', ...more];
      const helper = new Helper(['nsenter', '-t', String(first.pid), '-n', ...words, '-b', join(this.dir, name)], {
        ...env,
        ICECC_TEST_SOCKET: this.socket(name),
      });
      this.helpers.push(helper);
      return helper;
    };
    start('server', serverPort, []);
    this.daemon = start('client', clientPort, ['--no-remote']);
    // The daemons take some seconds to find each other; until then icecc compiles here, and says so.
    await this.until('a unit is compiled by the server', async () => {
      clearOutputs(this.corpus);
      const tried = await this.build({ units: 1, debug: true }).catch(() => null);
      return tried !== null && countLocal(tried.said) === 0;
    });
    clearOutputs(this.corpus);
    const bytesBefore = countLoopback(first.pid);
    const local = countLocal((await this.build({ debug: true })).said);
    this.bytes = countLoopback(first.pid) - bytesBefore;
    return local === 0 ? null : `icecc compiled ${local} units here although a server was free`;
  }

  async round(): Promise<Sample> {
    if (this.daemon === null) throw new Error('bug: not open');
    const { pid } = this.daemon;
    const [before, bytesBefore] = [readCpu(pid), countLoopback(pid)];
    const { cpuMs, wallMs } = await this.build();
    const bytes = countLoopback(pid) - bytesBefore;
    // It tells what it does at the price of its time only; what it sends tells as much.
    const sent = Math.round((100 * bytes) / this.bytes);
    return {
      launcherCpuMs: cpuMs,
      agentCpuMs: cpuBetween(before, readCpu(pid)),
      wallMs,
      bytes,
      agentRssBytes: readRss(pid),
      faults: sent > 90 ? [] : [`${100 - sent} % of the bytes are missing: units were compiled here`],
    };
  }

  async close(): Promise<void> {
    for (const helper of this.helpers.reverse()) await helper.close();
  }

  /** A root directory with our compiler in the places where icecc looks for one, and the kept objects. */
  private packEnvironment(): void {
    const root = join(this.dir, 'root');
    for (const dir of ['usr/bin', 'bin', 'canned', 'tmp', 'etc']) mkdirSync(join(root, dir), { recursive: true });
    for (const name of ['usr/bin/gcc', 'usr/bin/g++', 'usr/bin/as', 'bin/true'])
      copyFileSync(this.bench.cannedCompiler, join(root, name));
    cpSync(this.corpus.keptDir, join(root, 'canned/kept'), { recursive: true });
    writeIndex(this.corpus, '/canned/kept', join(root, 'canned'));
    execFileSync('tar', ['-C', root, '-czf', this.environment(), '.']);
    for (const name of ['server', 'client']) {
      mkdirSync(join(this.dir, name));
      execFileSync('chown', ['icecc', join(this.dir, name)]);
    }
    execFileSync('chown', ['icecc', this.dir]);
    chmodSync(this.dir, 0o755);
  }

  private environment(): string {
    return join(this.dir, 'canned.tar.gz');
  }

  private socket(name: string): string {
    return join(this.dir, `${name}.socket`);
  }

  private build(options: { readonly units?: number; readonly debug?: boolean } = {}): Promise<JobsResult> {
    const commands = this.corpus.units.slice(0, options.units).map((unit) => [icecc, ...unit.argv]);
    return runJobs(this.bench, commands, {
      jobs: this.jobs,
      cwd: this.corpus.outDir,
      prefix: ['nsenter', '-t', String(this.helpers[0]?.pid), '-n'],
      env: {
        ICECC_TEST_SOCKET: this.socket('client'),
        // Without it icecc takes a server on loopback for its own machine.
        ICECC_TEST_REMOTEBUILD: '1',
        ICECC_VERSION: this.environment(),
        ICECC_PREFERRED_HOST: 'server',
        ICECC_DEBUG: options.debug === true ? 'debug' : 'warning',
        ICECC_CARET_WORKAROUND: '0',
      },
    });
  }

  private async until(what: string, probe: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = performance.now() + readyWithinMs;
    while (!(await probe())) {
      if (performance.now() > deadline) throw new BenchProblem(`not within ${readyWithinMs / 1000} s: ${what}`);
      await delay(200);
    }
  }
}

/** How many units icecc says it compiled by itself. */
function countLocal(said: string): number {
  return said.match(/building myself|<building_local>/g)?.length ?? 0;
}

/** A table of the network that `pid` lives in. */
function readNet(pid: number, table: 'tcp' | 'dev'): string {
  try {
    return readFileSync(`/proc/${pid}/net/${table}`, 'utf8');
  } catch {
    return '';
  }
}

/** Bytes that crossed the loopback of the process's network so far, with the headers of TCP and IP. */
function countLoopback(pid: number): number {
  return Number(/^\s*lo:\s*(\d+)/m.exec(readNet(pid, 'dev'))?.[1] ?? 0);
}
