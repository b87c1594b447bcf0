// The server against clients that lie, dawdle or vanish, and the CLI's client against agents that do.
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { callControl } from './client.ts';
import { encodeControlRequest, encodeStr } from './frames.ts';
import { listenLaunchers } from './server.ts';
import { until } from './test-rig.ts';
import type { ControlCall, LauncherCall, LauncherRequest, LauncherServer } from './types.ts';

let dir: string;
let path: string;
let server: LauncherServer;
let sockets: Socket[];
let compiles: [LauncherRequest, LauncherCall][];
let controls: [unknown, ControlCall][];

const listen = (requestWithinMs = 30_000): Promise<LauncherServer> =>
  listenLaunchers(
    path,
    {
      compile: (request, call) => void compiles.push([request, call]),
      control: (json, call) => void controls.push([json, call]),
    },
    { requestWithinMs },
  );

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'tender-socket-'));
  path = join(dir, 'run', 'agent.sock');
  [sockets, compiles, controls] = [[], [], []];
  server = await listen();
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await server.close();
  rmSync(dir, { recursive: true });
});

/** A raw client: sends the pieces, and gives all that came once the server has closed the connection. */
function send(pieces: readonly Uint8Array[], { finish = false } = {}): { socket: Socket; closed: Promise<string> } {
  const socket = createConnection(path);
  sockets.push(socket);
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
  socket.on('error', () => undefined);
  for (const piece of pieces) socket.write(piece);
  if (finish) socket.end();
  return { socket, closed: new Promise((resolve) => socket.once('close', () => resolve(text))) };
}

function frame(kind: number, body: Uint8Array, length = body.length): Buffer {
  const head = Buffer.from('TNDR\u0001\0\0\0\0\0');
  head[5] = kind;
  head.writeUInt32LE(length, 6);
  return Buffer.concat([head, body]);
}

const u32 = (value: number): Buffer => Buffer.from(new Uint32Array([value]).buffer);
const compileBody = (compiler = '/usr/bin/cc', argv = ['cc', ''], env = ['A=1']): Buffer =>
  Buffer.concat([
    u32(1),
    u32(0o22),
    encodeStr(compiler),
    encodeStr('/w'),
    u32(argv.length),
    ...argv.map(encodeStr),
    u32(env.length),
    ...env.map(encodeStr),
  ]);

