// Asks workers for a sign of life now, for somebody who wants to know: who has what is otherwise as old as the last heartbeat.
import type { NodeId } from '../../core/types.ts';

interface Poll {
  readonly waiting: Set<NodeId>;
  readonly answered: () => void;
}

export class Polls {
  private readonly polls = new Set<Poll>();

  /** Resolves when each of `workers` has answered what `send` asked of it, or after `withinMs`. */
  ask(workers: Iterable<NodeId>, send: (worker: NodeId) => void, withinMs: number): Promise<void> {
    const waiting = new Set(workers);
    if (waiting.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.polls.delete(poll);
        resolve();
      };
      const poll = { waiting, answered: end };
      const timer = setTimeout(end, withinMs);
      this.polls.add(poll);
      for (const worker of waiting) send(worker);
    });
  }

  /** The worker has spoken, or will not any more. */
  heard(worker: NodeId): void {
    for (const { waiting, answered } of this.polls) {
      if (waiting.delete(worker) && waiting.size === 0) answered();
    }
  }
}
