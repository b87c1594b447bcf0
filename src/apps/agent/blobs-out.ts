// Serves a worker's requests for file contents on its session, several workers at once, compressed once for all of them.
// The digest promised in the award is checked against what is sent: a file that changed meanwhile is «missing», never wrong.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { constants, zstdCompress } from 'node:zlib';
import type { Session } from '../../adapters/session/session.ts';
import type { NamedFile } from '../../compiler/types.ts';
import type { FromDelegator } from '../../wire/messages.ts';

const compress = promisify(zstdCompress);
const zstdFast = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

const cacheBytes = 64 * 1024 * 1024;
const chunkBytes = 256 * 1024;

export class BlobSource {
  /** Digest (hex) → where these bytes were when a task named them. */
  private readonly paths = new Map<string, string>();
  /** Path → the digest under which it was registered last: most calls find nothing new. */
  private readonly registered = new Map<string, Uint8Array>();
  private readonly lists = new WeakSet<readonly NamedFile[]>();
  /** Compressed contents, oldest first. */
  private readonly cache = new Map<string, Buffer>();
  private cachedBytes = 0;

  /** All files of a task; the same list again is known at once. */
  registerAll(files: readonly NamedFile[]): void {
    if (this.lists.has(files)) return;
    this.lists.add(files);
    for (const file of files) this.register(file);
  }

  private register(file: NamedFile): void {
    if (this.registered.get(file.path) === file.digest) return;
    this.registered.set(file.path, file.digest);
    this.paths.set(Buffer.from(file.digest).toString('hex'), file.path);
  }

  /** Sends the blobs one after the other; a session that ends meanwhile ends the sending. */
  async serve(session: Session<FromDelegator>, digests: readonly Uint8Array[], isOpen: () => boolean): Promise<void> {
    for (const digest of digests) {
      if (!isOpen()) return;
      const frame = await this.frameOf(Buffer.from(digest).toString('hex'));
      if (frame === null) {
        session.send({ blob: { digest, data: Buffer.alloc(0), last: true, missing: true, zstd: false } });
        continue;
      }
      // A frame larger than a chunk goes in pieces, so that awards and cancels get in between.
      for (let at = 0; at === 0 || at < frame.length; at += chunkBytes) {
        const data = frame.subarray(at, at + chunkBytes);
        const last = at + chunkBytes >= frame.length;
        if (!session.send({ blob: { digest, data, last, missing: false, zstd: true } })) await session.drained();
      }
    }
  }

  private async frameOf(digestHex: string): Promise<Buffer | null> {
    const cached = this.cache.get(digestHex);
    if (cached !== undefined) {
      this.cache.delete(digestHex);
      this.cache.set(digestHex, cached);
      return cached;
    }
    const path = this.paths.get(digestHex);
    if (path === undefined) return null;
    let bytes: Buffer;
    try {
      bytes = await readFile(path);
    } catch {
      return null;
    }
    if (createHash('sha256').update(bytes).digest('hex') !== digestHex) return null;
    const frame = await compress(bytes, zstdFast);
    if (frame.length <= cacheBytes / 8) {
      this.cache.set(digestHex, frame);
      this.cachedBytes += frame.length;
      for (const [oldest, old] of this.cache) {
        if (this.cachedBytes <= cacheBytes) break;
        this.cache.delete(oldest);
        this.cachedBytes -= old.length;
      }
    }
    return frame;
  }
}
