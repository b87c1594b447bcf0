// The division of slots: its three promises, for any claims.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { divide } from './division.ts';

test('by hand', () => {
  const claims = [
    { delegator: 'a', used: 0, wanted: 10, served: 5 },
    { delegator: 'b', used: 0, wanted: 1, served: 9 },
    { delegator: 'c', used: 0, wanted: 10, served: 2 },
  ];
  expect(divide(6, claims)).toEqual(new Map(Object.entries({ a: 2, b: 1, c: 3 })));
  expect(divide(1, claims)).toEqual(new Map(Object.entries({ a: 0, b: 0, c: 1 })));
  expect(divide(0, claims)).toEqual(new Map(Object.entries({ a: 0, b: 0, c: 0 })));
});

test('within the capacity, nothing wanted stays unused, nobody has two more than one who waits', () => {
  const claim = fc.record({ used: fc.nat(8), more: fc.nat(20), served: fc.nat(100) });
  fc.assert(
    fc.property(fc.nat(30), fc.array(claim, { maxLength: 8 }), (capacity, drawn) => {
      const claims = drawn.map(({ used, more, served }, i) => ({
        delegator: `d${i}`,
        used,
        wanted: used + more,
        served,
      }));
      const shares = divide(capacity, claims);
      const used = claims.reduce((sum, c) => sum + c.used, 0);
      const wanted = claims.reduce((sum, c) => sum + c.wanted, 0);
      const given = [...shares.values()].reduce((sum, n) => sum + n, 0);
      expect(given).toBe(Math.max(used, Math.min(capacity, wanted)));
      for (const poor of claims) {
        const share = shares.get(poor.delegator) ?? 0;
        expect(share).toBeGreaterThanOrEqual(poor.used);
        if (share >= poor.wanted) continue;
        for (const rich of claims) {
          const other = shares.get(rich.delegator) ?? 0;
          if (other > rich.used) expect(other).toBeLessThanOrEqual(share + 1);
        }
      }
    }),
  );
});
