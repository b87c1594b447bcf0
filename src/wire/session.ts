// Bytes ↔ messages of a session, and messages ↔ core's types.
// What comes from outside is checked here once, so that nothing behind this line meets a value out of range.
import type protobuf from 'protobufjs';
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

/** A serialiser pair for grpc-js: one side's union of messages. Decoding throws on bytes that are no such message. */
export interface Codec<T> {
  encode(message: T): Buffer;
  decode(bytes: Uint8Array): T;
}

function codecOf<T extends object>(name: string): Codec<T> {
  const type = messageType(name);
  const fields = type.oneofs['message']?.oneof ?? [];
  return {
    encode: (message) => Buffer.from(type.encode(message as Record<string, unknown>).finish()),
    decode: (bytes) => {
      const decoded = type.decode(bytes) as unknown as Record<string, unknown>;
      for (const field of fields) {
        const value = decoded[field];
        if (value !== null && value !== undefined) {
          const inner = type.fields[field]?.resolvedType as protobuf.Type;
          return { [field]: inner.toObject(value as protobuf.Message, decodeOptions) } as T;
        }
      }
      throw new Error(`${name} without content`);
    },
  };
}

export const fromDelegatorCodec: Codec<FromDelegator> = codecOf('FromDelegator');
export const fromWorkerCodec: Codec<FromWorker> = codecOf('FromWorker');

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytesOf = (hexText: string): Buffer => Buffer.from(hexText, 'hex');

export function toolchainToWire(toolchain: ToolchainRef): ToolchainMessage {
  return { digest: bytesOf(toolchain.digest), path: toolchain.path, label: toolchain.label };
}

export function toolchainFromWire(message: ToolchainMessage): ToolchainRef {
  return { digest: hex(message.digest), path: message.path, label: message.label };
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
  };
}

const maxDemands = 64;
const maxText = 4096;

/** An announcement that came over a session; `delegator` is who the session's certificate says, whatever the message claims. */
export function announcementFromWire(message: AnnouncementMessage, delegator: string): Result<Announcement, string> {
  if (message.demands.length > maxDemands)
    return err(`${message.demands.length} classes announced, at most ${maxDemands}`);
  const demands = [];
  for (const demand of message.demands) {
    if (demand.class === null) return err('a demand without a class');
    if (demand.class.criteria.length > maxText) return err('criteria longer than 4096 characters');
    demands.push({ class: classFromWire(demand.class), count: demand.count });
  }
  return ok({
    delegator,
    delegatorName: message.delegatorName.slice(0, 100),
    port: message.port,
    build: message.build.slice(0, 100),
    seq: message.seq,
    demands,
    offersWanted: message.offersWanted,
    expiresInMs: Math.min(message.expiresInMs, 60_000),
  });
}

export function offerToWire(offer: Offer): OfferMessage {
  const { freeFor, ...info } = offer.info;
  return {
    leaseId: offer.leaseId,
    slots: offer.slots,
    ttlMs: Math.round(offer.ttlMs),
    classIds: offer.classIds.map(bytesOf),
    info: { ...info, freeForPercent: freeFor.map((p) => Math.round(p * 100)) },
    remark: offer.remark,
  };
}

/** Offers with absurd figures are cut to what a machine can be: 1,024 slots, a minute to live. */
export function offerFromWire(message: OfferMessage): Result<Offer, string> {
  if (message.info === null) return err('an offer that says nothing of its machine');
  if (message.leaseId.length === 0 || message.leaseId.length > 100) return err('an offer without a lease');
  const { freeForPercent, ...info } = message.info;
  const workerInfo: WorkerInfo = {
    ...info,
    name: info.name.slice(0, 100),
    freeFor: freeForPercent.slice(0, 8).map((p) => Math.min(1, p / 100)),
  };
  return ok({
    leaseId: message.leaseId,
    slots: Math.min(message.slots, 1024),
    ttlMs: Math.min(message.ttlMs, 60_000),
    classIds: message.classIds.slice(0, maxDemands).map(hex),
    info: workerInfo,
    remark: message.remark.slice(0, 500),
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
