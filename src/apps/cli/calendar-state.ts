// How a calendar is, in one line for its owner: when it was last read, what is wrong, and when it is asked again.
import { unreachable } from '../../base/assert.ts';
import type { SourceState } from '../../adapters/calendars/types.ts';
import { duration } from './summary.ts';

/** «12 events, read 3 min ago»; for one that cannot be read, why, what counts meanwhile, and when it is tried again. */
export function describeState({ state, problem, events, goodAtMs, nextAtMs }: SourceState, nowMs: number): string {
  const count = `${events} ${events === 1 ? 'event' : 'events'}`;
  const read = goodAtMs === null ? '' : `read ${ago(nowMs - goodAtMs)}`;
  const again = nextAtMs > nowMs ? `; asked again in ${duration(nextAtMs - nowMs)}` : '; asked again now';
  switch (state) {
    case 'new':
      return 'not asked yet';
    case 'ok':
      return problem === '' ? `${count}, ${read}` : `${problem}; ${read}`;
    case 'stale':
      return `${problem}; the copy with ${count}, ${read}, counts for a day${again}`;
    case 'failing':
      return `${problem}; it counts for nothing${read === '' ? '' : ` (${read})`}${again}`;
    default:
      return unreachable(state);
  }
}

export function isTroubled({ state, problem }: SourceState): boolean {
  return state === 'stale' || state === 'failing' || problem !== '';
}

function ago(ms: number): string {
  return ms < 1000 ? 'now' : `${duration(ms)} ago`;
}
