// What the parts of presence tell each other. Everything is optional: null is «not known», and no part ever fails for a user.

/** A login, as the session manager or the list of logins knows it. */
export interface Login {
  readonly kind: 'local' | 'remote';
  /** `graphical`: input goes to a display, and no terminal tells of it. */
  readonly surface: 'terminal' | 'graphical' | 'wayland';
  readonly locked: boolean;
  readonly uid: number | null;
  /** «:0»; empty: not known, or none. */
  readonly display: string;
  /** Below /dev: «tty2», «pts/3»; empty: none. */
  readonly tty: string;
  /** The session says itself that it is idle, since then (milliseconds since 1970). */
  readonly idleSinceMs: number | null;
}

export interface LogindReading {
  /** Users' sessions; those that end are left out. */
  readonly logins: readonly Login[];
  /** Somebody could log in at a screen: a greeter or a session is on a seat. */
  readonly hasSeat: boolean;
  readonly idleInhibited: boolean;
  /** Null: not told. */
  readonly lidClosed: boolean | null;
  /** More than one screen, or a docking station: a closed lid means nothing. */
  readonly docked: boolean;
  readonly onExternalPower: boolean | null;
  readonly preparingForSleep: boolean;
}

export interface PresenceOptions {
  /** Called when presence or a switch is another than before. */
  readonly onChange: () => void;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** Without input for so long the owner counts as gone; by default a minute. */
  readonly idleMs?: number;
  /** First processes of what is ours: their trees' CPU is no work of others. By default this process. */
  readonly ownPids?: () => readonly number[];
  /** DISPLAY, XAUTHORITY, HOME, XDG_RUNTIME_DIR, DBUS_SYSTEM_BUS_ADDRESS, DBUS_SESSION_BUS_ADDRESS. */
  readonly env?: NodeJS.ProcessEnv;
  readonly procRoot?: string;
  readonly sysRoot?: string;
  readonly devRoot?: string;
  /** /run */
  readonly runRoot?: string;
  /** /tmp/.X11-unix */
  readonly x11Dir?: string;
}
