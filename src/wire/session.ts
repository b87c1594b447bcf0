// Bytes ↔ messages of a session, and messages ↔ core's types.
// What comes from outside is checked here once, so that nothing behind this line meets a value out of range.
import protobuf from 'protobufjs';
import type { Announcement, FailureCode, Offer, TaskClass, ToolchainRef, WorkerInfo } from '../core/types.ts';
import { err, ok, type Result } from '../base/result.ts';
import type {
  AnnouncementMessage,
  FromDelegator,
  FromWorker,
  OfferMessage,
  TaskClassMessage,
  ToolchainMessage,
} from './messages.ts';
import { messageType } from './proto.ts';

const decodeOptions: protobuf.IConversionOptions = { defaults: true, arrays: true, longs: Number };

/** The most that one message may be. Only `blob`, `pack` and `result` carry contents: a session's own limit holds for those. */
export const maxControlBytes = 16 * 1024 * 1024;
/** A large award has some thousands; each costs its reader far more memory than its bytes on the wire. */
export const maxFields = 200_000;
const bulky: ReadonlySet<string> = new Set(['blob', 'pack', 'result']);

/** A serialiser pair: one side's union of messages. Decoding throws an Error for people on bytes that are no such message. */
export interface Codec<T> {
  encode(message: T): Buffer;
  decode(bytes: Uint8Array): T;
}

function codecOf<T extends object>(name: string): Codec<T> {
  const type = messageType(name);
  return {
    encode: (message) => {
      const bytes = type.encode(message as Record<string, unknown>).finish();
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    },
    decode: (bytes) => {
      try {
        const [field, content] = findContent(type, bytes);
        const inner = field.resolvedType as protobuf.Type;
        return { [field.name]: inner.toObject(inner.decode(content), decodeOptions) } as T;
      } catch (error) {
        throw new Error(`not a ${name}: ${(error as Error).message}`, { cause: error });
      }
    },
  };
}

/** The one message inside a frame, measured before anything is allocated for it. Throws when it is not one, or too much. */
function findContent(type: protobuf.Type, bytes: Uint8Array): [protobuf.Field, Uint8Array] {
  const reader = protobuf.Reader.create(bytes);
  let found: [protobuf.Field, Uint8Array] | null = null;
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    const field = type.fieldsById[tag >>> 3];
    if (field === undefined) {
      reader.skipType(tag & 7);
      continue;
    }
    if ((tag & 7) !== 2) throw new Error(`${field.name} is not a message`);
    if (found !== null) throw new Error('more than one message in a frame');
    found = [field, reader.bytes()];
  }
  if (found === null) throw new Error('without content');
  const [field, content] = found;
  if (content.length > maxControlBytes && !bulky.has(field.name)) {
    throw new Error(`${field.name} of ${content.length} bytes, at most ${maxControlBytes}`);
  }
  const inside = protobuf.Reader.create(content);
  for (let fields = 0; inside.pos < inside.len; fields++) {
    if (fields === maxFields) throw new Error(`${field.name} of more than ${maxFields} fields`);
    inside.skipType(inside.uint32() & 7);
  }
  return found;
}

export const fromDelegatorCodec: Codec<FromDelegator> = codecOf('FromDelegator');
export const fromWorkerCodec: Codec<FromWorker> = codecOf('FromWorker');

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytesOf = (hexText: string): Buffer => Buffer.from(hexText, 'hex');

export function toolchainToWire(toolchain: ToolchainRef): ToolchainMessage {
  return { digest: bytesOf(toolchain.digest), path: toolchain.path, label: toolchain.label };
}

export function toolchainFromWire(message: ToolchainMessage): ToolchainRef {
  return { digest: hex(message.digest), path: message.path, label: printable(message.label, 200) };
}

