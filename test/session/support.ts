// What the session tests stand on: members of real clusters, handlers that remember what they were told and how often,
// a wire that can be cut or held, and children that must end by themselves.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createCluster } from '../../src/adapters/cluster/create.ts';
import { startEnrolment } from '../../src/adapters/cluster/enrolment.ts';
import { loadCluster } from '../../src/adapters/cluster/files.ts';
import { createInvite } from '../../src/adapters/cluster/invites.ts';
import { joinCluster } from '../../src/adapters/cluster/join.ts';
import { admitPeer } from '../../src/adapters/cluster/tls.ts';
import { listenSessions, type ListenOptions } from '../../src/adapters/session/listen.ts';
import { openSession } from '../../src/adapters/session/open.ts';
import type { Session, SessionHandlers, SessionIdentity, SessionLimits } from '../../src/adapters/session/types.ts';
import type { FromDelegator, FromWorker } from '../../src/wire/messages.ts';

export interface Member {
  readonly home: string;
  readonly nodeId: string;
  readonly identity: SessionIdentity;
}

/** The member whose files lie in `home`. */
export function memberAt(home: string): Member {
  const loaded = loadCluster(home);
  if (!loaded.ok || loaded.value === null) throw new Error(`no cluster in ${home}`);
  const cluster = loaded.value;
  const identity: SessionIdentity = {
    ca: Buffer.from(cluster.caCert),
    cert: Buffer.from(cluster.nodeCert),
    key: Buffer.from(cluster.nodeKey),
    nodeIdOf: (certificate) => {
      const admitted = admitPeer(cluster, certificate);
      return admitted.ok ? admitted.value : null;
    },
  };
  return { home, nodeId: cluster.nodeId, identity };
}

export interface Members {
  readonly anna: Member;
  /** Of Anna's cluster, by her invite. */
  readonly berta: Member;
  /** Of another cluster. */
  readonly carl: Member;
  remove(): void;
}

