// One storm from its seed to its end, and what is told of it when an invariant does not hold.
import type { Tally } from './checker.ts';
import type { Mutation } from './mutations.ts';
import { shrink } from './shrink.ts';
import { describeScenario } from './describe.ts';
import { stormOf } from './storm.ts';
import type { Scenario } from './types.ts';
import { World } from './world.ts';

export interface Ran {
  readonly steps: number;
  /** What happened, so that a test can see that the interesting things did. */
  readonly tally: Tally;
}

/** Runs the storm of a seed; an error's message is the story: seed, time, invariant, and the command that replays it. */
export function runStorm(seed: number, mutation: Mutation = 'none'): Ran {
  const scenario = stormOf(seed);
  const world = new World(scenario, { mutation });
  try {
    world.run();
    world.rest();
  } catch (error) {
    const command = `npm run sim -- --scenario storm --seed ${seed}${mutation === 'none' ? '' : ` --mutation ${mutation}`}`;
    const story = `seed ${seed} at ${Math.round(world.clock.now)} ms: ${messageOf(error)}`;
    throw new Error(`${story}\nreplay: ${command}`, { cause: error });
  }
  return { steps: world.tally.steps, tally: world.checker.tally };
}

/** What goes wrong in a world, or null. */
export function troubleOf(scenario: Scenario, mutation: Mutation): string | null {
  const world = new World(scenario, { mutation });
  try {
    world.run();
    world.rest();
    return null;
  } catch (error) {
    return messageOf(error);
  }
}

/** The smallest world found in which the same invariant breaks, as lines for people, with its trouble. */
export function explainTrouble(
  scenario: Scenario,
  mutation: Mutation,
  triesMax: number,
): { readonly scenario: Scenario; readonly lines: readonly string[] } | null {
  const trouble = troubleOf(scenario, mutation);
  if (trouble === null) return null;
  const kind = kindOf(trouble);
  const isSame = (smaller: Scenario): boolean => kindOf(troubleOf(smaller, mutation) ?? '') === kind;
  const small = shrink(scenario, isSame, triesMax);
  return { scenario: small, lines: [...describeScenario(small), troubleOf(small, mutation) ?? ''] };
}

/** A message without the names and numbers of its world. */
function kindOf(message: string): string {
  const [first = ''] = message.split('\n');
  return first.replace(/\b[dw]\d+\b|\d+:\w+(#\S*)?/g, '…').replace(/(?<=:.*)\d+/g, '…');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
