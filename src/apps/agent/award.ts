// One session's awards: each file is named once with path and digest and by its number from then on,
// so that the four hundred headers of a unit cost a few hundred bytes on the wire.
import type { AttemptId, LeaseId } from '../../core/types.ts';
import type { AwardMessage, FileEntryMessage } from '../../wire/messages.ts';
import { toolchainToWire } from '../../wire/session.ts';
import type { NamedFile, NameSpacePiece } from '../../compiler/types.ts';
import type { CompileTask } from './prepare.ts';

type SentPiece = Pick<AwardMessage, 'files' | 'symlinks' | 'dirs'>;

const deadlineMs = 20 * 60 * 1000;

export class AwardWriter {
  /** Path → the number under which this session knows it, with the content it had then. */
  private readonly known = new Map<string, { readonly number: number; readonly file: NamedFile }>();
  private nextNumber = 1;

  /** Pieces that this session was sent before: the numbers of their files stay what they were. */
  private readonly sent = new WeakMap<NameSpacePiece, SentPiece>();

  write(task: CompileTask, leaseId: LeaseId, attempt: AttemptId): AwardMessage {
    const newFiles: FileEntryMessage[] = [];
    let piece = this.sent.get(task.fragment);
    if (piece === undefined) {
      piece = this.number(task.fragment, newFiles);
      this.sent.set(task.fragment, piece);
    }
    return {
      leaseId,
      attempt,
      label: task.label,
      toolchain: task.class.toolchain === null ? null : toolchainToWire(task.class.toolchain),
      argv: task.argv.map((word) => Buffer.from(word)),
      cwd: Buffer.from(task.cwd),
      env: task.env.map((entry) => Buffer.from(entry)),
      umask: task.umask,
      epoch: task.epoch,
      newFiles,
      ...piece,
      outputs: task.outputs.map((output) => ({ path: Buffer.from(output.path), kind: output.kind })),
      deadlineMs,
      memBytes: task.memBytes,
    };
  }

  private number(fragment: NameSpacePiece, newFiles: FileEntryMessage[]): SentPiece {
    const files: number[] = [];
    for (const file of fragment.files) {
      let known = this.known.get(file.path);
      if (known === undefined || !isSame(known.file, file)) {
        known = { number: this.nextNumber++, file };
        this.known.set(file.path, known);
        const { size, executable, digest, inode = 0, modifiedS = 0 } = file;
        const path = Buffer.from(file.path);
        newFiles.push({ number: known.number, path, digest, size, executable, inode, modifiedS });
      }
      files.push(known.number);
    }
    return {
      files,
      symlinks: fragment.symlinks.map((link) => ({ path: Buffer.from(link.path), target: Buffer.from(link.target) })),
      dirs: fragment.dirs.map((dir) => Buffer.from(dir)),
    };
  }
}

function isSame(a: NamedFile, b: NamedFile): boolean {
  if (a === b) return true;
  return a.inode === b.inode && a.modifiedS === b.modifiedS && Buffer.compare(a.digest, b.digest) === 0;
}
