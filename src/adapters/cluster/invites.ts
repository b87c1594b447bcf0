// The open invites of the machine that holds the CA key: one small file each under cluster/invites/.
// An invite is used by renaming its file, which the file system lets exactly one do. Only the secret's hash is kept.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { err, ok, type Result } from '../../base/result.ts';
import { fingerprintOf } from './certificates.ts';
import { writeAtomically } from '../write-atomically.ts';
import { clusterDirectory, loadCluster } from './files.ts';
import { encodeToken } from './token.ts';
import type { UserError } from './types.ts';

/** An invite ends when so many wrong secrets were tried on it. */
export const maxWrongSecrets = 10;
const maxOpenInvites = 64;
const forgetAfterMs = 24 * 3_600_000;

export interface OpenInvite {
  readonly id: string;
  /** The enrolment port that is written in the invite. */
  readonly port: number;
  readonly expiresAtMs: number;
}

interface StoredInvite extends OpenInvite {
  readonly secretHash: string;
  readonly wrong: number;
}

export type Refusal = 'unknown' | 'used' | 'expired' | 'wrong' | 'ended';

/**
 * Opens an invite and gives its token, the only place where its secret ever is.
 * @param options.addresses IPv4, IPv6 or host names of this machine, best first (see `listAddresses`)
 * @param options.port where `startEnrolment` listens
 */
export function createInvite(options: {
  readonly home: string;
  readonly minutes: number;
  readonly addresses: readonly string[];
  readonly port: number;
  readonly nowMs?: number;
}): Result<{ readonly token: string; readonly expiresAtMs: number }, UserError> {
  const { home, minutes, addresses, port, nowMs = Date.now() } = options;
  const cluster = loadCluster(home, nowMs);
  if (!cluster.ok) return cluster;
  if (cluster.value === null) {
    return err({
      code: 'no-cluster',
      message: 'this machine is in no cluster, so there is nothing to invite to',
      hint: 'run `tender init` first',
    });
  }
  if (!cluster.value.isAuthority) {
    return err({
      code: 'not-the-authority',
      message: `invites to «${cluster.value.clusterName}» are made on ${cluster.value.authorityName}, which holds the cluster's key`,
      hint: `run \`tender invite\` on ${cluster.value.authorityName}`,
    });
  }
  if (!(minutes > 0) || minutes > 7 * 24 * 60) {
    return err({
      code: 'bad-minutes',
      message: `an invite cannot last ${minutes} minutes`,
      hint: 'give a number above 0, at most 10080 (a week)',
    });
  }
  if (addresses.length === 0 || addresses.length > 16) {
    return err({
      code: 'no-address',
      message: `an invite needs 1 to 16 addresses of this machine, and has ${addresses.length}`,
      hint: 'connect the machine to the network, or name an address with --address',
    });
  }
  sweep(home, nowMs);
  if (listOpenInvites(home, nowMs).length >= maxOpenInvites) {
    return err({
      code: 'too-many-invites',
      message: `${maxOpenInvites} invites are open already`,
      hint: 'use one of them, or wait until some have ended',
    });
  }
  const id = randomBytes(6).toString('hex');
  const secret = randomBytes(16);
  const expiresAtMs = Math.round((nowMs + minutes * 60_000) / 1000) * 1000;
  try {
    mkdirSync(invitesDirectory(home), { recursive: true, mode: 0o700 });
    save(home, { id, port, expiresAtMs, secretHash: hash(secret).toString('hex'), wrong: 0 });
  } catch (thrown) {
    return err({
      code: 'invite-not-written',
      message: `cannot write into ${invitesDirectory(home)}: ${(thrown as Error).message}`,
      hint: 'make sure that the directory can be written and the disk is not full',
    });
  }
  const caFingerprint = fingerprintOf(cluster.value.caCert);
  return ok({ token: encodeToken({ caFingerprint, id, secret, expiresAtMs, port, addresses }), expiresAtMs });
}

/** The invites that are still good. */
export function listOpenInvites(home: string, nowMs: number = Date.now()): readonly OpenInvite[] {
  return names(home)
    .filter((name) => name.endsWith('.json'))
    .map((name) => load(home, name.slice(0, -'.json'.length)))
    .filter((invite) => invite !== null && invite.expiresAtMs > nowMs) as StoredInvite[];
}

/** Whether the secret opens the invite. A wrong secret is counted; the tenth ends the invite. Uses nothing up. */
export function checkInvite(home: string, id: string, secret: Uint8Array, nowMs: number): Result<null, Refusal> {
  if (!/^[0-9a-f]{12}$/.test(id)) return err('unknown');
  const invite = load(home, id);
  if (invite === null) return err(existsSync(fileOf(home, id, 'used')) ? 'used' : 'unknown');
  if (!timingSafeEqual(hash(secret), Buffer.from(invite.secretHash, 'hex'))) {
    if (invite.wrong + 1 >= maxWrongSecrets) {
      rmSync(fileOf(home, id, 'json'), { force: true });
      return err('ended');
    }
    save(home, { ...invite, wrong: invite.wrong + 1 });
    return err('wrong');
  }
  return invite.expiresAtMs > nowMs ? ok(null) : err('expired');
}

/** Uses the invite up: true for exactly one caller. */
export function useInvite(home: string, id: string): boolean {
  try {
    renameSync(fileOf(home, id, 'json'), fileOf(home, id, 'used'));
    return true;
  } catch {
    return false;
  }
}

function sweep(home: string, nowMs: number): void {
  for (const name of names(home)) {
    const path = join(invitesDirectory(home), name);
    if (nowMs - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? nowMs) < forgetAfterMs) continue;
    const invite = name.endsWith('.json') ? load(home, name.slice(0, -'.json'.length)) : null;
    if (invite === null || invite.expiresAtMs < nowMs) rmSync(path, { force: true });
  }
}

function names(home: string): readonly string[] {
  try {
    return readdirSync(invitesDirectory(home));
  } catch {
    return [];
  }
}

function load(home: string, id: string): StoredInvite | null {
  try {
    const it = JSON.parse(readFileSync(fileOf(home, id, 'json'), 'utf8')) as Partial<StoredInvite> | null;
    if (typeof it?.port !== 'number' || typeof it.expiresAtMs !== 'number' || typeof it.wrong !== 'number') return null;
    if (typeof it.secretHash !== 'string' || !/^[0-9a-f]{64}$/.test(it.secretHash)) return null;
    return { id, port: it.port, expiresAtMs: it.expiresAtMs, secretHash: it.secretHash, wrong: it.wrong };
  } catch {
    return null;
  }
}

function save(home: string, invite: StoredInvite): void {
  writeAtomically(fileOf(home, invite.id, 'json'), `${JSON.stringify(invite)}\n`);
}

function hash(secret: Uint8Array): Buffer {
  return createHash('sha256').update('tender invite secret').update(secret).digest();
}

function invitesDirectory(home: string): string {
  return join(clusterDirectory(home), 'invites');
}

function fileOf(home: string, id: string, kind: 'json' | 'used'): string {
  return join(invitesDirectory(home), `${id}.${kind}`);
}
