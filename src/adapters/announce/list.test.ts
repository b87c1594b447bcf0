// Announcing to named peers, over real sockets of both families.
import { createSocket } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, test } from 'vitest';
import { openList, parsePeer, type List, type ListOptions } from './list.ts';
import type { Sender } from './types.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

interface Ear {
  readonly list: List;
  readonly problems: string[];
  /** The next datagram that was not taken yet. */
  next(): Promise<{ readonly text: string; readonly from: Sender }>;
}

async function open(options: Partial<ListOptions> = {}): Promise<Ear> {
  const heard: { text: string; from: Sender }[] = [];
  const waiting: ((it: { text: string; from: Sender }) => void)[] = [];
  const problems: string[] = [];
  const opened = await openList({
    peers: [],
    defaultPort: 1,
    listenPort: 0,
    onDatagram: (bytes, from) => {
      const it = { text: Buffer.from(bytes).toString(), from };
      const first = waiting.shift();
      if (first === undefined) heard.push(it);
      else first(it);
    },
    onProblem: (text) => problems.push(text),
    ...options,
  });
  if (!opened.ok) throw new Error(opened.error);
  cleanUps.push(() => opened.value.close());
  const next = async (): Promise<{ text: string; from: Sender }> =>
    heard.shift() ?? new Promise((resolve) => waiting.push(resolve));
  return { list: opened.value, problems, next };
}

const hasIPv6 = Object.values(networkInterfaces()).some((infos) => infos?.some((it) => it.family === 'IPv6'));
if (!hasIPv6) console.warn('SKIPPED: announcing to IPv6 peers: this machine has no IPv6');

describe('announcing to a list', () => {
  test('each peer hears it, by address and by name', async () => {
    const [a, b] = await Promise.all([open(), open()]);
    const sender = await open({ peers: [`127.0.0.1:${a.list.port}`, 'some.peer'], defaultPort: b.list.port, resolve });
    sender.list.announce(Buffer.from('hello'));
    expect(await a.next()).toMatchObject({ text: 'hello', from: { host: '127.0.0.1', port: sender.list.port } });
    expect(await b.next()).toMatchObject({ text: 'hello' });
  });

  test.skipIf(!hasIPv6)('an IPv6 peer hears it', async () => {
    const ear = await open();
    const sender = await open({ peers: [`[::1]:${ear.list.port}`] });
    sender.list.announce(Buffer.from('hello'));
    expect(await ear.next()).toMatchObject({ text: 'hello', from: { host: '::1', family: 'IPv6' } });
  });

  test('a name that is not known is told once, and the others hear all the same', async () => {
    const ear = await open();
    const sender = await open({ peers: ['no.such.peer', 'some.peer'], defaultPort: ear.list.port, resolve });
    for (const text of ['one', 'two']) {
      sender.list.announce(Buffer.from(text));
      expect((await ear.next()).text).toBe(text);
    }
    expect(sender.problems).toEqual(['announcements to no.such.peer: not known']);
  });

  test('what is longer than a Tender datagram is dropped', async () => {
    const ear = await open();
    const sender = await open({ peers: [`127.0.0.1:${ear.list.port}`] });
    sender.list.announce(Buffer.alloc(1_501));
    sender.list.announce(Buffer.from('short'));
    expect((await ear.next()).text).toBe('short');
  });

  test('a port that is taken is a failure in words', async () => {
    const socket = createSocket('udp4');
    cleanUps.push(() => socket.close());
    await new Promise<void>((resolve) => socket.bind(0, resolve));
    const { port } = socket.address();
    const opened = await openList({ peers: [], defaultPort: port, onDatagram: () => {} });
    expect(opened).toMatchObject({ ok: false, error: expect.stringContaining(String(port)) as string });
  });

  test('closed at once, or twice, is no failure', async () => {
    const sender = await open({ peers: ['some.peer'], resolve });
    sender.list.announce(Buffer.from('hello'));
    await sender.list.close();
    await sender.list.close();
    sender.list.announce(Buffer.from('hello'));
    expect(sender.problems).toEqual([]);
  });

  async function resolve(host: string): Promise<{ address: string; family: number }[]> {
    if (host !== 'some.peer') throw new Error('not known');
    return [{ address: '127.0.0.1', family: 4 }];
  }
});

describe('reading a peer', () => {
  test.each([
    ['host', { host: 'host', port: 7 }],
    [' host.example:80 ', { host: 'host.example', port: 80 }],
    ['10.0.0.1', { host: '10.0.0.1', port: 7 }],
    ['10.0.0.1:80', { host: '10.0.0.1', port: 80 }],
    ['[fd00::1]:80', { host: 'fd00::1', port: 80 }],
    ['[fd00::1]', { host: 'fd00::1', port: 7 }],
    ['fd00::1', { host: 'fd00::1', port: 7 }],
    ['fe80::1%eth0', { host: 'fe80::1%eth0', port: 7 }],
  ])('%j', (text, peer) => {
    expect(parsePeer(text, 7)).toEqual({ ok: true, value: peer });
  });

  test.each([
    '',
    ':80',
    'host:',
    'host:0',
    'host:65536',
    'host:x',
    '[host]:80',
    '[fd00::1',
    'a b',
    'http://a',
    '1:2:3',
  ])('%j is refused by name', (text) => {
    expect(parsePeer(text, 7)).toMatchObject({ ok: false, error: expect.stringContaining(`«${text}»`) as string });
  });
});
