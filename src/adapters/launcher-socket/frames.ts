// The bytes between launcher and agent (docs/launcher-protocol.md), without any I/O: parsers fed with chunks as they
// come, encoders that give buffers. What is malformed is a value, so that a stranger's bytes never throw.
import { isUtf8 } from 'node:buffer';
import type { LauncherExit, LauncherReport, LauncherRequest } from './types.ts';

export const MAX_REQUEST_BYTES = 16 * 1024 * 1024;
/** What the launcher accepts in one answer. */
export const MAX_ANSWER_BYTES = 256 * 1024 * 1024;
const MAGIC = 0x52444e54; // TNDR
const REQUEST_HEAD_BYTES = 10;
const ANSWER_HEAD_BYTES = 5;
/** A report without what was printed; of that, the launcher keeps 64 KiB for each of two streams. */
const REPORT_HEAD_BYTES = 13;
const MAX_REPORT_BYTES = REPORT_HEAD_BYTES + 2 * (4 + 64 * 1024);
const REPORT_KIND = 0x44; // D

export type AnswerKind = 'H' | 'L' | 'C' | 'R' | 'K' | 'J' | 'E';
type RawRequest = { readonly kind: 'compile' | 'control'; readonly body: Buffer };

/** Bytes that arrive in any pieces and are taken in whole ones; each byte is copied at most once. */
class Inbox {
  #chunks: Buffer[] = [];
  length = 0;

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.length += chunk.length;
  }

  /** The first `count` bytes, left in place; the caller knows that they are there. */
  peek(count: number): Buffer {
    const first = this.#chunks[0];
    if (first !== undefined && first.length >= count) return first.subarray(0, count);
    const all = Buffer.concat(this.#chunks, this.length);
    this.#chunks = [all];
    return all.subarray(0, count);
  }

  take(count: number): Buffer {
    const taken = this.peek(count);
    const first = this.#chunks[0];
    if (first !== undefined) {
      if (first.length === count) this.#chunks.shift();
      else this.#chunks[0] = first.subarray(count);
    }
    this.length -= count;
    return taken;
  }
}

/** Collects one request. `push` gives null while it is incomplete, the request, or `'malformed'`. */
export class RequestParser {
  #inbox = new Inbox();
  #kind: 'compile' | 'control' | null = null;
  #length = 0;

