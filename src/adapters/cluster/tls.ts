// Who is at the other end of a TLS connection, and what TLS must insist on.
// A node's name in its certificate is `<nodeId>.<clusterId>.tender`, and that is its only name.
import type { X509Certificate } from 'node:crypto';
import type { PeerCertificate } from 'node:tls';
import { err, ok, type Result } from '../../base/result.ts';
import type { NodeId } from '../../core/types.ts';
import type { Cluster } from './types.ts';

/** What both ends of a session give to TLS. A server also refuses those who show no certificate of the cluster. */
export interface SessionTls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly requestCert: true;
  readonly rejectUnauthorized: true;
  readonly minVersion: 'TLSv1.3';
}

/** The TLS options of a session, for `tls.createServer` as for `tls.connect` (there with `servername`, see `nodeDnsName`). */
export function sessionTls(cluster: Pick<Cluster, 'caCert' | 'nodeCert' | 'nodeKey'>): SessionTls {
  return {
    ca: cluster.caCert,
    cert: cluster.nodeCert,
    key: cluster.nodeKey,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
  };
}

/** The one name in a node's certificate. A client that connects to node N checks for it (`servername`). */
export function nodeDnsName(cluster: Pick<Cluster, 'clusterId'>, nodeId: NodeId): string {
  return `${nodeId}.${cluster.clusterId}.tender`;
}

/**
 * The node that a certificate names, or null when it does not have exactly one name, of that cluster's form.
 * It reads a name only: the certificate must have been verified by TLS against the cluster's CA.
 */
export function nodeIdOfCertificate(
  cert: Pick<PeerCertificate, 'subjectaltname'> | X509Certificate,
  clusterId: string,
): NodeId | null {
  const names =
    'subjectaltname' in cert ? cert.subjectaltname : 'subjectAltName' in cert ? cert.subjectAltName : undefined;
  const match = /^DNS:([0-9a-f]{16})\.([0-9a-f]{16})\.tender$/.exec(names ?? '');
  return match?.[1] !== undefined && match[2] === clusterId ? match[1] : null;
}

/** True when the node's certificate was taken back. */
export function isRevoked(cluster: Pick<Cluster, 'revoked'>, nodeId: NodeId): boolean {
  return cluster.revoked.includes(nodeId);
}

/** The node behind a certificate that TLS has verified, or why it may not speak to us. */
export function admitPeer(
  cluster: Pick<Cluster, 'clusterId' | 'revoked'>,
  cert: Pick<PeerCertificate, 'subjectaltname'> | X509Certificate,
): Result<NodeId, string> {
  const nodeId = nodeIdOfCertificate(cert, cluster.clusterId);
  if (nodeId === null) return err('its certificate does not name a node of this cluster');
  if (isRevoked(cluster, nodeId)) return err(`node ${nodeId} was revoked`);
  return ok(nodeId);
}
