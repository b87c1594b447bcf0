// Three desks in an office of namespaces: one owner is in a meeting, one shows the machine to customers in a moment, of the third
// nothing is known. A long task goes where the calendar says that it can finish, and the demo finds its machine empty.
import fs, { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, describe, expect, test } from 'vitest';
import { createFarmNetwork, type FarmNetwork } from '../../src/adapters/netns/farm-network.ts';
import { haveX, PresenceRig } from '../../src/adapters/presence/test-rig.ts';
import type { OwnerReport } from '../../src/apps/owner-report.ts';
import { TestFarm, until, type AgentOptions } from '../e2e/support.ts';

const MINUTE = 60_000;
/** So long before what it is needed for, a machine takes nothing more. */
const drainsMs = 2 * MINUTE;
/** Time for the long tasks, and for some of the short ones at the machine of the demo. */
const demoInMs = drainsMs + 25_000;
const longMs = 8 * MINUTE;
const longTasks = 4;

const root = process.getuid?.() === 0;
if (!root) console.warn('SKIPPED: three owners in namespaces of their own need root');

let network: FarmNetwork | null = null;
let farm: TestFarm | null = null;
let rig: PresenceRig | null = null;
afterEach(async () => {
  await farm?.close();
  rig?.close();
  await network?.remove();
  [farm, rig, network] = [null, null, null];
});

function calendar(file: string, summary: string, startMs: number, endMs: number): string {
  const utc = (ms: number): string => new Date(ms).toISOString().replace(/[-:]|\.\d+/g, '');
  const event = [`DTSTAMP:${utc(startMs)}`, `DTSTART:${utc(startMs)}`, `DTEND:${utc(endMs)}`, `SUMMARY:${summary}`];
  const lines = ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Test//EN', 'BEGIN:VEVENT', 'UID:one', ...event];
  writeFileSync(file, [...lines, 'END:VEVENT', 'END:VCALENDAR', ''].join('\r\n'));
  return file;
}

