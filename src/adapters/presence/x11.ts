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

/** Input that comes sooner after an earlier one is no return. */
const restMs = 100;
const syncMinor = { initialize: 0, listCounters: 1, createAlarm: 8, destroyAlarm: 11 } as const;

interface Opened {
  readonly socket: net.Socket;
  readonly ask: (request: Buffer) => Promise<Buffer | null>;
  readonly root: number;
  /** The opcode of MIT-SCREEN-SAVER. */
  readonly screenSaver: number;
  readonly withinWayland: boolean;
  /** An identity that is ours to give: the alarm's. */
  readonly alarm: number;
}

export class X11Display {
  readonly #opened: Opened;
  /** Of the SYNC extension, with its counter of idle time; null: not looked for yet; false: there is none. */
  #sync: { readonly opcode: number; readonly event: number; readonly counter: number } | null | false = null;
  #armed = false;
  readonly #onInput: () => void;

  private constructor(opened: Opened, onInput: () => void) {
    this.#opened = opened;
    this.#onInput = onInput;
  }

  /** `onInput`: the first input since `watchForInput`. */
  static async open(options: X11Options, onInput: () => void = () => undefined): Promise<X11Display | null> {
    const number = localDisplay(options.display);
    if (number === null) return null;
    const socket = net.connect({ path: `${options.socketDir}/X${number}` });
    socket.unref();
    let display: X11Display | null = null;
    const next = replies(socket, (event) => {
      if (display !== null) display.#heard(event);
    });
    socket.write(hello(findCookie(number, options.authorities)));
    const setup = await next(8, (head) => 8 + head.readUInt16LE(6) * 4);
    const root = setup?.[0] === 1 ? rootOf(setup) : null;
    const ask = async (request: Buffer): Promise<Buffer | null> => {
      socket.write(request);
      const answer = await next(32, (head) => (head[0] === 1 ? 32 + head.readUInt32LE(4) * 4 : 32));
      return answer?.[0] === 1 ? answer : null;
    };
    const screenSaver = root === null ? null : await ask(queryExtension('MIT-SCREEN-SAVER'));
    if (setup === null || root === null || screenSaver?.[8] !== 1) {
      socket.destroy();
      return null;
    }
    const wayland = await ask(queryExtension('XWAYLAND'));
    const withinWayland = wayland?.[8] === 1;
    const alarm = (setup.readUInt32LE(12) | 1) >>> 0;
    display = new X11Display({ socket, ask, root, screenSaver: screenSaver[9] ?? 0, withinWayland, alarm }, onInput);
    return display;
  }

  /** Sets an alarm for the next input; true: it is set, and nobody need ask before it rings. */
  async watchForInput(): Promise<boolean> {
    if (this.#armed) return true;
    this.#sync ??= await this.#findSync();
    const sync = this.#sync;
    if (sync === false) return false;
    // Counter, absolute value, value, from above to below it, no step, and an event: all six attributes, words of four bytes.
    const words = [this.#opened.alarm, 0x3f, sync.counter, 0, 0, restMs, 1, 0, 0, 1];
    this.#opened.socket.write(request(sync.opcode, syncMinor.createAlarm, words));
    this.#armed = true;
    return true;
  }

  async idle(): Promise<X11Idle | null> {
    const { ask, screenSaver, root, withinWayland } = this.#opened;
    const answer = await ask(request(screenSaver, 1, [root]));
    if (answer === null) {
      this.close();
      return null;
    }
    return { idleMs: answer.readUInt32LE(16), withinWayland };
  }

  close(): void {
    this.#opened.socket.destroy();
  }

  #heard(event: Buffer): void {
    const sync = this.#sync;
    if (!this.#armed || sync === null || sync === false || ((event[0] ?? 0) & 0x7f) !== sync.event) return;
    // While somebody types it would ring at every pause.
    this.#opened.socket.write(request(sync.opcode, syncMinor.destroyAlarm, [this.#opened.alarm]));
    this.#armed = false;
    this.#onInput();
  }

  async #findSync(): Promise<{ opcode: number; event: number; counter: number } | false> {
    const { ask } = this.#opened;
    const extension = await ask(queryExtension('SYNC'));
    if (extension?.[8] !== 1) return false;
    const [opcode, event] = [extension[9] ?? 0, (extension[10] ?? 0) + 1];
    const version = Buffer.from([opcode, syncMinor.initialize, 2, 0, 3, 1, 0, 0]);
    if ((await ask(version)) === null) return false;
    const list = await ask(request(opcode, syncMinor.listCounters, []));
    if (list === null) return false;
    const count = list.readUInt32LE(8);
    for (let index = 0, at = 32; index < count && at + 14 <= list.length; index++) {
      const length = list.readUInt16LE(at + 12);
      if (list.toString('latin1', at + 14, at + 14 + length) === 'IDLETIME') {
        return { opcode, event, counter: list.readUInt32LE(at) };
      }
      at += Math.ceil((14 + length) / 4) * 4;
    }
    return false;
  }
}

function request(opcode: number, minor: number, words: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 + words.length * 4);
  bytes.set([opcode, minor]);
  bytes.writeUInt16LE(1 + words.length, 2);
  for (const [index, word] of words.entries()) bytes.writeUInt32LE(word, 4 + index * 4);
  return bytes;
}

/** Gives replies one after another; null once the connection is no good any more. Events, after the first reply, go to `onEvent`. */
function replies(
  socket: net.Socket,
  onEvent: (event: Buffer) => void,
): (headBytes: number, length: (head: Buffer) => number) => Promise<Buffer | null> {
  let greeted = false;
  const sift = (): void => {
    while (greeted && bytes.length >= 32 && (bytes[0] ?? 0) > 1) {
      const event = bytes.subarray(0, 32);
      bytes = bytes.subarray(32);
      onEvent(event);
    }
  };
  let bytes: Buffer = Buffer.alloc(0);
  let ended = false;
  let wake: () => void = () => undefined;
  socket.on('data', (more: Buffer) => {
    bytes = bytes.length === 0 ? more : Buffer.concat([bytes, more]);
    sift();
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
          greeted = true;
          done(reply);
          return sift();
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
