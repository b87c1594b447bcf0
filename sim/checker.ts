// The invariants of protocol.md, checked from outside: the checker sees what goes into the machines and what comes
// out, keeps its own count, and throws with the seed's story on the first difference. It trusts no view it can count.
import type { DelegatorEffect, DelegatorEvent } from '../src/core/delegation/types.ts';
import type { DelegationView } from '../src/core/delegation/view.ts';
import type { AttemptId, LocalReason, NodeId, TaskId } from '../src/core/types.ts';
import type { AdmissionView } from '../src/core/worker/view.ts';

interface Watched {
  readonly delegator: NodeId;
  state: 'open' | 'here' | 'ended';
  reason: LocalReason | null;
  cancelled: boolean;
  notes: number;
  /** Attempts that were awarded and have neither failed nor been cancelled, with their workers. */
  readonly copies: Map<AttemptId, NodeId>;
}

/** What one run did, so that a test can see that the interesting things happened at all. */
export interface Tally {
  delivered: number;
  local: number;
  cancelled: number;
  discarded: number;
  hedges: number;
  failures: number;
  excluded: number;
  refusedAwards: number;
}

export function emptyTally(): Tally {
  return {
    delivered: 0,
    local: 0,
    cancelled: 0,
    discarded: 0,
    hedges: 0,
    failures: 0,
    excluded: 0,
    refusedAwards: 0,
  };
}

export class InvariantBroken extends Error {}

export class Checker {
  readonly tally: Tally = emptyTally();
  readonly #tasks = new Map<TaskId, Watched>();
  readonly #awards = new Map<AttemptId, { delegator: NodeId; worker: NodeId; ran: boolean; results: number }>();
  readonly #here = new Map<NodeId, number>();
  /** Tasks that wait: neither ended nor here, and of no copy. */
  readonly #waiting = new Map<NodeId, number>();
  readonly #unended = new Map<NodeId, number>();

