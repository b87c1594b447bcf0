// When the work that is known could be done at best. A slot gets only what will not outlast that: the longest tasks wait a
// moment for the machines that are fast enough for them, and slow machines get what is short enough.
import type { Book } from './book.ts';
import { leftMs } from './expected.ts';
import type { WorkerBook } from './parts.ts';

/** Recomputed at most so often while nothing else changes: what it looks at moves with time only slowly. */
const KEPT_MS = 20;
/** With more waiting for each slot than this, sums are as good as looking at every slot. */
const FEW_PER_SLOT = 4;
const STEPS = 16;
/** While much waits there is always a shorter task for a slow slot, and being strict costs nothing. */
const STRICT = 0.7;
/** At the end estimates are not exact: a little past the best end is not outlasting it. What runs longest is no measure: it gets a second copy. */
const SLACK = 1.1;

export interface Horizon {
  at: number;
  slots: number;
  longestMs: number;
  ms: number;
  /** Without the longest task and what runs longest. */
  areaMs: number;
}

export function createHorizon(): Horizon {
  return { at: -Infinity, slots: -1, longestMs: -1, ms: 0, areaMs: 0 };
}

interface Slot {
  readonly rate: number;
  /** From now. */
  readonly freeInMs: number;
}

/** From now until all known work could be done, by expectation. */
export function horizonMs(book: Book, now: number): number {
  const { horizon } = book;
  const { longestMs, shortestMs } = book.waiting.extremesMs();
  if (now < horizon.at + KEPT_MS && horizon.slots === book.slots && horizon.longestMs === longestMs) return horizon.ms;
  const slots = slotsOf(book, now);
  let best = Infinity;
  let busyMs = 0;
  let rates = 0;
  let behindMs = 0;
  for (const { rate, freeInMs } of slots) {
    best = Math.min(best, freeInMs + longestMs / rate);
    busyMs = Math.max(busyMs, freeInMs);
    rates += rate;
    behindMs += rate * freeInMs;
  }
  const isMuch = book.waiting.travelling > FEW_PER_SLOT * slots.length;
  const areaMs = isMuch
    ? (book.waiting.workMs + behindMs) / rates
    : fill(slots, book.waiting.workMs, shortestMs, busyMs);
  const doneMs = isMuch ? STRICT * areaMs : SLACK * areaMs;
  horizon.areaMs = areaMs;
  horizon.at = now;
  horizon.slots = book.slots;
  horizon.longestMs = longestMs;
  horizon.ms = slots.length === 0 ? Infinity : Math.max(SLACK * best, doneMs);
  return horizon.ms;
}

/** From now until the slots together have done all that waits. */
export function areaMs(book: Book, now: number): number {
  horizonMs(book, now);
  return book.horizon.areaMs;
}

function slotsOf(book: Book, now: number): Slot[] {
  const slots: Slot[] = [];
  for (const worker of book.holding) {
    const rate = book.rate(worker);
    let free = 0;
    for (const lease of worker.leases.values()) free += Math.max(0, Math.min(lease.slots, lease.keep) - lease.used);
    for (let i = 0; i < free; i++) slots.push({ rate, freeInMs: 0 });
    addBusy(book, slots, worker, rate, now);
  }
  for (let i = book.ownUsed; i < book.options.ownSlots; i++) slots.push({ rate: 1, freeInMs: 0 });
  return slots;
}

function addBusy(book: Book, slots: Slot[], worker: WorkerBook, rate: number, now: number): void {
  for (const attempt of worker.attempts.values()) {
    if (attempt.state !== 'live') continue;
    slots.push({ rate, freeInMs: leftMs(book, attempt, now) });
  }
}

/** The time in which slots that can finish at least the shortest task take up all the work; at most a bound that surely does. */
function fill(slots: readonly Slot[], workMs: number, shortestMs: number, busyMs: number): number {
  let low = 0;
  let slowest = Infinity;
  for (const { rate } of slots) slowest = Math.min(slowest, rate);
  let high = busyMs + workMs / slowest;
  for (let step = 0; step < STEPS; step++) {
    const middle = (low + high) / 2;
    let room = 0;
    for (const { rate, freeInMs } of slots) {
      const here = rate * (middle - freeInMs);
      if (here >= shortestMs) room += here;
    }
    if (room >= workMs) high = middle;
    else low = middle;
  }
  return high;
}
