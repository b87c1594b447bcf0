// One scenario through the real state machines: the scheduler that all others are compared with.
import type { Outcome, Scenario } from './types.ts';
import { World } from './world.ts';
import type { RunOptions } from './world.ts';

/**
 * Runs all builds of the scenario to their end with the real Delegation and WorkerAdmission, invariants checked after
 * every step. Equal scenarios and options give equal outcomes. Throws `InvariantBroken` when an invariant does not hold.
 */
export function runTender(scenario: Scenario, options: RunOptions = {}): Outcome {
  const world = new World(scenario, options);
  world.run();
  return world.tally.outcome(scenario);
}
