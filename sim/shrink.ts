// Makes a world in which something goes wrong smaller while it still does: fewer builds, tasks, machines and faults.
// What is left is what the trouble needs. Removing changes the later draws of a run, so it is only tried, never assumed.
import type { BuildPlan, MachinePlan, Scenario } from './types.ts';

/** The smallest scenario found within `triesMax` runs for which `isSame` holds; it must hold for `scenario`. */
export function shrink(scenario: Scenario, isSame: (smaller: Scenario) => boolean, triesMax: number): Scenario {
  let best = scenario;
  let tries = 0;
  const attempt = (smaller: Scenario): boolean => {
    if (tries >= triesMax) return false;
    tries += 1;
    if (!isSame(smaller)) return false;
    best = smaller;
    return true;
  };
  for (let before: Scenario | null = null; before !== best && tries < triesMax;) {
    before = best;
    thin(
      () => best.builds,
      (builds) => ({ ...best, builds }),
      attempt,
    );
    for (let i = 0; i < best.builds.length; i++) {
      const withTasks = (tasks: BuildPlan['tasks']): Scenario => ({
        ...best,
        builds: replaced(best.builds, i, { tasks }),
      });
      thin(() => best.builds[i]?.tasks ?? [], withTasks, attempt);
    }
    thin(() => best.delegators, withDelegators, attempt);
    thin(
      () => best.machines,
      (machines) => ({ ...best, machines }),
      attempt,
    );
    thin(
      () => best.incidents ?? [],
      (incidents) => ({ ...best, incidents }),
      attempt,
    );
    const { partitions } = best.network;
    thin(
      () => best.network.partitions,
      (kept) => ({ ...best, network: { ...best.network, partitions: kept } }),
      attempt,
    );
    if (partitions.length === 0) calmNetwork();
    for (let i = 0; i < best.machines.length; i++) calmMachine(i);
  }
  return best;

  function withDelegators(delegators: Scenario['delegators']): Scenario {
    const there = new Set(delegators.map((delegator) => delegator.id));
    return { ...best, delegators, builds: best.builds.filter((build) => there.has(build.delegator)) };
  }

  function calmNetwork(): void {
    for (const part of ['loss', 'duplication', 'reordering', 'jitter', 'connectFailure', 'bytesPerMs'] as const) {
      if ((best.network[part] ?? 0) > 0) attempt({ ...best, network: { ...best.network, [part]: 0 } });
    }
  }

  function calmMachine(i: number): void {
    const withMachine = (change: Partial<MachinePlan>): Scenario => ({
      ...best,
      machines: replaced(best.machines, i, change),
    });
    for (const part of ['ownerThere', 'crashes', 'freezes', 'gray', 'otherWork'] as const) {
      thin<unknown>(
        () => best.machines[i]?.[part] ?? [],
        (spans) => withMachine({ [part]: spans }),
        attempt,
      );
    }
    for (const part of ['diskMs', 'skewPpm', 'failureProbability', 'hangProbability'] as const) {
      if ((best.machines[i]?.[part] ?? 0) !== 0) attempt(withMachine({ [part]: 0 }));
    }
  }
}

/** Leaves out runs of items, from all of them down to single ones, as long as `attempt` takes it. */
function thin<T>(
  read: () => readonly T[],
  made: (items: readonly T[]) => Scenario,
  attempt: (s: Scenario) => boolean,
): void {
  for (let size = read().length; size >= 1; size = Math.floor(size / 2)) {
    for (let from = 0; from < read().length;) {
      const items = read();
      const less = [...items.slice(0, from), ...items.slice(from + size)];
      if (!attempt(made(less))) from += size;
    }
  }
}

function replaced<T>(items: readonly T[], index: number, change: Partial<T>): T[] {
  return items.map((item, i) => (i === index ? { ...item, ...change } : item));
}
