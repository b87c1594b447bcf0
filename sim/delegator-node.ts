// A delegator of the virtual farm: the real Delegation, a make for each of its builds that keeps its -j full, and the
// compilers of its own machine.
import { createPrng, type Prng } from '../src/base/prng.ts';
import { Delegation } from '../src/core/delegation/delegation.ts';
import type { DelegatorEffect, DelegatorEvent, DelegatorOptions } from '../src/core/delegation/types.ts';
import { PastRecord } from '../src/core/record/record.ts';
import { sampleClass } from '../src/core/testing/samples.ts';
import type { NodeId, TaskId } from '../src/core/types.ts';
import type { WorkerEvent } from '../src/core/worker/types.ts';
import type { Session } from './network.ts';
import { Node } from './node.ts';
import type { BuildPlan, DelegatorPlan, TaskPlan } from './types.ts';
import type { World } from './world.ts';

const CLASS_ID = 'c++';
/** How often the delegator's own view is compared with the checker's count. */
const COMPARE_EVERY_STEPS = 1024;

interface Make {
  readonly index: number;
  readonly plan: BuildPlan;
  next: number;
  running: number;
}

interface LiveTask {
  readonly id: TaskId;
  readonly plan: TaskPlan;
  readonly make: Make;
  here: boolean;
}

export class DelegatorNode extends Node {
  readonly plan: DelegatorPlan;
  readonly record: PastRecord;
  readonly #world: World;
  readonly #options: DelegatorOptions;
  readonly #delegation: Delegation;
  readonly #makes: Make[] = [];
  readonly #tasks = new Map<TaskId, LiveTask>();
  readonly #sessions = new Map<NodeId, Session>();
  #steps = 0;
  #awards = 0;
  #feeding = false;

  constructor(world: World, plan: DelegatorPlan, record: PastRecord | undefined, prng: Prng) {
    super(plan.id, plan.site, world.clock, plan.skewPpm ?? 0, prng() * 1e8);
    this.#world = world;
    this.plan = plan;
    this.record = record ?? new PastRecord();
    const hereSlots = plan.hereSlots ?? Math.max(1, plan.ownSlots);
    this.#options = { ...world.delegatorOptions, ownSlots: plan.ownSlots, hereSlots };
    this.#delegation = new Delegation(this.#options, createPrng(Math.floor(prng() * 2 ** 32)), this.record);
  }

