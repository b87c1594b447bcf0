// Answers that cost something to get, kept for as long as what they rest on stays what it was.

interface Known<T> {
  readonly answer: Promise<T>;
  /** What the answer rests on, as text that changes with it; null: nothing known, as for a failure, so ask again. */
  state: string | null;
  checkedAtMs: number;
}

export class Answers<T> {
  readonly #known = new Map<string, Known<T>>();
  readonly #recheckMs: number;

  /** An answer younger than `recheckMs` is given without a look at what it rests on. */
  constructor(recheckMs: number) {
    this.#recheckMs = recheckMs;
  }

  /**
   * The answer known for `key` while what it rests on is unchanged, else a new one; callers of one time share one question.
   * `anew`: what it rests on is looked at, however young the answer is.
   */
  async get(key: string, ask: () => Promise<T>, stateNow: (answer: T) => string | null, anew = false): Promise<T> {
    const known = this.#known.get(key);
    if (known !== undefined) {
      const answer = await known.answer;
      const nowMs = performance.now();
      if (!anew && nowMs - known.checkedAtMs < this.#recheckMs) return answer;
      known.checkedAtMs = nowMs;
      if (known.state !== null && stateNow(answer) === known.state) return answer;
      if (this.#known.get(key) !== known) return this.get(key, ask, stateNow);
    }
    const fresh: Known<T> = { answer: ask(), state: null, checkedAtMs: Number.POSITIVE_INFINITY };
    this.#known.set(key, fresh);
    try {
      const answer = await fresh.answer;
      fresh.state = stateNow(answer);
      fresh.checkedAtMs = performance.now();
      return answer;
    } catch (error) {
      if (this.#known.get(key) === fresh) this.#known.delete(key);
      throw error;
    }
  }
}
