// The latest of something, at most so many.

export class Ring<T> {
  readonly #items: T[] = [];
  readonly #capacity: number;
  /** Where the next one goes, once the ring is full. */
  #next = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** @returns the one that had to go, or null */
  push(item: T): T | null {
    if (this.#items.length < this.#capacity) {
      this.#items.push(item);
      return null;
    }
    const gone = this.#items[this.#next] ?? null;
    this.#items[this.#next] = item;
    this.#next = (this.#next + 1) % this.#capacity;
    return gone;
  }

  *inOrder(): IterableIterator<T> {
    yield* this.#items.slice(this.#next);
    yield* this.#items.slice(0, this.#next);
  }

  latestFirst(): T[] {
    return [...this.inOrder()].reverse();
  }
}
