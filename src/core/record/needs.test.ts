// Criteria from the record: few classes, the user's words first, and nothing asked for ordinary tasks.
import { expect, test } from 'vitest';
import { parseCriteria } from '../criteria/parse.ts';
import { deriveNeeds } from './needs.ts';
import { PastRecord } from './record.ts';

const MIB = 1024 ** 2;
const task = { label: '/p/a.cc', kind: 'k', project: '/p', bytes: 0 };

function seen(parts: { memMib?: number; ranMs?: number }): PastRecord {
  const record = new PastRecord();
  const { memMib = 0, ranMs = 1000 } = parts;
  for (let i = 0; i < 3; i++) {
    const observation = { label: task.label, classKey: 'k', project: '/p', worker: 'w', ranMs, overheadMs: 0 };
    record.observe({ ...observation, memBytes: memMib * MIB });
  }
  return record;
}

test('nothing known, or nothing unusual: nothing asked, and the ordinary memory', () => {
  expect(deriveNeeds(new PastRecord(), task, '', true)).toEqual({ criteria: '', memBytes: 512 * MIB });
  expect(deriveNeeds(seen({ memMib: 300 }), task, '', true)).toEqual({ criteria: '', memBytes: 512 * MIB });
  expect(deriveNeeds(seen({ memMib: 20 }), task, '', true)).toEqual({ criteria: '', memBytes: 128 * MIB });
  expect(deriveNeeds(new PastRecord(), task, 'load < 1', true).criteria).toBe('load < 1');
});

test('much memory is asked for, with a margin, in powers of two', () => {
  expect(deriveNeeds(seen({ memMib: 500 }), task, '', true)).toEqual({
    criteria: 'mem.free >= 1024MiB',
    memBytes: 1024 * MIB,
  });
  expect(deriveNeeds(seen({ memMib: 2900 }), task, '', true).criteria).toBe('mem.free >= 4096MiB');
  const steps = new Set<string>();
  for (let memMib = 10; memMib < 8000; memMib += 13) steps.add(deriveNeeds(seen({ memMib }), task, '', true).criteria);
  // Nothing, and 1, 2, 4, 8, 16 GiB.
  expect(steps.size).toBe(6);
});

test('a long task wants a machine that stays, when machines can tell', () => {
  // Its 80th percentile is over a minute.
  expect(deriveNeeds(seen({ ranMs: 59_000 }), task, '', true).criteria).toBe('free.for >= 1m');
  expect(deriveNeeds(seen({ ranMs: 30_000 }), task, '', true).criteria).toBe('');
  // Of the eight durations the last that it surely takes.
  expect(deriveNeeds(seen({ ranMs: 200_000 }), task, '', true).criteria).toBe('free.for >= 1m');
  expect(deriveNeeds(seen({ ranMs: 480_000 }), task, '', true).criteria).toBe('free.for >= 5m');
  expect(deriveNeeds(seen({ ranMs: 1e9 }), task, '', true).criteria).toBe('free.for >= 480m');
  expect(deriveNeeds(seen({ ranMs: 200_000 }), task, '', false).criteria).toBe('');
});

test('criteria of several lines become one, as announcements want them', () => {
  expect(deriveNeeds(new PastRecord(), task, ' load < 1 &&\n\tslots > 2\n', true).criteria).toBe(
    'load < 1 && slots > 2',
  );
});

test('what the user says of memory or time stands alone; the rest is joined', () => {
  const record = seen({ memMib: 3000, ranMs: 200_000 });
  expect(deriveNeeds(record, task, 'mem.free >= 1GiB', true).criteria).toBe('mem.free >= 1GiB && free.for >= 1m');
  expect(deriveNeeds(record, task, 'free.for > 0', true).criteria).toBe('free.for > 0 && mem.free >= 4096MiB');
  const either = 'load < 1 || name in ["mem.free"]';
  const { criteria } = deriveNeeds(record, task, either, true);
  expect(criteria).toBe(`(${either}) && mem.free >= 4096MiB && free.for >= 1m`);
  expect(parseCriteria(criteria).ok).toBe(true);
});
