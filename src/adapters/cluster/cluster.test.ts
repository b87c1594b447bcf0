// A cluster made, its files checked and broken, and TLS between its nodes and strangers. Real files, real sockets.
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createCluster } from './create.ts';
import { loadCluster } from './files.ts';
import { admitPeer, isRevoked, nodeDnsName, nodeIdOfCertificate, sessionTls } from './tls.ts';
import type { Cluster } from './types.ts';

let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'tender-cluster-'));
});
afterEach(() => {
  rmSync(scratch, { recursive: true, force: true });
});

async function makeCluster(home: string): Promise<Cluster> {
  const made = await createCluster({ home, name: 'Büro "3", 1st floor', nodeName: 'anna' });
  if (!made.ok) throw new Error(made.error.message);
  return load(home);
}

function load(home: string): Cluster {
  const loaded = loadCluster(home);
  if (!loaded.ok || loaded.value === null) throw new Error(`not loaded: ${JSON.stringify(loaded)}`);
  return loaded.value;
}

describe('files', () => {
  test('no directory: no cluster', () => {
    expect(loadCluster(scratch)).toEqual({ ok: true, value: null });
  });

  test('a cluster made is a cluster loaded, private to its user', async () => {
    const cluster = await makeCluster(join(scratch, 'not', 'there', 'yet'));
    expect(cluster).toMatchObject({
      clusterName: 'Büro "3", 1st floor',
      nodeName: 'anna',
      isAuthority: true,
      revoked: [],
    });
    expect(cluster.announcementKeys.map((it) => [it.number, it.key.length])).toEqual([[1, 32]]);
    expect(Buffer.from(cluster.clusterId8).toString('hex')).toBe(cluster.clusterId);
    expect(statSync(cluster.directory).mode & 0o777).toBe(0o700);
    expect(readdirSync(cluster.directory).sort()).toEqual(['ca.crt', 'ca.key', 'cluster.json', 'node.crt', 'node.key']);
    for (const name of readdirSync(cluster.directory)) {
      expect(statSync(join(cluster.directory, name)).mode & 0o777).toBe(0o600);
    }
  });

  test('a second cluster is refused and the first is kept', async () => {
    const cluster = await makeCluster(scratch);
    const again = await createCluster({ home: scratch, name: 'other', nodeName: 'b' });
    expect(again).toMatchObject({ ok: false, error: { code: 'already-in-a-cluster' } });
    expect(load(scratch).clusterId).toBe(cluster.clusterId);
    expect(readdirSync(scratch)).toEqual(['cluster']);
  });

  test('two at once: one cluster, one refusal', async () => {
    const both = await Promise.all(['a', 'b'].map((name) => createCluster({ home: scratch, name, nodeName: 'n' })));
    expect(both.filter((it) => it.ok)).toHaveLength(1);
    expect(readdirSync(scratch)).toEqual(['cluster']);
  });

  test('a home that cannot be made is told', async () => {
    writeFileSync(join(scratch, 'file'), '');
    const made = await createCluster({ home: join(scratch, 'file', 'home'), name: 'c', nodeName: 'n' });
    expect(made).toMatchObject({ ok: false, error: { code: 'cluster-not-written' } });
  });

  test.each(['', ' a', 'a\n', '\u0000', 'x'.repeat(65)])('the name %j is refused', async (name) => {
    const made = await createCluster({ home: scratch, name, nodeName: 'n' });
    expect(made).toMatchObject({ ok: false, error: { code: 'bad-name' } });
  });

  test.each(['node.key', 'ca.key', 'cluster.json'])(
    '%s that others may read is refused, with the cure',
    async (name) => {
      const { directory } = await makeCluster(scratch);
      chmodSync(join(directory, name), 0o644);
      const loaded = loadCluster(scratch);
      expect(loaded).toMatchObject({
        ok: false,
        error: { code: 'key-not-private', hint: `run: chmod 600 ${join(directory, name)}` },
      });
      chmodSync(join(directory, name), 0o600);
      expect(loadCluster(scratch).ok).toBe(true);
    },
  );

  test('a directory that others may write into is refused', async () => {
    const { directory } = await makeCluster(scratch);
    chmodSync(directory, 0o770);
    expect(loadCluster(scratch)).toMatchObject({ ok: false, error: { code: 'cluster-broken' } });
  });

  test.each(['ca.crt', 'node.crt', 'node.key', 'cluster.json'])(
    '%s missing, unreadable, cut short or of another cluster is told by name',
    async (name) => {
      const { directory } = await makeCluster(scratch);
      const other = await makeCluster(join(scratch, 'other'));
      const path = join(directory, name);
      const whole = readFileSync(path, 'utf8');
      const expectTold = (): void => {
        const loaded = loadCluster(scratch);
        expect(loaded.ok).toBe(false);
        if (!loaded.ok) expect(loaded.error.message).toContain(directory);
      };
      for (const content of ['', whole.slice(0, whole.length / 2), 'null', '{}', '\u0000\u0001']) {
        writeFileSync(path, content);
        expectTold();
      }
      writeFileSync(path, readFileSync(join(other.directory, name)));
      expectTold();
      renameSync(path, `${path}.away`);
      expectTold();
      mkdirSync(path, { mode: 0o700 });
      expectTold();
      rmSync(path, { recursive: true });
      renameSync(`${path}.away`, path);
      writeFileSync(path, whole);
      expect(loadCluster(scratch).ok).toBe(true);
    },
  );

  test('a certificate that ended, or that is yet to begin, is told', async () => {
    await makeCluster(scratch);
    const yearMs = 366 * 24 * 3_600_000;
    expect(loadCluster(scratch, Date.now() + 1.9 * yearMs)).toMatchObject({ ok: true });
    expect(loadCluster(scratch, Date.now() + 2.1 * yearMs)).toMatchObject({
      ok: false,
      error: { code: 'cluster-broken' },
    });
    expect(loadCluster(scratch, Date.now() - 0.9 * 3_600_000)).toMatchObject({ ok: true });
    expect(loadCluster(scratch, Date.now() - 1.1 * 3_600_000)).toMatchObject({ ok: false, error: { code: 'clock' } });
  });
});

