// The agent: one per TENDER_HOME, both roles. This file starts the parts, lets each know the others, and ends them in order.
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import {
  homeDirectory,
  journalDirectory,
  loadConfig,
  prepareHome,
  socketPath,
  storeDirectory,
  type Config,
} from '../../adapters/config/config.ts';
import { openWatches } from '../../adapters/files/watches.ts';
import { benchScore } from '../../adapters/machine/bench.ts';
import { readMachine } from '../../adapters/machine/read.ts';
import { watchPresence, type PresenceWatcher } from '../../adapters/presence/watch.ts';
import { openRecordStore } from '../../adapters/record/store.ts';
import { openResultStore } from '../../adapters/results/store.ts';
import type { ResultStore } from '../../adapters/results/types.ts';
import { loadCluster } from '../../adapters/cluster/files.ts';
import { listenLaunchers } from '../../adapters/launcher-socket/server.ts';
import type { LauncherRequest, LauncherServer } from '../../adapters/launcher-socket/types.ts';
import { tryLock } from '../../adapters/lock/lock.ts';
import { Toolchains } from '../../adapters/toolchain/index.ts';
import { createPrng } from '../../base/prng.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { Delegation } from '../../core/delegation/delegation.ts';
import type { WorkerInfo } from '../../core/types.ts';
import { Stories } from '../../core/story/stories.ts';
import { complain } from '../complain.ts';
import type { Explanation } from '../report.ts';
import { TaskClasses } from './classes.ts';
import { answerControl } from './control.ts';
import type { CodeCache } from './code-cache.ts';
import { Delegator } from './delegator.ts';
import { Figures } from './figures.ts';
import { Journals } from './journal.ts';
import { openLog, type Log } from './log.ts';
import { Network } from './network.ts';
import { Owner } from './owner.ts';
import { OwnWork } from './own-work.ts';
import { Preparer } from './prepare.ts';
import { RecordKeeper } from './record-keeper.ts';
import { Turns } from './turns.ts';
import { watched } from './watched.ts';
import { WishBook } from './wishes.ts';
import { Workshop, type WorkshopParts } from './workshop.ts';

/**
 * Runs the agent until it is told to stop; the exit code. `parts`: what runs tasks in place of the real sandbox; `code`: is told of
 * compiles on other machines.
 */
export async function runAgent(parts?: WorkshopParts, code: CodeCache | null = null): Promise<number> {
  const home = homeDirectory();
  const prepared = prepareHome(home);
  if (!prepared.ok) return complain(prepared.error);
  const lock = tryLock(join(home, 'run', 'agent.lock'));
  if (lock === null)
    return complain(`an agent runs already for ${home}; \`tender status\` shows it, \`tender stop\` ends it`);
  const config = loadConfig(home);
  if (!config.ok) return complain(config.error);
  const log = openLog(home);
  const agent = new Agent(home, config.value, log, parts);
  if (code !== null) agent.figures.onRemote = () => code.sawRemote();
  const stopped = new Promise<void>((resolve) => {
    agent.onStop = resolve;
    process.on('SIGTERM', resolve);
    process.on('SIGINT', resolve);
  });
  // A bug ends the agent rather than leave it half alive: launchers see the socket close and compile here, the next use starts anew.
  process.on('uncaughtException', (error) => {
    log.write('agent-broke', { error: error.stack });
    agent.journals?.close('broke');
    void log.close().finally(() => process.exit(70));
  });
  // The terminal of the build that started it may close; the agent stays.
  process.on('SIGHUP', () => undefined);
  const started = await agent.start();
  if (!started.ok) {
    lock.release();
    return complain(started.error);
  }
  await stopped;
  await agent.stop();
  lock.release();
  log.write('agent-stopped', {});
  await log.close();
  // Handles that others left open (a socket in time-wait, a poll) must not keep a finished agent alive.
  process.exit(0);
}

export class Agent {
  readonly home: string;
  readonly config: Config;
  readonly log: Log;
  readonly figures = new Figures();
  readonly startedAt = performance.now();
  private readonly firstSeq = Date.now();
  readonly toolchains: Toolchains;
  readonly delegation: Delegation;
  readonly delegator: Delegator;
  readonly recordKeeper: RecordKeeper;
  readonly wishes: WishBook;
  readonly owner: Owner;
  /** Null: nobody ever sits here, as config.toml says. */
  private readonly presence: PresenceWatcher | null;
  /** What became of this machine's tasks lately. */
  readonly stories: Stories;
  /** What goes wrong around the agent, by kind; `tender status` shows it. */
  readonly problems = new Map<string, string>();
  /** Null unless this machine's decisions are to be written down. */
  readonly journals: Journals | null;
  network: Network | null = null;
  workshop: Workshop | null = null;
  onStop: () => void = () => undefined;
  private readonly preparer: Preparer;
  private readonly arrivals = new Turns();
  private readonly store: ResultStore | null;
  private launchers: LauncherServer | null = null;
  private readonly parts: WorkshopParts | undefined;

