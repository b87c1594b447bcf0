// One JSON value each way over a connection: a big-endian u32 length and that many bytes of UTF-8.
// The length is limited before a byte of it is kept, and the wait for it too.
import type { Socket } from 'node:net';
import { err, ok, type Result } from '../../base/result.ts';

/** A signing request or a certificate with its chain takes under 4 KiB. */
export const maxFrameBytes = 16 * 1024;

/** Sends one value. */
export function writeFrame(socket: Socket, value: unknown): void {
  const body = Buffer.from(JSON.stringify(value), 'utf8');
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  socket.write(Buffer.concat([length, body]));
}

export type FrameProblem =
  /** The other side left without a word. */
  'ended' | 'too-slow' | 'too-large' | 'not-json' | 'failed';

/** Waits for one JSON object. Bytes after it are ignored. */
export function readFrame(socket: Socket, timeoutMs: number): Promise<Result<Record<string, unknown>, FrameProblem>> {
  return new Promise((resolve) => {
    let received: Buffer = Buffer.alloc(0);
    const finish = (result: Result<Record<string, unknown>, FrameProblem>): void => {
      clearTimeout(timer);
      socket.off('data', onData).off('end', onEnd).off('close', onEnd).off('error', onError);
      resolve(result);
    };
    const onData = (chunk: Buffer): void => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 4) return;
      const length = received.readUInt32BE(0);
      if (length > maxFrameBytes) finish(err('too-large'));
      else if (received.length >= 4 + length) finish(parse(received.toString('utf8', 4, 4 + length)));
    };
    const onEnd = (): void => finish(err('ended'));
    const onError = (): void => finish(err('failed'));
    const timer = setTimeout(() => finish(err('too-slow')), timeoutMs);
    socket.on('data', onData).on('end', onEnd).on('close', onEnd).on('error', onError);
  });
}

function parse(text: string): Result<Record<string, unknown>, FrameProblem> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return ok(value as Record<string, unknown>);
  } catch {
    // Falls through to the same answer.
  }
  return err('not-json');
}
