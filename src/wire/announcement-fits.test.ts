// More classes than a datagram carries: the demand is announced all the same, its largest part first.
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Announcement, TaskDemand } from '../core/types.ts';
import { sampleAnnouncement, sampleClass } from '../core/testing/samples.ts';
import { maxSentBytes, openAnnouncement, signAnnouncement, signWhatFits } from './announcement.ts';
import { createReplayWindow } from './replay.ts';

const key = randomBytes(32);
const clusterId8 = randomBytes(8);
const nowMs = 1_700_000_000_000;
const signing = { clusterId8, key, keyNumber: 1, nowMs, nonce: randomBytes(12) };

function demandOf(i: number, count: number): TaskDemand {
  const toolchain = {
    digest: `${i}`.padStart(2, '0').repeat(32),
    path: `/usr/bin/g++-${i}`,
    label: `g++ ${i}.1.0 x86_64-linux-gnu`,
  };
  const id = `${i}`.padStart(2, '0').repeat(16);
  return { class: sampleClass({ id, toolchain, criteria: `mem.free >= ${2 ** i}MiB && free.for >= 5m` }), count };
}

function heard(announcement: Announcement): Announcement {
  const signed = signWhatFits(announcement, signing);
  if (!signed.ok) throw new Error(signed.error.detail);
  expect(signed.value.length).toBeLessThanOrEqual(maxSentBytes);
  const keys = [{ number: 1, key }];
  const opened = openAnnouncement(signed.value, { keys, clusterId8, nowMs, seen: createReplayWindow() });
  if (!opened.ok) throw new Error(opened.error.detail);
  return opened.value;
}

test('what fits goes as it is', () => {
  const announcement = sampleAnnouncement('a1b2c3d4e5f60718', 1, 0, { demands: [demandOf(1, 3), demandOf(2, 9)] });
  expect(heard(announcement).demands.map(({ count }) => count)).toEqual([3, 9]);
});

test('of too many classes those with most tasks', () => {
  const counts = [1, 50, 2, 40, 3, 30, 4, 20, 5, 10, 6, 9, 7, 8];
  const announcement = sampleAnnouncement('a1b2c3d4e5f60718', 1, 0, {
    demands: counts.map((count, i) => demandOf(i, count)),
  });
  expect(signAnnouncement(announcement, signing)).toMatchObject({ ok: false, error: { why: 'too-large' } });
  const told = heard(announcement).demands.map(({ count }) => count);
  expect(told.length).toBeGreaterThan(3);
  expect(told).toEqual([...counts].sort((a, b) => b - a).slice(0, told.length));
});

test('more classes than are allowed at all', () => {
  const counts = Array.from({ length: 60 }, (_, i) => i + 1);
  const demands = counts.map((count, i) => ({ class: sampleClass({ id: `${i + 10}`.padStart(4, '0') }), count }));
  const told = heard(sampleAnnouncement('a1b2c3d4e5f60718', 1, 0, { demands })).demands.map(({ count }) => count);
  expect(told).toEqual(counts.reverse().slice(0, 16));
});

test('one class that is too large by itself is told as such', () => {
  const toolchain = { digest: 'ab'.repeat(32), path: `/${'p'.repeat(500)}`, label: 'l'.repeat(200) };
  const large = { class: sampleClass({ id: 'aa', toolchain, criteria: 'load < 1 || '.repeat(40) }), count: 1 };
  const signed = signWhatFits(sampleAnnouncement('a1b2c3d4e5f60718', 1, 0, { demands: [large] }), signing);
  expect(signed).toMatchObject({ ok: false, error: { why: 'too-large' } });
});
