// Multicast for real: several sockets, several processes on one machine, and (as root) two machines made of namespaces.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, test } from 'vitest';
import { listLinks, type Link } from './interfaces.ts';
import { openMulticast, type Multicast, type MulticastOptions } from './multicast.ts';
import type { Sender } from './types.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** A UDP port that nobody uses now. */
async function findPort(): Promise<number> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, resolve));
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return port;
}

/** Polls until the condition holds; fails loudly after 10 s. */
async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`not within 10 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

interface Ear {
  readonly multicast: Multicast;
  readonly heard: { readonly text: string; readonly from: Sender }[];
  readonly problems: string[];
}

async function open(options: Partial<MulticastOptions> & { port: number }): Promise<Ear> {
  const heard: Ear['heard'] = [];
  const problems: string[] = [];
  const opened = await openMulticast({
    onDatagram: (bytes, from) => heard.push({ text: Buffer.from(bytes).toString(), from }),
    onProblem: (text) => problems.push(text),
    ...options,
  });
  if (!opened.ok) throw new Error(opened.error);
  cleanUps.push(() => opened.value.close());
  return { multicast: opened.value, heard, problems };
}

const has = (ear: { heard: readonly { text: string }[] }, text: string): boolean =>
  ear.heard.some((it) => it.text === text);

describe('on one machine', () => {
  test('every socket hears every announcer, itself included', async () => {
    const port = await findPort();
    const ears = await Promise.all([open({ port }), open({ port }), open({ port })]);
    for (const [index, ear] of ears.entries()) ear.multicast.announce(Buffer.from(`from ${index}`));
    for (const ear of ears)
      for (const index of ears.keys()) await until(`from ${index}`, () => has(ear, `from ${index}`));
  });

  test('loopback alone is enough', async () => {
    const port = await findPort();
    const findLinks = (): readonly Link[] => listLinks(['lo']);
    const [a, b] = await Promise.all([open({ port, findLinks }), open({ port, findLinks })]);
    a.multicast.announce(Buffer.from('hello'));
    await until('hello', () => has(b, 'hello'));
    expect(b.heard[0]?.from).toMatchObject({ host: '127.0.0.1', family: 'IPv4' });
    expect(a.problems).toEqual([]);
  });

  test('what is longer than a Tender datagram is dropped', async () => {
    const port = await findPort();
    const ear = await open({ port, interfaces: ['lo'] });
    ear.multicast.announce(Buffer.alloc(1_501, 'x'));
    ear.multicast.announce(Buffer.alloc(1_500, 'y'));
    await until('the shorter one', () => ear.heard.length > 0);
    expect(ear.heard.map((it) => it.text[0])).toEqual(['y']);
  });

  test('several processes hear each other', async () => {
    const port = await findPort();
    const [a, b] = await Promise.all([startChild([], port), startChild([], port)]);
    const here = await open({ port });
    a.say('announce from a');
    b.say('announce from b');
    here.multicast.announce(Buffer.from('from here'));
    for (const text of ['from a', 'from b', 'from here']) {
      for (const ear of [a, b, here]) await until(text, () => has(ear, text));
    }
  });

  test('links that come and go: no failure, told once, and used when they are there', async () => {
    const port = await findPort();
    const lo: Link = { name: 'lo', family: 'IPv4', selector: '127.0.0.1', loopback: true };
    const gone: Link = { name: 'gone0', family: 'IPv4', selector: '192.0.2.99', loopback: false };
    let links: readonly Link[] = [gone];
    const ear = await open({ port, findLinks: () => links });
    expect(ear.multicast.links).toEqual([]);
    ear.multicast.announce(Buffer.from('to nobody'));
    await ear.multicast.rescan();
    expect(ear.problems.filter((it) => it.includes('IPv4 on gone0'))).toHaveLength(1);
    links = [lo];
    await ear.multicast.rescan();
    expect(ear.multicast.links).toEqual(['lo IPv4']);
    ear.multicast.announce(Buffer.from('hello'));
    await until('hello', () => has(ear, 'hello'));
    links = [];
    await ear.multicast.rescan();
    expect(ear.multicast.links).toEqual([]);
    ear.multicast.announce(Buffer.from('to nobody'));
  });

  test('closed: silent, deaf, and closing is done', async () => {
    const port = await findPort();
    const ear = await open({ port });
    const other = await open({ port });
    await ear.multicast.close();
    ear.multicast.announce(Buffer.from('from the dead'));
    other.multicast.announce(Buffer.from('from the living'));
    await until('the living', () => has(other, 'from the living'));
    expect(ear.heard).toEqual([]);
    expect(has(other, 'from the dead')).toBe(false);
  });

  test('a port that another program holds alone, and a wrong group, are failures in words', async () => {
    const sockets = [createSocket('udp4'), createSocket({ type: 'udp6', ipv6Only: true })] as const;
    cleanUps.push(() => sockets.map((it) => it.close()));
    await new Promise<void>((resolve) => sockets[0].bind(0, resolve));
    const { port } = sockets[0].address();
    await new Promise<void>((resolve, reject) => sockets[1].once('error', reject).bind(port, resolve));
    const onDatagram = (): void => {};
    expect(await openMulticast({ port, onDatagram })).toMatchObject({ ok: false });
    expect(await openMulticast({ port: 1, groups: ['localhost'], onDatagram })).toMatchObject({ ok: false });
  });
});

describe('links', () => {
  const address = (family: 'IPv4' | 'IPv6', text: string, internal = false) =>
    ({ family, address: text, internal, netmask: '', mac: '', cidr: null, scopeid: 0 }) as const;

  test('each interface once per family, loopback last, only those named', () => {
    const interfaces = {
      lo: [address('IPv4', '127.0.0.1', true), address('IPv6', '::1', true)],
      eth0: [
        address('IPv4', '10.0.0.1'),
        address('IPv4', '10.0.0.2'),
        address('IPv6', 'fd00::1'),
        address('IPv6', 'fe80::1'),
      ],
    };
    const show = (it: Link): string => `${it.name} ${it.selector}`;
    expect(listLinks([], interfaces).map(show)).toEqual(['eth0 10.0.0.1', 'lo 127.0.0.1', 'eth0 ::%eth0', 'lo ::%lo']);
    expect(listLinks(['eth0'], interfaces).map(show)).toEqual(['eth0 10.0.0.1', 'eth0 ::%eth0']);
    expect(listLinks(['eth7'], interfaces)).toEqual([]);
  });
});

const canMakeNamespaces = ((): boolean => {
  try {
    const name = `tender-probe-${process.pid}`;
    execFileSync('ip', ['netns', 'add', name], { stdio: 'ignore' });
    execFileSync('ip', ['netns', 'del', name], { stdio: 'ignore' });
    return true;
  } catch {
    console.warn('SKIPPED: multicast between network namespaces needs root and iproute2');
    return false;
  }
})();

describe.skipIf(!canMakeNamespaces)('between two machines (network namespaces)', () => {
  const families = (ear: Child, text: string): string[] => [
    ...new Set(ear.heard.filter((it) => it.text === text).map((it) => it.from.family)),
  ];

  test('IPv4 and IPv6, and again after the interface was replaced', { timeout: 40_000 }, async () => {
    const net = new Network();
    cleanUps.push(() => net.remove());
    net.addHost('a', 1);
    net.addHost('b', 2);
    const port = await findPort();
    const [a, b] = await Promise.all([startChild(net.prefix('a'), port), startChild(net.prefix('b'), port)]);

    await until('a heard by b in both families', () => {
      a.say('announce hello');
      return families(b, 'hello').length === 2;
    });
    const hosts = new Set(b.heard.map((it) => it.from.host));
    expect([...hosts].sort()).toEqual(['10.84.68.1', 'fd84:68::1']);
    await until('b heard by a', () => {
      b.say('announce salut');
      return families(a, 'salut').length === 2;
    });

    net.removeLink('b');
    b.say('announce into the void');
    b.say('rescan');
    await until('b has lost its link', () => b.links.every((it) => !it.startsWith('eth0')));
    net.addLink('b', 2);
    b.say('rescan');
    await until('b hears a again', () => {
      a.say('announce again');
      b.say('rescan');
      return families(b, 'again').length === 2;
    });
    // Nothing else is told than that the link was gone.
    expect(a.problems).toEqual([]);
  });

  test('without IPv6, and for a while without any network', { timeout: 40_000 }, async () => {
    const net = new Network();
    cleanUps.push(() => net.remove());
    net.addHost('a', 1);
    net.addHost('b', 2, { ipv6: false });
    net.removeLink('b');
    const port = await findPort();
    const [a, b] = await Promise.all([startChild(net.prefix('a'), port), startChild(net.prefix('b'), port)]);
    expect(b.links).toEqual(['lo IPv4']);
    b.say('announce to myself');
    await until('b heard by b', () => has(b, 'to myself'));
    net.addLink('b', 2, { ipv6: false });
    await until('a heard by b, and b by a', () => {
      b.say('rescan');
      a.say('announce from a');
      b.say('announce from b');
      return has(b, 'from a') && has(a, 'from b');
    });
    expect(families(b, 'from a')).toEqual(['IPv4']);
  });

  test('an interface that was replaced unseen is found by the first send that fails', { timeout: 40_000 }, async () => {
    const net = new Network();
    cleanUps.push(() => net.remove());
    net.addHost('a', 1);
    net.addHost('b', 2);
    const port = await findPort();
    const [a, b] = await Promise.all([startChild(net.prefix('a'), port), startChild(net.prefix('b'), port)]);
    net.removeLink('b');
    net.addLink('b', 2);
    await until('a hears b and b hears a, in both families', () => {
      a.say('announce from a');
      b.say('announce from b');
      return families(a, 'from b').length === 2 && families(b, 'from a').length === 2;
    });
    expect(b.problems.length).toBeLessThanOrEqual(4);
  });
});

let networks = 0;

/** Namespaces whose `eth0` are joined by a bridge in one more namespace; nothing else is touched. */
class Network {
  private readonly id = `tender-${process.pid}-${networks++}`;
  private readonly hosts: string[] = [];

  constructor() {
    this.ip('netns', 'add', this.name('hub'));
    this.hosts.push('hub');
    this.ip(
      '-n',
      this.name('hub'),
      'link',
      'add',
      'br0',
      'type',
      'bridge',
      'mcast_snooping',
      '0',
      'forward_delay',
      '0',
    );
    this.ip('-n', this.name('hub'), 'link', 'set', 'br0', 'up');
  }

  addHost(host: string, number: number, options: { ipv6: boolean } = { ipv6: true }): void {
    this.ip('netns', 'add', this.name(host));
    this.hosts.push(host);
    if (!options.ipv6) {
      const settings = ['all', 'default', 'lo'].map((it) => `/proc/sys/net/ipv6/conf/${it}/disable_ipv6`);
      this.ip('netns', 'exec', this.name(host), 'sh', '-c', `for it in ${settings.join(' ')}; do echo 1 > $it; done`);
    }
    this.ip('-n', this.name(host), 'link', 'set', 'lo', 'up');
    this.addLink(host, number, options);
  }

  addLink(host: string, number: number, { ipv6 }: { ipv6: boolean } = { ipv6: true }): void {
    const ns = this.name(host);
    this.ip('-n', this.name('hub'), 'link', 'add', `p-${host}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', ns);
    this.ip('-n', this.name('hub'), 'link', 'set', `p-${host}`, 'master', 'br0', 'up');
    this.ip('-n', ns, 'addr', 'add', `10.84.68.${number}/24`, 'dev', 'eth0');
    if (ipv6) this.ip('-n', ns, 'addr', 'add', `fd84:68::${number}/64`, 'dev', 'eth0', 'nodad');
    this.ip('-n', ns, 'link', 'set', 'eth0', 'up');
  }

  removeLink(host: string): void {
    this.ip('-n', this.name('hub'), 'link', 'del', `p-${host}`);
  }

  prefix(host: string): readonly string[] {
    return ['ip', 'netns', 'exec', this.name(host)];
  }

  remove(): void {
    for (const host of this.hosts) this.ip('netns', 'del', this.name(host));
  }

  private name(host: string): string {
    return `${this.id}-${host}`;
  }

  private ip(...args: string[]): void {
    execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  }
}

