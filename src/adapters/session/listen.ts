// The delegator's end: the one TCP port on which workers knock. The door is a TLS 1.3 server of our own and not grpc-js's,
// because strangers must be few, quick or gone, and whoever is let in must have shown a certificate of the cluster first.
import type { AddressInfo, Socket } from 'node:net';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import tls from 'node:tls';
import * as grpc from '@grpc/grpc-js';
import { err, ok, type Result } from '../../base/result.ts';
import type { FromDelegator, FromWorker } from '../../wire/messages.ts';
import { fromDelegatorCodec, fromWorkerCodec } from '../../wire/session.ts';
import { channelOptions, sessionMethod, whyKey } from './channel.ts';
import { formatAddress, whyNotListening, whyTurnedAway } from './reasons.ts';
import { runStream, type Stream } from './stream.ts';
import { defaultLimits, type SessionHandlers, type SessionIdentity, type SessionLimits } from './types.ts';

export interface SessionServer {
  readonly port: number;
  /** Ends all sessions, tells the workers, and resolves when no connection is left. */
  close(): Promise<void>;
}

/** Members that hold a connection without a session for so long are sent away. */
const idleMs = 30_000;

export interface ListenOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly identity: SessionIdentity;
  readonly limits?: Partial<SessionLimits>;
  /** Someone was turned away at the door; `why` is for people. No handler hears of it. */
  readonly onRefused?: (address: string, why: string) => void;
}

/** Listens for workers. The error is a sentence for people. */
export async function listenSessions(
  options: ListenOptions,
  handlers: SessionHandlers<FromWorker, FromDelegator>,
): Promise<Result<SessionServer, string>> {
  const limits = { ...defaultLimits, ...options.limits };
  const service = serveSessions(options.identity, limits, handlers);
  const door = openDoor(options, limits, (socket, address) => service.accept(socket, address));
  return new Promise((resolve) => {
    door.server.once('error', (error) => resolve(err(whyNotListening(options.host, options.port, error))));
    door.server.listen({ host: options.host, port: options.port }, () => {
      // An accept that fails (too many files open) costs that one connection.
      door.server.removeAllListeners('error').on('error', () => undefined);
      const close = async (): Promise<void> => {
        const closed = door.close(limits.lingerMs);
        service.close();
        await closed;
      };
      resolve(ok({ port: (door.server.address() as AddressInfo).port, close }));
    });
  });
}

interface Door {
  readonly server: tls.Server;
  /** Lets nobody in any more, and waits for those inside, `lingerMs` at most. */
  close(lingerMs: number): Promise<void>;
}

function openDoor(
  { identity, onRefused }: ListenOptions,
  limits: SessionLimits,
  accept: (socket: TLSSocket, address: string) => void,
): Door {
  const { ca, cert, key } = identity;
  const inside = new Set<Socket>();
  /** By remote address and port, the one that waits longest first. */
  const outside = new Map<string, { readonly socket: Socket; problem: Error | null }>();
  const server = tls.createServer({
    ca,
    cert,
    key,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
    ALPNProtocols: ['h2'],
    handshakeTimeout: limits.handshakeTimeoutMs,
    noDelay: true,
  });
  server.maxConnections = limits.maxConnections;
  server.on('connection', (socket: Socket) => {
    const address = addressOf(socket);
    inside.add(socket);
    outside.set(address, { socket, problem: null });
    socket.once('close', () => {
      inside.delete(socket);
      const stranger = outside.get(address);
      if (stranger?.socket !== socket) return;
      outside.delete(address);
      onRefused?.(address, whyTurnedAway(stranger.problem));
    });
    if (outside.size > limits.maxHandshakes) outside.values().next().value?.socket.destroy();
  });
  server.on('tlsClientError', (error, socket) => {
    const stranger = outside.get(addressOf(socket));
    if (stranger !== undefined) stranger.problem ??= error;
    // After a time-out Node leaves the socket open.
    socket.destroy();
  });
  server.on('secureConnection', (socket) => {
    const address = addressOf(socket);
    outside.delete(address);
    // What breaks later is seen by HTTP/2, which ends the sessions on it.
    socket.on('error', () => undefined);
    accept(socket, address);
  });
  return {
    server,
    close: (lingerMs) =>
      new Promise((resolve) => {
        const timer = setTimeout(() => {
          for (const socket of inside) socket.destroy();
        }, lingerMs);
        server.close(() => {
          clearTimeout(timer);
          resolve();
        });
        for (const stranger of outside.values()) stranger.socket.destroy();
      }),
  };
}

