// Saying what is wanted, and giving back what is not: announcements at the start, on growth, on a period and at the
// end of demand; surplus slots released when they stayed surplus for the linger time, all of them after the end.
import type { Book } from './book.ts';
import { askAnew, askOn, listeners, missingSlots, nextWaveAt, offersWanted } from './asking.ts';
import { dropLeases, giveSlots } from './leases.ts';
import {
  ANNOUNCEMENT_EXPIRES_MS,
  ANNOUNCE_EVERY_MS,
  ANNOUNCE_GAP_MS,
  ASK_AGAIN_MS,
  LINGER_MS,
  SURPLUS_CHECK_MS,
} from './limits.ts';
import type { BuildBook, Lease, WorkerBook } from './parts.ts';

/** Slots kept idle so that the tail can be hedged: this share of what runs, but a few at least. */
const SPARE_SHARE = 0.1;
const SPARE_MIN = 2;
const GROWTH = 1.5;
/** A rank among fewer says nothing. */
const SCORED_WORKERS_MIN = 4;
/** Slots beside running tasks are kept until the worker's rate is known: the fastest may look slow at first. */
const KNOWN_AFTER = 8;
const UNKNOWN_KEPT_MS = 10_000;

/** The highest demand of this and the last window: what make will soon want again. */
export interface Peak {
  before: number;
  now: number;
  windowEndsAt: number;
  checkAt: number;
}

export function createPeak(): Peak {
  return { before: 0, now: 0, windowEndsAt: -Infinity, checkAt: -Infinity };
}

export function lingerMs(book: Book): number {
  return book.options.lingerMs ?? LINGER_MS;
}

/** Announces what is due and closes builds whose demand has ended for good. */
export function announceDemand(book: Book, now: number): void {
  for (const build of [...book.builds.values()]) {
    if (build.demand > 0) {
      build.lingerUntil = Infinity;
      if (now >= announceAt(book, build)) announce(book, build, now);
    } else if (build.open) {
      if (build.lingerUntil === Infinity) build.lingerUntil = now + lingerMs(book);
      if (now >= build.lingerUntil) close(book, build, now);
    } else {
      book.builds.delete(build.id);
    }
  }
}

/** When `announceDemand` has something to do, or Infinity. */
export function nextAnnounceAt(book: Book): number {
  let at = Infinity;
  for (const build of book.builds.values()) {
    at = Math.min(at, build.demand > 0 ? announceAt(book, build) : build.lingerUntil);
  }
  return at;
}

function announceAt(book: Book, build: BuildBook): number {
  if (!build.open) return -Infinity;
  if (hasGrown(build)) return build.announcedAt + ANNOUNCE_GAP_MS;
  const missing = missingSlots(book, build);
  const everyMs = build.announcedAt + ANNOUNCE_EVERY_MS;
  if (missing > 0 && build.announcedWanted === 0) return Math.min(everyMs, build.announcedAt + ASK_AGAIN_MS);
  if (missing > 0) return Math.min(everyMs, Math.max(build.announcedAt + ANNOUNCE_GAP_MS, nextWaveAt(book)));
  // Enough have answered: those that hold their answer back should hear it, and those that take slots from others for us.
  if (build.announcedWanted === 0) return everyMs;
  return build.announcedAt + (book.ask.everyoneAsked ? ASK_AGAIN_MS : ANNOUNCE_GAP_MS);
}

function hasGrown(build: BuildBook): boolean {
  return (
    build.demand > GROWTH * build.announcedDemand || build.classes.size > build.announcedClasses || build.announceSoon
  );
}

function announce(book: Book, build: BuildBook, now: number): void {
  if (now >= build.announcedAt + ANNOUNCE_EVERY_MS) askAnew(book, now);
  else if (hasGrown(build)) askOn(book, now);
  const wanted = build.demand === 0 ? 0 : offersWanted(book, build, now);
  book.seq += 1;
  build.open = true;
  build.announcedAt = now;
  build.announcedDemand = build.demand;
  build.announcedClasses = build.classes.size;
  build.announceSoon = false;
  build.announcedWanted = wanted;
  book.emit({
    type: 'announce',
    announcement: {
      build: build.id,
      seq: book.seq,
      demands: [...build.classes.values()].map((entry) => ({ class: entry.class, count: entry.count })),
      offersWanted: wanted,
      listeners: listeners(book),
      scores: scores(book),
      expiresInMs: ANNOUNCEMENT_EXPIRES_MS,
    },
  });
}

