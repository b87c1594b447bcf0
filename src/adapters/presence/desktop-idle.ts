// What the owner's desktop says on the session bus: how long there was no input (GNOME's compositor; the freedesktop call that KDE has), and
// whether a call or a film keeps the screen awake. Who does not answer is not asked again for a while.
import type { Bus } from './dbus.ts';
import type { DbusMessage, DbusValue } from './dbus-wire.ts';

const monitor = ['org.gnome.Mutter.IdleMonitor', '/org/gnome/Mutter/IdleMonitor/Core'] as const;
const askAgainAfterMs = 60_000;

export const desktopMatches = [`type='signal',interface='${monitor[0]}',member='WatchFired'`] as const;

export class DesktopIdle {
  readonly #call: Bus['call'];
  readonly #silentUntil = new Map<string, number>();
  /** GNOME tells the next input by itself. */
  #watched = false;

  constructor(bus: Pick<Bus, 'call'>) {
    this.#call = bus.call;
  }

  /** Milliseconds without input; null: this desktop does not tell. */
  async idleMs(): Promise<number | null> {
    const mutter = await this.#ask('mutter', ...monitor, 'GetIdletime');
    if (typeof mutter === 'bigint') return Number(mutter);
    // In milliseconds, whatever the first drafts of that interface said.
    const other = await this.#ask(
      'saver',
      'org.freedesktop.ScreenSaver',
      '/org/freedesktop/ScreenSaver',
      'GetSessionIdleTime',
    );
    return typeof other === 'number' ? other : null;
  }

  async inhibited(): Promise<boolean> {
    const path = '/org/freedesktop/PowerManagement/Inhibit';
    return (await this.#ask('inhibit', 'org.freedesktop.PowerManagement.Inhibit', path, 'HasInhibit')) === true;
  }

  /** Asks to be told of the next input; true: a signal will come, and nobody need look before. */
  async watchForInput(): Promise<boolean> {
    if (this.#watched) return true;
    this.#watched = typeof (await this.#ask('mutter', ...monitor, 'AddUserActiveWatch')) === 'number';
    return this.#watched;
  }

  /** Whether a signal says that there was input. */
  fired(signal: DbusMessage): boolean {
    if (signal.member !== 'WatchFired') return false;
    this.#watched = false;
    return true;
  }

  lost(): void {
    this.#watched = false;
    this.#silentUntil.clear();
  }

  async #ask(key: string, service: string, path: string, member: string): Promise<DbusValue | null> {
    const now = performance.now();
    if (now < (this.#silentUntil.get(key) ?? 0)) return null;
    const answer = await this.#call(service, path, `${service}.${member}`);
    if (answer === null) this.#silentUntil.set(key, now + askAgainAfterMs);
    return answer?.[0] ?? null;
  }
}
