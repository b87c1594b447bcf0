// What the demo can build: RE2 with abseil (CMake), LevelDB (its own Makefile), or a copy of any directory.
// A project is a tree at one path and the commands that build it there; both builds run at that same path.
import { spawn, spawnSync } from 'node:child_process';
import { chmod, mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { fetchPackage, LEVELDOWN_PACKAGE, RE2_PACKAGE, unpackPackage } from '../../adapters/corpus/fetch.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { waitForChild } from './processes.ts';

export interface Problem {
  readonly message: string;
}

/** A command's words. */
export type Step = readonly [string, ...string[]];

export interface Project {
  readonly label: string;
  /** Where the build's outputs appear. */
  readonly tree: string;
  /** Where its commands run. */
  readonly cwd: string;
  /** Compiles that must reach Tender; null: not known. */
  readonly units: number | null;
  /** Makes the tree as it is before a build. */
  reset(): Promise<Result<null, Problem>>;
  /** The build's commands; `jobs` null: the project's own command says how many. */
  steps(jobs: number): readonly Step[];
}

export interface ProjectRequest {
  /** The demo's temporary directory. */
  readonly scratch: string;
  readonly cacheDir: string;
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
}

/**
 * -O1, and not the -O2 of a release: two whole builds and a farm's set-up have four minutes on two cores,
 * and -O2 alone takes more than three of them.
 */
const ABSEIL_FLAGS = '-O1';
const ABSEIL_UNITS = 178;

/** RE2 and abseil: 178 C++ units with depfiles, by CMake. */
export async function prepareAbseil(request: ProjectRequest): Promise<Result<Project, Problem>> {
  const tarball = await fetchPackage(RE2_PACKAGE, request);
  if (!tarball.ok) return tarball;
  const unpacked = await unpackPackage(tarball.value, join(request.scratch, 're2'));
  if (!unpacked.ok) return unpacked;
  if (!isInstalled('cmake')) return err({ message: 'the demo builds RE2 by CMake: install cmake' });
  const source = join(request.scratch, 'project');
  const tree = join(request.scratch, 'build');
  await mkdir(source);
  await writeFile(
    join(source, 'CMakeLists.txt'),
    `cmake_minimum_required(VERSION 3.13)
project(tender-demo CXX)
add_subdirectory(${unpacked.value}/vendor/abseil-cpp absl)
add_subdirectory(${unpacked.value}/vendor/re2 re2)
`,
  );
  const ninja = isInstalled('ninja');
  const configure: Step = [
    'cmake',
    ...['-S', source, '-B', tree, '-G', ninja ? 'Ninja' : 'Unix Makefiles'],
    `-DCMAKE_CXX_FLAGS=${ABSEIL_FLAGS}`,
    ...['-DCMAKE_BUILD_TYPE=', '-DCMAKE_CXX_STANDARD=17', '-DABSL_PROPAGATE_CXX_STD=ON', '-DABSL_ENABLE_INSTALL=ON'],
    '-DRE2_INSTALL=OFF',
  ];
  // Ninja swallows depfiles after reading them unless told otherwise.
  const build = ninja ? (['ninja', '-d', 'keepdepfile'] as const) : (['make'] as const);
  return ok({
    label: `RE2 and abseil, ${ABSEIL_UNITS} C++ units, ${ABSEIL_FLAGS}`,
    tree,
    cwd: request.scratch,
    units: ABSEIL_UNITS,
    reset: () => removeTree(tree),
    steps: (jobs) => [configure, [...build, '-C', tree, `-j${jobs}`]],
  });
}

const LEVELDB_UNITS = 40;

/** LevelDB by its own Makefile, static library only: small enough for tests. */
export async function prepareLeveldb(request: ProjectRequest): Promise<Result<Project, Problem>> {
  const tarball = await fetchPackage(LEVELDOWN_PACKAGE, request);
  if (!tarball.ok) return tarball;
  const home = join(request.scratch, 'leveldown');
  const tree = join(home, 'package', 'deps', 'leveldb', 'leveldb-1.20');
  return ok({
    label: `LevelDB, ${LEVELDB_UNITS} C++ units, -O1 -g`,
    tree,
    cwd: tree,
    units: LEVELDB_UNITS,
    reset: async () => {
      const removed = await removeTree(home);
      if (!removed.ok) return removed;
      const unpacked = await unpackPackage(tarball.value, home);
      if (!unpacked.ok) return unpacked;
      // The Makefile runs it, and the package carries it without its executable bit.
      await chmod(join(tree, 'build_detect_platform'), 0o755);
      return ok(null);
    },
    steps: (jobs) => [['make', `-j${jobs}`, 'OPT=-O1 -g -MD -DNDEBUG', 'out-static/libleveldb.a']],
  });
}

/** A copy of the user's directory and his command; his own directory is only read. */
export async function prepareDirectory(
  request: ProjectRequest & { dir: string; command: readonly [string, ...string[]] },
): Promise<Result<Project, Problem>> {
  const dir = resolve(request.dir);
  const found = await stat(dir).catch((cause: NodeJS.ErrnoException) => cause);
  if (found instanceof Error) return err({ message: `cannot read the project ${dir}: ${found.message}` });
  if (!found.isDirectory()) return err({ message: `the project ${dir} is not a directory` });
  const tree = join(request.scratch, 'copy', basename(dir) || 'project');
  return ok({
    label: `${dir}, by \`${request.command.join(' ')}\``,
    tree,
    cwd: tree,
    units: null,
    reset: async () => {
      const removed = await removeTree(tree);
      if (!removed.ok) return removed;
      await mkdir(join(request.scratch, 'copy'), { recursive: true });
      // Times are kept: make would else find everything out of date or, worse, in an order of its own.
      const copied = await waitForChild(
        spawn('cp', ['-a', '--', dir, tree], { stdio: ['ignore', 'ignore', 'pipe'] }),
        request.signal,
      );
      if (copied.code === 0) return ok(null);
      return err({ message: `cannot copy the project ${dir}: ${copied.stderr.trim().split('\n')[0] ?? ''}` });
    },
    steps: () => [request.command],
  });
}

async function removeTree(dir: string): Promise<Result<null, Problem>> {
  try {
    await rm(dir, { recursive: true, force: true, maxRetries: 3 });
    return ok(null);
  } catch (cause) {
    return err({ message: `cannot remove ${dir}: ${(cause as Error).message}` });
  }
}

function isInstalled(command: string): boolean {
  return spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0;
}
