// The simulator's commands, without a terminal: outcomes, journals that replay, differences that are shown, wrong names.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { renderReplay } from './replay-report.ts';
import { replayJournal } from './replay.ts';
import { runOne, type RunRequest } from './run-one.ts';
import type { Outcome } from './types.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tender-sim-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function run(request: Partial<RunRequest>): { code: number; said: string; printed: string } {
  const said: string[] = [];
  const printed: string[] = [];
  const code = runOne(
    { scenario: 'storm', seed: 7, mutation: 'none', smallWorldDir: dir, ...request },
    { log: (line) => said.push(line), print: (text) => printed.push(text) },
  );
  return { code, said: said.join('\n'), printed: printed.join('\n') };
}

test('one storm: an outcome for people, or as JSON', () => {
  expect(run({}).printed).toMatch(/storm, seed 7: [\d.]+ s of the virtual clock[\s\S]* steps checked in /);
  const outcome = JSON.parse(run({ json: true, machines: 3 }).printed) as Outcome;
  expect(outcome).toMatchObject({ scenario: 'storm', seed: 7, scheduler: 'tender' });
  expect(outcome.checkedSteps).toBeGreaterThan(100);
});

test.each(['d0', 'w0'])('the journal of %s replays to its end, and a changed event shows', (node) => {
  const path = join(dir, 'journal');
  const journalOf = (seed: number): string => {
    expect(run({ seed, journal: path, node }).code).toBe(0);
    return readFileSync(path, 'utf8');
  };
  // The first life of a machine may be short.
  const text = [5, 6, 7, 8, 9, 10, 11, 12].map(journalOf).find((journal) => journal.split('\n').length > 50) ?? '';
  const replayed = replayJournal(text);
  if (!replayed.ok) throw new Error(replayed.error);
  expect(replayed.value).toMatchObject({ node, differs: null });
  expect(replayed.value.steps).toBeGreaterThan(20);
  expect(renderReplay(replayed.value)).toContain(`${replayed.value.steps} steps came out as recorded`);

  // The first step that did something now happens much later.
  const lines = text.split('\n');
  const changed = lines.findIndex((line, i) => i > 0 && !line.includes('"gave":[]'));
  lines[changed] = (lines[changed] ?? '').replace(/"type":"(submit|sample|announcement|session-up)"/, '"type":"tick"');
  const other = replayJournal(lines.join('\n'));
  if (!other.ok) throw new Error(other.error);
  expect(other.value.differs?.line).toBe(changed + 1);
  const shown = renderReplay(other.value);
  expect(shown).toContain(`line ${changed + 1} did not`);
  expect(shown).toMatch(/recorded: \[\{"type":.*\n {2}replayed: \[/);
});

test('a broken invariant ends with the command that replays it and a smaller world', () => {
  const { code, said } = run({ seed: 3, mutation: 'run-local-twice' });
  expect(code).toBe(1);
  expect(said).toMatch(/storm, seed 3, at \d+ ms: invariant 1/);
  expect(said).toContain('npm run sim -- --scenario storm --seed 3 --mutation run-local-twice');
  expect(said).toMatch(/1 tasks, -j/);
  const [, world = ''] = /--world (\S+)/.exec(said) ?? [];
  expect(run({ world }).code).toBe(0);
  expect(run({ world, mutation: 'run-local-twice' }).said).toContain(`npm run sim -- --world ${world}`);
  expect(run({ world: join(dir, 'none.json') })).toMatchObject({
    code: 2,
    said: expect.stringContaining('none.json') as unknown,
  });
});

test('a wrong name lists the right ones', () => {
  const wrong = run({ scenario: 'no-such' });
  expect(wrong.code).toBe(2);
  expect(wrong.said).toMatch(/«no-such»[\s\S]*storm: [\s\S]*office: /);
  expect(run({ node: 'w99' })).toMatchObject({ code: 2, said: expect.stringContaining('w99') as unknown });
});
