// `tender doctor`: says of each fault what to do, and `status` and `calendar list` how each calendar is.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { Finding } from '../../src/apps/cli/doctor.ts';
import { TestFarm, until } from '../e2e/support.ts';
import { eventText } from './radicale.ts';

const HOUR = 3_600_000;
let farm: TestFarm | null = null;
const closers: (() => void)[] = [];
afterEach(async () => {
  await farm?.close();
  farm = null;
  for (const close of closers.splice(0)) close();
});

test('a sound machine, then a calendar whose password no longer holds, a rule for nobody, an open file', async () => {
  let status = 200;
  const server = createServer((_request, response) =>
    response
      .writeHead(status)
      .end(status === 200 ? eventText('a', Date.now(), Date.now() + HOUR, 'SUMMARY:Lunch') : ''),
  ).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => server.close().closeAllConnections());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const here = (farm = new TestFarm());
  await here.startClient({ config: '[owner]\npresence = false\npoll_seconds = 0.3' });
  const doctor = async (): Promise<{ code: number | null; findings: Finding[] }> => {
    const ran = await here.cli('client', ['doctor', '--json']);
    expect(ran.stderr).toBe('');
    return { code: ran.code, findings: JSON.parse(ran.stdout) as Finding[] };
  };
  const place = `http://127.0.0.1:${address.port}/secret.ics`;
  expect((await here.cli('client', ['calendar', 'add', place, '--name', 'web'])).stdout).toMatch(/1 event\n$/);
  const sound = await doctor();
  expect(sound.findings.filter(({ state }) => state === 'fault')).toEqual([]);
  expect(sound.code).toBe(0);
  expect(sound.findings.map(({ area }) => area)).toEqual(
    expect.arrayContaining(['home', 'agent', 'cluster', 'clock', 'compiler', 'sandbox', 'disk', 'calendar']),
  );
  await until('status tells of it', async () => {
    const { stdout } = await here.cli('client', ['status']);
    return /calendar «web»: 1 event, read (?:now|\d+ s ago)/.test(stdout) ? true : null;
  });

  status = 401;
  await until('list tells of it', async () => {
    const { stdout } = await here.cli('client', ['calendar', 'list']);
    return /wrong \(401\); the copy with 1 event, .*counts for a day; asked again/.test(stdout) ? true : null;
  });
  const told = (await here.cli('client', ['status'])).stdout;
  expect(told).toContain('calendar «web»: user or password is wrong (401)');
  const home = here.homeOf('client');
  chmodSync(join(home, 'calendars.json'), 0o644);
  const sick = await doctor();
  expect(sick.code).toBe(1);
  const todo = (area: string): string =>
    sick.findings.find((each) => each.area === area && each.state === 'fault')?.todo ?? '';
  expect(todo('calendar')).toContain('tender calendar remove web');
  expect(todo('home')).toBe(`chmod 600 ${join(home, 'calendars.json')}`);
  const shown = await here.cli('client', ['doctor']);
  expect(shown.stdout).toMatch(/^FAULT calendar: «web»/m);
  expect(shown.stdout).toMatch(/^2 to mend\.$/m);

  // A fault of configuration, and no agent.
  await here.cli('client', ['stop']);
  chmodSync(join(home, 'calendars.json'), 0o600);
  status = 200;
  writeFileSync(join(home, 'config.toml'), '[[calendar.rules]]\nmatch = "x"\nmeans = "free"\ncalendar = "nobody"\n');
  const rules = await doctor();
  expect(rules.findings.filter(({ state }) => state === 'fault').map(({ said }) => said)).toEqual([
    'the rule for «x» in config.toml is for a calendar «nobody», which there is not',
  ]);
  writeFileSync(join(home, 'config.toml'), '[calendar]\nzone = "Nowhere"\n');
  const broken = await doctor();
  expect(broken.findings[0]).toMatchObject({ area: 'home', state: 'fault' });
  expect(broken.findings[0]?.said).toMatch(/config\.toml:2: calendar\.zone/);
});

test('without compilers and without a cluster: notes and faults, nothing thrown', async () => {
  const here = (farm = new TestFarm());
  const home = here.prepare('alone', {});
  mkdirSync(join(here.dir, 'empty'));
  const env = { PATH: join(here.dir, 'empty') };
  const ran = await here.cli('alone', ['doctor', '--json'], { env });
  const findings = JSON.parse(ran.stdout) as Finding[];
  expect(ran.code).toBe(1);
  expect(findings.find(({ area }) => area === 'compiler')).toMatchObject({
    state: 'fault',
    todo: 'sudo apt-get install -y gcc g++',
  });
  expect(findings.find(({ area }) => area === 'cluster')).toMatchObject({ state: 'note' });
  expect(findings.find(({ area }) => area === 'home')?.said).toContain(home);
});
