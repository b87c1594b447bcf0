// The worker's role in the agent: announcements become offers, awards become sandboxed runs; core decides, this file carries out.
// An attempt ends with exactly one word to its delegator: a result or a failure, or silence when the delegator is gone.
import { join } from 'node:path';
import { zstdCompressSync, constants } from 'node:zlib';
import { openSession, type Session, type SessionIdentity } from '../../adapters/session/session.ts';
import type { BlobStore } from '../../adapters/blobs/types.ts';
import type { Run, RunResult, Sandbox, Trees } from '../../adapters/sandbox/types.ts';
import { unreachable } from '../../base/assert.ts';
import { err, ok, type Result } from '../../base/result.ts';
import type { Announcement, AttemptId, FailureCode, NodeId, ToolchainRef } from '../../core/types.ts';
import type { DelegatorAddress, WorkerEffect, WorkerEvent } from '../../core/worker/types.ts';
import {
  protocolVersion,
  type AwardMessage,
  type FileEntryMessage,
  type FromDelegator,
  type FromWorker,
} from '../../wire/messages.ts';
import { announcementFromWire, offerToWire } from '../../wire/session.ts';
import type { Lending } from '../report.ts';
import { BlobFetcher } from './blobs-in.ts';
import { packAboveBytes } from './outputs.ts';
import { MachineRunner, type StateMachine } from './machine-runner.ts';

interface Attempt {
  readonly id: AttemptId;
  readonly delegator: NodeId;
  readonly award: AwardMessage;
  readonly awardedAt: number;
  /** Its files on their way here, once it has been asked for them. */
  files: Promise<Result<Fetched, Fault>> | null;
  executing: boolean;
  run: Run | null;
  /** Set once: why it was killed. The end is then told by nobody but core. */
  killed: string | null;
}

interface Fetched {
  readonly entries: readonly FileEntryMessage[];
  readonly bytes: number;
  readonly tookMs: number;
}

interface Fault {
  readonly code: FailureCode;
  readonly message: string;
}

interface Upstream {
  readonly delegator: NodeId;
  /** For people: its address until it has said its name. */
  name: string;
  session: Session<FromWorker> | null;
  readonly handle: { close(): void };
  readonly files: Map<number, FileEntryMessage>;
  readonly fetcher: BlobFetcher;
}

export interface WorkerWorld {
  readonly name: string;
  /** Core's admission, perhaps with somebody who watches its steps. */
  readonly machine: StateMachine<WorkerEvent, WorkerEffect>;
  readonly identity: SessionIdentity;
  readonly blobs: BlobStore;
  readonly trees: Trees;
  /** Null: this machine takes no tasks, and only says why. */
  readonly sandbox: Sandbox | null;
  readonly scratchDir: string;
  /** Compares the compiler here with the announced one. */
  checkToolchain(toolchain: ToolchainRef): Promise<{ same: boolean; label: string }>;
  log(event: string, fields: Record<string, unknown>): void;
}

/** A task whose files took so long is said to have started. */
const startedAfterMs = 100;
/** Less says more of the round trip than of the link. */
const measuredBytes = 256 * 1024;
const maxResultBytes = 200 * 1024 * 1024;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

export class Worker {
  private readonly world: WorkerWorld;
  private readonly runner: MachineRunner<WorkerEvent, WorkerEffect>;
  private readonly upstreams = new Map<NodeId, Upstream>();
  private readonly attempts = new Map<AttemptId, Attempt>();
  private stopping = false;
  private nextScratch = 1;
  private frozen = false;

  constructor(world: WorkerWorld) {
    this.world = world;
    this.runner = new MachineRunner<WorkerEvent, WorkerEffect>(world.machine, { type: 'tick' }, (effect) =>
      this.apply(effect),
    );
  }

  heard(announcement: Announcement, from: DelegatorAddress): void {
    this.runner.post({ type: 'announcement', announcement, from });
  }

  post(event: Extract<WorkerEvent, { type: 'sample' | 'own' | 'pause' | 'resume' }>): void {
    this.runner.post(event);
  }

