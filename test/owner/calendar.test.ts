// A machine helps as its owner's calendar says: a real server with a password, a real farm; events come, move and go, the server fails in
// all the ways that servers do, and nothing of what is written in the calendar leaves the machine or its files.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { OwnerReport } from '../../src/apps/owner-report.ts';
import { TestFarm, until } from '../e2e/support.ts';
import { eventText, Radicale, radicaleIsHere } from './radicale.ts';

const HOUR = 3_600_000;
const password = 'correct horse';
const poll = '[owner]\npresence = false\npoll_seconds = 0.3';

const why = async (farm: TestFarm, name: string): Promise<OwnerReport> => {
  const ran = await farm.cli(name, ['why', '--json']);
  if (ran.code !== 0) throw new Error(ran.stderr);
  return JSON.parse(ran.stdout) as OwnerReport;
};

async function untilWhy(farm: TestFarm, line: RegExp): Promise<OwnerReport> {
  let last = '';
  return until(`why says ${line.source}`, async () => {
    const report = await why(farm, 'w1');
    last = report.why;
    return line.test(report.why) ? report : null;
  }).catch((error: unknown) => {
    throw new Error(`${String(error)}; it said «${last}»`);
  });
}

describe.skipIf(!radicaleIsHere)('CalDAV: a machine offers as its calendar says', () => {
  let farm: TestFarm;
  let radicale: Radicale;

  beforeAll(async () => {
    radicale = await Radicale.start(password);
    farm = new TestFarm();
    await farm.startClient({ nobody_after_ms: 300 });
    await farm.addWorker('w1', { config: poll });
    const place = new URL(radicale.address('').replace('alice/', ''));
    place.username = 'alice';
    place.password = password;
    const added = await farm.cli('w1', ['calendar', 'add', place.href, '--name', 'work']);
    expect(added.stderr).toBe('');
    expect(added.stdout).toMatch(/^added «work» \(caldav\): 0 events/);
  });
  afterAll(async () => {
    await farm.close();
    await radicale.close();
  });

  let units = 0;
  async function compile(): Promise<'remote' | 'local'> {
    const dir = farm.dir;
    const unit = `u${units++}`;
    writeFileSync(join(dir, `${unit}.c`), `int ${unit};\n`);
    const { report } = await farm.build(['sh', '-c', `gcc -c ${unit}.c -o ${unit}.o`], dir);
    return report.remote === 1 ? 'remote' : 'local';
  }

  test('nothing in it: it helps; an event that wants the machine: it does not; moved away: it does again', async () => {
    const now = Date.now();
    await untilWhy(farm, /^helping/);
    await until('the worker takes a task', async () => ((await compile()) === 'remote' ? true : null));
    await radicale.put('demo', password, now - HOUR, now + HOUR, 'SUMMARY:Quarterly demo for Zebra Corp');
    await untilWhy(farm, /^not helping: your calendar says that you need this machine until/);
    expect(await compile()).toBe('local');
    await radicale.put('demo', password, now + 24 * HOUR, now + 25 * HOUR, 'SUMMARY:Quarterly demo for Zebra Corp');
    const again = await untilWhy(farm, /^helping/);
    expect(again.freeFor).toHaveLength(8);
    await until('the worker takes a task', async () => ((await compile()) === 'remote' ? true : null));
    await radicale.put('demo', password, now + 2 * HOUR, now + 3 * HOUR, 'SUMMARY:Quarterly demo for Zebra Corp');
    const soon = await untilWhy(farm, /^helping until \d/);
    expect(soon.freeFor.slice(-2)).toEqual([0, 0]);
    await radicale.request('DELETE', 'work/demo.ics', password);
    const free = await untilWhy(farm, /^helping: /);
    expect(free.freeFor.at(-1)).toBe(1);
  });

  test('the server is down, or wants another password: the last good copy counts, and the owner is told', async () => {
    const now = Date.now();
    await radicale.put('demo', password, now - HOUR, now + HOUR, 'SUMMARY:Demo');
    await untilWhy(farm, /^not helping/);
    await radicale.stop();
    const down = await until('it is told that nobody answers', async () => {
      const [state] = (await why(farm, 'w1')).calendars;
      return state?.problem === 'nobody answers there' ? state : null;
    });
    expect(down.state).toBe('stale');
    expect((await why(farm, 'w1')).why).toMatch(/^not helping/);
    await radicale.restart('another');
    await until('it is told that the password is wrong', async () => {
      const [state] = (await why(farm, 'w1')).calendars;
      return state?.problem === 'user or password is wrong (401)' ? true : null;
    });
    expect((await farm.cli('w1', ['calendar', 'test'])).stderr).toContain('user or password is wrong (401)');
    await radicale.restart(password);
    await radicale.request('DELETE', 'work/demo.ics', password);
    const mended = await untilWhy(farm, /^helping/);
    expect(mended.calendars[0]).toMatchObject({ state: 'ok', problem: '' });
  });

  test('no password and no title in any log, in any file that others may read, or at another machine', async () => {
    const now = Date.now();
    const secrets = ['Zebra', 'Xanadu', 'Hieronymus', password];
    await radicale.put(
      'trip',
      password,
      now - HOUR,
      now + 40 * HOUR,
      'SUMMARY:Trip to Xanadu',
      'LOCATION:Xanadu',
      'ATTENDEE;CN=Hieronymus:mailto:hieronymus@example.org',
    );
    await until('the event is known', async () => ((await why(farm, 'w1')).calendars[0]?.events === 1 ? true : null));
    await until('the worker takes a task', async () => ((await compile()) === 'remote' ? true : null));
    const findings: string[] = [];
    const home = farm.homeOf('w1');
    for (const entry of readdirSync(farm.dir, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const file = join(entry.parentPath, entry.name);
      const text = readFileSync(file, 'latin1');
      if (!secrets.some((secret) => text.includes(secret))) continue;
      const own = file.startsWith(`${home}/calendars`) && (statSync(file).mode & 0o077) === 0;
      if (!own) findings.push(file);
    }
    expect(findings).toEqual([]);
    expect(readFileSync(join(home, 'calendars.json'), 'utf8')).toContain(password);
    const shown = await farm.cli('w1', ['calendar', 'show']);
    expect(shown.stdout).toContain('Trip to Xanadu');
    expect((await farm.cli('w1', ['calendar', 'list'])).stdout).not.toContain(password);
    await radicale.request('DELETE', 'work/trip.ics', password);
  });
});

describe('addresses', () => {
  let farm: TestFarm | null = null;
  let server: Server | null = null;
  afterEach(async () => {
    await farm?.close();
    server?.close();
    server?.closeAllConnections();
    farm = null;
    server = null;
  });

  test('an address with a tag is not read again; a login page, garbage and errors leave the good copy', async () => {
    const now = Date.now();
    let mode: 'good' | 'page' | 'error' = 'good';
    const seen: string[] = [];
    server = createServer((request, response) => {
      seen.push(`${mode} ${request.headers['if-none-match'] ?? '-'}`);
      if (mode === 'error') response.writeHead(500).end();
      else if (mode === 'page') response.end('<html>Sign in</html>');
      else if (request.headers['if-none-match'] === '"one"') response.writeHead(304).end();
      else response.writeHead(200, { etag: '"one"' }).end(eventText('a', now - HOUR, now + HOUR, 'SUMMARY:Demo'));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    farm = new TestFarm();
    const here = farm;
    await farm.startClient();
    await farm.addWorker('w1', { config: poll });
    const added = await farm.cli('w1', ['calendar', 'add', `http://127.0.0.1:${address.port}/c.ics`, '--name', 'web']);
    expect(added.stdout).toMatch(/^added «web» \(url\): 1 event/);
    await untilWhy(farm, /^not helping: your calendar/);
    await until('it is asked with the tag', () => (seen.includes('good "one"') ? true : null));
    for (const [next, problem] of [
      ['page', /no calendar/],
      ['error', /error 500/],
    ] as const) {
      mode = next;
      const state = await until(`${next} is told`, async () => {
        const [found] = (await why(here, 'w1')).calendars;
        return found !== undefined && problem.test(found.problem) ? found : null;
      });
      expect(state.state).toBe('stale');
      expect((await why(farm, 'w1')).why).toMatch(/^not helping: your calendar/);
    }
  });

  test('what cannot be read is not added, and says why', async () => {
    farm = new TestFarm();
    await farm.startClient();
    const add = async (...words: string[]): Promise<string> => {
      const ran = await (farm as TestFarm).cli('client', ['calendar', 'add', ...words]);
      expect(ran.code).not.toBe(0);
      expect(ran.stderr).not.toContain('    at ');
      return ran.stderr;
    };
    writeFileSync(join(farm.dir, 'x.ics'), 'hello');
    expect(await add('nowhere.ics')).toContain('there is no such file');
    expect(await add('x.ics')).toContain('no iCalendar text');
    expect(await add('http://127.0.0.1:1/c.ics')).toMatch(/bad port|nobody answers/);
    expect(await add('ftp://example.org/c.ics')).toContain('http or https');
    expect(await add('http://127.0.0.1:1/c.ics', '--user', 'a')).toContain('--password-stdin');
    expect((await farm.cli('client', ['calendar', 'list'])).stdout).toContain('no calendars');
  });
});
