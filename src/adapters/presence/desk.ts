// The desk that is ours: the display or desktop at which the agent's user sits, and when something was last touched there.
import fs from 'node:fs';
import { Bus } from './dbus.ts';
import { DesktopIdle, desktopMatches } from './desktop-idle.ts';
import type { Login, PresenceOptions } from './types.ts';
import { localDisplay, X11Display } from './x11.ts';

const displayAgainAfterMs = 60_000;

type DeskOptions = Required<Pick<PresenceOptions, 'env' | 'runRoot' | 'x11Dir' | 'now'>>;

export class Desk {
  readonly #options: DeskOptions;
  readonly #onInput: () => void;
  readonly #uid = process.getuid?.() ?? 0;
  readonly #runtimeDir: string;
  readonly #bus: Bus;
  readonly #desktop: DesktopIdle;
  #display: { readonly name: string; readonly connection: X11Display } | null = null;
  #displayFailed = { name: '', at: -Infinity };
  /** Who told last. */
  #by: 'display' | 'desktop' | null = null;
  /** There is something to sit at, though perhaps nothing tells of it. */
  exists = false;

  constructor(options: DeskOptions, onInput: () => void) {
    this.#options = options;
    this.#onInput = onInput;
    const { env, runRoot } = options;
    this.#runtimeDir = env['XDG_RUNTIME_DIR'] ?? `${runRoot}/user/${this.#uid}`;
    this.#bus = new Bus({
      address: env['DBUS_SESSION_BUS_ADDRESS'] ?? `unix:path=${this.#runtimeDir}/bus`,
      matches: desktopMatches,
      onSignal: (signal) => {
        if (this.#desktop.fired(signal)) onInput();
      },
      onLost: () => this.#desktop.lost(),
    });
    this.#desktop = new DesktopIdle(this.#bus);
  }

  isOf(login: Login): boolean {
    return login.surface !== 'terminal' && (login.uid === null || login.uid === this.#uid);
  }

  /** When something was last touched, milliseconds since 1970; null: not known, or there is no desk. */
  async look(logins: readonly Login[]): Promise<number | null> {
    const ours = logins.filter((login) => this.isOf(login));
    const wayland = ours.some((login) => login.surface === 'wayland') || this.#hasWaylandSocket();
    const named = [this.#options.env['DISPLAY'] ?? '', ...ours.map((login) => login.display)];
    const display = named.find((name) => this.#hasDisplay(name));
    this.exists = wayland || display !== undefined || ours.length > 0;
    this.#by = null;
    if (!this.exists) return null;
    // Within Wayland, X sees only what goes to its own programs.
    if (display !== undefined && !wayland) {
      const idleMs = await this.#askDisplay(display);
      if (idleMs !== null) return this.#before('display', idleMs);
    }
    const idleMs = await this.#desktop.idleMs();
    return idleMs === null ? null : this.#before('desktop', idleMs);
  }

  /** A call or a film keeps the screen awake. */
  inhibited(): Promise<boolean> {
    return this.exists ? this.#desktop.inhibited() : Promise.resolve(false);
  }

  /** Asks to be told of the next input; true: that will be news, and glances are not needed (or tell nothing). */
  async watchForInput(): Promise<boolean> {
    if (this.#by === 'display') return (await this.#display?.connection.watchForInput()) ?? true;
    return this.#by === null || this.#desktop.watchForInput();
  }

  /** A look between two others, where input is not told: `seldom` at what costs others something; null: nothing new is known. */
  async glance(seldom: boolean): Promise<number | null> {
    if (this.#by === 'display') {
      const idle = (await this.#display?.connection.idle()) ?? null;
      return idle === null ? null : this.#before('display', idle.idleMs);
    }
    const idleMs = this.#by === 'desktop' && seldom ? await this.#desktop.idleMs() : null;
    return idleMs === null ? null : this.#before('desktop', idleMs);
  }

  close(): void {
    this.#bus.close();
    this.#display?.connection.close();
    this.#display = null;
  }

  #before(by: 'display' | 'desktop', idleMs: number): number {
    this.#by = by;
    return this.#options.now() - idleMs;
  }

  async #askDisplay(name: string): Promise<number | null> {
    if (this.#display?.name !== name) {
      const failed = this.#displayFailed;
      if (failed.name === name && performance.now() - failed.at < displayAgainAfterMs) return null;
      this.#display?.connection.close();
      const { env, runRoot, x11Dir } = this.#options;
      const authorities = [
        env['XAUTHORITY'] ?? '',
        `${env['HOME'] ?? ''}/.Xauthority`,
        `${runRoot}/user/${this.#uid}/gdm/Xauthority`,
      ];
      const where = { display: name, socketDir: x11Dir, authorities };
      const connection = await X11Display.open(where, this.#onInput);
      this.#display = connection === null ? null : { name, connection };
    }
    const idle = (await this.#display?.connection.idle()) ?? null;
    if (idle === null) {
      this.#display = null;
      this.#displayFailed = { name, at: performance.now() };
    }
    return idle === null || idle.withinWayland ? null : idle.idleMs;
  }

  #hasDisplay(name: string): boolean {
    const number = localDisplay(name);
    return number !== null && fs.existsSync(`${this.#options.x11Dir}/X${number}`);
  }

  #hasWaylandSocket(): boolean {
    const name = this.#options.env['WAYLAND_DISPLAY'] ?? 'wayland-0';
    return fs.existsSync(name.startsWith('/') ? name : `${this.#runtimeDir}/${name}`);
  }
}
