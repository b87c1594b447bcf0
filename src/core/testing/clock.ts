// A virtual clock: things that will happen, in order of time and then of asking. Nothing here waits.
import { Heap } from '../../base/heap.ts';

interface Happening {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

export class VirtualClock {
  now = 0;
  readonly #heap = new Heap<Happening>((a, b) => (a.at === b.at ? a.order < b.order : a.at < b.at));
  #order = 0;

  after(ms: number, run: () => void): void {
    this.at(this.now + ms, run);
  }

  at(at: number, run: () => void): void {
    this.#order += 1;
    this.#heap.push({ at: Math.max(at, this.now), order: this.#order, run });
  }

  /** Lets the next thing happen, if it is due by `until`; false when there is none. */
  advance(until: number): boolean {
    const next = this.#heap.peek();
    if (next === undefined || next.at > until) {
      this.now = Math.max(this.now, until);
      return false;
    }
    this.#heap.pop();
    this.now = next.at;
    next.run();
    return true;
  }
}
