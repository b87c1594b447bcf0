// The journal against a machine that counts: what is written, how it ends, how much is kept, and that it never hurts.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Journals, type JournalHead } from './journal.ts';
import type { StateMachine } from './machine-runner.ts';

let home: string;
let problems: string[];
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'tender-journal-'));
  problems = [];
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const options = { slots: 1, closedBecause: '', memReserveBytes: 0, memPerTaskBytes: 1, maxLoad: 1 };
const head: JournalHead = {
  role: 'worker',
  node: 'n1',
  options: { ...options, leaseTtlMs: 1, heartbeatMs: 1, offerDelayMs: 1 },
  seed: 7,
  record: null,
};

const counter = (): StateMachine<string, number> => {
  let steps = 0;
  return {
    step: (event) => {
      if (event === 'break') throw new Error('broken as asked');
      return [++steps];
    },
    nextWakeAt: () => 5,
  };
};

const open = (maxBytes = 1e6, dir = join(home, 'j')): Journals =>
  new Journals({ dir, maxBytes, name: 'a machine' }, (why) => problems.push(why));

function linesIn(dir = join(home, 'j')): Record<string, unknown>[] {
  const [file = ''] = readdirSync(dir);
  const text = readFileSync(join(dir, file), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('a head, a line a step, and how it ended', () => {
  const journals = open();
  const machine = journals.keep(counter(), head);
  expect(machine.step('one', 1.5)).toEqual([1]);
  expect(machine.nextWakeAt()).toBe(5);
  journals.close('stopped');
  expect(machine.step('two', 2)).toEqual([2]);
  const [first, step, last, ...more] = linesIn();
  expect(first).toMatchObject({ journal: 1, role: 'worker', node: 'n1', seed: 7, record: null, name: 'a machine' });
  expect(step).toEqual({ at: 1.5, event: 'one', effects: expect.stringMatching(/^[0-9a-f]{16}$/) as string });
  expect([last, more]).toEqual([{ end: 'stopped' }, []]);
});

test('what broke the machine is its last line', () => {
  const machine = open().keep(counter(), head);
  expect(() => machine.step('break', 1)).toThrow('broken as asked');
  expect(linesIn().slice(1)).toEqual([{ at: 1, event: 'break', threw: 'broken as asked' }, { end: 'broke' }]);
});

test('a file ends at its bound, and old ones go before there are too many', () => {
  const dir = join(home, 'j');
  const other = 'other-worker-20250101T000000000Z-1.jsonl';
  for (let life = 0; life < 8; life++) {
    const machine = open(8000).keep(counter(), head);
    if (life === 0) writeFileSync(join(dir, other), 'x'.repeat(9000));
    for (let step = 0; step < 100; step++) machine.step('an event', step);
  }
  const own = readdirSync(dir).filter((file) => file !== other);
  // Two of a life may be written beside those that are kept.
  expect(own.length).toBeLessThanOrEqual(3);
  for (const file of own) {
    expect(statSync(join(dir, file)).size).toBeLessThan(2300);
    expect(readFileSync(join(dir, file), 'utf8')).toMatch(/\{"end":"full"\}\n$/);
  }
  expect(readdirSync(dir)).toContain(other);
});

test('a place that cannot be written costs the journal, not the machine', () => {
  writeFileSync(join(home, 'file'), '');
  const machine = open(1e6, join(home, 'file')).keep(counter(), head);
  expect(machine.step('one', 1)).toEqual([1]);
  expect(problems).toEqual([expect.stringMatching(/^cannot write to .*file: E/)]);
});
