// Everything of an agent that listens or speaks beyond its own Unix socket: there is none of it without a cluster.
// Announcements go out by the configured ways and come in here; sessions are accepted here; invites are served while they are open.
import { randomBytes } from 'node:crypto';
import { openList } from '../../adapters/announce/list.ts';
import { openMulticast } from '../../adapters/announce/multicast.ts';
import type { Announcer, Sender } from '../../adapters/announce/types.ts';
import { listAddresses } from '../../adapters/cluster/addresses.ts';
import { startEnrolment, type Enrolment } from '../../adapters/cluster/enrolment.ts';
import { createInvite, listOpenInvites } from '../../adapters/cluster/invites.ts';
import { admitPeer } from '../../adapters/cluster/tls.ts';
import type { Cluster } from '../../adapters/cluster/types.ts';
import type { Config } from '../../adapters/config/config.ts';
import {
  listenSessions,
  type SessionHandlers,
  type SessionIdentity,
  type SessionServer,
} from '../../adapters/session/session.ts';
import { err, ok, type Result } from '../../base/result.ts';
import type { Announcement } from '../../core/types.ts';
import type { DelegatorAddress } from '../../core/worker/types.ts';
import { openAnnouncement, signWhatFits } from '../../wire/announcement.ts';
import type { FromDelegator, FromWorker } from '../../wire/messages.ts';
import { createReplayWindow } from '../../wire/replay.ts';

export interface NetworkEvents {
  sessions: SessionHandlers<FromWorker, FromDelegator>;
  heard(announcement: Announcement, from: DelegatorAddress): void;
  /** Something that a person may want to mend; `what` names the same trouble by the same words. */
  problem(what: string, why: string): void;
}

export function sessionIdentity(cluster: Cluster): SessionIdentity {
  return {
    ca: Buffer.from(cluster.caCert),
    cert: Buffer.from(cluster.nodeCert),
    key: Buffer.from(cluster.nodeKey),
    nodeIdOf: (certificate) => {
      const admitted = admitPeer(cluster, certificate);
      return admitted.ok ? admitted.value : null;
    },
  };
}

export class Network {
  readonly cluster: Cluster;
  private readonly home: string;
  private readonly events: NetworkEvents;
  private readonly replays = createReplayWindow();
  private server: SessionServer | null = null;
  private announcers: Announcer[] = [];
  private enrolment: Enrolment | null = null;

  private constructor(home: string, cluster: Cluster, events: NetworkEvents) {
    this.home = home;
    this.cluster = cluster;
    this.events = events;
  }

  /** Opens the session server and the announcers. The error is a sentence for people. */
  static async open(
    home: string,
    cluster: Cluster,
    config: Config['network'],
    events: NetworkEvents,
  ): Promise<Result<Network, string>> {
    const network = new Network(home, cluster, events);
    const identity = sessionIdentity(cluster);
    const onRefused = (address: string, why: string): void => events.problem('session', `${address}: ${why}`);
    let server = await listenSessions({ host: config.host, port: config.port, identity, onRefused }, events.sessions);
    if (!server.ok && config.host === '::') {
      // A machine without IPv6.
      server = await listenSessions({ host: '0.0.0.0', port: config.port, identity, onRefused }, events.sessions);
    }
    if (!server.ok && config.port !== 0) {
      // The usual port is taken, as by a second agent on this machine; announcements say which one it is.
      events.problem('port', `${server.error}; listening on another port`);
      server = await listenSessions({ host: config.host, port: 0, identity, onRefused }, events.sessions);
    }
    if (!server.ok) return server;
    network.server = server.value;
    const onDatagram = (bytes: Uint8Array, from: Sender): void => network.datagram(bytes, from);
    const onProblem = (why: string): void => events.problem('announce', why);
    const opened: Result<Announcer, string>[] = [];
    if (config.announce.includes('multicast')) {
      const { groups, group_port: port, interfaces, ttl } = config;
      opened.push(await openMulticast({ groups, port, interfaces, ttl, onDatagram, onProblem }));
    }
    if (config.announce.includes('list')) {
      // Named peers hear on the port that their sessions use, so that one number describes a machine. Where that is the groups'
      // port too, the socket of the groups hears both.
      const heard = opened.some((announcer) => announcer.ok) && network.port === config.group_port;
      const { peers, group_port: defaultPort } = config;
      opened.push(await openList({ peers, defaultPort, listenPort: heard ? 0 : network.port, onDatagram, onProblem }));
    }
    for (const announcer of opened) {
      if (announcer.ok) network.announcers.push(announcer.value);
      else events.problem('announce', announcer.error);
    }
    await network.resumeInvites();
    return ok(network);
  }

  get port(): number {
    return this.server?.port ?? 0;
  }

  announce(announcement: Announcement): void {
    const key = this.cluster.announcementKeys.at(-1);
    if (key === undefined) return;
    const signed = signWhatFits(announcement, {
      clusterId8: this.cluster.clusterId8,
      key: key.key,
      keyNumber: key.number,
      nowMs: Date.now(),
      nonce: randomBytes(12),
    });
    if (!signed.ok) return this.events.problem('announce', signed.error.detail);
    for (const announcer of this.announcers) announcer.announce(signed.value);
  }

  /** Makes a token and listens for the one who brings it. */
  async invite(minutes: number): Promise<Result<string, string>> {
    const enrolment = await this.openEnrolment(0);
    if (!enrolment.ok) return enrolment;
    const invite = createInvite({ home: this.home, minutes, addresses: listAddresses(), port: enrolment.value.port });
    if (!invite.ok) return err(`${invite.error.message}; ${invite.error.hint}`);
    return ok(invite.value.token);
  }

  async close(): Promise<void> {
    await Promise.all(this.announcers.map((announcer) => announcer.close()));
    await this.enrolment?.close();
    await this.server?.close();
  }

  /** Invites outlive the agent that made them: their token names the port. */
  private async resumeInvites(): Promise<void> {
    const open = this.cluster.isAuthority ? listOpenInvites(this.home) : [];
    const port = open[0]?.port;
    if (port === undefined) return;
    const opened = await this.openEnrolment(port);
    if (!opened.ok) this.events.problem('invite', opened.error);
  }

  private async openEnrolment(port: number): Promise<Result<Enrolment, string>> {
    if (this.enrolment !== null) return ok(this.enrolment);
    const started = await startEnrolment({ home: this.home, port });
    if (!started.ok) return err(`${started.error.message}; ${started.error.hint}`);
    this.enrolment = started.value;
    void started.value.done.then(() => (this.enrolment = null));
    return ok(started.value);
  }

  private datagram(bytes: Uint8Array, from: Sender): void {
    const opened = openAnnouncement(bytes, {
      keys: this.cluster.announcementKeys,
      clusterId8: this.cluster.clusterId8,
      nowMs: Date.now(),
      seen: this.replays,
    });
    if (!opened.ok) {
      if (opened.error.why !== 'replay') this.events.problem('datagram', `from ${from.host}: ${opened.error.detail}`);
      return;
    }
    if (opened.value.delegator === this.cluster.nodeId) return;
    this.events.heard(opened.value, { host: from.host, port: opened.value.port });
  }
}
