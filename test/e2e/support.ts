// A small farm for tests: agents with their own TENDER_HOME on loopback, talking by multicast on a port of their own, driven by the CLI.
// Every process started here is ended by pid in `close`, and nothing is waited for by the clock alone.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BuildReport, StatusReport } from '../../src/apps/report.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const main = join(root, 'dist/apps/main.js');
export const launcher = join(root, 'build/bin/tender-cc');

export interface Ran {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface AgentOptions {
  readonly own_slots?: number;
  readonly slots?: number;
  readonly nobody_after_ms?: number;
  /** 0 unless told: a busy machine must not make tests wait. */
  readonly niceness?: number;
  /** Where TENDER_HOME lies, when not in the farm's directory. */
  readonly home?: string;
  /** Put before the agent's command, e.g. `unshare -m sh -c '…'` for a machine with another compiler. */
  readonly prefix?: readonly string[];
  readonly announce?: readonly string[];
  readonly peers?: readonly string[];
  /** `group`: the port of the multicast groups, as by default. */
  readonly port?: number | 'group';
  readonly policy?: 'first' | 'finish';
  /** Keeps results; off unless told, so that every compile of a test is one. */
  readonly store?: boolean;
  /** More of config.toml. */
  readonly config?: string;
  /** Put before all of this machine's commands, as `ip netns exec NAME`; the farm's own unless told. */
  readonly inside?: readonly string[];
  /** Where it announces and listens; loopback unless told. */
  readonly interfaces?: readonly string[];
}

export interface TestAgent {
  readonly name: string;
  readonly home: string;
  readonly child: ChildProcess;
  readonly pid: number;
}

/** Polls until `probe` gives something other than null; fails loudly at the deadline. */
export async function until<T>(what: string, probe: () => T | null | Promise<T | null>, withinMs = 30_000): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const value = await probe();
    if (value !== null) return value;
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

export class TestFarm {
  readonly dir = mkdtempSync(join(tmpdir(), 'tender-e2e-'));
  /** Everything runs as this user (root only). */
  uid: number | undefined;
  /** Put before every command, as `ip netns exec NAME`. */
  inside: readonly string[] = [];
  readonly agents: TestAgent[] = [];
  readonly groupPort = randomInt(20_000, 60_000);
  private readonly children: ChildProcess[] = [];

  /** A client and `workers` machines in one cluster, all running. */
  static async start(workers: number, client: AgentOptions = {}, worker: AgentOptions = {}): Promise<TestFarm> {
    const farm = new TestFarm();
    await farm.startClient(client);
    for (let index = 1; index <= workers; index++) await farm.addWorker(`w${index}`, worker);
    return farm;
  }

  async startClient(options: AgentOptions = {}): Promise<TestAgent> {
    this.prepare('client', { own_slots: 0, slots: 0, nobody_after_ms: 20_000, ...options });
    const made = await this.cli('client', ['init', '--name', 'test']);
    if (made.code !== 0) throw new Error(`init: ${made.stderr}`);
    return this.startAgent('client', options);
  }

  async addWorker(name: string, options: AgentOptions = {}): Promise<TestAgent> {
    this.prepare(name, { slots: 2, own_slots: 0, ...options });
    const invited = await this.cli('client', ['invite', '--print-token-only']);
    const joined = await this.cli(name, ['join', invited.stdout.trim()], { env: { TENDER_NO_START: '0' } });
    if (joined.code !== 0) throw new Error(`join: ${joined.stderr}${invited.stderr}`);
    // `join` started an agent of its own; the test wants one whose pid it holds.
    await this.cli(name, ['stop']);
    return this.startAgent(name, options);
  }

  /** Makes a path the farm's user's. */
  giveAway(path: string): void {
    if (this.uid !== undefined) chownSync(path, this.uid, this.uid);
  }

  homeOf(name: string, options: AgentOptions = {}): string {
    return options.home ?? this.homes.get(name) ?? join(this.dir, name);
  }

  private readonly homes = new Map<string, string>();
  private readonly insides = new Map<string, readonly string[]>();

