// Servers as they are: slow, broken off, lying, refusing, redirecting, gone for hours; and one with ten thousand events.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { createPrng } from '../../base/prng.ts';
import { noOptions } from '../../calendar/classes.ts';
import { utc } from '../../calendar/zones.ts';
import { Calendars, fetchSource } from './calendars.ts';
import { BODY_MAX, boundedFetch, failureOf } from './http.ts';
import type { SourceState, StoredSource } from './types.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const startMs = Date.UTC(2026, 2, 2, 8);
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});
const never = new AbortController().signal;

async function listen(server: net.Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => server.close());
  return (server.address() as net.AddressInfo).port;
}

async function serve(answer: http.RequestListener): Promise<string> {
  const server = http.createServer(answer);
  const port = await listen(server);
  closers.push(() => server.closeAllConnections());
  return `http://127.0.0.1:${port}/c.ics`;
}

/** Writes these bytes to whoever comes, then does nothing, or breaks off. */
async function serveRaw(text: string, end: 'hang' | 'reset' | 'close'): Promise<string> {
  const server = net.createServer((socket) => {
    closers.push(() => socket.destroy());
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.write(text, () => {
        if (end === 'reset') socket.resetAndDestroy();
        if (end === 'close') socket.end();
      });
    });
  });
  return `http://127.0.0.1:${await listen(server)}/c.ics`;
}

const event = (uid: string, startMs: number): string => {
  const time = (ms: number): string => new Date(ms).toISOString().replace(/[-:]|\.\d+/g, '');
  return `BEGIN:VEVENT\r\nUID:${uid}\r\nDTSTART:${time(startMs)}\r\nDTEND:${time(startMs + HOUR)}\r\nSUMMARY:Demo\r\nEND:VEVENT\r\n`;
};
const calendar = (...events: string[]): string =>
  `BEGIN:VCALENDAR\r\nVERSION:2.0\r\n${events.join('')}END:VCALENDAR\r\n`;

const urlOf = (place: string): StoredSource => ({ name: 'web', kind: 'url', place, user: '', password: '' });
const davOf = (place: string): StoredSource => ({
  name: 'dav',
  kind: 'caldav',
  place,
  user: 'anna',
  password: 'secret',
});
const problem = async (source: StoredSource): Promise<string> => {
  const fetched = await fetchSource(source, null, never);
  return fetched.ok ? 'no problem' : fetched.error.message;
};

