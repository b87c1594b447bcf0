// What a worker says of itself under the names of the criteria language; what it does not know is no fact.
import { expect, test } from 'vitest';
import { evaluate } from '../criteria/evaluate.ts';
import { parseCriteria } from '../criteria/parse.ts';
import { NAMES } from '../criteria/vocabulary.ts';
import { sampleInfo } from '../testing/samples.ts';
import { factsOf, type Bearings } from './facts.ts';

const nowhere: Bearings = { site: '', rttMs: 0, bytesPerMs: 0 };
const somewhere: Bearings = { site: 'berlin', rttMs: 12, bytesPerMs: 5000 };

function judge(text: string, bearings: Bearings, bench = 0): string {
  const parsed = parseCriteria(text);
  if (!parsed.ok) throw new Error(parsed.error.message);
  return evaluate(parsed.value, factsOf(sampleInfo({ bench, freeFor: [1, 1, 0.9, 0.5] }), bearings)).failed;
}

test('every name of the language has its fact, on a machine that knows all', () => {
  expect([...factsOf(sampleInfo({ bench: 7 }), somewhere).keys()].sort()).toEqual(Object.keys(NAMES).sort());
});

test.each([
  ['site in ["berlin", "paris"]', ''],
  ['site == "paris"', 'site "berlin", "paris" wanted'],
  ['link.rtt < 20 ms && link.speed >= 4MB', ''],
  ['link.rtt < 5ms', 'link.rtt 12 ms, less than 5 ms wanted'],
  ['cpu.bench > 6', ''],
  ['free.for >= 15m', ''],
  ['free.for >= 30m', 'free.for 15 min, at least 30 min wanted'],
])('%s', (text, failed) => {
  expect(judge(text, somewhere, 7)).toBe(failed);
});

test.each([
  ['site == "berlin"', 'site is not known here, "berlin" wanted'],
  ['link.rtt < 20ms', 'link.rtt is not known here, less than 20 ms wanted'],
  ['cpu.bench > 6', 'cpu.bench is not known here, more than 6 wanted'],
])('not known: %s', (text, failed) => {
  expect(judge(text, nowhere)).toBe(failed);
});
