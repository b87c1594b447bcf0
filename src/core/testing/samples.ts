// Small complete values for tests of core: one of each thing, with the parts that a test cares about given by it.
import type { TaskSpec } from '../delegation/types.ts';
import type { Announcement, NodeId, Offer, TaskClass, WorkerInfo } from '../types.ts';

export const GIB = 1024 ** 3;

export function sampleClass(parts: Partial<TaskClass> = {}): TaskClass {
  return { id: 'c++', criteria: '', toolchain: null, p50Ms: 1000, p80Ms: 1500, bytes: 50_000, ...parts };
}

export function sampleTask(id: string, parts: Partial<TaskSpec> = {}): TaskSpec {
  return {
    id,
    build: 'b1',
    label: `${id}.cc`,
    class: sampleClass(),
    staysReason: '',
    p80Ms: 1500,
    bytes: 50_000,
    ...parts,
  };
}

export function sampleInfo(parts: Partial<WorkerInfo> = {}): WorkerInfo {
  return {
    name: 'pear',
    arch: 'x86_64',
    os: 'linux',
    cores: 4,
    slots: 4,
    cpuModel: 'Example 3000',
    ghz: 3,
    memTotalBytes: 16 * GIB,
    memFreeBytes: 12 * GIB,
    load: 0.1,
    pressure: 0,
    freeFor: [],
    bench: 0,
    graceMs: 0,
    toolchains: [],
    ...parts,
  };
}

export function sampleOffer(leaseId: string, slots: number, parts: Partial<Offer> = {}): Offer {
  const lease = { leaseId, slots, recalled: 0, released: 0, ahead: 0, ttlMs: 10_000, classIds: ['c++'] };
  return { ...lease, info: sampleInfo(), rttMs: 0, bytesPerMs: 0, estimateMs: 0, remark: '', ...parts };
}

export function sampleAnnouncement(
  delegator: NodeId,
  seq: number,
  count: number,
  parts: Partial<Announcement> = {},
): Announcement {
  return {
    delegator,
    delegatorName: delegator,
    port: 4000,
    build: 'b1',
    seq,
    demands: [{ class: sampleClass(), count }],
    offersWanted: count,
    listeners: 0,
    scores: [],
    expiresInMs: 7000,
    ...parts,
  };
}
