// What delegators want: announcements in, and for each delegator the classes that this worker can take, or why not.
// A number that was heard before is ignored: without that, reordered demand would be granted for ever.
import type { Announcement } from '../types.ts';
import type { Desk, HeardBuild, Party } from './desk.ts';
import { hasDemand, isLive } from './desk.ts';
import type { Eligibility } from './eligibility.ts';
import { factsOf } from './facts.ts';
import { rttMs } from './placing.ts';
import {
  ANSWERS_PER_WANTED,
  BUILDS_MAX,
  CLASSES_MAX,
  DELEGATORS_MAX,
  REMARK_EVERY_MS,
  REMARKS_WANTED,
} from './limits.ts';
import type { DelegatorAddress } from './types.ts';

const EXPIRES_MAX_MS = 60_000;

interface Remark {
  readonly cause: string;
  readonly text: string;
}

/** Takes an announcement in; null when it is old, or from one delegator too many. */
export function hear(desk: Desk, announcement: Announcement, from: DelegatorAddress, now: number): Party | null {
  if (!desk.parties.has(announcement.delegator) && desk.parties.size >= DELEGATORS_MAX) return null;
  const party = desk.party(announcement.delegator, now);
  const known = party.builds.get(announcement.build);
  if (known !== undefined && announcement.seq <= known.seq) return null;
  party.address = from;
  const demands = announcement.demands.filter((demand) => demand.count > 0).slice(0, CLASSES_MAX);
  party.builds.delete(announcement.build);
  party.builds.set(announcement.build, {
    seq: announcement.seq,
    heardAt: now,
    expiresAt: now + Math.min(Math.max(0, announcement.expiresInMs), EXPIRES_MAX_MS),
    demands,
    ...drawn(desk, announcement),
    listeners: announcement.listeners,
    scores: announcement.scores,
  });
  forgetOldest(party.builds);
  party.grow = [...party.builds.values()].some((build) => isLive(build, now) && build.asksUs);
  return party;
}

/** Where thousands listen a few must answer: chance decides, for each announcement anew. Unknown listeners are few. */
function drawn(desk: Desk, announcement: Announcement): Pick<HeardBuild, 'asksUs' | 'asksWhy' | 'asksAll'> {
  const { offersWanted, listeners } = announcement;
  const sought = ANSWERS_PER_WANTED * offersWanted;
  const asksAll = sought >= listeners;
  const luck = asksAll && listeners <= REMARKS_WANTED ? 0 : desk.prng();
  return {
    asksAll,
    asksUs: offersWanted > 0 && (asksAll || luck * listeners < sought),
    asksWhy: luck * listeners < REMARKS_WANTED,
  };
}

/** Works out anew what the delegator wants of us and what we can take. Returns why not, for what we cannot. */
export function weigh(desk: Desk, party: Party, now: number): readonly Remark[] {
  party.classIds = [];
  party.wanted = 0;
  party.remark = '';
  if (!hasDemand(party, now)) return [];
  // Nothing of why: that is the owner's own business.
  if (desk.paused !== null) return [{ cause: 'owner', text: 'its owner needs it' }];
  if (desk.options.slots <= 0) {
    const text = desk.options.closedBecause;
    return text === '' ? [] : [{ cause: 'closed', text }];
  }
  if (desk.info === null) return [];
  const facts = factsOf(desk.info, {
    site: desk.options.site ?? '',
    rttMs: rttMs(party),
    bytesPerMs: party.bytesPerMs,
  });
  const able = new Set<string>();
  const remarks = new Map<string, Remark>();
  for (const build of party.builds.values()) {
    if (!isLive(build, now)) continue;
    for (const { class: taskClass, count } of build.demands) {
      const answer: Eligibility = desk.eligible.judge(taskClass, facts, now, (toolchain) => {
        desk.emit({ type: 'check-toolchain', toolchain });
      });
      if (answer.is === 'able') {
        able.add(taskClass.id);
        party.wanted += count;
      } else if (answer.is === 'unable') {
        remarks.set(taskClass.id, { cause: taskClass.id, text: answer.remark });
      }
    }
  }
  party.classIds = [...able];
  const found = [...remarks.values()];
  if (isBusy(desk) && party.lease === null && able.size > 0) {
    found.push({ cause: 'load', text: `busy with other work: load ${desk.info.load.toFixed(1)} per core there` });
  }
  party.remark = [...new Set(found.map((remark) => remark.text))].join('; ');
  return found;
}

/** Too much other work for new promises; those that stand are kept. */
export function isBusy(desk: Desk): boolean {
  return (desk.info?.load ?? 0) > desk.options.maxLoad;
}

/** Of these remarks, those that the delegator has not been told lately, as one text; marks them as told. */
export function newRemarks(party: Party, remarks: readonly Remark[], now: number): string {
  const texts = new Set<string>();
  for (const { cause, text } of remarks) {
    const told = party.remarkedAt.get(cause);
    if (told !== undefined && now - told < REMARK_EVERY_MS) continue;
    if (party.remarkedAt.size >= CLASSES_MAX) party.remarkedAt.clear();
    party.remarkedAt.set(cause, now);
    texts.add(text);
  }
  return [...texts].join('; ');
}

function forgetOldest(builds: Map<string, HeardBuild>): void {
  if (builds.size <= BUILDS_MAX) return;
  for (const id of builds.keys()) {
    builds.delete(id);
    return;
  }
}
