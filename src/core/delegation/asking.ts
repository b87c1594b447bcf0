// How many machines an announcement asks for. Where a thousand listen, a thousand answers would be a storm: few are asked,
// and more by waves, five times as many each, while too few answer. What a wave draws tells how many listen at all.
import type { Book } from './book.ts';
import { spareWanted } from './doubts.ts';
import {
  ANSWERS_PER_WANTED,
  FEW_LISTENERS,
  UNKNOWN_LISTENERS,
  USUAL_SLOTS,
  WAVE_GROWTH,
  WAVE_MS,
  WAVE_OFFERS,
} from './limits.ts';
import { freeOf } from './parts.ts';
import type { BuildBook } from './parts.ts';

export interface Ask {
  /** How many machines hear us, as far as waves have shown; 0: nothing is known. */
  listeners: number;
  /** Offers wanted by the wave, how often it was announced, and how many answered. */
  wanted: number;
  times: number;
  answers: number;
  waveAt: number;
  /** So many times more than at first. */
  boost: number;
  /** All have been asked: only time, or more demand, is a reason to ask again. */
  everyoneAsked: boolean;
}

export function createAsk(): Ask {
  return { listeners: 0, wanted: 0, times: 0, answers: 0, waveAt: -Infinity, boost: 1, everyoneAsked: false };
}

/** How many hear us: what is announced. */
export function listeners(book: Book): number {
  return Math.max(book.ask.listeners || book.options.listeners || UNKNOWN_LISTENERS, book.workers.size);
}

/** Slots that waiting tasks of this build and copies of its late ones lack, each class for itself: free slots of another compiler are no help. */
export function missingSlots(book: Book, build: BuildBook): number {
  let missing = 0;
  for (const classId of build.classes.keys()) {
    const waiting = book.waiting.countOf(classId);
    if (waiting > 0) missing += Math.max(0, waiting - freeFor(book, classId));
    missing += spareWanted(book, build, classId);
  }
  return missing;
}

/** How many machines should answer the next announcement of the build; begins a new wave when it is time for one. */
export function offersWanted(book: Book, build: BuildBook, now: number): number {
  const missing = missingSlots(book, build);
  const { ask } = book;
  if (missing === 0) {
    ask.wanted = 0;
    return 0;
  }
  if (ask.wanted > 0 && !ask.everyoneAsked && now >= ask.waveAt + WAVE_MS) beginWave(book, now);
  if (ask.wanted === 0) ask.waveAt = now;
  const hearing = listeners(book);
  const machines = Math.ceil(missing / usualSlots(book));
  const everyone = Math.ceil(hearing / ANSWERS_PER_WANTED);
  const few =
    ask.listeners === 0 && book.options.listeners === undefined ? WAVE_OFFERS : Math.min(WAVE_OFFERS, machines);
  const wanted = hearing <= FEW_LISTENERS ? Math.max(machines, everyone) : Math.min(few * ask.boost, everyone);
  ask.wanted = Math.max(ask.wanted, wanted);
  ask.times += 1;
  if (wanted >= everyone) ask.everyoneAsked = true;
  return wanted;
}

/** When the next wave is due while slots are missing, or Infinity. */
export function nextWaveAt(book: Book): number {
  const { ask } = book;
  return ask.wanted > 0 && !ask.everyoneAsked ? ask.waveAt + WAVE_MS : Infinity;
}

/** What is known says that nobody hears us. */
export function isAlone(book: Book): boolean {
  return book.workers.size === 0 && book.ask.listeners === 1;
}

/** Everyone may be asked again, few at first: the period is over. */
export function askAnew(book: Book, now: number): void {
  beginWave(book, now);
  book.ask.boost = 1;
}

/** There is more to do than everyone was asked for. */
export function askOn(book: Book, now: number): void {
  if (book.ask.everyoneAsked) beginWave(book, now);
}

/** An offer came; `isNew` when it is of a machine, or of slots, that we did not have. */
export function answered(book: Book, isNew: boolean): void {
  if (isNew) book.ask.answers += 1;
}

function beginWave(book: Book, now: number): void {
  const { ask } = book;
  if (ask.wanted > 0) {
    learn(book);
    if (ask.answers < ask.wanted) ask.boost *= WAVE_GROWTH;
  }
  if (ask.everyoneAsked) ask.boost = 1;
  ask.everyoneAsked = false;
  ask.waveAt = now;
  ask.wanted = 0;
  ask.times = 0;
  ask.answers = 0;
}

/** A third of a tenth answered: ten times three listen. When all were asked, those that ever answered are all there are. */
function learn(book: Book): void {
  const { ask } = book;
  const known = book.workers.size;
  if (ask.everyoneAsked) {
    ask.listeners = Math.max(1, known, Math.floor(ask.listeners / 2));
  } else if (ask.answers >= WAVE_OFFERS) {
    const share = Math.min(1, (ask.times * ANSWERS_PER_WANTED * ask.wanted) / listeners(book));
    const found = Math.max(known, Math.round(ask.answers / share));
    ask.listeners = ask.listeners === 0 ? found : Math.round((ask.listeners + found) / 2);
  }
}

function freeFor(book: Book, classId: string): number {
  let free = 0;
  for (const worker of book.open) {
    for (const lease of worker.leases.values()) if (lease.classIds.has(classId)) free += freeOf(lease);
  }
  return free;
}

function usualSlots(book: Book): number {
  let slots = 0;
  let count = 0;
  for (const { info } of book.workers.values()) {
    if (info === null || info.slots <= 0) continue;
    slots += info.slots;
    count += 1;
  }
  return count === 0 ? USUAL_SLOTS : slots / count;
}
