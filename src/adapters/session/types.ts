// What the rest of the program knows of sessions: who speaks, what a session can do, what happens to it, and its limits.
// The same for both sides; only who opens it and which messages go which way differ.
import type { PeerCertificate } from 'node:tls';

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
  /** For people: `10.0.0.1:7437`, `[fe80::1%eth0]:7437`. */
  readonly address: string;
  readonly figures: { bytesIn: number; bytesOut: number };
  /**
   * False: the pipe is full; wait for `drained` before sending bulk. Messages are never dropped while the session is open;
   * on a session that has ended it does nothing and gives true.
   */
  send(message: Out): boolean;
  /** Resolves when the pipe takes more, or the session has ended. */
  drained(): Promise<void>;
  /** What was sent still goes out, for a short while; the other side learns `why` when that is the worker. */
  close(why: string): void;
}

/** `onOpen` at most once, `onClose` exactly once, also for a session that never opened; messages only in between. */
export interface SessionHandlers<In, Out> {
  onOpen(session: Session<Out>): void;
  onMessage(session: Session<Out>, message: In): void;
  /** `why` is a line for people. */
  onClose(session: Session<Out>, why: string): void;
}

export interface SessionLimits {
  /** A result carries whole objects; what is larger is refused by the worker with a reason before it is sent. */
  readonly maxMessageBytes: number;
  /** From the call to `openSession` to a session that works. */
  readonly openTimeoutMs: number;
  /** From an accepted TCP connection to a peer whose certificate is known to be good. */
  readonly handshakeTimeoutMs: number;
  /** A peer that is silent for both together is gone. */
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
  /** Strangers at the door; when one more comes, the one that has waited longest goes. */
  readonly maxHandshakes: number;
  readonly maxConnections: number;
  /** How long a session that ended may take to send the rest. */
  readonly lingerMs: number;
}

export const defaultLimits: SessionLimits = {
  maxMessageBytes: 256 * 1024 * 1024,
  openTimeoutMs: 5_000,
  handshakeTimeoutMs: 5_000,
  keepaliveMs: 10_000,
  keepaliveTimeoutMs: 6_000,
  maxHandshakes: 128,
  maxConnections: 4_096,
  lingerMs: 2_000,
};
