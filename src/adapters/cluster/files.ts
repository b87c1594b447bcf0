// The cluster's files under $TENDER_HOME/cluster: written whole or not at all, read with a check of every part.
// ca.crt, node.crt, node.key, cluster.json; on the machine of `tender init` also ca.key, nodes.jsonl and invites/.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { err, ok, type Result } from '../../base/result.ts';
import { writeAtomically } from '../write-atomically.ts';
import { fingerprintOf } from './certificates.ts';
import { nodeIdOfCertificate } from './tls.ts';
import { isName, type AnnouncementKey, type Cluster, type ClusterInfo, type UserError } from './types.ts';

/** Where a machine keeps what makes it a member. */
export function clusterDirectory(home: string): string {
  return join(home, 'cluster');
}

/** Everything of a new member; `caKey` only where the cluster was made. */
export interface NewCluster extends ClusterInfo {
  readonly caCert: string;
  readonly caKey: string | null;
  readonly nodeCert: string;
  readonly nodeKey: string;
  readonly announcementKeys: readonly AnnouncementKey[];
}

/** Writes a new member's directory in one step. Fails when there is one already. */
export function writeCluster(home: string, cluster: NewCluster): Result<Cluster, UserError> {
  const directory = clusterDirectory(home);
  let temporary: string | null = null;
  try {
    mkdirSync(home, { recursive: true, mode: 0o700 });
    temporary = mkdtempSync(`${directory}.`);
    writeAtomically(join(temporary, 'ca.crt'), cluster.caCert);
    if (cluster.caKey !== null) writeAtomically(join(temporary, 'ca.key'), cluster.caKey);
    writeAtomically(join(temporary, 'node.crt'), cluster.nodeCert);
    writeAtomically(join(temporary, 'node.key'), cluster.nodeKey);
    const { clusterId, clusterName, nodeId, nodeName, authorityName } = cluster;
    const announcementKeys = cluster.announcementKeys.map((it) => ({
      number: it.number,
      key: Buffer.from(it.key).toString('hex'),
    }));
    const facts = { clusterId, clusterName, nodeId, nodeName, authorityName, announcementKeys, revoked: [] };
    writeAtomically(join(temporary, 'cluster.json'), `${JSON.stringify(facts, null, 2)}\n`);
    renameSync(temporary, directory);
  } catch (thrown) {
    if (temporary !== null) rmSync(temporary, { recursive: true, force: true });
    const { code } = thrown as NodeJS.ErrnoException;
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return err(alreadyMember(home));
    return err(notWritten(home, thrown));
  }
  const loaded = loadCluster(home);
  if (!loaded.ok) return loaded;
  if (loaded.value === null) throw new Error(`bug: ${directory} vanished`);
  return ok(loaded.value);
}

/** Why a new member could not be written into `home`, found out before anything is spent on it; null: it can. */
export function findWriteProblem(home: string): UserError | null {
  try {
    mkdirSync(home, { recursive: true, mode: 0o700 });
    rmSync(mkdtempSync(`${clusterDirectory(home)}.`), { recursive: true });
    return null;
  } catch (thrown) {
    return notWritten(home, thrown);
  }
}

function notWritten(home: string, thrown: unknown): UserError {
  return {
    code: 'cluster-not-written',
    message: `cannot write ${clusterDirectory(home)}: ${explain(thrown)}`,
    hint: `make sure that ${home} can be written, or set TENDER_HOME to a directory that can`,
  };
}

/** What `init` and `join` say where there is a cluster already. */
export function alreadyMember(home: string): UserError {
  const directory = clusterDirectory(home);
  const loaded = loadCluster(home);
  const name = loaded.ok && loaded.value !== null ? ` («${loaded.value.clusterName}»)` : '';
  return {
    code: 'already-in-a-cluster',
    message: `this machine is in a cluster already${name}: ${directory}`,
    hint: `to leave it, stop the agent and move ${directory} away; or use another TENDER_HOME`,
  };
}

/**
 * This machine's membership, or null when it is in no cluster. Reads five small files and checks that they are private,
 * whole and belong together; loads no certificate library.
 */
export function loadCluster(home: string, nowMs: number = Date.now()): Result<Cluster | null, UserError> {
  const directory = clusterDirectory(home);
  try {
    const { mode } = statSync(directory);
    if ((mode & 0o022) !== 0) {
      return err(broken(directory, 'other users can write into it', `run: chmod 700 ${directory}`));
    }
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return ok(null);
    return err(broken(directory, explain(thrown)));
  }
  const texts: Record<string, string> = {};
  for (const [name, secret] of [
    ['cluster.json', true],
    ['ca.crt', false],
    ['node.crt', false],
    ['node.key', true],
  ] as const) {
    const path = join(directory, name);
    const text = readPrivately(path, secret);
    if (!text.ok) return text;
    texts[name] = text.value;
  }
  const isAuthority = readPrivately(join(directory, 'ca.key'), true);
  if (!isAuthority.ok && isAuthority.error.code !== 'file-missing') return isAuthority;

  const facts = readFacts(texts['cluster.json'] ?? '');
  if (facts === null) return err(broken(join(directory, 'cluster.json'), 'it is damaged'));
  const [caCert, nodeCert, nodeKey] = [texts['ca.crt'] ?? '', texts['node.crt'] ?? '', texts['node.key'] ?? ''];
  const problem = checkCertificates({ directory, caCert, nodeCert, nodeKey, facts, nowMs });
  if (problem !== null) return err(problem);
  return ok({
    ...facts,
    directory,
    clusterId8: Buffer.from(facts.clusterId, 'hex'),
    caCert,
    nodeCert,
    nodeKey,
    isAuthority: isAuthority.ok,
  });
}

