// How long nobody has touched an X11 display: the few requests of X that tell it, over the display's Unix socket, as its owner's cookie
// allows. What fails (no socket, refused, silent, no screen-saver extension) is null.
import fs from 'node:fs';
import net from 'node:net';
import { hostname } from 'node:os';

const answerWithinMs = 1_000;
const maxReplyBytes = 1024 * 1024;

export interface X11Idle {
  readonly idleMs: number;
  /** A screen within Wayland, which sees only what goes to X programs. */
  readonly withinWayland: boolean;
}

export interface X11Options {
  /** «:0», «:0.0», «unix:1»; others are not displays of this machine. */
  readonly display: string;
  /** Where the sockets are: /tmp/.X11-unix. */
  readonly socketDir: string;
  /** Files with cookies, the first that knows this display counts. */
  readonly authorities: readonly string[];
}

/** The number of a display of this machine; null: another's, or none. */
export function localDisplay(display: string): number | null {
  const found = /^(?:unix)?:(\d{1,5})(?:\.\d+)?$/.exec(display)?.[1];
  return found === undefined ? null : Number(found);
}

export class X11Display {
  readonly #socket: net.Socket;
  readonly #withinWayland: boolean;
  readonly #root: number;
  readonly #major: number;
  readonly #ask: (request: Buffer) => Promise<Buffer | null>;

  private constructor(
    socket: net.Socket,
    ask: (request: Buffer) => Promise<Buffer | null>,
    root: number,
    major: number,
    withinWayland: boolean,
  ) {
    this.#socket = socket;
    this.#ask = ask;
    this.#root = root;
    this.#major = major;
    this.#withinWayland = withinWayland;
  }

  static async open({ display, socketDir, authorities }: X11Options): Promise<X11Display | null> {
    const number = localDisplay(display);
    if (number === null) return null;
    const socket = net.connect({ path: `${socketDir}/X${number}` });
    socket.unref();
    const next = replies(socket);
    socket.write(hello(findCookie(number, authorities)));
    const setup = await next(8, (head) => 8 + head.readUInt16LE(6) * 4);
    const root = setup?.[0] === 1 ? rootOf(setup) : null;
    // Answers are of 32 bytes and more; events, which nobody asked for, would be of 32 too, and are passed over.
    const ask = async (request: Buffer): Promise<Buffer | null> => {
      socket.write(request);
      for (;;) {
        const answer = await next(32, (head) => (head[0] === 1 ? 32 + head.readUInt32LE(4) * 4 : 32));
        if (answer === null || answer[0] === 1) return answer;
        if (answer[0] === 0) return null;
      }
    };
    const screenSaver = root === null ? null : await ask(queryExtension('MIT-SCREEN-SAVER'));
    if (root === null || screenSaver?.[8] !== 1) {
      socket.destroy();
      return null;
    }
    const wayland = await ask(queryExtension('XWAYLAND'));
    return new X11Display(socket, ask, root, screenSaver[9] ?? 0, wayland?.[8] === 1);
  }

  async idle(): Promise<X11Idle | null> {
    const request = Buffer.alloc(8);
    request.set([this.#major, 1]);
    request.writeUInt16LE(2, 2);
    request.writeUInt32LE(this.#root, 4);
    const answer = await this.#ask(request);
    if (answer === null) {
      this.close();
      return null;
    }
    return { idleMs: answer.readUInt32LE(16), withinWayland: this.#withinWayland };
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** Gives replies one after another; null once the connection is no good any more. */
function replies(socket: net.Socket): (headBytes: number, length: (head: Buffer) => number) => Promise<Buffer | null> {
  let bytes: Buffer = Buffer.alloc(0);
  let ended = false;
  let wake: () => void = () => undefined;
  socket.on('data', (more: Buffer) => {
    bytes = bytes.length === 0 ? more : Buffer.concat([bytes, more]);
    wake();
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    ended = true;
    wake();
  });
  return (headBytes, length) =>
    new Promise((resolve) => {
      const done = (reply: Buffer | null): void => {
        clearTimeout(timer);
        wake = () => undefined;
        if (reply === null) socket.destroy();
        resolve(reply);
      };
      const timer = setTimeout(() => done(null), answerWithinMs);
      timer.unref();
      wake = () => {
        const whole = bytes.length < headBytes ? Infinity : length(bytes);
        if (Number.isFinite(whole) && whole > maxReplyBytes) return done(null);
        if (bytes.length >= whole) {
          const reply = bytes.subarray(0, whole);
          bytes = bytes.subarray(whole);
          return done(reply);
        }
        return ended ? done(null) : undefined;
      };
      wake();
    });
}

function hello(cookie: Buffer): Buffer {
  const name = Buffer.from(cookie.length > 0 ? 'MIT-MAGIC-COOKIE-1' : '');
  const head = Buffer.alloc(12);
  head.write('l', 'latin1');
  head.writeUInt16LE(11, 2);
  head.writeUInt16LE(name.length, 6);
  head.writeUInt16LE(cookie.length, 8);
  return Buffer.concat([head, padded(name), padded(cookie)]);
}

const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);

function queryExtension(name: string): Buffer {
  const text = Buffer.from(name);
  const head = Buffer.alloc(8);
  head.set([98]);
  head.writeUInt16LE(2 + Math.ceil(text.length / 4), 2);
  head.writeUInt16LE(text.length, 4);
  return Buffer.concat([head, padded(text)]);
}

/** The first screen's root window, in the server's first answer. */
function rootOf(setup: Buffer): number | null {
  if (setup.length < 44) return null;
  const vendor = setup.readUInt16LE(24);
  const at = 40 + Math.ceil(vendor / 4) * 4 + (setup[29] ?? 0) * 8;
  return at + 4 <= setup.length ? setup.readUInt32LE(at) : null;
}

/** The cookie for a display of this machine; empty: none is known, and the server may let us in without. */
function findCookie(number: number, authorities: readonly string[]): Buffer {
  for (const file of authorities) {
    let bytes: Buffer;
    try {
      bytes = fs.readFileSync(file);
    } catch {
      continue;
    }
    const cookie = cookieIn(bytes, number, hostname());
    if (cookie !== null) return cookie;
  }
  return Buffer.alloc(0);
}

/** Entries of an .Xauthority: family, then address, display number, name and data, each with its length before it, high byte first. */
export function cookieIn(bytes: Buffer, number: number, host: string): Buffer | null {
  const [local, wild] = [256, 65_535];
  for (let at = 0; at + 2 <= bytes.length;) {
    const family = bytes.readUInt16BE(at);
    at += 2;
    const texts: Buffer[] = [];
    for (let index = 0; index < 4; index++) {
      if (at + 2 > bytes.length) return null;
      const length = bytes.readUInt16BE(at);
      texts.push(bytes.subarray(at + 2, at + 2 + length));
      at += 2 + length;
    }
    const [address = '', display = '', name = '', data] = [...texts.slice(0, 3).map(String), texts[3]];
    const ours = family === wild || (family === local && String(address) === host);
    if (!ours || (display !== '' && display !== String(number)) || name !== 'MIT-MAGIC-COOKIE-1') continue;
    if (Buffer.isBuffer(data)) return data;
  }
  return null;
}
