// [calendar] of config.toml: the owner's zone, mail addresses, words and rules, under names that say what an event means for the machine.
import { z } from 'zod';
import type { ClassOptions, EventClass } from '../../calendar/classes.ts';

/** What a rule may say, in the owner's words. */
const meanings = {
  free: 'NONE',
  ignore: 'IGNORE',
  busy: 'SOLO_BLOCK',
  desk: 'DESK_MEETING',
  meeting: 'AWAY_MEETING',
  elsewhere: 'ELSEWHERE',
  away: 'AWAY_LONG',
  wanted: 'WANTED',
  'jobs-ok': 'REMOTE_OK',
  'no-jobs': 'NO_REMOTE',
} as const satisfies Record<string, EventClass>;

type Meaning = keyof typeof meanings;
const meaningNames = Object.keys(meanings) as [Meaning, ...Meaning[]];

const LIST_MAX = 200;
const word = z
  .string()
  .max(100)
  .refine((text) => text.replace('*', '').trim() !== '', 'a word is wanted, such as "retrospective" or "demo*"');
const words = z.array(word).max(LIST_MAX).default([]);

function isZone(name: string): boolean {
  try {
    return name === '' || new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

export const calendarSection = z
  .strictObject({
    /** Of all-day events and times without a zone; empty: this machine's. */
    zone: z
      .string()
      .default('')
      .refine(isZone, 'nobody knows this zone; IANA’s names are meant, such as Europe/Berlin'),
    /** The owner's mail addresses: whose yes or no to an invitation counts. */
    own_addresses: z
      .array(
        z
          .string()
          .max(300)
          .regex(/^[^\s@]+@[^\s@]+$/, 'a mail address is wanted, such as anna@example.org'),
      )
      .max(LIST_MAX)
      .default([]),
    /** Added to the words that are known anyway. */
    words: z.strictObject({ wanted: words, away: words, elsewhere: words }).prefault({}),
    /** The first that fits counts, before everything else but the categories made for Tender. */
    rules: z
      .array(
        z.strictObject({
          /** Part of a title, place or category, without regard to case and accents. */
          match: z.string().min(1, 'what is looked for in title, place and categories is wanted').max(300),
          means: z.enum(meaningNames),
          /** The name of one calendar (`tender calendar list`); empty: all. */
          calendar: z.string().max(41).default(''),
        }),
      )
      .max(LIST_MAX)
      .default([]),
  })
  .prefault({});

export type CalendarSection = z.infer<typeof calendarSection>;

/** What the owner said, for the events of the calendar of that name; empty: of none in particular. */
export function classOptions({ words: said, rules }: CalendarSection, calendar: string): ClassOptions {
  return {
    words: { wanted: said.wanted, awayLong: said.away, elsewhere: said.elsewhere },
    rules: rules
      .filter((rule) => rule.calendar === '' || rule.calendar === calendar)
      .map(({ match, means }) => ({ match, class: meanings[means] })),
  };
}