describe('answers that do not come to an end', () => {
  const head = 'HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n';
  test.each([
    ['nothing at all', ''],
    ['half of the head', 'HTTP/1.1 200 OK\r\ncontent-le'],
    ['half of the body', `${head}BEGIN:VCALENDAR\r\n`],
  ])('the server hangs after %s', async (_what, text) => {
    const place = await serveRaw(text, 'hang');
    const said = await boundedFetch(null, never, 200)(place).then(() => 'an answer', failureOf);
    expect(said).toEqual({ message: 'no answer within 0.2 s', retryAfterMs: null });
  });

  test.each([
    ['reset', 'reset', `${head}BEGIN:VCALENDAR\r\n`],
    ['closed', 'close', `${head}BEGIN:VCALENDAR\r\n`],
    ['closed in a chunk', 'close', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n50\r\nBEGIN:VCALENDAR\r\n'],
    ['closed before a word', 'close', ''],
  ] as const)('the connection is %s', async (_what, end, text) => {
    expect(await problem(urlOf(await serveRaw(text, end)))).toBe('the connection broke in the midst of the answer');
  });

  test('the agent stops while it waits', async () => {
    const stop = new AbortController();
    const waiting = fetchSource(urlOf(await serveRaw('', 'hang')), null, stop.signal);
    stop.abort();
    expect((await waiting).ok).toBe(false);
  });

  test('more than is ever read, packed or not', async () => {
    const tooMuch = await serve((_request, response) => response.end(Buffer.alloc(BODY_MAX + 1, 'x')));
    expect(await problem(urlOf(tooMuch))).toBe('it sends more than 32 MiB');
    const bomb = gzipSync(Buffer.alloc(BODY_MAX + 1, 'x'));
    const packed = await serve((_request, response) => response.setHeader('content-encoding', 'gzip').end(bomb));
    expect(await problem(urlOf(packed))).toBe('it sends more than 32 MiB');
  });
});

describe('answers that are no calendar', () => {
  test('not even HTTP', async () => {
    expect(await problem(urlOf(await serveRaw('220 mail.example.org ESMTP\r\n', 'close')))).toBe(
      'what answers there does not speak HTTP',
    );
  });

  test.each([
    ['a page', '<!doctype html><title>Sign in</title>'],
    ['bytes', '\0\x01\xff\xfe'],
    ['nothing', ''],
    ['XML of another kind', '<?xml version="1.0"?><rss/>'],
    ['XML that breaks off', '<?xml version="1.0"?><multistatus xmlns="DAV:"><response><href>/x'],
    ['deep XML', `<?xml version="1.0"?>${'<a>'.repeat(5000)}`],
  ])('%s: told as an address and as CalDAV, with nothing thrown', async (_what, text) => {
    for (const status of [200, 207]) {
      const place = await serve((_request, response) => response.writeHead(status).end(text));
      expect(await problem(urlOf(place))).toMatch(/^what it sends is no calendar/);
      const said = await problem(davOf(place));
      expect(said).not.toBe('no problem');
      expect(said).not.toMatch(/Cannot read|undefined|\n/);
    }
  });

  test.each([
    [401, 'user or password is wrong (401)'],
    [403, 'access is not allowed (403)'],
    [404, 'there is nothing at this address (404)'],
    [429, 'it is asked too often (429)'],
    [500, 'it answers with error 500'],
    [503, 'it answers with error 503'],
  ])('%d', async (status, said) => {
    const place = await serve((_request, response) => response.writeHead(status, { 'retry-after': '90' }).end('no'));
    expect(await fetchSource(urlOf(place), null, never)).toEqual({
      ok: false,
      error: { message: said, retryAfterMs: 90_000 },
    });
    const dav = await fetchSource(davOf(place), null, never);
    expect(dav.ok).toBe(false);
    if (!dav.ok && status !== 404) expect(dav.error.message).toBe(said);
  });

  test('redirections: followed, not for ever, not with the password to somebody else', async () => {
    const seen: string[] = [];
    const other = await serve((request, response) => {
      seen.push(`other ${request.headers.authorization ?? '-'}`);
      response.end(calendar(event('a', Date.now())));
    });
    const place = await serve((request, response) => {
      seen.push(`first ${request.headers.authorization ?? '-'}`);
      response.writeHead(302, { location: request.url === '/c.ics' ? '/d.ics' : other }).end();
    });
    const source = { ...urlOf(place), user: 'anna', password: 'secret' };
    expect((await fetchSource(source, null, never)).ok).toBe(true);
    const basic = `Basic ${Buffer.from('anna:secret').toString('base64')}`;
    expect(seen).toEqual([`first ${basic}`, `first ${basic}`, 'other -']);
    const loop = await serve((_request, response) => response.writeHead(301, { location: '/c.ics' }).end());
    expect(await problem(urlOf(loop))).toBe('it redirects again and again');
    expect(await problem(davOf(loop))).toBe('it redirects again and again');
    const file = await serve((_request, response) => response.writeHead(301, { location: 'file:///etc/passwd' }).end());
    expect(await problem(urlOf(file))).toBe('file:// is no address for a calendar');
  });
});

/** Follows one source in a time of its own. */
class Follower {
  nowMs = startMs;
  readonly home = mkdtempSync(join(tmpdir(), 'tender-servers-'));
  readonly source: StoredSource;
  readonly calendars: Calendars;

  constructor(source: StoredSource) {
    this.source = source;
    this.calendars = new Calendars({
      home: this.home,
      zone: utc,
      classes: () => noOptions,
      addresses: [],
      prng: createPrng(1),
      now: () => this.nowMs,
      onChange: () => undefined,
    });
    closers.push(() => {
      this.calendars.stop();
      rmSync(this.home, { recursive: true });
    });
  }

  get state(): SourceState {
    const [state] = this.calendars.states();
    if (state === undefined) throw new Error('nothing is followed');
    return state;
  }

  /** Lets time pass; a look that is due then is awaited, and so many events. */
  async pass(ms: number, events = 0): Promise<void> {
    this.nowMs += ms;
    await this.calendars.follow([this.source]);
    const deadline = performance.now() + 20_000;
    while (this.state.nextAtMs <= this.nowMs || this.state.events < events) {
      if (performance.now() > deadline) throw new Error('it is not asked');
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

test('a server that is gone for hours: the last good copy for a day, asked ever less often; then nothing; then again', async () => {
  let mode: 'good' | 'gone' = 'good';
  let asked = 0;
  let at = 0;
  const place = await serve((_request, response) => {
    asked += 1;
    if (mode === 'gone') response.destroy();
    else response.setHeader('etag', `"${at}"`).end(calendar(event('a', at)));
  });
  const here = new Follower(urlOf(place));
  at = here.nowMs + 30 * HOUR;
  await here.pass(0, 1);
  expect(here.state).toMatchObject({ state: 'ok', problem: '', events: 1, goodAtMs: here.nowMs });
  mode = 'gone';
  asked = 0;
  for (let passed = 0; passed < 23 * HOUR; passed += 10 * MINUTE) await here.pass(10 * MINUTE);
  expect(here.state).toMatchObject({
    state: 'stale',
    problem: 'the connection broke in the midst of the answer',
    events: 1,
  });
  expect(here.calendars.stretches()).toHaveLength(1);
  // Half a minute, one, two, four … an hour: not once in five minutes.
  expect(asked).toBeGreaterThan(20);
  expect(asked).toBeLessThan(40);
  for (let passed = 0; passed < 2 * HOUR; passed += 10 * MINUTE) await here.pass(10 * MINUTE);
  expect(here.state.state).toBe('failing');
  expect(here.calendars.stretches()).toEqual([]);
  mode = 'good';
  await here.pass(HOUR + 10 * MINUTE);
  expect(here.state).toMatchObject({ state: 'ok', problem: '', goodAtMs: here.nowMs });
  expect(here.calendars.stretches()).toHaveLength(1);
});

test('a source that never answered is asked again by the clock, not in a loop', async () => {
  let asked = 0;
  const here = new Follower(urlOf(await serve((_request, response) => (++asked, response.destroy()))));
  await here.pass(0);
  expect(here.state.state).toBe('failing');
  // Another source that is looked at meanwhile makes plans anew.
  for (let i = 0; i < 20; i++) await here.pass(1000);
  expect(asked).toBe(1);
});

test('ten thousand events: read, expanded once, and unchanged they cost nothing', async () => {
  const text = gzipSync(
    calendar(...Array.from({ length: 10_000 }, (_, i) => event(`e${i}`, startMs + (i - 5000) * HOUR))),
  );
  const statuses: number[] = [];
  const place = await serve((request, response) => {
    const same = request.headers['if-none-match'] === '"1"';
    statuses.push(same ? 304 : 200);
    if (same) response.writeHead(304).end();
    else response.writeHead(200, { etag: '"1"', 'content-encoding': 'gzip' }).end(text);
  });
  const many = new Follower(urlOf(place));
  const began = performance.now();
  await many.pass(0, 10_000);
  expect(many.state).toMatchObject({ state: 'ok', events: 10_000 });
  expect(performance.now() - began).toBeLessThan(15_000);
  expect(many.calendars.stretches().length).toBeGreaterThan(300);
  expect(many.calendars.stretches().length).toBeLessThan(400);
  await many.pass(10 * MINUTE);
  expect(statuses).toEqual([200, 304]);
});
