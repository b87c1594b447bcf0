// Tasks that wait: those that may go anywhere, longest first and by class, and those that only this machine may
// take, in order of arrival. Nothing here grows with the number that waits but the logarithm of it.
import { assert } from '../../base/assert.ts';
import { SortedList } from '../../base/sorted.ts';
import { CLASS_PATIENCE_MS } from './limits.ts';
import type { Task } from './parts.ts';

/** Longest first; among equals, first come first. */
function longer(a: Task, b: Task): boolean {
  if (a.orderMs !== b.orderMs) return a.orderMs > b.orderMs;
  return a.order < b.order;
}

/** What cannot travel before what could have; then first come, first served. */
function earlier(a: Task, b: Task): boolean {
  const [aStays, bStays] = [a.spec.class === null, b.spec.class === null];
  if (aStays !== bStays) return aStays;
  return a.order < b.order;
}

interface Queue {
  readonly tasks: SortedList<Task>;
  /** When a task of it last got a place, or since when tasks wait in it. */
  servedAt: number;
}

/** What may not be placed now, by class: nothing of it (0), or nothing longer than so many milliseconds. */
export type Ceilings = ReadonlyMap<string, number>;

export class WaitingTasks {
  readonly #byClass = new Map<string, Queue>();
  readonly #here = new SortedList<Task>(earlier);
  #travelling = 0;
  #workMs = 0;

  /** Tasks that may still go anywhere. */
  get travelling(): number {
    return this.#travelling;
  }

  /** The sum of what they are expected to take in the mean. */
  get workMs(): number {
    return Math.max(0, this.#workMs);
  }

  get size(): number {
    return this.#travelling + this.#here.size;
  }

  /** Files the task where its place says. */
  add(task: Task, now: number): void {
    if (task.place.at === 'queued-here') {
      this.#here.add(task);
      return;
    }
    assert(task.spec.class !== null, 'a task without a class cannot travel');
    let queue = this.#byClass.get(task.spec.class.id);
    if (queue === undefined) {
      queue = { tasks: new SortedList(longer), servedAt: now };
      this.#byClass.set(task.spec.class.id, queue);
    }
    queue.tasks.add(task);
    this.#travelling += 1;
    this.#workMs += task.meanMs;
  }

  /** Must be called while the task's place still says where it waits. */
  remove(task: Task): void {
    if (task.place.at === 'queued-here') {
      this.#here.remove(task);
      return;
    }
    const id = task.spec.class?.id ?? '';
    const queue = this.#byClass.get(id);
    if (queue?.tasks.remove(task) === true) {
      this.#travelling -= 1;
      this.#workMs = this.#travelling === 0 ? 0 : this.#workMs - task.meanMs;
    }
    if (queue?.tasks.size === 0) this.#byClass.delete(id);
  }

  /** Lets `change` give tasks that wait to travel another estimate, and orders them anew where it did. */
  revise(change: (task: Task) => boolean): void {
    for (const { tasks } of this.#byClass.values()) {
      let changed = false;
      for (const task of tasks) {
        const before = task.meanMs;
        if (!change(task)) continue;
        changed = true;
        this.#workMs += task.meanMs - before;
      }
      if (changed) tasks.sort();
    }
  }

  /** Classes of which tasks wait. */
  classes(): IterableIterator<string> {
    return this.#byClass.keys();
  }

  /** How many tasks of a class wait to travel. */
  countOf(classId: string): number {
    return this.#byClass.get(classId)?.tasks.size ?? 0;
  }

  /** A task of the class got a place. */
  served(classId: string, now: number): void {
    const queue = this.#byClass.get(classId);
    if (queue !== undefined) queue.servedAt = now;
  }

  /**
   * The task to place next, under the ceilings: the longest, but a class that was passed over for as long as its longest
   * task takes comes first. So a compiler that is seldom used has about one slot, and waits for one task's end.
   */
  next(ceilings: Ceilings, now: number): Task | undefined {
    return (this.#byClass.size > 1 ? this.#passedOver(ceilings, now) : undefined) ?? this.#longest(ceilings);
  }

  longestOf(classId: string): Task | undefined {
    return this.#byClass.get(classId)?.tasks.first();
  }

  /** The shortest that waits to travel of these classes. */
  shortestOf(classIds: Iterable<string>): Task | undefined {
    let found: Task | undefined;
    for (const id of classIds) {
      const task = this.#byClass.get(id)?.tasks.last();
      if (task !== undefined && (found === undefined || longer(found, task))) found = task;
    }
    return found;
  }

  /** The longest and the shortest that wait to travel, as they are ordered; 0 when none do. */
  extremesMs(): { readonly longestMs: number; readonly shortestMs: number } {
    let [longestMs, shortestMs] = [0, Infinity];
    for (const { tasks } of this.#byClass.values()) {
      longestMs = Math.max(longestMs, tasks.first()?.orderMs ?? 0);
      shortestMs = Math.min(shortestMs, tasks.last()?.orderMs ?? Infinity);
    }
    return { longestMs, shortestMs: Math.min(shortestMs, longestMs) };
  }

  /** The next task that only this machine may take. */
  nextHere(): Task | undefined {
    return this.#here.first();
  }

  #passedOver(ceilings: Ceilings, now: number): Task | undefined {
    let found: Task | undefined;
    let since = Infinity;
    for (const [id, queue] of this.#byClass) {
      if (queue.servedAt >= since) continue;
      const task = longestUnder(queue, ceilings.get(id));
      if (task === undefined || now < queue.servedAt + CLASS_PATIENCE_MS + task.estimateMs) continue;
      found = task;
      since = queue.servedAt;
    }
    return found;
  }

  #longest(ceilings: Ceilings): Task | undefined {
    let best: Task | undefined;
    for (const [id, queue] of this.#byClass) {
      const task = longestUnder(queue, ceilings.get(id));
      if (task !== undefined && (best === undefined || longer(task, best))) best = task;
    }
    return best;
  }
}

function longestUnder({ tasks }: Queue, ceilingMs: number | undefined): Task | undefined {
  if (ceilingMs === undefined) return tasks.first();
  return ceilingMs <= 0 ? undefined : tasks.firstWhere((task) => task.orderMs <= ceilingMs);
}
