// Announcements as signed datagrams, and the one door through which datagrams of others come in.
// Nothing inside a datagram is looked at before its MAC is right; then come time window, replay and limits.
// Garbage gives a reason, never an exception.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { err, ok, type Result } from '../base/result.ts';
import type { Announcement } from '../core/types.ts';
import { findBadField, maxDemands } from './announcement-fields.ts';
import type { AnnouncementMessage } from './messages.ts';
import { messageType } from './proto.ts';
import type { ReplayWindow } from './replay.ts';
import { announcementFromWire, announcementToWire } from './session.ts';

/** A sent announcement fits one frame of any network it may cross. */
export const maxSentBytes = 1_200;
/** What is longer was not sent by Tender. */
export const maxReceivedBytes = 1_500;
/** How far the clocks of two nodes may differ. */
export const timeWindowMs = 120_000;
const nonceBytes = 12;
const macBytes = 32;
const domain = Buffer.from('tender announcement 1', 'ascii');

const SignedAnnouncement = messageType('SignedAnnouncement');
const AnnouncementBody = messageType('AnnouncementBody');

export interface SigningOptions {
  /** First 8 bytes of the SHA-256 of the CA certificate. */
  readonly clusterId8: Uint8Array;
  /** 32 bytes. */
  readonly key: Uint8Array;
  readonly keyNumber: number;
  /** Wall clock, milliseconds since 1970. */
  readonly nowMs: number;
  /** 12 random bytes, new for each announcement. */
  readonly nonce: Uint8Array;
}

export interface OpeningOptions {
  readonly keys: readonly { readonly number: number; readonly key: Uint8Array }[];
  readonly clusterId8: Uint8Array;
  /** Wall clock, milliseconds since 1970. */
  readonly nowMs: number;
  readonly seen: ReplayWindow;
}

export interface BadDatagram {
  /**
   * size, garbage: not a Tender datagram. key, mac, cluster: of another cluster, or forged. time: a clock is wrong or it
   * is old. replay: heard before (also the ordinary copy by another interface). field: a member sent what it may not.
   */
  readonly why: 'size' | 'garbage' | 'key' | 'mac' | 'cluster' | 'time' | 'replay' | 'field';
  /** For people. */
  readonly detail: string;
}

/** Encodes and signs: at most `maxSentBytes`, else an error (too many or too long classes for one datagram). */
export function signAnnouncement(
  announcement: Announcement,
  options: SigningOptions,
): Result<Uint8Array, { readonly why: 'too-large' | 'field'; readonly detail: string }> {
  const problem = findBadField(announcement);
  if (problem !== null) return err({ why: 'field', detail: problem });
  const body = AnnouncementBody.encode({
    cluster: options.clusterId8,
    sentAtMs: options.nowMs,
    nonce: options.nonce,
    announcement: announcementToWire(announcement),
  }).finish();
  const mac = computeMac(options.key, body);
  const bytes = SignedAnnouncement.encode({ body, mac, key: options.keyNumber }).finish();
  if (bytes.length > maxSentBytes) {
    return err({ why: 'too-large', detail: `${bytes.length} bytes, and a datagram carries ${maxSentBytes}` });
  }
  return ok(bytes);
}

/**
 * The same with as many classes as one datagram carries, those with most tasks first. The others reach the workers that open a
 * session, which carries every announcement whole.
 */
export function signWhatFits(announcement: Announcement, options: SigningOptions): ReturnType<typeof signAnnouncement> {
  const byCount = [...announcement.demands].sort((a, b) => b.count - a.count);
  let demands = announcement.demands.length > maxDemands ? byCount.slice(0, maxDemands) : announcement.demands;
  for (;;) {
    const signed = signAnnouncement({ ...announcement, demands }, options);
    if (signed.ok || signed.error.why !== 'too-large' || demands.length <= 1) return signed;
    demands = byCount.slice(0, demands.length - 1);
  }
}

/** Verifies and decodes a datagram. Each good one is accepted once. */
export function openAnnouncement(datagram: Uint8Array, options: OpeningOptions): Result<Announcement, BadDatagram> {
  if (datagram.length === 0 || datagram.length > maxReceivedBytes) return bad('size', `${datagram.length} bytes`);
  const outer = decode<{ body: Uint8Array; mac: Uint8Array; key: number }>(SignedAnnouncement, datagram);
  if (outer === null) return bad('garbage', 'not a signed announcement');
  const known = options.keys.filter((it) => it.number === outer.key);
  if (known.length === 0) return bad('key', `announcement key ${outer.key} is not known here`);
  if (
    outer.mac.length !== macBytes ||
    !known.some((it) => timingSafeEqual(computeMac(it.key, outer.body), outer.mac))
  ) {
    return bad('mac', 'signed by another cluster, or forged');
  }
  const body = decode<Body>(AnnouncementBody, outer.body);
  if (body === null || body.announcement === null) return bad('garbage', 'its body is not an announcement');
  if (!Buffer.from(body.cluster).equals(options.clusterId8)) return bad('cluster', 'of another cluster');
  if (body.nonce.length !== nonceBytes) return bad('field', `nonce: not ${nonceBytes} bytes`);
  const offMs = body.sentAtMs - options.nowMs;
  if (Math.abs(offMs) > timeWindowMs) {
    const off = `${Math.round(Math.abs(offMs) / 1000)} s ${offMs > 0 ? 'in the future' : 'ago'}`;
    return bad('time', `sent ${off}: is a clock wrong?`);
  }
  const announcement = announcementFromWire(body.announcement, body.announcement.delegator);
  if (!announcement.ok) return bad('field', announcement.error);
  const problem = findBadField(announcement.value);
  if (problem !== null) return bad('field', problem);
  if (!options.seen.admit(Buffer.from(body.nonce).toString('latin1'), body.sentAtMs, options.nowMs)) {
    return bad('replay', 'heard before');
  }
  return ok(announcement.value);
}

function computeMac(key: Uint8Array, body: Uint8Array): Buffer {
  return createHmac('sha256', key).update(domain).update(body).digest();
}

interface Body {
  readonly cluster: Uint8Array;
  readonly sentAtMs: number;
  readonly nonce: Uint8Array;
  readonly announcement: AnnouncementMessage | null;
}

/** All fields filled in, 64-bit numbers as numbers; null when the bytes are not that message. */
function decode<T>(type: ReturnType<typeof messageType>, bytes: Uint8Array): T | null {
  try {
    return type.toObject(type.decode(bytes), { defaults: true, arrays: true, longs: Number, bytes: Buffer }) as T;
  } catch {
    return null;
  }
}

function bad(why: BadDatagram['why'], detail: string): { readonly ok: false; readonly error: BadDatagram } {
  return err({ why, detail });
}