describe('names in certificates', () => {
  const clusterId = 'c'.repeat(16);
  const nodeId = 'a'.repeat(16);

  test('exactly one name of the cluster', () => {
    const read = (subjectaltname: string): string | null => nodeIdOfCertificate({ subjectaltname }, clusterId);
    expect(read(`DNS:${nodeId}.${clusterId}.tender`)).toBe(nodeId);
    for (const bad of [
      '',
      `DNS:${nodeId}.${'d'.repeat(16)}.tender`,
      `DNS:${nodeId}.${clusterId}.tender, DNS:other`,
      `DNS:other, DNS:${nodeId}.${clusterId}.tender`,
      `DNS:${nodeId}.${clusterId}.tender.evil`,
      `DNS:*.${clusterId}.tender`,
      `email:${nodeId}.${clusterId}.tender`,
      `DNS:${nodeId}.${clusterId}.tender\n`,
    ]) {
      expect(read(bad)).toBeNull();
    }
  });

  test('a revoked node is not admitted', () => {
    const cert = { subjectaltname: `DNS:${nodeId}.${clusterId}.tender` };
    expect(admitPeer({ clusterId, revoked: [] }, cert)).toEqual({ ok: true, value: nodeId });
    expect(admitPeer({ clusterId, revoked: [nodeId] }, cert).ok).toBe(false);
    expect(isRevoked({ revoked: [nodeId] }, nodeId)).toBe(true);
  });
});

describe('sessions', () => {
  /** What a client with these options meets at a server of `cluster`: the node that the server saw, or the failure. */
  async function visit(cluster: Cluster, options: ConnectionOptions): Promise<string> {
    const server = createServer(sessionTls(cluster));
    const seen = new Promise<string>((resolve) => {
      server.on('secureConnection', (socket: TLSSocket) => {
        const admitted = admitPeer(cluster, socket.getPeerCertificate());
        socket.on('error', () => {}).end(admitted.ok ? admitted.value : admitted.error);
        resolve(`${socket.getProtocol()} ${admitted.ok ? admitted.value : admitted.error}`);
      });
      server.on('tlsClientError', (error) => resolve(`refused: ${(error as NodeJS.ErrnoException).code}`));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const client = connect({ host: '127.0.0.1', port, servername: nodeDnsName(cluster, cluster.nodeId), ...options });
    const clientError = new Promise<string>((resolve) => client.once('error', (error) => resolve(String(error))));
    client.on('error', () => {}).resume();
    const outcome = await Promise.race([seen, clientError.then(async (text) => `${await seen} / ${text}`)]);
    client.destroy();
    await new Promise((resolve) => server.close(resolve));
    return outcome;
  }

  test('a node of the cluster is let in, by TLS 1.3', async () => {
    const cluster = await makeCluster(scratch);
    expect(await visit(cluster, sessionTls(cluster))).toBe(`TLSv1.3 ${cluster.nodeId}`);
  });

  test('a client without a certificate is refused', async () => {
    const cluster = await makeCluster(scratch);
    expect(await visit(cluster, { ca: cluster.caCert })).toBe('refused: ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE');
  });

  test('a node of another cluster is refused, even one that trusts everybody', async () => {
    const cluster = await makeCluster(scratch);
    const other = await makeCluster(join(scratch, 'other'));
    const stranger = { cert: other.nodeCert, key: other.nodeKey, rejectUnauthorized: false };
    expect(await visit(cluster, stranger)).toMatch(/^refused: /);
  });

  test('a client of another cluster does not accept the server', async () => {
    const cluster = await makeCluster(scratch);
    const other = await makeCluster(join(scratch, 'other'));
    expect(await visit(cluster, sessionTls(other))).toMatch(/^refused: /);
  });

  test('a client that wants another node of the cluster does not accept the server', async () => {
    const cluster = await makeCluster(scratch);
    const servername = nodeDnsName(cluster, '0'.repeat(16));
    const client = await visitFails(cluster, { ...sessionTls(cluster), servername });
    expect(client).toContain('ERR_TLS_CERT_ALTNAME_INVALID');
  });

  test('TLS 1.2 is refused', async () => {
    const cluster = await makeCluster(scratch);
    const options = { ...sessionTls(cluster), minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const;
    expect(await visit(cluster, options)).toBe('refused: ERR_SSL_UNSUPPORTED_PROTOCOL');
  });

  async function visitFails(cluster: Cluster, options: ConnectionOptions): Promise<string> {
    const server = createServer(sessionTls(cluster)).on('tlsClientError', () => {});
    server.on('secureConnection', (socket) => socket.on('error', () => {}));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const client = connect({ host: '127.0.0.1', port, ...options });
    const outcome = await new Promise<string>((resolve) => {
      client.once('secureConnect', () => resolve('connected'));
      client.once('error', (error: NodeJS.ErrnoException) => resolve(String(error.code)));
    });
    client.destroy();
    await new Promise((resolve) => server.close(resolve));
    return outcome;
  }
});
