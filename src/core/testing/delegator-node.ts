// A delegator in the virtual world: the real Delegation, its launchers and its local compilers.
import { createPrng } from '../../base/prng.ts';
import { Delegation } from '../delegation/delegation.ts';
import type { DelegatorEffect, DelegatorEvent } from '../delegation/types.ts';
import type { NodeId, TaskId } from '../types.ts';
import { Node } from './node.ts';
import { sampleClass, sampleInfo, sampleOffer, sampleTask } from './samples.ts';
import type { Session, World } from './world.ts';

const TOOLCHAIN = { digest: 'd1', path: '/usr/bin/g++', label: 'g++ 12.2.0' };
const CLASSES = [
  sampleClass({ id: 'any' }),
  sampleClass({ id: 'picky', criteria: 'mem.free >= 1GiB && load < 2' }),
  sampleClass({ id: 'toolchain', toolchain: TOOLCHAIN }),
  sampleClass({ id: 'nobody', criteria: 'arch == "vax"' }),
];

export class DelegatorNode extends Node {
  readonly #hereSlots: number;
  readonly #maxWaiting: number;
  readonly #sessions = new Map<NodeId, Session>();
  #delegation: Delegation;
  #submitted = 0;
  #steps = 0;
  #awards = 0;

  constructor(world: World, id: string) {
    super(world, id);
    this.#hereSlots = 1 + Math.floor(world.prng() * 3);
    this.#maxWaiting = world.chance(0.3) ? 10 : 1000;
    this.#delegation = this.#create();
  }

