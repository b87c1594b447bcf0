// Hours as owners write them.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseHours, withinHours } from './hours.ts';

const HOUR = 3_600_000;
const monday = 4 * 24 * HOUR;
const at = (text: string, day: number, hour: number): { within: boolean; until: number } => {
  const hours = parseHours(text);
  if (!hours.ok) throw new Error(hours.error.message);
  const { within, untilWallMs } = withinHours(hours.value, monday + day * 24 * HOUR + hour * HOUR);
  return { within, until: (untilWallMs - monday) / HOUR };
};

describe('hours', () => {
  test('over midnight, every day', () => {
    expect(at('18:00-8:00', 0, 20)).toEqual({ within: true, until: 32 });
    expect(at('18:00-8:00', 0, 7)).toEqual({ within: true, until: 8 });
    expect(at('18:00-8:00', 0, 9)).toEqual({ within: false, until: 18 });
    expect(at('18-8', 6, 23)).toEqual({ within: true, until: 176 });
  });

  test('days, and days with times', () => {
    expect(at('mon-fri 18:00-8:00, sat, sun', 4, 20)).toEqual({ within: true, until: 168 });
    expect(at('mon-fri 18:00-8:00, sat, sun', 0, 12)).toEqual({ within: false, until: 18 });
    expect(at('Saturday', 0, 12)).toEqual({ within: false, until: 120 });
    expect(at('fri-mon 0:00-24:00', 0, 12)).toEqual({ within: true, until: 24 });
    expect(at('mon-sun', 3, 3)).toEqual({ within: true, until: Infinity });
  });

  test.each([
    ['', 0, 'days or a time span'],
    ['mon-fri 18:00-8:00, ', 20, 'days or a time span'],
    ['18:00', 0, 'neither days'],
    ['25:00-8:00', 0, 'neither days'],
    ['sat, xyz 8-9', 5, 'no day'],
    ['mon 8-9 10-11', 0, 'too long'],
  ])('«%s» is refused at %d', (text, position, message) => {
    const parsed = parseHours(text);
    if (parsed.ok) throw new Error('it was taken');
    expect(parsed.error.position).toBe(position);
    expect(parsed.error.message).toContain(message);
  });

  test('until the moment told nothing changes, and then it does', () => {
    const day = fc.constantFrom('mon', 'tue-thu', 'sat', 'sun-mon');
    const part = fc.tuple(day, fc.nat(23), fc.nat(23)).map(([days, from, until]) => `${days} ${from}:00-${until}:30`);
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), fc.nat(167), (parts, hour) => {
        const parsed = parseHours(parts.join(','));
        if (!parsed.ok) throw new Error(parsed.error.message);
        const now = monday + hour * HOUR;
        const { within, untilWallMs } = withinHours(parsed.value, now);
        for (let t = now; t < Math.min(untilWallMs, now + 200 * HOUR); t += HOUR / 2) {
          expect(withinHours(parsed.value, t).within).toBe(within);
        }
        if (untilWallMs !== Infinity) expect(withinHours(parsed.value, untilWallMs).within).toBe(!within);
      }),
      { numRuns: 60 },
    );
  });
});
