// The commands that run on a machine for others: they take their time on a disk and a processor that may be slow or gray,
// end with a result, fail, hang, are killed, or are ended for the owner.
import type { Prng } from '../src/base/prng.ts';
import type { AttemptId, FailureCode, NodeId } from '../src/core/types.ts';
import type { MachineNode } from './machine-node.ts';
import type { Session } from './network.ts';
import { doneAt } from './pace.ts';
import type { World } from './world.ts';

/** As the agent: heartbeats name what is in hand, and only who had to wait for its files is told of sooner. */
const STARTED_AFTER_MS = 100;
const KILL_MAX_MS = 30;
const CODES: readonly FailureCode[] = ['sandbox', 'missing-file', 'disk-full', 'bad-result', 'out-of-memory'];

interface Running {
  readonly attempt: AttemptId;
  readonly delegator: NodeId;
  readonly memBytes: number;
  /** The session that brought it; its result goes nowhere else. */
  readonly session: Session | undefined;
  done: boolean;
  /** When the command ends if it is not stopped. */
  dueAt: number;
  /** Since when it stands still for the owner; null: it runs. */
  stoppedAt: number | null;
  /** Waits for its end, anew after it stood still; only the latest waiting counts. */
  goOn: () => void;
  turn: number;
}

export class Commands {
  readonly #machine: MachineNode;
  readonly #world: World;
  readonly #prng: Prng;
  readonly #changed: () => void;
  readonly #running = new Map<AttemptId, Running>();

  /** `changed` is called when more or fewer run than before. */
  constructor(machine: MachineNode, world: World, prng: Prng, changed: () => void) {
    this.#machine = machine;
    this.#world = world;
    this.#prng = prng;
    this.#changed = changed;
  }

  get size(): number {
    return this.#running.size;
  }

  any(): AttemptId | undefined {
    for (const attempt of this.#running.keys()) return attempt;
    return undefined;
  }

  /** Of all that run. */
  memBytes(): number {
    let bytes = 0;
    for (const running of this.#running.values()) bytes += running.memBytes;
    return bytes;
  }

  run(delegator: NodeId, attempt: AttemptId, session: Session | undefined): void {
    const { checker, tally, network, clock } = this.#world;
    const { id, plan, site } = this.#machine;
    const task = this.#world.taskOf(attempt);
    const { now } = clock;
    checker.workerRuns(id, delegator, attempt);
    const { memBytes } = task.plan;
    const still = { done: false, dueAt: Infinity, stoppedAt: null, goOn: () => undefined, turn: 0 };
    const running: Running = { attempt, delegator, memBytes, session, ...still };
    this.#running.set(attempt, running);
    this.#changed();
    const farMs = session === undefined ? 0 : network.distanceMs(site, session.delegator.site);
    tally.began(attempt, task.id, now, 2 * farMs);
    const { diskMs, failureProbability } = plan;
    const commandAt = now + diskMs;
    if (diskMs > STARTED_AFTER_MS) {
      this.#machine.after(diskMs, () => {
        if (!running.done) this.#machine.send(delegator, 'started', { type: 'started', worker: id, attempt }, session);
      });
    }
    if (this.#prng() < (plan.hangProbability ?? 0)) return;
    const failsAfter = this.#prng() < failureProbability ? this.#prng() : null;
    const endsAt = doneAt(plan, commandAt, task.plan.workMs * (failsAfter ?? 1));
    if (endsAt === Infinity) return;
    running.dueAt = endsAt + diskMs;
    this.#whenDue(running, () => {
      const tell = (): void => {
        if (failsAfter === null) this.#tellResult(running, task.plan.exitCode ?? 0, endsAt - commandAt);
        else this.#fail(running, CODES[Math.floor(this.#prng() * CODES.length)] ?? 'sandbox', 'simulated');
      };
      // Outputs are read and packed after the command has ended: on a slow disk the word of it may come later.
      if (diskMs > 0 && this.#prng() < 0.5) this.#machine.after(diskMs * this.#prng(), tell);
      else tell();
      this.#end(running, failsAfter === null);
    });
  }

  /** All that runs stops (SIGSTOP), or goes on. */
  standStill(still: boolean): void {
    const { now } = this.#world.clock;
    for (const running of this.#running.values()) {
      if (still) running.stoppedAt ??= now;
      else if (running.stoppedAt !== null) {
        running.dueAt += now - running.stoppedAt;
        running.stoppedAt = null;
        running.goOn();
      }
    }
  }

  #whenDue(running: Running, end: () => void): void {
    running.goOn = (): void => {
      running.turn += 1;
      const { turn } = running;
      this.#machine.after(running.dueAt - this.#world.clock.now, () => {
        if (!running.done && running.stoppedAt === null && running.turn === turn) end();
      });
    };
    running.goOn();
  }

  /** Its processes end soon; of what is gone already nothing is heard. */
  kill(attempt: AttemptId, why: string): void {
    const running = this.#running.get(attempt);
    if (running === undefined) return;
    this.#machine.after(KILL_MAX_MS * this.#prng(), () => {
      if (running.done) return;
      if (this.#machine.plan.reportsKilled === true) this.#fail(running, 'killed', why);
      this.#end(running, true);
    });
  }

  /** The owner wants the machine: what still runs is ended, and its delegators are told. */
  evict(): void {
    for (const running of [...this.#running.values()]) {
      this.#fail(running, 'owner-returned', 'the owner is back');
      this.#end(running, false);
    }
  }

  /** The machine is stopped: from now on its time counts for nothing. */
  stop(): void {
    for (const { attempt } of this.#running.values()) this.#world.tally.stopped(attempt, this.#world.clock.now, false);
  }

  /** The machine crashed: all processes are gone without a word. */
  drop(): void {
    this.stop();
    for (const running of this.#running.values()) running.done = true;
    this.#running.clear();
  }

  #tellResult({ attempt, delegator, session }: Running, code: number, ranMs: number): void {
    const worker = this.#machine.id;
    const exit = { how: 'exit' as const, code };
    this.#machine.send(delegator, 'result', { type: 'result', worker, attempt, exit, ranMs, cpuMs: ranMs }, session);
  }

  #fail({ attempt, delegator, session }: Running, code: FailureCode, message: string): void {
    const worker = this.#machine.id;
    this.#machine.send(delegator, 'failed', { type: 'failed', worker, attempt, code, message }, session);
  }

  /** The command is gone; what came of it is on its way. */
  #end(running: Running, healthy: boolean): void {
    if (running.done) return;
    running.done = true;
    this.#running.delete(running.attempt);
    this.#changed();
    this.#world.tally.stopped(running.attempt, this.#world.clock.now, healthy);
    this.#machine.post({ type: 'ended', attempt: running.attempt });
  }
}