  boot(): void {
    const { tasksEach, stormMs } = this.world.plan;
    for (let i = 0; i < tasksEach; i++) this.after(this.world.between(0, stormMs / 2), () => this.#submit());
  }

  post(event: DelegatorEvent): void {
    if (this.gone) return;
    const { checker, clock, plan } = this.world;
    checker.delegatorTakes(this.id, event);
    if (plan.mutation === 'cancel-unheard' && event.type === 'cancel') return;
    if (plan.mutation === 'local-end-unheard' && event.type === 'local-ended') return;
    const effects = this.#delegation.step(event, clock.now);
    for (const effect of effects) this.#perform(this.#mutated(effect, event));
    this.#steps += 1;
    if (this.#steps % 16 === 0) {
      checker.waiting(this.id, this.#delegation.view().waiting, this.#maxWaiting + this.#awards);
    }
    this.wakeAt(this.#delegation.nextWakeAt(), () => this.post({ type: 'tick' }));
  }

  sessionOpened(session: Session): void {
    this.receive(() => {
      if (session.broken) return;
      this.#sessions.set(session.worker.id, session);
      this.post({ type: 'session-up', worker: session.worker.id, name: session.worker.id });
    });
  }

  /** Only the session in force counts: the end of one that was replaced is no news. */
  sessionLost(worker: NodeId, session: Session): void {
    this.receive(() => {
      if (this.#sessions.get(worker) !== session) return;
      this.#sessions.delete(worker);
      this.post({ type: 'session-down', worker });
    });
  }

  crash(): void {
    if (this.gone) return;
    this.die();
    this.gone = true;
    this.world.checker.forget(this.id);
    for (const session of this.#sessions.values()) this.world.breakSession(session);
  }

  /** Messages from somebody who has no session, or has none any more, change nothing. */
  hearStranger(): void {
    this.receive(() => {
      this.post({ type: 'tick' });
      const gone = this.#delegation.view().workers.find((known) => !known.connected);
      const worker = this.world.chance(0.5) ? (gone?.id ?? 'stranger') : 'stranger';
      const before = JSON.stringify(this.#delegation.view(this.world.clock.now));
      const attempt = this.#anyAttempt();
      const lies: DelegatorEvent[] = [
        { type: 'offer', worker, offer: sampleOffer('lie', 50, { classIds: ['any'], info: sampleInfo() }) },
        { type: 'heartbeat', worker, attempts: [attempt], load: 0 },
        { type: 'started', worker, attempt },
        { type: 'failed', worker, attempt, code: 'sandbox', message: '' },
        { type: 'result', worker, attempt, exit: { how: 'exit', code: 0 }, ranMs: 1, cpuMs: 1 },
        { type: 'lease-withdrawn', worker, leaseId: 'lie' },
        { type: 'returning', worker },
        { type: 'session-down', worker },
      ];
      for (const lie of lies) {
        const effects = this.#delegation.step(lie, this.world.clock.now).filter((effect) => effect.type !== 'discard');
        this.world.checker.demand(effects.length === 0, `4: ${JSON.stringify(lie)} moved ${this.id}`);
      }
      const after = JSON.stringify(this.#delegation.view(this.world.clock.now));
      this.world.checker.demand(before === after, `4: a stranger changed ${this.id}`);
    });
  }

  /** A worker of the cluster that speaks for another one's attempt is not believed. */
  hearLiar(): void {
    this.receive(() => {
      const attempt = this.#anyAttempt();
      const liar = this.world.pick([...this.#sessions.keys()]);
      if (liar === undefined || this.#workerOf(attempt) === liar) return;
      this.post({ type: 'result', worker: liar, attempt, exit: { how: 'exit', code: 0 }, ranMs: 1, cpuMs: 1 });
      this.post({ type: 'failed', worker: liar, attempt, code: 'sandbox', message: 'a lie' });
    });
  }

  #create(): Delegation {
    const { world } = this;
    const options = {
      ownSlots: world.chance(0.5) ? 1 : 0,
      hereSlots: this.#hereSlots,
      policy: world.chance(0.3) ? ('first' as const) : ('finish' as const),
      nobodyAfterMs: world.pick([50, 500, 5000]) ?? 50,
      maxWaiting: this.#maxWaiting,
    };
    return new Delegation(options, createPrng(Math.floor(world.prng() * 2 ** 32)));
  }

  #submit(): void {
    const { world } = this;
    this.#submitted += 1;
    const id = `${this.id}-t${this.#submitted}`;
    const kind = world.prng();
    const taskClass = kind < 0.1 ? null : kind < 0.15 ? CLASSES[3] : world.pick(CLASSES.slice(0, 3));
    const task = sampleTask(id, {
      build: `${this.id}-b${Math.floor(this.#submitted / 40)}`,
      class: taskClass ?? null,
      staysReason: taskClass === null ? 'not-a-compile' : '',
      p80Ms: world.chance(0.3) ? null : Math.round(world.between(100, 8000)),
    });
    this.post({ type: 'submit', task });
    if (world.chance(0.1)) this.after(world.between(0, 10_000), () => this.post({ type: 'cancel', task: id }));
  }

  #perform(effects: readonly DelegatorEffect[]): void {
    for (const effect of effects) {
      this.world.checker.delegatorGives(this.id, effect, this.#hereSlots);
      this.#carryOut(effect);
    }
  }

  #carryOut(effect: DelegatorEffect): void {
    const { world } = this;
    switch (effect.type) {
      case 'announce':
        for (const worker of world.workers) {
          if (world.chance(world.plan.announcementLoss)) continue;
          const announcement = { ...effect.announcement, delegator: this.id, delegatorName: this.id, port: 1 };
          world.clock.after(world.chance(0.1) ? world.between(0, 5000) : world.latencyMs(), () => {
            worker.receive(() => worker.post({ type: 'announcement', announcement, from: { host: this.id, port: 1 } }));
          });
        }
        return;
      case 'award': {
        this.#awards += 1;
        const { leaseId, attempt } = effect;
        const memBytes = world.chance(0.02) ? 2 ** 50 : 0;
        this.#send(effect.worker, { type: 'award', delegator: this.id, leaseId, attempt, memBytes });
        return;
      }
      case 'release':
        this.#send(effect.worker, {
          type: 'release',
          delegator: this.id,
          leaseId: effect.leaseId,
          slots: effect.slots,
        });
        return;
      case 'cancel-attempt':
        this.#send(effect.worker, { type: 'cancel', delegator: this.id, attempt: effect.attempt, why: effect.why });
        return;
      case 'run-local':
        this.#runLocal(effect.task);
        return;
      case 'deliver':
      case 'discard':
      case 'note':
        return;
    }
  }

  #runLocal(task: TaskId): void {
    this.after(this.world.between(50, 4000), () => {
      if (this.world.checker.isHere(task)) this.post({ type: 'local-ended', task });
    });
  }

  #send(worker: NodeId, event: Parameters<World['toWorker']>[1]): void {
    const session = this.#sessions.get(worker);
    if (session !== undefined) this.world.toWorker(session, event);
  }

  #mutated(effect: DelegatorEffect, event: DelegatorEvent): DelegatorEffect[] {
    const { mutation } = this.world.plan;
    if (mutation === 'run-local-twice' && effect.type === 'run-local') return [effect, effect];
    if (mutation === 'loser-delivered' && effect.type === 'discard' && event.type === 'result') {
      const task = event.attempt.slice(0, event.attempt.indexOf('#'));
      return [{ type: 'deliver', task, attempt: event.attempt, worker: event.worker }];
    }
    return [effect];
  }

  #anyAttempt(): string {
    const attempts = this.#delegation.view().tasks.flatMap((task) => task.attempts.map((attempt) => attempt.id));
    return this.world.pick(attempts) ?? 'none#1';
  }

  #workerOf(attemptId: string): NodeId | undefined {
    const attempts = this.#delegation.view().tasks.flatMap((task) => task.attempts);
    return attempts.find((attempt) => attempt.id === attemptId)?.worker;
  }
}
