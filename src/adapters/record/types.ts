// What keeps the record of past performance on disk. It only improves guesses: nothing here may stop a build or make it
// wait, so every failure is a sentence for `tender status`, and what could not be written is written later.
import type { Result } from '../../base/result.ts';
import type { RecordData } from '../../core/record/record.ts';

/** What to forget: a project, a worker, a worker's rates in a project; nothing named: all. */
export interface Forget {
  readonly project?: string | undefined;
  readonly worker?: string | undefined;
}

export interface RecordStore {
  /** What went wrong with the place, for people; null: nothing. A store with a problem keeps trying. */
  readonly problem: string | null;
  /** All rows, oldest first; none when they cannot be read. */
  load(): RecordData;
  /** The names of workers, by id, as they were last told. */
  names(): ReadonlyMap<string, string>;
  /**
   * Writes rows in place of earlier ones, all of them or none; a row that another process has written later stays.
   * The error is a sentence for people: the rows are not kept, and it may be tried again.
   */
  put(rows: RecordData, names?: ReadonlyMap<string, string>): Result<void, string>;
  /** How many rows went. */
  forget(what: Forget): Result<number, string>;
  close(): void;
}