  /** What runs here for others, for people. */
  running(): readonly Lending[] {
    const now = performance.now();
    return [...this.attempts.values()].map((attempt) => ({
      delegator: this.upstreams.get(attempt.delegator)?.name ?? attempt.delegator,
      label: attempt.award.label,
      sinceMs: Math.round(now - attempt.awardedAt),
    }));
  }

  standStill(frozen: boolean): void {
    this.frozen = frozen;
    for (const { run } of this.attempts.values()) run?.[frozen ? 'freeze' : 'thaw']();
  }

  /** Ends all that runs for others; their delegators hear that the owner has come back. */
  evict(why: string): void {
    for (const attempt of this.attempts.values()) attempt.run?.kill(why, 'owner-returned');
  }

  /** Ends every run and session; resolves when no process of a task is left. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.runner.stop();
    const ends = [...this.attempts.values()].map(async (attempt) => {
      this.fail(attempt, 'stopping', 'this machine is leaving the farm');
      attempt.killed ??= 'stopping';
      attempt.run?.kill('stopping');
      await attempt.run?.done;
    });
    await Promise.all(ends);
    for (const upstream of this.upstreams.values()) upstream.handle.close();
  }

  private apply(effect: WorkerEffect): void {
    switch (effect.type) {
      case 'check-toolchain': {
        const { digest } = effect.toolchain;
        void this.world
          .checkToolchain(effect.toolchain)
          .then(({ same, label }) => this.runner.post({ type: 'toolchain', digest, same, label }));
        return;
      }
      case 'connect':
        return this.connect(effect.delegator, effect.address);
      case 'disconnect':
        this.upstreams.get(effect.delegator)?.handle.close();
        return;
      case 'offer':
        return this.send(effect.delegator, { offer: offerToWire(effect.offer) });
      case 'withdraw':
        return this.send(effect.delegator, { withdraw: { leaseId: effect.leaseId } });
      case 'fetch': {
        const attempt = this.attempts.get(effect.attempt);
        if (attempt !== undefined) attempt.files = this.fetchFiles(attempt);
        return;
      }
      case 'run': {
        const attempt = this.attempts.get(effect.attempt);
        if (attempt !== undefined) void this.execute(attempt);
        return;
      }
      case 'refuse': {
        const { attempt, code, message } = effect;
        this.attempts.delete(attempt);
        return this.send(effect.delegator, { failed: { attempt, code, message } });
      }
      case 'kill': {
        const attempt = this.attempts.get(effect.attempt);
        if (attempt === undefined) return;
        attempt.killed ??= effect.why;
        attempt.run?.kill(effect.why);
        // One that only waits has nothing that could end.
        if (!attempt.executing) this.attempts.delete(attempt.id);
        return;
      }
      case 'heartbeat': {
        const { attempts, load, stamp } = effect;
        return this.send(effect.delegator, { heartbeat: { attempts: [...attempts], load, stamp } });
      }
      case 'returning':
        return this.send(effect.delegator, { returning: {} });
      default:
        unreachable(effect);
    }
  }

  private connect(delegator: NodeId, address: DelegatorAddress): void {
    if (this.upstreams.has(delegator) || this.stopping) return;
    const fetcher = new BlobFetcher(this.world.blobs);
    const handle = openSession(
      { ...address, delegator, identity: this.world.identity },
      {
        onOpen: (session) => {
          session.send({ hello: { version: protocolVersion, name: this.world.name } });
        },
        onMessage: (session, message) => this.received(delegator, session, message),
        onClose: (_session, why) => {
          const upstream = this.upstreams.get(delegator);
          this.upstreams.delete(delegator);
          fetcher.end(`the session to ${upstream?.name ?? delegator} ended: ${why}`);
          this.world.log('upstream-closed', { delegator, why });
          this.runner.post({ type: 'session-down', delegator });
        },
      },
    );
    this.upstreams.set(delegator, { delegator, name: address.host, session: null, handle, files: new Map(), fetcher });
  }

  private received(delegator: NodeId, session: Session<FromWorker>, message: FromDelegator): void {
    const upstream = this.upstreams.get(delegator);
    if (upstream === undefined) return;
    if ('welcome' in message) {
      upstream.session = session;
      if (message.welcome.name !== '') upstream.name = message.welcome.name.slice(0, 100);
      this.runner.post({ type: 'session-up', delegator });
    } else if ('announcement' in message) {
      const announcement = announcementFromWire(message.announcement, delegator);
      if (!announcement.ok) return session.close(`a broken announcement: ${announcement.error}`);
      const [host, port] = splitAddress(session.address);
      this.heard(announcement.value, { host, port });
    } else if ('award' in message) {
      this.awarded(upstream, message.award);
    } else if ('pack' in message) {
      upstream.fetcher.receivedPack(message.pack);
    } else if ('blob' in message) {
      upstream.fetcher.received(message.blob);
    } else if ('release' in message) {
      this.runner.post({ type: 'release', delegator, ...message.release });
    } else if ('cancel' in message) {
      this.runner.post({ type: 'cancel', delegator, ...message.cancel });
    } else if ('poll' in message) {
      this.runner.post({ type: 'poll', delegator });
    } else if ('echo' in message) {
      this.runner.post({ type: 'echo', delegator, stamp: message.echo.stamp });
    } else {
      unreachable(message);
    }
  }

  private awarded(upstream: Upstream, award: AwardMessage): void {
    for (const file of award.newFiles) upstream.files.set(file.number, file);
    const { delegator } = upstream;
    if (this.attempts.has(award.attempt)) return;
    const fresh = { awardedAt: performance.now(), files: null, executing: false, run: null, killed: null };
    this.attempts.set(award.attempt, { id: award.attempt, delegator, award, ...fresh });
    this.runner.post({
      type: 'award',
      delegator,
      leaseId: award.leaseId,
      attempt: award.attempt,
      memBytes: award.memBytes,
    });
  }

  private async execute(attempt: Attempt): Promise<void> {
    attempt.executing = true;
    try {
      await this.executeOrThrow(attempt);
    } catch (error) {
      // A bug here must cost one attempt, not the agent; the delegator does the task elsewhere.
      this.world.log('attempt-broke', { label: attempt.award.label, error: (error as Error).stack });
      this.fail(attempt, 'sandbox', (error as Error).message);
    } finally {
      this.attempts.delete(attempt.id);
      this.runner.post({ type: 'ended', attempt: attempt.id });
    }
  }

  private async executeOrThrow(attempt: Attempt): Promise<void> {
    const upstream = this.upstreams.get(attempt.delegator);
    const { sandbox } = this.world;
    if (upstream?.session == null || sandbox === null) return;
    const { award } = attempt;
    const { session } = upstream;
    const fetched = await (attempt.files ?? this.fetchFiles(attempt));
    if (!fetched.ok) return this.fail(attempt, fetched.error.code, fetched.error.message);
    const { entries, bytes, tookMs } = fetched.value;
    if (attempt.killed !== null) return;
    const tree = this.world.trees.acquire({
      client: attempt.delegator,
      // A compiler that was replaced keeps its path, so that its files begin a tree of their own.
      epoch: `${award.epoch}-${hex(award.toolchain?.digest ?? new Uint8Array()).slice(0, 16)}`,
      files: entries.map((entry) => ({
        path: text(entry.path),
        digest: hex(entry.digest),
        inode: entry.inode,
        modifiedS: entry.modifiedS,
      })),
      symlinks: award.symlinks.map((link) => ({ path: text(link.path), target: text(link.target) })),
      dirs: award.dirs.map(text),
    });
    if (!tree.ok) {
      const code: FailureCode =
        tree.error.code === 'disk-full' ? 'disk-full' : tree.error.code === 'missing' ? 'missing-file' : 'sandbox';
      return this.fail(attempt, code, tree.error.message);
    }
    try {
      // Heartbeats name what is in hand; a message for each unit would only say the same sooner.
      if (tookMs > startedAfterMs) session.send({ started: { attempt: attempt.id } });
      const run = sandbox.run({
        tree: tree.value,
        argv: award.argv.map(text),
        cwd: text(award.cwd),
        env: award.env.map(text),
        umask: award.umask,
        outputs: award.outputs.map((output) => text(output.path)),
        scratchDir: join(this.world.scratchDir, String(this.nextScratch++)),
        limits: {
          cpuSeconds: Math.ceil(award.deadlineMs / 1000),
          memBytes: 8 * 1024 ** 3,
          outputBytes: maxResultBytes,
          processes: 256,
          openFiles: 4096,
          wallMs: award.deadlineMs,
        },
      });
      attempt.run = run;
      if (attempt.killed !== null) run.kill(attempt.killed);
      if (this.frozen) run.freeze();
      const done = await run.done;
      if (attempt.killed !== null) return;
      if (!done.ok) return this.fail(attempt, done.error.code, done.error.message);
      this.sendResult(attempt, done.value, bytes);
    } finally {
      tree.value.release();
    }
  }

  /** Gets what the task reads. Big loads tell how fast the link is. */
  private async fetchFiles(attempt: Attempt): Promise<Result<Fetched, Fault>> {
    const upstream = this.upstreams.get(attempt.delegator);
    if (upstream?.session == null) return err({ code: 'worker-lost', message: 'the session ended' });
    const { session, files, fetcher } = upstream;
    const entries: FileEntryMessage[] = [];
    for (const number of attempt.award.files) {
      const entry = files.get(number);
      if (entry === undefined) return err({ code: 'missing-file', message: `file number ${number} was never named` });
      entries.push(entry);
    }
    const began = performance.now();
    const fetched = await fetcher.fetch(entries, (digests) => {
      session.send({ need: { attempt: attempt.id, digests: [...digests] } });
    });
    if (!fetched.ok) return fetched;
    const tookMs = performance.now() - began;
    if (fetched.value >= measuredBytes) {
      this.runner.post({ type: 'link', delegator: attempt.delegator, bytesPerMs: fetched.value / Math.max(1, tookMs) });
    }
    return ok({ entries, bytes: fetched.value, tookMs });
  }

