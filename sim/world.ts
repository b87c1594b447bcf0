// The world of one run: the clock, the network, the nodes of a scenario, and who watches them.
import { createPrng } from '../src/base/prng.ts';
import type { DelegatorEvent, DelegatorOptions } from '../src/core/delegation/types.ts';
import type { PastRecord, RecordData } from '../src/core/record/record.ts';
import type { AttemptId, NodeId, TaskId } from '../src/core/types.ts';
import type { WorkerEvent, WorkerOptions } from '../src/core/worker/types.ts';
import { Checker, InvariantBroken } from './checker.ts';
import { VirtualClock } from './clock.ts';
import { DELEGATOR_OPTIONS, DelegatorNode } from './delegator-node.ts';
import { cause } from './incidents.ts';
import { MachineNode, WORKER_OPTIONS } from './machine-node.ts';
import type { Mutation } from './mutations.ts';
import { Network } from './network.ts';
import { Tally } from './tally.ts';
import type { Scenario, Span, TaskPlan } from './types.ts';

/** Sees each state machine begin, and each of its steps. */
export interface Watch {
  born(life: Birth): void;
  /** `at`: the node's own clock. */
  step(node: NodeId, at: number, event: DelegatorEvent | WorkerEvent, effects: readonly object[]): void;
}

/** All that a state machine is made of: the same again behaves the same. */
export type Birth = { readonly node: NodeId; readonly seed: number } & (
  | { readonly role: 'delegator'; readonly options: DelegatorOptions; readonly record: RecordData }
  | { readonly role: 'worker'; readonly options: WorkerOptions; readonly record: null }
);

export interface RunOptions {
  readonly delegator?: Partial<DelegatorOptions>;
  readonly worker?: Partial<WorkerOptions>;
  /** What each delegator (by id) knows from builds before; it learns in place. */
  readonly records?: ReadonlyMap<NodeId, PastRecord>;
  /** From the owner's return until what still runs is ended; default 10,000. */
  readonly graceMs?: number;
  /** So long what still runs after the grace stands still before it is ended; default 0. */
  readonly freezeMs?: number;
  /** What a machine tells of its owner at a moment (`WorkerInfo.freeFor`); default nothing. */
  readonly freeFor?: (machine: NodeId, atMs: number) => readonly number[];
  readonly watch?: Watch;
  readonly mutation?: Mutation;
}

interface KnownTask {
  readonly id: TaskId;
  readonly plan: TaskPlan;
}

const REST_MS = 60_000;
const GRACE_MS = 10_000;
/** Three deadlines of five minutes and the pauses between them are the longest that a short task may take. */
const STUCK_AFTER_MS = 3_000_000;
/** A long task may hang three times, each for twenty estimates on a machine that is believed to be ten times slower. */
const STUCK_AFTER_WORKS = 600;

export class World {
  readonly clock = new VirtualClock();
  readonly checker = new Checker();
  readonly scenario: Scenario;
  readonly network: Network;
  readonly tally: Tally;
  readonly machines: readonly MachineNode[];
  readonly delegators: ReadonlyMap<NodeId, DelegatorNode>;
  readonly workerOptions: Omit<WorkerOptions, 'slots'>;
  readonly delegatorOptions: Omit<DelegatorOptions, 'ownSlots' | 'hereSlots'>;
  readonly graceMs: number;
  readonly freezeMs: number;
  readonly watch: Watch | undefined;
  readonly mutation: Mutation;
  readonly #freeFor: RunOptions['freeFor'] | null;
  readonly #tasks = new Map<TaskId, KnownTask>();