describe.skipIf(!root || !haveX)('a meeting, a demo, and no calendar', () => {
  test('the meeting’s machine says that it stays free longest; long tasks never go to the demo’s, which helps until then, and is empty when it starts', async () => {
    const made = await createFarmNetwork({ hosts: 4 });
    if (!made.ok) throw new Error(made.error.message);
    network = made.value;
    const office = new TestFarm();
    farm = office;
    const desks = new PresenceRig();
    rig = desks;
    const at = (host: number): Pick<AgentOptions, 'inside' | 'interfaces'> => ({
      inside: ['ip', 'netns', 'exec', made.value.hosts[host]?.namespace ?? ''],
      interfaces: ['eth0'],
    });
    // Nobody touches the desks, and in the agents' view the processor rests, whatever else this machine does now.
    const screen = await desks.startX();
    let idle = 1000;
    const stat = desks.write('proc/stat', `cpu  100 0 0 ${idle} 0 0 0 0 0 0\nprocs_running 1\n`);
    const timer = setInterval(() => {
      fs.writeFileSync(stat, `cpu  100 0 0 ${(idle += 1000)} 0 0 0 0 0 0\nprocs_running 1\n`);
    }, 100);
    desks.defer(() => clearInterval(timer));
    // That view is no place to make namespaces in: sandboxes are made outside of it.
    const bin = join(desks.dir, 'bin');
    mkdirSync(bin);
    const outside = `exec nsenter --mount=/proc/${process.pid}/ns/mnt -- /usr/bin/bwrap "$@"`;
    writeFileSync(join(bin, 'bwrap'), `#!/bin/sh\n${outside}\n`, { mode: 0o755 });
    const desk = (host: number): AgentOptions => ({
      ...at(host),
      slots: 2,
      config: '[owner]\nidle_seconds = 1\npoll_seconds = 0.3',
      prefix: [
        ...['unshare', '-m', 'env', `DISPLAY=${screen.DISPLAY}`, `XAUTHORITY=${screen.XAUTHORITY}`],
        ...[`PATH=${bin}:${process.env['PATH'] ?? ''}`, 'sh', '-c'],
        `mount --bind ${stat} /proc/stat && exec "$@"`,
        'sh',
      ],
    });
    await office.startClient(at(0));
    for (const [index, name] of ['meeting', 'demo', 'nothing'].entries()) await office.addWorker(name, desk(index + 1));
    const why = async (name: string): Promise<OwnerReport> =>
      JSON.parse((await office.cli(name, ['why', '--json'])).stdout) as OwnerReport;

    // What is long is known from a build before; that it took so long is the record's word.
    const dir = join(office.dir, 'project');
    mkdirSync(dir);
    const longs = Array.from({ length: longTasks }, (_, index) => `long${index}`);
    for (const name of longs) writeFileSync(join(dir, `${name}.cc`), `int ${name};\n`);
    const short = 'constexpr long f() { long s = 0; for (long i = 0; i < 300000; i++) s ^= i; return s; }\n';
    const shorts = Array.from({ length: 400 }, (_, index) => `short${index}`);
    for (const name of shorts)
      writeFileSync(join(dir, `${name}.cc`), `${short}static_assert(f() + 1);\nint ${name};\n`);
    writeFileSync(
      join(dir, 'Makefile'),
      `CXXFLAGS = -fconstexpr-ops-limit=99999999 -fconstexpr-loop-limit=2147483647\n` +
        `short: ${shorts.map((name) => `${name}.o`).join(' ')}\n`,
    );
    for (const name of longs) {
      const { report } = await office.build(['g++', '-c', `${name}.cc`], dir);
      expect(report.failed).toBe(0);
    }
    await office.cli('client', ['stop']);
    const record = new DatabaseSync(join(office.homeOf('client'), 'record.db'));
    const { changes } = record.prepare(`UPDATE unit SET mean_ms = ${longMs}, deviation_ms = 1000`).run();
    record.close();
    expect(changes).toBe(longTasks);
    await office.startAgent('client', at(0));

    const now = Date.now();
    const startsAt = Math.ceil((now + demoInMs) / 1000) * 1000;
    const files = {
      meeting: calendar(join(office.dir, 'm.ics'), 'Team meeting', now - 5 * MINUTE, now + 90 * MINUTE),
      demo: calendar(join(office.dir, 'd.ics'), 'Demo for customers', startsAt, startsAt + 60 * MINUTE),
    };
    for (const [name, file] of Object.entries(files)) {
      const added = await office.cli(name, ['calendar', 'add', file]);
      expect(added.stderr).toBe('');
    }
    const free = await until('all three say how long they stay free', async () => {
      const [meeting, demo, nothing] = await Promise.all(['meeting', 'demo', 'nothing'].map((name) => why(name)));
      const likely = (report?: OwnerReport): number => report?.freeFor[2] ?? -1;
      if (!meeting?.why.startsWith('helping') || !demo?.why.startsWith('helping until')) return null;
      return { meeting: likely(meeting), demo: likely(demo), nothing: likely(nothing) };
    });
    expect(free.demo).toBe(0);
    expect(free.meeting).toBeGreaterThan(free.nothing);

    // It does not come to its end: the farm is closed before.
    void office.build(['make', '-j8', 'short'], dir).catch(() => null);
    const lent = async (): Promise<number> => (await office.status('demo')).lending.length;
    await until('the demo’s machine helps with what is short', async () => ((await lent()) > 0 ? true : null));
    const places: (string | undefined)[] = [];
    for (const name of longs) {
      const { report } = await office.build(['g++', '-c', `${name}.cc`], dir);
      places.push(report.workers.find(({ units }) => units > 0)?.name);
    }
    // Between the other two a machine that happened to be quick so far may outweigh what is known of its owner.
    expect(places).not.toContain('demo');
    expect(places).not.toContain(undefined);

    await until(
      'the demo’s machine takes nothing more',
      async () => ((await why('demo')).why.startsWith('not helping') ? true : null),
      demoInMs,
    );
    // Its tasks have two minutes more; those of this build take seconds.
    await until('it is empty', async () => ((await lent()) === 0 ? true : null), drainsMs);
    expect(Date.now()).toBeLessThan(startsAt);
    expect((await why('demo')).why).toMatch(/^not helping: your calendar says that you need this machine until/);
    const others = await Promise.all(['meeting', 'nothing'].map((name) => office.status(name)));
    expect(
      others.some(({ lending }) => lending.length > 0),
      'the build goes on elsewhere',
    ).toBe(true);
    expect(await lent()).toBe(0);
  }, 240_000);
});
