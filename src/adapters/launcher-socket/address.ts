// A Unix socket's address holds 107 bytes; a longer path is reached through /proc/self/fd and an open directory.
import { open } from 'node:fs/promises';
import { basename, dirname } from 'node:path';

const MAX_ADDRESS_BYTES = 107;

export interface SocketAddress {
  /** What to give to listen or connect. */
  readonly address: string;
  /** To be called when the socket is closed (a listening one) or connected. */
  readonly release: () => Promise<void>;
}

/** The address of the socket at `path`. Rejects as `open` does when its directory cannot be opened. */
export async function openSocketAddress(path: string): Promise<SocketAddress> {
  if (Buffer.byteLength(path) <= MAX_ADDRESS_BYTES) return { address: path, release: async () => undefined };
  const directory = await open(dirname(path), 'r');
  return { address: `/proc/self/fd/${directory.fd}/${basename(path)}`, release: () => directory.close() };
}
