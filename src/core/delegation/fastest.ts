// The fastest machines with a free slot. A farm may have ten thousand of them: a task looks at a few, and the order of all is
// worked out now and then, not for each.
import type { Book } from './book.ts';
import { freeLease } from './leases.ts';
import type { WorkerBook } from './parts.ts';

/** So many of the fastest are looked at for one task; up to so many are all looked at. */
const LOOKED_AT = 24;
/** Rates move slowly. */
const KEPT_MS = 250;

export interface Fastest {
  at: number;
  order: readonly WorkerBook[];
  /** Got a free slot since then. */
  readonly later: Set<WorkerBook>;
}

export function createFastest(): Fastest {
  return { at: -Infinity, order: [], later: new Set() };
}

/** Workers with a free slot for the class that are none of `but`: all of them, or of many the fastest. */
export function fastestOpen(book: Book, classId: string, but: ReadonlySet<string>, now: number): readonly WorkerBook[] {
  const fits = (worker: WorkerBook): boolean => !but.has(worker.id) && freeLease(worker, classId) !== null;
  if (book.open.size <= LOOKED_AT) return [...book.open].filter(fits);
  const { fastest } = book;
  if (now >= fastest.at + KEPT_MS || fastest.later.size > LOOKED_AT) sort(book, now);
  const found = [...fastest.later].filter((worker) => book.open.has(worker) && fits(worker));
  let few = 0;
  for (const worker of fastest.order) {
    if (!book.open.has(worker) || fastest.later.has(worker) || !fits(worker)) continue;
    found.push(worker);
    few += 1;
    if (few === LOOKED_AT) break;
  }
  return found;
}

function sort(book: Book, now: number): void {
  const { fastest } = book;
  fastest.at = now;
  fastest.later.clear();
  const rates = new Map<WorkerBook, number>();
  for (const worker of book.open) rates.set(worker, book.rate(worker));
  fastest.order = [...rates].sort(([, a], [, b]) => b - a).map(([worker]) => worker);
}
