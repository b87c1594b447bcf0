// Listens for launchers and for the CLI. One request per connection; the connection is the call's life: its closing
// tells that the launcher, or the compiler that it became, has ended. Whatever breaks the protocol is cut off, alone.
import { lstat, mkdir, chmod, stat, unlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { dirname } from 'node:path';
import { openSocketAddress } from './address.ts';
import { ReportParser, RequestParser, encodeAnswer, encodeResult, encodeStr, parseCompileRequest } from './frames.ts';
import type { ControlCall, LauncherCall, LauncherHandler, LauncherReport, LauncherServer } from './types.ts';

const HEARD_EVERY_MS = 2000;
/** A launcher waits a while for the first sign of life; most that are answered by then need none. */
const FIRST_HEARD_MS = 100;
/** The kernel cuts this down to net.core.somaxconn. */
const BACKLOG = 4096;
const HEARD = encodeAnswer('H');
const END = encodeAnswer('E');
const NOTED = encodeAnswer('K');
const KEPT = 0x4b;

export interface ListenOptions {
  /** How long a request may take to arrive whole; a launcher sends it in one piece, but its machine may be very busy. */
  readonly requestWithinMs?: number;
}

/**
 * Listens on the Unix socket `path`; makes its directory, for its owner only, and replaces a socket that a dead agent left.
 * That no other agent is alive is for the caller to make sure. Rejects when the directory is another user's or not writable,
 * or `path` is something else than a socket.
 */
export async function listenLaunchers(
  path: string,
  handler: LauncherHandler,
  { requestWithinMs = 30_000 }: ListenOptions = {},
): Promise<LauncherServer> {
  await makePrivateDirectory(dirname(path));
  await removeStaleSocket(path);
  const connections = new Set<Connection>();
  let waiting: Connection[] = [];
  let firstHeard: NodeJS.Timeout | null = null;
  const promise = (connection: Connection): void => {
    waiting.push(connection);
    firstHeard ??= setTimeout(() => {
      const due = waiting;
      waiting = [];
      firstHeard = null;
      for (const late of due) late.sayHeard();
    }, FIRST_HEARD_MS);
  };
  const beat = setInterval(
    () => {
      const nowMs = performance.now();
      for (const connection of connections) connection.beat(nowMs - requestWithinMs);
    },
    Math.min(HEARD_EVERY_MS, requestWithinMs),
  );
  const server = createServer((socket) => {
    const connection = new Connection(socket, handler, promise);
    connections.add(connection);
    socket.once('close', () => connections.delete(connection));
  });
  const { address, release } = await openSocketAddress(path);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ path: address, backlog: BACKLOG }, () => {
        server.off('error', reject);
        resolve();
      });
    });
  } catch (error) {
    clearInterval(beat);
    await release();
    throw error;
  }
  // Running out of descriptors is not fatal: the launcher that was not accepted runs its compiler itself.
  server.on('error', () => undefined);
  return {
    path,
    get connections() {
      return connections.size;
    },
    async close() {
      clearInterval(beat);
      if (firstHeard !== null) clearTimeout(firstHeard);
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const connection of connections) connection.cut();
      await closed;
      await release();
    },
  };
}

/** One connection, from its request to its close; at the same time the handler's view of it. */
class Connection {
  #socket: Socket;
  #handler: LauncherHandler;
  #parser: RequestParser | null = new RequestParser();
  readonly #openedMs = performance.now();
  /** `asking` until the request is whole, `waiting` until it is answered, then `local`, `result` or `ended`. */
  #state: 'asking' | 'waiting' | 'local' | 'result' | 'ended' = 'asking';
  #kept = false;
  #closed = false;
  #onClosed: (() => void)[] = [];
  #onKept: ((launcherCpuMs: number) => void)[] = [];
  /** A launcher that stays beside its compiler has told nothing yet. */
  #awaited: { readonly parser: ReportParser; readonly onReport: (report: LauncherReport) => void } | null = null;

  #promise: (connection: Connection) => void;

