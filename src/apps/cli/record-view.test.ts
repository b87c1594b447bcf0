// What `tender record` says, from rows: rates and trends in words, the slowest first, names found by their ends.
import { describe, expect, test } from 'vitest';
import { PastRecord, type RecordData } from '../../core/record/record.ts';
import { find, renderFound, renderRecord, viewRecord } from './record-view.ts';

const NOW = 1_700_000_000_000;
const HOUR = 3_600_000;

function learnt(): RecordData {
  const record = new PastRecord();
  record.advance(NOW - 3 * HOUR);
  const kind = 'g++ 12.2.0 x86_64-linux-gnu, c++ -O2';
  for (let round = 0; round < 12; round++) {
    for (let unit = 1; unit <= 12; unit++) {
      const label = `/p/src/u${unit}.cc`;
      const about = {
        label,
        classKey: kind,
        project: '/p',
        overheadMs: 20,
        bytes: unit * 1e6,
        memBytes: unit * 50 * 2 ** 20,
      };
      record.observe({ ...about, worker: null, ranMs: unit * 1000 });
      // Twice as fast at first, and of late only as fast as this one.
      record.observe({ ...about, worker: 'aaaa1111', ranMs: unit * (round < 10 ? 500 : 1000) });
      record.observe({ ...about, worker: 'bbbb2222', ranMs: unit * 1000 });
    }
  }
  record.observe({ label: '/q/main.c', classKey: 'gcc', project: '/q', worker: null, ranMs: 80, overheadMs: 0 });
  return record.export();
}

const names = new Map([['aaaa1111', 'pear']]);
const view = viewRecord(learnt(), names, NOW);

describe('the view', () => {
  test('projects, workers with rate and trend, units slowest first', () => {
    expect(view.halfLifeDays).toBe(14);
    expect(view.projects.map(({ project, units, lastMs }) => [project, units, lastMs])).toEqual([
      ['/p', 12, NOW - 3 * HOUR],
      ['/q', 1, NOW - 3 * HOUR],
    ]);
    expect(view.units.map(({ label }) => label).slice(0, 2)).toEqual(['/p/src/u12.cc', '/p/src/u11.cc']);
    expect(view.units.at(-1)?.label).toBe('/q/main.c');
    const [pear, other] = ['aaaa1111', 'bbbb2222'].map((id) => view.workers.find((worker) => worker.id === id));
    expect(pear).toMatchObject({ name: 'pear', count: 144, overheadMs: 20 });
    expect(pear?.trend).toBeLessThan(0.9);
    expect(other?.rate).toBeGreaterThan(0.8);
    expect(other?.rates.map(({ project }) => project)).toEqual(['/p']);
  });

  test('of one project', () => {
    const one = viewRecord(learnt(), names, NOW, '/q');
    expect(one.projects.map(({ project }) => project)).toEqual(['/q']);
    expect(one.units.map(({ label }) => label)).toEqual(['/q/main.c']);
    expect(one.workers).toEqual([]);
  });
});

describe('for people', () => {
  test('tables that name the ten slowest', () => {
    const text = renderRecord(view, NOW);
    expect(text).toMatch(/^project +units +last +kind +p50 +p80 +memory\n\/p +12 +3\.0 h ago +g\+\+ 12\.2\.0/);
    expect(text).toMatch(/pear +144 +\d\.\d\d× +slower by \d+ % +20 ms +3\.0 h ago/);
    expect(text).toMatch(/\/p\/src\/u12\.cc +1?\d(\.\d)? s /);
    expect(text).not.toContain('/p/src/u2.cc');
    expect(text).toContain('These are the slowest of 13 units');
    for (const line of text.split('\n')) expect(line).toBe(line.trimEnd());
  });

  test('nothing yet', () => {
    const empty = viewRecord({ version: 2, units: [], kinds: [], workers: [], rates: [] }, new Map(), NOW);
    expect(renderRecord(empty, NOW)).toBe('Nothing is recorded yet; it comes with the first build.');
  });

  test.each([
    ['u7.cc', ['/p/src/u7.cc'], []],
    ['./src/u7.cc', ['/p/src/u7.cc'], []],
    ['/p/src/u7.cc', ['/p/src/u7.cc'], []],
    ['7.cc', [], []],
    ['pear', [], ['aaaa1111']],
    ['bbbb', [], ['bbbb2222']],
    ['b', [], []],
  ])('%s is found', (name, units, workers) => {
    const found = find(view, name);
    expect(found.units.map(({ label }) => label)).toEqual(units);
    expect(found.workers.map(({ id }) => id)).toEqual(workers);
  });

  test('a worker is shown with its rates', () => {
    const text = renderFound(find(view, 'pear'), NOW);
    expect(text).toMatch(/rate +in project +kind\n\d\.\d\d× +\/p +g\+\+/);
  });
});
