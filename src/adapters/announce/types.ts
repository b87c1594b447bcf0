// A way to reach workers: bytes out, bytes in. What the bytes mean, and whether to believe them, is not known here.

/** Datagrams above this are dropped unread: Tender sends no such. */
export const maxDatagramBytes = 1_500;

/** Where a datagram came from. `host` of a link-local address names the interface too: `fe80::1%eth0`. */
export interface Sender {
  readonly host: string;
  readonly port: number;
  readonly family: 'IPv4' | 'IPv6';
}

/** Hears datagrams, copies included: one datagram may come by several interfaces, and one's own come back. */
export type OnDatagram = (bytes: Uint8Array, from: Sender) => void;

/** Hears what does not work, for people; each once, until it has worked again in between. */
export type OnProblem = (text: string) => void;

export interface Announcer {
  /** Sends to all whom this announcer reaches. Never throws, never waits; what fails goes to `onProblem`. */
  announce(bytes: Uint8Array): void;
  /** Ends sending and hearing; settles when the sockets are closed. */
  close(): Promise<void>;
}
