// Sessions between agents: one gRPC stream each, opened by the worker, TLS 1.3 with certificates on both sides.
// The delegator is the server because it is the one who announced where it listens; blobs, awards and results share the stream,
// so that a unit costs no further round trip and no further handshake.
import type { PeerCertificate } from 'node:tls';
import tls from 'node:tls';
import * as grpc from '@grpc/grpc-js';
import { err, ok, type Result } from '../../base/result.ts';
import type { FromDelegator, FromWorker } from '../../wire/messages.ts';
import { fromDelegatorCodec, fromWorkerCodec, type Codec } from '../../wire/session.ts';

// grpc-js offers no way to set it per channel; nothing in this program speaks anything older.
tls.DEFAULT_MIN_VERSION = 'TLSv1.3';

/** The certificates a side presents and trusts (PEM), and how it reads a peer's identity: null refuses the peer. */
export interface SessionIdentity {
  readonly ca: Buffer;
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly nodeIdOf: (certificate: PeerCertificate) => string | null;
}

/** One side of an open session. Bytes are payload bytes before TLS. */
export interface Session<Out> {
  readonly peer: string;
  readonly address: string;
  readonly figures: { bytesIn: number; bytesOut: number };
  /** False: the pipe is full; wait for `drained` before sending bulk. Messages are never dropped while the session is open. */
  send(message: Out): boolean;
  /** Resolves when the pipe takes more, or the session has ended. */
  drained(): Promise<void>;
  close(why: string): void;
}

export interface SessionHandlers<In, Out> {
  onOpen(session: Session<Out>): void;
  onMessage(session: Session<Out>, message: In): void;
  onClose(session: Session<Out>, why: string): void;
}

// A result carries whole objects; what is larger is refused by the worker with a reason before it is sent.
export const maxMessageBytes = 256 * 1024 * 1024;

const channelOptions: grpc.ChannelOptions = {
  'grpc.max_receive_message_length': maxMessageBytes,
  'grpc.max_send_message_length': maxMessageBytes,
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 6_000,
  'grpc.keepalive_permit_without_calls': 1,
  'grpc.enable_retries': 0,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.initial_reconnect_backoff_ms': 200,
};

// Frames are encoded and decoded in runStream: there a bad one ends its session with a reason, and every byte is counted.
const same = (bytes: Buffer): Buffer => bytes;
const sessionMethod: grpc.MethodDefinition<Buffer, Buffer> = {
  path: '/tender.v1.Delegator/Session',
  requestStream: true,
  responseStream: true,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
};

export interface SessionServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Listens for workers on `host`:`port` (0: any free one). The error is a sentence for people. */
export async function listenSessions(
  options: { host: string; port: number; identity: SessionIdentity },
  handlers: SessionHandlers<FromWorker, FromDelegator>,
): Promise<Result<SessionServer, string>> {
  const server = new grpc.Server({ ...channelOptions, 'grpc.max_concurrent_streams': 16 });
  server.addService(
    { Session: sessionMethod },
    {
      Session: (call: grpc.ServerDuplexStream<Buffer, Buffer>) => {
        const certificate = call.getAuthContext().sslPeerCertificate as PeerCertificate | undefined;
        const peer = certificate === undefined ? null : options.identity.nodeIdOf(certificate);
        if (peer === null) {
          call.emit('error', { code: grpc.status.UNAUTHENTICATED, details: 'this certificate is not of our cluster' });
          return;
        }
        runStream(call, peer, call.getPeer(), fromDelegatorCodec, fromWorkerCodec, handlers, () => call.end());
      },
    },
  );
  const { ca, cert, key } = options.identity;
  const credentials = grpc.ServerCredentials.createSsl(ca, [{ private_key: key, cert_chain: cert }], true);
  return new Promise((resolve) => {
    server.bindAsync(
      `${options.host.includes(':') ? `[${options.host}]` : options.host}:${options.port}`,
      credentials,
      (error, port) => {
        if (error !== null) {
          resolve(err(`cannot listen on ${options.host} port ${options.port}: ${error.message}`));
          return;
        }
        resolve(
          ok({
            port,
            close: () =>
              new Promise<void>((closed) => {
                server.forceShutdown();
                closed();
              }),
          }),
        );
      },
    );
  });
}

/** Opens a session to the delegator at an address; it must present the certificate of node `delegator`. */
export function openSession(
  options: { host: string; port: number; delegator: string; identity: SessionIdentity },
  handlers: SessionHandlers<FromDelegator, FromWorker>,
): { close(): void } {
  const { ca, cert, key, nodeIdOf } = options.identity;
  const credentials = grpc.credentials.createSsl(ca, key, cert, {
    checkServerIdentity: (_host, certificate) =>
      nodeIdOf(certificate) === options.delegator
        ? undefined
        : new Error(`the machine there is not ${options.delegator}`),
  });
  const target = `${options.host.includes(':') ? `ipv6:[${options.host}]` : `ipv4:${options.host}`}:${options.port}`;
  const client = new grpc.Client(target, credentials, channelOptions);
  const call = client.makeBidiStreamRequest(sessionMethod.path, same, same);
  const hangUp = (): void => {
    call.cancel();
    client.close();
  };
  const address = `${options.host}:${options.port}`;
  const session = runStream(call, options.delegator, address, fromWorkerCodec, fromDelegatorCodec, handlers, hangUp);
  return { close: () => session.close('closed here') };
}

interface Stream {
  write(message: Buffer): boolean;
  on(event: 'data', listener: (message: Buffer) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'end' | 'close' | 'cancelled' | 'drain', listener: () => void): unknown;
}

function runStream<In, Out>(
  call: Stream,
  peer: string,
  address: string,
  outCodec: Codec<Out>,
  inCodec: Codec<In>,
  handlers: SessionHandlers<In, Out>,
  hangUp: () => void,
): Session<Out> {
  let open = true;
  let full = false;
  let waiting: (() => void)[] = [];
  const wake = (): void => {
    full = false;
    const woken = waiting;
    waiting = [];
    for (const resume of woken) resume();
  };
  const end = (why: string): void => {
    if (!open) return;
    open = false;
    hangUp();
    wake();
    handlers.onClose(session, why);
  };
  const session: Session<Out> = {
    peer,
    address,
    figures: { bytesIn: 0, bytesOut: 0 },
    send: (message) => {
      if (!open) return true;
      const bytes = outCodec.encode(message);
      session.figures.bytesOut += bytes.length;
      full = !call.write(bytes);
      return !full;
    },
    drained: () => (open && full ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve()),
    close: end,
  };
  call.on('drain', wake);
  call.on('data', (bytes) => {
    if (!open) return;
    session.figures.bytesIn += bytes.length;
    let message: In;
    try {
      message = inCodec.decode(bytes);
    } catch (error) {
      end(`${peer} sent a message that cannot be read: ${(error as Error).message}`);
      return;
    }
    handlers.onMessage(session, message);
  });
  call.on('error', (error) => end(error.message));
  call.on('end', () => end('the other side closed the session'));
  call.on('cancelled', () => end('the other side is gone'));
  call.on('close', () => end('the connection is gone'));
  handlers.onOpen(session);
  return session;
}