  prepare(name: string, options: AgentOptions): string {
    const home = options.home ?? join(this.dir, name);
    this.homes.set(name, home);
    if (options.inside !== undefined) this.insides.set(name, options.inside);
    mkdirSync(home, { recursive: true, mode: 0o700 });
    const { announce = ['multicast'], peers = [], port = 0 } = options;
    const lines = [
      `[machine]\nname = "${name}"`,
      `[network]\nport = ${port === 'group' ? this.groupPort : port}\ngroup_port = ${this.groupPort}\ninterfaces = ${JSON.stringify(options.interfaces ?? ['lo'])}`,
      `announce = ${JSON.stringify(announce)}\npeers = ${JSON.stringify(peers)}`,
      `[delegate]\npolicy = "${options.policy ?? 'finish'}"\nown_slots = ${options.own_slots ?? 0}\nnobody_after_ms = ${options.nobody_after_ms ?? 20_000}`,
      `[work]\nslots = ${options.slots ?? 2}\nmax_load = 1000\nniceness = ${options.niceness ?? 0}\nmem_per_task_mib = 64\nmem_reserve_mib = 0`,
    ];
    lines.push(`[store]\nenabled = ${options.store ?? false}`, options.config ?? '');
    // Whoever runs the tests sits at this machine.
    if (options.config?.includes('[owner]') !== true) lines.push('[owner]\npresence = false');
    writeFileSync(join(home, 'config.toml'), `${lines.join('\n')}\n`);
    this.giveAway(home);
    this.giveAway(this.dir);
    return home;
  }

  async startAgent(name: string, options: AgentOptions = {}): Promise<TestAgent> {
    const home = this.homeOf(name, options);
    const words = [...this.insideOf(name), ...(options.prefix ?? []), process.execPath, main, 'agent'];
    const child = spawn(words[0] as string, words.slice(1), {
      env: this.env(name),
      stdio: ['ignore', 'ignore', 'pipe'],
      ...this.asUser(),
    });
    this.children.push(child);
    let said = '';
    child.stderr?.on('data', (text: Buffer) => (said += text.toString()));
    await until(`the agent of ${name} answers (${said})`, async () => {
      if (child.exitCode !== null) throw new Error(`the agent of ${name} ended: ${said}`);
      return (await this.cli(name, ['status', '--json'])).code === 0 ? true : null;
    });
    const status = await this.status(name);
    const agent = { name, home, child, pid: status.agent.pid };
    this.agents.push(agent);
    return agent;
  }

  env(name: string): NodeJS.ProcessEnv {
    const clean = Object.fromEntries(Object.entries(process.env).filter(([key]) => !key.startsWith('TENDER_')));
    return { ...clean, TENDER_HOME: this.homeOf(name), TENDER_NO_START: '1', LC_ALL: 'C.UTF-8' };
  }

  cli(name: string, args: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}): Promise<Ran> {
    return this.run([process.execPath, main, ...args], {
      cwd: options.cwd ?? this.dir,
      env: { ...this.env(name), ...options.env },
      inside: this.insideOf(name),
    });
  }

