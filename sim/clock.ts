// The virtual clock: what will happen, in order of time and then of asking. Nothing here waits. A farm of ten thousand
// machines has tens of thousands of things pending, so the heap is made of plain numbers and allocates nothing per entry.

/** Something that things happen to. */
export interface Target<What> {
  happen(what: What): void;
}

const ARITY = 4;

export class VirtualClock {
  /** Milliseconds since the world began. */
  now = 0;
  #size = 0;
  #order = 0;
  /** By place in the heap: when, in which order it was asked for, and where its target and argument are. */
  #times = new Float64Array(1024);
  #orders = new Float64Array(1024);
  #slots = new Int32Array(1024);
  /** By slot. */
  readonly #targets: (Target<unknown> | null)[] = [];
  readonly #whats: unknown[] = [];
  readonly #freeSlots: number[] = [];

  get pending(): number {
    return this.#size;
  }

  /** `target.happen(what)` at `at`, or now when that has passed; never when `at` is Infinity. */
  at<What>(at: number, target: Target<What>, what: What): void {
    if (at === Infinity) return;
    const slot = this.#freeSlots.pop() ?? this.#targets.length;
    this.#targets[slot] = target as Target<unknown>;
    this.#whats[slot] = what;
    if (this.#size === this.#times.length) this.#grow();
    this.#order += 1;
    this.#rise(this.#size, Math.max(at, this.now), this.#order, slot);
    this.#size += 1;
  }

  /** Lets the next thing happen, if it is due by `until`; else moves on to `until` and says false. */
  advance(until: number): boolean {
    if (this.#size === 0 || (this.#times[0] ?? 0) > until) {
      this.now = Math.max(this.now, until);
      return false;
    }
    this.now = this.#times[0] ?? 0;
    const slot = this.#slots[0] ?? 0;
    this.#removeFirst();
    const target = this.#targets[slot];
    const what = this.#whats[slot];
    this.#targets[slot] = null;
    this.#whats[slot] = null;
    this.#freeSlots.push(slot);
    target?.happen(what);
    return true;
  }

  #removeFirst(): void {
    this.#size -= 1;
    const last = this.#size;
    if (last > 0) this.#sink(this.#times[last] ?? 0, this.#orders[last] ?? 0, this.#slots[last] ?? 0);
  }

  #rise(start: number, time: number, order: number, slot: number): void {
    let i = start;
    while (i > 0) {
      const parent = (i - 1) >> 2;
      if (!this.#isBefore(time, order, parent)) break;
      this.#move(parent, i);
      i = parent;
    }
    this.#put(i, time, order, slot);
  }

  #sink(time: number, order: number, slot: number): void {
    const size = this.#size;
    let i = 0;
    for (;;) {
      const first = ARITY * i + 1;
      if (first >= size) break;
      let best = first;
      const end = Math.min(first + ARITY, size);
      for (let child = first + 1; child < end; child++) {
        if (this.#isBefore(this.#times[child] ?? 0, this.#orders[child] ?? 0, best)) best = child;
      }
      if (this.#isBefore(time, order, best)) break;
      this.#move(best, i);
      i = best;
    }
    this.#put(i, time, order, slot);
  }

  #isBefore(time: number, order: number, other: number): boolean {
    const at = this.#times[other] ?? 0;
    return time < at || (time === at && order < (this.#orders[other] ?? 0));
  }

  #move(from: number, to: number): void {
    this.#put(to, this.#times[from] ?? 0, this.#orders[from] ?? 0, this.#slots[from] ?? 0);
  }

  #put(place: number, time: number, order: number, slot: number): void {
    this.#times[place] = time;
    this.#orders[place] = order;
    this.#slots[place] = slot;
  }

  #grow(): void {
    const length = 2 * this.#times.length;
    const times = new Float64Array(length);
    const orders = new Float64Array(length);
    const slots = new Int32Array(length);
    times.set(this.#times);
    orders.set(this.#orders);
    slots.set(this.#slots);
    this.#times = times;
    this.#orders = orders;
    this.#slots = slots;
  }
}
