// The answer and its line, for an owner's usual days.
import { describe, expect, test } from 'vitest';
import { OwnerModel } from './owner-model.ts';
import type { Presence, Stretch, Switch } from './types.ts';
import { judge, type Verdict } from './verdict.ts';

const HOUR = 3_600_000;
const clock = { toWall: (ms: number): number => ms + HOUR, toInstant: (ms: number): number => ms - HOUR };
/** 14:00 on the owner's wall, a Wednesday. */
const now = 6 * 24 * HOUR + 13 * HOUR;
const away: Presence = { state: 'away', sinceAtMs: now - 600_000, locked: false };
const stretch = (kind: Stretch['class'], fromHours: number, toHours: number): Stretch => ({
  startAtMs: now + fromHours * HOUR,
  endAtMs: now + toHours * HOUR,
  class: kind,
  weight: 1,
  source: 'a',
});

function told(presence: Presence, switches: readonly Switch[] = [], stretches: readonly Stretch[] = []): Verdict {
  return judge(new OwnerModel(clock), now, presence, switches, stretches, clock);
}

describe('one line', () => {
  test.each<[string, Verdict]>([
    ['helping: nobody is here', told(away)],
    ['helping: locked', told({ ...away, locked: true })],
    ['helping until 15:00: meeting', told(away, [], [stretch('AWAY_MEETING', -0.5, 1)])],
    ['helping until 14:58: nobody is here', told(away, [], [stretch('WANTED', 1, 2)])],
    [
      'not helping: your calendar says that you need this machine until 16:00',
      told(away, [], [stretch('WANTED', -1, 2)]),
    ],
    ['helping for 3 days, until 14:00: away', told(away, [], [stretch('AWAY_LONG', -1, 72)])],
    ['not helping: the owner is here', told({ state: 'present', because: 'the owner is here' })],
    ['not helping: on battery', told(away, [{ kind: 'battery' }])],
    ['not helping: paused by you until 15:00', told(away, [{ kind: 'paused', untilAtMs: now + HOUR }])],
    ['not helping: paused by you', told(away, [{ kind: 'paused', untilAtMs: Infinity }])],
    [
      'not helping: outside of your hours until tomorrow 8:00',
      told(away, [{ kind: 'hours', untilAtMs: now + 18 * HOUR }]),
    ],
    ['helping: you said so', told({ state: 'present', because: 'x' }, [{ kind: 'resumed', untilAtMs: Infinity }])],
    ['helping: nobody sits at this machine', told({ state: 'headless' })],
    [
      'not helping: what you said last cannot be read; say it again, as with `tender resume`',
      told({ state: 'headless' }, [{ kind: 'unreadable' }]),
    ],
  ])('%s', (line, verdict) => {
    expect(verdict.why).toBe(line);
    expect(verdict.mayHelp).toBe(line.startsWith('helping'));
    expect(verdict.freeFor).toHaveLength(verdict.mayHelp ? 8 : 0);
  });

  test('what cannot wait is urgent', () => {
    expect(told(away, [{ kind: 'memory' }]).urgent).toBe(true);
    expect(told({ state: 'present', because: 'x' }).urgent).toBe(false);
  });
});
