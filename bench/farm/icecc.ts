// icecc on the benchmark's farm: a scheduler and a daemon on the machine that builds, a daemon on each host with as many jobs as it
// has slots, and an environment whose compiler sleeps. Its scheduler measures machines by their compilers' CPU time, of which
// a sleeping one has none: it cannot learn here who is fast.
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ensureInstalled } from '../client/peers.ts';
import { BenchProblem } from '../client/problem.ts';
import { slotsPerWorker } from './farm-plan.ts';
import { clientHost, runBuild, workerHost, type BuildCommand } from './run-build.ts';
import { writeWarming } from './sources.ts';
import type { Bench, Contender, Outcome, Request, Way } from './types.ts';

const schedulerPort = 8765;
const daemonPort = 10_245;
const readyWithinMs = 180_000;
/** Share of a round that the machine that builds may do itself. */
const FEW = 0.05;

export class Icecc implements Contender {
  readonly name = 'icecc';
  private readonly bench: Bench;
  private readonly dir: string;

  constructor(bench: Bench) {
    this.bench = bench;
    this.dir = join(bench.scratch, 'icecc');
  }

  open(): Promise<string | null> {
    const missing = ensureInstalled('/usr/sbin/iceccd', ['icecc'], this.bench.log);
    if (missing !== null) return Promise.resolve(missing);
    const { kind } = this.bench.hosts.network;
    return Promise.resolve(kind === 'namespaces' ? null : 'its daemons and their network need root');
  }

  ways(request: Request): readonly Way[] {
    const slots = request.plan.slowness.length * slotsPerWorker;
    return [slots, 2 * slots].map((jobs) => ({ who: `icecc -j${jobs}`, jobs, run: () => this.build(request, jobs) }));
  }

  private async build(request: Request, jobs: number): Promise<Outcome> {
    try {
      await this.startDaemons(request);
      const how: BuildCommand = {
        command: ['/usr/bin/icecc', 'gcc'],
        jobs,
        env: {
          ICECC_TEST_SOCKET: this.socket('client'),
          ICECC_VERSION: this.environment(),
          ICECC_DEBUG: 'warning',
          ICECC_CARET_WORKAROUND: '0',
        },
      };
      await this.warm(request, how);
      return await runBuild(this.bench, request, how);
    } finally {
      await this.bench.hosts.endAll();
    }
  }

  private async startDaemons({ plan }: Request): Promise<void> {
    rmSync(this.dir, { recursive: true, force: true });
    this.packEnvironment();
    const { hosts } = this.bench;
    const env = { ...this.bench.env, PATH: `${this.bench.env['PATH']}:/usr/sbin:/sbin` };
    const scheduler = hosts.network.hosts[clientHost]?.ipv4 ?? '';
    hosts.start(clientHost, ['icecc-scheduler', '-p', String(schedulerPort), '-n', 'bench'], env);
    await this.until(
      () => 'the scheduler listens',
      () => hosts.hasListener(clientHost, schedulerPort),
    );
    const start = (host: number, name: string, jobs: number, more: readonly string[], slowness: number): void => {
      const base = join(this.dir, name);
      mkdirSync(base);
      execFileSync('chown', ['icecc', base]);
      const words = ['-n', 'bench', '-s', `${scheduler}:${schedulerPort}`, '-N', name, '-p', String(daemonPort)];
      hosts.start(host, ['iceccd', ...words, '-m', String(jobs), '-u', 'icecc', ...more, '-b', base], {
        ...env,
        ICECC_TEST_SOCKET: this.socket(name),
        SLEEPCC_SLOWNESS: String(slowness),
      });
    };
    for (const [index, slowness] of plan.slowness.entries())
      start(workerHost(index), `worker-${index + 1}`, slotsPerWorker, [], slowness);
    start(clientHost, 'client', 0, ['--no-remote'], 1);
  }

  /**
   * Short compiles until two rounds in a row were done by others but for a few: the daemons have found each other by then, and have the
   * compiler's environment. Some are always done here while the machine is busy, because a daemon that is loaded takes none.
   */
  private async warm(request: Request, how: BuildCommand): Promise<void> {
    const round = writeWarming(this.bench, request.plan);
    const few = FEW * round.plan.durationsMs.length;
    const rounds: number[] = [];
    await this.until(
      () => `compiles are done by others (by round so many were not: ${rounds.slice(-10).join(', ')})`,
      async () => {
        const { here, failed } = await runBuild(this.bench, round, how);
        rounds.push(here + failed);
        return rounds.length > 1 && rounds.slice(-2).every((count) => count <= few);
      },
    );
  }

  /** A root directory with our compiler in the places where icecc looks for one. */
  private packEnvironment(): void {
    const root = join(this.dir, 'root');
    for (const dir of ['usr/bin', 'bin', 'tmp', 'etc']) mkdirSync(join(root, dir), { recursive: true });
    for (const name of ['usr/bin/gcc', 'usr/bin/g++', 'usr/bin/as', 'bin/true'])
      copyFileSync(join(this.bench.compilerDir, 'gcc'), join(root, name));
    execFileSync('tar', ['-C', root, '-czf', this.environment(), '.']);
    execFileSync('chown', ['icecc', this.dir]);
    chmodSync(this.dir, 0o755);
  }

  private environment(): string {
    return join(this.dir, 'sleepcc.tar.gz');
  }

  private socket(name: string): string {
    return join(this.dir, `${name}.socket`);
  }

  private async until(what: () => string, probe: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + readyWithinMs;
    while (!(await probe())) {
      if (performance.now() > deadline) throw new BenchProblem(`not within ${readyWithinMs / 1000} s: ${what()}`);
      await delay(200);
    }
  }
}