  private sendResult(attempt: Attempt, result: RunResult, bytesFetched: number): void {
    let total = result.stdout.length + result.stderr.length;
    const outputs = result.outputs.flatMap((output, index) => {
      if (output === null) return [];
      const zstd = output.data.length > packAboveBytes;
      const data = zstd
        ? zstdCompressSync(output.data, { params: { [constants.ZSTD_c_compressionLevel]: 1 } })
        : output.data;
      total += data.length;
      return [{ index, data, zstd, size: output.data.length, mode: output.mode }];
    });
    if (total > maxResultBytes) return this.fail(attempt, 'too-large', `the result has ${total} bytes`);
    this.send(attempt.delegator, {
      result: {
        attempt: attempt.id,
        signalled: result.exit.how === 'signal',
        code: result.exit.how === 'signal' ? result.exit.signal : result.exit.code,
        stdout: result.stdout,
        stderr: result.stderr,
        outputs,
        ranMs: Math.round(result.ranMs),
        cpuMs: Math.round(result.cpuMs),
        maxRssBytes: result.maxRssBytes,
        bytesFetched,
        unnamed: result.unnamed ?? '',
      },
    });
  }

  private fail(attempt: Attempt, code: FailureCode, message: string): void {
    if (attempt.killed !== null) return;
    this.send(attempt.delegator, { failed: { attempt: attempt.id, code, message } });
  }

  private send(delegator: NodeId, message: FromWorker): void {
    this.upstreams.get(delegator)?.session?.send(message);
  }
}

function splitAddress(address: string): [host: string, port: number] {
  const at = address.lastIndexOf(':');
  return [address.slice(0, at).replace(/^\[|\]$/g, ''), Number(address.slice(at + 1))];
}
