// A connection to a message bus: calls with a deadline, and the signals that were asked for. Our own client, because busctl may listen to
// the system's bus as root only (it becomes a monitor), and starting a program for each look costs more than all the rest.
// Nothing here fails loudly: a bus that is not there, hangs or talks nonsense gives null, and is tried again after a while.
import { existsSync } from 'node:fs';
import net from 'node:net';
import { decodeMessage, encodeCall, messageLength, type DbusMessage, type DbusValue } from './dbus-wire.ts';

const callWithinMs = 2_000;
const retryAfterMs = 60_000;

export type DbusCaller = (
  destination: string,
  path: string,
  method: string,
  ...args: readonly string[]
) => Promise<readonly DbusValue[] | null>;

export interface BusOptions {
  /** As D-Bus writes addresses: «unix:path=/run/dbus/system_bus_socket». Several are divided by «;»: the first that is a Unix socket counts. */
  readonly address: string;
  /** Match rules of signals. */
  readonly matches: readonly string[];
  readonly onSignal: (signal: DbusMessage) => void;
  /** The connection ended: what was heard holds no more. */
  readonly onLost?: () => void;
}

export class Bus {
  readonly #options: BusOptions;
  readonly #waiting = new Map<number, (message: DbusMessage | null) => void>();
  #socket: net.Socket | null = null;
  #opening: Promise<boolean> | null = null;
  #serial = 0;
  #failedAt = -Infinity;
  #closed = false;

  constructor(options: BusOptions) {
    this.#options = options;
  }

  /** Calls «interface.member»; null: no answer in time, or an error. */
  readonly call: DbusCaller = async (destination, path, method, ...args) => {
    if (!(await this.#open())) return null;
    const dot = method.lastIndexOf('.');
    const call = { destination, path, interface: method.slice(0, dot), member: method.slice(dot + 1), args };
    const reply = await this.#send(call);
    return reply?.type === 'return' ? reply.body : null;
  };

  close(): void {
    this.#closed = true;
    this.#end();
  }

  #open(): Promise<boolean> {
    if (this.#closed) return Promise.resolve(false);
    if (this.#opening === null) {
      if (performance.now() - this.#failedAt < retryAfterMs) return Promise.resolve(false);
      this.#opening = this.#connect();
    }
    return this.#opening;
  }

  async #connect(): Promise<boolean> {
    const path = socketOf(this.#options.address);
    // Most servers have no such socket, and trying costs a little.
    if (path === null || (path.startsWith('/') && !existsSync(path))) return this.#fail(null);
    const socket = net.connect({ path });
    socket.unref();
    this.#socket = socket;
    const authenticated = await authenticate(socket);
    if (authenticated === null || this.#socket !== socket) return this.#fail(socket);
    let rest: Buffer = authenticated;
    const take = (bytes: Buffer): void => {
      rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
      try {
        for (let length = messageLength(rest); length > 0 && rest.length >= length; length = messageLength(rest)) {
          const message = decodeMessage(rest.subarray(0, length));
          rest = rest.subarray(length);
          this.#received(message);
        }
      } catch {
        this.#fail(socket);
      }
    };
    socket.on('data', take);
    socket.on('close', () => this.#fail(socket));
    take(Buffer.alloc(0));
    const toBus = (member: string, args: readonly string[]): Promise<DbusMessage | null> =>
      this.#send({
        destination: 'org.freedesktop.DBus',
        path: '/org/freedesktop/DBus',
        interface: 'org.freedesktop.DBus',
        member,
        args,
      });
    const greeted = await toBus('Hello', []);
    if (greeted?.type !== 'return') return this.#fail(socket);
    await Promise.all(this.#options.matches.map((match) => toBus('AddMatch', [match])));
    return this.#socket === socket;
  }

  #send(call: Parameters<typeof encodeCall>[0]): Promise<DbusMessage | null> {
    const socket = this.#socket;
    if (socket === null) return Promise.resolve(null);
    const serial = (this.#serial = (this.#serial % 0x7fffffff) + 1);
    return new Promise((resolve) => {
      const timer = setTimeout(() => done(null), callWithinMs);
      timer.unref();
      const done = (message: DbusMessage | null): void => {
        clearTimeout(timer);
        this.#waiting.delete(serial);
        resolve(message);
      };
      this.#waiting.set(serial, done);
      socket.write(encodeCall(call, serial));
    });
  }

  #received(message: DbusMessage): void {
    if (message.type === 'signal') this.#options.onSignal(message);
    else if (message.type === 'return' || message.type === 'error') this.#waiting.get(message.replyTo)?.(message);
  }

  #fail(socket: net.Socket | null): false {
    if (socket !== null && socket !== this.#socket) return false;
    this.#failedAt = performance.now();
    this.#end();
    this.#options.onLost?.();
    return false;
  }

  #end(): void {
    const socket = this.#socket;
    this.#socket = null;
    this.#opening = null;
    socket?.destroy();
    for (const done of this.#waiting.values()) done(null);
  }
}

/** A Unix socket's path (abstract ones begin with NUL); null: the address names none. */
export function socketOf(address: string): string | null {
  for (const each of address.split(';')) {
    const [kind, rest = ''] = each.split(/:(.*)/s);
    if (kind !== 'unix') continue;
    for (const pair of rest.split(',')) {
      const [key, value = ''] = pair.split(/=(.*)/s);
      const text = value.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) =>
        String.fromCharCode(Number.parseInt(hex, 16)),
      );
      if (text === '') continue;
      if (key === 'path') return text;
      if (key === 'abstract') return `\0${text}`;
    }
  }
  return null;
}

/** Says who we are (the kernel confirms it) and begins; what came after the answer, or null. */
function authenticate(socket: net.Socket): Promise<Buffer | null> {
  return new Promise((resolve) => {
    let heard = Buffer.alloc(0);
    const done = (result: Buffer | null): void => {
      clearTimeout(timer);
      socket.off('data', listen);
      socket.off('close', fail);
      resolve(result);
    };
    const fail = (): void => done(null);
    const listen = (bytes: Buffer): void => {
      heard = Buffer.concat([heard, bytes]);
      const end = heard.indexOf('\r\n');
      if (end === -1) return heard.length > 4096 ? done(null) : undefined;
      if (!heard.toString('latin1', 0, end).startsWith('OK ')) return done(null);
      socket.write('BEGIN\r\n');
      return done(heard.subarray(end + 2));
    };
    const timer = setTimeout(fail, callWithinMs);
    timer.unref();
    socket.on('error', () => undefined);
    socket.on('close', fail);
    socket.on('data', listen);
    const uid = Buffer.from(String(process.getuid?.() ?? 0)).toString('hex');
    socket.write(`\0AUTH EXTERNAL ${uid}\r\n`);
  });
}
