// Who is not let in, and what a member may not say: each is turned away with a reason, no handler hears of a stranger,
// and whatever one connection does, the sessions of others live on.
import { once } from 'node:events';
import http2 from 'node:http2';
import net, { type AddressInfo } from 'node:net';
import tls from 'node:tls';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { SessionIdentity } from '../../src/adapters/session/types.ts';
import { fromWorkerCodec } from '../../src/wire/session.ts';
import { makeMembers, Scene, until, type Members } from './support.ts';

// What should come about here does so at once; a hang is a failure.
vi.setConfig({ testTimeout: 30_000 });

let members: Members;
let scene: Scene;
beforeAll(async () => {
  members = await makeMembers();
});
afterAll(() => members.remove());
beforeEach(() => {
  scene = new Scene(members);
});
afterEach(async () => {
  expect(await scene.end()).toEqual([]);
});

describe('a worker', () => {
  /** What it is told when it opens a session as `identity` to `delegator`; nobody's handlers must hear of a session. */
  async function knock(
    port: number,
    options: { identity?: SessionIdentity; delegator?: string } = {},
  ): Promise<string | undefined> {
    const worker = scene.open(port, options);
    await until('turned away', () => worker.heard.closed.length === 1, 4000);
    expect(worker.heard.opened).toEqual([]);
    return worker.heard.whys[0];
  }

  test('of another cluster does not speak to us, and we see that it gave up', async () => {
    const server = await scene.listen();
    const why = await knock(server.port, { identity: members.carl.identity });
    expect(why).toBe(`127.0.0.1:${server.port} is not a machine of this cluster`);
    await until('refused', () => server.refused.length === 1);
    expect(server.heard.opened).toEqual([]);
  });

  test('of another cluster that would speak to us is turned away', async () => {
    const server = await scene.listen();
    const { anna, carl } = members;
    const { ca, nodeIdOf } = anna.identity;
    const why = await knock(server.port, { identity: { ...carl.identity, ca, nodeIdOf } });
    expect(why).toMatch(/^127\.0\.0\.1:\d+ (hung up before|does not accept)/);
    expect(why).toContain("accept this machine's certificate");
    await until('refused', () => server.refused.length === 1);
    expect(server.refused).toEqual(['its certificate is not of our cluster, or it gave up']);
    expect(server.heard.opened).toEqual([]);
  });

  test('that was revoked is turned away, and told', async () => {
    const revoking = { ...members.anna.identity, nodeIdOf: () => null };
    const server = await scene.listen({ identity: revoking });
    expect(await knock(server.port)).toBe(
      `127.0.0.1:${server.port} does not accept this machine: its certificate names no node of this cluster, or was revoked`,
    );
    expect(server.heard.opened).toEqual([]);
  });

  test('does not speak to another node than the announcement named', async () => {
    const server = await scene.listen();
    expect(await knock(server.port, { delegator: '00000000deadbeef' })).toBe(
      `127.0.0.1:${server.port} is node ${members.anna.nodeId} and not 00000000deadbeef`,
    );
    expect(server.heard.opened).toEqual([]);
  });

  test('does not speak to a node that was revoked', async () => {
    const server = await scene.listen();
    const why = await knock(server.port, { identity: { ...members.berta.identity, nodeIdOf: () => null } });
    expect(why).toBe(`127.0.0.1:${server.port} is no node of this cluster, or was revoked`);
  });

  test.each<[string, (socket: net.Socket) => unknown, RegExp]>([
    ['hangs up', (socket) => socket.end(), /hung up before the session began/],
    ['speaks HTTP', (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'), /does not speak TLS$/],
  ])('does not wait for one that %s', async (_what, answer, why) => {
    const other = net.createServer(answer).listen(0, '127.0.0.1');
    await once(other, 'listening');
    scene.onEnd(() => other.close());
    expect(await knock((other.address() as AddressInfo).port)).toMatch(why);
  });

  test('does not speak TLS 1.2', async () => {
    const { ca, cert, key } = members.anna.identity;
    const other = tls.createServer({
      ca,
      cert,
      key,
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.2',
      ALPNProtocols: ['h2'],
    });
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    scene.onEnd(() => other.close());
    const { port } = other.address() as AddressInfo;
    expect(await knock(port)).toBe(`127.0.0.1:${port} does not speak TLS 1.3`);
  });
});

/** A TLS connection of our own making, as member Berta unless told otherwise. */
function connectTls(port: number, options: tls.ConnectionOptions = {}): tls.TLSSocket {
  const { ca, cert, key } = members.berta.identity;
  const identity = { ca, cert, key, checkServerIdentity: () => undefined };
  const socket = tls.connect({ host: '127.0.0.1', port, ALPNProtocols: ['h2'], ...identity, ...options });
  scene.onEnd(() => socket.destroy());
  return socket;
}

describe('the door', () => {
  test.each<[string, tls.ConnectionOptions, string, string]>([
    [
      'no certificate',
      { cert: undefined, key: undefined },
      'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
      'it showed no certificate',
    ],
    [
      'TLS 1.2',
      { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' },
      'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
      'it does not speak TLS 1.3',
    ],
  ])('is shut to one with %s', async (_what, options, code, why) => {
    const server = await scene.listen();
    let told = '';
    const socket = connectTls(server.port, options).resume();
    socket.on('error', (error: NodeJS.ErrnoException) => (told ||= error.code ?? error.message));
    await until('it is told', () => told !== '', 4000);
    expect(told).toBe(code);
    await until('refused', () => server.refused.length === 1);
    expect(server.refused).toEqual([why]);
    expect(server.heard.opened).toEqual([]);
  });

  test('is shut to one that speaks no TLS', async () => {
    const server = await scene.listen();
    const socket = net.connect(server.port, '127.0.0.1').resume();
    socket.on('error', () => undefined);
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    await once(socket, 'close');
    await until('refused', () => server.refused.length === 1);
    expect(server.refused).toEqual(['it does not speak TLS as a machine of the cluster does']);
  });

  test('holds few strangers at a time and none for long, and lets members in meanwhile', async () => {
    const limits = { handshakeTimeoutMs: 1500, maxHandshakes: 10 };
    const server = await scene.listen({ limits });
    let closed = 0;
    const strangers = Array.from({ length: 60 }, () => {
      const socket = net.connect(server.port, '127.0.0.1').resume();
      scene.onEnd(() => socket.destroy());
      return socket.on('error', () => undefined).once('close', () => closed++);
    });
    await until('the first fifty are out', () => closed === 50);
    const member = scene.open(server.port);
    await until('a member is in', () => member.heard.opened.length === 1);
    expect(closed).toBeLessThanOrEqual(51);
    await until('all are out', () => closed === strangers.length, 4000);
    expect(server.refused.filter((why) => why === 'it did not finish the handshake in time')).not.toEqual([]);
    expect(member.heard.closed).toEqual([]);
    expect(server.heard.opened).toHaveLength(1);
  });

  test('closing it does not wait for those who stand in it', async () => {
    const server = await scene.listen();
    const stranger = net.connect(server.port, '127.0.0.1').resume();
    stranger.on('error', () => undefined);
    await once(stranger, 'connect');
    const closed = once(stranger, 'close');
    const startedAt = performance.now();
    await server.close();
    await closed;
    expect(performance.now() - startedAt).toBeLessThan(1000);
  });
});

test('a member that holds a connection and opens no session does not hold up the end', async () => {
  const server = await scene.listen({ limits: { lingerMs: 300 } });
  const session = http2.connect('https://delegator.tender', { createConnection: () => connectTls(server.port) });
  session.on('error', () => undefined);
  await once(session, 'remoteSettings');
  const closed = once(session, 'close');
  const startedAt = performance.now();
  await server.close();
  await closed;
  expect(performance.now() - startedAt).toBeLessThan(2000);
});

describe('a member that does not keep to the protocol', () => {
  const maxMessageBytes = 1_000_000;
  const frame = (length: number, ...content: Uint8Array[]): Buffer => {
    const head = Buffer.alloc(5);
    head.writeUInt32BE(length, 1);
    return Buffer.concat([head, ...content]);
  };
  const hello = fromWorkerCodec.encode({ hello: { version: 1, name: 'berta' } });

  interface Raw {
    readonly stream: http2.ClientHttp2Stream;
    /** The call's status and the delegator's last word. */
    readonly ended: Promise<{ readonly status: unknown; readonly why: string }>;
  }

  /** A gRPC call by hand. */
  async function call(port: number, headers: http2.OutgoingHttpHeaders = {}): Promise<Raw> {
    const session = http2.connect('https://delegator.tender', { createConnection: () => connectTls(port) });
    session.on('error', () => undefined);
    scene.onEnd(() => session.destroy());
    const stream = session.request({
      ':method': 'POST',
      ':path': '/tender.v1.Delegator/Session',
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    });
    stream.on('error', () => undefined).resume();
    const ended = new Promise<{ status: unknown; why: string }>((resolve) => {
      stream.once('trailers', (trailers: http2.IncomingHttpHeaders) => {
        const word = trailers['tender-why-bin'];
        const why = typeof word === 'string' ? Buffer.from(word, 'base64').toString() : '';
        resolve({ status: trailers['grpc-status'], why });
      });
      stream.once('close', () => resolve({ status: 'closed', why: '' }));
    });
    await once(stream, 'response');
    return { stream, ended };
  }

  test.each<[string, Buffer, RegExp]>([
    [
      'an empty message',
      frame(0),
      /^[0-9a-f]{16} sent a message that cannot be read: not a FromWorker: without content$/,
    ],
    [
      'a well-framed message that is none of ours',
      frame(9, Buffer.from('GET / 1.1')),
      /cannot be read: not a FromWorker/,
    ],
    [
      'half a message in a whole frame',
      frame(hello.length - 2, hello.subarray(0, -2)),
      /cannot be read: not a FromWorker/,
    ],
    ['a frame beyond the limit', frame(0xffff_ffff), /^it broke off, or sent a message of more than 1000000 bytes$/],
  ])('sends %s: its session ends with a reason, another lives on', async (_what, bytes, why) => {
    const { server, worker, port } = await scene.openPair({ maxMessageBytes });
    const bad = await call(port);
    await until('open', () => server.opened.length === 2);
    bad.stream.write(bytes);
    await until('ended', () => server.closed.length === 1);
    expect(server.whys[0]).toMatch(why);
    expect(server.closed[0]?.session).toBe(server.opened[1]);
    const told = await bad.ended;
    expect(told.why === '' ? told.status : told.why).toMatch(told.why === '' ? /^8$/ : why);
    worker.session.send({ started: { attempt: 'still here' } });
    await until('heard', () => server.messages.length === 1);
    expect(server.messages).toEqual([{ started: { attempt: 'still here' } }]);
  });

  test('sends half a frame and no more: nothing is heard of it, its session ends with a reason', async () => {
    const server = await scene.listen({ limits: { maxMessageBytes } });
    const bad = await call(server.port);
    bad.stream.write(Buffer.concat([frame(hello.length, hello), frame(1000, Buffer.alloc(500))]));
    await until('the first is heard', () => server.heard.messages.length === 1);
    bad.stream.end();
    await until('ended', () => server.heard.closed.length === 1);
    expect(server.heard.whys).toEqual(['the other side closed the session']);
    expect(server.heard.messages).toHaveLength(1);
  });

  test('sends a small message that unpacks into a large one', async () => {
    const server = await scene.listen({ limits: { maxMessageBytes } });
    const bad = await call(server.port, { 'grpc-encoding': 'gzip' });
    const bomb = gzipSync(Buffer.alloc(50 * 1024 * 1024));
    const bytes = frame(bomb.length, bomb);
    bytes[0] = 1;
    bad.stream.write(bytes);
    await until('ended', () => server.heard.closed.length === 1);
    expect(server.heard.messages).toEqual([]);
  });

  test('is cut off in the middle of a message', async () => {
    const server = await scene.listen();
    const bad = await call(server.port);
    bad.stream.write(frame(1000, Buffer.alloc(500)));
    await until('open', () => server.heard.opened.length === 1);
    bad.stream.session?.socket.destroy();
    await until('ended', () => server.heard.closed.length === 1);
    expect(server.heard.whys).toEqual(['the connection is gone']);
  });

  test('asks for a service that is not there', async () => {
    const server = await scene.listen();
    const bad = call(server.port, { ':path': '/tender.v1.Delegator/Other' });
    const other = await bad;
    await once(other.stream, 'close');
    expect(server.heard.opened).toEqual([]);
  });

  test('opens a second session on its connection: the first stays the only one', async () => {
    const server = await scene.listen();
    const first = await call(server.port);
    await until('open', () => server.heard.opened.length === 1);
    const connection = first.stream.session as http2.ClientHttp2Session;
    const second = connection.request({
      ':method': 'POST',
      ':path': '/tender.v1.Delegator/Session',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    second.on('error', () => undefined);
    first.stream.write(frame(hello.length, hello));
    await until('heard', () => server.heard.messages.length === 1);
    expect(server.heard.opened).toHaveLength(1);
    expect(server.heard.closed).toEqual([]);
  });
});

describe('a delegator that does not keep to the protocol', () => {
  test('sends what is no message: the worker ends the session and says why', async () => {
    const { server, worker } = await scene.openPair();
    // What a newer version might say, and this one cannot read.
    server.session.send({ moonPhase: {} } as never);
    await until('both closed', () => server.closed.length + worker.closed.length === 2);
    expect(worker.whys).toEqual([
      `${members.anna.nodeId} sent a message that cannot be read: not a FromDelegator: without content`,
    ]);
  });

  test('sends more than the worker takes', async () => {
    const server = await scene.listen();
    const worker = scene.open(server.port, { limits: { maxMessageBytes: 1000 } });
    await until('open', () => worker.heard.opened.length === 1);
    server.heard.session.send({ cancel: { attempt: 'x', why: 'y'.repeat(5000) } });
    await until('both closed', () => server.heard.closed.length + worker.heard.closed.length === 2);
    expect(worker.heard.whys[0]).toMatch(/^127\.0\.0\.1:\d+: Received message larger than max \(50\d\d vs 1000\)$/);
  });
});
