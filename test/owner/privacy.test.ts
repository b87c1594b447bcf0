// Nothing of an owner's calendar leaves the machine but the eight figures of S: agents in a network namespace, every frame recorded, TLS
// opened, HTTP/2 read, every message decoded; and nothing of it in logs, journals, files of others, or what other machines are told.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createFarmNetwork, type FarmNetwork } from '../../src/adapters/netns/farm-network.ts';
import { loadSources, saveSources } from '../../src/adapters/calendars/source-file.ts';
import type { OwnerReport } from '../../src/apps/owner-report.ts';
import type { FromWorker } from '../../src/wire/messages.ts';
import { fromDelegatorCodec, fromWorkerCodec } from '../../src/wire/session.ts';
import { TestFarm, until } from '../e2e/support.ts';
import { eventText, Radicale, radicaleIsHere } from './radicale.ts';
import { Capture, flowsOf, messagesOf, openTls, readHttp2, type OpenFlow } from './wire.ts';

const HOUR = 3_600_000;
const password = 'thunderquail-9321';
const token = 'private-b7d2f09c51aa';
/** What is written in the calendars and about them, and must not be met anywhere else. */
const secrets = [
  ...['Zebrafish', 'Xanadu', 'Hieronymus', 'Quackenbush', 'narwhal-uid', 'Blancmange', 'Grönkohl-Gipfel', 'Vellichor'],
  ...[password, token, Buffer.from(`alice:${password}`).toString('base64')],
];
/** What Tender makes of them, which is for the owner alone. */
const verdicts = ['AWAY_MEETING', 'WANTED', 'SOLO_BLOCK', 'calendar', 'meeting', 'not helping', 'helping until'];
/** Travels on purpose: the recording shows it, or sees nothing. */
const canary = 'Albatross';

const root = process.getuid?.() === 0;
if (!root) console.warn('SKIPPED: every byte on the wire is looked at, which needs root for a network namespace');

