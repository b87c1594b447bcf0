// The agent's side of the launcher socket: what a launcher asks, and what the agent can do with a call.
// The bytes are in docs/launcher-protocol.md; nothing here knows of compilers or workers.

export interface LauncherRequest {
  readonly stderrIsTerminal: boolean;
  readonly stdoutIsTerminal: boolean;
  readonly umask: number;
  /** The real compiler: absolute, links not resolved. */
  readonly compiler: string;
  readonly cwd: string;
  /** argv[0] as the user wrote it. */
  readonly argv: readonly string[];
  /** `NAME=value`, the whole environment. */
  readonly env: readonly string[];
  /** False when any of the texts above held other bytes, which are lost here: such a command must run where it is. */
  readonly validUtf8: boolean;
}

/** How the command ended: `code` is the exit code or the signal's number. */
export interface LauncherExit {
  readonly how: 'exit' | 'signal';
  readonly code: number;
}

/** How a compiler that ran here ended, by its launcher's word. */
export interface LauncherReport {
  readonly exit: LauncherExit;
  /** Of the compiler and all that it waited for. */
  readonly cpuMs: number;
  /** All that it printed; null when that was too much, or was made for a terminal. */
  readonly printed: { readonly stdout: Uint8Array; readonly stderr: Uint8Array } | null;
}

/** One launcher that waits. Answer once, with `local` or `result`; answers to a closed call are dropped. */
export interface LauncherCall {
  readonly closed: boolean;
  /**
   * Run the real compiler there; `onClosed` then tells that it has ended. With `onReport` the launcher stays beside it where it
   * can, and tells how it ended: at most once, before `onClosed`. Of a compile that went well it waits, for a moment, until
   * `onReport` has returned: what the compiler wrote lies there as it left it until then.
   */
  local(reason: string, onReport?: (report: LauncherReport) => void): void;
  /**
   * The launcher renames each `[from, to]` (an empty `from`: removes `to`), prints, and ends as `exit` says. `onKept`
   * follows when it has; `onClosed` without `onKept`: it has not, and what is left of the `from` files is the agent's to remove.
   */
  result(
    exit: LauncherExit,
    renames: readonly (readonly [from: string, to: string])[],
    stdout: Uint8Array,
    stderr: Uint8Array,
  ): void;
  /** Called once, also when the call is closed already (then in a later turn of the event loop). */
  onClosed(callback: () => void): void;
  /** With the CPU time that the launcher took, as it says itself. */
  onKept(callback: (launcherCpuMs: number) => void): void;
}

/** One control request of the CLI; any number of answers, then `end`. */
export interface ControlCall {
  readonly closed: boolean;
  send(json: unknown): void;
  end(): void;
  onClosed(callback: () => void): void;
}

export interface LauncherHandler {
  compile(request: LauncherRequest, call: LauncherCall): void;
  control(json: unknown, call: ControlCall): void;
}

export interface LauncherServer {
  readonly path: string;
  /** Open connections, those of compilers that run locally included. */
  readonly connections: number;
  /** Stops listening, removes the socket file and closes every call: launchers that wait run their compiler themselves. */
  close(): Promise<void>;
}

/** Why a control request had no proper end. */
export interface ControlFailure {
  readonly kind: 'not-running' | 'refused' | 'hung' | 'broken';
  /** For people: what happened, where, and what to do. */
  readonly message: string;
}
