// A small world around the real machines: delegators and workers on a virtual network with latency, lost and
// reordered announcements, broken sessions, crashes, freezes, returning owners and strangers. A seed replays it all.
import { createPrng } from '../../base/prng.ts';
import type { Prng } from '../../base/prng.ts';
import type { DelegatorEvent } from '../delegation/types.ts';
import type { NodeId } from '../types.ts';
import type { WorkerEvent } from '../worker/types.ts';
import { Checker } from './checker.ts';
import { VirtualClock } from './clock.ts';
import { DelegatorNode } from './delegator-node.ts';
import { WorkerNode } from './worker-node.ts';

/** Deliberate bugs, to show that the checker sees them. */
export type Mutation =
  | 'none'
  | 'cancel-unheard'
  | 'loser-delivered'
  | 'local-end-unheard'
  | 'run-local-twice'
  | 'one-slot-too-many'
  | 'memory-forgotten'
  | 'lease-for-ever';

export interface Plan {
  readonly delegators: number;
  readonly workers: number;
  readonly tasksEach: number;
  /** Faults happen until then; tasks are submitted in the first half. */
  readonly stormMs: number;
  /** Mean time between faults of each kind; Infinity: none. */
  readonly faultEveryMs: number;
  readonly announcementLoss: number;
  /** All workers die for good at half time. */
  readonly workersVanish: boolean;
  readonly mutation: Mutation;
}

/** One ordered, reliable stream between a worker and a delegator, until it breaks. */
export interface Session {
  readonly worker: WorkerNode;
  readonly delegator: DelegatorNode;
  broken: boolean;
  toDelegatorAt: number;
  toWorkerAt: number;
}

export class World {
  readonly clock = new VirtualClock();
  readonly checker = new Checker();
  readonly prng: Prng;
  readonly plan: Plan;
  readonly delegators: DelegatorNode[];
  readonly workers: WorkerNode[];

  constructor(seed: number, plan: Plan) {
    this.prng = createPrng(seed);
    this.plan = plan;
    this.workers = Array.from({ length: plan.workers }, (_, i) => new WorkerNode(this, `w${i}`));
    this.delegators = Array.from({ length: plan.delegators }, (_, i) => new DelegatorNode(this, `d${i}`));
  }

  /** Runs the storm and then the calm; throws when an invariant breaks or something never ends. */
  run(): void {
    for (const worker of this.workers) worker.boot();
    for (const delegator of this.delegators) delegator.boot();
    this.#planFaults();
    while (this.clock.advance(this.plan.stormMs));
    for (const node of [...this.workers, ...this.delegators]) if (!node.gone) node.thaw();
    // Three deadlines of five minutes, and the pauses between them, are the longest that a task may take.
    const until = this.plan.stormMs + 3_000_000;
    while (this.checker.open().length > 0 && this.clock.now < until) {
      const slice = this.clock.now + 10_000;
      while (this.clock.advance(slice));
    }
    const calm = this.clock.now + 60_000;
    while (this.clock.advance(calm));
    this.checker.allEnded();
    for (const worker of this.workers) if (!worker.gone) worker.checkQuiet();
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.prng();
  }

  pick<T>(items: readonly T[]): T | undefined {
    return items[Math.floor(this.prng() * items.length)];
  }

  chance(probability: number): boolean {
    return this.prng() < probability;
  }

  latencyMs(): number {
    return this.chance(0.05) ? this.between(1, 400) : this.between(0.2, 5);
  }

  /** Opens a session; the delegator hears of it first. Fails when the delegator is not there. */
  connect(worker: WorkerNode, id: NodeId): void {
    const delegator = this.delegators.find((node) => node.id === id);
    const born = worker.incarnation;
    this.clock.after(2 * this.latencyMs(), () => {
      if (worker.incarnation !== born || worker.gone) return;
      if (delegator === undefined || delegator.gone || this.chance(0.05)) {
        this.clock.after(this.between(1, 500), () => {
          if (worker.incarnation === born) worker.sessionLost(id, null);
        });
        return;
      }
      const session: Session = { worker, delegator, broken: false, toDelegatorAt: 0, toWorkerAt: 0 };
      delegator.sessionOpened(session);
      worker.sessionOpened(session);
    });
  }

  breakSession(session: Session): void {
    if (session.broken) return;
    session.broken = true;
    const { worker, delegator } = session;
    const [w, d] = [worker.incarnation, delegator.incarnation];
    this.clock.after(this.between(0, 3000), () => {
      if (worker.incarnation === w) worker.sessionLost(delegator.id, session);
    });
    this.clock.after(this.between(0, 3000), () => {
      if (delegator.incarnation === d) delegator.sessionLost(worker.id, session);
    });
  }

  toDelegator(session: Session, event: DelegatorEvent): void {
    if (session.broken) return;
    session.toDelegatorAt = Math.max(session.toDelegatorAt, this.clock.now + this.latencyMs());
    this.clock.at(session.toDelegatorAt, () => {
      session.delegator.receive(() => {
        if (!session.broken) session.delegator.post(event);
      });
    });
  }

  toWorker(session: Session, event: WorkerEvent): void {
    if (session.broken) return;
    session.toWorkerAt = Math.max(session.toWorkerAt, this.clock.now + this.latencyMs());
    this.clock.at(session.toWorkerAt, () => {
      session.worker.receive(() => {
        if (!session.broken) session.worker.post(event);
      });
    });
  }

  #planFaults(): void {
    const { stormMs, faultEveryMs, workersVanish } = this.plan;
    if (workersVanish) {
      this.clock.at(stormMs / 2, () => {
        for (const worker of this.workers) worker.crash(Infinity);
      });
    }
    const faults: (() => void)[] = [
      () => this.#breakAny(),
      () => this.pick(this.workers)?.crash(this.between(500, 20_000)),
      () => this.pick(this.workers)?.freeze(this.between(500, 15_000)),
      () => this.pick(this.delegators)?.freeze(this.between(500, 12_000)),
      () => this.pick(this.workers)?.pause(this.between(500, 20_000)),
      () => this.pick(this.workers)?.hearStranger(),
      () => this.pick(this.delegators)?.hearStranger(),
      () => this.pick(this.delegators)?.hearLiar(),
    ];
    if (this.chance(0.2)) this.clock.at(this.between(0, stormMs), () => this.pick(this.delegators)?.crash());
    for (const fault of faults) this.#repeat(fault, faultEveryMs, stormMs);
  }

  #repeat(fault: () => void, everyMs: number, untilMs: number): void {
    if (everyMs === Infinity) return;
    const at = this.clock.now - Math.log(1 - this.prng()) * everyMs;
    if (at >= untilMs) return;
    this.clock.at(at, () => {
      fault();
      this.#repeat(fault, everyMs, untilMs);
    });
  }

  #breakAny(): void {
    const session = this.pick(this.workers.flatMap((worker) => worker.openSessions()));
    if (session !== undefined) this.breakSession(session);
  }
}
