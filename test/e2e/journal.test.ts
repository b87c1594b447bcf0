// What agents write down of a real build is decided again, step for step, by the machines that the simulator runs.
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { replayJournal, type Replayed } from '../../sim/replay.ts';
import { TestFarm, until, writeProject, type TestAgent } from './support.ts';

let farm: TestFarm | null = null;
afterEach(async () => {
  await farm?.close();
  farm = null;
});

function replay(text: string): Replayed {
  const replayed = replayJournal(text);
  if (!replayed.ok) throw new Error(replayed.error);
  return replayed.value;
}

async function end(agent: TestAgent | undefined, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  agent?.child.kill(signal);
  await until('the agent ends', () => (agent?.child.exitCode != null || agent?.child.signalCode != null ? true : null));
}

test('a build on two workers, replayed: the delegator and both workers decide the same', async () => {
  farm = new TestFarm();
  const dir = join(farm.dir, 'journal');
  const config = `[journal]\nenabled = true\ndir = "${dir}"`;
  await farm.startClient({ config });
  await farm.addWorker('w1', { config });
  // The variable goes before what is configured.
  await farm.addWorker('w2', { prefix: ['env', `TENDER_JOURNAL=${dir}`] });
  const project = join(farm.dir, 'project');
  mkdirSync(project);
  writeProject(project, 10);
  const built = await farm.build(['make', '-j8'], project);
  expect(built.report.units).toBe(10);
  // On a machine that is busy with other things some may come back, be doubled, or be done here.
  expect(built.report.remote).toBeGreaterThan(0);
  const [client, w1, w2] = farm.agents;
  const fileOf = (prefix: string): string => {
    // An agent that `join` started before has left one too: the one in use is the latest.
    const file = readdirSync(dir)
      .filter((name) => name.startsWith(prefix))
      .sort()
      .at(-1);
    if (file === undefined) throw new Error(`no journal of ${prefix}`);
    return join(dir, file);
  };
  const textOf = (prefix: string): string => readFileSync(fileOf(prefix), 'utf8');
  await until('what happened to the last task is written', () =>
    textOf('w2-worker').includes('"ended"') ? true : null,
  );
  await end(client, 'SIGTERM');
  await end(w1, 'SIGTERM');
  await end(w2, 'SIGKILL');

  const delegated = replay(textOf('client-delegator'));
  expect(delegated).toMatchObject({ role: 'delegator', differs: null, end: 'stopped' });
  expect(delegated.events['submit']).toBe(10);
  expect(delegated.events['result']).toBeGreaterThanOrEqual(built.report.remote);
  const ends = { w1: 'stopped', w2: 'cut' };
  let ran = 0;
  for (const [name, why] of Object.entries(ends)) {
    const worked = replay(textOf(`${name}-worker`));
    expect(worked).toMatchObject({ role: 'worker', differs: null, end: why });
    ran += worked.events['ended'] ?? 0;
  }
  expect(ran).toBeGreaterThanOrEqual(built.report.remote);
  expect(statSync(dir).mode & 0o777).toBe(0o700);
  for (const file of readdirSync(dir)) expect(statSync(join(dir, file)).mode & 0o777).toBe(0o600);

  // The comparison sees a difference: with one result less the machine decides otherwise.
  const lines = textOf('client-delegator').split('\n');
  const at = lines.findIndex((line) => line.includes('"type":"result"'));
  const differing = replay([...lines.slice(0, at), ...lines.slice(at + 1)].join('\n'));
  expect(differing.differs?.line).toBeGreaterThan(at);
});
