// The hard cases, each for itself, and all of them in four time zones of the process.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cases } from './cases-data.ts';
import { expandCase } from './expand-case.ts';

/** What a case leaves open is not compared. */
function like(found: readonly string[], want: readonly string[]): string[] {
  return found.map((line, i) => (want[i]?.split(' ').length === 2 ? line.split(' ').slice(0, 2).join(' ') : line));
}

describe(`${cases.length} hard cases`, () => {
  test.each(cases.map((each) => [each.name, each] as const))('%s', (_name, each) => {
    expect(like(expandCase(each), each.want)).toEqual(each.want);
  });
});

test.each(['UTC', 'America/Los_Angeles', 'Asia/Kathmandu', 'Pacific/Apia'])(
  'all of them in a process of %s',
  (zone) => {
    const program = join(import.meta.dirname, 'expand-case.ts');
    const text = execFileSync(process.execPath, [program], { encoding: 'utf8', env: { ...process.env, TZ: zone } });
    const found = JSON.parse(text) as string[][];
    expect(found.map((lines, i) => like(lines, cases[i]?.want ?? []))).toEqual(cases.map((each) => each.want));
  },
);
