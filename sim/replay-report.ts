// What came of a replay, for people.
import type { Replayed } from './replay.ts';

const EVENTS_SHOWN = 6;

export function renderReplay({ role, node, steps, events, end, differs }: Replayed): string {
  if (differs === null) {
    const most = Object.entries(events).sort(([, a], [, b]) => b - a);
    const kinds = most.slice(0, EVENTS_SHOWN).map(([type, count]) => `${count} ${type}`);
    const ending =
      { stopped: '', cut: '; its end is cut off', full: '; it reached its bound there' }[end] ?? `; it ends: ${end}`;
    return `${role} ${node}: ${steps} steps came out as recorded (${kinds.join(', ')})${ending}`;
  }
  return [
    `${role} ${node}: ${steps} steps came out as recorded, then line ${differs.line} did not`,
    `  at ${differs.at} ms`,
    `  event:    ${JSON.stringify(differs.event)}`,
    `  recorded: ${differs.gave === null ? `effects of digest ${differs.recorded}` : JSON.stringify(differs.gave)}`,
    `  replayed: ${JSON.stringify(differs.effects)} (${differs.replayed})`,
  ].join('\n');
}
