// The virtual network: announcements may be lost, doubled, late or cut off; a session keeps its messages in order and
// loses none until it breaks, and both ends hear of that, each in its own time.
import type { Prng } from '../src/base/prng.ts';
import type { DelegatorEvent } from '../src/core/delegation/types.ts';
import type { NodeId } from '../src/core/types.ts';
import type { WorkerEvent } from '../src/core/worker/types.ts';
import type { VirtualClock } from './clock.ts';
import type { DelegatorNode } from './delegator-node.ts';
import type { MachineNode } from './machine-node.ts';
import type { Tally } from './tally.ts';
import type { NetworkPlan } from './types.ts';

type Heard = Extract<WorkerEvent, { type: 'announcement' }>;

/** A peer that answers no keepalive for so long has lost its connection (src/adapters/session). */
const KEEPALIVE_LOST_MS = 16_000;
const LATE_MAX_MS = 400;
const CONNECT_FAILS_AFTER_MS = 3000;

/** One ordered, reliable stream between a machine and a delegator, until it breaks. */
export interface Session {
  readonly machine: MachineNode;
  readonly delegator: DelegatorNode;
  broken: boolean;
  /** When the latest message of each direction arrives: none overtakes another. */
  toDelegatorAt: number;
  toMachineAt: number;
}

export class Network {
  readonly plan: NetworkPlan;
  readonly #clock: VirtualClock;
  readonly #prng: Prng;
  readonly #tally: Tally;
  readonly #sessions = new Set<Session>();
  /** Until when each sender's own link is busy with bytes. */
  readonly #linkFreeAt = new Map<object, number>();