/** Of the machines that could be asked, so that each knows how it stands among them. */
function scores(book: Book): number[] {
  const known: number[] = [];
  for (const { info, connected } of book.workers.values())
    if (connected && info !== null && info.bench > 0) known.push(info.bench);
  if (known.length < SCORED_WORKERS_MIN) return [];
  known.sort((a, b) => a - b);
  return [0, 0.25, 0.5, 0.75, 1].map((part) => Math.round(known[Math.round(part * (known.length - 1))] ?? 0));
}

function close(book: Book, build: BuildBook, now: number): void {
  announce(book, build, now);
  build.open = false;
  build.lingerUntil = Infinity;
  book.builds.delete(build.id);
  const wanted = wantedClasses(book);
  for (const classId of build.classes.keys()) if (!wanted.has(classId)) book.leaselessSince.delete(classId);
  if (book.demand > 0) return;
  for (const worker of [...book.holding]) dropLeases(book, worker, now);
}

/** Gives back slots that the demand of the last moments did not need. */
export function releaseSurplus(book: Book, peak: Peak, now: number): void {
  const demand = book.demand;
  peak.now = Math.max(peak.now, demand);
  if (now >= peak.windowEndsAt) {
    peak.before = peak.now;
    peak.now = demand;
    peak.windowEndsAt = now + lingerMs(book);
  }
  if (now < peak.checkAt) return;
  peak.checkAt = now + SURPLUS_CHECK_MS;
  const running = book.away.size;
  const spare = Math.min(running, Math.max(SPARE_MIN, Math.ceil(SPARE_SHARE * running)));
  let surplus = book.slots - Math.max(peak.before, peak.now) - spare;
  if (surplus <= 0) return;
  for (const { worker, lease } of idleLeases(book, now)) {
    const slots = Math.min(surplus, lease.slots - lease.used);
    giveSlots(book, worker, lease, slots, now);
    surplus -= Math.max(0, slots);
  }
}

/** When surplus may be given back, or Infinity while there is none. */
export function nextSurplusAt(book: Book, peak: Peak): number {
  const spare = Math.min(book.away.size, Math.max(SPARE_MIN, Math.ceil(SPARE_SHARE * book.away.size)));
  const extra = book.slots - spare;
  if (extra > Math.max(peak.before, peak.now)) return peak.checkAt;
  return extra > book.demand ? peak.windowEndsAt : Infinity;
}

/** Least useful first: of no wanted class, then slow, then beside running attempts (no hedge of those can go there). */
function idleLeases(book: Book, now: number): { worker: WorkerBook; lease: Lease }[] {
  const wanted = wantedClasses(book);
  const found: { worker: WorkerBook; lease: Lease; useless: boolean }[] = [];
  for (const worker of book.holding) {
    for (const lease of worker.leases.values()) {
      if (lease.used >= lease.slots) continue;
      const isNew = book.record.count(worker.id) < KNOWN_AFTER && now < lease.since + UNKNOWN_KEPT_MS;
      if (isNew && lease.used > 0) continue;
      found.push({ worker, lease, useless: ![...lease.classIds].some((id) => wanted.has(id)) });
    }
  }
  return found.sort((a, b) => {
    if (a.useless !== b.useless) return a.useless ? -1 : 1;
    const slower = book.rate(a.worker) - book.rate(b.worker);
    if (slower !== 0) return slower;
    const [aBusy, bBusy] = [a.lease.used > 0, b.lease.used > 0];
    if (aBusy !== bBusy) return aBusy ? -1 : 1;
    return b.lease.arrival - a.lease.arrival;
  });
}

function wantedClasses(book: Book): Set<string> {
  const wanted = new Set<string>();
  for (const build of book.builds.values()) {
    for (const [id, entry] of build.classes) if (entry.count > 0) wanted.add(id);
  }
  return wanted;
}
