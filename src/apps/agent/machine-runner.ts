// Drives one of core's state machines with the real clock: post an event, apply the effects, wake up when it asks to.
// Events that effects cause are queued, so that a step is never entered while another one runs.

/** What core's machines have in common. */
export interface StateMachine<Event, Effect> {
  step(event: Event, nowMs: number): readonly Effect[];
  /** When a `tick` is due, or null. */
  nextWakeAt(): number | null;
}

export class MachineRunner<Event extends { readonly type: string }, Effect> {
  private readonly machine: StateMachine<Event, Effect>;
  private readonly tick: Event;
  private readonly apply: (effect: Effect) => void;
  private readonly queue: Event[] = [];
  private running = false;
  private timer: NodeJS.Timeout | null = null;
  private timerAt = Infinity;
  private stopped = false;

  constructor(machine: StateMachine<Event, Effect>, tick: Event, apply: (effect: Effect) => void) {
    this.machine = machine;
    this.tick = tick;
    this.apply = apply;
  }

  post(event: Event): void {
    if (this.stopped) return;
    this.queue.push(event);
    if (this.running) return;
    this.running = true;
    try {
      for (let next = this.queue.shift(); next !== undefined; next = this.queue.shift()) {
        for (const effect of this.machine.step(next, performance.now())) this.apply(effect);
      }
    } finally {
      this.running = false;
    }
    this.schedule();
  }

  stop(): void {
    this.stopped = true;
    if (this.timer !== null) clearTimeout(this.timer);
  }

  private schedule(): void {
    const wakeAt = this.machine.nextWakeAt() ?? Infinity;
    // A timer that fires too early asks again: cheaper than a new one after every event.
    if (wakeAt >= this.timerAt || this.stopped) return;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timerAt = wakeAt;
    this.timer = setTimeout(() => this.wake(), Math.max(0, Math.ceil(wakeAt - performance.now())));
  }

  private wake(): void {
    this.timer = null;
    this.timerAt = Infinity;
    if ((this.machine.nextWakeAt() ?? Infinity) <= performance.now()) this.post(this.tick);
    else this.schedule();
  }
}
