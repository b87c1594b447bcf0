// What time alone brings about: leases that nobody renewed, workers and attempts that fell silent, deadlines, the end
// of exclusions. `book.timersAt` is a lower bound: this scan runs seldom and sets it anew.
// Times are compared as sums (`now >= since + ms`), just as the wake-up was computed: differences round differently.
import type { Book } from './book.ts';
import { pastDeadline, silence, silentAt } from './attempts.ts';
import { strike } from './exclusion.ts';
import { dropLeases, endLease, isUnnamed } from './leases.ts';
import { CANCELLED_FORGOTTEN_MS, SILENT_AFTER_MS, WORKER_FORGOTTEN_MS } from './limits.ts';
import type { Attempt, WorkerBook } from './parts.ts';

export function runTimers(book: Book, now: number): void {
  if (now < book.timersAt) return;
  for (const worker of [...book.workers.values()]) {
    expireLeases(book, worker, now);
    hearSilence(book, worker, now);
    checkAttempts(book, worker, now);
    if (isForgotten(worker, now)) book.workers.delete(worker.id);
  }
  book.timersAt = nextTimer(book, now);
}

/** This machine slept (a frozen process, a closed lid): the time counts for nobody. */
export function forgiveSleep(book: Book, sleptMs: number, now: number): void {
  for (const worker of book.workers.values()) {
    worker.heardAt = Math.min(now, worker.heardAt + sleptMs);
    for (const lease of worker.leases.values()) lease.expiresAt += sleptMs;
  }
  for (const attempt of book.attempts.values()) attempt.seenAt = Math.min(now, attempt.seenAt + sleptMs);
}

/** The worker is told: it may believe that the lease stands. */
function expireLeases(book: Book, worker: WorkerBook, now: number): void {
  for (const lease of worker.leases.values()) if (lease.expiresAt <= now) endLease(book, worker, lease, now);
  for (const [id, until] of worker.ended) if (until <= now) worker.ended.delete(id);
}

function hearSilence(book: Book, worker: WorkerBook, now: number): void {
  if (now < worker.heardAt + SILENT_AFTER_MS) return;
  dropLeases(book, worker, now);
  let lost = false;
  for (const attempt of worker.attempts.values()) {
    if (attempt.state !== 'live') continue;
    silence(book, attempt, `nothing heard for ${Math.round((now - worker.heardAt) / 1000)} s`, now);
    lost = true;
  }
  if (lost) strike(book, worker, 'silent', now);
}

function checkAttempts(book: Book, worker: WorkerBook, now: number): void {
  for (const attempt of [...worker.attempts.values()]) {
    if (attempt.state === 'cancelled') {
      if (now >= attempt.cancelledAt + CANCELLED_FORGOTTEN_MS) book.dropAttempt(attempt);
    } else if (attempt.state === 'live') {
      if (attempt.deadlineAt <= now) pastDeadline(book, attempt, now);
      else if (silentAt(attempt) <= now || isUnnamed(attempt, now)) loseSight(book, attempt, now);
    }
  }
}

/** The worker lives, but has not named this attempt for long: it restarted, or the message was lost. */
function loseSight(book: Book, attempt: Attempt, now: number): void {
  silence(book, attempt, 'the worker no longer names it', now);
  strike(book, attempt.worker, 'worker-lost', now);
}

function isForgotten(worker: WorkerBook, now: number): boolean {
  return (
    !worker.connected &&
    worker.attempts.size === 0 &&
    now >= worker.excludedUntil &&
    now >= worker.heardAt + WORKER_FORGOTTEN_MS
  );
}

function nextTimer(book: Book, now: number): number {
  let at = Infinity;
  for (const worker of book.workers.values()) {
    let waitsForSign = worker.leases.size > 0;
    for (const lease of worker.leases.values()) at = Math.min(at, lease.expiresAt);
    for (const attempt of worker.attempts.values()) {
      if (attempt.state === 'cancelled') at = Math.min(at, attempt.cancelledAt + CANCELLED_FORGOTTEN_MS);
      if (attempt.state !== 'live') continue;
      waitsForSign = true;
      at = Math.min(at, attempt.deadlineAt, silentAt(attempt));
    }
    if (waitsForSign) at = Math.min(at, worker.heardAt + SILENT_AFTER_MS);
    if (worker.excludedUntil > now) at = Math.min(at, worker.excludedUntil);
  }
  return at;
}
