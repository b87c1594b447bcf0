// From what an event says to what it means for the machine: the classes of availability.md, first match wins. Words are data, in
// several languages, and the owner may add to them.
import type { EventFacts, Occurrence } from './types.ts';
import { words as defaultWords } from './words-data.ts';

export type EventClass =
  | 'REMOTE_OK' // the owner said that others may use the machine meanwhile
  | 'NO_REMOTE' // the owner said that they may not
  | 'IGNORE'
  | 'WANTED'
  | 'AWAY_LONG'
  | 'ELSEWHERE'
  | 'DESK_MEETING'
  | 'AWAY_MEETING'
  | 'SOLO_BLOCK'
  | 'NONE';

/** What a class means: whether the owner is away, wants the machine, or nothing. */
export interface Classified {
  readonly class: EventClass;
  /** 1, or half of that for what is tentative. */
  readonly weight: number;
}

export interface ClassWords {
  /** Words or phrases, without regard to case or accents; with `*` at the end, beginnings of words. */
  readonly wanted: readonly string[];
  readonly awayLong: readonly string[];
  readonly elsewhere: readonly string[];
}

/** A rule of the owner's: events whose title, place or category has this text are of that class. */
export interface OwnerRule {
  readonly match: string;
  readonly class: EventClass;
}

export interface ClassOptions {
  readonly rules: readonly OwnerRule[];
  /** Added to the words that are known anyway. */
  readonly words: Partial<ClassWords>;
}

export const noOptions: ClassOptions = { rules: [], words: {} };

/** Classifies events of one owner; holds the words made ready. */
export class Classifier {
  readonly #rules: readonly { readonly match: string; readonly class: EventClass }[];
  readonly #wanted: RegExp;
  readonly #awayLong: RegExp;
  readonly #elsewhere: RegExp;

  constructor(options: ClassOptions = noOptions) {
    this.#rules = options.rules.map((rule) => ({ match: plain(rule.match), class: rule.class }));
    const known = (name: keyof ClassWords): RegExp => wordsOf([...defaultWords[name], ...(options.words[name] ?? [])]);
    this.#wanted = known('wanted');
    this.#awayLong = known('awayLong');
    this.#elsewhere = known('elsewhere');
  }

  classify(occurrence: Pick<Occurrence, 'startMs' | 'endMs' | 'facts'>): Classified {
    const { facts } = occurrence;
    return { class: this.#classOf(occurrence), weight: facts.tentative || facts.busyStatus === 'tentative' ? 0.5 : 1 };
  }

  #classOf({ startMs, endMs, facts }: Pick<Occurrence, 'startMs' | 'endMs' | 'facts'>): EventClass {
    const explicit = this.#explicit(facts);
    if (explicit !== null) return explicit;
    if (facts.cancelled || facts.declined || endMs <= startMs || facts.special === 'birthday') return 'IGNORE';
    // Of private events only the times count, and whether they are busy.
    const said = facts.private ? '' : plain([facts.summary, ...facts.categories].join(' '));
    if (facts.special === 'focus' || this.#wanted.test(said)) return 'WANTED';
    if (this.#isAwayLong(facts, said)) return 'AWAY_LONG';
    if (this.#isElsewhere(facts, said)) return 'ELSEWHERE';
    if (facts.special === 'working-location-office') return 'NONE';
    // Outlook exports much as transparent that its own status calls busy: the status is read first.
    if (facts.busyStatus === 'free' || (facts.transparent && facts.busyStatus === null)) return 'NONE';
    if (facts.conference && !facts.hasRoom) return 'DESK_MEETING';
    if (facts.attendees >= 2 || facts.hasRoom) return 'AWAY_MEETING';
    return 'SOLO_BLOCK';
  }

  #explicit(facts: EventFacts): EventClass | null {
    for (const category of facts.categories) {
      const name = category.trim().toUpperCase();
      if (name === 'REMOTE-JOBS-OK') return 'REMOTE_OK';
      if (name === 'NO-REMOTE-JOBS') return 'NO_REMOTE';
    }
    if (this.#rules.length === 0) return null;
    const text = plain([facts.summary, facts.location, ...facts.categories].join('\n'));
    return this.#rules.find((rule) => rule.match !== '' && text.includes(rule.match))?.class ?? null;
  }

  #isAwayLong(facts: EventFacts, said: string): boolean {
    if (facts.busyStatus === 'away' || facts.special === 'out-of-office') return true;
    if (facts.busyStatus === 'elsewhere') return false;
    const opaque =
      facts.busyStatus === 'busy' ||
      facts.busyStatus === 'tentative' ||
      (!facts.transparent && facts.busyStatus === null);
    if (facts.allDay && opaque && facts.special === null) return !this.#elsewhere.test(said);
    // «Vacation» as a free all-day entry is often a colleague's: only what blocks the time is the owner's.
    return opaque && this.#awayLong.test(said);
  }

  #isElsewhere(facts: EventFacts, said: string): boolean {
    if (facts.busyStatus === 'elsewhere' || facts.special === 'working-location-home') return true;
    return facts.special === null && facts.allDay && this.#elsewhere.test(said);
  }
}

function plain(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{Mark}/gu, '')
    .toLowerCase();
}

function wordsOf(entries: readonly string[]): RegExp {
  const patterns = entries
    .map((entry) => plain(entry.trim()))
    .filter((entry) => entry.replace('*', '') !== '')
    .map((entry) => {
      const open = entry.endsWith('*');
      const text = (open ? entry.slice(0, -1) : entry).replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
      return open ? text : `${text}(?![\\p{Letter}\\p{Number}])`;
    });
  return new RegExp(`(?<![\\p{Letter}\\p{Number}])(?:${patterns.join('|')})`, 'u');
}
