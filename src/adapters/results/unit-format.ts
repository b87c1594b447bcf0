// What is known of a unit as one file: paths, then files (a path, a digest, a resolution), then manifests as lists of file
// numbers. Manifests of a unit differ in few files, so eight of them take little more than one.
import { blankEntry, bodyAt } from './seal.ts';
import { Numbering, type FilePool, type InternedFile } from './pool.ts';

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
  const paths = new Numbering<InternedFile['name']>();
  const files = new Numbering<InternedFile>();
  let count = 0;
  let bytes = bodyAt + headBytes;
  for (const manifest of manifests.slice(0, maxManifests)) {
    bytes += 36 + 4 * manifest.files.length;
    for (const file of manifest.files) {
      if (!files.add(file)) continue;
      bytes += fileBytes;
      if (!paths.add(file.name)) continue;
      if (file.name.bytes > maxPathBytes) return null;
      bytes += 2 + file.name.bytes;
    }
    // The oldest go when eight are too much.
    if (bytes > maxUnitBytes) return count === 0 ? null : encodeUnit(key, manifests.slice(0, count));
    count += 1;
  }
  const entry = blankEntry(unitMagic, key, bytes);
  let at = entry.writeUInt32LE(paths.list.length, bodyAt);
  at = entry.writeUInt32LE(files.list.length, at);
  at = entry.writeUInt32LE(count, at);
  for (const path of paths.list) {
    at = entry.writeUInt16LE(path.bytes, at);
    at += entry.write(path.text, at);
  }
  for (const file of files.list) {
    at = entry.writeUInt32LE(file.name.number, at);
    at += entry.write(file.raw, at, 'latin1');
  }
  for (const manifest of manifests.slice(0, count)) {
    entry.set(manifest.resultKey, at);
    at = entry.writeUInt32LE(manifest.files.length, at + 32);
    for (const file of manifest.files) at = entry.writeUInt32LE(file.number, at);
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
