// Others' tasks in a control group of their own that gets the processor only when nobody else wants it (cpu.idle, else the least weight),
// and that can be stopped as a whole: each task has a cell in it. Nice values and SCHED_IDLE count only within a session (autogroup);
// a group counts against all. Where none may be made there are no cells, and the sandbox does with priorities and signals.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { join } from 'node:path';
import { findPlaces, type CgroupRoots } from './cgroup-places.ts';
import { endAll, makeGroup, pidsIn, put, removeGroup } from './cgroup-files.ts';
import { openScope } from './idle-scope.ts';

/** One task's place. A group of version 1 must be thawed before what was killed in it can go; thawing what is not frozen does nothing. */
export interface Cell {
  /** Puts a process there, with all that it will start; false: it is not there. Takes some milliseconds, in another thread. */
  enter(pid: number): Promise<boolean>;
  /** False: it cannot be stopped this way. */
  freeze(): boolean;
  thaw(): void;
  /** When nothing runs in it any more. */
  leave(): void;
}

export interface IdleGroup {
  /** For people: what tasks get here. */
  readonly kind: string;
  /** Whether tasks give way by the group's weight, and not only by their own priority. */
  readonly yields: boolean;
  take(): Cell;
  /** Removes it; what still runs in it is ended. */
  close(): void;
}

export interface IdleGroupOptions extends Partial<CgroupRoots> {
  /** The program that asks systemd for a scope; null: do not ask. */
  readonly systemdRun?: string | null;
}

/** The directories of a group: where processes are put for their weight, where cells are made, and which version these are. */
interface Base {
  readonly weight: string | null;
  readonly cells: string;
  readonly version: 1 | 2;
  readonly undo: () => void;
}

/** Null: this machine lets us make none. What an earlier life left behind is ended and removed first. */
export async function openIdleGroup(home: string, options: IdleGroupOptions = {}): Promise<IdleGroup | null> {
  const roots = { procRoot: '/proc', mountPrefix: '', ...options };
  const name = groupName(home);
  const places = findPlaces(roots);
  // The freezer first: what is frozen cannot end.
  for (const place of [places.freezer, places.cpu, places.unified]) sweep(place, name);
  const { systemdRun = '/usr/bin/systemd-run' } = options;
  const base =
    places.cpu !== null
      ? inVersion1(places.cpu, places.freezer, name)
      : (inOwnSubtree(places.unified, name) ??
        (await inScope(roots, systemdRun, name)) ??
        inAnySubtree(places.unified, name));
  return base === null ? null : new Group(base);
}

/** One agent serves one home, so whatever is in a group of this name is that agent's. */
function groupName(home: string): string {
  return `tender-${createHash('sha256').update(fs.realpathSync(home)).digest('hex').slice(0, 12)}`;
}

/** An agent that was killed leaves its group; what was frozen in it even lives on. */
function sweep(place: string | null, name: string): void {
  if (place !== null && fs.existsSync(join(place, name))) endAll(join(place, name));
}

function inVersion1(cpu: string, freezer: string | null, name: string): Base | null {
  const weight = makeGroup(join(cpu, name));
  const cells = freezer === null ? null : makeGroup(join(freezer, name));
  const idle = weight !== null && beIdle(weight, 'cpu.shares', '2');
  if (weight !== null && !idle) removeGroup(weight);
  if (!idle && cells === null) return null;
  // Without a freezer cells are only names.
  return { weight: idle ? weight : null, cells: cells ?? '', version: 1, undo: () => undefined };
}

/** A group that was given to this agent alone (`Delegate=` of its unit): the agent becomes one leaf of it, the tasks another. */
function inOwnSubtree(own: string | null, name: string): Base | null {
  if (own === null || pidsIn(own).some((pid) => pid !== process.pid)) return null;
  const leaf = makeGroup(join(own, `${name}-agent`));
  if (leaf === null) return null;
  const undo = (): void => {
    put(own, 'cgroup.subtree_control', '-cpu');
    put(own, 'cgroup.procs', String(process.pid));
    removeGroup(leaf);
  };
  const moved = put(leaf, 'cgroup.procs', String(process.pid)) && put(own, 'cgroup.subtree_control', '+cpu');
  const cells = moved ? makeGroup(join(own, name)) : null;
  if (cells !== null && beIdle(cells, 'cpu.weight', '1')) {
    return { weight: cells, cells, version: 2, undo };
  }
  if (cells !== null) removeGroup(cells);
  undo();
  return null;
}

/** systemd makes one, beside all else that its manager (the user's, or the system's for root) runs. */
async function inScope(roots: CgroupRoots, systemdRun: string | null, name: string): Promise<Base | null> {
  const scope = systemdRun === null ? null : await openScope(systemdRun, name, roots);
  if (scope === null) return null;
  const cells = join(scope.dir, name);
  if (makeGroup(cells) !== null) return { weight: cells, cells, version: 2, undo: () => scope.close() };
  scope.close();
  return null;
}

/** Shared with others' processes, a group cannot share out the processor (but for the first of all); it can be frozen. */
function inAnySubtree(own: string | null, name: string): Base | null {
  const cells = own === null ? null : makeGroup(join(own, name));
  if (cells === null) return null;
  const idle = beIdle(cells, 'cpu.weight', '1');
  return { weight: idle ? cells : null, cells, version: 2, undo: () => undefined };
}

/** Kernels before 5.15 know no idle groups: the least weight then. */
function beIdle(dir: string, weightFile: string, least: string): boolean {
  return put(dir, 'cpu.idle', '1') || put(dir, weightFile, least);
}

class Group implements IdleGroup {
  readonly kind: string;
  readonly yields: boolean;
  private readonly base: Base;
  /** Cells that nobody is in: a directory costs more than a write. */
  private readonly free: string[] = [];
  private made = 0;

  constructor(base: Base) {
    this.base = base;
    this.yields = base.weight !== null;
    const freezer = base.cells === '' ? 'no freezer' : 'freezer';
    this.kind = `control groups ${base.version}: ${this.yields ? 'idle' : 'no weight'}, ${freezer}`;
  }

  take(): Cell {
    const { weight, cells, version } = this.base;
    const dir = cells === '' ? null : (this.free.pop() ?? makeGroup(join(cells, `${process.pid}-${this.made++}`)));
    // In version 2 a cell is within the group that has the weight.
    const enterAlso = version === 1 ? weight : null;
    const freeze = (on: boolean): boolean =>
      dir !== null &&
      (version === 1 ? put(dir, 'freezer.state', on ? 'FROZEN' : 'THAWED') : put(dir, 'cgroup.freeze', on ? '1' : '0'));
    let isIn = dir !== null;
    return {
      enter: async (pid) => {
        for (const each of [enterAlso, dir]) {
          if (each === null) continue;
          try {
            await fs.promises.writeFile(join(each, 'cgroup.procs'), String(pid));
          } catch {
            isIn &&= each !== dir;
          }
        }
        return isIn;
      },
      freeze: () => isIn && freeze(true),
      thaw: () => void freeze(false),
      leave: () => {
        freeze(false);
        if (dir !== null) this.free.push(dir);
      },
    };
  }

  close(): void {
    const { weight, cells, undo } = this.base;
    for (const dir of new Set([cells, weight ?? ''])) if (dir !== '') endAll(dir);
    undo();
  }
}
