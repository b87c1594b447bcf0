// Notes on which directories, and on which of them by name, an answer rests while it is worked out; answers may nest.
import type { DirectoryEntry } from './directory-entry.ts';

/** What a remembered answer rests on. */
export interface Grounds {
  readonly entries: readonly DirectoryEntry[];
  /** For each entry that of where it leads, and that of its names where one was asked for. */
  readonly stamps: Int32Array;
  /** The table's version in which all was found as it was, and watches vouched for all of it. */
  verified: number;
}

/** In the place of a stamp: no name was asked for. */
export const NO_NAMES = -1;

interface Recording {
  readonly number: number;
  /** Whether on names in them, too. */
  readonly noted: Map<DirectoryEntry, boolean>;
}

export class Recorder {
  readonly #recordings: Recording[] = [];
  #begun = 0;

  /** Runs `work` and gives what it rests on; all of it is noted for the work that this one is a part of. */
  record<T>(work: () => T): { value: T; grounds: Grounds } {
    const recording: Recording = { number: ++this.#begun, noted: new Map() };
    this.#recordings.push(recording);
    let value: T;
    try {
      value = work();
    } finally {
      this.#recordings.pop();
    }
    const { noted } = recording;
    const grounds: Grounds = { entries: [...noted.keys()], stamps: new Int32Array(2 * noted.size), verified: 0 };
    let at = 0;
    for (const [entry, names] of noted) {
      this.note(entry, names);
      grounds.stamps[at++] = entry.realStamp;
      grounds.stamps[at++] = names ? entry.namesStamp : NO_NAMES;
    }
    return { value, grounds };
  }

  note(entry: DirectoryEntry, names: boolean): void {
    const recording = this.#recordings.at(-1);
    if (recording === undefined) return;
    if (entry.notedBy === recording.number && (entry.notedNames || !names)) return;
    entry.notedBy = recording.number;
    entry.notedNames = names;
    if (names) recording.noted.set(entry, true);
    else if (!recording.noted.has(entry)) recording.noted.set(entry, false);
  }

  noteAll({ entries, stamps }: Grounds): void {
    if (this.#recordings.length === 0) return;
    let at = 0;
    for (const entry of entries) {
      this.note(entry, stamps[at + 1] !== NO_NAMES);
      at += 2;
    }
  }
}
