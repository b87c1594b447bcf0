// Gets the blobs that a task lacks over its session, each once however many tasks wait for it.
// What this machine already has as a file of its own system (compilers, system headers) is taken from there.
import { zstdDecompressSync } from 'node:zlib';
import type { BlobStore } from '../../adapters/blobs/types.ts';
import { err, ok, type Result } from '../../base/result.ts';
import type { FailureCode } from '../../core/types.ts';
import type { BlobMessage, FileEntryMessage, PackMessage } from '../../wire/messages.ts';

type Fault = { readonly code: FailureCode; readonly message: string };

interface Pending {
  readonly entry: FileEntryMessage;
  readonly chunks: Uint8Array[];
  readonly done: Promise<Result<number, Fault>>;
  settle(result: Result<number, Fault>): void;
}

/** More than a delegator puts into one, and no more than a frame should make a machine reserve. */
const maxPackBytes = 16 * 2 ** 20;

export class BlobFetcher {
  private readonly blobs: BlobStore;
  private readonly pending = new Map<string, Pending>();
  private ended: string | null = null;

  constructor(blobs: BlobStore) {
    this.blobs = blobs;
  }

  /** Resolves when every entry is in the store: the bytes that came over the wire, or why not. */
  async fetch(
    entries: readonly FileEntryMessage[],
    ask: (digests: readonly Uint8Array[]) => void,
  ): Promise<Result<number, Fault>> {
    if (this.ended !== null) return err({ code: 'worker-lost', message: this.ended });
    const wanted: Uint8Array[] = [];
    const waits: Promise<Result<number, Fault>>[] = [];
    for (const entry of entries) {
      const digest = Buffer.from(entry.digest).toString('hex');
      if (this.blobs.has(digest)) continue;
      const pending = this.pending.get(digest);
      if (pending !== undefined) {
        waits.push(pending.done.then((result) => (result.ok ? ok(0) : result)));
        continue;
      }
      const imported = this.blobs.importLocal(Buffer.from(entry.path).toString(), digest, entry.size);
      if (imported.ok && imported.value) continue;
      let settle: Pending['settle'] = () => undefined;
      const done = new Promise<Result<number, Fault>>((resolve) => (settle = resolve));
      this.pending.set(digest, { entry, chunks: [], done, settle });
      wanted.push(entry.digest);
      waits.push(done);
    }
    if (wanted.length > 0) ask(wanted);
    let bytes = 0;
    for (const result of await Promise.all(waits)) {
      if (!result.ok) return result;
      bytes += result.value;
    }
    return ok(bytes);
  }

  received(blob: BlobMessage): void {
    const digest = Buffer.from(blob.digest).toString('hex');
    const pending = this.pending.get(digest);
    if (pending === undefined) return;
    if (blob.missing) {
      const path = Buffer.from(pending.entry.path).toString();
      return this.settle(
        digest,
        err({ code: 'missing-file', message: `${path} changed or went away before it was sent` }),
      );
    }
    pending.chunks.push(blob.data);
    if (blob.last) this.settle(digest, this.keep(digest, pending, blob.zstd));
  }

  /** Each blob of a pack that is waited for; what is wrong with the pack is wrong with them all. */
  receivedPack(pack: PackMessage): void {
    const digests = Buffer.from(pack.digests);
    const names = pack.sizes.map((_, index) => digests.toString('hex', index * 32, index * 32 + 32));
    const unpacked = unpack(pack, digests.length);
    let at = 0;
    for (const [index, digest] of names.entries()) {
      const pending = this.pending.get(digest);
      const size = pack.sizes[index] ?? 0;
      if (pending !== undefined) {
        this.settle(digest, unpacked.ok ? this.store(digest, unpacked.value.subarray(at, at + size)) : unpacked);
      }
      at += size;
    }
  }

  end(why: string): void {
    this.ended = why;
    for (const digest of [...this.pending.keys()]) this.settle(digest, err({ code: 'worker-lost', message: why }));
  }

  private keep(digest: string, pending: Pending, zstd: boolean): Result<number, Fault> {
    const path = Buffer.from(pending.entry.path).toString();
    const packed = Buffer.concat(pending.chunks);
    let data: Buffer;
    try {
      data = zstd ? zstdDecompressSync(packed, { maxOutputLength: Math.max(1, pending.entry.size) }) : packed;
    } catch (error) {
      return err({ code: 'bad-result', message: `${path} cannot be unpacked: ${(error as Error).message}` });
    }
    const kept = this.store(digest, data);
    return kept.ok ? ok(packed.length) : kept;
  }

  private store(digest: string, data: Uint8Array): Result<number, Fault> {
    const writer = this.blobs.write(digest);
    writer.append(data);
    const kept = writer.commit();
    return kept.ok
      ? ok(data.length)
      : err({ code: kept.error.code === 'disk-full' ? 'disk-full' : 'bad-result', message: kept.error.message });
  }

  private settle(digest: string, result: Result<number, Fault>): void {
    const pending = this.pending.get(digest);
    this.pending.delete(digest);
    pending?.settle(result);
  }
}

function unpack(pack: PackMessage, digestBytes: number): Result<Uint8Array, Fault> {
  const size = pack.sizes.reduce((sum, bytes) => sum + bytes, 0);
  const bad = (why: string): Result<never, Fault> => err({ code: 'bad-result', message: `a pack of blobs ${why}` });
  if (digestBytes !== pack.sizes.length * 32) return bad('has not one digest for each size');
  if (size > maxPackBytes) return bad(`of ${size} bytes is too large`);
  try {
    const data = pack.zstd ? zstdDecompressSync(pack.data, { maxOutputLength: Math.max(1, size) }) : pack.data;
    return data.length === size ? ok(data) : bad(`holds ${data.length} bytes and says ${size}`);
  } catch (error) {
    return bad(`cannot be unpacked: ${(error as Error).message}`);
  }
}
