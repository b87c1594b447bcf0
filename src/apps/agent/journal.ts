// The journal: what one of core's machines saw and decided, line by line, so that it can be replayed exactly. Off unless asked for.
// One file per machine and life of the agent: a replay needs the beginning, so a file that has reached its bound ends and says so.
import { hash } from 'node:crypto';
import { chmodSync, closeSync, mkdirSync, openSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { DelegatorOptions } from '../../core/delegation/types.ts';
import type { RecordData } from '../../core/record/record.ts';
import type { WorkerOptions } from '../../core/worker/types.ts';
import type { StateMachine } from './machine-runner.ts';

/** At most so much of what was decided is lost when the agent is killed. */
const writtenWithinMs = 200;
const buffered = 64 * 1024;
/** Of the bound: what one file may have, so that the two of a life fit twice. */
const fileShare = 1 / 4;

/** What a replay needs to make the same machine anew. */
export type JournalHead =
  | {
      readonly role: 'delegator';
      readonly node: string;
      readonly options: DelegatorOptions;
      readonly seed: number;
      readonly record: RecordData;
      /** With which the record was read. */
      readonly wallMs: number;
    }
  | {
      readonly role: 'worker';
      readonly node: string;
      readonly options: WorkerOptions;
      readonly seed: number;
      readonly record: null;
    };

export interface JournalPlace {
  readonly dir: string;
  /** For all files of this machine together. */
  readonly maxBytes: number;
  /** The machine's name: several agents may write into one directory. */
  readonly name: string;
}

export class Journals {
  private readonly place: JournalPlace;
  private readonly problem: (why: string) => void;
  private readonly open = new Set<Journal>();

  /** `problem` hears why nothing is written any more, as a sentence. The agent goes on without. */
  constructor(place: JournalPlace, problem: (why: string) => void) {
    this.place = place;
    this.problem = problem;
  }

  /** The machine, writing down each of its steps from the first on; the machine itself when that cannot be. */
  keep<Event, Effect>(machine: StateMachine<Event, Effect>, head: JournalHead): StateMachine<Event, Effect> {
    const { dir, maxBytes, name } = this.place;
    try {
      mkdirSync(dir, { recursive: true, mode: 0o700 });
      const prefix = `${name.replace(/[^\w.-]/g, '_')}-`;
      removeOldest(dir, prefix, maxBytes / 2);
      const stamp = new Date().toISOString().replace(/[-:.]/g, '');
      const file = join(dir, `${prefix}${head.role}-${stamp}-${process.pid}.jsonl`);
      const fd = openSync(file, 'wx', 0o600);
      chmodSync(file, 0o600);
      const journal = new Journal(fd, Math.floor(maxBytes * fileShare), (error) =>
        this.problem(`cannot write ${file}: ${error.message}`),
      );
      this.open.add(journal);
      const epochMs = Date.now() - performance.now();
      journal.write({ journal: 1, ...head, name, epochMs });
      return new Journaled(machine, journal);
    } catch (error) {
      this.problem(`cannot write to ${dir}: ${(error as Error).message}`);
      return machine;
    }
  }

  /** Writes what is left. */
  close(why: string): void {
    for (const journal of this.open) journal.end(why);
    this.open.clear();
  }
}

class Journaled<Event, Effect> implements StateMachine<Event, Effect> {
  private readonly machine: StateMachine<Event, Effect>;
  private readonly journal: Journal;

  constructor(machine: StateMachine<Event, Effect>, journal: Journal) {
    this.machine = machine;
    this.journal = journal;
  }

  step(event: Event, now: number): readonly Effect[] {
    try {
      const effects = this.machine.step(event, now);
      if (this.journal.isOpen) this.journal.write({ at: now, event, effects: digestOf(effects) });
      return effects;
    } catch (error) {
      // What broke the machine is what a replay is wanted for.
      this.journal.write({ at: now, event, threw: (error as Error).message });
      this.journal.end('broke');
      throw error;
    }
  }

  nextWakeAt(): number | null {
    return this.machine.nextWakeAt();
  }
}

class Journal {
  private readonly fd: number;
  private readonly maxBytes: number;
  private readonly failed: (error: Error) => void;
  private readonly timer: NodeJS.Timeout;
  private lines: string[] = [];
  private waiting = 0;
  private written = 0;
  isOpen = true;

  constructor(fd: number, maxBytes: number, failed: (error: Error) => void) {
    this.fd = fd;
    this.maxBytes = maxBytes;
    this.failed = failed;
    this.timer = setInterval(() => this.flush(), writtenWithinMs);
    this.timer.unref();
  }

  write(line: object): void {
    if (!this.isOpen) return;
    const text = `${JSON.stringify(line)}\n`;
    this.lines.push(text);
    // Characters for bytes: the bound is one of size, not an exact one.
    this.waiting += text.length;
    this.written += text.length;
    if (this.written >= this.maxBytes) this.end('full');
    else if (this.waiting >= buffered) this.flush();
  }

  /** The last line says why there are no more: without one the agent was killed. */
  end(why: string): void {
    if (!this.isOpen) return;
    this.lines.push(`${JSON.stringify({ end: why })}\n`);
    this.flush();
    if (this.isOpen) this.shut();
  }

  private flush(): void {
    if (this.lines.length === 0) return;
    const text = Buffer.from(this.lines.join(''));
    this.lines = [];
    this.waiting = 0;
    try {
      for (let done = 0; done < text.length;) done += writeSync(this.fd, text, done);
    } catch (error) {
      this.shut();
      this.failed(error as Error);
    }
  }

  private shut(): void {
    this.isOpen = false;
    clearInterval(this.timer);
    closeSync(this.fd);
  }
}

/** What a replay compares: 16 hex digits of the SHA-256 over the effects as JSON. */
function digestOf(effects: readonly unknown[]): string {
  return hash('sha256', JSON.stringify(effects), 'hex').slice(0, 16);
}

/** Removes this machine's oldest journals until the others have at most `keepBytes`. */
function removeOldest(dir: string, prefix: string, keepBytes: number): void {
  const pattern = /^(delegator|worker)-(\d{8}T\d{9}Z)-\d+\.jsonl$/;
  const found = readdirSync(dir).flatMap((file) => {
    const match = file.startsWith(prefix) ? pattern.exec(file.slice(prefix.length)) : null;
    return match === null ? [] : [{ path: join(dir, file), stamp: match[2] ?? '' }];
  });
  found.sort((a, b) => (a.stamp < b.stamp ? 1 : -1));
  let bytes = 0;
  for (const { path } of found) {
    bytes += statSync(path).size;
    if (bytes > keepBytes) rmSync(path, { force: true });
  }
}
