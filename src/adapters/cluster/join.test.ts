// A second machine comes in by an invite: over real TLS, with real files, and every way to be turned away.
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectTcp, createServer as createTcpServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fingerprintOf, makeSigningRequest } from './certificates.ts';
import { createCluster } from './create.ts';
import { startEnrolment, type Enrolment, type EnrolmentEvent } from './enrolment.ts';
import { loadCluster } from './files.ts';
import { readFrame, writeFrame } from './frame.ts';
import { createInvite, listOpenInvites, maxWrongSecrets } from './invites.ts';
import { joinCluster } from './join.ts';
import { nodeIdOfCertificate } from './tls.ts';
import { decodeToken, encodeToken, type Invite } from './token.ts';
import type { Cluster } from './types.ts';

const cleanUps: (() => unknown)[] = [];
let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'tender-join-'));
});
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  rmSync(scratch, { recursive: true, force: true });
});

const home = (name: string): string => join(scratch, name);

function load(name: string): Cluster {
  const loaded = loadCluster(home(name));
  if (!loaded.ok || loaded.value === null) throw new Error(`not loaded: ${JSON.stringify(loaded)}`);
  return loaded.value;
}

interface House {
  readonly enrolment: Enrolment;
  readonly events: EnrolmentEvent[];
  invite(options?: { minutes?: number; addresses?: readonly string[]; port?: number }): string;
}

/** A cluster on the machine «anna», with its door open. */
async function openHouse(name = 'anna', clock: () => number = Date.now): Promise<House> {
  const made = await createCluster({ home: home(name), name: `${name}'s office`, nodeName: name });
  if (!made.ok) throw new Error(made.error.message);
  const events: EnrolmentEvent[] = [];
  const started = await startEnrolment({ home: home(name), port: 0, clock, onEvent: (event) => events.push(event) });
  if (!started.ok) throw new Error(started.error.message);
  cleanUps.push(() => started.value.close());
  return {
    enrolment: started.value,
    events,
    invite: ({ minutes = 10, addresses = ['127.0.0.1'], port = started.value.port } = {}) => {
      const invite = createInvite({ home: home(name), minutes, addresses, port, nowMs: clock() });
      if (!invite.ok) throw new Error(invite.error.message);
      return invite.value.token;
    },
  };
}

async function code(
  token: string,
  options: { name?: string; clock?: () => number; nodeName?: string } = {},
): Promise<string> {
  const { name = 'berta', nodeName = name, ...rest } = options;
  const joined = await joinCluster({ home: home(name), token, nodeName, ...rest });
  return joined.ok ? 'joined' : joined.error.code;
}

function read(token: string): Invite {
  const decoded = decodeToken(token);
  if (!decoded.ok) throw new Error(decoded.error.message);
  return decoded.value;
}

