// The farm of the owner's benchmark: a client that compiles nothing itself, and one worker for each way to give way, all on this machine.
// Only one of them works at a time. Their agents, sandboxes and compilers are the real ones.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createCluster } from '../../src/adapters/cluster/create.ts';
import { startEnrolment } from '../../src/adapters/cluster/enrolment.ts';
import { createInvite } from '../../src/adapters/cluster/invites.ts';
import { joinCluster } from '../../src/adapters/cluster/join.ts';
import { socketPath } from '../../src/adapters/config/config.ts';
import { callControl } from '../../src/adapters/launcher-socket/client.ts';
import { nothingSaid, saveSaid } from '../../src/adapters/owner/owner-files.ts';
import { agentNodeOptions } from '../../src/apps/cli/agent-client.ts';
import { BenchProblem, must } from '../client/problem.ts';
import { ways, type Way } from './figures.ts';

const root = join(import.meta.dirname, '../..');
const main = join(root, 'dist/apps/main.js');
const launcher = join(root, 'build/bin/tender-cc');
const startWithinMs = 30_000;
/** In an idle group even a start takes long where others are busy. */
const compilesWithinMs = 120_000;
const stillWithinMs = 10_000;
const workers: readonly Way[] = ways.filter((way) => way !== 'empty');

export class Machines {
  private readonly dir: string;
  private readonly slots: number;
  private readonly children: ChildProcess[] = [];
  private compiles: ChildProcess[] = [];
  private readonly groupPort = randomInt(20_000, 60_000);
  private readonly marker = `OWNER_${randomBytes(6).toString('hex')}`;

  constructor(dir: string, slots: number) {
    this.dir = dir;
    this.slots = slots;
  }

  async open(): Promise<void> {
    for (const name of ['client', ...workers]) {
      mkdirSync(this.home(name), { recursive: true, mode: 0o700 });
      writeFileSync(join(this.home(name), 'config.toml'), this.config(name));
    }
    const home = this.home('client');
    must(await createCluster({ home, name: 'bench', nodeName: 'client' }));
    const enrolment = must(await startEnrolment({ home, port: 0, host: '127.0.0.1' }));
    try {
      for (const name of workers) {
        const invite = must(createInvite({ home, minutes: 10, addresses: ['127.0.0.1'], port: enrolment.port }));
        must(await joinCluster({ home: this.home(name), token: invite.token, nodeName: name }));
      }
    } finally {
      await enrolment.close();
    }
    // Endless for the compiler, and nothing but work for the processor.
    const loop = 'constexpr long f() { long s = 0; for (long i = 0; i < 1L << 60; i++) s ^= i; return s; }';
    for (let i = 0; i < this.slots; i++)
      writeFileSync(join(this.dir, `slow${i}.cc`), `${loop}\nstatic_assert(f() >= ${i});\n`);
    await this.startAgent('client');
    for (const name of workers) await this.startAgent(name);
  }

