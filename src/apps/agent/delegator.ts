// The delegator's role in the agent: launcher calls become tasks, core decides, this file carries its decisions out.
// A task ends in exactly one of three ways: an answer to its launcher, `local`, or a launcher that went away.
import type { AttemptId, NodeId, TaskId } from '../../core/types.ts';
import type { DelegationNote, DelegatorEffect, DelegatorEvent } from '../../core/delegation/types.ts';
import type { LauncherCall, LauncherReport } from '../../adapters/launcher-socket/types.ts';
import type { Forget } from '../../adapters/record/types.ts';
import type { Session } from '../../adapters/session/session.ts';
import {
  protocolVersion,
  type ExecutionResultMessage,
  type FromDelegator,
  type FromWorker,
} from '../../wire/messages.ts';
import { announcementToWire, failureCodeFromWire, offerFromWire } from '../../wire/session.ts';
import { unreachable } from '../../base/assert.ts';
import { AwardWriter } from './award.ts';
import { BlobSource } from './blobs-out.ts';
import { countBytes, type ConnectedWorker, type DelegatorWorld, type LiveTask, type Peer } from './delegator-parts.ts';
import type { HereRun } from './keep-here.ts';
import { MachineRunner } from './machine-runner.ts';
import { OutputsInHand } from './outputs-in-hand.ts';
import { discardOutputs, endedWell, judgeResult, tellAsHere, writeOutputs, type Rename } from './outputs.ts';
import { Polls } from './polls.ts';
import type { Prepared, PreparedCall } from './prepare.ts';

const tellTimeEveryMs = 600_000;

export class Delegator {
  private readonly world: DelegatorWorld;
  private readonly runner: MachineRunner<DelegatorEvent, DelegatorEffect>;
  private readonly tasks = new Map<TaskId, LiveTask>();
  private readonly peers = new Map<NodeId, Peer>();
  private readonly results = new Map<AttemptId, ExecutionResultMessage>();
  private readonly blobs = new BlobSource();
  private readonly outputsInHand = new OutputsInHand();
  private readonly polls = new Polls();
  private nextTask = 1;
  private toldTimeAtMs = -Infinity;

  constructor(world: DelegatorWorld) {
    this.world = world;
    this.runner = new MachineRunner<DelegatorEvent, DelegatorEffect>(world.machine, { type: 'tick' }, (effect) =>
      this.apply(effect),
    );
  }

  workers(): readonly ConnectedWorker[] {
    return [...this.peers.values()];
  }

  /** Asks all workers what they have in hand; what the delegation knows is fresh then, but for those that took longer. */
  poll(withinMs: number): Promise<void> {
    return this.polls.ask(this.peers.keys(), (id) => this.peers.get(id)?.session.send({ poll: {} }), withinMs);
  }

  /** Tasks that wait for a machine, and commands that run here now. */
  counts(): { waiting: number; runningHere: number } {
    let runningHere = 0;
    for (const task of this.tasks.values()) if (task.here) runningHere++;
    let inHand = 0;
    for (const peer of this.peers.values()) inHand += peer.inHand.size;
    return { waiting: Math.max(0, this.tasks.size - runningHere - inHand), runningHere };
  }

  /** What a worker has in its hands, for people. */
  labelsOf(worker: ConnectedWorker): string[] {
    return [...worker.inHand.values()].map((id) => this.tasks.get(id)?.compile?.label ?? id);
  }

