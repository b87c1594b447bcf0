// Workers that fail are left out for a while that doubles and ends. What is the task's fault, the owner's right or
// a quarrel about a lease is never held against a worker.
import type { FailureCode } from '../types.ts';
import { unreachable } from '../../base/assert.ts';
import type { Book } from './book.ts';
import { dropLeases } from './leases.ts';
import { EXCLUDE_MAX_MS, EXCLUDE_MIN_MS, EXCLUSION_FORGOTTEN_MS, STRIKES_MAX } from './limits.ts';
import type { WorkerBook } from './parts.ts';

/** How many strikes a failure is worth; at STRIKES_MAX without a result in between the worker is left out. */
function weightOf(code: FailureCode): number {
  switch (code) {
    case 'silent':
    case 'bad-result':
      return STRIKES_MAX;
    case 'worker-lost':
    case 'sandbox':
    case 'killed':
    case 'out-of-memory':
    case 'disk-full':
    case 'deadline':
      return 1;
    case 'lease-expired':
    case 'missing-file':
    case 'too-large':
    case 'owner-returned':
    case 'stopping':
      return 0;
    default:
      return unreachable(code);
  }
}

export function strike(book: Book, worker: WorkerBook, code: FailureCode, now: number): void {
  worker.strikes += weightOf(code);
  if (worker.strikes >= STRIKES_MAX && now >= worker.excludedUntil) exclude(book, worker, code, now);
}

function exclude(book: Book, worker: WorkerBook, why: string, now: number): void {
  if (now - worker.excludedUntil > EXCLUSION_FORGOTTEN_MS) worker.exclusions = 0;
  const forMs = Math.min(EXCLUDE_MAX_MS, EXCLUDE_MIN_MS * 2 ** Math.min(worker.exclusions, 20));
  worker.exclusions += 1;
  worker.strikes = 0;
  worker.excludedUntil = now + forMs;
  worker.excludedWhy = why;
  dropLeases(book, worker, now);
  book.wakeBy(worker.excludedUntil);
  book.note({ kind: 'worker-excluded', worker: worker.id, forMs, why });
}