type Facts = ClusterInfo & Pick<Cluster, 'announcementKeys' | 'revoked'>;

function readFacts(text: string): Facts | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof parsed !== 'object' || parsed === null) return null;
  const { clusterId, clusterName, nodeId, nodeName, authorityName, announcementKeys, revoked } = parsed as Record<
    string,
    unknown
  >;
  const keys = readAnnouncementKeys(announcementKeys);
  if (!isId(clusterId) || !isId(nodeId) || !isName(clusterName) || !isName(nodeName) || !isName(authorityName))
    return null;
  if (keys === null || !Array.isArray(revoked) || !revoked.every(isId)) return null;
  return { clusterId, clusterName, nodeId, nodeName, authorityName, announcementKeys: keys, revoked };
}

/** Announcement keys as JSON carries them, `[{number, key: 64 hex}]`, at least one; null when they are not that. */
export function readAnnouncementKeys(value: unknown): readonly AnnouncementKey[] | null {
  if (!Array.isArray(value) || value.length === 0 || value.length > 16) return null;
  const keys: AnnouncementKey[] = [];
  for (const item of value as unknown[]) {
    if (typeof item !== 'object' || item === null) return null;
    const { number, key } = item as Record<string, unknown>;
    if (typeof number !== 'number' || !Number.isInteger(number) || number < 1 || number > 0xffffffff) return null;
    if (typeof key !== 'string' || !/^[0-9a-f]{64}$/.test(key)) return null;
    keys.push({ number, key: Buffer.from(key, 'hex') });
  }
  return keys;
}

/** A cluster's or node's id: 16 hex digits. */
export function isId(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{16}$/.test(value);
}

function checkCertificates(it: {
  readonly directory: string;
  readonly caCert: string;
  readonly nodeCert: string;
  readonly nodeKey: string;
  readonly facts: Facts;
  readonly nowMs: number;
}): UserError | null {
  let node: X509Certificate;
  const file = (name: string): string => join(it.directory, name);
  try {
    const ca = new X509Certificate(it.caCert);
    if (fingerprintOf(it.caCert).toString('hex', 0, 8) !== it.facts.clusterId) {
      return broken(file('ca.crt'), 'it is not the certificate of the cluster in cluster.json');
    }
    node = new X509Certificate(it.nodeCert);
    if (!node.checkIssued(ca) || !node.verify(ca.publicKey)) {
      return broken(file('node.crt'), 'it was not signed by ca.crt');
    }
  } catch {
    return broken(it.directory, 'ca.crt or node.crt is damaged');
  }
  if (nodeIdOfCertificate(node, it.facts.clusterId) !== it.facts.nodeId) {
    return broken(file('node.crt'), 'it names another node than cluster.json');
  }
  try {
    if (!node.checkPrivateKey(createPrivateKey(it.nodeKey))) {
      return broken(file('node.key'), 'it does not belong to node.crt');
    }
  } catch {
    return broken(file('node.key'), 'it is damaged');
  }
  if (it.nowMs > node.validToDate.getTime()) {
    return broken(file('node.crt'), `this machine's certificate ended on ${node.validTo}`);
  }
  if (it.nowMs < node.validFromDate.getTime()) {
    return {
      code: 'clock',
      message: `this machine's certificate (${file('node.crt')}) begins on ${node.validFrom}, which its clock says is still to come`,
      hint: 'set the clock (for example: timedatectl set-ntp true)',
    };
  }
  return null;
}

function readPrivately(path: string, secret: boolean): Result<string, UserError> {
  try {
    const { mode } = statSync(path);
    if (secret && (mode & 0o077) !== 0) {
      return err({
        code: 'key-not-private',
        message: `${path} holds a secret and other users may open it (mode ${(mode & 0o777).toString(8)})`,
        hint: `run: chmod 600 ${path}`,
      });
    }
    return ok(readFileSync(path, 'utf8'));
  } catch (thrown) {
    const missing = (thrown as NodeJS.ErrnoException).code === 'ENOENT';
    return err({ ...broken(path, explain(thrown)), code: missing ? 'file-missing' : 'file-unreadable' });
  }
}

function broken(path: string, what: string, hint?: string): UserError {
  return {
    code: 'cluster-broken',
    message: `the cluster cannot be used: ${path}: ${what}`,
    hint:
      hint ??
      `put the file right, or move ${path.replace(/\/cluster\/.*$/, '/cluster')} away and join again with a new invite`,
  };
}

function explain(thrown: unknown): string {
  const { code, message } = thrown as NodeJS.ErrnoException;
  const known: Record<string, string> = {
    ENOENT: 'it is missing',
    EACCES: 'no permission',
    EISDIR: 'it is a directory',
    ENOTDIR: 'it is not a directory',
    ENOSPC: 'the disk is full',
    EROFS: 'the disk is read-only',
  };
  return known[code ?? ''] ?? message;
}