  constructor(plan: NetworkPlan, clock: VirtualClock, prng: Prng, tally: Tally) {
    this.plan = plan;
    this.#clock = clock;
    this.#prng = prng;
    this.#tally = tally;
    for (const { fromMs, untilMs } of plan.partitions) {
      if (untilMs - fromMs > KEEPALIVE_LOST_MS) {
        clock.at(fromMs + KEEPALIVE_LOST_MS, { happen: () => this.#breakSeparated() }, null);
      }
    }
  }

  /** One way, without jitter. */
  distanceMs(site: number, other: number): number {
    return site === other ? this.plan.latencyMs : this.plan.farLatencyMs;
  }

  /** Gives each machine the announcement, as datagrams fare. */
  multicast(from: DelegatorNode, machines: readonly MachineNode[], event: Heard): void {
    const { loss, duplication, reordering } = this.plan;
    const number = this.#tally.announced();
    // One object for all receivers: an announcement to ten thousand machines must stay cheap.
    const deliver = { happen: (machine: MachineNode) => machine.hear(event, number) };
    let arrive = 0;
    for (const machine of machines) {
      if (this.#isSeparated(from.site, machine.site)) continue;
      let copies = duplication > 0 && this.#prng() < duplication ? 2 : 1;
      if (loss > 0 && this.#prng() < loss) copies -= 1;
      arrive += copies;
      for (; copies > 0; copies--) {
        const lateMs = reordering > 0 && this.#prng() < reordering ? this.#prng() * LATE_MAX_MS : 0;
        this.#clock.at(this.#clock.now + this.#latencyMs(from.site, machine.site) + lateMs, deliver, machine);
      }
    }
    this.#tally.reached(arrive);
  }

  /** Opens a session; the delegator hears of it first. What a lost network does not answer fails after a while. */
  connect(machine: MachineNode, id: NodeId, delegator: DelegatorNode | undefined): void {
    const arriveMs = 3 * this.#latencyMs(machine.site, delegator?.site ?? machine.site);
    const fails = this.plan.connectFailure !== undefined && this.#prng() < this.plan.connectFailure;
    machine.after(arriveMs, () => {
      if (delegator === undefined || delegator.gone || fails || this.#isSeparated(machine.site, delegator.site)) {
        machine.after(this.#prng() * CONNECT_FAILS_AFTER_MS, () => machine.sessionLost(id, null));
        return;
      }
      const session: Session = { machine, delegator, broken: false, toDelegatorAt: 0, toMachineAt: 0 };
      this.#sessions.add(session);
      delegator.happen(() => delegator.sessionOpened(session));
      session.toMachineAt = this.#clock.now + this.#latencyMs(machine.site, delegator.site);
      this.#clock.at(session.toMachineAt, machine, () => machine.sessionOpened(session));
    });
  }

  toDelegator(session: Session, event: DelegatorEvent): void {
    if (session.broken) return;
    const { machine, delegator } = session;
    session.toDelegatorAt = this.#arrival(machine, delegator, session.toDelegatorAt, 0);
    this.#clock.at(session.toDelegatorAt, delegator, () => {
      if (!session.broken) delegator.post(event);
    });
  }

  toMachine(session: Session, event: WorkerEvent, bytes: number): void {
    if (session.broken) return;
    const { machine, delegator } = session;
    session.toMachineAt = this.#arrival(delegator, machine, session.toMachineAt, bytes);
    this.#clock.at(session.toMachineAt, machine, () => {
      if (!session.broken) machine.post(event);
    });
  }

  /** Ends a session; each end hears of it within `toldWithinMs`. */
  breakSession(session: Session, toldWithinMs: number): void {
    if (session.broken) return;
    session.broken = true;
    this.#sessions.delete(session);
    const { machine, delegator } = session;
    machine.after(this.#prng() * toldWithinMs, () => machine.sessionLost(delegator.id, session));
    delegator.after(this.#prng() * toldWithinMs, () => delegator.sessionLost(machine.id, session));
  }

  /** Sessions that are up. */
  sessions(): Session[] {
    return [...this.#sessions];
  }

  breakAll(of: (session: Session) => boolean, toldWithinMs: number): void {
    for (const session of [...this.#sessions]) if (of(session)) this.breakSession(session, toldWithinMs);
  }

  /** Its kernel keeps the connections of a frozen process, but the peers ask for signs of life. */
  froze(node: MachineNode | DelegatorNode, forMs: number): void {
    if (forMs <= KEEPALIVE_LOST_MS) return;
    this.#clock.at(
      this.#clock.now + KEEPALIVE_LOST_MS,
      {
        happen: () => {
          if (node.frozen) this.breakAll((session) => session.machine === node || session.delegator === node, 0);
        },
      },
      null,
    );
  }

  #breakSeparated(): void {
    this.breakAll(({ machine, delegator }) => this.#isSeparated(machine.site, delegator.site), 0);
  }

  /** After what was sent before, after the bytes that are on the sender's link, and not during a partition. */
  #arrival(
    from: MachineNode | DelegatorNode,
    to: MachineNode | DelegatorNode,
    notBefore: number,
    bytes: number,
  ): number {
    let leaves = this.#clock.now;
    if (this.plan.bytesPerMs > 0 && bytes > 0) {
      leaves = Math.max(leaves, this.#linkFreeAt.get(from) ?? 0) + bytes / this.plan.bytesPerMs;
      this.#linkFreeAt.set(from, leaves);
    }
    for (const { fromMs, untilMs, sites } of this.plan.partitions) {
      const cuts = sites.includes(from.site) !== sites.includes(to.site);
      if (cuts && leaves >= fromMs && leaves < untilMs) leaves = untilMs;
    }
    return Math.max(notBefore, leaves + this.#latencyMs(from.site, to.site));
  }

  #isSeparated(site: number, other: number): boolean {
    const { now } = this.#clock;
    return this.plan.partitions.some(
      ({ fromMs, untilMs, sites }) => now >= fromMs && now < untilMs && sites.includes(site) !== sites.includes(other),
    );
  }

  #latencyMs(site: number, other: number): number {
    const distanceMs = this.distanceMs(site, other);
    return this.plan.jitter === 0 ? distanceMs : distanceMs * (1 + this.plan.jitter * (2 * this.#prng() - 1));
  }
}
