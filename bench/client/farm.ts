// The benchmark's farm: one client agent as users have it, and worker agents that answer with kept outputs, each a process and a
// TENDER_HOME of its own, joined to one cluster by the commands that users type. All traffic is on loopback.
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { loadConfig, socketPath } from '../../src/adapters/config/config.ts';
import { callControl } from '../../src/adapters/launcher-socket/client.ts';
import { agentNodeOptions } from '../../src/apps/cli/agent-client.ts';
import { BenchProblem, must } from './problem.ts';
import type { Bench, Canned } from './types.ts';

const execute = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const main = join(root, 'dist/apps/main.js');
const cannedAgent = join(root, 'bench/canned-agent.ts');
const profileHook = join(root, 'bench/client/profile-hook.ts');
export const launcher = join(root, 'build/bin/tender-cc');

const workers = ['worker-1', 'worker-2'] as const;
const slotsPerWorker = 16;
const startWithinMs = 20_000;

/** Homes that are members of one cluster and have done nothing yet: each farm begins from copies of them. */
export interface FarmSeed {
  readonly dir: string;
  /** Whether this version has a result store that can be switched off. */
  readonly hasStore: boolean;
}

/** What an agent keeps of compilers for later ones of its home. */
const compilersFile = 'compilers.json';

/** Makes the cluster and its members; the client meets `compiler`. The agents that this needs are ended again. */
export async function seedFarm(bench: Bench, compiler: string): Promise<FarmSeed> {
  const dir = join(bench.scratch, 'seed');
  const groupPort = randomInt(20_000, 60_000);
  const hasStore = knowsStore(join(bench.scratch, 'probe'));
  for (const name of ['client', ...workers]) {
    const home = join(dir, name);
    mkdirSync(home, { recursive: true, mode: 0o700 });
    writeFileSync(join(home, 'config.toml'), renderConfig(name, groupPort));
  }
  try {
    await cli(bench, dir, 'client', ['init', '--name', 'bench']);
    for (const name of workers) {
      const token = await cli(bench, dir, 'client', ['invite', '--print-token-only']);
      await cli(bench, dir, name, ['join', token.trim()]);
    }
    // Nothing of the corpus: a file that includes none is looked at, and not compiled.
    const source = join(dir, 'empty.c');
    writeFileSync(source, '');
    await cli(bench, dir, 'client', ['explain', '--', compiler, '-c', source]);
  } finally {
    for (const name of ['client', ...workers]) await cli(bench, dir, name, ['stop']).catch(() => undefined);
  }
  return { dir, hasStore };
}

/** Asks the configuration itself, because an unknown key is refused. */
function knowsStore(probe: string): boolean {
  mkdirSync(probe, { recursive: true });
  writeFileSync(join(probe, 'config.toml'), '[store]\nenabled = false\n');
  return loadConfig(probe).ok;
}

function renderConfig(name: string, groupPort: number): string {
  return `[machine]
name = "${name}"
[network]
port = 0
group_port = ${groupPort}
interfaces = ["lo"]
announce = ["multicast"]
[delegate]
own_slots = 0
nobody_after_ms = 60000
[owner]
presence = false
[work]
enabled = ${name !== 'client'}
slots = ${name === 'client' ? 0 : slotsPerWorker}
max_load = 1000
niceness = 0
mem_per_task_mib = 1
mem_reserve_mib = 0
`;
}

async function cli(bench: Bench, dir: string, name: string, args: readonly string[]): Promise<string> {
  const env = { ...bench.env, TENDER_HOME: join(dir, name) };
  try {
    return (await execute(process.execPath, [main, ...args], { env })).stdout;
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string };
    throw new BenchProblem(`tender ${args[0]} on ${name}: ${stderr.trim() || (error as Error).message}`);
  }
}

export class Farm {
  /** TENDER_HOME of the client. */
  readonly home: string;
  /** The prefix of the client's profiles; null: none are taken. */
  readonly profile: string | null;
  private readonly dir: string;
  private readonly children: ChildProcess[] = [];
  private clientPid = 0;