  constructor(home: string, config: Config, log: Log, parts?: WorkshopParts) {
    this.parts = parts;
    this.home = home;
    this.config = config;
    this.log = log;
    this.toolchains = new Toolchains({ memory: join(home, 'compilers.json') });
    const { own_slots, here_slots, policy, nobody_after_ms, max_waiting } = config.delegate;
    this.journals = this.openJournals();
    const options = {
      ownSlots: Math.min(own_slots, here_slots),
      hereSlots: here_slots,
      policy,
      nobodyAfterMs: nobody_after_ms,
      maxWaiting: max_waiting,
      own: ownInfo(home, config),
      ...listenersOf(config),
    };
    const seed = randomInt(2 ** 32);
    this.recordKeeper = this.openRecord();
    const record = this.journals === null ? null : this.recordKeeper.asWritten();
    // What is replayed begins with the record as written: so does what is recorded.
    this.delegation = new Delegation(options, createPrng(seed), this.recordKeeper.record);
    const machine =
      this.journals === null || record === null
        ? this.delegation
        : this.journals.keep(this.delegation, {
            role: 'delegator',
            node: nodeIn(home),
            options,
            seed,
            record,
            wallMs: this.recordKeeper.readAtMs,
          });
    this.stories = new Stories(policy);
    const ownWork = new OwnWork((running) => this.workshop?.worker.post({ type: 'own', running }));
    this.delegator = new Delegator({
      name: config.machine.name,
      machine: watched(machine, (event, effects, now) => {
        this.stories.observe(event, effects, now);
        ownWork.observe(event, effects);
      }),
      figures: this.figures,
      stories: this.stories,
      announce: (announcement) => {
        const whole = {
          ...announcement,
          // A restarted agent counts from a later start: workers that heard its former life must not take it for old news.
          seq: this.firstSeq + announcement.seq,
          delegator: this.network?.cluster.nodeId ?? '',
          delegatorName: config.machine.name,
          port: this.network?.port ?? 0,
        };
        this.network?.announce(whole);
        return whole;
      },
      named: (worker, name) => this.recordKeeper.name(worker, name),
      log: (event, fields) => log.write(event, fields),
    });
    const { presence, idle_seconds } = config.owner;
    this.presence = presence ? watchPresence({ idleMs: idle_seconds * 1000, onChange: () => this.owner.look() }) : null;
    this.owner = new Owner({
      home,
      prng: createPrng(randomInt(2 ** 32)),
      now: Date.now,
      pollEveryMs: config.owner.poll_seconds * 1000,
      said: config.calendar,
      presence: () => this.presence?.state ?? { presence: { state: 'headless' }, switches: [] },
      onVerdict: (verdict) => this.workshop?.ownerSays(verdict),
      problem: (what, why) => this.toldProblem(what, why),
    });
    this.wishes = new WishBook(config.delegate, (place, why) => this.toldProblem(`project ${place}`, why));
    const classes = new TaskClasses(this.recordKeeper.record, () => this.delegator.forecasts());
    this.store = this.openStore();
    this.preparer = new Preparer({
      toolchains: this.toolchains,
      nativeDir: join(home, 'run', 'native'),
      watches: openWatches(join(home, 'run', 'cookies')),
      store: this.store,
      termsOf: (compile, build, cwd) => classes.termsOf(compile, this.wishes.of(build, cwd)),
      keptHere: (build) => this.figures.count(build, (figures) => figures.localKept++),
      log: (event, fields) => log.write(event, fields),
    });
  }

  explain(request: LauncherRequest): Promise<Explanation> {
    return this.preparer.explain(request);
  }

  private openJournals(): Journals | null {
    const problem = (why: string): void => {
      this.problems.set('journal', why);
      this.log.write('problem', { what: 'journal', why });
    };
    const dir = journalDirectory(this.config, this.home);
    if (!dir.ok) problem(dir.error);
    if (!dir.ok || dir.value === null) return null;
    const maxBytes = this.config.journal.max_mib * 2 ** 20;
    return new Journals({ dir: dir.value, maxBytes, name: this.config.machine.name }, problem);
  }

