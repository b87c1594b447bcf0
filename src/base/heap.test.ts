// The heap against sorting.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Heap } from './heap.ts';

test('gives what sorting gives, after any pushes, pops and filters', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -3, max: 50 })), (commands) => {
      const heap = new Heap<number>((a, b) => a < b);
      let model: number[] = [];
      for (const n of commands) {
        if (n === -1) {
          heap.filter((x) => x % 2 === 0);
          model = model.filter((x) => x % 2 === 0);
        } else if (n < 0) {
          expect(heap.peek()).toBe(model[0]);
          expect(heap.pop()).toBe(model.shift());
        } else {
          heap.push(n);
          model = [...model, n].sort((a, b) => a - b);
        }
        expect(heap.size).toBe(model.length);
      }
      expect([...heap.values()].sort((a, b) => a - b)).toEqual(model);
      while (model.length > 0) expect(heap.pop()).toBe(model.shift());
      expect(heap.pop()).toBeUndefined();
    }),
  );
});
