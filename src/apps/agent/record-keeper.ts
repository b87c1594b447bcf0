// The record of past performance between the agent's memory, where every decision finds it, and the database, where it outlives
// the agent: what has changed is written every few seconds and at a build's end. A crash costs those seconds.
import { readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { RecordStore, Forget } from '../../adapters/record/types.ts';
import { ok, type Result } from '../../base/result.ts';
import { PastRecord, type RecordData } from '../../core/record/record.ts';

const saveEveryMs = 5000;
const namesMax = 4096;

export interface RecordWorld {
  /** $TENDER_HOME: an earlier version kept `record.json` there. */
  readonly home: string;
  readonly store: RecordStore;
  /** Milliseconds since 1970. */
  nowMs(): number;
  /** Has the record itself forget, as one of the delegator's events. */
  forget(what: Forget): void;
  /** `why` null: nothing is wrong any more. */
  problem(why: string | null): void;
}

export class RecordKeeper {
  record: PastRecord;
  /** The time as of which it was read. */
  readonly readAtMs: number;
  private readonly world: RecordWorld;
  private readonly names = new Map<string, string>();
  private readonly timer: NodeJS.Timeout;
  /** What was to be written was not: all of it is due. */
  private behind = false;

  constructor(world: RecordWorld) {
    this.world = world;
    this.readAtMs = world.nowMs();
    this.record = PastRecord.import(world.store.load(), this.readAtMs);
    this.takeOldFile();
    world.problem(world.store.problem);
    this.timer = setInterval(() => this.save(), saveEveryMs);
    this.timer.unref();
  }

  /** The record as plain data, and from now on the one that is read from it: what a replay begins with. */
  asWritten(): RecordData {
    const data = this.record.export();
    this.record = PastRecord.import(data, this.readAtMs);
    return data;
  }

  /** The name by which people know a worker. */
  name(worker: string, name: string): void {
    if (name === '') return;
    if (this.names.size >= namesMax) this.names.clear();
    this.names.set(worker, name);
  }

  /** Writes what has changed; when that fails it is told, and tried again next time. */
  save(): void {
    const { store } = this.world;
    const changes = this.record.takeChanges();
    if (changes === null && !this.behind) return;
    const rows = this.behind || changes === null ? this.record.export() : changes;
    const names = rows.workers.flatMap(([id]) => (this.names.has(id) ? [[id, this.names.get(id) ?? ''] as const] : []));
    const put = store.put(rows, new Map(names));
    this.behind = !put.ok;
    this.world.problem(store.problem);
  }

  /** How many rows of the database went. */
  forget(what: Forget): Result<number, string> {
    this.save();
    this.world.forget(what);
    return this.world.store.forget(what);
  }

  close(): void {
    clearInterval(this.timer);
    this.save();
    this.world.store.close();
  }

  /** Once: what was taken in is renamed, and stays away when it is no record at all. */
  private takeOldFile(): void {
    const file = join(this.world.home, 'record.json');
    let data: unknown;
    try {
      data = JSON.parse(readFileSync(file, 'utf8'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      data = null;
    }
    const put = this.record.adopt(data) ? this.world.store.put(this.record.export()) : ok(undefined);
    if (!put.ok) return;
    try {
      renameSync(file, `${file}.imported`);
    } catch {
      // It is taken in again next time, and changes nothing that was learnt since.
    }
  }
}