  /** The agent works without one: what is wrong with the place is shown by `tender status`. */
  private openStore(): ResultStore | null {
    const { enabled, max_mib } = this.config.store;
    if (!enabled) return null;
    const dir = storeDirectory(this.config, this.home);
    const opened = dir.ok ? openResultStore(dir.value, { maxBytes: max_mib * 2 ** 20 }) : dir;
    if (opened.ok) return opened.value;
    this.problems.set('store', opened.error);
    this.log.write('problem', { what: 'store', why: opened.error });
    return null;
  }

  async start(): Promise<Result<void, string>> {
    this.log.write('agent-started', { pid: process.pid, home: this.home });
    await this.presence?.start();
    const joined = await this.joinNetwork();
    if (!joined.ok) return joined;
    try {
      this.launchers = await listenLaunchers(socketPath(this.home), {
        compile: (request, call) => {
          this.arrivals.take(() => {
            if (call.closed) return;
            void this.preparer.prepare(request).then((prepared) => this.delegator.submit(call, prepared));
          });
        },
        control: (request, call) => answerControl(this, request, call),
      });
    } catch (error) {
      return err(`cannot listen on ${socketPath(this.home)}: ${(error as Error).message}`);
    }
    await this.owner.start();
    return ok(undefined);
  }

  /** Takes up the cluster that `init` or `join` left in the home directory; without one nothing listens. */
  async joinNetwork(): Promise<Result<void, string>> {
    if (this.network !== null) return ok(undefined);
    const cluster = loadCluster(this.home);
    if (!cluster.ok) return err(`${cluster.error.message}; ${cluster.error.hint}`);
    if (cluster.value === null) return ok(undefined);
    const opened = await Workshop.open(
      this.home,
      this.config,
      cluster.value,
      this.toolchains,
      { log: (event, fields) => this.log.write(event, fields), journals: this.journals },
      this.parts,
    );
    if (!opened.ok) return opened;
    const workshop = opened.value;
    const network = await Network.open(this.home, cluster.value, this.config.network, {
      sessions: {
        onOpen: (session) => this.delegator.sessionOpened(session),
        onMessage: (session, message) => this.delegator.received(session, message),
        onClose: (session, why) => this.delegator.sessionClosed(session, why),
      },
      heard: (announcement, from) => workshop.worker.heard(announcement, from),
      problem: (what, why) => this.toldProblem(what, why),
    });
    if (!network.ok) {
      await workshop.close();
      return network;
    }
    this.workshop = workshop;
    workshop.ownerSays(this.owner.verdict);
    this.network = network.value;
    return ok(undefined);
  }

  /** Ends both roles: waiting launchers compile here, tasks of others are given back, nothing is left running. */
  async stop(): Promise<void> {
    this.presence?.stop();
    this.owner.stop();
    this.delegator.stop();
    await this.workshop?.close();
    await this.network?.close();
    await this.launchers?.close();
    await this.preparer.close();
    await this.store?.close();
    this.journals?.close('stopped');
    this.recordKeeper.close();
  }

  private openRecord(): RecordKeeper {
    return new RecordKeeper({
      home: this.home,
      store: openRecordStore(join(this.home, 'record.db')),
      nowMs: Date.now,
      forget: (what) => this.delegator.forget(what),
      problem: (why) => this.toldProblem('record', why),
    });
  }

  /** Shown by `tender status` until it is over (`why` null), and logged when it is new. */
  private toldProblem(what: string, why: string | null): void {
    if (why === null) this.problems.delete(what);
    if (why === null || this.problems.get(what) === why) return;
    this.problems.set(what, why);
    this.log.write('problem', { what, why });
  }
}

/** As an offer of this machine would say. */
function ownInfo(home: string, config: Config): WorkerInfo {
  const { machine, delegate } = config;
  const reading = readMachine();
  const bench = benchScore({ dir: home, key: `${reading.cpuModel} ${reading.ghz}` });
  const own = { name: machine.name, slots: delegate.own_slots, bench, freeFor: [], graceMs: 0, toolchains: [] };
  return { ...reading, ...own };
}

/** This machine's identity in its cluster; empty while it is in none. */
function nodeIn(home: string): string {
  const cluster = loadCluster(home);
  return cluster.ok ? (cluster.value?.nodeId ?? '') : '';
}

/** Only of a list of peers is it known how many hear it. */
function listenersOf({ network }: Config): { listeners?: number } {
  return network.announce.includes('multicast') ? {} : { listeners: network.peers.length };
}