interface Service {
  accept(socket: TLSSocket, address: string): void;
  close(): void;
}

function serveSessions(
  identity: SessionIdentity,
  limits: SessionLimits,
  handlers: SessionHandlers<FromWorker, FromDelegator>,
): Service {
  const sockets = new Map<string, TLSSocket>();
  const streams = new Set<Stream<FromDelegator>>();
  const server = new grpc.Server({
    ...channelOptions(limits),
    'grpc.max_concurrent_streams': 1,
    'grpc.max_connection_idle_ms': idleMs,
  });
  server.addService(
    { Session: sessionMethod },
    {
      Session: (call: grpc.ServerDuplexStream<Buffer, Buffer>) => {
        const certificate = call.getAuthContext().sslPeerCertificate as PeerCertificate | undefined;
        const peer = certificate === undefined ? null : identity.nodeIdOf(certificate);
        if (peer === null) {
          const details = 'its certificate names no node of this cluster, or was revoked';
          call.emit('error', { code: grpc.status.UNAUTHENTICATED, details });
          return;
        }
        call.sendMetadata(new grpc.Metadata());
        begin(call, peer);
      },
    },
  );
  const injector = server.createConnectionInjector(grpc.ServerCredentials.createInsecure());

  function begin(call: grpc.ServerDuplexStream<Buffer, Buffer>, peer: string): void {
    const from = call.getPeer();
    const socket = sockets.get(from);
    const stream = runStream(call, {
      peer,
      address: from.replace(/^(.*):(\d+)$/, (_all, host: string, port: string) => formatAddress(host, Number(port))),
      outCodec: fromDelegatorCodec,
      inCodec: fromWorkerCodec,
      handlers,
      maxMessageBytes: limits.maxMessageBytes,
      hangUp: (why) => {
        streams.delete(stream);
        const metadata = new grpc.Metadata();
        metadata.set(whyKey, Buffer.from(why));
        call.end(metadata);
        if (socket === undefined || socket.closed) return;
        const timer = setTimeout(() => socket.destroy(), limits.lingerMs);
        socket.once('close', () => clearTimeout(timer));
      },
    });
    streams.add(stream);
    // A connection that breaks looks at first like a half that was closed; a moment later its socket is gone or going.
    const endSoon = (why: string): void => {
      const end = (): void => stream.ended(socket?.writable === true ? why : 'the connection is gone');
      setImmediate(() => setImmediate(end));
    };
    call.on('error', (error) => stream.ended(error.message));
    call.on('end', () => endSoon('the other side closed the session'));
    call.on('cancelled', () => endSoon(`it broke off, or sent a message of more than ${limits.maxMessageBytes} bytes`));
    stream.opened();
  }

  return {
    accept: (socket) => {
      const key = `${socket.remoteAddress}:${socket.remotePort}`;
      sockets.set(key, socket);
      socket.once('close', () => {
        if (sockets.get(key) === socket) sockets.delete(key);
      });
      injector.injectConnection(socket);
    },
    close: () => {
      for (const stream of streams) stream.session.close('it is stopping');
      server.forceShutdown();
    },
  };
}

function addressOf(socket: Socket): string {
  return formatAddress(socket.remoteAddress ?? 'unknown', socket.remotePort ?? 0);
}
