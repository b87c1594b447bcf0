// Sessions, inhibitors, lid and sleep as systemd's logind tells them. IdleHint is announced without its value, so every signal only says
// that it is time to read again; sleep alone is taken from the signal, because soon after it nothing runs any more.
import type { Bus } from './dbus.ts';
import type { DbusMessage, DbusValue } from './dbus-wire.ts';
import type { Login, LogindReading } from './types.ts';

const service = 'org.freedesktop.login1';
const manager = '/org/freedesktop/login1';
const maxSessions = 100;

/** Sessions that come and go, sleep, and properties of any of its objects. */
export const logindMatches = ['org.freedesktop.login1.Manager', 'org.freedesktop.DBus.Properties'].map(
  (each) => `type='signal',sender='${service}',interface='${each}'`,
);

/** True: sleep begins; false: it is over; null: the signal says something else. */
export function sleepSignal(signal: DbusMessage): boolean | null {
  if (signal.interface !== `${service}.Manager` || signal.member !== 'PrepareForSleep') return null;
  return signal.body[0] === true;
}

/** Null: there is no logind here, or it does not answer. */
export async function readLogind(bus: Pick<Bus, 'call'>): Promise<LogindReading | null> {
  const properties = async (path: string, of: string): Promise<ReadonlyMap<DbusValue, DbusValue>> => {
    const reply = await bus.call(service, path, 'org.freedesktop.DBus.Properties.GetAll', `${service}.${of}`);
    return reply?.[0] instanceof Map ? reply[0] : new Map<DbusValue, DbusValue>();
  };
  const listed = await bus.call(service, manager, `${service}.Manager.ListSessions`);
  if (!Array.isArray(listed?.[0])) return null;
  const paths = listed[0].slice(0, maxSessions).map((each: DbusValue) => (Array.isArray(each) ? each[4] : null));
  const [house, inhibitors, ...sessions] = await Promise.all([
    properties(manager, 'Manager'),
    bus.call(service, manager, `${service}.Manager.ListInhibitors`),
    ...paths.map((path) => properties(typeof path === 'string' ? path : '/', 'Session')),
  ]);
  const logins: Login[] = [];
  let hasSeat = false;
  for (const session of sessions) {
    const kind = session.get('Class');
    if (session.get('State') === 'closing') continue;
    hasSeat ||= seatOf(session) !== '' && kind !== 'background' && kind !== 'manager';
    if (kind === 'user' || kind === 'user-early') logins.push(loginOf(session));
  }
  const flag = (name: string): boolean | null => {
    const value = house.get(name);
    return typeof value === 'boolean' ? value : null;
  };
  return {
    logins,
    hasSeat,
    idleInhibited: Array.isArray(inhibitors?.[0]) && inhibitors[0].some(blocksIdle),
    lidClosed: flag('LidClosed'),
    docked: flag('Docked') ?? false,
    onExternalPower: flag('OnExternalPower'),
    preparingForSleep: flag('PreparingForSleep') ?? false,
  };
}

/** what, who, why, mode, uid, pid. */
function blocksIdle(inhibitor: DbusValue): boolean {
  if (!Array.isArray(inhibitor)) return false;
  const [what, , , mode] = inhibitor as DbusValue[];
  return typeof what === 'string' && what.split(':').includes('idle') && mode === 'block';
}

function loginOf(session: ReadonlyMap<DbusValue, DbusValue>): Login {
  const type = text(session, 'Type');
  const onSeat = seatOf(session) !== '';
  const idleSince = session.get('IdleSinceHint');
  const idle = session.get('IdleHint') === true && typeof idleSince === 'bigint' && idleSince > 0n;
  const user = session.get('User');
  const uid = Array.isArray(user) ? (user[0] as DbusValue) : null;
  return {
    // What has no seat and is not from afar (cron jobs, su) has no input either: only its terminal, if any, tells.
    kind: onSeat ? 'local' : 'remote',
    surface: type === 'wayland' || type === 'mir' ? 'wayland' : type === 'x11' ? 'graphical' : 'terminal',
    // A session that was switched away from is as good as locked: no input reaches it.
    locked: session.get('LockedHint') === true || (onSeat && session.get('Active') === false),
    uid: typeof uid === 'number' ? uid : null,
    display: text(session, 'Display'),
    tty: text(session, 'TTY'),
    idleSinceMs: idle ? Number(idleSince / 1000n) : null,
  };
}

function seatOf(session: ReadonlyMap<DbusValue, DbusValue>): string {
  const seat = session.get('Seat');
  const name: unknown = Array.isArray(seat) ? seat[0] : null;
  return typeof name === 'string' ? name : '';
}

function text(session: ReadonlyMap<DbusValue, DbusValue>, name: string): string {
  const value = session.get(name);
  return typeof value === 'string' ? value : '';
}
