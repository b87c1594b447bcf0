// Sessions between agents: one gRPC stream each, opened by the worker, TLS 1.3 with certificates on both sides.
// The delegator is the server because it is the one who announced where it listens; blobs, awards and results share the stream,
// so that a unit costs no further round trip and no further handshake.
export { listenSessions, type SessionServer } from './listen.ts';
export { openSession } from './open.ts';
export type { Session, SessionHandlers, SessionIdentity } from './types.ts';