interface Child {
  readonly heard: { readonly text: string; readonly from: Sender }[];
  readonly problems: string[];
  readonly links: readonly string[];
  say(line: string): void;
}

const childProgram = `
  import { createInterface } from 'node:readline';
  import { openMulticast } from ${JSON.stringify(new URL('./multicast.ts', import.meta.url).href)};
  const tell = (value) => console.log(JSON.stringify(value));
  const opened = await openMulticast({
    port: Number(process.argv[1]),
    onDatagram: (bytes, from) => tell({ text: Buffer.from(bytes).toString(), from }),
    onProblem: (problem) => tell({ problem }),
  });
  tell(opened.ok ? { links: opened.value.links } : { problem: opened.error });
  for await (const line of createInterface({ input: process.stdin })) {
    if (line.startsWith('announce ')) opened.value.announce(Buffer.from(line.slice(9)));
    if (line === 'rescan') await opened.value.rescan().then(() => tell({ links: opened.value.links }));
  }
  process.exit();
`;

/** An announcer in a process of its own, that ends with the test. */
async function startChild(prefix: readonly string[], port: number): Promise<Child> {
  const argv = [...prefix, process.execPath, '--input-type=module', '--eval', childProgram, '--', String(port)];
  const child: ChildProcess = spawn(argv[0] ?? '', argv.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  cleanUps.push(() => {
    child.kill('SIGKILL');
    return exited;
  });
  const heard: Child['heard'] = [];
  const problems: string[] = [];
  let links: readonly string[] | null = null;
  if (child.stdout === null) throw new Error('no stdout');
  createInterface({ input: child.stdout }).on('line', (line) => {
    const told = JSON.parse(line) as { text?: string; from?: Sender; problem?: string; links?: string[] };
    if (told.text !== undefined && told.from !== undefined) heard.push({ text: told.text, from: told.from });
    if (told.problem !== undefined) problems.push(told.problem);
    if (told.links !== undefined) links = told.links;
  });
  await until('the child is open', () => links !== null || problems.length > 0);
  return {
    heard,
    problems,
    get links() {
      return links ?? [];
    },
    say: (line) => void child.stdin?.write(`${line}\n`),
  };
}
