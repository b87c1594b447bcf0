// What all entries of the store begin with: a magic word, a digest of all that follows it, and the entry's own key.
// So a half, flipped, foreign or misnamed file is noticed before anything of it is believed.
import { hash } from 'node:crypto';

const digestAt = 8;
const keyAt = digestAt + 32;
/** Where an entry's own bytes begin. */
export const bodyAt = keyAt + 32;

/** Eight ASCII characters; the last two count the versions of the format. */
export type Magic = 'tendrR01' | 'tendrU01';

/** A new entry of `bytes` bytes in all, still without its digest, in memory of its own that may be handed to another thread. */
export function blankEntry(magic: Magic, key: Uint8Array, bytes: number): Buffer {
  const entry = Buffer.allocUnsafeSlow(bytes);
  entry.write(magic, 0, 'latin1');
  entry.set(key, keyAt);
  return entry;
}

/** Fills in the digest. */
export function seal(entry: Uint8Array): void {
  entry.set(digestOf(entry), digestAt);
}

/** What is wrong with an entry, or null. */
export function faultOf(entry: Buffer, magic: Magic, key: Uint8Array): string | null {
  if (entry.length === 0) return 'empty';
  if (entry.length < bodyAt) return 'cut short';
  if (entry.toString('latin1', 0, digestAt) !== magic) return 'no entry of this store';
  if (entry.compare(digestOf(entry), 0, 32, digestAt, keyAt) !== 0) return 'its checksum is wrong';
  if (entry.compare(key, 0, 32, keyAt, bodyAt) !== 0) return 'it belongs under another name';
  return null;
}

function digestOf(entry: Uint8Array): Buffer {
  return hash('sha256', entry.subarray(keyAt), 'buffer');
}
