// One gRPC stream as a session, the same on both sides: frames ↔ messages, back pressure, and one end, whatever comes first.
import { oneLine } from './reasons.ts';
import type { Codec } from '../../wire/session.ts';
import type { Session, SessionHandlers } from './types.ts';

/** What a session needs of a gRPC call, of either side. */
export interface Call {
  write(message: Buffer): boolean;
  on(event: 'data', listener: (message: Buffer) => void): unknown;
  on(event: 'drain', listener: () => void): unknown;
}

export interface StreamOptions<In, Out> {
  readonly peer: string;
  readonly address: string;
  readonly outCodec: Codec<Out>;
  readonly inCodec: Codec<In>;
  readonly handlers: SessionHandlers<In, Out>;
  readonly maxMessageBytes: number;
  /** Ends the call: `flush` lets go out what was sent before. Called once. */
  hangUp(why: string, flush: boolean): void;
}

export interface Stream<Out> {
  readonly session: Session<Out>;
  /** Tells the handlers that the session is open. Only the first call counts. */
  opened(): void;
  /** Ends the session because the call has failed or ended. Only the first end counts. */
  ended(why: string): void;
}

export function runStream<In, Out>(call: Call, options: StreamOptions<In, Out>): Stream<Out> {
  const { peer, address, handlers } = options;
  let state: 'opening' | 'open' | 'ended' = 'opening';
  let full = false;
  let waiting: (() => void)[] = [];
  const wake = (): void => {
    full = false;
    const woken = waiting;
    waiting = [];
    for (const resume of woken) resume();
  };
  const end = (why: string, flush: boolean): void => {
    if (state === 'ended') return;
    state = 'ended';
    const line = oneLine(why);
    options.hangUp(line, flush);
    wake();
    handlers.onClose(session, line);
  };
  const session: Session<Out> = {
    peer,
    address,
    figures: { bytesIn: 0, bytesOut: 0 },
    send: (message) => {
      if (state === 'ended') return true;
      const bytes = options.outCodec.encode(message);
      if (bytes.length > options.maxMessageBytes) {
        end(`a message of ${bytes.length} bytes cannot be sent, at most ${options.maxMessageBytes}`, true);
        return true;
      }
      session.figures.bytesOut += bytes.length;
      full = !call.write(bytes);
      return !full;
    },
    drained: () => (state !== 'ended' && full ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve()),
    close: (why) => end(why, true),
  };
  const opened = (): void => {
    if (state !== 'opening') return;
    state = 'open';
    handlers.onOpen(session);
  };
  call.on('drain', wake);
  call.on('data', (bytes) => {
    if (state !== 'open') return;
    session.figures.bytesIn += bytes.length;
    let message: In;
    try {
      message = options.inCodec.decode(bytes);
    } catch (error) {
      end(`${peer} sent a message that cannot be read: ${(error as Error).message}`, true);
      return;
    }
    handlers.onMessage(session, message);
  });
  return { session, opened, ended: (why) => end(why, false) };
}
