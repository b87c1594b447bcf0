// Signed announcements: there and back, every way to be refused, and garbage by the thousand.
import { createHmac, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Announcement } from '../core/types.ts';
import { maxReceivedBytes, maxSentBytes, openAnnouncement, signAnnouncement, timeWindowMs } from './announcement.ts';
import { messageType } from './proto.ts';
import { createReplayWindow } from './replay.ts';

const nowMs = 1_763_700_000_000;
const key = Buffer.alloc(32, 7);
const clusterId8 = Buffer.from('0123456789abcdef', 'hex');

const announcement: Announcement = {
  delegator: 'a1b2c3d4e5f60718',
  delegatorName: 'annas-rechner',
  port: 40_123,
  build: 'build-1',
  seq: 2 ** 40,
  demands: [
    {
      class: {
        id: 'c0ffee',
        criteria: 'arch == "x86_64" && mem.free >= 2GiB',
        toolchain: { digest: 'ab'.repeat(32), path: '/usr/bin/g++', label: 'g++ 12.2.0 x86_64-linux-gnu' },
        p50Ms: 900,
        p80Ms: 2_100,
        bytes: 2 ** 33,
      },
      count: 212,
    },
    { class: { id: '00', criteria: '', toolchain: null, p50Ms: 0, p80Ms: 0, bytes: 0 }, count: 0 },
  ],
  offersWanted: 12,
  listeners: 1_000,
  scores: [500, 800, 1_000, 1_100, 4_000],
  expiresInMs: 5_000,
};

function sign(
  it: Announcement = announcement,
  options: { nowMs?: number; nonce?: Uint8Array; keyNumber?: number } = {},
) {
  return signAnnouncement(it, { clusterId8, key, keyNumber: 3, nowMs, nonce: randomBytes(12), ...options });
}

function signed(it?: Announcement, options?: Parameters<typeof sign>[1]): Uint8Array {
  const result = sign(it, options);
  if (!result.ok) throw new Error(result.error.detail);
  return result.value;
}

function opening(
  overrides: Partial<Parameters<typeof openAnnouncement>[1]> = {},
): Parameters<typeof openAnnouncement>[1] {
  return { keys: [{ number: 3, key }], clusterId8, nowMs, seen: createReplayWindow(), ...overrides };
}

function why(datagram: Uint8Array, overrides: Parameters<typeof opening>[0] = {}): string {
  const result = openAnnouncement(datagram, opening(overrides));
  return result.ok ? 'accepted' : result.error.why;
}

/** A correctly signed datagram around any body, as only a member could send it. */
function signBody(body: object): Uint8Array {
  const AnnouncementBody = messageType('AnnouncementBody');
  const datagram = messageType('SignedAnnouncement').decode(signed()) as unknown as {
    body: Uint8Array;
    mac: Uint8Array;
  };
  const original = AnnouncementBody.toObject(AnnouncementBody.decode(datagram.body)) as { announcement: object };
  const encoded = AnnouncementBody.encode(AnnouncementBody.fromObject({ ...original, ...body })).finish();
  const mac = createMac(encoded);
  return messageType('SignedAnnouncement').encode({ body: encoded, mac, key: 3 }).finish();
}

function createMac(body: Uint8Array): Uint8Array {
  return createHmac('sha256', key).update('tender announcement 1').update(body).digest();
}

describe('a good datagram', () => {
  test('comes back as it was, and fits', () => {
    const datagram = signed();
    expect(datagram.length).toBeLessThanOrEqual(maxSentBytes);
    expect(openAnnouncement(datagram, opening())).toEqual({ ok: true, value: announcement });
  });

  test('with no demand (the end of a build) comes back too', () => {
    const closed = { ...announcement, demands: [], offersWanted: 0 };
    expect(openAnnouncement(signed(closed), opening())).toEqual({ ok: true, value: closed });
  });

  test('is accepted with any of several keys of its number', () => {
    const keys = [
      { number: 2, key },
      { number: 3, key: Buffer.alloc(32) },
      { number: 3, key },
    ];
    expect(why(signed(), { keys })).toBe('accepted');
  });

  test('with too much in it is not made', () => {
    const demands = Array.from({ length: 16 }, () => announcement.demands[0]).filter((it) => it !== undefined);
    expect(sign({ ...announcement, demands })).toMatchObject({ ok: false, error: { why: 'too-large' } });
    expect(sign({ ...announcement, demands: [...demands, ...demands] })).toMatchObject({
      ok: false,
      error: { why: 'field' },
    });
  });

  test.each([
    { delegator: 'me' },
    { delegatorName: 'a\u001b[2J' },
    { delegatorName: 'x'.repeat(300) },
    { port: 0 },
    { port: 65_536 },
    { build: '' },
    { seq: 2 ** 53 },
    { seq: -1 },
    { seq: 0.5 },
    { expiresInMs: 60_001 },
    { offersWanted: -1 },
  ])('is not made with %j', (change) => {
    expect(sign({ ...announcement, ...change })).toMatchObject({ ok: false, error: { why: 'field' } });
  });
});

