// What may want a second copy, as the last look at all that is away found it; hedge.ts looks and doubles.
import type { Book } from './book.ts';
import { STRAGGLER_MIN_MS } from './limits.ts';
import type { Attempt, BuildBook, Task } from './parts.ts';

/** What may want a second copy. */
export interface Doubt {
  readonly task: Task;
  readonly attempt: Attempt;
  readonly kind: 'tail' | 'straggler';
  /** It would outlast all else: its copy goes before what waits. */
  readonly isUrgent: boolean;
  readonly leftMs: number;
  /** There is no free slot on another machine. */
  lacksPlace: boolean;
}

export interface Doubts {
  lookAt: number;
  /** Most time left first. */
  list: readonly Doubt[];
}

/** So many slots are asked for copies of a class's tasks, and only for copies of what still takes long. */
const SPARE = 2;

export function createDoubts(): Doubts {
  return { lookAt: -Infinity, list: [] };
}

/** How many slots of a class should be asked for, so that what is late can be doubled. */
export function spareWanted(book: Book, build: BuildBook, classId: string): number {
  let wanted = 0;
  for (const { lacksPlace, kind, task, leftMs: left } of book.doubts.list) {
    if (!lacksPlace || task.place.at !== 'away') continue;
    if (task.spec.build !== build.id || task.spec.class?.id !== classId) continue;
    if (kind === 'straggler' || left > STRAGGLER_MIN_MS) wanted += 1;
  }
  return Math.min(SPARE, wanted);
}