  constructor(scenario: Scenario, options: RunOptions) {
    const prng = createPrng(scenario.seed);
    const seed = (): number => Math.floor(prng() * 2 ** 32);
    this.scenario = scenario;
    this.tally = new Tally(scenario);
    this.network = new Network(scenario.network, this.clock, createPrng(seed()), this.tally);
    this.workerOptions = { ...WORKER_OPTIONS, ...options.worker };
    this.delegatorOptions = { ...DELEGATOR_OPTIONS, ...options.delegator };
    this.graceMs = options.graceMs ?? GRACE_MS;
    this.freezeMs = options.freezeMs ?? 0;
    this.#freeFor = options.freeFor ?? null;
    this.watch = options.watch;
    this.mutation = options.mutation ?? 'none';
    for (const [index, build] of scenario.builds.entries()) {
      for (const plan of build.tasks) {
        const id = this.nameOf(index, plan);
        this.#tasks.set(id, { id, plan });
      }
    }
    this.machines = scenario.machines.map((plan) => new MachineNode(this, plan, createPrng(seed())));
    this.delegators = new Map(
      scenario.delegators.map((plan) => [
        plan.id,
        new DelegatorNode(this, plan, options.records?.get(plan.id), createPrng(seed())),
      ]),
    );
    for (const [index, build] of scenario.builds.entries()) this.delegators.get(build.delegator)?.add(index, build);
    const random = createPrng(seed());
    for (const { atMs, what } of scenario.incidents ?? []) {
      this.clock.at(atMs, { happen: () => cause(this, what, random) }, null);
    }
  }

  /** Whether machines tell how long they will stay free. */
  get forecasts(): boolean {
    return this.#freeFor !== null;
  }

  /** What a machine tells of it at a moment. */
  freeFor(machine: NodeId, atMs: number): readonly number[] {
    return this.#freeFor?.(machine, atMs) ?? [];
  }

  /** How long the ends of a broken connection may take to hear of it. */
  get toldWithinMs(): number {
    return this.scenario.network.toldWithinMs ?? 2 * this.scenario.network.latencyMs;
  }

  nameOf(build: number, task: TaskPlan): TaskId {
    return `${build}:${task.id}`;
  }

  taskOf(attempt: AttemptId): KnownTask {
    const task = this.#tasks.get(attempt.slice(0, attempt.lastIndexOf('#')));
    if (task === undefined) throw new InvariantBroken(`invariant 4: nobody submitted the task of ${attempt}`);
    return task;
  }

  /** Runs until all builds have ended; throws `InvariantBroken` when an invariant does not hold or nothing ends any more. */
  run(): void {
    const longestMs = Math.max(
      0,
      ...[...this.#tasks.values()].map(({ plan }) => Math.max(plan.workMs, plan.predictedP80Ms ?? 0)),
    );
    const patienceMs = Math.max(STUCK_AFTER_MS, STUCK_AFTER_WORKS * longestMs);
    const firstMs = Math.max(0, ...this.scenario.builds.map((build) => build.startsAtMs));
    while (this.tally.open > 0) {
      const until = Math.max(firstMs, this.tally.lastEndAt) + patienceMs;
      if (!this.clock.advance(until)) {
        this.checker.allEnded();
        throw new InvariantBroken(`invariant 1 or 5: ${this.tally.open} tasks have not ended`);
      }
    }
    this.checker.allEnded();
  }

  /** Lets the last fault and then a minute pass, after which no machine may hold anything for anybody. */
  rest(): void {
    const until = Math.max(this.clock.now, lastFaultMs(this.scenario)) + REST_MS;
    while (this.clock.advance(until));
    this.checker.allEnded();
    for (const machine of this.machines) machine.checkQuiet();
  }
}

/** When the last of the faults that end is over. */
function lastFaultMs({ machines, delegators, network, incidents = [] }: Scenario): number {
  const spans: Span[] = [...network.partitions];
  for (const { ownerThere, crashes, freezes } of machines) spans.push(...ownerThere, ...crashes, ...freezes);
  for (const { freezes = [] } of delegators) spans.push(...freezes);
  const ends = spans.map((span) => span.untilMs).filter((at) => at < Infinity);
  return Math.max(0, ...ends, ...incidents.map((incident) => incident.atMs));
}
