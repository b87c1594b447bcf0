// One TLS 1.3 connection for one gRPC channel, so that the session knows why it failed and can end it at any moment:
// grpc-js by itself knows no time-out, no `fe80::1%eth0` (it makes a URL of it), and keeps an error's text only.
import tls from 'node:tls';
import * as grpc from '@grpc/grpc-js';
import { WrongNode } from './reasons.ts';
import type { SessionIdentity } from './types.ts';

const scheme = 'tender';
const addressOption = 'tender.address';
/** Stands in the :authority header and in the TLS greeting; who is there, the certificate says. */
const authority = 'delegator.tender';

type ResolverArguments = ConstructorParameters<Parameters<typeof grpc.experimental.registerResolver>[1]>;

/** «Resolves» every target to the address in the channel's options, whatever net.connect takes. */
class OneAddress implements grpc.experimental.Resolver {
  private readonly listener: ResolverArguments[1];
  private readonly address: grpc.experimental.SubchannelAddress;
  private told = false;

  constructor(...[, listener, options]: ResolverArguments) {
    this.listener = listener;
    this.address = options[addressOption] as grpc.experimental.SubchannelAddress;
  }

  updateResolution(): void {
    if (this.told) return;
    this.told = true;
    process.nextTick(() => {
      if (!this.told) return;
      const endpoints = [{ addresses: [this.address] }];
      this.listener(grpc.experimental.statusOrFromValue(endpoints), {}, null, '');
    });
  }

  destroy(): void {
    this.told = false;
  }

  static getDefaultAuthority(): string {
    return authority;
  }
}
grpc.experimental.registerResolver(scheme, OneAddress);

/** Lends a channel its connection, and never shares it with another channel. */
class DialCredentials extends grpc.ChannelCredentials {
  private readonly connector: grpc.experimental.SecureConnector;

  constructor(connector: grpc.experimental.SecureConnector) {
    super();
    this.connector = connector;
  }

  _isSecure(): boolean {
    return true;
  }

  _equals(other: grpc.ChannelCredentials): boolean {
    return other === this;
  }

  _createSecureConnector(): grpc.experimental.SecureConnector {
    return this.connector;
  }
}

export interface Dial {
  readonly target: string;
  readonly credentials: grpc.ChannelCredentials;
  readonly options: grpc.ChannelOptions;
  /** What went wrong after TCP had come about; null: nothing, or nothing that anyone said. */
  problem(): Error | null;
  /** True: TCP has come about. */
  reached(): boolean;
  /** Ends the connection after `lingerMs`, or at once when it never came up; it may end by itself before. */
  end(lingerMs: number): void;
}

/** Prepares a connection to the node `delegator` at an address; nothing happens before a channel asks for it. */
export function prepareDial(options: {
  readonly host: string;
  readonly port: number;
  /** The same for people. */
  readonly address: string;
  readonly delegator: string;
  readonly identity: SessionIdentity;
}): Dial {
  const { ca, cert, key, nodeIdOf } = options.identity;
  const giveUp = new AbortController();
  let socket: tls.TLSSocket | null = null;
  let problem: Error | null = null;
  return {
    target: `${scheme}:session`,
    credentials: new DialCredentials({
      connect: (tcp) =>
        new Promise((resolve, reject) => {
          const secured = tls.connect({
            socket: tcp,
            ca,
            cert,
            key,
            minVersion: 'TLSv1.3',
            ALPNProtocols: ['h2'],
            servername: authority,
            checkServerIdentity: (_host, certificate) => {
              const found = nodeIdOf(certificate);
              if (found === options.delegator) return undefined;
              return new WrongNode(
                found === null
                  ? `${options.address} is no node of this cluster, or was revoked`
                  : `${options.address} is node ${found} and not ${options.delegator}`,
              );
            },
          });
          socket = secured;
          secured.on('error', (error) => {
            problem ??= error;
            reject(error);
          });
          secured.once('close', () => reject(new Error('the connection was closed')));
          secured.once('secureConnect', () => resolve({ socket: secured, secure: true }));
        }),
      waitForReady: () => Promise.resolve(),
      getCallCredentials: () => grpc.CallCredentials.createEmpty(),
      destroy: () => undefined,
    }),
    options: { [addressOption]: { host: options.host, port: options.port, signal: giveUp.signal } },
    problem: () => problem,
    reached: () => socket !== null,
    end: (lingerMs) => {
      if (socket === null) return giveUp.abort();
      if (socket.closed) return;
      const ending = socket;
      const timer = setTimeout(() => ending.destroy(), lingerMs);
      ending.once('close', () => clearTimeout(timer));
    },
  };
}
