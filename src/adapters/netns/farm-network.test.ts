// The farm's network is made of real namespaces: they must carry unicast and multicast, and must be gone afterwards.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, test } from 'vitest';
import { createFarmNetwork, loopbackNetwork, removeStaleNetworks, type FarmNetwork } from './farm-network.ts';

const canMake = process.getuid?.() === 0 && spawnSync('ip', ['netns', 'list']).status === 0;
if (!canMake) console.warn('SKIPPED: farm network tests need root and iproute2');

const namespacesNow = (): string[] =>
  spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' })
    .stdout.split('\n')
    .map((line) => line.split(' ')[0] ?? '')
    .filter((name) => name.startsWith('tender-'));

let network: FarmNetwork | null = null;
const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await network?.remove();
  network = null;
});

async function makeNetwork(hosts: number): Promise<FarmNetwork> {
  const made = await createFarmNetwork({ hosts });
  if (!made.ok) throw new Error(made.error.message);
  network = made.value;
  return made.value;
}

/** Starts node on a host and waits for its first line. */
async function startNode(
  on: FarmNetwork,
  host: number,
  script: string,
): Promise<{ first: string; lines: AsyncIterator<string> }> {
  const child = on.exec(host, [process.execPath, '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  if (child.stdout === null) throw new Error('no stdout');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return { first: (await lines.next()).value as string, lines };
}

const listener = (type: 'udp4' | 'udp6', join: string): string => `
  const socket = require('node:dgram').createSocket({ type: '${type}', reuseAddr: true });
  socket.on('message', (data, from) => console.log(data + ' from ' + from.address.split('%')[0]));
  socket.bind(7321, () => { ${join}; console.log('ready'); });`;
const sender = (type: 'udp4' | 'udp6', via: string, to: string, text: string): string => `
  const socket = require('node:dgram').createSocket('${type}');
  socket.bind(0, () => { ${via}; socket.send('${text}', 7321, '${to}', () => { socket.close(); console.log('sent'); }); });`;

describe.skipIf(!canMake)('farm network', () => {
  test('hosts hear each other by IPv4 and IPv6, unicast and multicast', { timeout: 30_000 }, async () => {
    const on = await makeNetwork(3);
    const heard4 = await startNode(on, 1, listener('udp4', `socket.addMembership('239.255.84.68')`));
    const heard6 = await startNode(on, 2, listener('udp6', `socket.addMembership('ff15::5444', '::%eth0')`));
    expect([heard4.first, heard6.first]).toEqual(['ready', 'ready']);
    await startNode(on, 0, sender('udp4', '', '239.255.84.68', 'group4'));
    expect((await heard4.lines.next()).value).toBe('group4 from 10.84.68.1');
    await startNode(on, 0, sender('udp6', `socket.setMulticastInterface('::%eth0')`, 'ff15::5444', 'group6'));
    expect((await heard6.lines.next()).value).toMatch(/^group6 from f[de]8/);
    await startNode(on, 2, sender('udp4', '', on.hosts[1]?.ipv4 ?? '', 'direct4'));
    expect((await heard4.lines.next()).value).toBe('direct4 from 10.84.68.3');
    await startNode(on, 1, sender('udp6', '', on.hosts[2]?.ipv6 ?? '', 'direct6'));
    expect((await heard6.lines.next()).value).toBe('direct6 from fd84:68::2');
  });

  test('removal kills what runs inside and leaves no name and no link behind', { timeout: 30_000 }, async () => {
    const linksBefore = spawnSync('ip', ['-o', 'link'], { encoding: 'utf8' }).stdout.split('\n').length;
    const on = await makeNetwork(2);
    const child = on.exec(1, ['sh', '-c', 'echo inside; exec sleep 1000'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(child, 'exit');
    expect(namespacesNow()).toEqual(expect.arrayContaining([...on.namespaces]));
    expect(spawnSync('ip', ['-o', 'link'], { encoding: 'utf8' }).stdout.split('\n').length).toBe(linksBefore);
    if (child.stdout !== null) await once(child.stdout, 'data');
    expect(await on.remove()).toEqual([]);
    expect(await ended).toEqual([null, 'SIGKILL']);
    expect(namespacesNow().filter((name) => on.namespaces.includes(name))).toEqual([]);
  });

  test('what a dead maker left behind is removed, what a living one made is not', { timeout: 30_000 }, async () => {
    const dead = spawn('true');
    await once(dead, 'exit');
    const stale = `tender-${dead.pid}-h0`;
    const foreign = `tender-${process.ppid}-h0`;
    for (const name of [stale, foreign]) expect(spawnSync('ip', ['netns', 'add', name]).status).toBe(0);
    try {
      expect(await removeStaleNetworks()).toContain(stale);
      expect(namespacesNow()).not.toContain(stale);
      expect(namespacesNow()).toContain(foreign);
    } finally {
      spawnSync('ip', ['netns', 'del', foreign]);
    }
  });
});

test('the fallback runs commands in the machine itself', async () => {
  const on = loopbackNetwork({ hosts: 2 });
  const child = on.exec(1, ['sh', '-c', 'exit 7'], { stdio: 'ignore' });
  expect(await once(child, 'exit')).toEqual([7, null]);
  expect(await on.remove()).toEqual([]);
});
