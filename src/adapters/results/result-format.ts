// A stored result as one file: fixed fields, a row per output, then all bytes one after the other, so that reading it is one
// read and the outputs are views of it.
import { blankEntry, bodyAt } from './seal.ts';
import type { StoredOutput, StoredResult } from './types.ts';

export const resultMagic = 'tendrR01';

/** ranMs, cpuMs as doubles; the lengths of stdout and stderr, the number of outputs. */
const headBytes = 8 + 8 + 4 + 4 + 4;
/** size as a double; index, mode, length, zstd. */
const rowBytes = 8 + 4 + 4 + 4 + 4;
const maxOutputs = 4096;

/** Of the whole entry; not a whole number of bytes when the result cannot be kept. */
export function resultBytes(result: StoredResult): number {
  let bytes = bodyAt + headBytes + result.stdout.length + result.stderr.length;
  for (const output of result.outputs) bytes += rowBytes + output.data.length;
  return result.outputs.length > maxOutputs ? Infinity : bytes;
}

/** Not sealed yet. `bytes` is what `resultBytes` says. */
export function encodeResult(key: Uint8Array, result: StoredResult, bytes: number): Buffer {
  const entry = blankEntry(resultMagic, key, bytes);
  let at = entry.writeDoubleLE(result.ranMs, bodyAt);
  at = entry.writeDoubleLE(result.cpuMs, at);
  at = entry.writeUInt32LE(result.stdout.length, at);
  at = entry.writeUInt32LE(result.stderr.length, at);
  at = entry.writeUInt32LE(result.outputs.length, at);
  for (const output of result.outputs) {
    at = entry.writeDoubleLE(output.size, at);
    at = entry.writeUInt32LE(output.index, at);
    at = entry.writeUInt32LE(output.mode, at);
    at = entry.writeUInt32LE(output.data.length, at);
    at = entry.writeUInt32LE(output.zstd ? 1 : 0, at);
  }
  for (const data of [result.stdout, result.stderr, ...result.outputs.map((output) => output.data)]) {
    entry.set(data, at);
    at += data.length;
  }
  return entry;
}

/** Of an entry whose seal is whole; null when its lengths do not agree all the same. */
export function decodeResult(entry: Buffer): StoredResult | null {
  if (entry.length < bodyAt + headBytes) return null;
  const stdoutBytes = entry.readUInt32LE(bodyAt + 16);
  const stderrBytes = entry.readUInt32LE(bodyAt + 20);
  const count = entry.readUInt32LE(bodyAt + 24);
  let row = bodyAt + headBytes;
  let at = row + count * rowBytes;
  if (count > maxOutputs || at > entry.length) return null;
  const take = (bytes: number): Buffer => entry.subarray(at, (at += bytes));
  const stdout = take(stdoutBytes);
  const stderr = take(stderrBytes);
  const outputs: StoredOutput[] = [];
  for (let i = 0; i < count; i++, row += rowBytes) {
    outputs.push({
      size: entry.readDoubleLE(row),
      index: entry.readUInt32LE(row + 8),
      mode: entry.readUInt32LE(row + 12),
      data: take(entry.readUInt32LE(row + 16)),
      zstd: entry.readUInt32LE(row + 20) === 1,
    });
  }
  if (at !== entry.length) return null;
  return { stdout, stderr, outputs, ranMs: entry.readDoubleLE(bodyAt), cpuMs: entry.readDoubleLE(bodyAt + 8) };
}