describe.skipIf(!root || !radicaleIsHere)('with everything recorded', () => {
  let network: FarmNetwork;
  let farm: TestFarm;
  let radicale: Radicale;
  let flows: readonly OpenFlow[];
  const asked: string[] = [];
  const why = async (): Promise<OwnerReport> =>
    JSON.parse((await farm.cli('w1', ['why', '--json'])).stdout) as OwnerReport;

  beforeAll(async () => {
    const made = await createFarmNetwork({ hosts: 1 });
    if (!made.ok) throw new Error(made.error.message);
    network = made.value;
    const inside = ['ip', 'netns', 'exec', network.hosts[0]?.namespace ?? ''];
    radicale = await Radicale.start(password, inside);
    farm = new TestFarm();
    farm.inside = inside;
    const keylog = join(farm.dir, 'keys');
    const env = { NODE_OPTIONS: process.env['NODE_OPTIONS'], TENDER_LOG: process.env['TENDER_LOG'] };
    process.env['NODE_OPTIONS'] = `--tls-keylog=${keylog}`;
    process.env['TENDER_LOG'] = 'debug';
    const recording = await Capture.start(inside);
    try {
      await playDays();
      flows = openTls(flowsOf(await recording.stop()), keylog);
    } finally {
      await recording.stop();
      for (const [name, value] of Object.entries(env)) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    }
  });
  afterAll(async () => {
    await farm?.close();
    await radicale?.close();
    await network?.remove();
  });

  /** All that a machine with calendars does: helps, drains, evicts, is paused, builds itself, cannot read one. */
  async function playDays(): Promise<void> {
    const now = Date.now();
    const lines = [
      'DESCRIPTION:Blancmange for everybody',
      'LOCATION:Xanadu Pleasure Dome',
      'ORGANIZER;CN=Hieronymus:mailto:hieronymus@example.org',
      'ATTENDEE;CN=Quackenbush;PARTSTAT=ACCEPTED:mailto:quackenbush@example.org',
      'CATEGORIES:Vellichor',
    ];
    const journal = '[journal]\nenabled = true';
    await farm.startClient({ nobody_after_ms: 5000, config: journal });
    const times = 'poll_seconds = 0.3\ngrace_seconds = 0.1\nfreeze_seconds = 0.1';
    await farm.addWorker('w1', { config: `${journal}\n[owner]\npresence = false\n${times}` });
    await radicale.put('narwhal-uid-1', password, now - HOUR, now + HOUR, 'SUMMARY:Zebrafish offsite', ...lines);
    await radicale.put('narwhal-uid-4', password, now + 3 * HOUR, now + 4 * HOUR, 'SUMMARY:Zebrafish demo', ...lines);
    const place = new URL(radicale.address('').replace('alice/', ''));
    place.username = 'alice';
    place.password = password;
    const file = join(farm.homeOf('w1'), 'own.ics');
    writeFileSync(file, eventText('narwhal-uid-2', now + 26 * HOUR, now + 27 * HOUR, 'SUMMARY:Grönkohl-Gipfel'));
    for (const words of [[place.href, '--name', 'work'], [file]]) {
      const added = await farm.cli('w1', ['calendar', 'add', ...words]);
      expect(added.stderr).toBe('');
    }
    // A secret address whose server is gone.
    const home = farm.homeOf('w1');
    const known = loadSources(home);
    const gone = { kind: 'url' as const, place: `http://127.0.0.1:9/${token}/basic.ics`, user: '', password: '' };
    saveSources(home, [...(known.ok ? known.value : []), { name: 'gone', ...gone }]);
    await farm.cli('w1', ['stop']);
    await farm.startAgent('w1');

    await until('it helps until the demo', async () => ((await why()).why.startsWith('helping until') ? true : null));
    writeFileSync(join(farm.dir, 'a.c'), `#warning ${canary}\nint a;\n`);
    await until('w1 compiles', async () => {
      const { report } = await farm.build(['gcc', '-c', 'a.c', '-o', 'a.o'], farm.dir);
      return report.remote === 1 ? true : null;
    });
    // The demo begins while a long task runs: it is ended, and its delegator told so.
    const slow = 'constexpr long f() { long s = 0; for (long i = 0; i < 2000000; i++) s ^= i; return s; }\n';
    writeFileSync(join(farm.dir, 'slow.cc'), `${slow}static_assert(f() >= 0);\n`);
    const limits = ['-fconstexpr-ops-limit=99999999999', '-fconstexpr-loop-limit=2147483647'];
    const done = farm.build(['g++', ...limits, '-c', 'slow.cc', '-o', 'slow.o'], farm.dir);
    await until('it runs at w1', async () => ((await farm.status('w1')).lending.length > 0 ? true : null));
    await radicale.put('narwhal-uid-3', password, now - HOUR, now + HOUR, 'SUMMARY:Zebrafish demo', ...lines);
    await until('it is kept for the demo', async () => ((await why()).why.startsWith('not helping') ? true : null));
    expect((await done).report).toMatchObject({ remote: 0, local: 1 });
    for (const words of [['tasks', '--all'], ['explain', 'slow.cc'], ['explain', 'a.c'], ['status'], ['record']]) {
      for (const more of [[], ['--json']]) asked.push((await farm.cli('client', [...words, ...more])).stdout);
    }
    await radicale.request('DELETE', 'work/narwhal-uid-3.ics', password);
    await until('it helps again', async () => ((await why()).why.startsWith('helping') ? true : null));
    await farm.cli('w1', ['pause', '1h']);
    await farm.cli('w1', ['resume']);
    writeFileSync(join(farm.dir, 'b.c'), 'int b;\n');
    await farm.cli('w1', ['build', '--', 'gcc', '-c', 'b.c', '-o', 'b.o']);
    await farm.cli('w1', ['stop']);
    await farm.cli('client', ['stop']);
  }

  const isCalendar = (flow: OpenFlow): boolean => flow.fromPort === radicale.port || flow.toPort === radicale.port;
  const others = (): OpenFlow[] => flows.filter((flow) => !isCalendar(flow));

  test('the recording sees what travels, and what goes to the calendar’s own server', () => {
    const text = (some: readonly OpenFlow[]): string =>
      some.map(({ plain }) => plain.toString('latin1').toLowerCase()).join('\n');
    expect(text(others())).toContain(canary.toLowerCase());
    expect(text(flows.filter(isCalendar))).toContain('zebrafish');
    expect(others().some(({ toPort }) => toPort === farm.groupPort)).toBe(true);
  });

  test('no word of a calendar, and none of what is made of it, in any byte between the machines', async () => {
    const seen: Buffer[] = [];
    let read = 0;
    for (const flow of others()) {
      seen.push(flow.bytes, flow.plain, flow.covered);
      const http = await readHttp2(flow);
      if (http === null) continue;
      read += 1;
      seen.push(Buffer.from(http.headers), http.data);
    }
    expect(read).toBeGreaterThanOrEqual(2);
    expect(found(seen, [...secrets, ...verdicts])).toEqual([]);
  });

  test('of the owner only the eight figures are told, in steps of 5 %', async () => {
    let offers = 0;
    const words = new Set<string>();
    for (const flow of others()) {
      const http = await readHttp2(flow);
      if (http === null) continue;
      for (const bytes of messagesOf(http.data)) {
        if (!http.headers.includes(':path: /tender.v1.Delegator/Session')) {
          fromDelegatorCodec.decode(bytes);
          continue;
        }
        const message: FromWorker = fromWorkerCodec.decode(bytes);
        if ('offer' in message) {
          offers += 1;
          words.add(message.offer.remark);
          const told = message.offer.info?.freeForPercent ?? [];
          expect(told).toHaveLength(8);
          expect(told.every((percent) => percent % 5 === 0 && percent >= 0 && percent <= 100)).toBe(true);
        } else if ('failed' in message) words.add(`${message.failed.code}: ${message.failed.message}`);
        else if ('result' in message) {
          for (const { data, zstd } of message.result.outputs) {
            expect(found([zstd ? zstdDecompressSync(data) : Buffer.from(data)], secrets)).toEqual([]);
          }
        }
      }
    }
    expect(offers).toBeGreaterThan(0);
    expect([...words]).toContain('owner-returned: its owner needs it');
    expect(
      [...words].filter((word) => !/^$|^busy|^work is|^(?:owner-returned: )?its owner needs it$/.test(word)),
    ).toEqual([]);
  });

  test('other machines’ answers, all logs at their most talkative, journals and files of others hold none of it', () => {
    expect(
      found(
        // Names of fields (offersWanted, calendars) say nothing of anybody.
        asked.map((text) => Buffer.from(text.replace(/"\w+":/g, ''))),
        [...secrets, ...verdicts],
      ),
    ).toEqual([]);
    const home = farm.homeOf('w1');
    const findings: string[] = [];
    let journals = 0;
    for (const entry of readdirSync(farm.dir, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const file = join(entry.parentPath, entry.name);
      if (file.startsWith(join(home, 'journal'))) journals += 1;
      const content = readFileSync(file);
      // Thousands of headers and the compiler's parts lie there, too: only what has one as it is written is looked at closely.
      const isOurs = /\/(?:log|journal|run)\/|\.(?:json|db|db-wal|toml)$/.test(file);
      if (!isOurs && !secrets.some((word) => content.includes(word))) continue;
      const holds = found([content], secrets);
      if (holds.length === 0) continue;
      const isOwn = file.startsWith(join(home, 'calendars')) || file === join(home, 'own.ics');
      if (!isOwn) findings.push(`${file}: ${holds.join(', ')}`);
      else if (file !== join(home, 'own.ics')) expect(statSync(file).mode & 0o777).toBe(0o600);
    }
    expect(findings).toEqual([]);
    expect(journals).toBeGreaterThan(0);
    expect(farm.logOf('w1')).toContain('agent-started');
    const kept = readdirSync(home).filter((name) => /^(?:owner|calendars)/.test(name));
    expect(kept).toEqual(expect.arrayContaining(['calendars', 'calendars.json', 'owner.json']));
    for (const name of [...kept, 'log/agent.log']) {
      expect(statSync(join(home, name)).mode & 0o077, name).toBe(0);
    }
  });
});

/** Those of the words that stand in the bytes, in any case, as UTF-8, UTF-16, base64 or percent-encoded. */
function found(seen: readonly Buffer[], words: readonly string[]): string[] {
  const all = Buffer.concat(seen.flatMap((bytes) => [bytes, Buffer.from('\n')]));
  const [utf8, wide] = [all.toString('utf8').toLowerCase(), all.toString('latin1').toLowerCase()];
  const raw = all.toString('latin1');
  return words.filter((word) => {
    const inBase64 = [0, 1, 2].map((shift) => {
      const text = Buffer.concat([Buffer.alloc(shift), Buffer.from(word)]).toString('base64');
      return text.slice(shift === 0 ? 0 : shift + 1, -4);
    });
    const utf16 = Buffer.from(word.toLowerCase(), 'utf16le').toString('latin1');
    return (
      utf8.includes(word.toLowerCase()) ||
      utf8.includes(encodeURIComponent(word).toLowerCase()) ||
      wide.includes(utf16) ||
      (word.length > 8 && inBase64.some((text) => raw.includes(text)))
    );
  });
}
