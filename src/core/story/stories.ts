// The story of each recent task, kept from what the delegation is told and decides. It only looks on: events in, effects in,
// compact entries in bounded rings; names are found and stories written out when somebody asks.
import type { DelegationNote, DelegatorEffect, DelegatorEvent, TaskSpec } from '../delegation/types.ts';
import type { PolicyName } from '../selection/index.ts';
import type { BuildId, NodeId, TaskDemand, TaskId } from '../types.ts';
import { keepChoice } from './choice.ts';
import type { Entry, KeptStory } from './kept.ts';
import { Ring } from './ring.ts';
import type { TaskStory } from './types.ts';
import { writeStory } from './write.ts';

/** Tasks that have ended. */
const ENDED_KEPT = 2000;
const ENTRIES_KEPT = 40;
const OFFERS_KEPT = 2048;
const ANNOUNCEMENTS_KEPT = 512;
const NAMES_KEPT = 4096;

export interface HeardOffer {
  readonly at: number;
  readonly worker: NodeId;
  readonly slots: number;
  readonly load: number;
  readonly remark: string;
  readonly classIds: readonly string[];
}

export interface MadeAnnouncement {
  readonly at: number;
  readonly build: BuildId;
  readonly demands: readonly TaskDemand[];
  readonly offersWanted: number;
}

/** A line of the list. */
export interface EndedTask {
  readonly id: TaskId;
  readonly build: BuildId;
  readonly label: string;
  readonly how: NonNullable<TaskStory['how']>;
  /** Whose result it got; empty: no other machine's. */
  readonly machine: string;
  /** How often it was given to another machine. */
  readonly copies: number;
  readonly endedAgoMs: number;
  readonly tookMs: number;
}

export type Found =
  | { readonly is: 'one'; readonly story: TaskStory }
  | { readonly is: 'none' }
  /** Several units are meant: their labels, a few, and how many there are. */
  | { readonly is: 'many'; readonly labels: readonly string[]; readonly count: number };

export class Stories {
  readonly #policy: PolicyName;
  readonly #tasks = new Map<TaskId, KeptStory>();
  /** Ids in order of their end. */
  readonly #ended = new Ring<TaskId>(ENDED_KEPT);
  readonly #offers = new Ring<HeardOffer>(OFFERS_KEPT);
  readonly #announcements = new Ring<MadeAnnouncement>(ANNOUNCEMENTS_KEPT);
  readonly #names = new Map<NodeId, string>();

  /** `policy`: the delegator's, for tasks that name none. */
  constructor(policy: PolicyName) {
    this.#policy = policy;
  }

  /** Takes in one step of the delegation. */
  observe(event: DelegatorEvent, effects: readonly DelegatorEffect[], now: number): void {
    this.#hear(event, effects, now);
    for (const effect of effects) this.#see(effect, now);
  }

  /** A unit whose result lay in the store: the delegation never heard of it. */
  stored(id: TaskId, build: BuildId, label: string, now: number): void {
    const spec = { id, build, label, class: null, staysReason: '', p80Ms: null, bytes: 0 };
    this.#begin(spec, now);
    this.#end(id, 'stored', null, now);
  }

  /** A result came back and could not be used here: the compiler runs on this machine after all. */
  wentHere(id: TaskId, detail: string, now: number): void {
    const kept = this.#tasks.get(id);
    if (kept === undefined) return;
    this.#add(id, { at: now, kind: 'here', reason: 'output-not-written', detail, choice: null });
    kept.how = 'local';
    kept.worker = null;
  }

  /** Since when the task is where it is; null: not known. */
  movedAt(id: TaskId): number | null {
    return this.#tasks.get(id)?.movedAt ?? null;
  }

  nameOf(worker: NodeId): string {
    return this.#names.get(worker) ?? worker;
  }

  /** Tasks that have ended, the latest first; at most `most`. */
  ended(most: number, now: number): EndedTask[] {
    const found: EndedTask[] = [];
    for (const id of this.#ended.latestFirst().slice(0, most)) {
      const kept = this.#tasks.get(id);
      if (kept?.endedAt == null || kept.how === null) continue;
      const { spec, how, worker, submittedAt, endedAt } = kept;
      const machine = worker === null ? '' : this.nameOf(worker);
      const copies = kept.entries.filter((entry) => entry.kind === 'awarded').length;
      const times = { endedAgoMs: now - endedAt, tookMs: endedAt - submittedAt };
      found.push({ id, build: spec.build, label: spec.label, how, machine, copies, ...times });
    }
    return found;
  }

