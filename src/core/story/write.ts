// Writes a kept story out: what happened to the task, and the announcements and offers that led to it, in order of time.
import type { NodeId } from '../types.ts';
import type { KeptChoice } from './choice.ts';
import type { Entry, KeptStory } from './kept.ts';
import type { HeardOffer, MadeAnnouncement } from './stories.ts';
import type { Choice, Happening, TaskStory } from './types.ts';

/** In a farm of thousands not all that offered is worth telling. */
const OFFERS_TOLD = 24;

/** `announcements`: of the task's build; both lists in order of time. */
export function writeStory(
  kept: KeptStory,
  announcements: readonly MadeAnnouncement[],
  offers: readonly HeardOffer[],
  nameOf: (worker: NodeId) => string,
  now: number,
): TaskStory {
  const { spec, submittedAt, endedAt } = kept;
  const own = kept.entries.map((entry) => tell(entry, submittedAt, nameOf));
  const before = spec.class === null ? [] : [...toldOf(kept, announcements), ...offersTo(kept, offers, nameOf)];
  const happenings = [...before, ...own].sort((a, b) => a.atMs - b.atMs || rankOf(a) - rankOf(b));
  if (endedAt !== null && kept.how !== null) {
    const end: Happening = { atMs: endedAt - submittedAt, kind: 'ended', how: kept.how };
    // What became known later, as a second copy's result, comes after it.
    const later = happenings.findIndex((happening) => happening.atMs > end.atMs);
    happenings.splice(later === -1 ? happenings.length : later, 0, end);
  }
  return {
    id: spec.id,
    build: spec.build,
    label: spec.label,
    compiler: spec.class?.toolchain?.label ?? '',
    criteria: spec.class?.criteria ?? '',
    state: kept.state,
    how: kept.how,
    machine: kept.worker === null ? '' : nameOf(kept.worker),
    submittedAgoMs: now - submittedAt,
    tookMs: endedAt === null ? null : endedAt - submittedAt,
    happenings,
    untold: kept.untold,
  };
}

/** What happened at one moment, in the order in which it makes sense: a loss, then the call for help, then the award. */
function rankOf(happening: Happening): number {
  if (happening.kind === 'announced' || happening.kind === 'offer') return 1;
  return happening.kind === 'awarded' || happening.kind === 'here' ? 2 : 0;
}

function tell(entry: Entry, submittedAt: number, nameOf: (worker: NodeId) => string): Happening {
  const { at, ...told } = entry;
  const atMs = at - submittedAt;
  switch (told.kind) {
    case 'awarded':
      return { atMs, ...told, name: nameOf(told.worker), choice: named(told.choice, nameOf) };
    case 'here':
      return { atMs, ...told, choice: told.choice === null ? null : named(told.choice, nameOf) };
    default:
      return { atMs, ...told, name: nameOf(told.worker) };
  }
}

function named(choice: KeptChoice, nameOf: (worker: NodeId) => string): Choice {
  const places = choice.places.map((place) => ({ ...place, name: place.worker === null ? '' : nameOf(place.worker) }));
  return { ...choice, places };
}

/** The times in which the task waited: announcements and offers in them were for it. */
function waits(kept: KeptStory): { from: number; until: number }[] {
  const found: { from: number; until: number }[] = [];
  let from: number | null = kept.submittedAt;
  for (const entry of kept.entries) {
    if (entry.kind === 'failed') from ??= entry.at;
    if (from === null || (entry.kind !== 'awarded' && entry.kind !== 'here')) continue;
    found.push({ from, until: entry.at });
    from = null;
  }
  if (from !== null) found.push({ from, until: kept.endedAt ?? Infinity });
  return found;
}

/** Of each time of waiting the first announcement, and how often it was said again. */
function toldOf(kept: KeptStory, announcements: readonly MadeAnnouncement[]): Happening[] {
  const classId = kept.spec.class?.id;
  const made = announcements
    .map(({ at, demands, offersWanted }) => {
      const tasks = demands.find((demand) => demand.class.id === classId)?.count ?? 0;
      return { at, tasks, offersWanted };
    })
    .filter(({ tasks }) => tasks > 0);
  const told = waits(kept).flatMap(({ from, until }) => {
    const [first, ...more] = made.filter(({ at }) => at >= from && at <= until);
    return first === undefined ? [] : [{ ...first, again: more.length }];
  });
  // A build that has announced already has its offers: this task only joins it.
  if (told.length === 0) {
    const before = made.findLast(({ at }) => at < kept.submittedAt);
    if (before !== undefined) told.push({ ...before, again: 0 });
  }
  return told.map(({ at, ...rest }) => ({ atMs: at - kept.submittedAt, kind: 'announced', ...rest }));
}

/** What came while the task waited, and what the machines that got it had offered before; renewals are no news. */
function offersTo(kept: KeptStory, offers: readonly HeardOffer[], nameOf: (worker: NodeId) => string): Happening[] {
  const classId = kept.spec.class?.id ?? '';
  const periods = waits(kept);
  const told = new Set<HeardOffer>();
  const latest = new Map<NodeId, HeardOffer>();
  for (const offer of offers) {
    const forIt = offer.slots === 0 || offer.classIds.includes(classId);
    if (!forIt || !periods.some(({ from, until }) => offer.at >= from && offer.at <= until)) continue;
    const before = latest.get(offer.worker);
    latest.set(offer.worker, offer);
    if (before?.slots !== offer.slots || before.remark !== offer.remark) told.add(offer);
  }
  for (const entry of kept.entries) {
    if (entry.kind !== 'awarded' || latest.has(entry.worker)) continue;
    const last = offers.findLast(({ worker, at, slots }) => worker === entry.worker && at <= entry.at && slots > 0);
    if (last !== undefined) told.add(last);
  }
  return [...told]
    .sort((a, b) => a.at - b.at)
    .slice(-OFFERS_TOLD)
    .map(({ at, worker, slots, load, remark }) => ({
      atMs: at - kept.submittedAt,
      kind: 'offer',
      worker,
      name: nameOf(worker),
      slots,
      load,
      remark,
    }));
}
