// How busy the machine is with what is not ours: all of /proc/stat less the CPU of the agent and of everything below it. A process counts its
// ended children too, so that the sum over a tree grows steadily while tasks come and go.
import fs from 'node:fs';
import { join } from 'node:path';

const maxProcesses = 5_000;

interface Ticks {
  readonly busy: number;
  readonly all: number;
  readonly own: number;
}

export class ForeignLoad {
  readonly #procRoot: string;
  readonly #ownPids: () => readonly number[];
  #last: Ticks | null;

  constructor(procRoot: string, ownPids: () => readonly number[]) {
    this.#procRoot = procRoot;
    this.#ownPids = ownPids;
    this.#last = this.#read();
  }

  /** Since the last look: a share of the machine, 0 to 1; null: not known, or no time has passed. */
  look(): number | null {
    const before = this.#last;
    const now = this.#read();
    if (now === null || before === null) {
      this.#last = now;
      return null;
    }
    const all = now.all - before.all;
    if (all <= 0) return null;
    this.#last = now;
    // A tree that ended between two looks takes its past along; that is no work of others.
    const own = Math.max(0, now.own - before.own);
    return Math.max(0, Math.min(1, (now.busy - before.busy - own) / all));
  }

  #read(): Ticks | null {
    const line = /^cpu +(.*)$/m.exec(read(join(this.#procRoot, 'stat')))?.[1];
    const [user, nice, system, idle, waiting, irq, soft, steal] = (line ?? '').split(' ').map(Number);
    if (user === undefined || nice === undefined || system === undefined || idle === undefined) return null;
    // What another guest of the same host took is neither ours nor the owner's.
    const busy = user + nice + system + (irq ?? 0) + (soft ?? 0);
    const all = busy + idle + (waiting ?? 0) + (steal ?? 0);
    return Number.isFinite(all) ? { busy, all, own: this.#own() } : null;
  }

  /** Ticks of the trees of our processes, with their children that have ended. */
  #own(): number {
    let ticks = 0;
    const left = [...this.#ownPids()];
    for (let count = 0; left.length > 0 && count < maxProcesses; count++) {
      const pid = left.pop() ?? 0;
      const stat = read(join(this.#procRoot, String(pid), 'stat'));
      // The name, in parentheses, may hold anything.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      for (const field of fields.slice(11, 15)) ticks += Number(field) || 0;
      for (const child of read(join(this.#procRoot, `${pid}/task/${pid}/children`)).split(' ')) {
        if (child !== '') left.push(Number(child));
      }
    }
    return ticks;
  }
}

/** PSI of memory: shares of the last ten seconds, 0 to 100, in which some or all of what could run waited; null: not told. */
export function readMemoryPressure(procRoot: string): { readonly some: number; readonly full: number } | null {
  const text = read(join(procRoot, 'pressure/memory'));
  const share = (name: string): number => Number(new RegExp(`^${name} avg10=([\\d.]+)`, 'm').exec(text)?.[1] ?? NaN);
  const [some, full] = [share('some'), share('full')];
  return Number.isFinite(some) && Number.isFinite(full) ? { some, full } : null;
}

function read(file: string): string {
  try {
    return fs.readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