function classToWire(taskClass: TaskClass): TaskClassMessage {
  return {
    id: bytesOf(taskClass.id),
    criteria: taskClass.criteria,
    toolchain: taskClass.toolchain === null ? null : toolchainToWire(taskClass.toolchain),
    p50Ms: Math.round(taskClass.p50Ms),
    p80Ms: Math.round(taskClass.p80Ms),
    bytes: Math.round(taskClass.bytes),
  };
}

const maxDemands = 64;
const maxCriteria = 4096;
const maxIdBytes = 64;
const maxNameChars = 100;
const maxRemarkChars = 500;
const maxExpiryMs = 60_000;
const maxClasses = 64;
const maxScores = 16;
const maxToolchains = 16;
const maxGraceMs = 600_000;

/** What would move a terminal's cursor, turn its text round or forge a line of a log. */
const unprintable = /[\p{Cc}\p{Cs}\u2028-\u202e\u2066-\u2069]/gu;

/** Text of others as a terminal or a log may show it. */
function printable(text: string, maxChars: number): string {
  return text.slice(0, maxChars).replace(unprintable, '?');
}

/** A measurement of a machine: below 0, above `max` or no number at all becomes what it can be at most or least. */
function within(value: number, max: number, min = 0): number {
  return value >= min ? Math.min(value, max) : min;
}

function findBadClass(message: TaskClassMessage): string | null {
  if (message.criteria.length > maxCriteria) return `criteria longer than ${maxCriteria} characters`;
  if (message.id.length === 0 || message.id.length > maxIdBytes) return 'a class without an id';
  if (message.toolchain === null) return null;
  if (message.toolchain.digest.length !== 32) return 'a toolchain digest that is not 32 bytes';
  const { path } = message.toolchain;
  if (!path.startsWith('/') || path.length > 4096 || path.includes('\0'))
    return 'a toolchain path that is not absolute';
  return null;
}

function classFromWire(message: TaskClassMessage): TaskClass {
  return {
    id: hex(message.id),
    criteria: message.criteria,
    toolchain: message.toolchain === null ? null : toolchainFromWire(message.toolchain),
    p50Ms: message.p50Ms,
    p80Ms: message.p80Ms,
    bytes: message.bytes,
  };
}

export function announcementToWire(announcement: Announcement): AnnouncementMessage {
  return {
    delegator: announcement.delegator,
    delegatorName: announcement.delegatorName,
    port: announcement.port,
    build: announcement.build,
    seq: announcement.seq,
    demands: announcement.demands.map((demand) => ({ class: classToWire(demand.class), count: demand.count })),
    offersWanted: announcement.offersWanted,
    expiresInMs: announcement.expiresInMs,
    listeners: announcement.listeners,
    scores: announcement.scores.map(Math.round),
  };
}

/**
 * An announcement as it came. `delegator` is who the session's certificate says, whatever the message claims.
 * The error says which field is out of bounds.
 */
export function announcementFromWire(message: AnnouncementMessage, delegator: string): Result<Announcement, string> {
  if (message.demands.length > maxDemands)
    return err(`${message.demands.length} classes announced, at most ${maxDemands}`);
  if (message.port === 0 || message.port > 65_535) return err(`port ${message.port}`);
  if (!Number.isSafeInteger(message.seq)) return err('a sequence number of 2^53 or more');
  // Names are keys too: one that must be changed to be shown is refused.
  if (message.delegatorName.search(unprintable) >= 0) return err('delegator_name: not printable');
  if (message.build.search(unprintable) >= 0) return err('build: not printable');
  const demands = [];
  for (const demand of message.demands) {
    if (demand.class === null) return err('a demand without a class');
    const problem = findBadClass(demand.class);
    if (problem !== null) return err(problem);
    demands.push({ class: classFromWire(demand.class), count: demand.count });
  }
  return ok({
    delegator,
    delegatorName: message.delegatorName.slice(0, maxNameChars),
    port: message.port,
    build: message.build.slice(0, maxNameChars),
    seq: message.seq,
    demands,
    offersWanted: message.offersWanted,
    expiresInMs: Math.min(message.expiresInMs, maxExpiryMs),
    listeners: message.listeners,
    scores: message.scores.slice(0, maxScores),
  });
}

