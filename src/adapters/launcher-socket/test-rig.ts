// What the launcher's tests stand on: the real tender-cc, a scratch TENDER_HOME, compilers that are shell scripts, and
// the real server as the agent. Agents that must be stopped or killed run as processes of their own.
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { listenLaunchers } from './server.ts';
import type { ControlCall, LauncherCall, LauncherRequest, LauncherServer } from './types.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly tookMs: number;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

/** Builds the launcher; null, and a loud word, where there is no C compiler. */
export function buildLauncher(): string | null {
  try {
    execFileSync('sh', [join(ROOT, 'launcher/build.sh')], { stdio: ['ignore', 'ignore', 'pipe'] });
    return join(ROOT, 'build/bin/tender-cc');
  } catch (error) {
    console.error(`SKIPPED: the launcher's tests need a C compiler: ${String(error)}`);
    return null;
  }
}

export interface AgentProcess {
  readonly child: ChildProcess;
  /** Resolves when the next request has come. */
  readonly asked: () => Promise<void>;
}

/** A temporary directory with a `home` and a `work`, and all that was started in it. */
export class Rig {
  readonly launcher: string;
  readonly dir = realpathSync(mkdtempSync(join(tmpdir(), 'tender-launcher-')));
  readonly home = join(this.dir, 'home');
  readonly work = join(this.dir, 'work');
  readonly socket = join(this.home, 'run', 'agent.sock');
  #servers: LauncherServer[] = [];
  #children: ChildProcess[] = [];

  constructor(launcher: string) {
    this.launcher = launcher;
    mkdirSync(this.work);
  }

  /** Writes an executable file below `dir` and gives its path. */
  script(name: string, text: string): string {
    const path = join(this.dir, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `#!/bin/sh\n${text}\n`);
    chmodSync(path, 0o755);
    return path;
  }

  async agent(
    compile: (request: LauncherRequest, call: LauncherCall) => void,
    control: (json: unknown, call: ControlCall) => void = (_json, call) => call.end(),
  ): Promise<LauncherServer> {
    const server = await listenLaunchers(this.socket, { compile, control });
    this.#servers.push(server);
    return server;
  }

  /** An agent as a process that can be stopped and killed: it sends `answer` (hex) for each request, or nothing. */
  async agentProcess(answer: string): Promise<AgentProcess> {
    mkdirSync(dirname(this.socket), { recursive: true, mode: 0o700 });
    const child = spawn(process.execPath, ['-e', stubAgent, this.socket, answer], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#children.push(child);
    await new Promise((resolve) => child.stdout.once('data', resolve));
    return { child, asked: () => new Promise((resolve) => child.stdout.once('data', () => resolve())) };
  }

  /** Starts a program with TENDER_HOME set, the launcher's variables of the surroundings taken out, and no agent started. */
  start(
    file: string,
    args: readonly string[],
    { env = {}, cwd = this.work, argv0 = file }: StartOptions = {},
  ): Running {
    const startedMs = performance.now();
    const child = spawn(file, args, {
      cwd,
      argv0,
      env: { PATH: process.env['PATH'], LC_ALL: 'C', TENDER_HOME: this.home, TENDER_NO_START: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#children.push(child);
    const out: Buffer[] = [];
    const errors: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
    const ended = new Promise<Ended>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) =>
        resolve({
          code,
          signal,
          stdout: Buffer.concat(out).toString(),
          stderr: Buffer.concat(errors).toString(),
          tookMs: performance.now() - startedMs,
        }),
      );
    });
    return { child, ended };
  }

  cc(args: readonly string[], options?: StartOptions): Promise<Ended> {
    return this.start(this.launcher, args, options).ended;
  }

  async dispose(): Promise<void> {
    for (const child of this.#children) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    for (const server of this.#servers) await server.close();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly argv0?: string;
}

/** What a launcher says when told to run its compiler here, as bytes in hex. */
export const LOCAL_HEX = '4c0400000000000000';
export const HEARD_HEX = '4800000000';

const stubAgent = `
  const [path, answer] = process.argv.slice(1);
  require('node:net').createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', () => { console.log('asked'); socket.write(Buffer.from(answer, 'hex')); });
  }).listen({ path, backlog: 1 }, () => console.log('ready'));
`;

/** Looks every few milliseconds until `probe` gives something; fails after ten seconds. */
export async function until<T>(what: string, probe: () => T | null | undefined | false): Promise<T> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    const found = probe();
    if (found !== null && found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`waited ten seconds in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
