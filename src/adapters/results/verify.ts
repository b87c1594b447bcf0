// Reads the whole store and believes nothing: what is not a whole entry under its own name is removed and told.
import fs from 'node:fs';
import { isEntryName, shardPaths } from './census.ts';
import { drop, errorCode, lookAt, readEntry, sweepTemporaries } from './disk.ts';
import { FilePool } from './pool.ts';
import { decodeResult, resultMagic } from './result-format.ts';
import { faultOf } from './seal.ts';
import type { StoreVerification } from './types.ts';
import { decodeUnit, unitMagic } from './unit-format.ts';

const maxTold = 100;

/** What is wrong with an entry whose bytes are `bytes`; null when it is whole. `name` is `ab/cdef….r`. */
export function faultInEntry(name: string, bytes: Buffer): string | null {
  const key = Buffer.from(name.slice(0, 2) + name.slice(3, 65), 'hex');
  const isResult = name.endsWith('.r');
  const fault = faultOf(bytes, isResult ? resultMagic : unitMagic, key);
  if (fault !== null) return fault;
  const decoded = isResult ? decodeResult(bytes) : decodeUnit(bytes, new FilePool());
  return decoded === null ? 'its lengths do not agree' : null;
}

export function verifyStore(root: string): StoreVerification {
  let checked = 0;
  let dropped = 0;
  const broken: { entry: string; why: string; removed: boolean }[] = [];
  const remove = (path: string, why: string): void => {
    const removed = drop(path);
    if (removed) dropped += 1;
    if (broken.length < maxTold) broken.push({ entry: path.slice(root.length + 1), why, removed });
  };
  for (const shard of shardPaths(root)) {
    const there = lookAt(shard);
    if (there === null) continue;
    if (!there.isDirectory()) {
      remove(shard, 'it is no directory');
      continue;
    }
    const names = listFirmly(shard);
    if (typeof names === 'string') {
      remove(shard, names);
      continue;
    }
    for (const name of names) {
      const path = `${shard}/${name}`;
      if (!isEntryName(name)) {
        remove(path, 'no entry of this store');
        continue;
      }
      // A check is no use: the order in which entries go stays as it is.
      const read = readEntry(path, Infinity);
      if (read.kind === 'absent') continue;
      checked += 1;
      const fault = read.kind === 'broken' ? read.why : faultInEntry(path.slice(root.length + 1), read.bytes);
      if (fault !== null) remove(path, fault);
    }
  }
  return { checked, dropped, swept: sweepTemporaries(root), broken };
}

/** Names in a directory of ours, whose mode somebody may have changed; or why they cannot be read. */
function listFirmly(directory: string): string[] | string {
  try {
    return fs.readdirSync(directory);
  } catch (thrown) {
    if (errorCode(thrown) === 'ENOENT') return [];
  }
  try {
    fs.chmodSync(directory, 0o700);
    return fs.readdirSync(directory);
  } catch (thrown) {
    return `it cannot be read (${errorCode(thrown)})`;
  }
}
