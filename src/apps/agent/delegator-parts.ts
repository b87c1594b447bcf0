// What the delegator's role keeps of tasks and workers, and what it needs of the agent around it.
import type { LauncherCall } from '../../adapters/launcher-socket/types.ts';
import type { Session } from '../../adapters/session/session.ts';
import type { DelegatorEffect, DelegatorEvent } from '../../core/delegation/types.ts';
import type { Stories } from '../../core/story/stories.ts';
import type { Announcement, AttemptId, BuildId, NodeId, Offer, TaskId } from '../../core/types.ts';
import type { FromDelegator } from '../../wire/messages.ts';
import type { AwardWriter } from './award.ts';
import type { Figures } from './figures.ts';
import type { Keep } from './keep-here.ts';
import type { StateMachine } from './machine-runner.ts';
import type { CompileTask } from './prepare.ts';

export interface LiveTask {
  readonly id: TaskId;
  readonly build: BuildId;
  readonly call: LauncherCall;
  readonly compile: CompileTask | null;
  readonly keep: Keep | null;
  /** The reason code when it stays; empty for a compile that may travel. */
  readonly staysReason: string;
  readonly staysDetail: string;
  readonly isUnit: boolean;
  /** Handed to the launcher to run here: the connection's close is its end. */
  here: boolean;
  /** Whether it went well here, where its launcher told. */
  succeededHere?: boolean;
}

/** A worker that has a session with us. */
export interface ConnectedWorker {
  readonly id: NodeId;
  readonly name: string;
  readonly address: string;
  offer: Offer | null;
  /** The last reason it gave for offering nothing, until it gets a task. */
  remark: string;
  readonly inHand: Map<AttemptId, TaskId>;
  lastHeardAt: number;
}

export interface Peer extends ConnectedWorker {
  readonly session: Session<FromDelegator>;
  readonly awards: AwardWriter;
  counted: { bytesIn: number; bytesOut: number };
  lastBuild: BuildId;
}

export interface DelegatorWorld {
  /** This machine's name, for the people at the workers. */
  readonly name: string;
  /** Core's delegation, perhaps with somebody who watches its steps. */
  readonly machine: StateMachine<DelegatorEvent, DelegatorEffect>;
  readonly figures: Figures;
  readonly stories: Stories;
  announce(announcement: Omit<Announcement, 'delegator' | 'delegatorName' | 'port'>): Announcement;
  /** A worker says its name. */
  named(worker: NodeId, name: string): void;
  log(event: string, fields: Record<string, unknown>): void;
}

/** What went over a worker's session since the last time counts for the build that it worked for last. */
export function countBytes(figures: Figures, peer: Peer): void {
  const { bytesIn, bytesOut } = peer.session.figures;
  if (peer.lastBuild === '') return;
  figures.bytes(peer.lastBuild, peer.name, bytesIn - peer.counted.bytesIn, bytesOut - peer.counted.bytesOut);
  peer.counted = { bytesIn, bytesOut };
}
