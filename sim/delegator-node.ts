// A delegator of the virtual farm: the real Delegation, a make for each of its builds that keeps its -j full, and the
// compilers of its own machine.
import { createPrng, type Prng } from '../src/base/prng.ts';
import { Delegation } from '../src/core/delegation/delegation.ts';
import type { DelegatorEffect, DelegatorEvent, DelegatorOptions } from '../src/core/delegation/types.ts';
import type { DelegationView } from '../src/core/delegation/view.ts';
import { deriveNeeds } from '../src/core/record/needs.ts';
import type { PastRecord } from '../src/core/record/record.ts';
import { sampleClass } from '../src/core/testing/samples.ts';
import type { NodeId, TaskClass, TaskId } from '../src/core/types.ts';
import type { WorkerEvent } from '../src/core/worker/types.ts';
import { isUnheard, mutatedEffects } from './mutations.ts';
import type { Session } from './network.ts';
import { Node } from './node.ts';
import { remembered } from './remembered.ts';
import type { BuildPlan, DelegatorPlan, TaskPlan } from './types.ts';
import type { World } from './world.ts';

const TOOLCHAIN = { digest: 'd1', path: '/usr/bin/g++', label: 'g++ 12.2.0' };
const CRITERIA = { any: '', criteria: 'mem.free >= 1GiB && load < 2', toolchain: '', 'nobody-has': 'arch == "vax"' };
/** As the agent says of a class before anything is known of its kind. */
const UNKNOWN = { p50Ms: 1000, p80Ms: 3000 };
/** How often the delegator's own view is compared with the checker's count: a view costs as much as there is to see. */
const COMPARE_EVERY_STEPS = 32;
const COMPARE_LARGE_EVERY_STEPS = 2048;
const LARGE_MACHINES = 50;

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
    const builds = world.scenario.builds.filter((build) => build.delegator === plan.id);
    this.record = record ?? remembered(builds, kindOf);
    const { ownSlots, hereSlots = Math.max(1, ownSlots), policy, nobodyAfterMs, maxWaiting } = plan;
    const usual = world.delegatorOptions;
    this.#options = {
      ...usual,
      ownSlots,
      hereSlots,
      policy: policy ?? usual.policy,
      nobodyAfterMs: nobodyAfterMs ?? usual.nobodyAfterMs,
      maxWaiting: maxWaiting ?? usual.maxWaiting,
      ...(plan.knowsListeners === true ? { listeners: world.scenario.machines.length } : {}),
    };
    const seed = Math.floor(prng() * 2 ** 32);
    if (world.watch !== undefined) {
      const kept = this.record.export();
      world.watch.born({ role: 'delegator', node: this.id, options: this.#options, seed, record: kept });
    }
    this.#delegation = new Delegation(this.#options, createPrng(seed), this.record);
    for (const { fromMs, untilMs } of plan.freezes ?? []) {
      this.clock.at(fromMs, { happen: () => this.#freezeFor(untilMs - fromMs) }, null);
      this.clock.at(untilMs, { happen: () => this.thaw() }, null);
    }
    this.clock.at(plan.diesAtMs ?? Infinity, { happen: () => this.#dieForGood() }, null);
  }

  /** A make begins at its time. */
  add(index: number, plan: BuildPlan): void {
    const make: Make = { index, plan, next: 0, running: 0 };
    this.#makes.push(make);
    this.clock.at(plan.startsAtMs, this, () => this.#feed());
  }

  post(event: DelegatorEvent): void {
    if (this.gone) return;
    const { checker, mutation } = this.#world;
    checker.delegatorTakes(this.id, event);
    if (isUnheard(mutation, event)) return;
    for (const effect of this.ponder(event)) {
      for (const given of mutatedEffects(mutation, effect, event)) {
        checker.delegatorGives(this.id, given, this.#options.hereSlots);
        this.#carryOut(given);
      }
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

  /** A step of which nothing is carried out. */
  ponder(event: DelegatorEvent): DelegatorEffect[] {
    const now = this.now();
    const effects = this.#delegation.step(event, now);
    this.#world.tally.steps += 1;
    this.#world.watch?.step(this.id, now, event, effects);
    return effects;
  }

  view(): DelegationView {
    return this.#delegation.view(this.now());
  }

  /** Machines that have a session here. */
  connected(): NodeId[] {
    return [...this.#sessions.keys()];
  }

  protected override tick(): void {
    this.post({ type: 'tick' });
  }

  #check(): void {
    this.#steps += 1;
    const { checker } = this.#world;
    checker.waiting(this.id, checker.waitingAt(this.id), this.#options.maxWaiting + this.#awards);
    const isLarge = this.#world.machines.length > LARGE_MACHINES;
    if (this.#steps % (isLarge ? COMPARE_LARGE_EVERY_STEPS : COMPARE_EVERY_STEPS) === 0)
      checker.compare(this.id, this.#delegation.view());
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
    const kind = kindOf(plan);
    make.running += 1;
    this.#tasks.set(id, { id, plan, make, here: false });
    this.#world.tally.submitted(id, this.clock.now);
    this.post({
      type: 'submit',
      task: {
        id,
        build: `${this.id}-${make.index}`,
        label: plan.label,
        class: this.#classOf(plan),
        ...(kind === null ? {} : { kind }),
        staysReason: plan.needs === 'to-stay' ? 'not-a-compile' : '',
        p80Ms: null,
        bytes: plan.bytes,
      },
    });
    if (plan.cancelAfterMs !== undefined) this.after(plan.cancelAfterMs, () => this.#cancel(id));
  }

  #classOf(task: TaskPlan): TaskClass | null {
    const { needs = 'any', label, bytes } = task;
    const kind = kindOf(task);
    if (kind === null || needs === 'to-stay') return null;
    const toolchain = needs === 'toolchain' ? TOOLCHAIN : null;
    const durations = this.record.knowsClass(kind) ? this.record.predictClass(kind) : UNKNOWN;
    const plain = CRITERIA[needs];
    // As the agent does where machines tell how long they stay free.
    const criteria = this.#world.forecasts
      ? deriveNeeds(this.record, { label, kind, project: '', bytes }, plain, true).criteria
      : plain;
    const id = criteria === plain ? kind : `${kind}: ${criteria}`;
    return sampleClass({ id, criteria, toolchain, ...durations, bytes });
  }

  /** The launcher went away. */
  #cancel(id: TaskId): void {
    if (!this.#tasks.has(id)) return;
    this.post({ type: 'cancel', task: id });
    this.#ended(id, 'cancelled');
  }

  #freezeFor(ms: number): void {
    this.freeze();
    this.#world.network.froze(this, ms);
  }

  #dieForGood(): void {
    this.die();
    this.#world.checker.forget(this.id);
    this.#world.network.breakAll(({ delegator }) => delegator === this, this.#world.toldWithinMs);
    const unsubmitted = this.#makes.reduce((sum, make) => sum + make.plan.tasks.length - make.next, 0);
    this.#world.tally.abandoned(this.#tasks.size + unsubmitted);
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
      case 'echo':
        tally.sent('echo');
        this.#send(effect.worker, { type: 'echo', delegator: this.id, stamp: effect.stamp });
        return;
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

/** What its duration is remembered under. */
function kindOf({ needs = 'any' }: TaskPlan): string | null {
  if (needs === 'to-stay') return null;
  return needs === 'any' ? 'c++' : needs;
}

/** As the agent's configuration has it, without what the scenario decides. */
export const DELEGATOR_OPTIONS: Omit<DelegatorOptions, 'ownSlots' | 'hereSlots'> = {
  policy: 'finish',
  nobodyAfterMs: 200,
  maxWaiting: 100_000,
};