describe('requests', () => {
  test('one that comes byte by byte is read like any other', async () => {
    const bytes = frame(1, compileBody());
    const { socket } = send([]);
    for (const byte of bytes) await new Promise((resolve) => socket.write(Uint8Array.of(byte), resolve));
    await until('the request', () => compiles[0]);
    expect(compiles[0]?.[0]).toEqual({
      stderrIsTerminal: true,
      stdoutIsTerminal: false,
      umask: 0o22,
      compiler: '/usr/bin/cc',
      cwd: '/w',
      argv: ['cc', ''],
      env: ['A=1'],
      validUtf8: true,
    });
  });

  test.each([
    ['another magic', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['another version', Buffer.from('TNDR\u0002\u0001\0\0\0\0')],
    ['another kind', frame(3, Buffer.alloc(0))],
    ['more than 16 MiB', frame(1, Buffer.alloc(0), 16 * 1024 * 1024 + 1)],
    ['an empty body', frame(1, Buffer.alloc(0))],
    ['a body cut short', frame(1, compileBody().subarray(0, -1))],
    ['bytes after the body', Buffer.concat([frame(1, compileBody()), Buffer.from('x')])],
    ['bytes after the environment', frame(1, Buffer.concat([compileBody(), Buffer.from('x')]))],
    ['a count that lies', frame(1, Buffer.concat([compileBody().subarray(0, -9), u32(0xffffffff)]))],
    ['no argv', frame(1, compileBody('/usr/bin/cc', []))],
    ['a compiler that is not absolute', frame(1, compileBody('cc'))],
    ['control that is not JSON', frame(2, Buffer.from('{'))],
  ])('%s: the connection is closed and the agent goes on', async (_what, bytes) => {
    expect(await send([bytes]).closed).toBe('');
    expect([compiles, controls]).toEqual([[], []]);
    await expectAlive();
  });

  test('random bytes never reach the handler', async () => {
    let seed = 1;
    const random = (): number => (seed = (seed * 48271) % 0x7fffffff) & 0xff;
    for (let round = 0; round < 50; round++) {
      const noise = Buffer.from(Array.from({ length: 60 }, random));
      await send([round % 2 === 0 ? noise : frame(1, noise)], { finish: true }).closed;
    }
    expect(compiles).toEqual([]);
    await expectAlive();
  });

  test('one that is not whole: closed after a while, and when its client goes', async () => {
    await server.close();
    server = await listen(50);
    expect(await send([frame(1, compileBody()).subarray(0, 20)]).closed).toBe('');
    await send([frame(1, compileBody()).subarray(0, 7)], { finish: true }).closed;
    expect(compiles).toEqual([]);
    await expectAlive();
  });

  test('a client that speaks out of turn is cut off', async () => {
    const { socket, closed } = send([frame(1, compileBody())]);
    const [, call] = await until('the request', () => compiles[0]);
    let gone = false;
    call.onClosed(() => (gone = true));
    socket.write('K'); // there is nothing to keep yet
    await closed;
    await until('the call to close', () => gone);
    expect(call.closed).toBe(true);
    call.local('too late'); // and does no harm
  });
});

describe('calls', () => {
  test('«heard» comes soon and again until the answer', async () => {
    const hear = (): (() => string) => {
      let text = '';
      send([frame(1, compileBody())]).socket.on('data', (chunk: string) => (text += chunk));
      return () => text;
    };
    const first = hear();
    await until('heard twice', () => first() === 'H\0\0\0\0'.repeat(2));
    compiles[0]?.[1].local('own-slot');
    await until('the answer', () => first() === `${'H\0\0\0\0'.repeat(2)}L\x0c\0\0\0\x08\0\0\0own-slot`);
    const second = hear();
    await until('heard twice', () => second() === 'H\0\0\0\0'.repeat(2)); // a beat, that the first must not get
    expect(first()).toMatch(/own-slot$/);
  }, 20_000);

  test('answering twice is a bug, and said to be one', async () => {
    send([frame(1, compileBody())]);
    const [, call] = await until('the request', () => compiles[0]);
    call.local('');
    expect(() => call.local('')).toThrow(/bug: .* answered twice/);
  });

  test('closing the server closes its calls, and removes the socket', async () => {
    const { closed } = send([frame(1, compileBody())]);
    await until('the request', () => compiles[0]);
    await server.close();
    expect(await closed).toBe('');
    expect(() => statSync(path)).toThrow(/ENOENT/);
  });
});

describe('listening', () => {
  test('the directory is private, also when it was not', async () => {
    expect(statSync(join(dir, 'run')).mode & 0o777).toBe(0o700);
    await server.close();
    rmSync(join(dir, 'run'), { recursive: true });
    mkdirSync(join(dir, 'run'), { mode: 0o777 });
    server = await listen();
    expect(statSync(join(dir, 'run')).mode & 0o777).toBe(0o700);
  });

  test("a dead agent's socket is replaced; anything else is left alone", async () => {
    await server.close();
    const link = join(dir, 'run', 'agent.sock');
    writeFileSync(link, 'precious');
    await expect(listen()).rejects.toThrow(/in the way and is not a socket/);
    rmSync(link);
    symlinkSync('elsewhere', link);
    await expect(listen()).rejects.toThrow(/in the way and is not a socket/);
    rmSync(link);
    server = await listen();
    // A second one takes the address over: what was left there looks just like this.
    const second = await listen();
    await expectAlive();
    await second.close();
  });
});

describe('callControl', () => {
  test('answers come in order, and the end ends it', async () => {
    const answers: unknown[] = [];
    const done = callControl(path, { command: 'status', text: 'ü\n' }, (json) => answers.push(json));
    const [json, call] = await until('the request', () => controls[0]);
    call.send({ n: 1 });
    call.send(['x'.repeat(200_000)]);
    call.end();
    call.send('dropped');
    expect(await done).toEqual({ ok: true, value: undefined });
    expect(json).toEqual({ command: 'status', text: 'ü\n' });
    expect(answers).toEqual([{ n: 1 }, ['x'.repeat(200_000)]]);
  });

  test('one that is given up is closed for the agent too', async () => {
    const abort = new AbortController();
    const done = callControl(path, {}, () => undefined, { signal: abort.signal });
    const [, call] = await until('the request', () => controls[0]);
    let gone = false;
    call.onClosed(() => (gone = true));
    abort.abort();
    expect(await done).toMatchObject({ ok: true });
    await until('the call to close', () => gone);
  });

  test('no agent; a socket that a dead agent left', async () => {
    const none = await callControl(join(dir, 'none'), {}, () => undefined);
    expect(none).toMatchObject({ ok: false, error: { kind: 'not-running' } });
    const dead = createServer();
    await new Promise<void>((resolve) => dead.listen(join(dir, 'dead'), resolve));
    // Bound, but nothing listens any more: what SIGKILL leaves.
    symlinkSync(join(dir, 'dead'), join(dir, 'link'));
    await new Promise((resolve) => dead.close(resolve));
    expect(await callControl(join(dir, 'link'), {}, () => undefined)).toMatchObject({ error: { kind: 'not-running' } });
  });

  test('an agent that dies before the end; one that refuses; one that hangs; one that is none', async () => {
    const done = callControl(path, {}, () => undefined);
    await until('the request', () => controls[0]);
    await server.close();
    expect(await done).toMatchObject({ ok: false, error: { kind: 'broken' } });
    expect(await answerTo((socket) => socket.destroy())).toMatchObject({ error: { kind: 'refused' } });
    expect(await answerTo(() => undefined)).toMatchObject({ error: { kind: 'hung' } });
    expect(await answerTo((socket) => socket.write('HTTP/1.1'))).toMatchObject({ error: { kind: 'broken' } });
    expect(await answerTo((socket) => socket.write('J\u0001\0\0\0{'))).toMatchObject({ error: { kind: 'broken' } });
    server = await listen();
  });
});

/** What callControl says of an agent that does `act` once it has been asked. */
async function answerTo(act: (socket: Socket) => void): Promise<unknown> {
  const bad: Server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => act(socket));
  });
  await new Promise<void>((resolve) => bad.listen(path, resolve));
  const said = await callControl(path, {}, () => undefined, { firstAnswerMs: 100, silenceMs: 100 });
  await new Promise((resolve) => bad.close(resolve));
  return said;
}

/** The agent answers a control request, sent in raw bytes. */
async function expectAlive(): Promise<void> {
  const before = controls.length;
  const { closed } = send([encodeControlRequest({ alive: true })]);
  const [, call] = await until('an answer from the agent', () => controls[before]);
  call.end();
  expect(await closed).toMatch(/E\0\0\0\0$/);
}
