// May this machine help now, until when, and because of what: one answer out of switches, presence and the forecast, and the line that
// tells it to the owner. No title of any event is in it.
import type { WallClock } from './habits.ts';
import type { OwnerModel } from './owner-model.ts';
import type { Forecast, Presence, Stretch, StretchClass, Switch } from './types.ts';

const DAY_MS = 86_400_000;

const reasons: Readonly<Record<StretchClass, string>> = {
  REMOTE_OK: 'your calendar says that jobs are welcome',
  NO_REMOTE: 'your calendar says that jobs are not welcome',
  WANTED: 'your calendar says that you need this machine',
  AWAY_LONG: 'away',
  ELSEWHERE: 'working elsewhere',
  DESK_MEETING: 'meeting',
  AWAY_MEETING: 'meeting',
  SOLO_BLOCK: 'busy in the calendar',
};

export interface Verdict extends Forecast {
  /** The machine must be given back now, without a grace. */
  readonly urgent: boolean;
}

/** `stretches`: what the calendars say around now. `switches`: all that hold. */
export function judge(
  model: OwnerModel,
  nowMs: number,
  presence: Presence,
  switches: readonly Switch[],
  stretches: readonly Stretch[],
  clock: WallClock,
): Verdict {
  const drainAtMs = model.drainAtMs(nowMs, stretches);
  const no = (why: string, urgent = false): Verdict => ({
    mayHelp: false,
    why: `not helping: ${why}`,
    freeFor: [],
    drainAtMs,
    urgent,
  });
  for (const each of switches) {
    switch (each.kind) {
      case 'battery':
        return no('on battery', true);
      case 'lid':
        return no('the lid is closed', true);
      case 'sleep':
        return no('going to sleep', true);
      case 'memory':
        return no('memory is short', true);
      case 'unreadable':
        // It may have been «not now».
        return no('what you said last cannot be read; say it again, as with `tender resume`');
      case 'paused':
      case 'hours':
      case 'resumed':
        break;
    }
  }
  const paused = switches.find((each) => each.kind === 'paused' && each.untilAtMs > nowMs);
  if (paused?.kind === 'paused') return no(`paused by you${until(paused.untilAtMs, nowMs, clock)}`);
  const resumed = switches.find((each) => each.kind === 'resumed' && each.untilAtMs > nowMs);
  const current = stretches.filter((each) => each.startAtMs <= nowMs && each.endAtMs > nowMs);
  if (resumed?.kind !== 'resumed') {
    const hours = switches.find((each) => each.kind === 'hours' && each.untilAtMs > nowMs);
    if (hours?.kind === 'hours') return no(`outside of your hours${until(hours.untilAtMs, nowMs, clock)}`);
    if (presence.state === 'present') return no(presence.because);
    if (nowMs >= drainAtMs) {
      const wanted = stretches
        .filter((each) => (each.class === 'WANTED' || each.class === 'NO_REMOTE') && each.endAtMs > nowMs)
        .sort((a, b) => a.startAtMs - b.startAtMs)[0];
      const said = wanted === undefined ? 'needed' : reasons[wanted.class];
      return no(`${said}${wanted === undefined ? '' : until(wanted.endAtMs, nowMs, clock)}`);
    }
  }
  const freeFor = model.forecast(nowMs, presence, stretches);
  const helping = (why: string, untilAtMs: number): Verdict => ({
    mayHelp: true,
    why: `helping${until(Math.min(untilAtMs, drainAtMs), nowMs, clock)}: ${why}`,
    freeFor,
    drainAtMs,
    urgent: false,
  });
  if (resumed?.kind === 'resumed') return helping('you said so', resumed.untilAtMs);
  if (presence.state === 'headless') return helping('nobody sits at this machine', Infinity);
  const away = current
    .filter((each) => each.class !== 'WANTED' && each.class !== 'NO_REMOTE')
    .sort((a, b) => b.endAtMs - a.endAtMs)[0];
  if (away !== undefined) return helping(reasons[away.class], away.endAtMs);
  return helping(presence.state === 'away' && presence.locked ? 'locked' : 'nobody is here', Infinity);
}

/** « until 15:00», « until tomorrow 9:00», « for 3 days, until 9:00»; nothing for what has no end. */
function until(atMs: number, nowMs: number, clock: WallClock): string {
  if (!Number.isFinite(atMs)) return '';
  const wallMs = clock.toWall(atMs);
  const day = Math.floor(wallMs / DAY_MS);
  const minutes = Math.floor((wallMs - day * DAY_MS) / 60_000);
  const time = `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}`;
  const days = day - Math.floor(clock.toWall(nowMs) / DAY_MS);
  if (days === 0) return ` until ${time}`;
  if (days === 1) return ` until tomorrow ${time}`;
  return ` for ${days} days, until ${time}`;
}