  /** What the agent of this way has said of it; null: this machine lets it make no group. */
  kindOf(way: Way): string | null {
    const log = readFileSync(join(this.home(way), 'log/agent.log'), 'utf8');
    const by = /"gives-way".*?"by":"([^"]*)"/.exec(log)?.[1] ?? '';
    return by.includes('idle') ? by : null;
  }

  /** All slots of one worker compile; resolves when they do. */
  async compileAt(way: Way): Promise<void> {
    const build = `b${randomBytes(6).toString('hex')}`;
    await this.ask('client', { cmd: 'build-start', build, needs: `name == "${way}"` });
    const limits = ['-fconstexpr-ops-limit=9223372036854775807', '-fconstexpr-loop-limit=2147483647'];
    for (let i = 0; i < this.slots; i++) {
      const words = ['g++', `-D${this.marker}`, ...limits, '-c', `slow${i}.cc`, '-o', `slow${i}.o`];
      const env = { ...process.env, TENDER_HOME: this.home('client'), TENDER_BUILD: build, TENDER_NO_START: '1' };
      this.compiles.push(spawn(launcher, words, { cwd: this.dir, env, stdio: 'ignore' }));
    }
    const deadline = performance.now() + compilesWithinMs;
    while (this.compilers().length < this.slots) {
      if (performance.now() > deadline)
        throw new BenchProblem(`${way}: only ${this.compilers().length} of ${this.slots} compiles run`);
      await delay(50);
    }
  }

  /** The owner says that they are back: how long until every compiler stands still, ms. */
  async relief(way: Way): Promise<number> {
    const pids = this.compilers();
    must(saveSaid(this.home(way), { ...nothingSaid, paused: 'forever' }));
    const began = performance.now();
    const asked = this.ask(way, { cmd: 'owner-reread' });
    while (pids.some(isBusy)) {
      if (performance.now() - began > stillWithinMs) throw new BenchProblem(`${way}: compilers do not stand still`);
      await delay(1);
    }
    const tookMs = performance.now() - began;
    await asked;
    return tookMs;
  }

  /** Nothing compiles any more, and the machine may help again. */
  async clear(way: Way): Promise<void> {
    const running = this.compiles.filter((child) => child.exitCode === null && child.signalCode === null);
    const ends = running.map((child) => once(child, 'exit'));
    for (const child of running) child.kill('SIGKILL');
    await Promise.all(ends);
    this.compiles = [];
    must(saveSaid(this.home(way), nothingSaid));
    await this.ask(way, { cmd: 'owner-reread' });
    const deadline = performance.now() + stillWithinMs;
    while (this.compilers().length > 0) {
      if (performance.now() > deadline) throw new BenchProblem(`${way}: compilers do not end`);
      await delay(20);
    }
  }

  async close(): Promise<void> {
    const all = [...this.compiles, ...this.children].filter((child) => child.exitCode === null && !child.killed);
    const ends = all.map((child) => once(child, 'exit'));
    for (const child of all) child.kill('SIGTERM');
    const late = setTimeout(() => all.forEach((child) => child.kill('SIGKILL')), stillWithinMs);
    await Promise.all(ends);
    clearTimeout(late);
  }

  private compilers(): number[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && isCompiler(name, this.marker))
      .map(Number);
  }

  private async startAgent(name: string): Promise<void> {
    const words = [...this.prefix(name), process.execPath, ...agentNodeOptions, main, 'agent'];
    let said = '';
    const child = spawn(words[0] ?? '', words.slice(1), {
      env: { ...process.env, TENDER_HOME: this.home(name) },
      stdio: ['ignore', 'ignore', 'pipe'],
      // A session of its own, as an agent has that `tender` starts.
      detached: true,
    });
    child.stderr.setEncoding('utf8').on('data', (more: string) => (said = (said + more).slice(-2000)));
    this.children.push(child);
    const deadline = performance.now() + startWithinMs;
    while (performance.now() < deadline && child.exitCode === null) {
      if (existsSync(socketPath(this.home(name)))) {
        const pinged = await callControl(socketPath(this.home(name)), { cmd: 'ping' }, () => undefined);
        if (pinged.ok) return;
      }
      await delay(25);
    }
    throw new BenchProblem(`the agent of ${name} does not start: ${said}`);
  }

  /** One worker must do without control groups, as where they are not to be had: it sees them read-only. */
  private prefix(name: string): readonly string[] {
    if (name !== 'priority' || spawnSync('unshare', ['-m', 'true']).status !== 0) return [];
    const script =
      'for at in $(awk \'$3 ~ /^cgroup/ { print $2 }\' /proc/mounts); do mount -o remount,bind,ro "$at"; done; exec "$@"';
    return ['unshare', '-m', 'sh', '-c', script, 'sh'];
  }

  private async ask(name: string, request: object): Promise<void> {
    const patient = { firstAnswerMs: startWithinMs };
    must(await callControl(socketPath(this.home(name)), request, () => undefined, patient));
  }

  private home(name: string): string {
    return join(this.dir, name);
  }

  private config(name: string): string {
    return `[machine]
name = "${name}"
[network]
port = 0
group_port = ${this.groupPort}
interfaces = ["lo"]
announce = ["multicast"]
[delegate]
own_slots = 0
nobody_after_ms = 600000
[owner]
presence = false
grace_seconds = 0
freeze_seconds = 3600
[work]
enabled = ${name !== 'client'}
slots = ${name === 'client' ? 0 : this.slots}
max_load = 1000
niceness = ${name === 'plain' ? 0 : 19}
mem_per_task_mib = 1
mem_reserve_mib = 0
[store]
enabled = false
`;
  }
}

function isCompiler(pid: string, marker: string): boolean {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
    return basename(words[0] ?? '') === 'cc1plus' && words.some((word) => word.includes(marker));
  } catch {
    return false;
  }
}

/** Runs or wants to; what is stopped or frozen does not. */
function isBusy(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat[stat.lastIndexOf(')') + 2] === 'R';
  } catch {
    return false;
  }
}
