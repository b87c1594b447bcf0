// A scenario in a few lines for people: who is there, what they are to do, and what goes wrong when.
import type { MachinePlan, NetworkPlan, Scenario, Span } from './types.ts';

export function describeScenario(scenario: Scenario): string[] {
  const { name, seed, machines, delegators, builds, network, incidents = [] } = scenario;
  const lines = [
    `${name} ${seed}: ${machines.length} machines, ${delegators.length} delegators, ${builds.length} builds`,
  ];
  if (machines.length > 12) lines.push(`  machines ${machines[0]?.id ?? ''} to ${machines.at(-1)?.id ?? ''}`);
  else for (const machine of machines) lines.push(`  ${machine.id}: ${describeMachine(machine)}`);
  for (const { id, site, ownSlots, hereSlots, policy, freezes = [], diesAtMs } of delegators) {
    const words = [
      `site ${site}`,
      `${ownSlots} own slots, ${hereSlots ?? Math.max(1, ownSlots)} here`,
      policy ?? 'finish',
    ];
    if (freezes.length > 0) words.push(`frozen ${spansText(freezes)}`);
    if (diesAtMs !== undefined) words.push(`dies at ${Math.round(diesAtMs)}`);
    lines.push(`  ${id}: ${words.join(', ')}`);
  }
  for (const [index, { delegator, startsAtMs, jobs, tasks }] of builds.entries()) {
    lines.push(`  build ${index} of ${delegator} at ${Math.round(startsAtMs)}: ${tasks.length} tasks, -j${jobs}`);
    if (tasks.length > 8) continue;
    for (const { id, workMs, needs = 'any', cancelAfterMs } of tasks) {
      const cancelled = cancelAfterMs === undefined ? '' : `, cancelled after ${Math.round(cancelAfterMs)}`;
      lines.push(`    ${id}: ${Math.round(workMs)} ms, ${needs}${cancelled}`);
    }
  }
  lines.push(`  network: ${describeNetwork(network)}`);
  for (const { atMs, what } of incidents.slice(0, 12)) lines.push(`  at ${Math.round(atMs)}: ${what}`);
  return lines;
}

function describeMachine(plan: MachinePlan): string {
  const words = [`${plan.slots} slots`, `speed ${plan.speed.toFixed(1)}`, `site ${plan.site}`];
  if (plan.diskMs > 0) words.push(`disk ${Math.round(plan.diskMs)} ms`);
  if (plan.skewPpm !== 0) words.push(`clock ${Math.round(plan.skewPpm)} ppm`);
  if (plan.failureProbability > 0) words.push(`fails ${Math.round(100 * plan.failureProbability)} %`);
  if (plan.otherToolchain === true) words.push('another compiler');
  if (plan.ownerThere.length > 0) words.push(`owner ${spansText(plan.ownerThere)}`);
  if (plan.crashes.length > 0) words.push(`down ${spansText(plan.crashes)}`);
  if (plan.freezes.length > 0) words.push(`frozen ${spansText(plan.freezes)}`);
  if (plan.gray.length > 0) words.push(`gray ${spansText(plan.gray)}`);
  if ((plan.otherWork ?? []).length > 0) words.push(`other work ${spansText(plan.otherWork ?? [])}`);
  return words.join(', ');
}

function describeNetwork(plan: NetworkPlan): string {
  const words = [`${plan.latencyMs.toFixed(1)} ms`, `${plan.farLatencyMs.toFixed(1)} ms between sites`];
  for (const part of ['jitter', 'loss', 'duplication', 'reordering'] as const) {
    if (plan[part] > 0) words.push(`${part} ${plan[part].toFixed(2)}`);
  }
  for (const { sites, ...span } of plan.partitions) words.push(`sites ${sites.join()} cut off ${spansText([span])}`);
  return words.join(', ');
}

function spansText(spans: readonly Span[]): string {
  return spans.map(({ fromMs, untilMs }) => `${Math.round(fromMs)}–${Math.round(untilMs)}`).join(' ');
}
