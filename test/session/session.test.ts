// A session as both sides see it: it opens, carries messages in order under back pressure, and ends once, whatever ends it.
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { FromDelegator } from '../../src/wire/messages.ts';
import { makeMembers, Scene, startChild, startHop, until, type Members } from './support.ts';

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

const blob = (size: number, fill = 1): FromDelegator => ({
  blob: { digest: Buffer.alloc(32, fill), data: Buffer.alloc(size, fill), last: true, missing: false, zstd: false },
});

describe('an open session', () => {
  test('is known on both sides by the other’s certificate, and carries messages both ways in order', async () => {
    const { server, worker, port } = await scene.openPair();
    expect(server.session.peer).toBe(members.berta.nodeId);
    expect(worker.session.peer).toBe(members.anna.nodeId);
    expect(worker.session.address).toBe(`127.0.0.1:${port}`);
    expect(server.session.address).toMatch(/^127\.0\.0\.1:\d+$/);
    for (let n = 0; n < 1000; n++) {
      worker.session.send({ started: { attempt: `w${n}` } });
      server.session.send(n % 50 === 0 ? blob(100_000, n) : { cancel: { attempt: `d${n}`, why: '' } });
    }
    await until('all are there', () => server.messages.length === 1000 && worker.messages.length === 1000);
    expect(server.messages).toEqual(Array.from({ length: 1000 }, (_, n) => ({ started: { attempt: `w${n}` } })));
    const inOrder = worker.messages.every((message, n) =>
      n % 50 === 0
        ? 'blob' in message && Buffer.compare(message.blob.data, Buffer.alloc(100_000, n)) === 0
        : 'cancel' in message && message.cancel.attempt === `d${n}`,
    );
    expect(inOrder).toBe(true);
    expect(server.session.figures).toEqual({
      bytesIn: worker.session.figures.bytesOut,
      bytesOut: worker.session.figures.bytesIn,
    });
  });

  test('goes straight to the other machine, whatever proxy is set for the web', async () => {
    vi.stubEnv('https_proxy', 'http://127.0.0.1:9');
    vi.stubEnv('grpc_proxy', 'http://127.0.0.1:9');
    try {
      const { worker } = await scene.openPair();
      expect(worker.whys).toEqual([]);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  test('is reached by IPv6', async () => {
    const server = await scene.listen();
    const worker = scene.open(server.port, { host: '::1' });
    await until('open', () => worker.heard.opened.length === 1);
    expect(worker.heard.session.address).toBe(`[::1]:${server.port}`);
    expect(server.heard.session.address).toMatch(/^\[::1\]:\d+$/);
  });
});

describe('back pressure', () => {
  test('a reader that does not read fills the pipe; then send says so, and drained comes when it reads again', async () => {
    const server = await scene.listen();
    const hop = await startHop(scene, server.port);
    const worker = scene.open(hop.port);
    await until('open', () => worker.heard.opened.length === 1);
    hop.hold(true);
    const { session } = server.heard;
    let sent = 0;
    // Some of it goes into kernel buffers first: the pipe is full when it stays full.
    for (let full = false; !full;) {
      sent++;
      if (session.send(blob(256 * 1024))) continue;
      const drained = session.drained().then(() => 'drained');
      full = (await Promise.race([drained, new Promise((resolve) => setTimeout(resolve, 300, 'full'))])) === 'full';
    }
    expect(session.figures.bytesOut).toBeLessThan(64 * 1024 * 1024);
    const drained = session.drained();
    hop.hold(false);
    await drained;
    expect(session.send({ cancel: { attempt: 'last', why: '' } })).toBe(true);
    await until('all are there', () => worker.heard.messages.length === sent + 1);
    expect(worker.heard.messages.at(-1)).toEqual({ cancel: { attempt: 'last', why: '' } });
  });

  test('who waits for it is let go when the session ends', async () => {
    const { server } = await scene.openPair({ lingerMs: 200 });
    const { session } = server;
    while (session.send(blob(1024 * 1024)));
    const drained = session.drained();
    session.close('enough');
    await drained;
    await session.drained();
    expect(server.whys).toEqual(['enough']);
  });

  test('200 MB of blobs pass through without staying', async () => {
    const { server, worker } = await scene.openPair();
    // Messages are looked at and forgotten, as the agent does.
    let received = 0;
    worker.onMessage = (_session, message) => {
      if ('blob' in message) received += message.blob.data.length;
    };
    const message = blob(256 * 1024);
    const before = process.memoryUsage().rss;
    let peak = 0;
    for (let n = 0; n < 800; n++) {
      if (!server.session.send(message)) await server.session.drained();
      if (n % 20 === 0) peak = Math.max(peak, process.memoryUsage().rss - before);
    }
    await until('all are there', () => received === 800 * 256 * 1024);
    expect(peak).toBeLessThan(120 * 1024 * 1024);
  });
});

describe('the end of a session', () => {
  test('by the delegator: what was sent before arrives, then the reason, once on each side', async () => {
    const { server, worker } = await scene.openPair();
    for (let n = 0; n < 100; n++) server.session.send(blob(50_000, n));
    server.session.close('replaced by a newer session\n\x1b[2J «ü»');
    await until('both closed', () => server.closed.length + worker.closed.length === 2);
    expect(worker.messages).toHaveLength(100);
    expect(worker.whys).toEqual(['the other side closed it: replaced by a newer session [2J «ü»']);
    expect(server.whys).toEqual(['replaced by a newer session [2J «ü»']);
  });

  test('by the worker: what was sent before arrives, and no connection stays', async () => {
    const listening = await scene.listen({ limits: { lingerMs: 20_000 } });
    const hop = await startHop(scene, listening.port);
    const opening = scene.open(hop.port, { limits: { lingerMs: 20_000 } });
    const [server, worker] = [listening.heard, opening.heard];
    await until('both sides open', () => server.opened.length + worker.opened.length === 2);
    for (let n = 0; n < 100; n++) worker.session.send({ started: { attempt: 'x'.repeat(10_000) } });
    worker.session.close('nothing to do');
    await until('both closed', () => server.closed.length + worker.closed.length === 2);
    expect(server.messages).toHaveLength(100);
    expect(worker.whys).toEqual(['nothing to do']);
    expect(server.whys).toEqual(['the other side closed the session']);
    await until('the connection is gone', () => hop.connections() === 0, 5000);
  });

  test('after it, sending, closing and waiting do nothing', async () => {
    const { server, worker } = await scene.openPair();
    const sides = [server, worker] as const;
    server.session.close('first');
    server.session.close('second');
    await until('both closed', () => server.closed.length + worker.closed.length === 2);
    for (const side of sides) {
      const before = { ...side.session.figures };
      expect(side.session.send({ cancel: { attempt: '', why: '' } } as never)).toBe(true);
      await side.session.drained();
      side.session.close('third');
      expect(side.session.figures).toEqual(before);
      expect(side.closed).toHaveLength(1);
    }
  });

  test('by a wire that is cut: both sides know at once', async () => {
    const server = await scene.listen();
    const hop = await startHop(scene, server.port);
    const worker = scene.open(hop.port);
    await until('open', () => worker.heard.opened.length === 1);
    hop.cut();
    await until('both closed', () => server.heard.closed.length + worker.heard.closed.length === 2, 1000);
    expect(server.heard.whys).toEqual(['the connection is gone']);
    expect(worker.heard.whys).toEqual([`the connection to 127.0.0.1:${hop.port} is gone`]);
  });

  test('by a peer that is silent: both sides know within the keepalive limits', async () => {
    const limits = { keepaliveMs: 300, keepaliveTimeoutMs: 200 };
    const server = await scene.listen({ limits });
    const hop = await startHop(scene, server.port);
    const worker = scene.open(hop.port, { limits });
    await until('open', () => worker.heard.opened.length === 1);
    hop.hold(true);
    const heldAt = performance.now();
    await until('both closed', () => server.heard.closed.length + worker.heard.closed.length === 2, 3000);
    expect(performance.now() - heldAt).toBeLessThan(1500);
    expect(server.heard.whys).toEqual(['the connection is gone']);
    expect(worker.heard.whys).toEqual([`the connection to 127.0.0.1:${hop.port} is gone`]);
  });

  test('by a message of our own that is too large: told here, and the other side told why', async () => {
    const { server, worker } = await scene.openPair({ maxMessageBytes: 100_000 });
    expect(server.session.send(blob(200_000))).toBe(true);
    await until('both closed', () => server.closed.length + worker.closed.length === 2);
    expect(server.whys[0]).toMatch(/^a message of 2000\d\d bytes cannot be sent, at most 100000$/);
    expect(worker.whys[0]).toMatch(/^the other side closed it: a message of/);
  });

  test('by the server’s close: every session on both sides, and the port is free', async () => {
    const server = await scene.listen();
    const workers = Array.from({ length: 5 }, () => scene.open(server.port));
    await until(
      'all open',
      () => server.heard.opened.length === 5 && workers.every((it) => it.heard.opened.length === 1),
    );
    await server.close();
    expect(server.heard.whys).toEqual(Array(5).fill('it is stopping'));
    await until('all closed', () => workers.every((it) => it.heard.closed.length === 1));
    expect(new Set(workers.flatMap((it) => it.heard.whys))).toEqual(
      new Set(['the other side closed it: it is stopping']),
    );
    const again = createServer().listen(server.port, '::');
    await once(again, 'listening');
    again.close();
  });

  test('by the server’s close, when nobody reads any more: after the linger time all the same', async () => {
    const server = await scene.listen({ limits: { lingerMs: 300 } });
    const hop = await startHop(scene, server.port);
    const worker = scene.open(hop.port);
    await until('open', () => worker.heard.opened.length === 1);
    hop.hold(true);
    while (server.heard.session.send(blob(1024 * 1024)));
    const startedAt = performance.now();
    await server.close();
    expect(performance.now() - startedAt).toBeLessThan(2000);
    hop.cut();
    await until('closed', () => worker.heard.closed.length === 1);
  });
});

test('two servers cannot have one port, and are told so in words', async () => {
  const { port } = await scene.listen();
  await expect(scene.listen({ port })).rejects.toThrow(`cannot listen on :: port ${port}: the port is in use`);
});

describe('nothing is left behind, the process ends by itself', () => {
  test('after sessions and their server are closed', async () => {
    const { anna, berta } = members;
    const script = `
      const anna = memberAt(${JSON.stringify(anna.home)}), berta = memberAt(${JSON.stringify(berta.home)});
      const [heard, said] = [new Recorder(), new Recorder()];
      const server = await listenSessions({ host: '127.0.0.1', port: 0, identity: anna.identity }, heard);
      openSession({ host: '127.0.0.1', port: server.value.port, delegator: anna.nodeId, identity: berta.identity }, said);
      await until('open', () => heard.opened.length + said.opened.length === 2);
      await server.value.close();
      console.log('closed', heard.whys[0]);
      process.on('exit', () => console.log('worker', said.whys[0]));`;
    const run = startChild(scene, script);
    const startedAt = performance.now();
    expect([await run.ended, run.output()]).toEqual([
      0,
      'closed it is stopping\nworker the other side closed it: it is stopping\n',
    ]);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });

  const openAlone = (port: number, limits = '{}'): string => `
    const { identity } = memberAt(${JSON.stringify(members.berta.home)});
    const heard = new Recorder();
    const options = { host: '127.0.0.1', port: ${port}, delegator: '0123456789abcdef', identity, limits: ${limits} };
    openSession(options, heard);
    await until('closed', () => heard.closed.length === 1);
    const closedAt = performance.now();
    console.log(heard.opened.length, heard.whys[0], heard.closed[0].afterMs < 3000);
    process.on('exit', () => console.log(heard.closed.length, performance.now() - closedAt < 1000));`;

  test('after nobody listened there', async () => {
    const closing = createServer().listen(0, '127.0.0.1');
    await once(closing, 'listening');
    const { port } = closing.address() as AddressInfo;
    closing.close();
    await once(closing, 'close');
    const run = startChild(scene, openAlone(port));
    expect([await run.ended, run.output()]).toEqual([
      0,
      `0 cannot connect to 127.0.0.1:${port}: connection refused true\n1 true\n`,
    ]);
  });

  test('after someone listened who never said a word', async () => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    scene.onEnd(() => silent.close());
    const { port } = silent.address() as AddressInfo;
    const run = startChild(scene, openAlone(port, '{ openTimeoutMs: 500 }'));
    expect([await run.ended, run.output()]).toEqual([
      0,
      `0 127.0.0.1:${port} did not begin a session within 0.5 s true\n1 true\n`,
    ]);
  });

  test('after a machine did not answer at all', async () => {
    // A stopped process with a full backlog: the kernel drops further greetings, as an unplugged machine would.
    const stopped = startChild(
      scene,
      `import { createServer } from 'node:net';
       const server = createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(server.address().port));`,
    );
    await until('it listens', () => stopped.output().endsWith('\n'));
    const port = Number(stopped.output());
    stopped.child.kill('SIGSTOP');
    const fillers = Array.from({ length: 4 }, () => scene.open(port, { limits: { openTimeoutMs: 60_000 } }));
    const run = startChild(scene, openAlone(port, '{ openTimeoutMs: 500 }'));
    expect([await run.ended, run.output()]).toEqual([
      0,
      `0 no answer from 127.0.0.1:${port} within 0.5 s true\n1 true\n`,
    ]);
    for (const filler of fillers) filler.close();
  });
});