export async function makeMembers(): Promise<Members> {
  const dir = mkdtempSync(join(tmpdir(), 'tender-session-'));
  const home = (name: string): string => join(dir, name);
  for (const name of ['anna', 'carl']) {
    const made = await createCluster({ home: home(name), name: `${name}'s office`, nodeName: name });
    if (!made.ok) throw new Error(made.error.message);
  }
  const door = await startEnrolment({ home: home('anna'), port: 0 });
  if (!door.ok) throw new Error(door.error.message);
  const addresses = ['127.0.0.1'];
  const invite = createInvite({ home: home('anna'), minutes: 5, addresses, port: door.value.port });
  if (!invite.ok) throw new Error(invite.error.message);
  const joined = await joinCluster({ home: home('berta'), token: invite.value.token, nodeName: 'berta' });
  await door.value.close();
  if (!joined.ok) throw new Error(joined.error.message);
  return {
    anna: memberAt(home('anna')),
    berta: memberAt(home('berta')),
    carl: memberAt(home('carl')),
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}

/** Handlers that remember. */
export class Recorder<In, Out> implements SessionHandlers<In, Out> {
  readonly opened: Session<Out>[] = [];
  readonly messages: In[] = [];
  readonly closed: { readonly session: Session<Out>; readonly why: string; readonly afterMs: number }[] = [];
  /** What broke a promise of `SessionHandlers`. */
  readonly broken: string[] = [];
  private readonly startedAt = performance.now();

  get session(): Session<Out> {
    const session = this.opened.at(-1);
    if (session === undefined) throw new Error('no session');
    return session;
  }

  get whys(): string[] {
    return this.closed.map((it) => it.why);
  }

  onOpen(session: Session<Out>): void {
    if (this.opened.includes(session)) this.broken.push('opened twice');
    if (this.closed.some((it) => it.session === session)) this.broken.push('opened after its end');
    this.opened.push(session);
  }

  onMessage(session: Session<Out>, message: In): void {
    if (!this.opened.includes(session)) this.broken.push('a message before the session was open');
    if (this.closed.some((it) => it.session === session)) this.broken.push('a message after the end');
    this.messages.push(message);
  }

  onClose(session: Session<Out>, why: string): void {
    if (this.closed.some((it) => it.session === session)) this.broken.push('closed twice');
    this.closed.push({ session, why, afterMs: performance.now() - this.startedAt });
  }
}

export type Workers = Recorder<FromWorker, FromDelegator>;
export type Delegators = Recorder<FromDelegator, FromWorker>;

/** Polls until `probe` holds; fails loudly at the deadline, with what there was instead. */
export async function until(what: string, probe: () => boolean, withinMs = 10_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!probe()) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Everything a test started; `end` ends it and gives what was not as promised. */
export class Scene {
  readonly members: Members;
  private readonly ends: (() => unknown)[] = [];
  private readonly recorders: (Workers | Delegators)[] = [];

  constructor(members: Members) {
    this.members = members;
  }

  onEnd(end: () => unknown): void {
    this.ends.push(end);
  }

  /** Anna listens on loopback. */
  async listen(
    options: Partial<ListenOptions> = {},
  ): Promise<{ port: number; heard: Workers; refused: string[]; close(): Promise<void> }> {
    const heard: Workers = new Recorder();
    this.recorders.push(heard);
    const refused: string[] = [];
    const { identity } = this.members.anna;
    const onRefused = (_address: string, why: string): void => void refused.push(why);
    const server = await listenSessions({ host: '::', port: 0, identity, onRefused, ...options }, heard);
    if (!server.ok) throw new Error(server.error);
    this.onEnd(() => server.value.close());
    return { port: server.value.port, heard, refused, close: () => server.value.close() };
  }

  /** Berta opens a session to Anna, or to whom the options say. */
  open(
    port: number,
    options: { host?: string; delegator?: string; identity?: SessionIdentity; limits?: Partial<SessionLimits> } = {},
  ): { heard: Delegators; close(): void } {
    const heard: Delegators = new Recorder();
    this.recorders.push(heard);
    const { anna, berta } = this.members;
    const handle = openSession(
      { host: '127.0.0.1', port, delegator: anna.nodeId, identity: berta.identity, ...options },
      heard,
    );
    if (heard.closed.length > 0) heard.broken.push('closed before openSession returned');
    this.onEnd(() => handle.close());
    return { heard, close: () => handle.close() };
  }

  /** A session that works, seen from both sides. */
  async openPair(limits: Partial<SessionLimits> = {}): Promise<{ server: Workers; worker: Delegators; port: number }> {
    const server = await this.listen({ limits });
    const worker = this.open(server.port, { limits });
    await until('both sides open', () => server.heard.opened.length + worker.heard.opened.length === 2);
    return { server: server.heard, worker: worker.heard, port: server.port };
  }

  async end(): Promise<string[]> {
    for (const end of this.ends.splice(0).reverse()) await end();
    const broken = this.recorders.flatMap((recorder) => recorder.broken);
    for (const recorder of this.recorders) {
      const open = recorder.opened.filter((session) => !recorder.closed.some((it) => it.session === session));
      if (open.length > 0) broken.push(`${open.length} sessions never closed`);
      if (recorder.opened.length === 0 && recorder.closed.length > 1) broken.push('closed more than once');
    }
    return broken;
  }
}

/** A TCP hop to a port: `cut` destroys what goes through it, `hold` lets nothing through and keeps it open. */
export async function startHop(
  scene: Scene,
  toPort: number,
): Promise<{ port: number; cut(): void; hold(on: boolean): void; connections(): number }> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(toPort, '127.0.0.1');
    near.pipe(far);
    far.pipe(near);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  scene.onEnd(() => {
    server.close();
    cut();
  });
  const hold = (on: boolean): void => {
    for (const socket of sockets) {
      if (on) socket.pause();
      else socket.resume();
    }
  };
  return { port: (server.address() as AddressInfo).port, cut, hold, connections: () => sockets.size };
}

const moduleAt = (path: string): string => JSON.stringify(fileURLToPath(new URL(path, import.meta.url)));

/** Runs a script as a process of its own; it has `memberAt`, `Recorder`, `until`, `listenSessions` and `openSession`. */
export function startChild(
  scene: Scene,
  script: string,
  via: readonly string[] = [],
): {
  readonly child: ChildProcess;
  output(): string;
  ended: Promise<number | string | null>;
} {
  const prelude =
    `import { memberAt, Recorder, until } from ${moduleAt('support.ts')};` +
    `import { listenSessions } from ${moduleAt('../../src/adapters/session/listen.ts')};` +
    `import { openSession } from ${moduleAt('../../src/adapters/session/open.ts')};\n`;
  const node = [process.execPath, '--input-type=module', '-e', prelude + script];
  const [command = '', ...args] = via.concat(node);
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const ended = once(child, 'close').then(() => child.exitCode ?? child.signalCode);
  scene.onEnd(() => {
    child.kill('SIGCONT');
    child.kill('SIGKILL');
    return ended;
  });
  return { child, output: () => output, ended };
}
