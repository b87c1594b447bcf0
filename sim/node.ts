// What delegators and machines of the virtual world share: a clock of their own that runs at its own rate, one timer,
// a life that can end and begin anew, and a freezer (SIGSTOP) in which everything that arrives waits.
import type { VirtualClock } from './clock.ts';

/** Something to be done by a node, in the life in which it was asked for. */
interface Chore {
  readonly life: number;
  readonly run: () => void;
}

/** A number is a timer's time on the node's own clock; a function is what arrived, whichever life it finds. */
export type Happening = number | Chore | (() => void);

/** A state machine that wants more at one moment would never rest. */
const TICKS_MAX = 10;
const RINGS_MAX = 1000;

export abstract class Node {
  readonly id: string;
  readonly clock: VirtualClock;
  readonly site: number;
  gone = false;
  /** Grows with every crash: what was meant for an earlier life is not for this one. */
  life = 0;
  #frozen = false;
  #held: Happening[] = [];
  readonly #rate: number;
  readonly #bootedAt: number;
  #latest = 0;
  /** On the node's own clock: when its state machine wants a tick, and when the timer that is set rings. */
  #wakeAt = Infinity;
  #timerAt = Infinity;
  /** How often the timer rang at one moment. */
  #rangAt = -1;
  #ringsNow = 0;

  /** `skewPpm`: so much faster runs its clock; `bootedAt`: what it showed when the world began. */
  constructor(id: string, site: number, clock: VirtualClock, skewPpm: number, bootedAt: number) {
    this.id = id;
    this.site = site;
    this.clock = clock;
    this.#rate = 1 + skewPpm / 1e6;
    this.#bootedAt = bootedAt;
  }

  get frozen(): boolean {
    return this.#frozen;
  }

  /** The node's own monotonic clock. */
  now(): number {
    this.#latest = Math.max(this.#latest, this.#bootedAt + this.clock.now * this.#rate);
    return this.#latest;
  }

  /** Gives the state machine the ticks that it wants by now: after that, only what happens moves it. */
  tickWhatIsDue(): void {
    for (let ticks = 0; ticks === 0 || (this.#wakeAt <= this.now() && ticks < TICKS_MAX); ticks++) this.tick();
  }

  happen(what: Happening): void {
    if (this.gone) return;
    if (this.#frozen) this.#held.push(what);
    else if (typeof what === 'number') this.#ring(what);
    else if (typeof what === 'function') what();
    else if (what.life === this.life) what.run();
  }

  /** After `ms` of the world's time, in this life only, and not while frozen. */
  after(ms: number, run: () => void): void {
    this.clock.at(this.clock.now + ms, this, { life: this.life, run });
  }

  freeze(): void {
    if (!this.gone) this.#frozen = true;
  }

  thaw(): void {
    if (!this.#frozen) return;
    this.#frozen = false;
    const held = this.#held;
    this.#held = [];
    for (const what of held) this.happen(what);
  }

  /** The process is gone with all that it knew. */
  protected die(): void {
    this.gone = true;
    this.life += 1;
    this.#frozen = false;
    this.#held = [];
    this.#wakeAt = Infinity;
    this.#timerAt = Infinity;
  }

  protected abstract tick(): void;

  /** Asks for a tick at `at` on the node's own clock; replaces the wish before. */
  protected wakeAt(at: number | null): void {
    this.#wakeAt = at ?? Infinity;
    // A timer that rings too early asks again: cheaper than a new one after every step.
    if (this.#wakeAt < this.#timerAt) this.#setTimer();
  }

  #setTimer(): void {
    const at = this.#wakeAt;
    this.#timerAt = at;
    if (at !== Infinity) this.clock.at((at - this.#bootedAt) / this.#rate, this, at);
  }

  #ring(at: number): void {
    if (at !== this.#timerAt) return;
    this.#timerAt = Infinity;
    this.#ringsNow = this.clock.now === this.#rangAt ? this.#ringsNow + 1 : 0;
    this.#rangAt = this.clock.now;
    if (this.#ringsNow > RINGS_MAX) throw new Error(`${this.id} asks for one tick after the other and never rests`);
    // The way there and back through the rate rounds: a timer never rings before its own time.
    this.#latest = Math.max(this.#latest, at);
    if (this.#wakeAt <= this.now()) this.tick();
    else this.#setTimer();
  }
}
