// A worker in the virtual world: the real WorkerAdmission, and processes that run, fail, hang or are killed.
import { createPrng } from '../../base/prng.ts';
import type { DelegatorEvent } from '../delegation/types.ts';
import type { AttemptId, FailureCode, NodeId, WorkerInfo } from '../types.ts';
import { WorkerAdmission } from '../worker/admission.ts';
import type { WorkerEffect, WorkerEvent } from '../worker/types.ts';
import { Node } from './node.ts';
import { GIB, sampleInfo } from './samples.ts';
import type { Session, World } from './world.ts';

const MEM_RESERVE = GIB;
const MEM_PER_TASK = GIB / 2;
const CODES: readonly FailureCode[] = [
  'sandbox',
  'missing-file',
  'disk-full',
  'bad-result',
  'owner-returned',
  'out-of-memory',
];

interface Running {
  readonly attempt: AttemptId;
  readonly delegator: NodeId;
  /** The session that brought it; its result goes nowhere else. */
  readonly session: Session | undefined;
  done: boolean;
}

export class WorkerNode extends Node {
  readonly #slots: number;
  readonly #slowness: number;
  readonly #sameToolchain: boolean;
  /** Some workers say that a cancelled attempt is gone, others only stop naming it. */
  readonly #reportsKilled: boolean;
  readonly #sessions = new Map<NodeId, Session>();
  readonly #running = new Map<AttemptId, Running>();
  #admission: WorkerAdmission;
  #info: WorkerInfo;

  constructor(world: World, id: string) {
    super(world, id);
    this.#slots = 1 + Math.floor(world.prng() * 6);
    this.#slowness = world.between(0.3, 4);
    this.#sameToolchain = world.chance(0.8);
    this.#reportsKilled = world.chance(0.7);
    this.#info = sampleInfo({ name: id });
    this.#admission = this.#create();
  }

  boot(): void {
    this.#sample();
  }

