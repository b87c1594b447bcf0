// Announces to named peers: one datagram to each, for fixed farms, containers and routed networks.
// Names are looked up again every minute, so that a peer may move.
import { lookup } from 'node:dns/promises';
import type { Socket } from 'node:dgram';
import { isIP, isIPv6 } from 'node:net';
import { err, ok, type Result } from '../../base/result.ts';
import { createProblems, type Problems } from './problems.ts';
import { closeSocket, openSocket } from './sockets.ts';
import type { Announcer, OnDatagram, OnProblem } from './types.ts';

const lookupAgainMs = 60_000;
const lookupAgainAfterFailureMs = 10_000;
/** A name may have many addresses; a copy to each of a few is enough, and the hearer drops copies. */
const maxAddresses = 4;

export interface Peer {
  /** A name, an IPv4 or an IPv6 address without brackets. */
  readonly host: string;
  readonly port: number;
}

export interface ListOptions {
  /** `host`, `host:port`, `1.2.3.4:port`, `[v6]:port`, `v6`. */
  readonly peers: readonly string[];
  /** Of peers that name none. */
  readonly defaultPort: number;
  /** UDP port to hear on; 0: any free one; not given: `defaultPort`. */
  readonly listenPort?: number;
  readonly onDatagram: OnDatagram;
  readonly onProblem?: OnProblem;
  /** For tests: looks a name up. */
  readonly resolve?: (host: string) => Promise<readonly { readonly address: string; readonly family: number }[]>;
}

export interface List extends Announcer {
  /** The UDP port that it hears on. */
  readonly port: number;
}

/** Opens the port, IPv4 and IPv6 as far as there are. Fails on a peer that cannot be read or a port that is taken. */
export async function openList(options: ListOptions): Promise<Result<List, string>> {
  const { defaultPort, onDatagram, onProblem = () => {} } = options;
  const problems = createProblems(onProblem);
  const peers: Peer[] = [];
  for (const text of options.peers) {
    const peer = parsePeer(text, defaultPort);
    if (!peer.ok) return peer;
    peers.push(peer.value);
  }
  let port = options.listenPort ?? defaultPort;
  const sockets = new Map<4 | 6, Socket>();
  const failures: string[] = [];
  for (const family of [4, 6] as const) {
    const opened = await openSocket({
      family: `IPv${family}`,
      port,
      share: false,
      onDatagram,
      onError: (text) => problems.fails(`announcements by IPv${family}`, text),
    });
    if (opened.ok) {
      sockets.set(family, opened.value);
      port = opened.value.address().port;
    } else {
      failures.push(opened.error);
    }
  }
  // IPv6 may be missing; a port that is taken in one family is another program's.
  if (sockets.size === 0 || failures.some((it) => it.includes('EADDRINUSE'))) {
    await Promise.all([...sockets.values()].map(closeSocket));
    return err(`cannot listen for announcements on UDP port ${port}: ${failures.join('; ')}`);
  }
  return ok(new ListAnnouncer(peers, sockets, port, problems, options.resolve ?? resolveName));
}

class ListAnnouncer implements List {
  readonly port: number;
  private closed = false;
  private readonly peers: readonly Peer[];
  private readonly sockets: ReadonlyMap<4 | 6, Socket>;
  private readonly problems: Problems;
  private readonly resolve: NonNullable<ListOptions['resolve']>;
  private readonly known = new Map<string, { addresses: Promise<readonly Target[]>; untilMs: number }>();

  constructor(
    peers: readonly Peer[],
    sockets: ReadonlyMap<4 | 6, Socket>,
    port: number,
    problems: Problems,
    resolve: NonNullable<ListOptions['resolve']>,
  ) {
    this.peers = peers;
    this.sockets = sockets;
    this.port = port;
    this.problems = problems;
    this.resolve = resolve;
  }

  announce(bytes: Uint8Array): void {
    for (const peer of this.peers) {
      void this.find(peer.host).then((targets) => {
        for (const target of targets) this.send(bytes, peer, target);
      });
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.all([...this.sockets.values()].map(closeSocket));
  }

  private send(bytes: Uint8Array, peer: Peer, target: Target): void {
    const socket = this.sockets.get(target.family);
    if (this.closed || socket === undefined) return;
    const what = `announcements to ${peer.host} (${target.address})`;
    socket.send(bytes, peer.port, target.address, (error) => {
      if (error === null) this.problems.works(what);
      else if (!this.closed) this.problems.fails(what, error.message);
    });
  }

  private find(host: string): Promise<readonly Target[]> {
    const version = isIP(host);
    if (version === 4 || version === 6) return Promise.resolve([{ address: host, family: version }]);
    const nowMs = performance.now();
    const known = this.known.get(host);
    if (known !== undefined && known.untilMs > nowMs) return known.addresses;
    const entry = { untilMs: nowMs + lookupAgainMs, addresses: this.lookUp(host) };
    this.known.set(host, entry);
    void entry.addresses.then((targets) => {
      if (targets.length === 0) entry.untilMs = Math.min(entry.untilMs, nowMs + lookupAgainAfterFailureMs);
    });
    return entry.addresses;
  }

  private async lookUp(host: string): Promise<readonly Target[]> {
    const what = `announcements to ${host}`;
    try {
      const found = await this.resolve(host);
      this.problems.works(what);
      return found.slice(0, maxAddresses).map(({ address }) => ({ address, family: isIPv6(address) ? 6 : 4 }));
    } catch (thrown) {
      if (!this.closed) this.problems.fails(what, (thrown as Error).message);
      return [];
    }
  }
}

interface Target {
  readonly address: string;
  readonly family: 4 | 6;
}

function resolveName(host: string): Promise<readonly { readonly address: string; readonly family: number }[]> {
  return lookup(host, { all: true });
}

/** Reads `host`, `host:port`, `[v6]:port` or a bare IPv6 address; the error says which peer and why. */
export function parsePeer(text: string, defaultPort: number): Result<Peer, string> {
  const trimmed = text.trim();
  const bracketed = /^\[([^\]]+)\](?::(\d+))?$/.exec(trimmed);
  const plain = isIPv6(trimmed) ? null : /^([^:[\]\s/]+)(?::(\d+))?$/.exec(trimmed);
  const host = bracketed?.[1] ?? plain?.[1] ?? (isIPv6(trimmed) ? trimmed : null);
  const portText = bracketed?.[2] ?? plain?.[2];
  const port = portText === undefined ? defaultPort : Number(portText);
  if (host === null || (bracketed !== null && !isIPv6(host))) {
    return err(`the peer «${text}» is not a name, an address, NAME:PORT or [IPv6]:PORT`);
  }
  if (port < 1 || port > 65_535) return err(`the peer «${text}» has no port between 1 and 65535`);
  return ok({ host, port });
}
