// Somebody wants to know what this worker has in hand: it says so at once, to those that it has a session with.
import { expect, test } from 'vitest';
import { createPrng } from '../../base/prng.ts';
import { GIB, sampleAnnouncement, sampleInfo } from '../testing/samples.ts';
import { WorkerAdmission } from './admission.ts';
import type { WorkerEffect } from './types.ts';

const times = { leaseTtlMs: 10_000, heartbeatMs: 2000, offerDelayMs: 0 };
const memory = { memReserveBytes: 0, memPerTaskBytes: GIB };

test('a poll is answered by a heartbeat, with a task in hand and with none, and by nobody we have no session with', () => {
  const worker = new WorkerAdmission({ slots: 2, closedBecause: '', maxLoad: 9, ...times, ...memory }, createPrng(1));
  worker.step({ type: 'sample', info: sampleInfo() }, 0);
  const from = { host: '192.0.2.1', port: 1 };
  worker.step({ type: 'announcement', announcement: sampleAnnouncement('d', 1, 1), from }, 1);
  worker.step({ type: 'tick' }, 50);
  expect(worker.step({ type: 'poll', delegator: 'd' }, 51)).toEqual([]);
  const [offered] = worker.step({ type: 'session-up', delegator: 'd' }, 52);
  if (offered?.type !== 'offer') throw new Error('no offer');
  const beat = (attempts: string[], at: number): WorkerEffect => {
    return { type: 'heartbeat', delegator: 'd', attempts, load: 0.1, stamp: at };
  };
  expect(worker.step({ type: 'poll', delegator: 'd' }, 60)).toEqual([beat([], 60)]);
  const { leaseId } = offered.offer;
  worker.step({ type: 'award', delegator: 'd', leaseId, attempt: 't1#1', memBytes: 0 }, 70);
  expect(worker.step({ type: 'poll', delegator: 'd' }, 80)).toEqual([beat(['t1#1'], 80)]);
  expect(worker.step({ type: 'poll', delegator: 'stranger' }, 90)).toEqual([]);
});
