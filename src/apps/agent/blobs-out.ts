// Serves a worker's requests for file contents on its session: small ones many to a message, packed together; large ones by
// themselves, packed once for all workers. The digest promised in the award is checked against what is sent: a file that
// changed meanwhile is «missing», never wrong.
import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { constants, zstdCompress, zstdCompressSync } from 'node:zlib';
import type { Session } from '../../adapters/session/session.ts';
import type { NamedFile } from '../../compiler/types.ts';
import type { FromDelegator } from '../../wire/messages.ts';

const compress = promisify(zstdCompress);
const zstdFast = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

const cacheBytes = 64 * 1024 * 1024;
const chunkBytes = 256 * 1024;
/** Of a pack before packing. */
const packBytes = 256 * 1024;
/** What is larger goes by itself. */
const packedBelow = 64 * 1024;
/** Less than this is not worth packing. */
const worthPacking = 512;

interface Small {
  readonly digest: Uint8Array;
  readonly bytes: Buffer;
}

export class BlobSource {
  /** Digest (hex) → where these bytes were when a task named them. */
  private readonly files = new Map<string, NamedFile>();
  /** Path → what was registered for it last: most calls find nothing new. */
  private readonly registered = new Map<string, NamedFile>();
  private readonly lists = new WeakSet<readonly NamedFile[]>();
  /** Compressed contents of large files, oldest first. */
  private readonly cache = new Map<string, Buffer>();
  private cachedBytes = 0;

  /** All files of a task; the same list again is known at once. */
  registerAll(files: readonly NamedFile[]): void {
    if (this.lists.has(files)) return;
    this.lists.add(files);
    for (const file of files) {
      if (this.registered.get(file.path) === file) continue;
      this.registered.set(file.path, file);
      this.files.set(Buffer.from(file.digest).toString('hex'), file);
    }
  }

  /** Sends the blobs one after the other; a session that ends meanwhile ends the sending. */
  async serve(session: Session<FromDelegator>, digests: readonly Uint8Array[], isOpen: () => boolean): Promise<void> {
    let pack: Small[] = [];
    let size = 0;
    for (const digest of digests) {
      if (!isOpen()) return;
      const name = Buffer.from(digest).toString('hex');
      const file = this.files.get(name);
      const bytes = file === undefined || file.size > packedBelow ? null : readChecked(file, name);
      if (bytes === null) {
        await this.sendAlone(session, digest, name);
        continue;
      }
      pack.push({ digest, bytes });
      size += bytes.length;
      if (size < packBytes) continue;
      await sendPack(session, pack);
      pack = [];
      size = 0;
      // Others have their turn between two packs.
      await setImmediate();
    }
    if (pack.length > 0 && isOpen()) await sendPack(session, pack);
  }

  private async sendAlone(session: Session<FromDelegator>, digest: Uint8Array, name: string): Promise<void> {
    const frame = await this.frameOf(name);
    if (frame === null) {
      session.send({ blob: { digest, data: Buffer.alloc(0), last: true, missing: true, zstd: false } });
      return;
    }
    // A frame larger than a chunk goes in pieces, so that awards and cancels get in between.
    for (let at = 0; at === 0 || at < frame.length; at += chunkBytes) {
      const data = frame.subarray(at, at + chunkBytes);
      const last = at + chunkBytes >= frame.length;
      if (!session.send({ blob: { digest, data, last, missing: false, zstd: true } })) await session.drained();
    }
  }

  private async frameOf(name: string): Promise<Buffer | null> {
    const cached = this.cache.get(name);
    if (cached !== undefined) {
      this.cache.delete(name);
      this.cache.set(name, cached);
      return cached;
    }
    const file = this.files.get(name);
    const bytes = file === undefined ? null : readChecked(file, name);
    if (bytes === null) return null;
    const frame = await compress(bytes, zstdFast);
    if (frame.length <= cacheBytes / 8) {
      this.cache.set(name, frame);
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

async function sendPack(session: Session<FromDelegator>, pack: readonly Small[]): Promise<void> {
  const whole = Buffer.concat(pack.map(({ bytes }) => bytes));
  const zstd = whole.length >= worthPacking;
  // At once: handing a pack to another thread and back costs as much as packing it.
  const data = zstd ? zstdCompressSync(whole, zstdFast) : whole;
  const digests = Buffer.concat(pack.map(({ digest }) => digest));
  if (!session.send({ pack: { digests, sizes: pack.map(({ bytes }) => bytes.length), data, zstd } })) {
    await session.drained();
  }
}

/** Null when the file is not what it was. Reading at once is cheaper than handing a small file to another thread. */
function readChecked(file: NamedFile, name: string): Buffer | null {
  try {
    const bytes = readFileSync(file.path);
    return hash('sha256', bytes, 'hex') === name ? bytes : null;
  } catch {
    return null;
  }
}
