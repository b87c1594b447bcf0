// A list that is always in order. Finding is logarithmic; putting in and taking out moves pointers behind the place, which
// for ten thousand of them costs a few microseconds, less than a tree would.
export class SortedList<T> {
  readonly #before: (a: T, b: T) => boolean;
  readonly #items: T[] = [];

  /** `before` must tell any two different items apart. */
  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before;
  }

  get size(): number {
    return this.#items.length;
  }

  first(): T | undefined {
    return this.#items[0];
  }

  last(): T | undefined {
    return this.#items.at(-1);
  }

  add(item: T): void {
    this.#items.splice(
      this.#count((other) => this.#before(other, item)),
      0,
      item,
    );
  }

  /** False: it was not in the list. */
  remove(item: T): boolean {
    const place = this.#count((other) => this.#before(other, item));
    if (this.#items[place] !== item) return false;
    this.#items.splice(place, 1);
    return true;
  }

  /** The first item for which `holds` is true, given that it holds for all items after it too. */
  firstWhere(holds: (item: T) => boolean): T | undefined {
    return this.#items[this.#count((item) => !holds(item))];
  }

  /** Puts all in order again after items have changed: what tells their order must not change otherwise. */
  sort(): void {
    this.#items.sort((a, b) => (this.#before(a, b) ? -1 : 1));
  }

  [Symbol.iterator](): IterableIterator<T> {
    return this.#items.values();
  }

  /** How many items at the beginning satisfy a condition that no later one satisfies. */
  #count(condition: (item: T) => boolean): number {
    let low = 0;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (condition(this.#items[middle] as T)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
