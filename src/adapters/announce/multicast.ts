// Announces to the whole LAN: UDP multicast, IPv4 and IPv6, out of every interface and in by every interface.
// One receiving socket per family holds all memberships; one sending socket per link, because the system chooses a single
// way out for a socket. Links come and go: what is joined is looked over every 10 s and after a failed send.
import type { Socket } from 'node:dgram';
import { isIPv4, isIPv6 } from 'node:net';
import { err, ok, type Result } from '../../base/result.ts';
import { listLinks, type Link } from './interfaces.ts';
import { createProblems, type Problems } from './problems.ts';
import { closeSocket, openSocket } from './sockets.ts';
import type { Announcer, OnDatagram, OnProblem } from './types.ts';

/** 239/8 is for use within an organisation, ff15 the same in IPv6; 84.68 and 5444 spell TD. */
export const defaultGroups: readonly string[] = ['239.255.84.68', 'ff15::5444'];
const rescanEveryMs = 10_000;
/** After a failed send, and not more often. */
const rescanSoonMs = 1_000;

export interface MulticastOptions {
  /** Group addresses, at most one per family. */
  readonly groups?: readonly string[];
  /** UDP port of the group. */
  readonly port: number;
  /** Names of interfaces; none: all. */
  readonly interfaces?: readonly string[];
  /** Routers to cross; 1 stays in the LAN. */
  readonly ttl?: number;
  readonly onDatagram: OnDatagram;
  readonly onProblem?: OnProblem;
  /** For tests: the links there are now. */
  readonly findLinks?: () => readonly Link[];
}

export interface Multicast extends Announcer {
  /** The links that announcements leave by now, e.g. `eth0 IPv4`. */
  readonly links: readonly string[];
  /** Looks over the links now, instead of when it is time. */
  rescan(): Promise<void>;
}

/** Joins the groups. Fails when not one of them can be heard at all; a single family or link that fails is a problem. */
export async function openMulticast(options: MulticastOptions): Promise<Result<Multicast, string>> {
  const { groups = defaultGroups, port, interfaces, onDatagram, onProblem = () => {} } = options;
  const problems = createProblems(onProblem);
  const families: Family[] = [];
  for (const group of groups) {
    const family = isIPv4(group) ? 'IPv4' : isIPv6(group) ? 'IPv6' : null;
    if (family === null) return err(`«${group}» is not an IPv4 or IPv6 multicast address`);
    if (families.some((it) => it.family === family)) return err(`two ${family} groups, and one is possible`);
    const onError = (text: string): void => problems.fails(`multicast ${family}`, text);
    const receiver = await openSocket({ family, port, share: true, onDatagram, onError });
    if (receiver.ok) families.push({ family, group, receiver: receiver.value, senders: new Map() });
    else problems.fails(`multicast ${family}`, receiver.error);
  }
  if (families.length === 0) return err(`cannot listen for announcements on UDP port ${port}, neither IPv4 nor IPv6`);
  const multicast = new MulticastAnnouncer(
    families,
    options,
    problems,
    options.findLinks ?? (() => listLinks(interfaces)),
  );
  await multicast.rescan();
  return ok(multicast);
}

interface Family {
  readonly family: 'IPv4' | 'IPv6';
  readonly group: string;
  readonly receiver: Socket;
  /** By the link's selector. */
  readonly senders: Map<string, { readonly link: Link; readonly socket: Socket }>;
}

class MulticastAnnouncer implements Multicast {
  private closed = false;
  private scanning: Promise<void> | null = null;
  private soon: NodeJS.Timeout | null = null;
  private readonly timer: NodeJS.Timeout;
  private readonly families: readonly Family[];
  private readonly options: MulticastOptions;
  private readonly problems: Problems;
  private readonly findLinks: () => readonly Link[];

