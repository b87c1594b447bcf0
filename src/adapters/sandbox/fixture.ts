// For tests: a sandbox, its trees and a stock of real files in one temporary directory, and the real programs that tasks run.
// The stock stands in for the store of blobs by the same hard links, so a task that could write through one would be found out.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { err, ok } from '../../base/result.ts';
import { openSandbox } from './open.ts';
import { openTrees } from './trees.ts';
import type { BlobSource, Limits, RunSpec, Run, Sandbox, TreeFile, TreeLease, TreeRequest, Trees } from './types.ts';

export interface Fixture {
  readonly dir: string;
  readonly sandbox: Sandbox;
  readonly trees: Trees;
  /** A file for a tree: these bytes at that path. */
  file(path: string, bytes: string | Buffer): TreeFile;
  /** Programs of this machine with their libraries, at their own paths. */
  programs(...paths: string[]): TreeFile[];
  stockPath(digest: string): string;
  acquire(request: Partial<TreeRequest>): TreeLease;
  start(lease: TreeLease, spec: Partial<RunSpec>): Run;
  close(): Promise<void>;
}

export const limits: Limits = {
  cpuSeconds: 60,
  memBytes: 4 * 2 ** 30,
  outputBytes: 64 * 2 ** 20,
  processes: 64,
  openFiles: 256,
  wallMs: 60_000,
};

/** Fails where the sandbox does not work: callers skip first. `dir`: where, instead of a new temporary directory. */
export async function openFixture(
  dir = fs.mkdtempSync(join(os.tmpdir(), 'tender-sandbox-')),
  niceness = 0, // a busy machine must not make tests wait
): Promise<Fixture> {
  const stock = join(dir, 'stock');
  fs.mkdirSync(stock);
  const sandbox = await openSandbox(join(dir, 'sandbox'), { niceness });
  if (!sandbox.ok) throw new Error(sandbox.error.message);
  const blobs: BlobSource = {
    has: (digest) => fs.existsSync(join(stock, digest)),
    link(digest, to) {
      if (!blobs.has(digest)) return err({ code: 'missing', message: digest });
      fs.linkSync(join(stock, digest), to);
      return ok(undefined);
    },
  };
  const trees = openTrees(join(dir, 'trees'), blobs);
  if (!trees.ok) throw new Error(trees.error.message);
  let runs = 0;

  const file = (path: string, bytes: string | Buffer): TreeFile => {
    const digest = createHash('sha256').update(bytes).digest('hex');
    const kept = join(stock, digest);
    if (!fs.existsSync(kept)) {
      fs.writeFileSync(kept, bytes);
      fs.chmodSync(kept, 0o555);
    }
    return { path, digest };
  };
  return {
    dir,
    sandbox: sandbox.value,
    trees: trees.value,
    file,
    programs(...paths) {
      const all = new Set(paths.flatMap((path) => [path, ...listLibraries(path)]));
      return [...all].map((path) => file(path, fs.readFileSync(path)));
    },
    stockPath: (digest) => join(stock, digest),
    acquire(request) {
      const lease = trees.value.acquire({ client: 'test', epoch: '1', files: [], symlinks: [], dirs: [], ...request });
      if (!lease.ok) throw new Error(lease.error.message);
      return lease.value;
    },
    start: (tree, spec) =>
      sandbox.value.run({
        tree,
        argv: ['/bin/sh', '-c', ':'],
        cwd: '/',
        env: ['PATH=/usr/bin:/bin'],
        umask: 0o022,
        outputs: [],
        scratchDir: join(dir, 'scratch', String(runs++)),
        limits,
        ...spec,
      }),
    async close() {
      sandbox.value.close();
      await trees.value.close();
      fs.rmSync(dir, { recursive: true, force: true });
    },
  };
}

export function listLibraries(path: string): string[] {
  try {
    const said = execFileSync('ldd', [path], { stdio: ['ignore', 'pipe', 'ignore'] }).toString();
    return [...said.matchAll(/(\/\S+) \(/g)].map((match) => match[1] ?? '');
  } catch {
    return []; // a static program
  }
}

/** Host numbers of live processes whose command line contains `word` and begins with `program`. */
export function findProcesses(word: string, program = ''): number[] {
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const line = fs.readFileSync(`/proc/${name}/cmdline`, 'utf8');
        return line.startsWith(program) && line.includes(word);
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** Waits until `condition` holds; false after `patienceMs`. */
export async function until(condition: () => boolean, patienceMs = 10_000): Promise<boolean> {
  const deadline = performance.now() + patienceMs;
  while (!condition()) {
    if (performance.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return true;
}
