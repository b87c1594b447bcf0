// Tasks that wait: those that may go anywhere, longest first and by class, and those that only this machine may
// take, in order of arrival. A task that leaves early (cancelled) stays in its heap as a husk until it surfaces.
import { assert } from '../../base/assert.ts';
import { Heap } from '../../base/heap.ts';
import { CLASS_PATIENCE_MS } from './limits.ts';
import type { Task } from './parts.ts';

interface Entry {
  readonly task: Task;
  gone: boolean;
}

/** Longest first; among equals, first come first. */
function longer(a: Entry, b: Entry): boolean {
  if (a.task.estimateMs !== b.task.estimateMs) return a.task.estimateMs > b.task.estimateMs;
  return a.task.order < b.task.order;
}

/** What cannot travel before what could have; then first come, first served. */
function earlier(a: Entry, b: Entry): boolean {
  const [aStays, bStays] = [a.task.spec.class === null, b.task.spec.class === null];
  if (aStays !== bStays) return aStays;
  return a.task.order < b.task.order;
}

class Queue {
  /** When a task of it last got a place, or since when tasks wait in it. */
  servedAt = -Infinity;
  readonly #heap: Heap<Entry>;
  readonly #entries = new Map<Task, Entry>();

  constructor(before: (a: Entry, b: Entry) => boolean) {
    this.#heap = new Heap(before);
  }

  get size(): number {
    return this.#entries.size;
  }

  tasks(): Iterable<Task> {
    return this.#entries.keys();
  }

  add(task: Task): void {
    const entry = { task, gone: false };
    assert(!this.#entries.has(task), `task ${task.spec.id} waits twice`);
    this.#entries.set(task, entry);
    this.#heap.push(entry);
  }

  remove(task: Task): boolean {
    const entry = this.#entries.get(task);
    if (entry === undefined) return false;
    entry.gone = true;
    this.#entries.delete(task);
    if (this.#heap.size > 64 && this.#heap.size > 2 * this.#entries.size) this.#heap.filter((e) => !e.gone);
    return true;
  }

  peek(): Task | undefined {
    while (this.#heap.peek()?.gone === true) this.#heap.pop();
    return this.#heap.peek()?.task;
  }
}

export class WaitingTasks {
  readonly #byClass = new Map<string, Queue>();
  readonly #here = new Queue(earlier);
  #travelling = 0;

  /** Tasks that may still go anywhere. */
  get travelling(): number {
    return this.#travelling;
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
      queue = new Queue(longer);
      queue.servedAt = now;
      this.#byClass.set(task.spec.class.id, queue);
    }
    queue.add(task);
    this.#travelling += 1;
  }

  /** Must be called while the task's place still says where it waits. */
  remove(task: Task): void {
    if (task.place.at === 'queued-here') {
      this.#here.remove(task);
      return;
    }
    const id = task.spec.class?.id ?? '';
    const queue = this.#byClass.get(id);
    if (queue?.remove(task) === true) this.#travelling -= 1;
    if (queue?.size === 0) this.#byClass.delete(id);
  }

  /** Classes of which tasks wait. */
  classes(): IterableIterator<string> {
    return this.#byClass.keys();
  }

  /** How many tasks of a class wait to travel. */
  countOf(classId: string): number {
    return this.#byClass.get(classId)?.size ?? 0;
  }

  /** A task of the class got a place. */
  served(classId: string, now: number): void {
    const queue = this.#byClass.get(classId);
    if (queue !== undefined) queue.servedAt = now;
  }

  /**
   * The task to place next, of the classes not in `blocked`: the longest, but a class that was passed over for as long as
   * its longest task takes comes first. So a compiler that is seldom used has about one slot, and waits for one task's end.
   */
  next(blocked: ReadonlySet<string>, now: number): Task | undefined {
    return (this.#byClass.size > 1 ? this.#passedOver(blocked, now) : undefined) ?? this.#longest(blocked);
  }

  #passedOver(blocked: ReadonlySet<string>, now: number): Task | undefined {
    let found: Task | undefined;
    let since = Infinity;
    for (const [id, queue] of this.#byClass) {
      if (blocked.has(id) || queue.servedAt >= since) continue;
      const task = queue.peek();
      if (task === undefined || now < queue.servedAt + CLASS_PATIENCE_MS + task.estimateMs) continue;
      found = task;
      since = queue.servedAt;
    }
    return found;
  }

  #longest(blocked: ReadonlySet<string>): Task | undefined {
    let best: Task | undefined;
    for (const [id, queue] of this.#byClass) {
      if (blocked.has(id)) continue;
      const task = queue.peek();
      if (task === undefined) continue;
      if (best === undefined || longer({ task, gone: false }, { task: best, gone: false })) best = task;
    }
    return best;
  }

  longestOf(classId: string): Task | undefined {
    return this.#byClass.get(classId)?.peek();
  }

  /** The next task that only this machine may take. */
  nextHere(): Task | undefined {
    return this.#here.peek();
  }

  /** All tasks that may travel, in no particular order. */
  *travellers(): IterableIterator<Task> {
    for (const queue of this.#byClass.values()) yield* queue.tasks();
  }
}
