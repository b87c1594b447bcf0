// What is known of a unit as one file: paths, then files (a path, a digest, a resolution), then manifests as lists of file
// numbers. Manifests of a unit differ in few files, so eight of them take little more than one.
import { blankEntry, bodyAt } from './seal.ts';
import type { FilePool, InternedFile } from './pool.ts';

export const unitMagic = 'tendrU01';
export const maxManifests = 8;

const headBytes = 12;
const maxPathBytes = 0xffff;
/** A digest and a resolution. */
const fileBytes = 4 + 48;
const maxUnitBytes = 16 * 2 ** 20;

/** A manifest whose files are the pool's. */
export interface PooledManifest {
  readonly files: readonly InternedFile[];
  readonly resultKey: Uint8Array;
}

/** The first manifests that fit, at most eight; null when not even the first does. Not sealed yet. */
export function encodeUnit(key: Uint8Array, manifests: readonly PooledManifest[]): Buffer | null {
  const paths = new Map<string, number>();
  const files = new Map<InternedFile, number>();
  const numbers: number[] = [];
  const kept: PooledManifest[] = [];
  let bytes = bodyAt + headBytes;
  for (const manifest of manifests.slice(0, maxManifests)) {
    bytes += 36 + 4 * manifest.files.length;
    for (const file of manifest.files) {
      let number = files.get(file);
      if (number === undefined) {
        number = files.size;
        files.set(file, number);
        bytes += fileBytes;
        if (!paths.has(file.path)) {
          const pathBytes = Buffer.byteLength(file.path);
          if (pathBytes > maxPathBytes) return null;
          paths.set(file.path, paths.size);
          bytes += 2 + pathBytes;
        }
      }
      numbers.push(number);
    }
    // The oldest go when eight are too much.
    if (bytes > maxUnitBytes) return kept.length === 0 ? null : encodeUnit(key, kept);
    kept.push(manifest);
  }
  const entry = blankEntry(unitMagic, key, bytes);
  let at = entry.writeUInt32LE(paths.size, bodyAt);
  at = entry.writeUInt32LE(files.size, at);
  at = entry.writeUInt32LE(kept.length, at);
  for (const path of paths.keys()) {
    const written = entry.write(path, at + 2, 'utf8');
    entry.writeUInt16LE(written, at);
    at += 2 + written;
  }
  for (const file of files.keys()) {
    at = entry.writeUInt32LE(paths.get(file.path) ?? 0, at);
    entry.write(file.raw, at, 'latin1');
    at += 48;
  }
  let next = 0;
  for (const manifest of kept) {
    entry.set(manifest.resultKey, at);
    at = entry.writeUInt32LE(manifest.files.length, at + 32);
    for (let i = 0; i < manifest.files.length; i++) at = entry.writeUInt32LE(numbers[next++] ?? 0, at);
  }
  return entry;
}

/** Of an entry whose seal is whole; null when its counts do not agree all the same. */
export function decodeUnit(entry: Buffer, pool: FilePool): PooledManifest[] | null {
  if (entry.length < bodyAt + headBytes) return null;
  const pathCount = entry.readUInt32LE(bodyAt);
  const fileCount = entry.readUInt32LE(bodyAt + 4);
  const manifestCount = entry.readUInt32LE(bodyAt + 8);
  let at = bodyAt + headBytes;
  if (pathCount * 2 + fileCount * fileBytes + manifestCount * 36 > entry.length - at) return null;
  const paths: string[] = [];
  for (let i = 0; i < pathCount; i++) {
    if (at + 2 > entry.length) return null;
    const end = at + 2 + entry.readUInt16LE(at);
    if (end > entry.length) return null;
    paths.push(entry.toString('utf8', at + 2, end));
    at = end;
  }
  if (at + fileCount * fileBytes > entry.length) return null;
  const files: InternedFile[] = [];
  for (let i = 0; i < fileCount; i++, at += fileBytes) {
    const path = paths[entry.readUInt32LE(at)];
    if (path === undefined) return null;
    files.push(pool.intern(path, entry, at + 4));
  }
  const manifests: PooledManifest[] = [];
  for (let i = 0; i < manifestCount; i++) {
    if (at + 36 > entry.length) return null;
    const resultKey = Uint8Array.from(entry.subarray(at, at + 32));
    const count = entry.readUInt32LE(at + 32);
    at += 36;
    if (at + 4 * count > entry.length) return null;
    const chosen: InternedFile[] = [];
    for (let j = 0; j < count; j++, at += 4) {
      const file = files[entry.readUInt32LE(at)];
      if (file === undefined) return null;
      chosen.push(file);
    }
    manifests.push({ files: chosen, resultKey });
  }
  return at === entry.length ? manifests : null;
}
