// distcc on the benchmark's farm: a distccd on each host with as many jobs as it has slots, the hosts in a list as users write it, in
// order or to be taken at random. What distcc does when a host fails is its own: it compiles on the machine that builds.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ensureInstalled } from '../client/peers.ts';
import { BenchProblem } from '../client/problem.ts';
import { slotsPerWorker } from './farm-plan.ts';
import { isRunning } from './hosts.ts';
import { runBuild, workerHost } from './run-build.ts';
import type { Bench, Contender, Outcome, Request, Way } from './types.ts';

const distccd = '/usr/bin/distccd';
const port = 3632;
const readyWithinMs = 15_000;

export class Distcc implements Contender {
  readonly name = 'distcc';
  private readonly bench: Bench;
  private readonly dir: string;

  constructor(bench: Bench) {
    this.bench = bench;
    this.dir = join(bench.scratch, 'distcc');
  }

  open(): Promise<string | null> {
    const missing = ensureInstalled(distccd, ['distcc'], this.bench.log);
    if (missing !== null) return Promise.resolve(missing);
    const { kind } = this.bench.hosts.network;
    return Promise.resolve(kind === 'namespaces' ? null : 'hosts with addresses of their own need root');
  }

  ways(request: Request): readonly Way[] {
    const slots = request.plan.slowness.length * slotsPerWorker;
    const way = (name: string, jobs: number, random: boolean): Way => ({
      who: `${name} -j${jobs}`,
      jobs,
      run: () => this.build(request, jobs, random),
    });
    return [
      way('distcc', slots, false),
      way('distcc-random', slots, true),
      way('distcc', 2 * slots, false),
      way('distcc-random', 2 * slots, true),
    ];
  }

  private async build(request: Request, jobs: number, random: boolean): Promise<Outcome> {
    rmSync(this.dir, { recursive: true, force: true });
    mkdirSync(this.dir);
    const { hosts, env } = this.bench;
    try {
      const servers = request.plan.slowness.map((slowness, index) =>
        hosts.start(
          workerHost(index),
          [
            distccd,
            ...['--no-detach', '--daemon', '--allow', '10.0.0.0/8', '--port', String(port), '--nice', '0'],
            ...['--jobs', String(slotsPerWorker), '--enable-tcp-insecure', '--log-stderr', '--log-level', 'error'],
          ],
          { ...env, DISTCCD_PATH: this.bench.compilerDir, SLEEPCC_SLOWNESS: String(slowness) },
        ),
      );
      for (const [index, server] of servers.entries()) {
        const deadline = performance.now() + readyWithinMs;
        while (!(await this.listens(workerHost(index)))) {
          if (isRunning(server) && performance.now() < deadline) await delay(50);
          else throw new BenchProblem(`distccd does not listen: ${hosts.saidBy(server)}`);
        }
      }
      const list = request.plan.slowness.map((_, index) => {
        const address = hosts.network.hosts[workerHost(index)]?.ipv4 ?? '';
        return `${address}:${port}/${slotsPerWorker}`;
      });
      return await runBuild(this.bench, request, {
        command: ['/usr/bin/distcc', 'gcc'],
        jobs,
        env: { DISTCC_DIR: this.dir, DISTCC_HOSTS: [...(random ? ['--randomize'] : []), ...list].join(' ') },
      });
    } finally {
      await hosts.endAll();
    }
  }

  private listens(host: number): Promise<boolean> {
    return this.bench.hosts.hasListener(host, port);
  }
}
