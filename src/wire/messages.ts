// The session's messages as types: what protobufjs gives for proto/tender.proto, by hand, so that a field that is missing or
// misspelt does not type-check. Numbers wider than 32 bits stay below 2^53. session.test.ts checks them against the contract.

export interface ToolchainMessage {
  digest: Uint8Array;
  path: string;
  label: string;
}

export interface TaskClassMessage {
  id: Uint8Array;
  criteria: string;
  toolchain: ToolchainMessage | null;
  p50Ms: number;
  p80Ms: number;
  bytes: number;
}

export interface AnnouncementMessage {
  delegator: string;
  delegatorName: string;
  port: number;
  build: string;
  seq: number;
  demands: { class: TaskClassMessage | null; count: number }[];
  offersWanted: number;
  expiresInMs: number;
  listeners: number;
  scores: number[];
}

export interface WorkerInfoMessage {
  name: string;
  arch: string;
  os: string;
  cores: number;
  slots: number;
  cpuModel: string;
  ghz: number;
  memTotalBytes: number;
  memFreeBytes: number;
  load: number;
  pressure: number;
  freeForPercent: number[];
  bench: number;
  graceMs: number;
  toolchains: Uint8Array[];
}

export interface OfferMessage {
  leaseId: string;
  slots: number;
  ttlMs: number;
  classIds: Uint8Array[];
  info: WorkerInfoMessage | null;
  remark: string;
  recalled: number;
  released: number;
  ahead: number;
  rttMs: number;
  bytesPerMs: number;
  estimateMs: number;
}

export interface FileEntryMessage {
  number: number;
  path: Uint8Array;
  digest: Uint8Array;
  size: number;
  executable: boolean;
  inode: number;
  modifiedS: number;
}

export interface AwardMessage {
  leaseId: string;
  attempt: string;
  label: string;
  toolchain: ToolchainMessage | null;
  argv: Uint8Array[];
  cwd: Uint8Array;
  env: Uint8Array[];
  umask: number;
  epoch: number;
  newFiles: FileEntryMessage[];
  files: number[];
  symlinks: { path: Uint8Array; target: Uint8Array }[];
  dirs: Uint8Array[];
  outputs: { path: Uint8Array; kind: string }[];
  deadlineMs: number;
  memBytes: number;
}

export interface BlobMessage {
  digest: Uint8Array;
  data: Uint8Array;
  last: boolean;
  missing: boolean;
  zstd: boolean;
}

/** Many small blobs: 32 bytes of digest and a size (bytes) for each; `data` has their bytes in the same order. */
export interface PackMessage {
  digests: Uint8Array;
  sizes: number[];
  data: Uint8Array;
  zstd: boolean;
}

export interface OutputDataMessage {
  index: number;
  data: Uint8Array;
  zstd: boolean;
  size: number;
  mode: number;
}

export interface ExecutionResultMessage {
  attempt: string;
  signalled: boolean;
  code: number;
  stdout: Uint8Array;
  stderr: Uint8Array;
  outputs: OutputDataMessage[];
  ranMs: number;
  cpuMs: number;
  maxRssBytes: number;
  bytesFetched: number;
  unnamed: string;
}

/** One message of the delegator's side, by the name of the oneof's field. */
export type FromDelegator =
  | { welcome: { version: number; name: string } }
  | { announcement: AnnouncementMessage }
  | { award: AwardMessage }
  | { blob: BlobMessage }
  | { pack: PackMessage }
  | { release: { leaseId: string; slots: number } }
  | { cancel: { attempt: string; why: string } }
  | { echo: { stamp: number } }
  | { poll: Record<string, never> };

/** One message of the worker's side. */
export type FromWorker =
  | { hello: { version: number; name: string } }
  | { offer: OfferMessage }
  | { need: { attempt: string; digests: Uint8Array[] } }
  | { started: { attempt: string } }
  | { heartbeat: { attempts: string[]; load: number; stamp: number } }
  | { result: ExecutionResultMessage }
  | { failed: { attempt: string; code: string; message: string } }
  | { withdraw: { leaseId: string } }
  | { returning: Record<string, never> };

export const protocolVersion = 1;