export function offerToWire(offer: Offer): OfferMessage {
  const { freeFor, toolchains, ...info } = offer.info;
  return {
    leaseId: offer.leaseId,
    slots: offer.slots,
    ttlMs: Math.round(offer.ttlMs),
    classIds: offer.classIds.map(bytesOf),
    info: {
      ...info,
      freeForPercent: freeFor.map((p) => Math.round(p * 100)),
      bench: Math.round(info.bench),
      graceMs: Math.round(info.graceMs),
      toolchains: toolchains.map(bytesOf),
    },
    remark: offer.remark,
    recalled: offer.recalled,
    released: offer.released,
    ahead: offer.ahead,
    rttMs: offer.rttMs,
    bytesPerMs: offer.bytesPerMs,
    estimateMs: Math.round(offer.estimateMs),
  };
}

/** Figures that no machine can have are cut to what one can be: 1,024 slots, 4,096 cores, a minute to live or of round trip. */
export function offerFromWire(message: OfferMessage): Result<Offer, string> {
  const { info } = message;
  if (info === null) return err('an offer that says nothing of its machine');
  if ((message.leaseId.length === 0 && message.slots > 0) || message.leaseId.length > 100)
    return err('an offer without a lease');
  if (message.classIds.length > maxClasses) return err(`${message.classIds.length} classes, at most ${maxClasses}`);
  if (message.classIds.some((id) => id.length > maxIdBytes)) return err('a class id that is too long');
  const workerInfo: WorkerInfo = {
    name: printable(info.name, maxNameChars),
    arch: printable(info.arch, maxNameChars),
    os: printable(info.os, maxNameChars),
    cores: within(info.cores, 4096, 1),
    slots: within(info.slots, 1024),
    cpuModel: printable(info.cpuModel, maxNameChars),
    ghz: within(info.ghz, 100),
    memTotalBytes: within(info.memTotalBytes, Number.MAX_SAFE_INTEGER),
    memFreeBytes: within(info.memFreeBytes, Number.MAX_SAFE_INTEGER),
    load: within(info.load, 1_000_000),
    pressure: within(info.pressure, 100),
    freeFor: info.freeForPercent.slice(0, 8).map((percent) => Math.min(1, percent / 100)),
    bench: info.bench,
    graceMs: within(info.graceMs, maxGraceMs),
    toolchains: info.toolchains
      .filter((digest) => digest.length === 32)
      .slice(0, maxToolchains)
      .map(hex),
  };
  const slots = within(message.slots, 1024);
  return ok({
    leaseId: message.leaseId,
    slots,
    recalled: within(message.recalled, slots),
    released: message.released,
    // A quarter more than the slots at most, whatever is said.
    ahead: within(message.ahead, Math.floor(slots / 4)),
    rttMs: within(message.rttMs, maxExpiryMs),
    bytesPerMs: within(message.bytesPerMs, 1e9),
    estimateMs: message.estimateMs,
    ttlMs: Math.min(message.ttlMs, 60_000),
    classIds: message.classIds.map(hex),
    info: workerInfo,
    remark: printable(message.remark, maxRemarkChars),
  });
}

const failureCodes: ReadonlySet<string> = new Set<FailureCode>([
  'worker-lost',
  'silent',
  'lease-expired',
  'missing-file',
  'sandbox',
  'killed',
  'out-of-memory',
  'disk-full',
  'too-large',
  'deadline',
  'owner-returned',
  'stopping',
  'bad-result',
]);

/** A code that this version does not know counts as a bad result: it is still a failure. */
export function failureCodeFromWire(code: string): FailureCode {
  return failureCodes.has(code) ? (code as FailureCode) : 'bad-result';
}
