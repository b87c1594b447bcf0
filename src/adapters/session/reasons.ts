// Why a session did not come about or ended, as a line for people. Node's, OpenSSL's and gRPC's own words mostly name
// neither the machine nor the cause, so the causes that occur are known here by their codes.

/** `10.0.0.1:7437`, `[fe80::1%eth0]:7437`; an IPv4 address that came through an IPv6 socket is shown as what it is. */
export function formatAddress(host: string, port: number): string {
  const plain = host.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');
  return plain.includes(':') ? `[${plain}]:${port}` : `${plain}:${port}`;
}

/** Words of the other side, or with its words in them: one line, printable, not without end. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cs}\u2028-\u202e\u2066-\u2069]+/gu, ' ').slice(0, 500);
}

/** Thrown into TLS when the certificate is good but names someone else. */
export class WrongNode extends Error {}

const noConnection: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EHOSTUNREACH: 'no route to it',
  ENETUNREACH: 'no route to it',
  EHOSTDOWN: 'it is down',
  ETIMEDOUT: 'no answer',
  ENOTFOUND: 'no such name',
  EAI_AGAIN: 'its name cannot be looked up',
  EINVAL: 'not an address that can be reached from here',
  EADDRNOTAVAIL: 'not an address that can be reached from here',
  ENODEV: 'this machine has no such interface',
  EMFILE: 'this process has too many files open',
};

/** Why TCP did not come about, from an error's text: grpc-js keeps only that. Null: it says nothing of TCP. */
export function whyNoConnection(address: string, details: string): string | null {
  const code = /\b(?:connect|getaddrinfo) (E[A-Z_]+)\b/.exec(details)?.[1];
  return code === undefined ? null : `cannot connect to ${address}: ${noConnection[code] ?? code}`;
}

/** Why the handshake failed with a machine that answered, as the side that opens the session sees it. */
export function whyNoHandshake(address: string, problem: Error | null): string {
  if (problem instanceof WrongNode) return problem.message;
  const code = (problem as NodeJS.ErrnoException | null)?.code ?? '';
  if (/ALERT_PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/.test(code)) return `${address} does not speak TLS 1.3`;
  if (/_ALERT_/.test(code)) return `${address} does not accept this machine's certificate`;
  if (/EXPIRED/.test(code)) return `the certificate of ${address} has expired: it must join the cluster again`;
  if (/NOT_YET_VALID/.test(code)) return `the certificate of ${address} is not yet valid: is a clock wrong?`;
  if (/SELF_SIGNED|UNABLE_TO|CERT_|SIGNATURE/.test(code)) return `${address} is not a machine of this cluster`;
  if (/^ERR_SSL_|^EPROTO/.test(code)) return `${address} does not speak TLS`;
  // A server that looks at our certificate does so after our side of TLS 1.3 is done, and Node's then just hangs up.
  return `${address} hung up before the session began: it does not accept this machine's certificate, or is stopping`;
}

/** Why a stranger was turned away at the door, as the listening side sees it. */
export function whyTurnedAway(problem: Error | null): string {
  const code = (problem as NodeJS.ErrnoException | null)?.code ?? '';
  if (code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE') return 'it showed no certificate';
  if (code === 'ERR_TLS_HANDSHAKE_TIMEOUT') return 'it did not finish the handshake in time';
  if (code === 'ERR_SSL_UNSUPPORTED_PROTOCOL') return 'it does not speak TLS 1.3';
  if (code.startsWith('ERR_SSL_')) return 'it does not speak TLS as a machine of the cluster does';
  return 'its certificate is not of our cluster, or it gave up';
}

/** Why this machine cannot listen; `details` is the system's own word for what is not known here. */
export function whyNotListening(host: string, port: number, error: NodeJS.ErrnoException): string {
  const known: Readonly<Record<string, string>> = {
    EADDRINUSE: 'the port is in use',
    EADDRNOTAVAIL: 'this machine has no such address',
    EAFNOSUPPORT: 'this machine has no such kind of address',
    EACCES: 'not allowed',
  };
  return `cannot listen on ${host} port ${port}: ${known[error.code ?? ''] ?? error.message}`;
}
