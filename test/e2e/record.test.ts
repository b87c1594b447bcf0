// What was learnt, from the outside: policies by command and by project, `tender record` over a farm, an agent that is killed, and a
// database that is damaged, all without a build that notices.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RecordView } from '../../src/apps/cli/record-view.ts';
import { TestFarm, until, writeProject, type Ran } from './support.ts';

let farm: TestFarm;
let dir = '';

beforeAll(async () => {
  farm = await TestFarm.start(2);
  dir = join(farm.dir, 'project');
  mkdirSync(join(dir, '.git'), { recursive: true });
  writeProject(dir, 6);
});
afterAll(() => farm.close());

const record = async (...words: string[]): Promise<Ran> => farm.cli('client', ['record', ...words], { cwd: dir });
const view = async (): Promise<RecordView> => JSON.parse((await record('--json')).stdout) as RecordView;

async function kill(): Promise<void> {
  const agent = farm.agents.filter(({ name }) => name === 'client').at(-1);
  agent?.child.kill('SIGKILL');
  await until('the agent is gone', () => (agent?.child.signalCode === 'SIGKILL' ? true : null));
}

async function rebuild(...options: string[]): Promise<Ran> {
  rmSync(join(dir, 'out'), { recursive: true, force: true });
  return farm.cli('client', ['build', ...options, '--', 'make', '-j4'], { cwd: dir });
}

test('each policy builds; the record knows units, kinds, memory and the workers by name', async () => {
  for (const policy of ['first', 'info', 'record', 'finish']) {
    const built = await rebuild('--policy', policy);
    expect(built.stderr).toContain('6 compiled: 6 on');
    expect(built.code).toBe(0);
  }
  const seen = await view();
  expect(seen.projects.map(({ project, units }) => [project, units])).toEqual([[dir, 6]]);
  expect(seen.projects[0]?.kinds[0]?.kind).toMatch(/^g\+\+ [\d.]+ .*, c\+\+ -O1 -g$/);
  expect(seen.units.reduce((sum, unit) => sum + unit.count, 0)).toBe(24);
  expect(seen.units.every(({ label, inputBytes }) => label.startsWith(dir) && (inputBytes ?? 0) > 0)).toBe(true);
  expect(seen.workers.reduce((sum, worker) => sum + worker.count, 0)).toBe(24);
  expect(seen.workers.every(({ name }) => ['w1', 'w2'].includes(name))).toBe(true);
  const shown = await record();
  expect(shown.stderr).toBe('');
  expect(shown.stdout).toContain(dir);
  expect(shown.stdout).toContain(seen.workers[0]?.name);
  const unit = seen.units[0]?.label ?? '';
  expect((await record('show', unit.slice(dir.length + 1))).stdout).toContain(unit);
});

test('a project’s file is obeyed, and refused with its line when it is wrong', async () => {
  const file = join(dir, '.tender.toml');
  writeFileSync(file, '[delegate]\nneeds = "cpu.cores >= 5000"\n');
  const nobody = await rebuild();
  expect(nobody.stderr).toContain('6 compiled: 6 here');
  expect((await rebuild('--needs', 'cpu.cores >= 1')).stderr).toContain('6 compiled: 6 on');
  writeFileSync(file, '[delegate]\npolicy = "best"\n');
  const refused = await rebuild();
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain(
    `${file}:2: delegate.policy: Invalid option: expected one of "first"|"info"|"record"|"finish"`,
  );
  rmSync(file);
  const misspelt = await rebuild('--needs', 'memfree > 2GiB');
  expect([misspelt.code, misspelt.stderr]).toEqual([1, expect.stringContaining('at character 1 of «memfree > 2GiB»')]);
});

test('an agent that is killed loses seconds, not the record; a damaged database is begun anew and kept aside', async () => {
  const home = farm.homeOf('client');
  expect((await rebuild()).code).toBe(0);
  const before = await view();
  await kill();
  await farm.startAgent('client');
  expect((await view()).units.map(({ label, count }) => [label, count])).toEqual(
    before.units.map(({ label, count }) => [label, count]),
  );
  await kill();
  for (const name of readdirSync(home).filter((entry) => entry.startsWith('record.db-'))) rmSync(join(home, name));
  writeFileSync(join(home, 'record.db'), 'no database '.repeat(1000));
  await farm.startAgent('client');
  const built = await rebuild();
  expect([built.code, built.stderr]).toEqual([0, expect.stringContaining('6 compiled: 6 on')]);
  const { agent } = await farm.status('client');
  expect(agent.problems.join()).toContain('record.db was damaged and is begun anew; it is kept as');
  expect(readdirSync(home).some((name) => name.startsWith('record.db.damaged-'))).toBe(true);
  expect((await view()).units).toHaveLength(6);
  expect(readFileSync(join(home, 'log', 'agent.log'), 'utf8')).toContain('begun anew');
});

test('forgetting reaches the running agent: it does not write back what it had in memory', async () => {
  expect(existsSync(join(farm.homeOf('client'), 'record.db'))).toBe(true);
  const [worker] = (await view()).workers;
  expect((await record('forget', '--worker', worker?.name ?? '')).stdout).toMatch(/^Forgotten: \d+ entries\.$/m);
  expect((await view()).workers.map(({ id }) => id)).not.toContain(worker?.id);
  expect((await record('forget', '--project', '.')).code).toBe(0);
  expect((await view()).units).toEqual([]);
  expect((await record('forget')).code).toBe(1);
  expect((await record('forget', '--all')).code).toBe(0);
  expect((await record()).stdout).toBe('Nothing is recorded yet; it comes with the first build.\n');
  expect((await rebuild()).code).toBe(0);
  await until('what was learnt since is there', async () => ((await view()).units.length === 6 ? true : null));
});
