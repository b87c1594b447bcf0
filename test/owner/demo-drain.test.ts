// A demo that is brought forward while somebody's task runs: the machine takes nothing that needs longer, the task is given back before the
// demo begins, and who sent it is told no more than that.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { OwnerReport } from '../../src/apps/owner-report.ts';
import type { BuildReport } from '../../src/apps/report.ts';
import type { TaskStory } from '../../src/core/story/types.ts';
import { TestFarm, until } from '../e2e/support.ts';
import { eventText } from './radicale.ts';

const MINUTE = 60_000;
let farm: TestFarm | null = null;
afterEach(async () => {
  await farm?.close();
  farm = null;
});

test('a long task goes where it can end; the machine of the demo is empty before it begins', async () => {
  const here = (farm = new TestFarm());
  const config = '[owner]\npresence = false\npoll_seconds = 0.5\ngrace_seconds = 0.5\nfreeze_seconds = 0.5';
  await here.startClient({ nobody_after_ms: 600_000 });
  for (const name of ['meeting', 'demo', 'nothing']) await here.addWorker(name, { config });
  const why = async (name: string): Promise<string> => {
    const ran = await here.cli(name, ['why', '--json']);
    return ran.code === 0 ? (JSON.parse(ran.stdout) as OwnerReport).why : '';
  };
  const says = (name: string, line: RegExp): Promise<unknown> =>
    until(`${name} says ${line.source}`, async () => (line.test(await why(name)) ? true : null), 60_000);

  const calendar = (name: string): string => join(here.dir, `${name}.ics`);
  const now = Date.now();
  const meeting = ['SUMMARY:Meeting', 'ATTENDEE:mailto:a@example.org', 'ATTENDEE:mailto:b@example.org'];
  writeFileSync(calendar('meeting'), eventText('a', now - 10 * MINUTE, now + 120 * MINUTE, ...meeting));
  writeFileSync(calendar('demo'), eventText('b', now - 2880 * MINUTE, now - 2870 * MINUTE, 'SUMMARY:Long ago'));
  for (const name of ['meeting', 'demo']) {
    expect((await here.cli(name, ['calendar', 'add', calendar(name)])).stderr).toBe('');
  }
  for (const name of ['meeting', 'nothing']) await says(name, /^helping: nobody sits at this machine$/);

  for (const unit of ['u1', 'u2', 'u3']) writeFileSync(join(here.dir, `${unit}.c`), `int ${unit};\n`);
  const demoAt = (beginsAt: number): void =>
    writeFileSync(calendar('demo'), eventText('b', beginsAt, beginsAt + 30 * MINUTE, 'SUMMARY:Demo'));
  demoAt(now + 12 * MINUTE);
  await says('demo', /^helping until/);
  const slow = 'constexpr long f() { long s = 0; for (long i = 0; i < 90000000; i++) s ^= i; return s; }\n';
  writeFileSync(join(here.dir, 'slow.cc'), `${slow}static_assert(f() >= 0);\n`);
  const limits = '-fconstexpr-ops-limit=99999999999 -fconstexpr-loop-limit=2147483647';
  const pinned = ['build', '--needs', 'name == "demo"', '--', 'sh', '-c', `g++ ${limits} -c slow.cc -o slow.o`];
  void here.cli('client', pinned);
  const lent = (): Promise<number> =>
    here.status('demo').then(
      ({ lending }) => lending.length,
      () => -1,
    );
  await until('it runs at the machine of the demo', async () => ((await lent()) === 1 ? true : null), 90_000);
  const file = join(here.dir, 'long.json');
  const compiles = 'for u in u1 u2 u3; do gcc -c $u.c -o $u.o || exit 1; done';
  await here.cli('client', ['build', '--needs', 'free.for >= 15m', '--', 'sh', '-c', compiles], {
    env: { TENDER_REPORT: file },
  });
  const report = JSON.parse(readFileSync(file, 'utf8')) as BuildReport;
  expect(report).toMatchObject({ units: 3, remote: 3 });
  expect(report.workers.map(({ name }) => name)).not.toContain('demo');

  // Brought forward: the machine is cleared two minutes before.
  const beginsAt = Date.now() + 2 * MINUTE + 2000;
  demoAt(beginsAt);
  await says('demo', /^not helping: your calendar says that you need this machine until/);
  await until('that machine is empty', async () => ((await lent()) === 0 ? true : null), 90_000);
  expect(Date.now()).toBeLessThan(beginsAt);
  const story = JSON.parse((await here.cli('client', ['explain', 'slow.cc', '--json'])).stdout) as TaskStory;
  expect(story.happenings).toContainEqual(
    expect.objectContaining({ kind: 'failed', name: 'demo', code: 'owner-returned', message: 'its owner needs it' }),
  );
});
