// Saying what is wanted, and giving back what is not: announcements at the start, on growth, on a period and at the
// end of demand; surplus slots released when they stayed surplus for the linger time, all of them after the end.
import type { Book } from './book.ts';
import { dropLeases } from './leases.ts';
import { ANNOUNCEMENT_EXPIRES_MS, ANNOUNCE_EVERY_MS, ANNOUNCE_GAP_MS, LINGER_MS } from './limits.ts';
import type { BuildBook, Lease, WorkerBook } from './parts.ts';

/** Slots kept idle so that the tail can be hedged: this share of what runs, but a few at least. */
const SPARE_SHARE = 0.1;
const SPARE_MIN = 2;
const GROWTH = 1.5;
/** Slots beside running tasks are kept until the worker's rate is known: the fastest may look slow at first. */
const KNOWN_AFTER = 8;
const UNKNOWN_KEPT_MS = 10_000;

/** The highest demand of this and the last window: what make will soon want again. */
export interface Peak {
  before: number;
  now: number;
  windowEndsAt: number;
}

export function createPeak(): Peak {
  return { before: 0, now: 0, windowEndsAt: -Infinity };
}

export function lingerMs(book: Book): number {
  return book.options.lingerMs ?? LINGER_MS;
}

/** Announces what is due and closes builds whose demand has ended for good. */
export function announceDemand(book: Book, now: number): void {
  for (const build of [...book.builds.values()]) {
    if (build.demand > 0) {
      build.lingerUntil = Infinity;
      if (now >= announceAt(build)) announce(book, build, now);
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
  for (const build of book.builds.values()) at = Math.min(at, build.demand > 0 ? announceAt(build) : build.lingerUntil);
  return at;
}

function announceAt(build: BuildBook): number {
  if (!build.open) return -Infinity;
  const grown =
    build.demand > GROWTH * build.announcedDemand || build.classes.size > build.announcedClasses || build.announceSoon;
  return build.announcedAt + (grown ? ANNOUNCE_GAP_MS : ANNOUNCE_EVERY_MS);
}

function announce(book: Book, build: BuildBook, now: number): void {
  const waiting = book.waiting.travelling;
  book.seq += 1;
  build.open = true;
  build.announcedAt = now;
  build.announcedDemand = build.demand;
  build.announcedClasses = build.classes.size;
  build.announceSoon = false;
  book.emit({
    type: 'announce',
    announcement: {
      build: build.id,
      seq: book.seq,
      demands: [...build.classes.values()].map((entry) => ({ class: entry.class, count: entry.count })),
      offersWanted: build.demand === 0 ? 0 : Math.max(0, waiting - book.freeSlots()),
      expiresInMs: ANNOUNCEMENT_EXPIRES_MS,
    },
  });
}

function close(book: Book, build: BuildBook, now: number): void {
  announce(book, build, now);
  build.open = false;
  build.lingerUntil = Infinity;
  book.builds.delete(build.id);
  const wanted = wantedClasses(book);
  for (const classId of build.classes.keys()) if (!wanted.has(classId)) book.leaselessSince.delete(classId);
  if (book.totalDemand() > 0) return;
  for (const worker of book.workers.values()) dropLeases(book, worker, true);
}

/** Gives back slots that the demand of the last moments did not need. */
export function releaseSurplus(book: Book, peak: Peak, now: number): void {
  const demand = book.totalDemand();
  peak.now = Math.max(peak.now, demand);
  if (now < peak.windowEndsAt) return;
  peak.before = peak.now;
  peak.now = demand;
  peak.windowEndsAt = now + lingerMs(book);
  const running = book.away.size;
  const spare = Math.min(running, Math.max(SPARE_MIN, Math.ceil(SPARE_SHARE * running)));
  let surplus = book.totalSlots() - Math.max(peak.before, peak.now) - spare;
  if (surplus <= 0) return;
  for (const { worker, lease } of idleLeases(book, now)) {
    const slots = Math.min(surplus, lease.slots - lease.used);
    if (slots <= 0) continue;
    lease.slots -= slots;
    surplus -= slots;
    if (lease.slots === 0) worker.leases.delete(lease.id);
    book.emit({ type: 'release', worker: worker.id, leaseId: lease.id, slots });
  }
}

/** When surplus may be given back, or Infinity while there is none. */
export function nextSurplusAt(book: Book, peak: Peak): number {
  const spare = Math.min(book.away.size, Math.max(SPARE_MIN, Math.ceil(SPARE_SHARE * book.away.size)));
  return book.totalSlots() > book.totalDemand() + spare ? peak.windowEndsAt : Infinity;
}

/** Least useful first: of no wanted class, then slow, then beside running attempts (no hedge of those can go there). */
function idleLeases(book: Book, now: number): { worker: WorkerBook; lease: Lease }[] {
  const wanted = wantedClasses(book);
  const found: { worker: WorkerBook; lease: Lease; useless: boolean }[] = [];
  for (const worker of book.workers.values()) {
    for (const lease of worker.leases.values()) {
      if (lease.used >= lease.slots) continue;
      const isNew = book.record.count(worker.id) < KNOWN_AFTER && now < lease.since + UNKNOWN_KEPT_MS;
      if (isNew && lease.used > 0) continue;
      found.push({ worker, lease, useless: ![...lease.classIds].some((id) => wanted.has(id)) });
    }
  }
  return found.sort((a, b) => {
    if (a.useless !== b.useless) return a.useless ? -1 : 1;
    const slower = book.record.rate(a.worker.id) - book.record.rate(b.worker.id);
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