  /** A compiler call through the launcher. */
  cc(name: string, words: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}): Promise<Ran> {
    return this.run([launcher, ...words], { cwd, env: { ...this.env(name), ...env } });
  }

  private insideOf(name: string): readonly string[] {
    return this.insides.get(name) ?? this.inside;
  }

  run(
    words: readonly string[],
    options: { cwd: string; env: NodeJS.ProcessEnv; inside?: readonly string[] },
  ): Promise<Ran> {
    return new Promise((resolve, reject) => {
      const { cwd, env, inside = this.inside } = options;
      const all = [...inside, ...words];
      const child = spawn(all[0] as string, all.slice(1), {
        cwd,
        env,
        ...this.asUser(),
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      this.children.push(child);
      let stdout = '';
      let stderr = '';
      child.stdout.on('data', (text: Buffer) => (stdout += text.toString()));
      child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
      child.on('error', reject);
      child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
    });
  }

  private asUser(): { uid?: number; gid?: number } {
    return this.uid === undefined ? {} : { uid: this.uid, gid: this.uid };
  }

  async status(name: string): Promise<StatusReport> {
    const ran = await this.cli(name, ['status', '--json']);
    if (ran.code !== 0) throw new Error(`status of ${name}: ${ran.stderr}`);
    return JSON.parse(ran.stdout) as StatusReport;
  }

  async build(
    words: readonly string[],
    cwd: string,
    env: NodeJS.ProcessEnv = {},
  ): Promise<Ran & { report: BuildReport }> {
    const file = join(this.dir, `report-${randomInt(1e9)}.json`);
    const ran = await this.cli('client', ['build', '--', ...words], { cwd, env: { ...env, TENDER_REPORT: file } });
    if (!existsSync(file)) throw new Error(`no report: ${ran.stdout}${ran.stderr}`);
    return { ...ran, report: JSON.parse(readFileSync(file, 'utf8')) as BuildReport };
  }

  logOf(name: string): string {
    const file = join(this.homeOf(name), 'log/agent.log');
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  async close(): Promise<void> {
    for (const child of this.children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGCONT');
      child.kill('SIGTERM');
    }
    for (const child of this.children) {
      await until(
        'a process of the farm ends',
        () => (child.exitCode !== null || child.signalCode !== null ? true : null),
        5_000,
      ).catch(() => child.kill('SIGKILL'));
    }
    // Agents that a command of the test started by itself.
    for (const pid of processesOf(`TENDER_HOME=${this.dir}`)) process.kill(pid, 'SIGKILL');
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Pids of all processes whose environment or command line speaks of `text`. */
export function processesOf(text: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      try {
        return (
          readFileSync(`/proc/${pid}/environ`, 'latin1').includes(text) ||
          readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(text)
        );
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** The real compiler, alone, with the same words. */
export function compileLocally(words: readonly string[], cwd: string): Ran {
  const [command = '', ...args] = words;
  const ran = spawnSync(command, args, { cwd, env: { ...process.env, LC_ALL: 'C.UTF-8' }, encoding: 'utf8' });
  return { code: ran.status, signal: ran.signal, stdout: ran.stdout, stderr: ran.stderr };
}

/** A C++ project of `units` files with shared headers, an out-of-tree build directory and a Makefile that writes depfiles. */
export function writeProject(dir: string, units: number): void {
  mkdirSync(join(dir, 'include/deep'), { recursive: true });
  mkdirSync(join(dir, 'src'));
  writeFileSync(
    join(dir, 'include/deep/base.h'),
    '#pragma once\n#include <string>\n#include <vector>\ninline int base(int x) { return x * 3; }\n',
  );
  writeFileSync(
    join(dir, 'include/all.h'),
    '#pragma once\n#include "deep/base.h"\n#include <map>\n#include <cassert>\n',
  );
  for (let unit = 0; unit < units; unit++) {
    writeFileSync(
      join(dir, `src/u${unit}.cc`),
      `#include "all.h"\nstd::map<std::string, std::vector<int>> table${unit};\n` +
        `int unit${unit}(int x) { assert(x > 0); table${unit}["${unit}"].push_back(base(x)); return static_cast<int>(table${unit}.size()); }\n`,
    );
  }
  writeFileSync(
    join(dir, 'Makefile'),
    [
      'SRC := $(wildcard src/*.cc)',
      'OBJ := $(SRC:src/%.cc=out/%.o)',
      'all: $(OBJ)',
      'out/%.o: src/%.cc',
      '\t@mkdir -p out',
      '\t$(CXX) -std=c++17 -O1 -g -Wall -Iinclude -MMD -MF out/$*.d -c $< -o $@',
      '-include $(OBJ:.o=.d)',
      '',
    ].join('\n'),
  );
}

/** Name → bytes of all files in a directory. */
export function contentsOf(dir: string): Map<string, Buffer> {
  return new Map(readdirSync(dir).map((name) => [name, readFileSync(join(dir, name))]));
}
