// A machine of the virtual farm: the real WorkerAdmission, with an owner who comes back, other work, builds of its own,
// and crashes and freezes as its plan has them. What runs for others is in commands.ts.
import { createPrng, type Prng } from '../src/base/prng.ts';
import { OwnerFirst } from '../src/core/availability/owner-first.ts';
import type { DelegatorEvent } from '../src/core/delegation/types.ts';
import { GIB, sampleInfo } from '../src/core/testing/samples.ts';
import type { AttemptId, NodeId, WorkerInfo } from '../src/core/types.ts';
import { WorkerAdmission } from '../src/core/worker/admission.ts';
import type { AdmissionView } from '../src/core/worker/view.ts';
import type { WorkerEffect, WorkerEvent, WorkerOptions } from '../src/core/worker/types.ts';
import { Commands } from './commands.ts';
import type { Session } from './network.ts';
import { Node } from './node.ts';
import { isWithin } from './pace.ts';
import type { MessageKind } from './tally.ts';
import type { MachinePlan, Span } from './types.ts';
import { isUnheard, mutatedOldNews, mutatedOptions } from './mutations.ts';
import type { World } from './world.ts';

const SAMPLE_EVERY_MS = 1000;
export class MachineNode extends Node {
  readonly plan: MachinePlan;
  readonly #world: World;
  readonly #prng: Prng;
  readonly #options: WorkerOptions;
  readonly #sessions = new Map<NodeId, Session>();
  readonly #commands: Commands;
  readonly #toldLeases = new Set<string>();
  /** Of each delegator, the announcement that was heard last. */
  readonly #heard = new Map<NodeId, number>();
  /** Of each build, the latest number. */
  readonly #latestOf = new Map<string, number>();
  #admission: WorkerAdmission;
  #info: WorkerInfo;
  #sampledAt = -Infinity;
  #ownerThere = false;
  #ownerFirst: OwnerFirst;
  #countedFree = 0;