  /** `promise`: sees to it that `beat` is called soon for the first time. */
  constructor(socket: Socket, handler: LauncherHandler, promise: (connection: Connection) => void) {
    this.#promise = promise;
    this.#socket = socket;
    this.#handler = handler;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', () => undefined); // `close` follows, and says all that matters
    socket.once('close', () => {
      this.#closed = true;
      this.#parser = null;
      for (const callback of this.#onClosed.splice(0)) callback();
    });
  }

  /** Now and then; cuts off who has connected before `dueMs` and not said what for. */
  beat(dueMs: number): void {
    if (this.#state === 'asking' && this.#openedMs < dueMs) this.cut();
    else this.sayHeard();
  }

  /** Says that the agent is alive and still at work. */
  sayHeard(): void {
    if (this.#state === 'waiting') this.#write(HEARD);
  }

  cut(): void {
    this.#socket.destroy();
  }

  #write(frame: Buffer): void {
    if (!this.#closed && this.#socket.writable) this.#socket.write(frame);
  }

  #receive(chunk: Buffer): void {
    if (this.#state === 'asking' && this.#parser !== null) {
      const request = this.#parser.push(chunk);
      if (request === null) return;
      if (request === 'malformed') return this.cut();
      this.#parser = null;
      if (request.kind === 'compile') this.#startCompile(request.body);
      else this.#startControl(request.body);
    } else if (this.#state === 'result' && !this.#kept && chunk.length === 5 && chunk[0] === KEPT) {
      this.#kept = true;
      const launcherCpuMs = chunk.readUInt32LE(1) / 1000;
      for (const callback of this.#onKept.splice(0)) callback(launcherCpuMs);
    } else if (this.#awaited !== null) {
      const { parser, onReport } = this.#awaited;
      const report = parser.push(chunk);
      if (report === null) return;
      this.#awaited = null;
      if (report === 'malformed') return this.cut();
      onReport(report);
      this.#write(NOTED);
    } else {
      this.cut();
    }
  }

  #startCompile(body: Buffer): void {
    const request = parseCompileRequest(body);
    if (request === null) return this.cut();
    this.#state = 'waiting';
    this.#promise(this);
    this.#handler.compile(request, this.#launcherCall());
  }

  #startControl(body: Buffer): void {
    let json: unknown;
    try {
      json = JSON.parse(body.toString());
    } catch {
      return this.cut();
    }
    this.#state = 'waiting';
    this.#write(HEARD);
    this.#handler.control(json, this.#controlCall());
  }

  #answer(state: 'local' | 'result' | 'ended', frame: () => Buffer): void {
    if (this.#state !== 'waiting') throw new Error(`bug: a launcher was answered twice: ${this.#state}, then ${state}`);
    this.#state = state;
    this.#write(frame());
  }

  #whenClosed(callback: () => void): void {
    if (this.#closed) setImmediate(callback);
    else this.#onClosed.push(callback);
  }

  #launcherCall(): LauncherCall {
    const isClosed = (): boolean => this.#closed;
    return {
      get closed() {
        return isClosed();
      },
      local: (reason, onReport) => {
        if (onReport !== undefined) this.#awaited = { parser: new ReportParser(), onReport };
        this.#answer('local', () => encodeAnswer(onReport === undefined ? 'L' : 'C', encodeStr(reason)));
      },
      result: (exit, renames, stdout, stderr) =>
        this.#answer('result', () => encodeResult(exit, renames, stdout, stderr)),
      onClosed: (callback) => this.#whenClosed(callback),
      onKept: (callback) => void this.#onKept.push(callback),
    };
  }

  #controlCall(): ControlCall {
    const isClosed = (): boolean => this.#closed;
    return {
      get closed() {
        return isClosed();
      },
      send: (json) => {
        if (this.#state === 'waiting') this.#write(encodeAnswer('J', Buffer.from(JSON.stringify(json))));
      },
      end: () => {
        this.#answer('ended', () => END);
        this.#socket.end();
      },
      onClosed: (callback) => this.#whenClosed(callback),
    };
  }
}

async function makePrivateDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const { uid, mode } = await stat(path);
  if (uid !== process.getuid?.()) {
    throw new Error(`${path} belongs to another user: set TENDER_HOME to a directory of your own`);
  }
  if ((mode & 0o077) !== 0) await chmod(path, 0o700);
}

async function removeStaleSocket(path: string): Promise<void> {
  const found = await lstat(path).catch(() => null);
  if (found === null) return;
  if (!found.isSocket()) throw new Error(`${path} is in the way and is not a socket: move it elsewhere`);
  await unlink(path);
}
