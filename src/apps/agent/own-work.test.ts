// The count of what runs here, as the worker is told of it.
import { expect, test } from 'vitest';
import { OwnWork } from './own-work.ts';

test('counts what was told to run here until it has ended or its launcher is gone', () => {
  const told: number[] = [];
  const own = new OwnWork((running) => told.push(running));
  const runLocal = (task: string) => ({ type: 'run-local', task, reason: 'own-slot', detail: '' }) as const;
  own.observe({ type: 'tick' }, [runLocal('a'), runLocal('b')]);
  own.observe({ type: 'tick' }, []);
  own.observe({ type: 'local-ended', task: 'a' }, [runLocal('c')]);
  own.observe({ type: 'cancel', task: 'other' }, []);
  own.observe({ type: 'local-ended', task: 'c' }, []);
  own.observe({ type: 'cancel', task: 'b' }, []);
  expect(told).toEqual([2, 1, 0]);
});
