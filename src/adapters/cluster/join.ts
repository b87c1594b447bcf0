// `tender join TOKEN`: makes a key here, finds the inviting machine, and comes back with a certificate.
// It looks at who answers before it says anything: the CA must have the token's fingerprint, then OpenSSL checks the rest.
import { X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { connect, type ConnectionOptions, type DetailedPeerCertificate, type TLSSocket } from 'node:tls';
import { err, ok, type Result } from '../../base/result.ts';
import { fingerprintOf, makeSigningRequest } from './certificates.ts';
import { badName } from './create.ts';
import {
  alreadyMember,
  clusterDirectory,
  findWriteProblem,
  isId,
  readAnnouncementKeys,
  writeCluster,
  type NewCluster,
} from './files.ts';
import { readFrame, writeFrame } from './frame.ts';
import { describeFailures, describeRefusal, type Attempt } from './join-errors.ts';
import { nodeIdOfCertificate } from './tls.ts';
import { decodeToken, type Invite } from './token.ts';
import { isName, type ClusterInfo, type UserError } from './types.ts';

const connectTimeoutMs = 5_000;
const answerTimeoutMs = 15_000;

/** Joins the cluster of an invite. `onStep` hears one line for people at each step. Tries all addresses at once. */
export async function joinCluster(options: {
  readonly home: string;
  readonly token: string;
  readonly nodeName: string;
  readonly onStep?: (text: string) => void;
  readonly clock?: () => number;
}): Promise<Result<ClusterInfo, UserError>> {
  const { home, nodeName, onStep = () => {}, clock = Date.now } = options;
  if (!isName(nodeName)) return err(badName('machine', nodeName));
  if (existsSync(clusterDirectory(home))) return err(alreadyMember(home));
  const decoded = decodeToken(options.token);
  if (!decoded.ok) return decoded;
  const invite = decoded.value;
  const problem = findWriteProblem(home);
  if (problem !== null) return err(problem);

  onStep(`looking for the inviting machine at ${invite.addresses.join(', ')} (port ${invite.port})`);
  const found = await findAuthority(invite);
  if (!found.ok) return err(describeFailures(invite, found.error, clock()));
  const { address, caCert } = found.value;
  onStep(`found it at ${address}; making this machine's key`);
  const { csr, key } = await makeSigningRequest();

  const connected = await open(invite, address, {
    ca: caCert,
    rejectUnauthorized: true,
    checkServerIdentity: (_host, cert) =>
      nodeIdOfCertificate(cert, clusterIdOf(invite)) === null ? new Error('not a node of this cluster') : undefined,
  });
  if (!connected.ok) return err(describeFailures(invite, [connected.error], clock()));
  const socket = connected.value;
  onStep('asking for a certificate');
  writeFrame(socket, {
    invite: invite.id,
    secret: Buffer.from(invite.secret).toString('hex'),
    csr,
    nodeName,
    nowMs: clock(),
  });
  const answer = await readFrame(socket, answerTimeoutMs);
  socket.destroy();
  if (!answer.ok) return err(describeRefusal({ code: answer.error }, clock()));
  if (answer.value['ok'] !== true) return err(describeRefusal(answer.value, clock()));
  const member = readMembership(answer.value, { invite, key, nodeName });
  if (member === null) return err(describeRefusal({ code: 'bad-answer' }, clock()));
  const written = writeCluster(home, member);
  if (!written.ok) return written;
  const { clusterId, clusterName, nodeId, authorityName } = member;
  onStep(`joined «${clusterName}» as ${nodeName}`);
  return ok({ clusterId, clusterName, nodeId, nodeName, authorityName });
}

/** The first address where a machine shows the CA of the invite; else what happened at each. */
async function findAuthority(
  invite: Invite,
): Promise<Result<{ readonly address: string; readonly caCert: string }, readonly Attempt[]>> {
  const failures: Attempt[] = [];
  return new Promise((resolve) => {
    for (const address of invite.addresses) {
      // Nothing is sent on this connection, so nothing is lost by not yet trusting it.
      void open(invite, address, { rejectUnauthorized: false }).then((opened) => {
        if (opened.ok) {
          const caCert = findAuthorityCertificate(opened.value, invite);
          opened.value.destroy();
          if (caCert !== null) return resolve(ok({ address, caCert }));
          failures.push({ address, why: 'stranger', detail: '' });
        } else {
          failures.push(opened.error);
        }
        if (failures.length === invite.addresses.length) resolve(err(failures));
      });
    }
  });
}

function findAuthorityCertificate(socket: TLSSocket, invite: Invite): string | null {
  let cert: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
  for (let depth = 0; depth < 4 && cert?.raw !== undefined; depth++) {
    if (fingerprintOf(cert.raw).equals(invite.caFingerprint)) return new X509Certificate(cert.raw).toString();
    cert = cert.issuerCertificate === cert ? undefined : cert.issuerCertificate;
  }
  return null;
}

function open(invite: Invite, address: string, options: ConnectionOptions): Promise<Result<TLSSocket, Attempt>> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port: invite.port, minVersion: 'TLSv1.3', ...options });
    const timer = setTimeout(() => fail('timeout', `no answer within ${connectTimeoutMs / 1000} s`), connectTimeoutMs);
    const fail = (why: Attempt['why'], detail: string): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(err({ address, why, detail }));
    };
    socket.on('error', (error: NodeJS.ErrnoException) => fail(classify(error, socket), error.code ?? error.message));
    socket.once('close', () => fail('stranger', 'it hung up'));
    socket.once('secureConnect', () => {
      clearTimeout(timer);
      resolve(ok(socket));
    });
  });
}

function classify(error: NodeJS.ErrnoException, socket: TLSSocket): Attempt['why'] {
  const code = error.code ?? '';
  if (code === 'CERT_NOT_YET_VALID' || code === 'CERT_HAS_EXPIRED') return 'clock';
  // Once the connection stands, whatever goes wrong is that it is not the machine we look for.
  return socket.remotePort === undefined && /^E[A-Z]+$/.test(code) && code !== 'EPROTO' ? 'unreachable' : 'stranger';
}

function readMembership(
  answer: Record<string, unknown>,
  it: { readonly invite: Invite; readonly key: string; readonly nodeName: string },
): NewCluster | null {
  const { nodeId, nodeCert, caCert, clusterName, authorityName } = answer;
  const announcementKeys = readAnnouncementKeys(answer['announcementKeys']);
  if (!isId(nodeId) || !isName(clusterName) || !isName(authorityName) || announcementKeys === null) return null;
  if (typeof nodeCert !== 'string' || typeof caCert !== 'string') return null;
  try {
    if (!fingerprintOf(caCert).equals(it.invite.caFingerprint)) return null;
  } catch {
    return null;
  }
  const clusterId = clusterIdOf(it.invite);
  const { key: nodeKey, nodeName } = it;
  return {
    clusterId,
    clusterName,
    nodeId,
    nodeName,
    authorityName,
    caCert,
    caKey: null,
    nodeCert,
    nodeKey,
    announcementKeys,
  };
}

function clusterIdOf(invite: Invite): string {
  return Buffer.from(invite.caFingerprint).toString('hex', 0, 8);
}
