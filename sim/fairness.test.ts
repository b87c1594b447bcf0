// Delegators that compete for the same machines: over any 30 s nobody who has work waiting gets less than half of its share.
import { expect, test } from 'vitest';
import type { WorkerEffect, WorkerEvent } from '../src/core/worker/types.ts';
import { LAN, NO_FAULTS, farm, slotsOf } from './farms.ts';
import { lognormal, streamOf } from './random.ts';
import { runTender } from './tender.ts';
import type { Scenario } from './types.ts';

const WINDOW_MS = 30_000;
const STEP_MS = 1000;
/** A delegator that has just begun meets machines that are busy for others. */
const BEGINS_MS = 5000;
const MACHINES = 6;
const MEDIAN_MS = 2000;

/** `laterMs`: each begins so long after the one before it. */
function competing(seed: number, delegators: number, laterMs: number): Scenario {
  const machines = farm(seed, MACHINES, NO_FAULTS, 0);
  const lengths = streamOf(seed, 'lengths');
  const ids = Array.from({ length: delegators }, (_, i) => `d${i}`);
  // Each has work for three quarters of a minute of the whole farm.
  const tasks = Math.ceil((slotsOf(machines) * 2 * 45_000) / MEDIAN_MS);
  return {
    name: 'competing',
    seed,
    machines,
    delegators: ids.map((id) => ({ id, site: 0, ownSlots: 0 })),
    builds: ids.map((id, i) => ({
      delegator: id,
      startsAtMs: i * laterMs,
      jobs: 2 * slotsOf(machines),
      tasks: Array.from({ length: tasks }, (_each, n) => {
        const workMs = Math.min(20_000, lognormal(lengths, MEDIAN_MS, 0.8));
        return {
          id: `${id}-${n}`,
          label: `${id}/${n}.cc`,
          workMs,
          predictedP80Ms: workMs,
          bytes: 1000,
          memBytes: 2 ** 20,
        };
      }),
    })),
    network: LAN,
  };
}

interface Held {
  readonly delegator: string;
  readonly fromMs: number;
  untilMs: number;
}

/** Which delegator had a slot when, and until when each had more waiting than it could get. */
function watched(scenario: Scenario): {
  readonly held: readonly Held[];
  readonly busyUntilMs: ReadonlyMap<string, number>;
} {
  const held = new Map<string, Held>();
  const submitted = new Map<string, number>();
  const firstAt = new Map<string, number>();
  const busyUntilMs = new Map<string, number>();
  const machines = new Set(scenario.machines.map(({ id }) => id));
  const tasks = scenario.builds[0]?.tasks.length ?? 0;
  runTender(scenario, {
    watch: {
      born: () => undefined,
      step(node, nodeMs, event, effects) {
        // Each clock has its own zero; skew is some parts in a million.
        if (!firstAt.has(node)) firstAt.set(node, nodeMs - (machines.has(node) ? 0 : (startOf(scenario, node) ?? 0)));
        const at = nodeMs - (firstAt.get(node) ?? 0);
        if (!machines.has(node)) {
          if (event.type !== 'submit') return;
          submitted.set(node, (submitted.get(node) ?? 0) + 1);
          if (submitted.get(node) === tasks) busyUntilMs.set(node, at);
          return;
        }
        for (const effect of effects as readonly WorkerEffect[]) {
          if (effect.type !== 'run') continue;
          held.set(`${node} ${effect.attempt}`, { delegator: effect.delegator, fromMs: at, untilMs: Infinity });
        }
        const taken = event as WorkerEvent;
        const ended = taken.type === 'ended' ? held.get(`${node} ${taken.attempt}`) : undefined;
        if (ended !== undefined) ended.untilMs = at;
      },
    },
  });
  return { held: [...held.values()], busyUntilMs };
}

function startOf(scenario: Scenario, delegator: string): number | undefined {
  return scenario.builds.find((build) => build.delegator === delegator)?.startsAtMs;
}

/** The least share of a fair one that a delegator had in any window in which all of them had work waiting. */
function leastShare(scenario: Scenario): { readonly share: number; readonly windows: number } {
  const { held, busyUntilMs } = watched(scenario);
  const fromMs = Math.max(...scenario.builds.map((build) => build.startsAtMs)) + BEGINS_MS;
  const untilMs = Math.min(...busyUntilMs.values());
  const fairMs = (slotsOf(scenario.machines) * WINDOW_MS) / scenario.delegators.length;
  let share = Infinity;
  let windows = 0;
  for (let at = fromMs; at + WINDOW_MS <= untilMs; at += STEP_MS) {
    windows += 1;
    for (const { id } of scenario.delegators) {
      let hadMs = 0;
      for (const { delegator, fromMs: from, untilMs: until } of held) {
        if (delegator === id) hadMs += Math.max(0, Math.min(until, at + WINDOW_MS) - Math.max(from, at));
      }
      share = Math.min(share, hadMs / fairMs);
    }
  }
  return { share, windows };
}

test.each([
  [2, 0],
  [2, 10_000],
  [5, 0],
  [5, 3000],
])('%i delegators, each %i ms after the one before', { timeout: 120_000 }, (delegators, laterMs) => {
  const { share, windows } = leastShare(competing(delegators, delegators, laterMs));
  expect(windows).toBeGreaterThan(10);
  expect(share).toBeGreaterThan(0.5);
});
