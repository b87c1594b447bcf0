// A file's bytes, read so that digest, parse and identity belong together even while someone writes to the file.
import { createHash, hash } from 'node:crypto';
import { isAscii } from 'node:buffer';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { parseDirectives } from '../../compiler/scan/parse.ts';
import type { ParsedFile } from '../../compiler/types.ts';
import type { Identity } from './identity.ts';
import { identityOf, isSettled, sameIdentity } from './identity.ts';

export interface Contents {
  readonly identity: Identity;
  /** An equal identity later means equal bytes. */
  readonly settled: boolean;
  readonly digest: Buffer;
  readonly size: number;
  readonly executable: boolean;
  /** Null when it was not asked for. */
  readonly parsed: ParsedFile | null;
}

const ATTEMPTS = 5;
const CHUNK_BYTES = 1 << 20;
/** Most texts are read into this one: a buffer for each would be most of the garbage of a first build. */
const scratch = Buffer.allocUnsafeSlow(CHUNK_BYTES);
/** Text longer than this is data (an #embed, an .incbin), not a program. */
const MAX_TEXT_BYTES = 64 << 20;

const NOTHING: ParsedFile = {
  directives: [],
  headerMacros: new Map(),
  usesTimestamp: false,
  comparesTimes: false,
  usesDate: false,
  assemblerFiles: [],
  hasAssemblerIncludes: false,
  lineFiles: [],
};

/** Reads a regular file; again when it changes meanwhile. Null when it cannot be read or does not stop changing. */
export function readContents(path: string, parse: boolean): Contents | null {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    let file: number;
    try {
      file = openSync(path, 'r');
    } catch {
      return null;
    }
    try {
      const contents = readOpen(file, parse);
      if (contents !== 'changed') return contents;
    } catch {
      return null;
    } finally {
      closeSync(file);
    }
  }
  return null;
}

function readOpen(file: number, parse: boolean): Contents | null | 'changed' {
  const readAtMs = Date.now();
  const before = fstatSync(file, { bigint: true });
  if (!before.isFile()) return null;
  const size = Number(before.size);
  const whole = parse && size <= MAX_TEXT_BYTES;
  const buffer = !whole || size < CHUNK_BYTES ? scratch : Buffer.allocUnsafe(size + 1);
  const hashing = whole ? null : createHash('sha256');
  let total = 0;
  // One byte more is asked for than there should be: an answer that is shorter by just that is the end.
  for (;;) {
    const from = hashing === null ? total : 0;
    const room = hashing === null ? size + 1 - total : CHUNK_BYTES;
    if (room <= 0) return 'changed';
    const got = readSync(file, buffer, from, room, null);
    if (got === 0) break;
    hashing?.update(buffer.subarray(0, got));
    total += got;
    if (hashing === null && total === size) break;
  }
  const after = fstatSync(file, { bigint: true });
  const identity = identityOf(after);
  if (total !== size || !sameIdentity(identityOf(before), identity)) return 'changed';
  const text = buffer.subarray(0, total);
  return {
    identity,
    settled: isSettled(identity, readAtMs),
    digest: hashing === null ? hash('sha256', text, 'buffer') : hashing.digest(),
    size,
    executable: (Number(after.mode) & 0o111) !== 0,
    parsed: parse ? (whole ? parseDirectives(decode(text)) : NOTHING) : null,
  };
}

function decode(bytes: Buffer): string {
  return isAscii(bytes) ? bytes.toString('latin1') : bytes.toString('utf8');
}