describe('joining', () => {
  test('gives a member whose certificate, keys and files are right', async () => {
    const house = await openHouse();
    const steps: string[] = [];
    const joined = await joinCluster({
      home: home('berta'),
      token: house.invite(),
      nodeName: 'berta',
      onStep: (text) => steps.push(text),
    });
    const [anna, berta] = [load('anna'), load('berta')];
    expect(joined).toMatchObject({ ok: true, value: { clusterId: anna.clusterId, nodeId: berta.nodeId } });
    expect(berta).toMatchObject({
      clusterName: "anna's office",
      nodeName: 'berta',
      authorityName: 'anna',
      isAuthority: false,
    });
    expect(berta.announcementKeys).toEqual(anna.announcementKeys);
    expect(berta.caCert.trim()).toBe(anna.caCert.trim());
    expect(berta.nodeId).not.toBe(anna.nodeId);
    expect(readdirSync(berta.directory).sort()).toEqual(['ca.crt', 'cluster.json', 'node.crt', 'node.key']);

    const cert = new X509Certificate(berta.nodeCert);
    expect(cert.ca).toBe(false);
    expect(nodeIdOfCertificate(cert, anna.clusterId)).toBe(berta.nodeId);
    expect(cert.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
    const days = (cert.validToDate.getTime() - cert.validFromDate.getTime()) / 86_400_000;
    expect(days).toBeGreaterThan(729);
    expect(days).toBeLessThan(732);
    expect(steps.at(-1)).toContain("anna's office");
    expect(house.events).toMatchObject([{ type: 'joined', nodeName: 'berta', nodeId: berta.nodeId }]);
    expect(readFileSync(join(anna.directory, 'nodes.jsonl'), 'utf8')).toContain(berta.nodeId);
  });

  test('by the address that works, whatever the others are', async () => {
    const house = await openHouse();
    const addresses = ['192.0.2.1', 'no-such-host.invalid', '::1', '127.0.0.1'];
    expect(await code(house.invite({ addresses }))).toBe('joined');
  });

  test('closing the door does not wait for those who stand in it', async () => {
    const house = await openHouse();
    const silent = connectTcp(house.enrolment.port, '127.0.0.1').on('error', () => {});
    await new Promise((resolve) => silent.once('connect', resolve));
    const startedMs = performance.now();
    await house.enrolment.close();
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    silent.destroy();
  });

  test('shuts the door when the last invite is used', async () => {
    const house = await openHouse();
    const tokens = [house.invite(), house.invite()];
    expect(await code(tokens[0] ?? '', { name: 'berta' })).toBe('joined');
    expect(await code(tokens[1] ?? '', { name: 'carla' })).toBe('joined');
    await house.enrolment.done;
    expect(await code(tokens[1] ?? '', { name: 'dora' })).toBe('cannot-reach');
  });
});

describe('an invite', () => {
  test('names the CA certificate by its fingerprint', async () => {
    const house = await openHouse();
    expect(read(house.invite()).caFingerprint).toEqual(fingerprintOf(load('anna').caCert));
  });

  test('is good once', async () => {
    const house = await openHouse();
    const token = house.invite();
    house.invite();
    expect(await code(token)).toBe('joined');
    expect(await code(token, { name: 'carla' })).toBe('invite-used');
    expect(readdirSync(home('carla'))).toEqual([]);
  });

  test('is good once, also for two at the same moment', async () => {
    const house = await openHouse();
    const token = house.invite();
    house.invite();
    const codes = await Promise.all(['berta', 'carla', 'dora'].map((name) => code(token, { name })));
    expect(codes.sort()).toEqual(['invite-used', 'invite-used', 'joined']);
  });

  test('expires', async () => {
    let nowMs = Date.now();
    const clock = (): number => nowMs;
    const house = await openHouse('anna', clock);
    const token = house.invite({ minutes: 10 });
    house.invite({ minutes: 60 });
    nowMs += 10 * 60_000 + 1_000;
    expect(listOpenInvites(home('anna'), nowMs)).toHaveLength(1);
    expect(await code(token, { clock })).toBe('invite-expired');
    nowMs += 60 * 60_000;
    await house.enrolment.done;
    expect(await code(token, { clock })).toBe('invite-expired');
  });

  test('ends after so many wrong secrets, and is not ended by those who do not know it', async () => {
    const house = await openHouse();
    const good = house.invite();
    house.invite();
    const wrong = encodeToken({ ...read(good), secret: Buffer.alloc(16) });
    const unknown = encodeToken({ ...read(good), id: '000000000000' });
    for (let n = 0; n < maxWrongSecrets + 1; n++) expect(await code(unknown)).toBe('invite-unknown');
    for (let n = 1; n < maxWrongSecrets; n++) expect(await code(wrong)).toBe('invite-wrong');
    expect(await code(wrong)).toBe('invite-ended');
    expect(await code(good)).toBe('invite-unknown');
    expect(house.events.some((it) => it.type === 'joined')).toBe(false);
  });

  test('survives a clock that is off, and says by how much', async () => {
    const house = await openHouse();
    const token = house.invite();
    const joined = await joinCluster({
      home: home('berta'),
      token,
      nodeName: 'berta',
      clock: () => Date.now() - 400_000,
    });
    expect(joined).toMatchObject({ ok: false, error: { code: 'clock' } });
    if (!joined.ok) expect(joined.error.message).toMatch(/(399|400) s behind/);
    expect(await code(token)).toBe('joined');
  });

  test('is made only by the machine that holds the key, with sense', async () => {
    const house = await openHouse();
    const options = { home: home('anna'), minutes: 10, addresses: ['127.0.0.1'], port: 1 };
    const codeOf = (change: object): string | undefined => {
      const made = createInvite({ ...options, ...change });
      return made.ok ? undefined : made.error.code;
    };
    expect(codeOf({ home: home('nobody') })).toBe('no-cluster');
    expect(codeOf({ minutes: 0 })).toBe('bad-minutes');
    expect(codeOf({ minutes: Number.NaN })).toBe('bad-minutes');
    expect(codeOf({ addresses: [] })).toBe('no-address');
    expect(await code(house.invite())).toBe('joined');
    expect(codeOf({ home: home('berta') })).toBe('not-the-authority');
    expect(await startEnrolment({ home: home('berta'), port: 0 })).toMatchObject({ ok: false });
  });

  test('its secret is nowhere on the disk', async () => {
    const house = await openHouse();
    const { secret } = read(house.invite());
    const directory = join(home('anna'), 'cluster', 'invites');
    for (const name of readdirSync(directory)) {
      const text = readFileSync(join(directory, name));
      expect(text.includes(Buffer.from(secret).toString('hex'))).toBe(false);
      expect(text.includes(Buffer.from(secret).toString('base64url'))).toBe(false);
    }
  });
});

describe('turned away', () => {
  test('in a cluster already', async () => {
    const house = await openHouse();
    const token = house.invite();
    expect(await code(token, { name: 'anna' })).toBe('already-in-a-cluster');
    expect(await code(token)).toBe('joined');
  });

  test('a name that is none', async () => {
    const house = await openHouse();
    expect(await code(house.invite(), { nodeName: 'a\nb' })).toBe('bad-name');
  });

  test('a home that cannot be written, before the invite is spent', async () => {
    const house = await openHouse();
    const token = house.invite();
    writeFileSync(home('file'), '');
    expect(await code(token, { name: 'file' })).toBe('cluster-not-written');
    expect(await code(token)).toBe('joined');
  });

  test('nobody there', async () => {
    const house = await openHouse();
    const token = house.invite();
    await house.enrolment.close();
    expect(await code(token)).toBe('cannot-reach');
  });

  test('the machine at the address is of another cluster, and is told nothing', async () => {
    const house = await openHouse();
    const stranger = await openHouse('eve');
    const token = encodeToken({ ...read(house.invite()), port: stranger.enrolment.port });
    expect(await code(token)).toBe('not-this-cluster');
    expect(stranger.events).toEqual([]);
  });

  test('an impostor that shows the right CA certificate beside its own is told nothing', async () => {
    const house = await openHouse();
    const eve = await openHouse('eve');
    await eve.enrolment.close();
    let received = 0;
    const chain = load('eve').nodeCert + load('anna').caCert;
    const impostor = createServer({ cert: chain, key: load('eve').nodeKey }, (socket) => {
      socket.on('data', (chunk) => (received += chunk.length)).on('error', () => {});
    }).on('tlsClientError', () => {});
    cleanUps.push(() => impostor.close());
    await new Promise<void>((resolve) => impostor.listen(0, '127.0.0.1', resolve));
    const token = encodeToken({ ...read(house.invite()), port: (impostor.address() as AddressInfo).port });
    expect(await code(token)).toBe('not-this-cluster');
    expect(received).toBe(0);
  });

  test('something that does not speak TLS', async () => {
    const house = await openHouse();
    const server = createTcpServer((socket) => socket.on('error', () => {}).end('SSH-2.0-other\r\n'));
    cleanUps.push(() => server.close());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const token = encodeToken({ ...read(house.invite()), port: (server.address() as AddressInfo).port });
    expect(await code(token)).toBe('not-this-cluster');
  });
});

describe('the door', () => {
  async function knock(house: House): Promise<TLSSocket> {
    const socket = connect({ host: '127.0.0.1', port: house.enrolment.port, rejectUnauthorized: false });
    cleanUps.push(() => socket.destroy());
    await new Promise<void>((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
    return socket.on('error', () => {});
  }

  const request = async (token: string, change: object): Promise<Record<string, unknown>> => {
    const { id, secret } = read(token);
    const { csr } = await makeSigningRequest();
    return {
      invite: id,
      secret: Buffer.from(secret).toString('hex'),
      csr,
      nodeName: 'berta',
      nowMs: Date.now(),
      ...change,
    };
  };

  test('answers garbage with a refusal, uses up no invite, and stays open', async () => {
    const house = await openHouse();
    const token = house.invite();
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'pem', type: 'spki' });
    const good = await request(token, {});
    const { csr } = good as { csr: string };
    const middle = Math.floor(csr.length / 2);
    const damaged = csr.slice(0, middle) + (csr[middle] === 'A' ? 'B' : 'A') + csr.slice(middle + 1);
    for (const bad of [
      {},
      { ...good, csr: 'x' },
      { ...good, csr: rsa },
      { ...good, csr: damaged },
      { ...good, csr: load('anna').nodeCert },
      { ...good, nodeName: 'a\u0000b' },
      { ...good, nodeName: 7 },
      { ...good, nowMs: 'now' },
      { ...good, invite: '../../cluster' },
      { ...good, secret: ['x'] },
    ]) {
      const socket = await knock(house);
      writeFrame(socket, bad);
      expect(await readFrame(socket, 5_000)).toMatchObject({ ok: true, value: { ok: false } });
    }
    expect(await code(token)).toBe('joined');
  });

  test('hangs up on a frame that is too long or no JSON object', async () => {
    const house = await openHouse();
    const token = house.invite();
    for (const bytes of [
      Buffer.from('ffffffff', 'hex'),
      Buffer.from('\u0000\u0000\u0000\u0004null'),
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    ]) {
      const socket = await knock(house);
      socket.write(bytes);
      expect(await readFrame(socket, 5_000)).toMatchObject({ ok: true, value: { ok: false, code: 'bad-request' } });
    }
    const raw = connectTcp(house.enrolment.port, '127.0.0.1').on('error', () => {});
    raw.end('not TLS');
    await new Promise((resolve) => raw.once('close', resolve));
    expect(await code(token)).toBe('joined');
  });

  test('gives nobody more than a node certificate, whatever the request asks for', async () => {
    const house = await openHouse();
    const socket = await knock(house);
    writeFrame(socket, await request(house.invite(), { nodeId: load('anna').nodeId, ca: true }));
    const answer = await readFrame(socket, 5_000);
    if (!answer.ok) throw new Error(answer.error);
    const cert = new X509Certificate(String(answer.value['nodeCert']));
    expect(cert.ca).toBe(false);
    expect(nodeIdOfCertificate(cert, load('anna').clusterId)).toBe(answer.value['nodeId']);
    expect(answer.value['nodeId']).not.toBe(load('anna').nodeId);
    expect(JSON.stringify(answer.value)).not.toContain('PRIVATE KEY');
  });
});
