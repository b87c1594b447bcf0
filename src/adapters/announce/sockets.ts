// UDP sockets whose failures are values, and which drop what is too long before anyone looks at it.
import { createSocket, type Socket, type SocketOptions } from 'node:dgram';
import { err, ok, type Result } from '../../base/result.ts';
import { maxDatagramBytes, type OnDatagram } from './types.ts';

/**
 * Opens and binds. Later errors of the socket go to `onError`.
 * @returns the bound socket, or the system's words for why not
 */
export function openSocket(options: {
  readonly family: 'IPv4' | 'IPv6';
  readonly port: number;
  readonly address?: string;
  /** Several sockets, also of several processes, may share the port; multicast comes to all of them. */
  readonly share: boolean;
  readonly onDatagram?: OnDatagram;
  readonly onError: (text: string) => void;
}): Promise<Result<Socket, string>> {
  const { family, port, address, share, onDatagram, onError } = options;
  return new Promise((resolve) => {
    const how: SocketOptions =
      family === 'IPv4' ? { type: 'udp4', reuseAddr: share } : { type: 'udp6', reuseAddr: share, ipv6Only: true };
    const socket = createSocket(how);
    const onBindError = (error: Error): void => {
      socket.close();
      resolve(err(error.message));
    };
    socket.once('error', onBindError);
    if (onDatagram !== undefined) {
      socket.on('message', (bytes, from) => {
        if (bytes.length > maxDatagramBytes) return;
        onDatagram(bytes, { host: from.address, port: from.port, family });
      });
    }
    socket.bind({ port, ...(address === undefined ? {} : { address }) }, () => {
      socket.off('error', onBindError);
      socket.on('error', (error) => onError(error.message));
      resolve(ok(socket));
    });
  });
}

/** Closes, and settles when it is closed; a socket that is closed already is fine. */
export function closeSocket(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    try {
      socket.close(() => resolve());
    } catch {
      resolve();
    }
  });
}
