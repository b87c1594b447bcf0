// Notes on which directories, and on which of them by name, an answer rests while it is worked out. Answers nest: one that rests on
// others names them as its parts, so that what many share is looked at once.
import type { DirectoryEntry } from './directory-entry.ts';

/** What a remembered answer rests on. */
export interface Grounds {
  readonly entries: readonly DirectoryEntry[];
  /** For each entry that of where it leads, and that of its names where one was asked for. */
  readonly stamps: Int32Array;
  /** The grounds of the answers that it was worked out from. */
  readonly parts: readonly Grounds[];
  /** The table's version in which all was found as it was, and watches vouched for all of it. */
  verified: number;
  /** The moment in which all was found as it was. */
  heldAt: number;
  /** The recording that has noted this last. */
  notedBy: number;
}

/** In the place of a stamp: no name was asked for. */
export const NO_NAMES = -1;

interface Recording {
  readonly number: number;
  /** Whether on names in them, too. */
  readonly noted: Map<DirectoryEntry, boolean>;
  readonly parts: Grounds[];
}

export class Recorder {
  readonly #recordings: Recording[] = [];
  #begun = 0;

  /** Runs `work` and gives what it rests on, which is noted for the work that this one is a part of. */
  record<T>(work: () => T): { value: T; grounds: Grounds } {
    const recording: Recording = { number: ++this.#begun, noted: new Map(), parts: [] };
    this.#recordings.push(recording);
    let value: T;
    try {
      value = work();
    } finally {
      this.#recordings.pop();
    }
    const { noted, parts } = recording;
    const stamps = new Int32Array(2 * noted.size);
    const grounds: Grounds = { entries: [...noted.keys()], stamps, parts, verified: 0, heldAt: 0, notedBy: 0 };
    let at = 0;
    for (const [entry, names] of noted) {
      stamps[at++] = entry.realStamp;
      stamps[at++] = names ? entry.namesStamp : NO_NAMES;
    }
    this.notePart(grounds);
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

  /** Notes all that another answer rests on. */
  notePart(grounds: Grounds): void {
    const recording = this.#recordings.at(-1);
    if (recording === undefined || grounds.notedBy === recording.number) return;
    grounds.notedBy = recording.number;
    recording.parts.push(grounds);
  }
}

/** Every directory that an answer or one of its parts rests on, each once, and whether on names in it. */
export function directoriesOf(grounds: Grounds): ReadonlyMap<DirectoryEntry, boolean> {
  const found = new Map<DirectoryEntry, boolean>();
  const pending = [grounds];
  const met = new Set(pending);
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const [index, entry] of next.entries.entries()) {
      const names = next.stamps[2 * index + 1] !== NO_NAMES;
      found.set(entry, names || found.get(entry) === true);
    }
    for (const part of next.parts) {
      if (met.has(part)) continue;
      met.add(part);
      pending.push(part);
    }
  }
  return found;
}
