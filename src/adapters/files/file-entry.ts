// What the file cache knows of one file, and until when it is believed.
import type { NamedFile } from '../../compiler/types.ts';
import type { Contents } from './contents.ts';

/** A file by a path whose directory is real; the last component may be a symlink. */
export interface FileEntry {
  readonly path: string;
  checkedAt: number;
  /** As long as this is the directories' and no watch tells of the file, its contents hold. */
  trust: number;
  /** The number of the change that made the contents what they are. */
  changedAt: number;
  seenBy: number;
  contents: Contents | null;
  /** What was handed out for these contents. */
  named: NamedFile | null;
  /** What others were told last, unless it has gone since. */
  given: NamedFile | null;
  takenBy: number;
}
