// Watches who is at this machine and what the machine says of itself, cheaply: everything each five seconds and whenever a signal comes. While
// the owner is away displays and desktops are asked to tell the next input; where they do not, and at consoles, a glance ten times a second
// finds it. Costs are in docs/operations.md.
import { MemoryWatch, PresenceWatch } from '../../core/availability/presence.ts';
import type { Presence, Switch } from '../../core/availability/types.ts';
import { ForeignLoad, readMemoryPressure } from './load.ts';
import { lidClosed, onBattery } from './power.ts';
import { Sources, type Seen } from './sources.ts';
import type { PresenceOptions } from './types.ts';

const pollMs = 5_000;
const glanceMs = 100;
/** Of glances, one in so many asks those to whom it costs something; and so much seldomer are glances where return is told by a signal. */
const seldom = 10;
/** After a signal: several often come together; and a stream of them must not cost more than this. */
const settleMs = 20;
const streamMs = 200;
const startWithinMs = 500;
/** A display tells idle times, and the moment of the last input moves by a little with each. */
const jitterMs = 50;

const unknown: Presence = { state: 'present', because: 'it is not known who is here' };

export interface PresenceState {
  readonly presence: Presence;
  readonly switches: readonly Switch[];
}

export interface PresenceWatcher {
  readonly state: PresenceState;
  /** Resolves after the first look, or soon when that hangs. */
  start(): Promise<void>;
  stop(): void;
}

/** A watcher that knows nothing before it is started, and counts the owner as present till then. */
export function watchPresence(options: PresenceOptions): PresenceWatcher {
  return new Watcher({
    now: Date.now,
    idleMs: 60_000,
    ownPids: () => [process.pid],
    env: process.env,
    procRoot: '/proc',
    sysRoot: '/sys',
    devRoot: '/dev',
    runRoot: '/run',
    x11Dir: '/tmp/.X11-unix',
    ...options,
  });
}

class Watcher implements PresenceWatcher {
  readonly #options: Required<PresenceOptions>;
  readonly #sources: Sources;
  readonly #presence: PresenceWatch;
  readonly #memory = new MemoryWatch();
  readonly #load: ForeignLoad;
  readonly #pollMs: number;
  #foreignLoad: number | null = null;
  #loadAtMs = -Infinity;
  #lastInputMs = -Infinity;
  #timer: NodeJS.Timeout | null = null;
  #looking: Promise<void> | null = null;
  #again = false;
  #glancing = false;
  /** The next input comes as news. */
  #told = false;
  #glances = 0;
  #nextLookAt = 0;
  #lookedAt = -Infinity;
  #stopped = false;
  #state: PresenceState = { presence: unknown, switches: [] };

  constructor(options: Required<PresenceOptions>) {
    this.#options = options;
    const { idleMs, procRoot, ownPids } = options;
    this.#pollMs = Math.min(pollMs, Math.max(200, idleMs / 4));
    this.#presence = new PresenceWatch({ idleMs });
    this.#load = new ForeignLoad(procRoot, ownPids);
    this.#sources = new Sources(
      options,
      () => this.#soon(performance.now() - this.#lookedAt < 1_000 ? streamMs : settleMs),
      () => this.#soon(0),
    );
  }

  get state(): PresenceState {
    return this.#state;
  }

  async start(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, startWithinMs)));
    await Promise.race([this.#look(), late]);
    clearTimeout(timer);
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#sources.close();
  }

  #wake(afterMs: number, then: () => Promise<void>): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void then(), afterMs);
    this.#timer.unref();
  }

  #soon(waitMs: number): void {
    if (this.#looking !== null) this.#again = true;
    this.#nextLookAt = Math.min(this.#nextLookAt, performance.now() + waitMs);
    if (this.#looking === null && !this.#glancing) this.#rest();
  }

  #look(): Promise<void> {
    this.#looking ??= this.#lookOnce()
      // A fault of ours must not end the agent, nor leave an old answer standing.
      .catch(() => this.#tell({ presence: unknown, switches: [] }))
      .finally(() => {
        this.#looking = null;
        this.#lookedAt = performance.now();
        this.#nextLookAt = this.#lookedAt + (this.#again ? streamMs : this.#pollMs);
        this.#again = false;
        this.#rest();
      });
    return this.#looking;
  }

  /** Until the next look, or the next glance. */
  #rest(): void {
    const leftMs = Math.max(0, this.#nextLookAt - performance.now());
    const away = this.#state.presence.state === 'away';
    const pauseMs = this.#told ? glanceMs * seldom : glanceMs;
    if (!away || leftMs < pauseMs) this.#wake(leftMs, () => this.#look());
    else this.#wake(pauseMs, () => this.#glance());
  }

  async #glance(): Promise<void> {
    this.#glancing = true;
    const inputMs = await this.#sources.glance(++this.#glances % seldom === 0).catch(() => null);
    this.#told = await this.#sources.watchForInput().catch(() => false);
    this.#glancing = false;
    if (inputMs !== null && inputMs > this.#lastInputMs + jitterMs) await this.#look();
    else this.#rest();
  }

  async #lookOnce(): Promise<void> {
    const seen = await this.#sources.look();
    if (this.#stopped) return;
    const atMs = this.#options.now();
    // Over less than a second a share says little.
    if (performance.now() - this.#loadAtMs >= Math.min(1_000, this.#pollMs)) {
      this.#foreignLoad = this.#load.look();
      this.#loadAtMs = performance.now();
    }
    this.#lastInputMs = Math.max(-Infinity, ...seen.sessions.map((each) => each.lastInputAtMs ?? -Infinity));
    const { sessions, hasSeat, idleInhibited } = seen;
    const foreignLoad = this.#foreignLoad;
    const presence = this.#presence.look({ atMs, sessions, hasSeat, idleInhibited, foreignLoad });
    this.#tell({ presence, switches: this.#switches(seen) });
    this.#told = presence.state === 'away' && (await this.#sources.watchForInput());
  }

  #tell(state: PresenceState): void {
    const changed = JSON.stringify(state) !== JSON.stringify(this.#state);
    this.#state = state;
    if (changed) this.#options.onChange();
  }

  #switches({ logind }: Seen): Switch[] {
    const { procRoot, sysRoot } = this.#options;
    const switches: Switch[] = [];
    if (onBattery(sysRoot) ?? logind?.onExternalPower === false) switches.push({ kind: 'battery' });
    const closed = logind?.lidClosed ?? lidClosed(procRoot);
    if (closed === true && logind?.docked !== true) switches.push({ kind: 'lid' });
    if (this.#sources.sleeping ?? logind?.preparingForSleep ?? false) switches.push({ kind: 'sleep' });
    if (this.#memory.look(readMemoryPressure(procRoot))) switches.push({ kind: 'memory' });
    return switches;
  }
}
