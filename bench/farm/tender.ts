// Tender on the benchmark's farm: a client's agent and a worker's agent on each host, with homes of their own, members of one
// cluster. A first build by an agent that knows nothing, then builds by agents that know the durations from that one alone.
import type { ChildProcess } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createCluster } from '../../src/adapters/cluster/create.ts';
import { startEnrolment } from '../../src/adapters/cluster/enrolment.ts';
import { createInvite } from '../../src/adapters/cluster/invites.ts';
import { joinCluster } from '../../src/adapters/cluster/join.ts';
import { socketPath } from '../../src/adapters/config/config.ts';
import { callControl } from '../../src/adapters/launcher-socket/client.ts';
import { agentNodeOptions } from '../../src/apps/cli/agent-client.ts';
import type { BuildReport } from '../../src/apps/report.ts';
import { BenchProblem, must } from '../client/problem.ts';
import { slotsPerWorker, type Plan } from './farm-plan.ts';
import { isRunning } from './hosts.ts';
import { writeWarming } from './sources.ts';
import { clientHost, runBuild, workerHost } from './run-build.ts';
import type { Bench, Contender, Outcome, Request, Way } from './types.ts';

const root = join(import.meta.dirname, '../..');
const main = join(root, 'dist/apps/main.js');
const workerAgent = join(import.meta.dirname, 'worker-agent.ts');
const launcher = join(root, 'build/bin/tender-cc');
const startWithinMs = 60_000;
/** Agents that start at a time: more of them only wait for each other's processor. */
const startedAtOnce = 4;
const clientName = 'client';
const workerName = (index: number): string => `worker-${index + 1}`;

export class Tender implements Contender {
  readonly name = 'tender';
  private readonly bench: Bench;
  private readonly dir: string;
  private readonly workers: number;
  /** Where logs of the client's agent are left; null: nowhere. */
  private readonly logDir: string | null;
  private readonly groupPort = randomInt(20_000, 60_000);
  private firstBuild: { readonly seed: number; readonly outcome: Outcome } | null = null;

  constructor(bench: Bench, workers: number, logDir: string | null) {
    this.bench = bench;
    this.dir = join(bench.scratch, 'tender');
    this.workers = workers;
    this.logDir = logDir;
  }

  async open(): Promise<string | null> {
    const names = [clientName, ...Array.from({ length: this.workers }, (_, index) => workerName(index))];
    for (const name of names) {
      mkdirSync(this.home(name), { recursive: true, mode: 0o700 });
      writeFileSync(join(this.home(name), 'config.toml'), this.renderConfig(name));
    }
    const home = this.home(clientName);
    must(await createCluster({ home, name: 'bench', nodeName: clientName }));
    const enrolment = must(await startEnrolment({ home, port: 0, host: '127.0.0.1' }));
    try {
      for (const name of names.slice(1)) {
        const invite = must(createInvite({ home, minutes: 10, addresses: ['127.0.0.1'], port: enrolment.port }));
        must(await joinCluster({ home: this.home(name), token: invite.token, nodeName: name }));
      }
    } finally {
      await enrolment.close();
    }
    cpSync(home, this.home('client-new'), { recursive: true });
    return null;
  }

  ways(request: Request): readonly Way[] {
    const jobs = 2 * this.workers * slotsPerWorker;
    const again: Way = { who: `tender -j${jobs}`, jobs, run: () => this.buildAgain(request, jobs) };
    if (request.condition !== 'healthy') return [again];
    const first: Way = {
      who: `tender-first -j${jobs}`,
      jobs,
      run: () => this.buildFirst(request, jobs),
    };
    return [first, again];
  }

  /** Once a seed: what it teaches is what the builds again know. */
  private async buildFirst(request: Request, jobs: number): Promise<Outcome> {
    const { seed } = request.plan;
    if (this.firstBuild?.seed === seed) return this.firstBuild.outcome;
    const outcome = await this.build({ ...request, condition: 'healthy' }, jobs, 'client-new', 'first');
    this.firstBuild = { seed, outcome };
    rmSync(this.home('client-knowing'), { recursive: true, force: true });
    this.takeHome(clientName, 'client-knowing');
    return outcome;
  }

  private async buildAgain(request: Request, jobs: number): Promise<Outcome> {
    await this.buildFirst(request, jobs);
    return this.build(request, jobs, 'client-knowing', request.condition);
  }

  /** A build by a fresh agent whose home begins as `from`, on workers that have worked before, for an agent that is forgotten. */
  private async build(request: Request, jobs: number, from: string, label: string): Promise<Outcome> {
    try {
      await this.startWorkers(request.plan);
      await this.buildOnce(writeWarming(this.bench, request.plan), jobs, 'client-new');
      const { outcome, report } = await this.buildOnce(request, jobs, from);
      this.keepLog(`${label}-${request.plan.seed}`);
      return { ...outcome, notes: this.notesOf(report) };
    } finally {
      await this.bench.hosts.endAll();
    }
  }

