// Logins without a session manager: /run/utmp, or, where there is none any more, the terminals themselves. And when somebody last typed at
// a terminal: the kernel notes it in its access time, to eight seconds, and at once after a rest of eight.
import fs from 'node:fs';
import { join } from 'node:path';
import type { Login } from './types.ts';

const entryBytes = 384;
const userProcess = 7;
const maxLogins = 200;

/** `runRoot`: /run. Null: there is no such list. */
export function readLogins(runRoot: string, devRoot: string): Login[] | null {
  let bytes: Buffer;
  try {
    bytes = fs.readFileSync(join(runRoot, 'utmp'));
  } catch {
    return null;
  }
  const text = (from: number, length: number): string => {
    const field = bytes.toString('latin1', from, from + length);
    return field.split('\0', 1)[0] ?? '';
  };
  const logins: Login[] = [];
  for (let at = 0; at + entryBytes <= bytes.length && logins.length < maxLogins; at += entryBytes) {
    if (bytes.readInt16LE(at) !== userProcess) continue;
    const line = text(at + 8, 32);
    const host = text(at + 76, 256);
    if (/^:\d+/.test(line)) {
      logins.push({ ...unknown, kind: 'local', surface: 'graphical', display: line });
    } else if (/^tty\w+$/.test(line)) {
      // A login manager writes the terminal that its display covers, and the display as host.
      const display = /^:\d+$/.test(host) ? host : '';
      logins.push({
        ...unknown,
        kind: 'local',
        surface: display === '' ? 'terminal' : 'graphical',
        tty: line,
        display,
      });
    } else if (/^pts\/\d+$/.test(line) && !host.startsWith(':') && fs.existsSync(join(devRoot, line))) {
      // Of a terminal window (its host is the display) the display tells.
      logins.push({ ...unknown, kind: 'remote', tty: line });
    }
  }
  return logins;
}

const unknown = { surface: 'terminal', locked: false, uid: null, display: '', tty: '', idleSinceMs: null } as const;

/** Pseudo-terminals in use, as if somebody had logged in from afar at each: for systems that keep no list. */
export function readTerminals(devRoot: string): Login[] {
  try {
    return fs
      .readdirSync(join(devRoot, 'pts'))
      .filter((name) => /^\d+$/.test(name))
      .slice(0, maxLogins)
      .map((name) => ({ ...unknown, kind: 'remote', tty: `pts/${name}` }));
  } catch {
    return [];
  }
}

/** When this user last typed at any pseudo-terminal; null: not known. */
export function lastTypedAtOwn(devRoot: string, uid: number): number | null {
  let latest = -Infinity;
  for (const { tty } of readTerminals(devRoot)) {
    try {
      const stat = fs.statSync(join(devRoot, tty));
      if (stat.uid === uid) latest = Math.max(latest, stat.atimeMs);
    } catch {
      // Closed between two reads.
    }
  }
  return Number.isFinite(latest) ? latest : null;
}

/** When somebody last typed there; null: not known. */
export function lastTypedMs(devRoot: string, tty: string): number | null {
  if (!/^(?:tty\w+|pts\/\d+)$/.test(tty)) return null;
  try {
    return fs.statSync(join(devRoot, tty)).atimeMs;
  } catch {
    return null;
  }
}
