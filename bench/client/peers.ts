// What all peers need: their Debian packages, free ports, processes that are ended by pid, and an exact count of what crosses a
// connection.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { BenchProblem } from './problem.ts';

const installed = new Set<string>();

/** Null when the program is there, installed now if need be; else what to run. Needs root to install. */
export function ensureInstalled(
  program: string,
  packages: readonly string[],
  log: (line: string) => void,
): string | null {
  if (existsSync(program)) return null;
  const line = `apt-get install -y --no-install-recommends ${packages.join(' ')}`;
  const key = packages.join(' ');
  if (process.getuid?.() !== 0) return `${program} is not installed; run: sudo ${line}`;
  if (installed.has(key)) return `${program} is not in ${key}`;
  installed.add(key);
  log(`installing ${key} (apt-get)`);
  // A service that a package starts by itself would take the ports and the processor of what is measured here.
  const script = `apt-get -qq update; RUNLEVEL=1 ${line} -qq`;
  const ran = spawnSync('sh', ['-c', script], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    encoding: 'utf8',
  });
  if (ran.status === 0 && existsSync(program)) return null;
  const said = ran.stderr.trim().split('\n').at(-1) ?? '';
  return `${program} could not be installed (${said}); run: ${line}`;
}

/** A TCP port on loopback that nobody listened on a moment ago. */
export async function findFreePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A server of a peer: our child, ended with its process group. */
export class Helper {
  readonly child: ChildProcess;
  private said = '';

  /** `argv` must stay in the foreground. */
  constructor(argv: readonly [string, ...string[]], env: Readonly<Record<string, string>>) {
    this.child = spawn(argv[0], argv.slice(1), { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (this.said = (this.said + text).slice(-4000)));
    this.child.on('error', (error) => (this.said += error.message));
    // Before the directory they write into is removed.
    process.prependOnceListener('exit', this.kill);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  private readonly kill = (): void => {
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch {
      // Gone already.
    }
  };

  /** Waits until something accepts connections on `port`. */
  async listens(port: number): Promise<void> {
    const deadline = performance.now() + 15_000;
    while (performance.now() < deadline && this.child.exitCode === null) {
      if (await accepts(port)) return;
      await delay(20);
    }
    throw new BenchProblem(`${this.child.spawnargs.join(' ')} does not listen: ${this.said.trim()}`);
  }

  async close(): Promise<void> {
    process.off('exit', this.kill);
    const ended = this.child.exitCode === null && this.child.signalCode === null ? once(this.child, 'exit') : null;
    this.kill();
    await ended;
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Hands every connection on to another port on loopback and counts what goes through, both ways. */
export class CountingProxy {
  bytes = 0;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();

  private constructor(target: number) {
    this.server = createServer({ allowHalfOpen: true }, (near) => {
      const far = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true });
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        this.sockets.add(from);
        from.on('data', (chunk: Buffer) => (this.bytes += chunk.length));
        from.on('error', () => to.destroy());
        from.on('close', () => this.sockets.delete(from));
        from.pipe(to);
      }
    });
  }

  static async open(target: number): Promise<CountingProxy> {
    const proxy = new CountingProxy(target);
    proxy.server.listen(0, '127.0.0.1');
    await once(proxy.server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }
}