  /** Takes a prepared launcher call in hand. */
  submit(call: LauncherCall, { prepared, build, label }: PreparedCall): void {
    if (call.closed) return;
    const id = `t${this.nextTask++}`;
    const compile = prepared.travels === true ? prepared.task : null;
    const staysReason = prepared.travels === false ? prepared.reason : '';
    const staysDetail = prepared.travels === false ? prepared.detail : '';
    const isUnit = staysReason !== 'not-a-compile' && staysReason !== 'probe';
    const keep = prepared.travels === true ? prepared.keep : null;
    const task: LiveTask = { id, build, call, compile, keep, staysReason, staysDetail, isUnit, here: false };
    this.tasks.set(id, task);
    call.onClosed(() => this.launcherClosed(task));
    if (compile !== null) {
      this.blobs.registerAll(compile.fragment.files);
    } else if (prepared.travels === 'stored') {
      this.world.stories.stored(id, build, label, performance.now());
      this.answerStored(task, prepared);
      return;
    } else if (prepared.travels === false && !prepared.heavy) {
      // What costs nothing (--version, a probe) never waits for a slot.
      this.runHere(task, staysReason);
      return;
    }
    this.tellTime();
    this.runner.post({
      type: 'submit',
      task: {
        id,
        build,
        label,
        class: compile?.class ?? null,
        ...(compile === null ? {} : { project: compile.project, kind: compile.kind, policy: compile.policy }),
        staysReason,
        p80Ms: null,
        bytes: compile?.bytes ?? 0,
      },
    });
  }

  /** What was learnt of a project, of a worker, or of both together is gone; of all when neither is named. */
  forget(what: Forget): void {
    this.runner.post({ type: 'forget', ...what });
  }

  /** Whether some machine says how long it will stay free. */
  forecasts(): boolean {
    for (const { offer } of this.peers.values()) if (offer !== null && offer.info.freeFor.length > 0) return true;
    return false;
  }

  /** What was learnt ages by the wall clock; minutes do not matter. */
  private tellTime(): void {
    const atMs = performance.now();
    if (atMs - this.toldTimeAtMs < tellTimeEveryMs) return;
    this.toldTimeAtMs = atMs;
    this.runner.post({ type: 'wall-clock', wallMs: Date.now() });
  }

  sessionOpened(session: Session<FromDelegator>): void {
    session.send({ welcome: { version: protocolVersion, name: this.world.name } });
  }

  received(session: Session<FromDelegator>, message: FromWorker): void {
    if ('hello' in message) {
      this.peers.get(session.peer)?.session.close('replaced by a newer session');
      this.peers.set(session.peer, {
        id: session.peer,
        name: message.hello.name.slice(0, 100),
        address: session.address,
        session,
        awards: new AwardWriter(),
        offer: null,
        remark: '',
        inHand: new Map(),
        lastHeardAt: performance.now(),
        counted: { bytesIn: 0, bytesOut: 0 },
        lastBuild: '',
      });
      this.world.named(session.peer, message.hello.name.slice(0, 100));
      this.runner.post({ type: 'session-up', worker: session.peer, name: message.hello.name });
      return;
    }
    const peer = this.peers.get(session.peer);
    if (peer === undefined || peer.session !== session) {
      session.close('the first message of a session is hello');
      return;
    }
    peer.lastHeardAt = performance.now();
    this.handle(peer, message);
    countBytes(this.world.figures, peer);
  }

  sessionClosed(session: Session<FromDelegator>, why: string): void {
    const peer = this.peers.get(session.peer);
    if (peer === undefined || peer.session !== session) return;
    countBytes(this.world.figures, peer);
    this.peers.delete(session.peer);
    this.polls.heard(session.peer);
    this.world.log('session-closed', { worker: peer.name, why });
    this.runner.post({ type: 'session-down', worker: peer.id });
  }

  stop(): void {
    this.runner.stop();
    for (const task of this.tasks.values()) if (!task.here) task.call.local('the agent is stopping');
    for (const peer of this.peers.values()) peer.session.close('the agent is stopping');
  }

