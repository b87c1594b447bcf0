// The division of slots: its promises, for any claims.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { divide } from './division.ts';
import { HOLD_MS } from './limits.ts';

test('by hand', () => {
  const claims = [
    { delegator: 'a', held: 0, wanted: 10, served: 5 },
    { delegator: 'b', held: 0, wanted: 1, served: 9 },
    { delegator: 'c', held: 0, wanted: 10, served: 2 },
  ];
  expect(divide(6, claims)).toEqual(new Map(Object.entries({ a: 2, b: 1, c: 3 })));
  expect(divide(1, claims)).toEqual(new Map(Object.entries({ a: 0, b: 0, c: 1 })));
  expect(divide(0, claims)).toEqual(new Map(Object.entries({ a: 0, b: 0, c: 0 })));
});

test('the odd slot stays where it is until another is clearly behind', () => {
  const claimsAt = (served: number): Parameters<typeof divide>[1] => [
    { delegator: 'a', held: 1, wanted: 10, served },
    { delegator: 'b', held: 0, wanted: 10, served: 0 },
  ];
  expect(divide(1, claimsAt(HOLD_MS - 1)).get('a')).toBe(1);
  expect(divide(1, claimsAt(HOLD_MS + 1)).get('b')).toBe(1);
  expect(divide(2, claimsAt(10 * HOLD_MS))).toEqual(new Map(Object.entries({ a: 1, b: 1 })));
});

test('within the capacity, nothing wanted stays unused, nobody has two more than one who waits', () => {
  const claim = fc.record({ held: fc.nat(8), wanted: fc.nat(28), served: fc.nat(100_000) });
  fc.assert(
    fc.property(fc.nat(30), fc.array(claim, { maxLength: 8 }), (capacity, drawn) => {
      const claims = drawn.map((parts, i) => ({ delegator: `d${i}`, ...parts }));
      const shares = divide(capacity, claims);
      const wanted = claims.reduce((sum, c) => sum + c.wanted, 0);
      const given = [...shares.values()].reduce((sum, n) => sum + n, 0);
      expect(given).toBe(Math.min(capacity, wanted));
      for (const poor of claims) {
        const share = shares.get(poor.delegator) ?? 0;
        expect(share).toBeLessThanOrEqual(poor.wanted);
        if (share >= poor.wanted) continue;
        for (const rich of claims) expect(shares.get(rich.delegator)).toBeLessThanOrEqual(share + 1);
      }
    }),
  );
});
