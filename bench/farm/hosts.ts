// The farm's machines: processes on hosts of a make-believe network, of which some can be killed or frozen with all that they have
// started. Only processes that began here are ever signalled, each by its own number.
import type { ChildProcess } from 'node:child_process';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import type { FarmNetwork } from '../../src/adapters/netns/farm-network.ts';

const stopWithinMs = 10_000;

export class Hosts {
  readonly network: FarmNetwork;
  private readonly children = new Map<ChildProcess, { readonly host: number; said: string }>();
  private readonly frozen = new Set<number>();
  /** CPU that lost servers had used, ms. */
  private lostCpuMs = 0;

  constructor(network: FarmNetwork) {
    this.network = network;
    process.prependOnceListener('exit', this.abandon);
  }

  /** Starts a server on a host; it must stay in the foreground. */
  start(host: number, argv: readonly [string, ...string[]], env: Readonly<Record<string, string>>): ChildProcess {
    const child = this.network.exec(host, argv, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const entry = { host, said: '' };
    this.children.set(child, entry);
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (more: string) => (entry.said = (entry.said + more).slice(-4000)));
    child.on('error', (error) => (entry.said += error.message));
    return child;
  }

  /** The last that a server printed. */
  saidBy(child: ChildProcess): string {
    return this.children.get(child)?.said.trim() ?? '';
  }

  /** Whether something on the host listens on a TCP port: asked of the kernel, not of the server. */
  async hasListener(host: number, port: number): Promise<boolean> {
    const child = this.network.exec(host, ['cat', '/proc/net/tcp', '/proc/net/tcp6'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const sockets = child.stdout === null ? '' : await text(child.stdout);
    return new RegExp(`:${port.toString(16).toUpperCase().padStart(4, '0')} \\S+ 0A `).test(sockets);
  }

  /** CPU of all servers so far and of what they have started and waited for, ms in steps of ten. */
  cpuMs(): number {
    const running = [...this.children.keys()].filter(isRunning);
    return this.lostCpuMs + running.reduce((sum, { pid = 0 }) => sum + sumCpu([...listTree(pid).keys()]), 0);
  }

  /** Kills or stops everything on these hosts at once. */
  lose(hosts: readonly number[], how: 'killed' | 'frozen'): void {
    for (const [child, { host }] of this.children) {
      if (!hosts.includes(host) || !isRunning(child) || child.pid === undefined) continue;
      const pids = stopTree(child.pid);
      if (how === 'killed') this.lostCpuMs += sumCpu(pids);
      for (const pid of pids) {
        if (how === 'killed') signal(pid, 'SIGKILL');
        else this.frozen.add(pid);
      }
    }
  }

  /** Ends one server as a service manager would, with whatever it leaves behind. */
  async end(child: ChildProcess): Promise<void> {
    if (!isRunning(child)) return;
    const ended = once(child, 'exit');
    const tree = listTree(child.pid ?? 0);
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), stopWithinMs);
    await ended;
    clearTimeout(late);
    // Children of the ended that are still what they were.
    for (const [pid, started] of tree) if (startOf(pid) === started) signal(pid, 'SIGKILL');
  }

  /** Ends every server, frozen ones too. */
  async endAll(): Promise<void> {
    const ends = [...this.children.keys()].filter(isRunning).map((child) => once(child, 'exit'));
    this.killAll();
    await Promise.all(ends);
  }

  /** Ends every server, and removes the network. Gives back what could not be removed. */
  async close(): Promise<readonly string[]> {
    await this.endAll();
    process.off('exit', this.abandon);
    return this.network.remove();
  }

  private killAll(): void {
    for (const child of this.children.keys()) {
      if (!isRunning(child) || child.pid === undefined) continue;
      for (const pid of stopTree(child.pid)) this.frozen.add(pid);
    }
    for (const pid of this.frozen) signal(pid, 'SIGKILL');
    this.frozen.clear();
    this.children.clear();
    this.lostCpuMs = 0;
  }

  /** The benchmark itself is leaving. */
  private readonly abandon = (): void => {
    this.killAll();
    for (const name of this.network.namespaces) spawnSync('ip', ['netns', 'del', name], { stdio: 'ignore' });
  };
}

export function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

/** Stops a process and all below it; again while new ones turn up, because one may have forked meanwhile. */
function stopTree(root: number): number[] {
  const stopped = new Set<number>();
  for (let found = -1; found !== stopped.size;) {
    found = stopped.size;
    for (const pid of listTree(root).keys()) {
      if (stopped.has(pid)) continue;
      signal(pid, 'SIGSTOP');
      stopped.add(pid);
    }
  }
  return [...stopped];
}

/** A process and all below it: its number and when it started. */
function listTree(root: number): Map<number, string> {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    const fields = Number.isInteger(pid) ? readStat(pid) : null;
    if (fields !== null) parents.set(pid, Number(fields[1]));
  }
  const tree = new Map([[root, startOf(root)]]);
  // Insertion while walking: a map gives what was added too.
  for (const above of tree.keys()) {
    for (const [pid, parent] of parents) if (parent === above) tree.set(pid, startOf(pid));
  }
  return tree;
}

/** The fields of /proc/PID/stat from the state on; null: no such process. */
function readStat(pid: number): string[] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}

const tickMs = 10;

/** Of processes and of the children that they have waited for, ms. */
function sumCpu(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const ticks = (readStat(pid) ?? []).slice(11, 15).reduce((all, field) => all + Number(field), 0);
    return sum + ticks * tickMs;
  }, 0);
}

function startOf(pid: number): string {
  return readStat(pid)?.[19] ?? '';
}

function signal(pid: number, name: 'SIGSTOP' | 'SIGKILL'): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended by itself meanwhile.
  }
}
