// Everything that goes over a network, as its receivers see it: a packet capture in a network namespace, TCP put together again, TLS 1.3
// opened with the keys that Node writes on demand (--tls-keylog), HTTP/2 read by Node's own parser. Nothing of Tender's takes part.
import { spawn, type ChildProcess } from 'node:child_process';
import { createDecipheriv, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import http2 from 'node:http2';
import { Duplex } from 'node:stream';

/** Frames of the loopback of a namespace as they are sent, each after its length, to standard output; a line on stderr when it begins. */
const capture = `
import socket, struct, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
s.bind(('lo', 0))
sys.stderr.write('capturing\\n'); sys.stderr.flush()
while True:
    frame, address = s.recvfrom(1 << 18)
    if address[2] != 4: continue  # PACKET_OUTGOING: once a packet
    sys.stdout.buffer.write(struct.pack('>I', len(frame)) + frame); sys.stdout.buffer.flush()
`;

export class Capture {
  readonly #child: ChildProcess;
  readonly #chunks: Buffer[] = [];

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout?.on('data', (chunk: Buffer) => this.#chunks.push(chunk));
  }

  static async start(inside: readonly string[]): Promise<Capture> {
    const words = [...inside, '/usr/bin/python3', '-c', capture];
    const child = spawn(words[0] as string, words.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
    const recording = new Capture(child);
    const [said] = (await once(child.stderr, 'data')) as [Buffer];
    if (!said.toString().startsWith('capturing')) throw new Error(`no capture: ${said.toString()}`);
    return recording;
  }

  async stop(): Promise<readonly Buffer[]> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const gone = once(this.#child, 'close');
      this.#child.kill('SIGTERM');
      await gone;
    }
    const all = Buffer.concat(this.#chunks);
    const frames: Buffer[] = [];
    for (let at = 0; at + 4 <= all.length;) {
      const length = all.readUInt32BE(at);
      frames.push(all.subarray(at + 4, at + 4 + length));
      at += 4 + length;
    }
    return frames;
  }
}

export interface Flow {
  readonly from: string;
  readonly to: string;
  readonly fromPort: number;
  readonly toPort: number;
  readonly bytes: Buffer;
}

interface Packet {
  readonly from: string;
  readonly to: string;
  readonly protocol: number;
  readonly payload: Buffer;
}

function packetOf(frame: Buffer): Packet | null {
  const type = frame.readUInt16BE(12);
  const ip = frame.subarray(14);
  if (type === 0x0800) {
    const header = ((ip[0] ?? 0) & 15) * 4;
    // Loopback takes packets longer than the field can say, and says 0 then.
    const payload = ip.subarray(header, ip.readUInt16BE(2) || undefined);
    return { from: ip.toString('hex', 12, 16), to: ip.toString('hex', 16, 20), protocol: ip[9] ?? 0, payload };
  }
  if (type !== 0x86dd) return null;
  const length = ip.readUInt16BE(4);
  const payload = ip.subarray(40, length === 0 ? undefined : 40 + length);
  return { from: ip.toString('hex', 8, 24), to: ip.toString('hex', 24, 40), protocol: ip[6] ?? 0, payload };
}

/** Each direction of each TCP connection as one flow, each UDP datagram (and what else there is) as one. */
export function flowsOf(frames: readonly Buffer[]): Flow[] {
  const flows: Flow[] = [];
  const streams: { packet: Packet; parts: Map<number, Buffer>; begin: number }[] = [];
  const latest = new Map<string, (typeof streams)[number]>();
  for (const frame of frames) {
    const packet = packetOf(frame);
    if (packet === null) continue;
    const { from, to, protocol, payload } = packet;
    if (protocol !== 6) {
      const isUdp = protocol === 17;
      const ports = isUdp ? [payload.readUInt16BE(0), payload.readUInt16BE(2)] : [0, 0];
      flows.push({ from, to, fromPort: ports[0] ?? 0, toPort: ports[1] ?? 0, bytes: payload.subarray(isUdp ? 8 : 0) });
      continue;
    }
    const key = `${from} ${payload.readUInt16BE(0)} ${to} ${payload.readUInt16BE(2)}`;
    const sequence = payload.readUInt32BE(4);
    const isFirst = ((payload[13] ?? 0) & 2) !== 0;
    const begin = isFirst ? (sequence + 1) >>> 0 : sequence;
    let stream = latest.get(key);
    // Ports are used again.
    if (stream === undefined || (isFirst && stream.begin !== begin)) {
      stream = { packet, parts: new Map<number, Buffer>(), begin };
      streams.push(stream);
      latest.set(key, stream);
    }
    const data = payload.subarray(((payload[12] ?? 0) >> 4) * 4);
    // Sequence numbers may wrap; what is sent again has the same place.
    const place = (sequence - stream.begin) >>> 0;
    if (data.length > 0 && (stream.parts.get(place)?.length ?? 0) < data.length) stream.parts.set(place, data);
  }
  for (const { packet, parts } of streams) {
    const pieces: Buffer[] = [];
    let end = 0;
    for (const [place, data] of [...parts].sort(([a], [b]) => a - b)) {
      if (place > end) throw new Error(`the capture has a gap of ${place - end} bytes`);
      if (place + data.length <= end) continue;
      pieces.push(data.subarray(end - place));
      end = place + data.length;
    }
    const { from, to, payload } = packet;
    const ports = { fromPort: payload.readUInt16BE(0), toPort: payload.readUInt16BE(2) };
    flows.push({ from, to, ...ports, bytes: Buffer.concat(pieces) });
  }
  return flows;
}

const isTls = (bytes: Buffer): boolean => bytes.length > 43 && bytes[0] === 22 && bytes[1] === 3;

export interface OpenFlow extends Flow {
  /** Without TLS; of what is not TLS the same as `bytes`. */
  readonly plain: Buffer;
  /** What TLS itself says under its cover: certificates, tickets, alerts. */
  readonly covered: Buffer;
}

/** What each TLS flow carries; throws when one cannot be opened, since then nobody knows what is in it. */
export function openTls(flows: readonly Flow[], keylog: string): readonly OpenFlow[] {
  const secrets = new Map<string, Buffer>();
  for (const line of existsSync(keylog) ? readFileSync(keylog, 'utf8').split('\n') : []) {
    const [label = '', random = '', secret = ''] = line.split(' ');
    secrets.set(`${label} ${random}`, Buffer.from(secret, 'hex'));
  }
  return flows.map((flow) => {
    if (!isTls(flow.bytes)) return { ...flow, plain: flow.bytes, covered: Buffer.alloc(0) };
    const isClient = flow.bytes[5] === 1;
    const other = isClient
      ? flow
      : flows.find((each) => each.from === flow.to && each.fromPort === flow.toPort && each.toPort === flow.fromPort);
    const random = other?.bytes.toString('hex', 11, 43) ?? '';
    const who = isClient ? 'CLIENT' : 'SERVER';
    const keys = [`${who}_HANDSHAKE_TRAFFIC_SECRET`, `${who}_TRAFFIC_SECRET_0`].map((label) => {
      const secret = secrets.get(`${label} ${random}`);
      if (secret === undefined) throw new Error(`no ${label} for a connection from port ${flow.fromPort}`);
      return keysOf(secret);
    });
    return { ...flow, ...openRecords(flow.bytes, keys) };
  });
}

interface Keys {
  readonly cipher: 'aes-256-gcm' | 'aes-128-gcm';
  readonly key: Buffer;
  readonly iv: Buffer;
}

function keysOf(secret: Buffer): Keys {
  const [hash, cipher, keyLength] =
    secret.length === 48 ? (['sha384', 'aes-256-gcm', 32] as const) : (['sha256', 'aes-128-gcm', 16] as const);
  const expand = (name: string, length: number): Buffer => {
    const label = Buffer.from(`tls13 ${name}`);
    const info = Buffer.concat([Buffer.from([0, length, label.length]), label, Buffer.from([0, 1])]);
    return createHmac(hash, secret).update(info).digest().subarray(0, length);
  };
  return { cipher, key: expand('key', keyLength), iv: expand('iv', 12) };
}

function openRecords(bytes: Buffer, epochs: readonly Keys[]): Pick<OpenFlow, 'plain' | 'covered'> {
  const plain: Buffer[] = [];
  const covered: Buffer[] = [];
  let epoch = 0;
  let sequence = 0n;
  for (let at = 0; at + 5 <= bytes.length;) {
    const header = bytes.subarray(at, at + 5);
    const body = bytes.subarray(at + 5, at + 5 + header.readUInt16BE(3));
    at += 5 + body.length;
    if (header[0] !== 23) continue;
    let opened = openRecord(epochs[epoch], header, body, sequence);
    if (opened === null && epoch === 0) {
      [epoch, sequence] = [1, 0n];
      opened = openRecord(epochs[epoch], header, body, sequence);
    }
    if (opened === null) throw new Error('a record that its keys do not open');
    sequence += 1n;
    (opened.type === 23 ? plain : covered).push(opened.data);
  }
  return { plain: Buffer.concat(plain), covered: Buffer.concat(covered) };
}

function openRecord(
  keys: Keys | undefined,
  header: Buffer,
  body: Buffer,
  sequence: bigint,
): { readonly type: number; readonly data: Buffer } | null {
  if (keys === undefined) return null;
  const nonce = Buffer.from(keys.iv);
  const low = nonce.readBigUInt64BE(4) ^ sequence;
  nonce.writeBigUInt64BE(low, 4);
  const decipher = createDecipheriv(keys.cipher, keys.key, nonce);
  decipher.setAAD(header);
  decipher.setAuthTag(body.subarray(-16));
  try {
    const inner = Buffer.concat([decipher.update(body.subarray(0, -16)), decipher.final()]);
    let end = inner.length;
    while (end > 0 && inner[end - 1] === 0) end -= 1;
    return { type: inner[end - 1] ?? 0, data: inner.subarray(0, end - 1) };
  } catch {
    return null;
  }
}

export interface Http2Read {
  /** All header fields, trailers too, as «name: value» lines. */
  readonly headers: string;
  readonly data: Buffer;
}

const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const wide = { initialWindowSize: 2 ** 31 - 1 };

/** One side of an HTTP/2 connection, played again to a parser; null when it is none. */
export async function readHttp2(flow: OpenFlow): Promise<Http2Read | null> {
  const { plain } = flow;
  const isRequest = plain.subarray(0, preface.length).toString('latin1') === preface;
  // A server begins with SETTINGS on stream 0.
  const isResponse = plain.length > 9 && plain[3] === 4 && plain.readUInt32BE(5) === 0;
  if (!isRequest && !isResponse) return null;
  const headers: string[] = [];
  const data: Buffer[] = [];
  const note = (fields: object): void => {
    for (const [name, value] of Object.entries(fields)) headers.push(`${name}: ${String(value)}`);
  };
  let push: () => void = () => undefined;
  const pipe = new Duplex({
    read: () => push(),
    write: (_chunk, _encoding, done) => done(),
  });
  const begin = (): void => {
    push = () => undefined;
    pipe.push(plain);
    pipe.push(null);
  };
  const ended = new Promise<void>((resolve) => pipe.once('close', resolve));
  const session = isRequest ? http2.performServerHandshake(pipe, { settings: wide }) : null;
  session?.on('stream', (stream: http2.ServerHttp2Stream, fields: object) => {
    note(fields);
    stream.on('data', (chunk: Buffer) => data.push(chunk));
    stream.on('trailers', note);
    stream.on('error', () => undefined);
  });
  const client = isRequest
    ? null
    : http2.connect('http://peer', { createConnection: () => pipe as unknown as Duplex, settings: wide });
  if (client !== null) {
    const request = client.request({ ':method': 'POST' }, { endStream: false });
    request.on('response', note);
    request.on('trailers', note);
    request.on('data', (chunk: Buffer) => data.push(chunk));
    request.on('error', () => undefined);
  }
  const either = session ?? client;
  either?.on('error', () => undefined);
  either?.on('connect', () => client?.setLocalWindowSize(2 ** 31 - 1));
  session?.setLocalWindowSize(2 ** 31 - 1);
  setImmediate(begin);
  await ended;
  return { headers: headers.join('\n'), data: Buffer.concat(data) };
}

/** The messages of a gRPC stream. */
export function messagesOf(data: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  for (let at = 0; at + 5 <= data.length;) {
    const length = data.readUInt32BE(at + 1);
    if (data[at] !== 0) throw new Error('a packed message: it would have to be unpacked to be looked through');
    messages.push(data.subarray(at + 5, at + 5 + length));
    at += 5 + length;
  }
  return messages;
}