  constructor(
    families: readonly Family[],
    options: MulticastOptions,
    problems: Problems,
    findLinks: () => readonly Link[],
  ) {
    this.families = families;
    this.options = options;
    this.problems = problems;
    this.findLinks = findLinks;
    this.timer = setInterval(() => void this.rescan(), rescanEveryMs).unref();
  }

  get links(): readonly string[] {
    return this.families.flatMap((it) => [...it.senders.values()].map(({ link }) => `${link.name} ${link.family}`));
  }

  announce(bytes: Uint8Array): void {
    if (this.closed) return;
    for (const { group, senders } of this.families) {
      for (const { link, socket } of senders.values()) {
        const what = describe(link);
        socket.send(bytes, this.options.port, group, (error) => {
          if (error === null) this.problems.works(what);
          else this.onSendError(link, senders, error);
        });
      }
    }
  }

  rescan(): Promise<void> {
    this.scanning ??= this.scan().finally(() => (this.scanning = null));
    return this.scanning;
  }

  async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.timer);
    if (this.soon !== null) clearTimeout(this.soon);
    await this.scanning;
    const sockets = this.families.flatMap((it) => [
      it.receiver,
      ...[...it.senders.values()].map(({ socket }) => socket),
    ]);
    await Promise.all(sockets.map(closeSocket));
  }

  private onSendError(link: Link, senders: Family['senders'], error: Error): void {
    // Many systems route no multicast through loopback; the other links carry it to this machine's own agents too.
    if (this.closed || link.loopback) return;
    this.problems.fails(describe(link), error.message);
    // An interface that was replaced by one of the same name leaves the socket bound to the old one: open it anew.
    const sender = senders.get(link.selector);
    senders.delete(link.selector);
    if (sender !== undefined) void closeSocket(sender.socket);
    this.soon ??= setTimeout(() => {
      this.soon = null;
      void this.rescan();
    }, rescanSoonMs).unref();
  }

  private async scan(): Promise<void> {
    const links = this.findLinks();
    for (const family of this.families) {
      const wanted = links.filter((it) => it.family === family.family);
      for (const [selector, { socket }] of family.senders) {
        if (wanted.some((it) => it.selector === selector)) continue;
        family.senders.delete(selector);
        this.leave(family, selector);
        await closeSocket(socket);
      }
      for (const link of wanted) {
        if (this.closed) return;
        // Joined again at every look: an interface that went and came back between two looks has lost its membership.
        const joined = this.join(family, link);
        if (joined && !family.senders.has(link.selector)) await this.addSender(family, link);
      }
    }
  }

  private join(family: Family, link: Link): boolean {
    try {
      family.receiver.addMembership(family.group, link.selector);
    } catch (thrown) {
      const { code, message } = thrown as NodeJS.ErrnoException;
      if (code === 'EADDRINUSE') return true;
      if (!link.loopback) this.problems.fails(describe(link), `cannot join ${family.group}: ${message}`);
      return false;
    }
    return true;
  }

  private leave(family: Family, selector: string): void {
    try {
      family.receiver.dropMembership(family.group, selector);
    } catch {
      // The link is gone, and its membership with it.
    }
  }

  private async addSender(family: Family, link: Link): Promise<void> {
    const opened = await openSocket({
      family: family.family,
      port: 0,
      share: false,
      onError: (text) => this.problems.fails(describe(link), text),
    });
    if (!opened.ok) return this.problems.fails(describe(link), opened.error);
    const socket = opened.value;
    try {
      socket.setMulticastInterface(link.selector);
      socket.setMulticastTTL(this.options.ttl ?? 1);
      socket.setMulticastLoopback(true);
    } catch (thrown) {
      if (!link.loopback) this.problems.fails(describe(link), (thrown as Error).message);
      return closeSocket(socket);
    }
    if (this.closed) return closeSocket(socket);
    family.senders.set(link.selector, { link, socket });
  }
}

function describe(link: Link): string {
  return `multicast ${link.family} on ${link.name}`;
}
