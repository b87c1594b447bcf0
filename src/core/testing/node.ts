// What both kinds of nodes of the virtual world share: they can freeze, thaw and be gone, and they own one timer.
import type { World } from './world.ts';

export abstract class Node {
  readonly world: World;
  readonly id: string;
  gone = false;
  /** Grows with every crash: what was meant for an earlier life is not for this one. */
  incarnation = 0;
  #frozen = false;
  #held: (() => void)[] = [];
  #timerAt = Infinity;

  constructor(world: World, id: string) {
    this.world = world;
    this.id = id;
  }

  /** Runs `action` now, after the thaw, or never, as the node's state has it. */
  receive(action: () => void): void {
    if (this.gone) return;
    if (this.#frozen) this.#held.push(action);
    else action();
  }

  freeze(ms: number): void {
    if (this.gone || this.#frozen) return;
    this.#frozen = true;
    this.world.clock.after(ms, () => this.thaw());
  }

  thaw(): void {
    if (!this.#frozen) return;
    this.#frozen = false;
    const held = this.#held;
    this.#held = [];
    for (const action of held) this.receive(action);
  }

  /** In this life only, and not while frozen. */
  after(ms: number, action: () => void): void {
    const born = this.incarnation;
    this.world.clock.after(ms, () => {
      this.receive(() => {
        if (this.incarnation === born) action();
      });
    });
  }

  /** Calls `tick` at `at`; a later wish replaces an earlier one, as a real timer would. */
  protected wakeAt(at: number | null, tick: () => void): void {
    this.#timerAt = at ?? Infinity;
    if (at === null) return;
    this.after(Math.max(0, at - this.world.clock.now), () => {
      if (this.#timerAt > at) return;
      tick();
    });
  }

  protected die(): void {
    this.incarnation += 1;
    this.#frozen = false;
    this.#held = [];
    this.#timerAt = Infinity;
  }
}