  /** A make begins at its time. */
  add(index: number, plan: BuildPlan): void {
    const make: Make = { index, plan, next: 0, running: 0 };
    this.#makes.push(make);
    this.clock.at(plan.startsAtMs, this, () => this.#feed());
  }

  post(event: DelegatorEvent): void {
    if (this.gone) return;
    const { checker, tally } = this.#world;
    const now = this.now();
    checker.delegatorTakes(this.id, event);
    const effects = this.#delegation.step(event, now);
    tally.steps += 1;
    this.#world.watch?.(this.id, now, event, effects);
    for (const effect of effects) {
      checker.delegatorGives(this.id, effect, this.#options.hereSlots);
      this.#carryOut(effect);
    }
    this.#check();
    this.wakeAt(this.#delegation.nextWakeAt());
  }

  sessionOpened(session: Session): void {
    if (session.broken) return;
    this.#sessions.set(session.machine.id, session);
    this.post({ type: 'session-up', worker: session.machine.id, name: session.machine.id });
  }

  /** Only the session in force counts: the end of one that was replaced is no news. */
  sessionLost(worker: NodeId, session: Session): void {
    if (this.#sessions.get(worker) !== session) return;
    this.#sessions.delete(worker);
    this.post({ type: 'session-down', worker });
  }

  protected override tick(): void {
    this.post({ type: 'tick' });
  }

  #check(): void {
    this.#steps += 1;
    const { checker } = this.#world;
    checker.waiting(this.id, checker.waitingAt(this.id), this.#options.maxWaiting + this.#awards);
    if (this.#steps % COMPARE_EVERY_STEPS === 0) checker.compare(this.id, this.#delegation.view());
  }

  /** As make does: starts jobs while fewer than -j run. */
  #feed(): void {
    this.#feeding = false;
    for (const make of this.#makes) {
      if (this.clock.now < make.plan.startsAtMs) continue;
      while (make.running < make.plan.jobs && make.next < make.plan.tasks.length) {
        const plan = make.plan.tasks[make.next];
        make.next += 1;
        if (plan !== undefined) this.#submit(make, plan);
      }
    }
  }

  #submit(make: Make, plan: TaskPlan): void {
    const id = this.#world.nameOf(make.index, plan);
    make.running += 1;
    this.#tasks.set(id, { id, plan, make, here: false });
    this.#world.tally.submitted(id, this.clock.now);
    this.post({
      type: 'submit',
      task: {
        id,
        build: `${this.id}-${make.index}`,
        label: plan.label,
        class: sampleClass({ id: CLASS_ID, ...this.record.predictClass(CLASS_ID), bytes: plan.bytes }),
        staysReason: '',
        p80Ms: plan.predictedP80Ms,
        bytes: plan.bytes,
      },
    });
  }

  #carryOut(effect: DelegatorEffect): void {
    const { network, tally, machines } = this.#world;
    switch (effect.type) {
      case 'announce': {
        const announcement = { ...effect.announcement, delegator: this.id, delegatorName: this.id, port: 1 };
        network.multicast(this, machines, { type: 'announcement', announcement, from: { host: this.id, port: 1 } });
        return;
      }
      case 'award': {
        this.#awards += 1;
        const { plan } = this.#world.taskOf(effect.attempt);
        const { leaseId, attempt } = effect;
        const { memBytes, bytes } = plan;
        tally.sent('award');
        this.#send(effect.worker, { type: 'award', delegator: this.id, leaseId, attempt, memBytes }, bytes);
        return;
      }
      case 'release': {
        const { leaseId, slots } = effect;
        tally.sent('release');
        this.#send(effect.worker, { type: 'release', delegator: this.id, leaseId, slots });
        return;
      }
      case 'cancel-attempt': {
        const { attempt, why } = effect;
        tally.sent('cancel');
        this.#send(effect.worker, { type: 'cancel', delegator: this.id, attempt, why });
        return;
      }
      case 'run-local':
        this.#runHere(effect.task);
        return;
      case 'deliver':
        tally.delivered(effect.attempt);
        this.#ended(effect.task, 'remote');
        return;
      case 'note':
        if (effect.note.kind === 'awarded' && effect.note.hedge) tally.hedged();
        else if (effect.note.kind === 'attempt-failed') tally.failed();
        return;
      case 'discard':
        return;
    }
  }

  #runHere(id: TaskId): void {
    const task = this.#tasks.get(id);
    if (task === undefined) return;
    task.here = true;
    this.after(task.plan.workMs, () => {
      if (!this.#tasks.has(id)) return;
      this.post({ type: 'local-ended', task: id });
      this.#ended(id, 'local');
    });
  }

  #ended(id: TaskId, how: 'remote' | 'local' | 'cancelled'): void {
    const task = this.#tasks.get(id);
    if (task === undefined) return;
    this.#tasks.delete(id);
    task.make.running -= 1;
    this.#world.tally.ended(task.make.index, id, how, this.clock.now);
    if (this.#feeding) return;
    // make hears of it when this step is over.
    this.#feeding = true;
    this.clock.at(this.clock.now, this, () => this.#feed());
  }

  #send(worker: NodeId, event: WorkerEvent, bytes = 0): void {
    const session = this.#sessions.get(worker);
    if (session !== undefined) this.#world.network.toMachine(session, event, bytes);
  }
}

/** As the agent's configuration has it, without what the scenario decides. */
export const DELEGATOR_OPTIONS: Omit<DelegatorOptions, 'ownSlots' | 'hereSlots'> = {
  policy: 'finish',
  nobodyAfterMs: 200,
  maxWaiting: 100_000,
};
