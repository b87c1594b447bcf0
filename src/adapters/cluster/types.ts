// What a machine knows of its cluster, and the shape of an error that a user meets here.
import type { NodeId } from '../../core/types.ts';

/** A failure for people: a stable code, what went wrong and where, and what to do about it. */
export interface UserError {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/** One of the cluster's announcement keys; they rotate, so there may be several. The last one signs. */
export interface AnnouncementKey {
  readonly number: number;
  /** 32 bytes. */
  readonly key: Uint8Array;
}

export interface ClusterInfo {
  /** The first 8 bytes of the SHA-256 of the CA certificate, hex. */
  readonly clusterId: string;
  readonly clusterName: string;
  readonly nodeId: NodeId;
  readonly nodeName: string;
  /** Name of the machine that holds the CA key: invites are made there. */
  readonly authorityName: string;
}

export interface Cluster extends ClusterInfo {
  /** $TENDER_HOME/cluster */
  readonly directory: string;
  /** `clusterId` as bytes, as announcements carry it. */
  readonly clusterId8: Uint8Array;
  /** PEM. */
  readonly caCert: string;
  /** PEM. */
  readonly nodeCert: string;
  /** PEM (PKCS #8). */
  readonly nodeKey: string;
  readonly announcementKeys: readonly AnnouncementKey[];
  readonly revoked: readonly NodeId[];
  /** This machine holds the CA key and can invite. */
  readonly isAuthority: boolean;
}

/** A value that is a name for people: 1 to 64 characters, none of them a control character, no blank at an end. */
export function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 64 && /^[^\s\p{C}](?:[^\p{C}]*[^\s\p{C}])?$/u.test(value);
}
