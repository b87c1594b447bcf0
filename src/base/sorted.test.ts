// The sorted list against an array that is sorted anew each time.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SortedList } from './sorted.ts';

interface Item {
  readonly key: number;
  readonly order: number;
}

const before = (a: Item, b: Item): boolean => (a.key === b.key ? a.order < b.order : a.key < b.key);

test('is what sorting gives, whatever is put in and taken out', () => {
  const moves = fc.array(fc.record({ key: fc.nat(9), takeOut: fc.boolean(), which: fc.nat(50), limit: fc.nat(10) }));
  fc.assert(
    fc.property(moves, (all) => {
      const list = new SortedList<Item>(before);
      let model: Item[] = [];
      for (const [order, { key, takeOut, which, limit }] of all.entries()) {
        const victim = takeOut ? model[which % Math.max(1, model.length)] : undefined;
        if (victim === undefined) {
          const item = { key, order };
          list.add(item);
          model.push(item);
          model.sort((a, b) => a.key - b.key || a.order - b.order);
        } else {
          expect(list.remove(victim)).toBe(true);
          expect(list.remove(victim)).toBe(false);
          model = model.filter((item) => item !== victim);
        }
        expect(list.size).toBe(model.length);
        expect(list.first()).toBe(model[0]);
        expect(list.last()).toBe(model.at(-1));
        expect(list.firstWhere((item) => item.key >= limit)).toBe(model.find((item) => item.key >= limit));
      }
    }),
  );
});
