// Two machines on one cable with no address but the link-local one that IPv6 gives every interface: an announcement
// heard there names its sender as `fe80::…%eth0`, and the session must come about at just that address.
import { spawnSync } from 'node:child_process';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { createFarmNetwork, type FarmNetwork } from '../../src/adapters/netns/farm-network.ts';
import { makeMembers, Scene, startChild, until, type Members } from './support.ts';

const canMake = process.getuid?.() === 0 && spawnSync('ip', ['netns', 'list']).status === 0;
if (!canMake) console.warn('SKIPPED: sessions by link-local addresses: needs root and iproute2');

// What should come about here does so at once; a hang is a failure.
vi.setConfig({ testTimeout: 30_000 });

let members: Members;
let network: FarmNetwork;
let scene: Scene;
beforeAll(async () => {
  if (!canMake) return;
  members = await makeMembers();
  const made = await createFarmNetwork({ hosts: 2 });
  if (!made.ok) throw new Error(made.error.message);
  network = made.value;
});
afterAll(async () => {
  if (!canMake) return;
  members.remove();
  expect(await network.remove()).toEqual([]);
});
beforeEach(() => {
  scene = new Scene(members);
});
afterEach(async () => {
  expect(await scene.end()).toEqual([]);
});

const inNamespace = (host: number): string[] => ['ip', 'netns', 'exec', network.hosts[host]?.namespace ?? ''];

/** The link-local address of a host, once the kernel is sure that it is the only one to have it. */
async function linkLocalOf(host: number): Promise<string> {
  const args = ['-n', network.hosts[host]?.namespace ?? '', '-6', '-o', 'addr', 'show', 'dev', 'eth0', 'scope', 'link'];
  const show = (): string => spawnSync('ip', args, { encoding: 'utf8' }).stdout;
  await until('an address', () => /fe80\S+\//.test(show()) && !show().includes('tentative'));
  return /(fe80\S+)\//.exec(show())?.[1] ?? '';
}

/** Anna listens on host 0 as an agent does; the port. */
async function startAnna(): Promise<{ port: number; output(): string }> {
  const anna = startChild(
    scene,
    `const { identity } = memberAt(${JSON.stringify(members.anna.home)});
     const heard = new Recorder();
     const server = await listenSessions({ host: '::', port: 0, identity }, heard);
     console.log(server.value.port);
     await until('a message', () => heard.messages.length === 1, 60_000);
     console.log(heard.session.address, JSON.stringify(heard.messages));
     heard.session.send({ welcome: { version: 1, name: 'anna' } });
     await until('its end', () => heard.closed.length === 1, 60_000);
     await server.value.close();`,
    inNamespace(0),
  );
  await until('it listens', () => anna.output().includes('\n'));
  return { port: Number.parseInt(anna.output()), output: anna.output };
}

/** Berta opens a session from host 1 to an address. */
function startBerta(host: string, port: number, limits = '{}'): ReturnType<typeof startChild> {
  return startChild(
    scene,
    `const { identity } = memberAt(${JSON.stringify(members.berta.home)});
     const heard = new Recorder();
     const limits = ${limits};
     const options = { host: ${JSON.stringify(host)}, port: ${port}, delegator: '${members.anna.nodeId}', identity, limits };
     openSession(options, heard);
     await until('open or not', () => heard.opened.length + heard.closed.length === 1);
     if (heard.opened.length === 1) {
       heard.session.send({ hello: { version: 1, name: 'berta' } });
       await until('a message', () => heard.messages.length === 1);
       console.log(heard.session.address, JSON.stringify(heard.messages));
       heard.session.close('done');
     } else console.log(heard.whys[0]);`,
    inNamespace(1),
  );
}

test.skipIf(!canMake)('a session by a link-local address with its zone', async () => {
  const anna = await startAnna();
  const [there, here] = [await linkLocalOf(0), await linkLocalOf(1)];
  const berta = startBerta(`${there}%eth0`, anna.port);
  expect([await berta.ended, berta.output()]).toEqual([
    0,
    `[${there}%eth0]:${anna.port} [{"welcome":{"version":1,"name":"anna"}}]\n`,
  ]);
  await until('Anna heard', () => anna.output().split('\n').length > 2);
  expect(anna.output()).toContain(`[${here}%eth0]:`);
  expect(anna.output()).toContain('[{"hello":{"version":1,"name":"berta"}}]');
});

test.skipIf(!canMake)('and by its routed addresses, IPv6 and IPv4', async () => {
  for (const host of [network.hosts[0]?.ipv6 ?? '', network.hosts[0]?.ipv4 ?? '']) {
    const anna = await startAnna();
    const berta = startBerta(host, anna.port);
    expect([await berta.ended, berta.output()]).toEqual([0, expect.stringContaining('welcome')]);
    await until('Anna heard', () => anna.output().split('\n').length > 2);
  }
});

test.skipIf(!canMake).each<[string, string, RegExp]>([
  ['no machine has', 'fe80::dead:beef%eth0', /^(no answer from|cannot connect to) \[fe80::dead:beef%eth0\]:7437/],
  ['has no interface here', 'fe80::1%eth7', /^(no answer from|cannot connect to) \[fe80::1%eth7\]:7437/],
  ['lost its zone', 'fe80::1', /^(no answer from|cannot connect to) \[fe80::1\]:7437/],
  ['is on no route', '198.51.100.1', /^cannot connect to 198\.51\.100\.1:7437: no route to it$/m],
])('an address that %s gives a reason and leaves nothing behind', async (_what, host, why) => {
  const berta = startBerta(host, 7437, '{ openTimeoutMs: 800 }');
  expect([await berta.ended, berta.output()]).toEqual([0, expect.stringMatching(why)]);
});