  private async buildOnce(
    request: Request,
    jobs: number,
    from: string,
  ): Promise<{ outcome: Outcome; report: BuildReport }> {
    this.takeHome(from, clientName);
    const client = await this.startAgent(clientHost, clientName, [...agentNodeOptions, main, 'agent'], {
      TENDER_LOG: this.logDir === null ? 'info' : 'debug',
      ...(this.logDir === null ? {} : { TENDER_JOURNAL: join(this.logDir, 'journals') }),
    });
    const build = `b${randomBytes(6).toString('hex')}`;
    await this.ask({ cmd: 'build-start', build, needs: '' });
    const outcome = await runBuild(this.bench, request, {
      command: [launcher, 'gcc'],
      jobs,
      env: { TENDER_HOME: this.home(clientName), TENDER_BUILD: build, TENDER_NO_START: '1' },
    });
    const report = (await this.ask({ cmd: 'build-end', build })) as BuildReport;
    // It writes down what it has learnt.
    await this.bench.hosts.end(client);
    return { outcome, report };
  }

  private takeHome(from: string, to: string): void {
    if (!existsSync(this.home(from))) throw new Error(`bug: no ${from}`);
    rmSync(this.home(to), { recursive: true, force: true });
    cpSync(this.home(from), this.home(to), {
      recursive: true,
      filter: (path) => path !== join(this.home(from), 'run') && path !== join(this.home(from), 'log'),
    });
  }

  private notesOf(report: BuildReport): readonly string[] {
    const notes: string[] = [];
    if (report.retried > 0) notes.push(`${report.retried} attempts failed (${this.failureCodes().join(', ')})`);
    if (report.doubled > 0) notes.push(`${report.doubled} doubled`);
    if (report.local > 0) notes.push(`${report.local} ran here (${JSON.stringify(report.reasons)})`);
    return notes;
  }

  /** Why attempts failed, with how many did. */
  private failureCodes(): readonly string[] {
    const log = readFileSync(join(this.home(clientName), 'log/agent.log'), 'utf8');
    const counts = new Map<string, number>();
    for (const [, code = ''] of log.matchAll(/"attempt-failed".*?"code":"([^"]*)"/g))
      counts.set(code, (counts.get(code) ?? 0) + 1);
    return [...counts].map(([code, count]) => `${code} ${count}`);
  }

  private keepLog(label: string): void {
    if (this.logDir === null) return;
    mkdirSync(this.logDir, { recursive: true });
    copyFileSync(join(this.home(clientName), 'log/agent.log'), join(this.logDir, `${label}.log`));
  }

  private async startWorkers(plan: Plan): Promise<void> {
    const indexes = [...plan.slowness.keys()];
    while (indexes.length > 0) {
      const started = indexes.splice(0, startedAtOnce).map(async (index) => {
        const slowness = String(plan.slowness[index] ?? 1);
        await this.startAgent(workerHost(index), workerName(index), [workerAgent], { SLEEPCC_SLOWNESS: slowness });
      });
      await Promise.all(started);
    }
  }

  private async startAgent(
    host: number,
    name: string,
    words: readonly string[],
    env: Readonly<Record<string, string>>,
  ): Promise<ChildProcess> {
    const { hosts } = this.bench;
    const child = hosts.start(host, [process.execPath, ...words], {
      ...this.bench.env,
      ...env,
      // Twenty agents of the same sources need not be compiled by the engine twenty times.
      NODE_COMPILE_CACHE: join(this.bench.scratch, 'compile-cache'),
      TENDER_HOME: this.home(name),
    });
    const socket = socketPath(this.home(name));
    const deadline = performance.now() + startWithinMs;
    while (performance.now() < deadline && isRunning(child)) {
      if (existsSync(socket) && (await callControl(socket, { cmd: 'ping' }, () => {})).ok) return child;
      await delay(25);
    }
    throw new BenchProblem(`the agent of ${name} does not start: ${hosts.saidBy(child)}`);
  }

  private async ask(request: object): Promise<unknown> {
    let answer: unknown = null;
    const patient = { firstAnswerMs: startWithinMs };
    must(await callControl(socketPath(this.home(clientName)), request, (json) => (answer = json), patient));
    return answer;
  }

  private home(name: string): string {
    return join(this.dir, name);
  }

  private renderConfig(name: string): string {
    const isClient = name === clientName;
    return `[machine]
name = "${name}"
[network]
port = 0
group_port = ${this.groupPort}
interfaces = ${this.bench.hosts.network.kind === 'loopback' ? '["lo"]' : '[]'}
announce = ["multicast"]
[delegate]
own_slots = 0
nobody_after_ms = 60000
[owner]
presence = false
[work]
enabled = ${!isClient}
slots = ${isClient ? 0 : slotsPerWorker}
max_load = 1000
niceness = 0
mem_per_task_mib = 1
mem_reserve_mib = 0
[store]
enabled = false
`;
  }
}
