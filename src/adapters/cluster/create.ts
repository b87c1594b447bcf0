// `tender init`: makes a cluster. The CA's key is born here and never leaves this machine.
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { err, ok, type Result } from '../../base/result.ts';
import {
  fingerprintOf,
  makeAuthority,
  makeSigningRequest,
  readSigningRequest,
  signNodeCertificate,
} from './certificates.ts';
import { alreadyMember, clusterDirectory, writeCluster } from './files.ts';
import { nodeDnsName } from './tls.ts';
import { isName, type ClusterInfo, type UserError } from './types.ts';

/** Makes a cluster with this machine as its first node. Refuses when there is one in `home` already. */
export async function createCluster(options: {
  readonly home: string;
  readonly name: string;
  readonly nodeName: string;
  readonly nowMs?: number;
}): Promise<Result<ClusterInfo, UserError>> {
  const { home, name, nodeName, nowMs = Date.now() } = options;
  for (const [what, value] of [
    ['cluster', name],
    ['machine', nodeName],
  ] as const) {
    if (!isName(value)) return err(badName(what, value));
  }
  if (existsSync(clusterDirectory(home))) return err(alreadyMember(home));
  const authority = await makeAuthority(nowMs);
  const clusterId = fingerprintOf(authority.cert).toString('hex', 0, 8);
  const nodeId = randomBytes(8).toString('hex');
  const { csr, key } = await makeSigningRequest();
  const publicKey = await readSigningRequest(csr);
  if (!publicKey.ok) throw new Error(`bug: our own signing request: ${publicKey.error}`);
  const written = writeCluster(home, {
    clusterId,
    clusterName: name,
    nodeId,
    nodeName,
    authorityName: nodeName,
    caCert: authority.cert,
    caKey: authority.key,
    nodeCert: await signNodeCertificate(authority, publicKey.value, nodeDnsName({ clusterId }, nodeId), nowMs),
    nodeKey: key,
    announcementKeys: [{ number: 1, key: randomBytes(32) }],
  });
  if (!written.ok) return written;
  return ok({ clusterId, clusterName: name, nodeId, nodeName, authorityName: nodeName });
}

/** What is wrong with a name, for the one who chose it. */
export function badName(what: string, value: string): UserError {
  return {
    code: 'bad-name',
    message: `${JSON.stringify(value.slice(0, 80))} cannot be the name of a ${what}`,
    hint: 'give it 1 to 64 printable characters, with no blank at either end',
  };
}
