// Bursts of short work in slices: ten thousand launchers that call at once must not keep the one that asks for the status waiting.

const sliceMs = 10;

export class Turns {
  private readonly waiting: (() => void)[] = [];
  private sliceEndsAt = -Infinity;
  private isDue = false;

  /** Runs `work` now, or, when this turn of the event loop has had its share, in one of the next, in order. */
  take(work: () => void): void {
    if (this.waiting.length > 0) {
      this.waiting.push(work);
      return;
    }
    if (!this.isDue) {
      this.isDue = true;
      this.sliceEndsAt = performance.now() + sliceMs;
      setImmediate(() => this.next());
      work();
    } else if (performance.now() < this.sliceEndsAt) work();
    else this.waiting.push(work);
  }

  private next(): void {
    const until = performance.now() + sliceMs;
    let done = 0;
    while (done < this.waiting.length && performance.now() < until) this.waiting[done++]?.();
    this.waiting.splice(0, done);
    this.isDue = this.waiting.length > 0;
    if (this.isDue) setImmediate(() => this.next());
  }
}

/** For loops over many: whether it is time to let others have a turn, after which `nextTurn` is to be awaited. */
export class Slice {
  private endsAt = performance.now() + sliceMs;

  isOver(): boolean {
    return performance.now() >= this.endsAt;
  }

  async nextTurn(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.endsAt = performance.now() + sliceMs;
  }
}