  /** Before the event is given to the delegator. */
  delegatorTakes(delegator: NodeId, event: DelegatorEvent): void {
    if (event.type === 'submit') {
      this.#tasks.set(event.task.id, {
        delegator,
        state: 'open',
        reason: null,
        cancelled: false,
        notes: 0,
        copies: new Map(),
      });
      this.#count(this.#waiting, delegator, 1);
      this.#count(this.#unended, delegator, 1);
    } else if (event.type === 'cancel') {
      const task = this.#tasks.get(event.task);
      if (task === undefined || task.state === 'ended') return;
      this.#end(task);
      task.cancelled = true;
      this.tally.cancelled += 1;
    } else if (event.type === 'local-ended') {
      const task = this.#tasks.get(event.task);
      if (task?.state === 'here') this.#end(task);
    } else if (event.type === 'result') {
      const award = this.#awards.get(event.attempt);
      if (award?.delegator === delegator && award.worker === event.worker) award.results += 1;
    }
  }

  delegatorGives(delegator: NodeId, effect: DelegatorEffect, hereSlots: number): void {
    switch (effect.type) {
      case 'award': {
        const task = this.#own(delegator, effect.task, 'award');
        this.#demand(task.state === 'open', `1: ${effect.task} was awarded when it was ${task.state}`);
        this.#demand(!this.#awards.has(effect.attempt), `1: attempt ${effect.attempt} was awarded twice`);
        const elsewhere = ![...task.copies.values()].includes(effect.worker);
        this.#demand(elsewhere, `${effect.task} is awarded twice to ${effect.worker}`);
        if (task.copies.size === 0) this.#count(this.#waiting, delegator, -1);
        task.copies.set(effect.attempt, effect.worker);
        this.#demand(task.copies.size <= 2, `${task.copies.size} copies of ${effect.task} run`);
        this.#awards.set(effect.attempt, { delegator, worker: effect.worker, ran: false, results: 0 });
        return;
      }
      case 'deliver': {
        const task = this.#own(delegator, effect.task, 'deliver');
        const award = this.#awards.get(effect.attempt);
        this.#demand(!task.cancelled, `3: an output of the cancelled task ${effect.task} is written`);
        this.#demand(task.state === 'open', `1: ${effect.task} has a result when it is ${task.state}`);
        this.#demand(award?.worker === effect.worker && award.results > 0, `1: ${effect.attempt} gave no result`);
        this.#end(task);
        this.tally.delivered += 1;
        return;
      }
      case 'run-local': {
        const task = this.#own(delegator, effect.task, 'run-local');
        this.#demand(task.state === 'open', `1: ${effect.task} is run here when it is ${task.state}`);
        if (task.copies.size === 0) this.#count(this.#waiting, delegator, -1);
        task.state = 'here';
        task.reason = effect.reason;
        this.tally.local += 1;
        if (effect.reason === 'queue-full') return;
        const here = (this.#here.get(delegator) ?? 0) + 1;
        this.#here.set(delegator, here);
        this.#demand(here <= hereSlots, `6: ${here} run at ${delegator}, ${hereSlots} may`);
        return;
      }
      case 'note':
        this.#note(effect.note);
        return;
      case 'discard':
        this.tally.discarded += 1;
        return;
      case 'announce':
      case 'release':
      case 'cancel-attempt':
      case 'echo':
        return;
    }
  }

  /** A worker starts the command of an attempt. */
  workerRuns(worker: NodeId, delegator: NodeId, attempt: AttemptId): void {
    const award = this.#awards.get(attempt);
    this.#demand(
      award?.worker === worker && award.delegator === delegator,
      `4: ${worker} runs ${attempt}, never awarded to it`,
    );
    if (award === undefined) return;
    this.#demand(!award.ran, `1: ${attempt} runs twice`);
    award.ran = true;
  }

  /** `running`: the processes that the world counts; `idleAllowed`: idle slots that memory allows. */
  workerHolds(worker: NodeId, view: AdmissionView, slots: number, running: number, idleAllowed: number): void {
    const held = view.delegators.reduce(
      (sum, party) => sum + (party.lease === null ? 0 : party.lease.slots - party.lease.used),
      0,
    );
    this.#demand(running + held <= slots, `2: ${worker} has ${running} running and ${held} reserved of ${slots} slots`);
    for (const { id, lease, attempts } of view.delegators) {
      const used = lease?.used ?? 0;
      this.#demand(used <= attempts.length, `2: ${worker} counts ${used} used slots of ${id}, ${attempts.length} run`);
    }
    // What has been asked back is still reserved, but a reading of memory cannot hurry the delegator.
    const recalled = view.delegators.reduce((sum, { lease }) => sum + (lease?.recalled ?? 0), 0);
    const queued = view.delegators.reduce((sum, { lease }) => sum + (lease?.queued ?? 0), 0);
    this.#demand(queued <= slots / 4, `2: ${worker} fetches ${queued} tasks ahead of ${slots} slots`);
    this.#demand(
      held - recalled <= idleAllowed,
      `2: ${worker} reserved ${held} slots, its memory allows ${idleAllowed}`,
    );
    this.#demand(view.running === running, `2: ${worker} believes that ${view.running} run, ${running} do`);
  }

  /** How many tasks wait at a delegator, by what was seen from outside. */
  waitingAt(delegator: NodeId): number {
    return this.#waiting.get(delegator) ?? 0;
  }

  /** The delegator's own view must agree with what was seen from outside. */
  compare(delegator: NodeId, view: DelegationView): void {
    const [waiting, unended] = [this.waitingAt(delegator), this.#unended.get(delegator) ?? 0];
    this.#demand(view.waiting === waiting, `1: ${delegator} believes that ${view.waiting} tasks wait, ${waiting} do`);
    this.#demand(view.tasks.length === unended, `1: ${delegator} knows ${view.tasks.length} tasks of ${unended}`);
  }

  waiting(delegator: NodeId, waiting: number, bound: number): void {
    this.#demand(waiting <= bound, `6: ${waiting} tasks wait at ${delegator}, at most ${bound} may`);
  }

  /** A delegator that crashed takes its tasks with it: its launchers run the real compilers. */
  forget(delegator: NodeId): void {
    for (const [id, task] of this.#tasks) if (task.delegator === delegator) this.#tasks.delete(id);
    for (const counts of [this.#here, this.#waiting, this.#unended]) counts.delete(delegator);
  }

  open(): TaskId[] {
    return [...this.#tasks].filter(([, task]) => task.state !== 'ended').map(([id]) => id);
  }

  isHere(id: TaskId): boolean {
    return this.#tasks.get(id)?.state === 'here';
  }

  /** When all is quiet: every task has ended, and exactly one note said so. */
  allEnded(): void {
    for (const [id, task] of this.#tasks) {
      this.#demand(task.state === 'ended', `1 or 5: ${id} never ended, it is ${task.state} (${task.reason ?? ''})`);
      this.#demand(task.notes === 1, `1: ${task.notes} ends were told of ${id}`);
    }
  }

  quiet(worker: NodeId, view: AdmissionView): void {
    this.#demand(view.promised === 0, `2: ${worker} still holds ${view.promised} slots when all is done`);
  }

  demand(condition: boolean, message: string): void {
    this.#demand(condition, message);
  }

  #note(note: Extract<DelegatorEffect, { type: 'note' }>['note']): void {
    switch (note.kind) {
      case 'ended': {
        const task = this.#tasks.get(note.task);
        if (task === undefined) return;
        this.#demand(task.state === 'ended', `1: ${note.task} is said to have ended, it is ${task.state}`);
        this.#demand((note.how === 'cancelled') === task.cancelled, `3: ${note.task} ended as ${note.how}`);
        task.notes += 1;
        return;
      }
      case 'awarded':
        if (note.hedge) this.tally.hedges += 1;
        return;
      case 'attempt-failed':
        this.#dropCopy(note.task, note.attempt);
        if (note.code === 'lease-expired') this.tally.refusedAwards += 1;
        else this.tally.failures += 1;
        return;
      case 'worker-excluded':
        this.tally.excluded += 1;
        return;
      case 'local':
      case 'refused-offer':
        return;
    }
  }

  #dropCopy(id: TaskId, attempt: AttemptId): void {
    const task = this.#tasks.get(id);
    if (task?.copies.delete(attempt) !== true) return;
    if (task.copies.size === 0 && task.state === 'open') this.#count(this.#waiting, task.delegator, 1);
  }

  #count(counts: Map<NodeId, number>, delegator: NodeId, change: 1 | -1): void {
    counts.set(delegator, (counts.get(delegator) ?? 0) + change);
  }

  #own(delegator: NodeId, id: TaskId, what: string): Watched {
    const task = this.#tasks.get(id);
    if (task === undefined || task.delegator !== delegator)
      throw new InvariantBroken(`1: ${what} for ${id}, unknown to ${delegator}`);
    return task;
  }

  #end(task: Watched): void {
    if (task.state === 'here' && task.reason !== 'queue-full') this.#count(this.#here, task.delegator, -1);
    if (task.state === 'open' && task.copies.size === 0) this.#count(this.#waiting, task.delegator, -1);
    this.#count(this.#unended, task.delegator, -1);
    task.state = 'ended';
  }

  #demand(condition: boolean, message: string): void {
    if (!condition) throw new InvariantBroken(`invariant ${message}`);
  }
}
