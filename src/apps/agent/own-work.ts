// How many tasks of this machine's own builds run here now: its worker lends so many slots less, for a machine serves itself first.
import type { DelegatorEffect, DelegatorEvent } from '../../core/delegation/types.ts';
import type { TaskId } from '../../core/types.ts';

export class OwnWork {
  private readonly here = new Set<TaskId>();
  private readonly tell: (running: number) => void;

  /** @param tell hears of each change */
  constructor(tell: (running: number) => void) {
    this.tell = tell;
  }

  /** Sees each step of the delegator. */
  observe(event: DelegatorEvent, effects: readonly DelegatorEffect[]): void {
    const before = this.here.size;
    if (event.type === 'local-ended' || event.type === 'cancel') this.here.delete(event.task);
    for (const effect of effects) if (effect.type === 'run-local') this.here.add(effect.task);
    if (this.here.size !== before) this.tell(this.here.size);
  }
}
