// A task's writable places: for each directory that gets an output, a fresh one on the host, bound over the client's path.
// The output directory is often the source directory, so what the task needs directly in it is put there too: directories and
// large files bound read-only, small files copied, because a mount costs twice as much as a small copy.
import fs from 'node:fs';
import { join } from 'node:path';
import { err, ok, type Result } from '../../base/result.ts';
import { findPathFault, parentOf, show } from './paths.ts';
import type { ChildEntry, RunFailure, RunResult, RunSpec } from './types.ts';

const copyUpToBytes = 256 * 1024;

export interface OutputMount {
  /** In the sandbox, symbolic links followed. */
  readonly dir: string;
  readonly hostDir: string;
  /** Names in it that are bound from the tree. */
  readonly readOnly: readonly string[];
  /** All names that are in it at the beginning or may be at the end. */
  readonly expected: ReadonlySet<string>;
}

export interface Outputs {
  readonly mounts: readonly OutputMount[];
  /** Where each of the spec's outputs would be on the host. */
  readonly files: readonly string[];
}

/** Prepares the directories below `scratchDir`, owned by `owner` (null: as they are made). Throws what the file system throws. */
export function prepareOutputs(spec: RunSpec, scratchDir: string, owner: number | null): Result<Outputs, RunFailure> {
  const cwd = spec.tree.ensureDir(spec.cwd);
  if (!cwd.ok) return refuse(cwd.error.code, cwd.error.message);
  const names = new Map<string, Set<string>>();
  const places: { readonly dir: string; readonly name: string }[] = [];
  for (const path of spec.outputs) {
    const fault = findPathFault(path);
    if (fault !== null) return refuse('bad-path', `the output ${show(path)} ${fault}`);
    const parent = spec.tree.ensureDir(parentOf(path));
    if (!parent.ok) return refuse(parent.error.code, parent.error.message);
    const dir = parent.value;
    if (dir === '/') return refuse('bad-path', `the output ${show(path)} lies in the root directory`);
    const name = path.slice(path.lastIndexOf('/') + 1);
    places.push({ dir, name });
    names.set(dir, (names.get(dir) ?? new Set()).add(name));
  }
  // A directory comes before what lies in it, so that the inner one is mounted over the outer one's.
  const dirs = [...names.keys()].sort((a, b) => a.length - b.length);
  const hostDirs = new Map(dirs.map((dir, index) => [dir, join(scratchDir, `out${index}`)]));
  const mounts: OutputMount[] = [];
  for (const [dir, hostDir] of hostDirs) {
    fs.mkdirSync(hostDir);
    const written = names.get(dir);
    const children = spec.tree.childrenOf(dir, [...dirs, cwd.value]).filter((child) => !written?.has(child.name));
    const readOnly = children.filter((child) => !placeChild(`${spec.tree.root}${dir}`, hostDir, child));
    fs.chmodSync(hostDir, 0o755);
    if (owner !== null) fs.chownSync(hostDir, owner, owner);
    const expected = new Set([...children.map((child) => child.name), ...(written ?? [])]);
    mounts.push({ dir, hostDir, readOnly: readOnly.map((child) => child.name), expected });
  }
  return ok({ mounts, files: places.map(({ dir, name }) => join(hostDirs.get(dir) ?? '', name)) });
}

/** False: only the place for it was made, and it must be bound. */
function placeChild(treeDir: string, hostDir: string, child: ChildEntry): boolean {
  const to = join(hostDir, child.name);
  if (child.kind === 'symlink') {
    fs.symlinkSync(child.target, to);
    return true;
  }
  if (child.kind === 'dir') {
    fs.mkdirSync(to);
    return false;
  }
  const from = join(treeDir, child.name);
  if (fs.statSync(from).size > copyUpToBytes) {
    fs.writeFileSync(to, '');
    return false;
  }
  fs.copyFileSync(from, to, fs.constants.COPYFILE_FICLONE);
  return true;
}

function refuse(code: string, message: string): { readonly ok: false; readonly error: RunFailure } {
  return err({ code: code === 'disk-full' ? code : 'sandbox', message });
}

/** Something that the command left where it may write and that nobody asked for, by its path inside; null: nothing. */
export function findUnnamed(
  { mounts }: Outputs,
  tmp: { readonly dir: string; readonly hostDir: string },
): string | null {
  for (const { dir, hostDir, expected } of [...mounts, { ...tmp, expected: new Set<string>() }]) {
    const name = fs.readdirSync(hostDir).find((entry) => !expected.has(entry));
    if (name !== undefined) return `${dir}/${name}`;
  }
  return null;
}

/** Reads what the command wrote: regular files only, `maxBytes` in all. Nothing may run in the sandbox any more. */
export function collectOutputs(files: readonly string[], maxBytes: number): Result<RunResult['outputs'], RunFailure> {
  let left = maxBytes;
  const collected: ({ readonly data: Buffer; readonly mode: number } | null)[] = [];
  for (const path of files) {
    const name = show(path.slice(path.lastIndexOf('/') + 1));
    const read = readRegular(path, left);
    if (!read.ok) {
      return read.error === 'too-large'
        ? err({ code: 'too-large', message: `the outputs are larger than ${maxBytes} bytes` })
        : err({ code: 'bad-result', message: `the command made ${name} something else than a file` });
    }
    left -= read.value?.data.length ?? 0;
    collected.push(read.value);
  }
  return ok(collected);
}

type ReadResult = Result<{ readonly data: Buffer; readonly mode: number } | null, 'too-large' | 'not-a-file'>;

/** A regular file's bytes and mode; null when there is none. Follows no link and waits for no pipe. */
export function readRegular(path: string, maxBytes: number): ReadResult {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
  let fd: number;
  try {
    fd = fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'ENOENT' ? ok(null) : err('not-a-file');
  }
  try {
    const info = fs.fstatSync(fd);
    if (!info.isFile()) return err('not-a-file');
    if (info.size > maxBytes) return err('too-large');
    const data = Buffer.allocUnsafeSlow(info.size);
    let at = 0;
    for (let read = 1; at < data.length && read > 0; at += read) read = fs.readSync(fd, data, at, data.length - at, at);
    return ok({ data: data.subarray(0, at), mode: info.mode & 0o777 });
  } finally {
    fs.closeSync(fd);
  }
}