  /** Copies what outlives the client's agent and is not about the sources: what is known of compilers, and its own compiled code. */
  leaveTo(dir: string): void {
    mkdirSync(dir, { recursive: true });
    for (const name of [compilersFile, 'code']) {
      if (existsSync(join(this.home, name))) cpSync(join(this.home, name), join(dir, name), { recursive: true });
    }
  }

  private constructor(dir: string, profile: string | null) {
    this.dir = dir;
    this.profile = profile;
    this.home = join(dir, 'client');
  }

  /** Starts fresh agents; `profile`: the prefix of the client's profiles. */
  static async start(
    bench: Bench,
    seed: FarmSeed,
    canned: Canned,
    options: {
      readonly name: string;
      readonly store: boolean;
      /** Whether an earlier agent of the client's home has met the compiler. */
      readonly hasMet: boolean;
      /** A directory with what an agent left (`leaveTo`) that has built something; null: there was none. */
      readonly heritage: string | null;
      readonly profile: string | null;
    },
  ): Promise<Farm> {
    const farm = new Farm(join(bench.scratch, options.name), options.profile);
    try {
      for (const name of ['client', ...workers]) {
        const home = join(farm.dir, name);
        cpSync(join(seed.dir, name, 'cluster'), join(home, 'cluster'), { recursive: true });
        const config = readFileSync(join(seed.dir, name, 'config.toml'), 'utf8');
        const store = seed.hasStore ? `[store]\nenabled = ${options.store && name === 'client'}\n` : '';
        writeFileSync(join(home, 'config.toml'), config + store);
      }
      if (options.hasMet) cpSync(join(seed.dir, 'client', compilersFile), join(farm.home, compilersFile));
      if (options.heritage !== null) cpSync(options.heritage, farm.home, { recursive: true });
      for (const name of workers) await farm.startAgent(bench, name, [cannedAgent, canned.outDir, canned.keptDir], {});
      const { profile } = options;
      farm.clientPid = await farm.startAgent(
        bench,
        'client',
        [...agentNodeOptions, ...(profile === null ? [] : ['--import', profileHook]), main, 'agent'],
        profile === null ? {} : { TENDER_BENCH_PROFILE: profile },
      );
    } catch (error) {
      await farm.close();
      throw error;
    }
    return farm;
  }

  /** The client's agent. */
  get pid(): number {
    return this.clientPid;
  }

  private async startAgent(
    bench: Bench,
    name: string,
    words: readonly string[],
    env: Readonly<Record<string, string>>,
  ): Promise<number> {
    const home = join(this.dir, name);
    const child = spawn(process.execPath, words, {
      env: { ...bench.env, ...env, TENDER_HOME: home },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.children.push(child);
    process.off('exit', this.kill);
    process.prependOnceListener('exit', this.kill);
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
    const deadline = performance.now() + startWithinMs;
    while (performance.now() < deadline && child.exitCode === null) {
      if (existsSync(socketPath(home)) && (await callControl(socketPath(home), { cmd: 'ping' }, () => {})).ok)
        return child.pid ?? 0;
      await delay(10);
    }
    throw new BenchProblem(`the agent of ${name} does not start: ${said.trim()}`);
  }

  /** One question to the client's agent. */
  async ask(request: object): Promise<unknown> {
    let answer: unknown = null;
    must(await callControl(socketPath(this.home), request, (json) => (answer = json)));
    return answer;
  }

  /** Why attempts failed so far, each reason once, out of the client's log. */
  failureCodes(): readonly string[] {
    const log = readFileSync(join(this.home, 'log/agent.log'), 'utf8');
    return [...new Set([...log.matchAll(/"attempt-failed".*?"code":"([^"]*)"/g)].map((match) => match[1] ?? ''))];
  }

  private readonly kill = (): void => {
    for (const child of this.children) child.kill('SIGKILL');
  };

  /** Ends every agent, and removes their homes. */
  async close(): Promise<void> {
    process.off('exit', this.kill);
    for (const child of this.children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await ended;
      clearTimeout(late);
    }
    rmSync(this.dir, { recursive: true, force: true });
  }
}