  private handle(peer: Peer, message: Exclude<FromWorker, { hello: unknown }>): void {
    const worker = peer.id;
    if ('offer' in message) {
      const offer = offerFromWire(message.offer);
      if (!offer.ok) {
        peer.session.close(`a broken offer: ${offer.error}`);
        return;
      }
      peer.offer = offer.value;
      if (offer.value.remark !== '') peer.remark = offer.value.remark;
      this.runner.post({ type: 'offer', worker, offer: offer.value });
    } else if ('need' in message) {
      void this.blobs
        .serve(peer.session, message.need.digests, () => this.peers.get(worker) === peer)
        .then(() => countBytes(this.world.figures, peer));
    } else if ('started' in message) {
      this.runner.post({ type: 'started', worker, attempt: message.started.attempt });
    } else if ('heartbeat' in message) {
      const { attempts, load, stamp } = message.heartbeat;
      this.runner.post({ type: 'heartbeat', worker, attempts, load, stamp });
      this.polls.heard(worker);
    } else if ('result' in message) {
      this.resultCame(peer, message.result);
    } else if ('failed' in message) {
      const { attempt, code } = message.failed;
      peer.inHand.delete(attempt);
      const said = message.failed.message.slice(0, 2000);
      this.runner.post({ type: 'failed', worker, attempt, code: failureCodeFromWire(code), message: said });
    } else if ('withdraw' in message) {
      this.runner.post({ type: 'lease-withdrawn', worker, leaseId: message.withdraw.leaseId });
    } else if ('returning' in message) {
      this.runner.post({ type: 'returning', worker });
    } else {
      unreachable(message);
    }
  }

  private resultCame(peer: Peer, result: ExecutionResultMessage): void {
    const taskId = peer.inHand.get(result.attempt);
    const task = taskId === undefined ? undefined : this.tasks.get(taskId);
    peer.inHand.delete(result.attempt);
    const { attempt } = result;
    const fault = task?.compile == null ? null : judgeResult(task.compile, result);
    if (fault !== null) {
      this.runner.post({ type: 'failed', worker: peer.id, attempt, code: fault.code, message: fault.message });
      return;
    }
    this.results.set(attempt, result);
    const exit = result.signalled
      ? ({ how: 'signal', signal: result.code } as const)
      : ({ how: 'exit', code: result.code } as const);
    this.runner.post({
      type: 'result',
      worker: peer.id,
      attempt,
      exit,
      ranMs: result.ranMs,
      cpuMs: result.cpuMs,
      memBytes: result.maxRssBytes,
    });
    this.results.delete(attempt);
  }

  private apply(effect: DelegatorEffect): void {
    switch (effect.type) {
      case 'announce': {
        const message = announcementToWire(this.world.announce(effect.announcement));
        for (const peer of this.peers.values()) peer.session.send({ announcement: message });
        return;
      }
      case 'award':
        return this.award(effect.worker, effect.leaseId, effect.task, effect.attempt);
      case 'release':
        this.peers.get(effect.worker)?.session.send({ release: { leaseId: effect.leaseId, slots: effect.slots } });
        return;
      case 'echo':
        this.peers.get(effect.worker)?.session.send({ echo: { stamp: effect.stamp } });
        return;
      case 'cancel-attempt':
        this.peers.get(effect.worker)?.inHand.delete(effect.attempt);
        this.peers.get(effect.worker)?.session.send({ cancel: { attempt: effect.attempt, why: effect.why } });
        return;
      case 'run-local': {
        const task = this.tasks.get(effect.task);
        if (task !== undefined) this.runHere(task, task.staysReason || effect.reason, effect.detail);
        return;
      }
      case 'deliver':
        return this.deliver(effect.task, effect.attempt, effect.worker);
      case 'discard':
        return;
      case 'note':
        return this.note(effect.note);
      default:
        unreachable(effect);
    }
  }

  private award(worker: NodeId, leaseId: string, taskId: TaskId, attempt: AttemptId): void {
    const peer = this.peers.get(worker);
    const task = this.tasks.get(taskId);
    if (peer === undefined || task?.compile == null) return;
    peer.inHand.set(attempt, taskId);
    peer.remark = '';
    peer.lastBuild = task.build;
    peer.session.send({ award: peer.awards.write(task.compile, leaseId, attempt) });
    countBytes(this.world.figures, peer);
  }