  push(chunk: Buffer): RawRequest | 'malformed' | null {
    this.#inbox.push(chunk);
    if (this.#kind === null) {
      if (this.#inbox.length < REQUEST_HEAD_BYTES) return null;
      const head = this.#inbox.take(REQUEST_HEAD_BYTES);
      const kind = head[5];
      this.#length = head.readUInt32LE(6);
      if (head.readUInt32LE(0) !== MAGIC || head[4] !== 1 || this.#length > MAX_REQUEST_BYTES) return 'malformed';
      if (kind !== 1 && kind !== 2) return 'malformed';
      this.#kind = kind === 1 ? 'compile' : 'control';
    }
    if (this.#inbox.length > this.#length) return 'malformed';
    return this.#inbox.length < this.#length ? null : { kind: this.#kind, body: this.#inbox.take(this.#length) };
  }
}

/** Collects the one report of a launcher. `push` gives null while it is incomplete, the report, or `'malformed'`. */
export class ReportParser {
  #inbox = new Inbox();

  push(chunk: Buffer): LauncherReport | 'malformed' | null {
    this.#inbox.push(chunk);
    if (this.#inbox.length < ANSWER_HEAD_BYTES) return null;
    const head = this.#inbox.peek(ANSWER_HEAD_BYTES);
    const length = head.readUInt32LE(1);
    if (head[0] !== REPORT_KIND || length > MAX_REPORT_BYTES) return 'malformed';
    if (this.#inbox.length < ANSWER_HEAD_BYTES + length) return null;
    if (this.#inbox.length > ANSWER_HEAD_BYTES + length) return 'malformed';
    return parseReport(this.#inbox.take(ANSWER_HEAD_BYTES + length).subarray(ANSWER_HEAD_BYTES)) ?? 'malformed';
  }
}

function parseReport(body: Buffer): LauncherReport | null {
  if (body.length < REPORT_HEAD_BYTES + 8) return null;
  const stdoutEnd = REPORT_HEAD_BYTES + 4 + body.readUInt32LE(REPORT_HEAD_BYTES);
  if (stdoutEnd + 4 > body.length || stdoutEnd + 4 + body.readUInt32LE(stdoutEnd) !== body.length) return null;
  const stdout = body.subarray(REPORT_HEAD_BYTES + 4, stdoutEnd);
  const stderr = body.subarray(stdoutEnd + 4);
  return {
    exit: { how: body[0] === 0 ? 'exit' : 'signal', code: body.readUInt32LE(1) },
    cpuMs: body.readUInt32LE(5) / 1000,
    printed: body.readUInt32LE(9) === 0 ? null : { stdout, stderr },
  };
}

/** Splits an agent's answers. `push` gives the complete frames, or `'malformed'`. */
export class AnswerParser {
  #inbox = new Inbox();

  push(chunk: Buffer): { kind: AnswerKind; body: Buffer }[] | 'malformed' {
    this.#inbox.push(chunk);
    const frames: { kind: AnswerKind; body: Buffer }[] = [];
    while (this.#inbox.length >= ANSWER_HEAD_BYTES) {
      const head = this.#inbox.peek(ANSWER_HEAD_BYTES);
      const kind = String.fromCharCode(head[0] ?? 0);
      const length = head.readUInt32LE(1);
      if (!isAnswerKind(kind) || length > MAX_ANSWER_BYTES) return 'malformed';
      if (this.#inbox.length < ANSWER_HEAD_BYTES + length) break;
      frames.push({ kind, body: this.#inbox.take(ANSWER_HEAD_BYTES + length).subarray(ANSWER_HEAD_BYTES) });
    }
    return frames;
  }
}

function isAnswerKind(kind: string): kind is AnswerKind {
  return kind.length === 1 && 'HLCRKJE'.includes(kind);
}

/** Reads the body of a compile request; null when it is malformed. */
export function parseCompileRequest(body: Buffer): LauncherRequest | null {
  let at = 0;
  let good = true;
  let validUtf8 = true;
  const u32 = (): number => {
    if (!good || at + 4 > body.length) {
      good = false;
      return 0;
    }
    at += 4;
    return body.readUInt32LE(at - 4);
  };
  const str = (): string => {
    const length = u32();
    if (!good || at + length > body.length) {
      good = false;
      return '';
    }
    const text = body.toString('utf8', at, at + length);
    // Bytes that are not UTF-8 decode to this character, which a text may also hold as such.
    if (text.includes('\uFFFD')) validUtf8 &&= isUtf8(body.subarray(at, at + length));
    at += length;
    return text;
  };
  const list = (): string[] => {
    const count = u32();
    const texts: string[] = [];
    // Each text takes four bytes at least: a count beyond that is a lie, and not worth a loop.
    if (count * 4 > body.length - at) good = false;
    for (let i = 0; i < count && good; i++) texts.push(str());
    return texts;
  };
  const flags = u32();
  const umask = u32() & 0o777;
  const compiler = str();
  const cwd = str();
  const argv = list();
  const env = list();
  if (!good || at !== body.length || argv.length === 0 || !compiler.startsWith('/')) return null;
  return {
    stderrIsTerminal: (flags & 1) !== 0,
    stdoutIsTerminal: (flags & 2) !== 0,
    umask,
    compiler,
    cwd,
    argv,
    env,
    validUtf8,
  };
}

/** The bytes of a control request. */
export function encodeControlRequest(json: unknown): Buffer {
  const body = Buffer.from(JSON.stringify(json));
  const head = Buffer.alloc(REQUEST_HEAD_BYTES);
  head.writeUInt32LE(MAGIC, 0);
  head[4] = 1;
  head[5] = 2;
  head.writeUInt32LE(body.length, 6);
  return Buffer.concat([head, body]);
}

/** One answer frame. */
export function encodeAnswer(kind: AnswerKind, ...body: readonly Uint8Array[]): Buffer {
  const head = Buffer.alloc(ANSWER_HEAD_BYTES);
  head[0] = kind.charCodeAt(0);
  head.writeUInt32LE(
    body.reduce((sum, part) => sum + part.length, 0),
    1,
  );
  return Buffer.concat([head, ...body]);
}

/** A `str`: its length, then its bytes. */
export function encodeStr(text: string | Uint8Array): Buffer {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length, 0);
  return Buffer.concat([length, bytes]);
}

/** An `R` frame. */
export function encodeResult(
  exit: LauncherExit,
  renames: readonly (readonly [from: string, to: string])[],
  stdout: Uint8Array,
  stderr: Uint8Array,
): Buffer {
  const head = Buffer.alloc(9);
  head[0] = exit.how === 'signal' ? 1 : 0;
  head.writeUInt32LE(exit.code, 1);
  head.writeUInt32LE(renames.length, 5);
  return encodeAnswer('R', head, ...renames.flat().map(encodeStr), encodeStr(stdout), encodeStr(stderr));
}
