// Compares what two builds of one tree made, byte for byte. The first build's outputs are moved aside, so that the second
// one runs at the very same paths: debug information, depfiles and assertions carry absolute paths.
import type { Dirent } from 'node:fs';
import { readFile, readdir, rename, mkdir, lstat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

/** What compilers, archivers and linkers leave: never logs or a build tool's own records, which name times. */
const OUTPUT = /\.(?:o|obj|lo|d|dwo|gcno|su|a|lib|so(?:\.[0-9.]+)?)$/;
const OBJECT = /\.(?:o|obj|lo)$/;

/** Path relative to the tree → what it was like, as far as a stat tells. */
export type TreeState = ReadonlyMap<string, string>;

export interface Difference {
  readonly path: string;
  /** `missing`: the farm did not make it; `extra`: the local build did not. */
  readonly kind: 'differs' | 'missing' | 'extra';
  readonly detail: string;
}

export interface Comparison {
  readonly files: number;
  /** Objects of either build. */
  readonly units: number;
  /** Objects that differ themselves or whose by-products (depfile, …) do. */
  readonly differingUnits: number;
  readonly differences: readonly Difference[];
}

/** The outputs that lie in `tree` now. */
export async function readTreeState(tree: string): Promise<TreeState> {
  const state = new Map<string, string>();
  for (const entry of await listTree(tree)) {
    if (!entry.isFile() || !OUTPUT.test(entry.name)) continue;
    const path = join(entry.parentPath, entry.name);
    const found = await lstat(path, { bigint: true }).catch(() => null);
    if (found !== null) state.set(relative(tree, path), `${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`);
  }
  return state;
}

/** A tree that is not there yet has nothing in it. */
function listTree(tree: string): Promise<Dirent[]> {
  return readdir(tree, { recursive: true, withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return [];
    throw cause;
  });
}

/** Number of objects in `tree` that are new since `before`: cheap enough to ask twice a second. */
export async function countNewObjects(tree: string, before: TreeState): Promise<number> {
  const names = await readdir(tree, { recursive: true }).catch(() => []);
  return names.filter((name) => OBJECT.test(name) && !before.has(name)).length;
}

/** The outputs that a build made or changed since `before`, relative to `tree`, in order. */
export async function listMadeOutputs(tree: string, before: TreeState): Promise<readonly string[]> {
  const now = await readTreeState(tree);
  return [...now]
    .filter(([path, state]) => before.get(path) !== state)
    .map(([path]) => path)
    .sort();
}

/** Moves outputs from `tree` to the same relative paths below `aside` (on the same file system). */
export async function moveAside(tree: string, paths: readonly string[], aside: string): Promise<void> {
  for (const path of paths) {
    await mkdir(dirname(join(aside, path)), { recursive: true });
    await rename(join(tree, path), join(aside, path));
  }
}

/** Compares the farm's outputs (below `farmDir`) with the local ones (below `localDir`). */
export async function compareOutputs(request: {
  farmDir: string;
  farmPaths: readonly string[];
  localDir: string;
  localPaths: readonly string[];
}): Promise<Comparison> {
  const farm = new Set(request.farmPaths);
  const local = new Set(request.localPaths);
  const all = [...new Set([...farm, ...local])].sort();
  const differences: Difference[] = [];
  for (const path of all) {
    if (!farm.has(path)) differences.push({ path, kind: 'missing', detail: 'the farm build did not make it' });
    else if (!local.has(path)) differences.push({ path, kind: 'extra', detail: 'only the farm build made it' });
    else {
      const [a, b] = await Promise.all([readFile(join(request.farmDir, path)), readFile(join(request.localDir, path))]);
      if (!a.equals(b)) differences.push({ path, kind: 'differs', detail: describeDifference(a, b) });
    }
  }
  const objects = all.filter((path) => OBJECT.test(path));
  const differing = new Set(differences.map((difference) => difference.path));
  const stems = new Set([...differing].flatMap(stemsOf));
  return {
    files: all.length,
    units: objects.length,
    differingUnits: objects.filter((path) => differing.has(path) || stemsOf(path).some((stem) => stems.has(stem)))
      .length,
    differences,
  };
}

/** A by-product belongs to the object that shares its stem: `x.o` with `x.d`, `x.cc.o` with `x.cc.o.d`. */
function stemsOf(path: string): string[] {
  return /\.(?:o|obj|lo|d|dwo|gcno|su)$/.test(path)
    ? [path.replace(/(?:\.(?:o|obj|lo))?(?:\.(?:o|obj|lo|d|dwo|gcno|su))$/, '')]
    : [];
}

function describeDifference(farm: Buffer, local: Buffer): string {
  const shorter = Math.min(farm.length, local.length);
  let at = 0;
  while (at < shorter && farm[at] === local[at]) at++;
  const sizes =
    farm.length === local.length
      ? `${farm.length} bytes each`
      : `${farm.length} bytes from the farm, ${local.length} local`;
  return `${sizes}, first difference at byte ${at}`;
}