  private deliver(taskId: TaskId, attempt: AttemptId, worker: NodeId): void {
    const task = this.tasks.get(taskId);
    const result = this.results.get(attempt);
    if (task?.compile == null || result === undefined) return;
    const written = writeOutputs(task.compile, result);
    if (!written.ok) {
      // The compiler itself then says what is wrong with the place, in its own words.
      this.world.log('output-not-written', { label: task.compile.label, why: written.error });
      this.notWritten(task, written.error);
      return;
    }
    this.tasks.delete(taskId);
    const exit = { how: result.signalled ? 'signal' : 'exit', code: result.code } as const;
    this.answer(task, exit, written.value, result);
    task.keep?.made(result);
    const name = this.peers.get(worker)?.name ?? worker;
    const failed = result.signalled || result.code !== 0;
    this.world.figures.remote(task.build, name, { cpuMs: result.cpuMs, ranMs: result.ranMs, failed });
  }

  private notWritten(task: LiveTask, why: string): void {
    this.world.stories.wentHere(task.id, why, performance.now());
    this.runHere(task, 'output-not-written', why);
  }

  /** No slot, no worker: the result lies here. */
  private answerStored(task: LiveTask, { outputs, result }: Extract<Prepared, { travels: 'stored' }>): void {
    const written = writeOutputs(outputs, endedWell(result));
    if (!written.ok) {
      this.world.log('output-not-written', { why: written.error });
      this.notWritten(task, written.error);
      return;
    }
    this.tasks.delete(task.id);
    this.answer(task, { how: 'exit', code: 0 }, written.value, result);
    this.world.figures.stored(task.build, result);
  }

  private answer(
    task: LiveTask,
    exit: { how: 'exit' | 'signal'; code: number },
    renames: readonly Rename[],
    said: { readonly stdout: Uint8Array; readonly stderr: Uint8Array },
  ): void {
    const claim = this.outputsInHand.claim(renames.map(([, to]) => to));
    let kept = false;
    task.call.onKept((launcherCpuMs) => {
      kept = true;
      this.world.figures.unitAnswered(task.build, launcherCpuMs);
    });
    task.call.onClosed(() => {
      claim.end();
      if (!kept) discardOutputs(renames);
    });
    task.call.result(exit, renames, said.stdout, tellAsHere(said.stderr));
  }

  private runHere(task: LiveTask, reason: string, detail = ''): void {
    task.here = true;
    if (task.isUnit) this.world.figures.local(task.build, reason);
    else this.world.figures.count(task.build, (figures) => figures.others++);
    const why = task.staysReason === '' ? detail : task.staysDetail;
    const said = why === '' || why === reason ? reason : `${reason}: ${why}`;
    const run = this.startHere(task);
    const ended = (report: LauncherReport): void => {
      task.succeededHere = report.exit.how === 'exit' && report.exit.code === 0;
      run?.ended(report);
    };
    task.call.local(said, run === null ? undefined : ended);
  }

  /** Null: nothing of what the compiler makes here will be kept. */
  private startHere({ compile, call, keep }: LiveTask): HereRun | null {
    if (compile === null) return null;
    const claim = this.outputsInHand.claim(compile.outputs.map(({ path }) => path));
    call.onClosed(() => claim.end());
    const run = keep?.startHere() ?? null;
    if (run === null) return null;
    return {
      ended: (report) => {
        if (!claim.shared) run.ended(report);
      },
    };
  }

  private launcherClosed(task: LiveTask): void {
    if (!this.tasks.delete(task.id)) return;
    if (!task.here) this.world.figures.count(task.build, (figures) => figures.cancelled++);
    const { id, succeededHere: succeeded } = task;
    if (task.here)
      this.runner.post({ type: 'local-ended', task: id, ...(succeeded === undefined ? {} : { succeeded }) });
    else this.runner.post({ type: 'cancel', task: id });
  }

  private note(note: DelegationNote): void {
    this.world.log(note.kind, { ...note, weighed: undefined });
    if (note.kind === 'awarded' && note.hedge) {
      const build = this.tasks.get(note.task)?.build;
      if (build !== undefined) this.world.figures.count(build, (figures) => figures.doubled++);
    }
    if (note.kind === 'attempt-failed') {
      this.peers.get(note.worker)?.inHand.delete(note.attempt);
      const build = this.tasks.get(note.task)?.build;
      if (build !== undefined) this.world.figures.count(build, (figures) => figures.retried++);
    }
  }
}
