// The door for new machines: a TLS listener that is open only while an invite is.
// It asks for no client certificate (the joiner has none yet); all it does is trade one invite's secret for one certificate.
import { randomBytes } from 'node:crypto';
import { appendFileSync, readFileSync } from 'node:fs';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { createServer, type TLSSocket } from 'node:tls';
import { err, ok, type Result } from '../../base/result.ts';
import { readSigningRequest, signNodeCertificate } from './certificates.ts';
import { clusterDirectory, loadCluster } from './files.ts';
import { readFrame, writeFrame } from './frame.ts';
import { checkInvite, listOpenInvites, useInvite, type Refusal } from './invites.ts';
import { nodeDnsName } from './tls.ts';
import { isName, type Cluster, type UserError } from './types.ts';

/** Announcements are good for two minutes, so a clock that is further off than this could never take part. */
export const maxSkewMs = 100_000;
const requestTimeoutMs = 10_000;
const maxConnections = 32;
const checkEveryMs = 1_000;
const lingerMs = 500;
/** Between `startEnrolment` and the first invite. */
const idleMs = 60_000;

export type EnrolmentEvent =
  | { readonly type: 'joined'; readonly nodeId: string; readonly nodeName: string; readonly from: string }
  | { readonly type: 'refused'; readonly why: string; readonly from: string };

export interface Enrolment {
  readonly port: number;
  /** Settles as soon as nobody new is let in: after `close`, or by itself when no invite is open any more. */
  readonly done: Promise<void>;
  /** Settles when the last connection has ended too. */
  close(): Promise<void>;
}

/** What a refused joiner is told. */
export type EnrolmentRefusal = Refusal | 'clock' | 'bad-request' | 'broken';

/**
 * Opens the enrolment listener of the machine that holds the CA key.
 * @param options.port 0: any free one; after a restart the one of `listOpenInvites`
 * @param options.host default: all addresses, IPv4 and IPv6
 */
export async function startEnrolment(options: {
  readonly home: string;
  readonly port: number;
  readonly host?: string;
  readonly onEvent?: (event: EnrolmentEvent) => void;
  readonly clock?: () => number;
}): Promise<Result<Enrolment, UserError>> {
  const { home, port, host, onEvent = () => {}, clock = Date.now } = options;
  const loaded = loadCluster(home, clock());
  if (!loaded.ok) return loaded;
  const cluster = loaded.value;
  if (cluster === null || !cluster.isAuthority) {
    return err({
      code: 'not-the-authority',
      message: `this machine does not hold the key of a cluster (${clusterDirectory(home)})`,
      hint: 'new machines are let in on the machine where `tender init` was run',
    });
  }
  const server = createServer({
    cert: cluster.nodeCert + cluster.caCert,
    key: cluster.nodeKey,
    minVersion: 'TLSv1.3',
    handshakeTimeout: requestTimeoutMs,
  });
  server.maxConnections = maxConnections;
  const sockets = new Set<TLSSocket>();
  const connections = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
  });
  // A handshake that takes too long or goes wrong ends its connection: Node itself leaves it open.
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  let invited = false;
  const tell = (event: EnrolmentEvent): void => {
    invited ||= event.type === 'joined';
    onEvent(event);
  };
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket));
    socket.setTimeout(2 * requestTimeoutMs, () => socket.destroy());
    serve(socket, { cluster, home, onEvent: tell, clock }).catch(() => socket.destroy());
  });
  const listening = await new Promise<Error | null>((resolve) => {
    server.once('error', resolve);
    server.listen({ port, ...(host === undefined ? {} : { host }) }, () => resolve(null));
  });
  if (listening !== null) {
    return err({
      code: 'enrolment-port',
      message: `cannot listen for new machines on port ${port}: ${listening.message}`,
      hint: 'end the program that uses the port, or make a new invite',
    });
  }
  let settle = (): void => {};
  const done = new Promise<void>((resolve) => (settle = resolve));
  const startedAtMs = clock();
  let closing: Promise<void> | null = null;
  const close = (): Promise<void> =>
    (closing ??= new Promise((resolve) => {
      clearInterval(timer);
      server.close(() => resolve());
      settle();
      for (const socket of sockets) if (!socket.writableEnded) socket.destroy();
      // An answer on its way may still leave; whoever is silent or in mid-handshake does not hold the door open.
      setTimeout(() => connections.forEach((socket) => socket.destroy()), lingerMs).unref();
    }));
  const timer = setInterval(() => {
    const open = listOpenInvites(home, clock()).length > 0;
    invited ||= open;
    if (!open && (invited || clock() - startedAtMs > idleMs)) void close();
  }, checkEveryMs);
  server.on('error', () => {});
  return ok({ port: (server.address() as AddressInfo).port, done, close });
}

interface Context {
  readonly cluster: Cluster;
  readonly home: string;
  readonly onEvent: (event: EnrolmentEvent) => void;
  readonly clock: () => number;
}

async function serve(socket: TLSSocket, context: Context): Promise<void> {
  const from = socket.remoteAddress ?? '';
  const request = await readFrame(socket, requestTimeoutMs);
  // A joiner looks at the certificate first and leaves: that is no request.
  if (!request.ok && request.error === 'ended') return void socket.destroy();
  const answer = request.ok ? await enrol(request.value, from, context) : err<EnrolmentRefusal>('bad-request');
  if (!answer.ok) context.onEvent({ type: 'refused', why: answer.error, from });
  if (socket.destroyed) return;
  writeFrame(
    socket,
    answer.ok ? { ok: true, ...answer.value } : { ok: false, code: answer.error, nowMs: context.clock() },
  );
  socket.end();
}

async function enrol(
  request: Record<string, unknown>,
  from: string,
  { cluster, home, onEvent, clock }: Context,
): Promise<Result<Record<string, unknown>, EnrolmentRefusal>> {
  const { invite, secret, csr, nodeName, nowMs } = request;
  if (typeof invite !== 'string' || typeof secret !== 'string') return err('bad-request');
  const checked = checkInvite(home, invite, Buffer.from(secret, 'hex'), clock());
  if (!checked.ok) return checked;
  if (typeof csr !== 'string' || !isName(nodeName) || typeof nowMs !== 'number') return err('bad-request');
  if (!(Math.abs(nowMs - clock()) <= maxSkewMs)) return err('clock');
  const publicKey = await readSigningRequest(csr);
  if (!publicKey.ok) return err('bad-request');
  const nodeId = randomBytes(8).toString('hex');
  let nodeCert: string;
  try {
    const authority = { cert: cluster.caCert, key: readFileSync(join(cluster.directory, 'ca.key'), 'utf8') };
    nodeCert = await signNodeCertificate(authority, publicKey.value, nodeDnsName(cluster, nodeId), clock());
    // The list of all who were let in, for the day when one must be shut out.
    if (!useInvite(home, invite)) return err('used');
    const line = JSON.stringify({ nodeId, nodeName, from, at: new Date(clock()).toISOString() });
    appendFileSync(join(cluster.directory, 'nodes.jsonl'), `${line}\n`, { mode: 0o600 });
  } catch {
    return err('broken');
  }
  onEvent({ type: 'joined', nodeId, nodeName, from });
  return ok({
    nodeId,
    nodeCert,
    caCert: cluster.caCert,
    clusterName: cluster.clusterName,
    authorityName: cluster.authorityName,
    announcementKeys: cluster.announcementKeys.map((it) => ({
      number: it.number,
      key: Buffer.from(it.key).toString('hex'),
    })),
  });
}