  /** By id, by the unit's path, or by a part of it that means one unit only, of which the latest compile is told. Empty: the latest of all. */
  find(text: string, now: number): Found {
    const latestFirst = [...this.#tasks.values()].reverse();
    const one = (kept: KeptStory | undefined): Found =>
      kept === undefined ? { is: 'none' } : { is: 'one', story: this.#write(kept, now) };
    if (text === '') return one(latestFirst.find((kept) => isUnit(kept.spec)) ?? latestFirst[0]);
    const exact = this.#tasks.get(text) ?? latestFirst.find((kept) => kept.spec.label === text);
    if (exact !== undefined) return one(exact);
    const matching = latestFirst.filter((kept) => kept.spec.label.includes(text));
    const labels = new Set(matching.map((kept) => kept.spec.label));
    // «foo.cc» means src/foo.cc even where there is a barfoo.cc.
    const named = [...labels].filter((label) => label.endsWith(`/${text}`));
    const [only = ''] = named.length === 1 ? named : [...labels];
    if (named.length === 1 || labels.size === 1) return one(matching.find((kept) => kept.spec.label === only));
    if (labels.size === 0) return { is: 'none' };
    return { is: 'many', labels: [...labels].slice(0, 8), count: labels.size };
  }

  #write(kept: KeptStory, now: number): TaskStory {
    const { spec } = kept;
    const announcements = [...this.#announcements.inOrder()].filter(({ build }) => build === spec.build);
    return writeStory(kept, announcements, [...this.#offers.inOrder()], (worker) => this.nameOf(worker), now);
  }

  #hear(event: DelegatorEvent, effects: readonly DelegatorEffect[], now: number): void {
    switch (event.type) {
      case 'submit':
        return this.#begin(event.task, now);
      case 'session-up':
        return this.#name(event.worker, event.name);
      case 'offer': {
        const { slots, info, remark, classIds } = event.offer;
        this.#name(event.worker, info.name);
        this.#offers.push({ at: now, worker: event.worker, slots, load: info.load, remark, classIds });
        return;
      }
      case 'started': {
        const { worker, attempt } = event;
        return this.#add(taskOf(attempt), { at: now, kind: 'started', worker, attempt });
      }
      case 'result': {
        const { worker, attempt, exit, ranMs, cpuMs } = event;
        const used = !effects.some((effect) => effect.type === 'discard' && effect.attempt === attempt);
        return this.#add(taskOf(attempt), { at: now, kind: 'result', worker, attempt, exit, ranMs, cpuMs, used });
      }
      default:
    }
  }

  #see(effect: DelegatorEffect, now: number): void {
    switch (effect.type) {
      case 'announce': {
        const { build, demands, offersWanted } = effect.announcement;
        this.#announcements.push({ at: now, build, demands, offersWanted });
        return;
      }
      case 'cancel-attempt': {
        const { worker, attempt, why } = effect;
        const id = taskOf(attempt);
        this.#tasks.get(id)?.copies.delete(attempt);
        return this.#add(id, { at: now, kind: 'told-to-stop', worker, attempt, why });
      }
      case 'note':
        return this.#note(effect.note, now);
      default:
    }
  }

  #note(note: DelegationNote, now: number): void {
    switch (note.kind) {
      case 'awarded': {
        const { task, worker, attempt, weighed } = note;
        const choice = keepChoice(weighed, worker, this.#policyOf(task));
        this.#add(task, { at: now, kind: 'awarded', worker, attempt, hedge: weighed.hedge, choice });
        this.#tasks.get(task)?.copies.add(attempt);
        return this.#moved(task, 'away', now);
      }
      case 'local': {
        const { task, reason, detail, weighed } = note;
        const choice = weighed === null ? null : keepChoice(weighed, null, this.#policyOf(task));
        this.#add(task, { at: now, kind: 'here', reason, detail, choice });
        return this.#moved(task, 'here', now);
      }
      case 'attempt-failed': {
        const { task, worker, attempt, code, message } = note;
        this.#add(task, { at: now, kind: 'failed', worker, attempt, code, message });
        const copies = this.#tasks.get(task)?.copies;
        copies?.delete(attempt);
        if (copies?.size === 0) this.#moved(task, 'waiting', now);
        return;
      }
      case 'ended':
        return this.#end(note.task, note.how, note.worker, now);
      default:
    }
  }

  #begin(spec: TaskSpec, now: number): void {
    const kept: KeptStory = {
      spec,
      submittedAt: now,
      movedAt: now,
      state: 'waiting',
      endedAt: null,
      how: null,
      worker: null,
      copies: new Set(),
      entries: [],
      untold: 0,
    };
    this.#tasks.set(spec.id, kept);
  }

  #add(id: TaskId, entry: Entry): void {
    const kept = this.#tasks.get(id);
    if (kept === undefined) return;
    if (kept.entries.length < ENTRIES_KEPT) kept.entries.push(entry);
    else kept.untold += 1;
  }

  #moved(id: TaskId, state: KeptStory['state'], now: number): void {
    const kept = this.#tasks.get(id);
    if (kept === undefined || kept.state === 'ended' || kept.state === state) return;
    kept.state = state;
    kept.movedAt = now;
  }

  #end(id: TaskId, how: NonNullable<KeptStory['how']>, worker: NodeId | null, now: number): void {
    const kept = this.#tasks.get(id);
    if (kept === undefined) return;
    kept.state = 'ended';
    kept.movedAt = now;
    kept.endedAt = now;
    kept.how = how;
    kept.worker = worker;
    kept.copies.clear();
    const oldest = this.#ended.push(id);
    if (oldest !== null) this.#tasks.delete(oldest);
  }

  #policyOf(task: TaskId): PolicyName {
    return this.#tasks.get(task)?.spec.policy ?? this.#policy;
  }

  #name(worker: NodeId, name: string): void {
    if (name === '' || this.#names.get(worker) === name) return;
    this.#names.set(worker, name);
    if (this.#names.size <= NAMES_KEPT) return;
    for (const oldest of this.#names.keys()) {
      this.#names.delete(oldest);
      return;
    }
  }
}

/** An attempt's id begins with its task's. */
function taskOf(attempt: string): TaskId {
  return attempt.slice(0, attempt.lastIndexOf('#'));
}

/** Links and probes are not what people ask about. */
function isUnit(spec: TaskSpec): boolean {
  return spec.staysReason !== 'not-a-compile' && spec.staysReason !== 'probe';
}