  constructor(world: World, plan: MachinePlan, prng: Prng) {
    super(plan.id, plan.site, world.clock, plan.skewPpm, prng() * 1e8);
    this.#world = world;
    this.plan = plan;
    this.#prng = prng;
    this.#options = { ...world.workerOptions, slots: plan.slots };
    this.#ownerFirst = this.#giveWay();
    this.#commands = new Commands(this, world, prng, () => this.#countFree());
    this.#info = this.#read();
    this.#admission = this.#create();
    this.#countFree();
    this.#planSpans(
      plan.crashes,
      () => this.#crash(),
      () => this.#restart(),
    );
    this.#planSpans(
      plan.freezes,
      (span) => this.#freezeFor(span.untilMs - span.fromMs),
      () => this.#unfreeze(),
    );
    this.#planSpans(
      plan.ownerThere,
      () => this.happen(() => this.#ownerComes()),
      () => this.happen(() => this.#ownerGoes()),
    );
    this.#planOwnBuilds();
  }

  /** An announcement arrives; `number` is the tally's. */
  hear(event: Extract<WorkerEvent, { type: 'announcement' }>, number: number): void {
    if (this.gone) return;
    if (this.frozen) return this.happen(() => this.hear(event, number));
    const { delegator, build, seq } = event.announcement;
    this.#heard.set(delegator, number);
    const latest = this.#latestOf.get(`${delegator} ${build}`) ?? 0;
    if (seq <= latest) return this.#hearOldNews(event);
    this.#latestOf.set(`${delegator} ${build}`, seq);
    this.post(event);
  }

  /** What comes twice or too late changes nothing: else reordered demand would be granted for ever. */
  #hearOldNews(event: Extract<WorkerEvent, { type: 'announcement' }>): void {
    this.tickWhatIsDue();
    const before = JSON.stringify(this.view());
    const effects = this.ponder(mutatedOldNews(this.#world.mutation, event));
    const isUnmoved = effects.length === 0 && before === JSON.stringify(this.view());
    this.#world.checker.demand(isUnmoved, `4: ${this.id} obeys an announcement older than one that it has heard`);
    this.wakeAt(this.#admission.nextWakeAt());
  }

  post(event: WorkerEvent): void {
    if (this.gone) return;
    // As the agent does every second; when nothing happens nobody asks. An end is told first: the command is gone already.
    const isDue = this.now() - this.#sampledAt >= SAMPLE_EVERY_MS;
    if (isDue && event.type !== 'ended') this.#sample();
    this.#step(event);
  }

  sessionOpened(session: Session): void {
    if (session.broken) return;
    this.#sessions.set(session.delegator.id, session);
    this.post({ type: 'session-up', delegator: session.delegator.id });
  }

  /** `session` null: it never came up. */
  sessionLost(delegator: NodeId, session: Session | null): void {
    const current = this.#sessions.get(delegator);
    if (session === null ? current !== undefined : current !== session) return;
    this.#sessions.delete(delegator);
    this.post({ type: 'session-down', delegator });
  }

  /** When all is done nothing may be held any more. */
  checkQuiet(): void {
    if (this.gone) return;
    this.post({ type: 'tick' });
    this.#world.checker.quiet(this.id, this.#admission.view());
  }

  /** A step of which nothing is carried out. */
  ponder(event: WorkerEvent): WorkerEffect[] {
    const now = this.now();
    const effects = this.#admission.step(event, now);
    this.#world.tally.steps += 1;
    this.#world.watch?.step(this.id, now, event, effects);
    return effects;
  }

  /** One of the attempts that run here, if any does. */
  anyAttempt(): AttemptId | undefined {
    return this.#commands.any();
  }

  /** Says something on the session that is meant, else on the one that is up; nothing when there is none. */
  send(delegator: NodeId, kind: MessageKind, event: DelegatorEvent, session = this.#sessions.get(delegator)): void {
    this.#world.tally.sent(kind);
    if (session !== undefined) this.#world.network.toDelegator(session, event);
  }

  view(): AdmissionView {
    return this.#admission.view(this.now());
  }

  protected override tick(): void {
    this.post({ type: 'tick' });
  }

  #step(event: WorkerEvent): void {
    if (isUnheard(this.#world.mutation, event)) return;
    for (const effect of this.ponder(event)) this.#carryOut(effect);
    this.#check();
    this.wakeAt(this.#admission.nextWakeAt());
  }

  #check(): void {
    const { memReserveBytes, memPerTaskBytes, slots } = this.#options;
    const idle = Math.floor((this.#info.memFreeBytes - memReserveBytes) / memPerTaskBytes);
    const view = this.#admission.view();
    this.#world.checker.workerHolds(this.id, view, slots, this.#commands.size, Math.max(0, idle));
  }

  #create(): WorkerAdmission {
    const seed = Math.floor(this.#prng() * 2 ** 32);
    const options = mutatedOptions(this.#world.mutation, this.#options);
    this.#world.watch?.born({ role: 'worker', node: this.id, options, seed, record: null });
    return new WorkerAdmission(options, createPrng(seed));
  }

  #sample(): void {
    this.#info = this.#read();
    this.#sampledAt = this.now();
    this.#step({ type: 'sample', info: this.#info });
  }

  #read(): WorkerInfo {
    const { id, speed, slots, cores, memBytes, benchScore = Math.round(1000 * speed) } = this.plan;
    let memFreeBytes = memBytes;
    let load = 0;
    for (const other of this.plan.otherWork ?? []) {
      if (this.clock.now < other.fromMs || this.clock.now >= other.untilMs) continue;
      load = Math.max(load, other.load);
      memFreeBytes = Math.min(memFreeBytes, other.memFreeBytes);
    }
    return sampleInfo({
      name: id,
      cores,
      slots,
      ghz: 2 * speed,
      bench: benchScore,
      memTotalBytes: memBytes,
      memFreeBytes: Math.max(0, memFreeBytes - this.#commands.memBytes()),
      load,
      graceMs: this.#graceMs,
      freeFor: this.#world.freeFor(id, this.clock.now),
    });
  }

  #carryOut(effect: WorkerEffect): void {
    const { network, tally } = this.#world;
    switch (effect.type) {
      case 'check-toolchain': {
        const { digest } = effect.toolchain;
        const same = this.plan.otherToolchain !== true;
        const label = same ? '' : 'g++ 9.4.0';
        this.after(300 * this.#prng(), () => this.post({ type: 'toolchain', digest, same, label }));
        return;
      }
      case 'connect':
        network.connect(this, effect.delegator, this.#world.delegators.get(effect.delegator));
        return;
      case 'disconnect': {
        const session = this.#sessions.get(effect.delegator);
        if (session !== undefined) network.breakSession(session, 0);
        return;
      }
      case 'offer': {
        const { offer, delegator } = effect;
        const isNew = offer.slots > 0 && !this.#toldLeases.has(offer.leaseId);
        if (isNew) this.#toldLeases.add(offer.leaseId);
        tally.offered(isNew, this.#heard.get(delegator) ?? 0);
        this.send(delegator, 'offer', { type: 'offer', worker: this.id, offer });
        return;
      }
      case 'withdraw': {
        const { delegator, leaseId } = effect;
        this.send(delegator, 'withdraw', { type: 'lease-withdrawn', worker: this.id, leaseId });
        return;
      }
      case 'fetch': {
        // The files come; how fast is what an agent measures then.
        const { bytesPerMs } = network.plan;
        const { delegator } = effect;
        if (bytesPerMs > 0) this.after(0, () => this.post({ type: 'link', delegator, bytesPerMs }));
        return;
      }
      case 'run':
        this.#commands.run(effect.delegator, effect.attempt, this.#sessions.get(effect.delegator));
        return;
      case 'refuse': {
        const { attempt, code, message, delegator } = effect;
        this.send(delegator, 'failed', { type: 'failed', worker: this.id, attempt, code, message });
        return;
      }
      case 'kill':
        this.#commands.kill(effect.attempt, effect.why);
        return;
      case 'heartbeat': {
        const { attempts, load, stamp, delegator } = effect;
        this.send(delegator, 'heartbeat', { type: 'heartbeat', worker: this.id, attempts, load, stamp });
        return;
      }
      case 'returning':
        this.send(effect.delegator, 'returning', { type: 'returning', worker: this.id });
        return;
    }
  }

  get #graceMs(): number {
    return this.plan.graceMs ?? this.#world.graceMs;
  }

  #planOwnBuilds(): void {
    const tell = (running: number): void => this.happen(() => this.post({ type: 'own', running }));
    for (const { fromMs, untilMs, running } of this.plan.ownBuilds ?? []) {
      this.clock.at(fromMs, { happen: tell }, running);
      this.clock.at(untilMs, { happen: tell }, 0);
    }
  }

  #planSpans(spans: readonly Span[], begin: (span: Span) => void, end: () => void): void {
    for (const span of spans) {
      this.clock.at(span.fromMs, { happen: begin }, span);
      this.clock.at(span.untilMs, { happen: end }, null);
    }
  }

  /** Processes and memory are gone; peers hear of it from the kernel. */
  #crash(): void {
    if (this.gone) return;
    this.die();
    this.#world.network.breakAll(({ machine }) => machine === this, this.#world.toldWithinMs);
    this.#sessions.clear();
    this.#commands.drop();
    this.#ownerThere = false;
    this.#ownerFirst = this.#giveWay();
    this.#countFree();
  }

  #restart(): void {
    if (!this.gone) return;
    this.gone = false;
    this.#latestOf.clear();
    this.#admission = this.#create();
    this.#sampledAt = -Infinity;
    this.#countFree();
    if (isWithin(this.plan.ownerThere, this.clock.now)) this.#ownerComes();
  }

  #freezeFor(ms: number): void {
    this.freeze();
    this.#world.network.froze(this, ms);
    this.#commands.stop();
    this.#countFree();
  }

  #unfreeze(): void {
    this.thaw();
    this.#countFree();
  }

  #ownerComes(): void {
    this.#ownerThere = true;
    this.#countFree();
    this.#relieve();
  }

  #ownerGoes(): void {
    this.#ownerThere = false;
    this.#countFree();
    this.#relieve();
  }

  #giveWay(): OwnerFirst {
    return new OwnerFirst({ graceMs: this.#graceMs, freezeMs: this.#world.freezeMs });
  }

  /** Does what is due for the owner now, as the agent does, and looks again when more will be. */
  #relieve(): void {
    const claim = this.#ownerThere ? { why: 'the owner is back', urgent: false } : null;
    for (const effect of this.#ownerFirst.step(claim, this.#commands.size, this.clock.now)) {
      switch (effect.type) {
        case 'revoke':
          this.post({ type: 'pause', why: effect.why });
          break;
        case 'welcome':
          this.post({ type: 'resume' });
          break;
        case 'freeze':
          this.#commands.standStill(true);
          break;
        case 'thaw':
          this.#commands.standStill(false);
          break;
        case 'evict':
          this.#commands.evict();
          break;
      }
    }
    const at = this.#ownerFirst.nextWakeAt();
    if (at !== null) this.after(at - this.clock.now, () => this.#relieve());
  }

  #countFree(): void {
    const isThere = !this.gone && !this.frozen && !this.#ownerThere;
    const free = isThere ? this.plan.slots - this.#commands.size : 0;
    this.#world.tally.freeSlots += free - this.#countedFree;
    this.#countedFree = free;
  }
}

/** What a machine keeps free and assumes for a task, as the agent's configuration has it. */
export const WORKER_OPTIONS: Omit<WorkerOptions, 'slots'> = {
  closedBecause: '',
  memReserveBytes: GIB / 2,
  memPerTaskBytes: GIB / 2,
  maxLoad: 2,
  leaseTtlMs: 10_000,
  heartbeatMs: 2000,
  offerDelayMs: 5,
};
