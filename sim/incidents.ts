// Incidents of a storm: connections that break, and words from somebody who has no right to them. Invariant 4: what comes
// from outside the cluster, or from a member about what is not its own, changes nothing.
import type { Prng } from '../src/base/prng.ts';
import type { DelegatorEvent } from '../src/core/delegation/types.ts';
import { sampleInfo, sampleOffer } from '../src/core/testing/samples.ts';
import type { WorkerEvent } from '../src/core/worker/types.ts';
import type { DelegatorNode } from './delegator-node.ts';
import type { MachineNode } from './machine-node.ts';
import type { Incident } from './types.ts';
import type { World } from './world.ts';

export function cause(world: World, what: Incident['what'], random: Prng): void {
  const delegator = pickOf([...world.delegators.values()], random);
  const machine = pickOf(world.machines, random);
  switch (what) {
    case 'session-breaks': {
      const session = pickOf(world.network.sessions(), random);
      if (session !== undefined) world.network.breakSession(session, world.toldWithinMs);
      return;
    }
    case 'stranger-at-machine':
      machine?.happen(() => lieToMachine(world, machine));
      return;
    case 'stranger-at-delegator':
      delegator?.happen(() => lieToDelegator(world, delegator, random));
      return;
    case 'liar':
      delegator?.happen(() => lieAboutOthers(delegator, random));
      return;
  }
}

function lieToMachine(world: World, machine: MachineNode): void {
  machine.tickWhatIsDue();
  const view = machine.view();
  const leaseId = view.delegators.find((party) => party.lease !== null)?.lease?.id ?? 'lie';
  const lies: WorkerEvent[] = [
    { type: 'award', delegator: 'stranger', leaseId, attempt: 'lie#1', memBytes: 0 },
    { type: 'release', delegator: 'stranger', leaseId, slots: 100 },
    { type: 'cancel', delegator: 'stranger', attempt: machine.anyAttempt() ?? 'lie#1', why: 'a lie' },
    { type: 'session-down', delegator: 'stranger' },
    { type: 'ended', attempt: 'lie#1' },
  ];
  for (const lie of lies) {
    const effects = machine.ponder(lie);
    world.checker.demand(effects.length === 0, `4: ${JSON.stringify(lie)} moved ${machine.id}`);
  }
  const same = JSON.stringify(view) === JSON.stringify(machine.view());
  world.checker.demand(same, `4: a stranger changed ${machine.id}`);
}

function lieToDelegator(world: World, delegator: DelegatorNode, random: Prng): void {
  delegator.tickWhatIsDue();
  const view = delegator.view();
  const gone = view.workers.find((known) => !known.connected)?.id;
  const worker = gone !== undefined && random() < 0.5 ? gone : 'stranger';
  const attempt = anyAttempt(delegator, random)?.id ?? 'lie#1';
  const lies: DelegatorEvent[] = [
    { type: 'offer', worker, offer: sampleOffer('lie', 50, { classIds: ['c++'], info: sampleInfo() }) },
    { type: 'heartbeat', worker, attempts: [attempt], load: 0 },
    { type: 'started', worker, attempt },
    { type: 'failed', worker, attempt, code: 'sandbox', message: '' },
    { type: 'result', worker, attempt, exit: { how: 'exit', code: 0 }, ranMs: 1, cpuMs: 1 },
    { type: 'lease-withdrawn', worker, leaseId: 'lie' },
    { type: 'returning', worker },
    { type: 'session-down', worker },
  ];
  for (const lie of lies) {
    const effects = delegator.ponder(lie).filter((effect) => effect.type !== 'discard');
    world.checker.demand(effects.length === 0, `4: ${JSON.stringify(lie)} moved ${delegator.id}`);
  }
  const same = JSON.stringify(view) === JSON.stringify(delegator.view());
  world.checker.demand(same, `4: a stranger changed ${delegator.id}`);
}

/** A worker of the cluster that speaks for another one's attempt is not believed. */
function lieAboutOthers(delegator: DelegatorNode, random: Prng): void {
  const attempt = anyAttempt(delegator, random);
  const worker = pickOf(delegator.connected(), random);
  if (attempt === undefined || worker === undefined || attempt.worker === worker) return;
  delegator.post({ type: 'result', worker, attempt: attempt.id, exit: { how: 'exit', code: 0 }, ranMs: 1, cpuMs: 1 });
  delegator.post({ type: 'failed', worker, attempt: attempt.id, code: 'sandbox', message: 'a lie' });
}

function anyAttempt(delegator: DelegatorNode, random: Prng): { id: string; worker: string } | undefined {
  return pickOf(
    delegator.view().tasks.flatMap((task) => task.attempts),
    random,
  );
}

function pickOf<T>(items: readonly T[], random: Prng): T | undefined {
  return items[Math.floor(random() * items.length)];
}