  post(event: WorkerEvent): void {
    if (this.gone || this.#isDeafTo(event)) return;
    for (const effect of this.#admission.step(event, this.world.clock.now)) this.#carryOut(effect);
    this.#check();
    this.wakeAt(this.#admission.nextWakeAt(), () => this.post({ type: 'tick' }));
  }

  sessionOpened(session: Session): void {
    this.receive(() => {
      if (session.broken) return;
      this.#sessions.set(session.delegator.id, session);
      this.post({ type: 'session-up', delegator: session.delegator.id });
    });
  }

  /** `session` null: it never came up. */
  sessionLost(delegator: NodeId, session: Session | null): void {
    this.receive(() => {
      const current = this.#sessions.get(delegator);
      if (session === null ? current !== undefined : current !== session) return;
      this.#sessions.delete(delegator);
      this.post({ type: 'session-down', delegator });
    });
  }

  openSessions(): Session[] {
    return [...this.#sessions.values()].filter((session) => !session.broken);
  }

  /** Processes and memory are gone; after `downMs` a fresh agent starts. */
  crash(downMs: number): void {
    if (this.gone) return;
    this.die();
    this.gone = true;
    for (const session of this.#sessions.values()) this.world.breakSession(session);
    this.#sessions.clear();
    for (const running of this.#running.values()) running.done = true;
    this.#running.clear();
    if (downMs === Infinity || this.world.clock.now + downMs > this.world.plan.stormMs) return;
    this.world.clock.after(downMs, () => {
      this.gone = false;
      this.#admission = this.#create();
      this.boot();
    });
  }

  pause(ms: number): void {
    this.receive(() => this.post({ type: 'pause', why: 'the owner is back' }));
    this.after(ms, () => this.post({ type: 'resume' }));
  }

  /** Messages from somebody who has no session change nothing. */
  hearStranger(): void {
    this.receive(() => {
      this.post({ type: 'tick' });
      const view = this.#admission.view(this.world.clock.now);
      const before = JSON.stringify(view);
      const leaseId = view.delegators.find((party) => party.lease !== null)?.lease?.id ?? 'lie';
      const attempt = [...this.#running.keys()][0] ?? 'none#1';
      const lies: WorkerEvent[] = [
        { type: 'award', delegator: 'stranger', leaseId, attempt: 'lie#1', memBytes: 0 },
        { type: 'release', delegator: 'stranger', leaseId, slots: 100 },
        { type: 'cancel', delegator: 'stranger', attempt, why: 'a lie' },
        { type: 'session-down', delegator: 'stranger' },
        { type: 'ended', attempt: 'lie#1' },
      ];
      for (const lie of lies) {
        const effects = this.#admission.step(lie, this.world.clock.now);
        this.world.checker.demand(effects.length === 0, `4: ${JSON.stringify(lie)} moved ${this.id}`);
      }
      const after = JSON.stringify(this.#admission.view(this.world.clock.now));
      this.world.checker.demand(before === after, `4: a stranger changed ${this.id}`);
    });
  }

  checkQuiet(): void {
    this.world.checker.quiet(this.id, this.#admission.view());
  }

  #isDeafTo(event: WorkerEvent): boolean {
    if (this.world.plan.mutation !== 'lease-for-ever') return false;
    if (event.type === 'announcement') return event.announcement.demands.every((demand) => demand.count === 0);
    return event.type === 'release';
  }

  #create(): WorkerAdmission {
    const { mutation } = this.world.plan;
    const options = {
      slots: this.#slots + (mutation === 'one-slot-too-many' ? 1 : 0),
      closedBecause: '',
      memReserveBytes: mutation === 'memory-forgotten' ? 0 : MEM_RESERVE,
      memPerTaskBytes: MEM_PER_TASK,
      maxLoad: 2,
      leaseTtlMs: mutation === 'lease-for-ever' ? 1e9 : 10_000,
      heartbeatMs: 2000,
      offerDelayMs: 20,
    };
    return new WorkerAdmission(options, createPrng(Math.floor(this.world.prng() * 2 ** 32)));
  }

  #sample(): void {
    const memFreeBytes = MEM_RESERVE + this.world.between(0.2, 8) * MEM_PER_TASK;
    this.#info = sampleInfo({
      name: this.id,
      memFreeBytes: this.world.chance(0.2) ? memFreeBytes : 12 * GIB,
      load: this.world.chance(0.1) ? 3 : this.world.between(0, 1.5),
    });
    this.post({ type: 'sample', info: this.#info });
    this.after(1000, () => this.#sample());
  }

  #check(): void {
    const idle = Math.floor((this.#info.memFreeBytes - MEM_RESERVE) / MEM_PER_TASK);
    this.world.checker.workerHolds(this.id, this.#admission.view(), this.#slots, this.#running.size, Math.max(0, idle));
  }

  #carryOut(effect: WorkerEffect): void {
    const { world } = this;
    switch (effect.type) {
      case 'check-toolchain': {
        const { digest } = effect.toolchain;
        this.after(world.between(1, 300), () => {
          this.post({
            type: 'toolchain',
            digest,
            same: this.#sameToolchain,
            label: this.#sameToolchain ? '' : 'g++ 9',
          });
        });
        return;
      }
      case 'connect':
        world.connect(this, effect.delegator);
        return;
      case 'disconnect': {
        const session = this.#sessions.get(effect.delegator);
        if (session !== undefined) world.breakSession(session);
        return;
      }
      case 'offer':
        this.#send(effect.delegator, { type: 'offer', worker: this.id, offer: effect.offer });
        return;
      case 'withdraw':
        this.#send(effect.delegator, { type: 'lease-withdrawn', worker: this.id, leaseId: effect.leaseId });
        return;
      case 'run':
        this.#run(effect.delegator, effect.attempt);
        return;
      case 'refuse': {
        const { attempt, code, message } = effect;
        this.#send(effect.delegator, { type: 'failed', worker: this.id, attempt, code, message });
        return;
      }
      case 'kill': {
        const running = this.#running.get(effect.attempt);
        if (running === undefined) return;
        this.after(world.between(0, 30), () => this.#end(running, this.#reportsKilled ? 'killed' : null));
        return;
      }
      case 'heartbeat': {
        const { attempts, load } = effect;
        this.#send(effect.delegator, { type: 'heartbeat', worker: this.id, attempts, load });
        return;
      }
      case 'returning':
        this.#send(effect.delegator, { type: 'returning', worker: this.id });
        return;
    }
  }

  #run(delegator: NodeId, attempt: AttemptId): void {
    const { world } = this;
    world.checker.workerRuns(this.id, delegator, attempt);
    const running: Running = { attempt, delegator, session: this.#sessions.get(delegator), done: false };
    this.#running.set(attempt, running);
    const fetchMs = world.between(0, 200);
    this.after(fetchMs, () => {
      if (!running.done) this.#send(delegator, { type: 'started', worker: this.id, attempt }, running.session);
    });
    const fate = world.prng();
    if (fate < 0.004) return; // Hangs: only the delegator's deadline, or a hedge, ends it.
    const ranMs = world.between(50, 6000) * this.#slowness * (world.chance(0.03) ? 10 : 1);
    const code = fate < 0.05 ? (world.pick(CODES) ?? 'sandbox') : null;
    this.after(fetchMs + ranMs, () => this.#end(running, code ?? 'result', ranMs));
  }

  /** The command is gone: the admission hears it, and what came of it is sent on the session that asked for it. */
  #end(running: Running, how: FailureCode | 'result' | null, ranMs = 0): void {
    if (running.done) return;
    running.done = true;
    this.#running.delete(running.attempt);
    const { attempt, delegator, session } = running;
    const tell = (): void => {
      if (how === 'result') {
        const exit = { how: 'exit' as const, code: this.world.chance(0.1) ? 1 : 0 };
        this.#send(delegator, { type: 'result', worker: this.id, attempt, exit, ranMs, cpuMs: ranMs }, session);
      } else if (how !== null) {
        this.#send(delegator, { type: 'failed', worker: this.id, attempt, code: how, message: 'simulated' }, session);
      }
    };
    // Outputs are read and packed after the command has ended: the result may come a little later.
    if (this.world.chance(0.5)) tell();
    else this.after(this.world.between(0, 100), tell);
    this.post({ type: 'ended', attempt });
  }

  #send(delegator: NodeId, event: DelegatorEvent, session = this.#sessions.get(delegator)): void {
    if (session !== undefined) this.world.toDelegator(session, event);
  }
}