describe('a bad datagram', () => {
  test('signed with another key: mac; with an unknown key: key', () => {
    expect(why(signed(), { keys: [{ number: 3, key: Buffer.alloc(32) }] })).toBe('mac');
    expect(why(signed(announcement, { keyNumber: 4 }))).toBe('key');
    expect(why(signed(), { keys: [] })).toBe('key');
  });

  test('of another cluster that has the same key', () => {
    expect(why(signed(), { clusterId8: Buffer.alloc(8) })).toBe('cluster');
  });

  test('from too long ago or too far ahead', () => {
    for (const sign of [-1, 1]) {
      expect(why(signed(announcement, { nowMs: nowMs + sign * timeWindowMs }))).toBe('accepted');
      expect(why(signed(announcement, { nowMs: nowMs + sign * (timeWindowMs + 1) }))).toBe('time');
    }
  });

  test('heard twice', () => {
    const seen = createReplayWindow();
    const datagram = signed();
    expect([why(datagram, { seen }), why(datagram, { seen }), why(signed(), { seen })]).toEqual([
      'accepted',
      'replay',
      'accepted',
    ]);
  });

  test('empty or too large', () => {
    expect(why(Buffer.alloc(0))).toBe('size');
    expect(why(Buffer.alloc(maxReceivedBytes + 1))).toBe('size');
  });

  test('cut short anywhere', () => {
    const datagram = signed();
    for (let length = 0; length < datagram.length; length++)
      expect(why(datagram.subarray(0, length))).not.toBe('accepted');
  });

  test('a member that sends what it may not', () => {
    const demand = (change: object) => ({
      class: {
        id: Buffer.from([1]),
        toolchain: { digest: Buffer.alloc(32), path: '/usr/bin/cc', label: '' },
        ...change,
      },
      count: 1,
    });
    const wire = {
      delegator: announcement.delegator,
      delegatorName: 'n',
      port: 1,
      build: 'b',
      seq: 1,
      demands: [demand({})],
    };
    expect(why(signBody({ announcement: wire }))).toBe('accepted');
    for (const change of [
      { delegator: '' },
      { delegatorName: 'bad\nname' },
      { offersWanted: 4_000_000_000 },
      { port: 70_000 },
      { seq: '18446744073709551615' },
      { demands: [{ count: 1 }] },
      { demands: Array.from({ length: 17 }, () => ({ class: { id: Buffer.from([1]) } })) },
      { demands: [demand({ id: Buffer.alloc(0) })] },
      { demands: [demand({ id: Buffer.alloc(33) })] },
      { demands: [demand({ criteria: 'x'.repeat(513) })] },
      { demands: [demand({ bytes: '18446744073709551615' })] },
      { demands: [demand({ toolchain: { digest: Buffer.alloc(31), path: '/cc' } })] },
      { demands: [demand({ toolchain: { digest: Buffer.alloc(32), path: 'cc' } })] },
      { demands: [demand({ toolchain: { digest: Buffer.alloc(32), path: '/c\u0007c' } })] },
    ]) {
      expect([change, why(signBody({ announcement: { ...wire, ...change } }))]).toEqual([change, 'field']);
    }
    expect(why(signBody({ nonce: Buffer.alloc(11) }))).toBe('field');
    expect(why(signBody({ announcement: null }))).toBe('garbage');
  });

  test('is never an exception: random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1_600 }), (bytes) => why(bytes) !== 'accepted'),
      { numRuns: 2_000 },
    );
  });

  test('is never accepted, nor an exception: any change of a real one', () => {
    const datagram = signed();
    const change = fc.record({ at: fc.nat(datagram.length - 1), bits: fc.integer({ min: 1, max: 255 }) });
    fc.assert(
      fc.property(
        fc.array(change, { minLength: 1, maxLength: 4 }),
        fc.uint8Array({ maxLength: 4 }),
        (changes, more) => {
          const mutated = Buffer.concat([datagram, more]);
          for (const { at, bits } of changes) mutated[at] = (mutated[at] ?? 0) ^ bits;
          const result = openAnnouncement(mutated, opening());
          // What is accepted after a change outside the signed body (an unknown field, say) still says the same.
          if (result.ok) expect(result.value).toEqual(announcement);
        },
      ),
      { numRuns: 5_000 },
    );
  });

  test('is never an exception: random bodies that are rightly signed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (body) => {
        const datagram = messageType('SignedAnnouncement')
          .encode({ body, mac: createMac(body), key: 3 })
          .finish();
        return why(datagram) !== 'accepted';
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('the replay window', () => {
  test('remembers for as long as the window is open, then forgets', () => {
    const window = createReplayWindow(120_000);
    expect(window.admit('n', nowMs, nowMs)).toBe(true);
    expect(window.admit('n', nowMs, nowMs + 119_999)).toBe(false);
    expect(window.admit('m', nowMs + 140_000, nowMs + 140_000)).toBe(true);
    expect(window.size).toBe(1);
  });

  test('never holds more than its bound and never lets a forgotten one in again', () => {
    const window = createReplayWindow(120_000, 100);
    const heard: [string, number][] = [];
    let admitted = 0;
    for (let n = 0; n < 1_000; n++) {
      const sentAtMs = nowMs + ((n * 7_919) % 100_000);
      heard.push([`nonce ${n}`, sentAtMs]);
      if (window.admit(`nonce ${n}`, sentAtMs, nowMs)) admitted++;
      expect(window.size).toBeLessThanOrEqual(100);
    }
    expect(admitted).toBeGreaterThanOrEqual(100);
    for (const [nonce, sentAtMs] of heard)
      if (sentAtMs < nowMs + 90_000) expect(window.admit(nonce, sentAtMs, nowMs)).toBe(false);
  });

  test('a clock that was set back does not make it deaf', () => {
    const window = createReplayWindow(120_000);
    const hourMs = 3_600_000;
    expect(window.admit('a', nowMs + hourMs, nowMs + hourMs)).toBe(true);
    expect(window.admit('b', nowMs, nowMs)).toBe(true);
    expect(window.size).toBe(1);
  });
});
