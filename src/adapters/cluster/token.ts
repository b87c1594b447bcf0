// The invite as one word: where to go, whom to trust there, and the one-time secret.
// It carries a version and a checksum, so that a typo is told as a typo and not as a stranger's cluster.
import { createHash } from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';
import { err, ok, type Result } from '../../base/result.ts';
import type { UserError } from './types.ts';

const prefix = 'tender1-';
const version = 1;
const checksumBytes = 4;
const maxNameBytes = 255;

export interface Invite {
  /** SHA-256 of the CA certificate, 32 bytes: the joiner speaks to no one else. */
  readonly caFingerprint: Uint8Array;
  /** 6 random bytes, hex: which invite. */
  readonly id: string;
  /** 16 random bytes, good once. */
  readonly secret: Uint8Array;
  readonly expiresAtMs: number;
  readonly port: number;
  /** IPv4, IPv6 or a host name, best first. */
  readonly addresses: readonly string[];
}

/** Writes an invite as one printable word of about 120 characters. The expiry is rounded to seconds. */
export function encodeToken(invite: Invite): string {
  const head = Buffer.alloc(1 + 32 + 6 + 16 + 4 + 2 + 1);
  head[0] = version;
  head.set(invite.caFingerprint, 1);
  head.set(Buffer.from(invite.id, 'hex'), 33);
  head.set(invite.secret, 39);
  head.writeUInt32BE(Math.round(invite.expiresAtMs / 1000), 55);
  head.writeUInt16BE(invite.port, 59);
  head[61] = invite.addresses.length;
  const body = Buffer.concat([head, ...invite.addresses.map(encodeAddress)]);
  return prefix + Buffer.concat([body, checksum(body)]).toString('base64url');
}

/** Reads an invite; blanks and line breaks that came with copying are ignored. */
export function decodeToken(text: string): Result<Invite, UserError> {
  const word = text.replace(/\s+/g, '');
  if (!word.startsWith('tender')) return err(notAToken('this is not an invite: it does not begin with «tender1-»'));
  if (!word.startsWith(prefix)) {
    const other = /^tender(\d+)-/.exec(word);
    if (other === null) return err(notAToken('this is not an invite: it does not begin with «tender1-»'));
    return err({
      code: 'token-version',
      message: `this invite is of version ${other[1]}, and this Tender reads version ${version}`,
      hint: 'use the same version of Tender on both machines',
    });
  }
  const encoded = word.slice(prefix.length);
  const bytes = Buffer.from(encoded, 'base64url');
  const body = bytes.subarray(0, Math.max(0, bytes.length - checksumBytes));
  if (bytes.toString('base64url') !== encoded || !checksum(body).equals(bytes.subarray(body.length))) {
    return err(notAToken('there is a typo in this invite, or a part of it is missing'));
  }
  const invite = decodeBody(body);
  return invite === null ? err(notAToken('this invite is damaged')) : ok(invite);
}

function decodeBody(body: Buffer): Invite | null {
  if (body.length < 62 || body[0] !== version) return null;
  const addresses: string[] = [];
  let at = 62;
  for (let left = body[61] ?? 0; left > 0; left--) {
    const kind = body[at];
    const length = kind === 4 ? 4 : kind === 6 ? 16 : kind === 0 ? (body[at + 1] ?? 0) : -1;
    const from = at + (kind === 0 ? 2 : 1);
    if (length < 1 || from + length > body.length) return null;
    const bytes = body.subarray(from, from + length);
    addresses.push(kind === 4 ? bytes.join('.') : kind === 6 ? formatIPv6(bytes) : bytes.toString('utf8'));
    at = from + length;
  }
  if (at !== body.length || addresses.length === 0) return null;
  return {
    caFingerprint: body.subarray(1, 33),
    id: body.toString('hex', 33, 39),
    secret: body.subarray(39, 55),
    expiresAtMs: body.readUInt32BE(55) * 1000,
    port: body.readUInt16BE(59),
    addresses,
  };
}

function encodeAddress(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from([4, ...address.split('.').map(Number)]);
  if (isIPv6(address) && !address.includes('%')) return Buffer.concat([Buffer.from([6]), parseIPv6(address)]);
  const name = Buffer.from(address, 'utf8').subarray(0, maxNameBytes);
  return Buffer.concat([Buffer.from([0, name.length]), name]);
}

function parseIPv6(address: string): Buffer {
  // The URL parser writes any IPv6 address in one canonical form, without dotted quads.
  const canonical = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [left = '', right] = canonical.split('::');
  const words = (part: string): number[] => (part === '' ? [] : part.split(':').map((word) => parseInt(word, 16)));
  const before = words(left);
  const after = right === undefined ? [] : words(right);
  const all = [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
  const bytes = Buffer.alloc(16);
  all.forEach((word, index) => bytes.writeUInt16BE(word, index * 2));
  return bytes;
}

function formatIPv6(bytes: Buffer): string {
  const words = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16));
  return new URL(`http://[${words.join(':')}]/`).hostname.slice(1, -1);
}

function checksum(body: Uint8Array): Buffer {
  return createHash('sha256').update('tender invite').update(body).digest().subarray(0, checksumBytes);
}

function notAToken(message: string): UserError {
  return { code: 'token-typo', message, hint: 'copy the whole word that `tender invite` printed' };
}
