// All that tells who is here, put together into one reading: sessions from logind, else from the list of logins, each with the latest input
// that its desk or its terminal knows of. What cannot be known stays null; deciding is core's (src/core/availability/presence.ts).
import fs from 'node:fs';
import { join } from 'node:path';
import type { SessionReading } from '../../core/availability/presence.ts';
import { Bus } from './dbus.ts';
import { Desk } from './desk.ts';
import { lastTypedAtOwn, lastTypedMs, readLogins, readTerminals } from './logins.ts';
import { logindMatches, readLogind, sleepSignal } from './logind.ts';
import type { Login, LogindReading, PresenceOptions } from './types.ts';

export interface Seen {
  readonly sessions: readonly SessionReading[];
  readonly hasSeat: boolean;
  readonly idleInhibited: boolean;
  /** Null: there is none, or it does not answer now. */
  readonly logind: LogindReading | null;
}

export class Sources {
  readonly #options: Required<PresenceOptions>;
  readonly #bus: Bus;
  readonly #desk: Desk;
  #logind: LogindReading | null = null;
  #logins: readonly Login[] = [];
  /** As the signal has said it; null: none has. */
  sleeping: boolean | null = null;

  /** `onNews`: something is different; look soon. `onInput`: somebody is here; look now. */
  constructor(options: Required<PresenceOptions>, onNews: () => void, onInput: () => void) {
    this.#options = options;
    const { env, runRoot } = options;
    this.#bus = new Bus({
      address: env['DBUS_SYSTEM_BUS_ADDRESS'] ?? `unix:path=${runRoot}/dbus/system_bus_socket`,
      matches: logindMatches,
      onSignal: (signal) => {
        this.sleeping = sleepSignal(signal) ?? this.sleeping;
        onNews();
      },
      onLost: () => (this.sleeping = null),
    });
    this.#desk = new Desk(options, onInput);
  }

  async look(): Promise<Seen> {
    const { runRoot, devRoot } = this.#options;
    const logind = await readLogind(this.#bus);
    // One that hangs has not made its sessions go away; but whether they are locked is not known any more.
    const before = this.#logind?.logins.map((each) => ({ ...each, locked: false, idleSinceMs: null }));
    if (logind !== null) this.#logind = logind;
    const known = logind?.logins ?? before ?? null;
    const listed = known ?? readLogins(runRoot, devRoot);
    const deskInputMs = await this.#desk.look(listed ?? []);
    // Where nothing lists logins, terminals stand for them; on a server they would not count anyway.
    this.#logins = listed ?? (this.#desk.exists ? readTerminals(devRoot) : []);
    const sessions = this.#logins.map((login) => this.#session(login, deskInputMs));
    // A desk of no session: a remote desktop's, or there is no logind. With logind, one that tells nothing is a left-over.
    const claimed = this.#logins.some((login) => this.#desk.isOf(login));
    if (this.#desk.exists && !claimed && (deskInputMs !== null || known === null)) {
      sessions.push({ kind: 'local', locked: false, lastInputAtMs: deskInputMs });
    } else if (known === null && this.#someoneAtSeat()) {
      sessions.push({ kind: 'local', locked: false, lastInputAtMs: null });
    }
    return {
      sessions,
      hasSeat: this.#logind?.hasSeat ?? false,
      idleInhibited: (logind?.idleInhibited ?? false) || (await this.#desk.inhibited()),
      logind,
    };
  }

  /** Asks to be told of the next input; true: nothing is left to look at but terminals from afar. */
  async watchForInput(): Promise<boolean> {
    const consoles = this.#logins.some((login) => login.kind === 'local' && login.surface === 'terminal');
    return (await this.#desk.watchForInput()) && !consoles;
  }

  /** The latest input anywhere, as far as that can be known at almost no cost; null: nothing is known. `seldom`: see Desk. */
  async glance(seldom: boolean): Promise<number | null> {
    const told = await this.#desk.watchForInput();
    const desk = told ? null : await this.#desk.glance(seldom);
    const inputs = this.#logins.map((login) => (login.surface === 'terminal' ? this.#typedMs(login) : null));
    const latest = Math.max(-Infinity, ...[desk, ...inputs].filter((each) => each !== null));
    return Number.isFinite(latest) ? latest : null;
  }

  close(): void {
    this.#bus.close();
    this.#desk.close();
  }

  #session(login: Login, deskInputMs: number | null): SessionReading {
    const { kind, locked, idleSinceMs } = login;
    const input = login.surface === 'terminal' ? this.#typedMs(login) : this.#desk.isOf(login) ? deskInputMs : null;
    return { kind, locked, lastInputAtMs: input ?? idleSinceMs };
  }

  #typedMs({ tty, kind, uid }: Login): number | null {
    const { devRoot } = this.#options;
    if (tty !== '') return lastTypedMs(devRoot, tty);
    // Some ssh sessions do not say which terminal is theirs.
    return kind === 'remote' && uid !== null ? lastTypedAtOwn(devRoot, uid) : null;
  }

  /** What logind has on disk when it does not answer: a seat with a session in front. */
  #someoneAtSeat(): boolean {
    const dir = join(this.#options.runRoot, 'systemd/seats');
    try {
      return fs.readdirSync(dir).some((name) => /^ACTIVE=./m.test(fs.readFileSync(join(dir, name), 'utf8')));
    } catch {
      return false;
    }
  }
}
