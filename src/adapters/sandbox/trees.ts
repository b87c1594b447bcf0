// All trees of a worker: one per client and epoch, held by the tasks that run in them, removed when long unused.
// They live in memory and on disk together: what an earlier run left is removed at start, in the background.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { join } from 'node:path';
import { err, ok, type Result } from '../../base/result.ts';
import { removeAll } from './remove.ts';
import { explainTreeError, Tree } from './tree.ts';
import type { BlobSource, TreeError, TreeLease, TreeRequest, Trees } from './types.ts';

export interface TreesOptions {
  /** A tree that no task used for so long is removed; default 30 minutes. */
  readonly idleMs?: number;
  /** Trees kept per client beside those in use; default 3. */
  readonly perClient?: number;
  readonly sweepMs?: number;
}

interface Held {
  readonly client: string;
  readonly key: string;
  readonly tree: Tree;
  users: number;
  usedMs: number;
}

/** Opens the directory of trees (on the same file system as the blobs, so that links work). Throws nothing but bugs. */
export function openTrees(dir: string, blobs: BlobSource, options: TreesOptions = {}): Result<Trees, TreeError> {
  const { idleMs = 30 * 60_000, perClient = 3, sweepMs = 60_000 } = options;
  const run = randomBytes(4).toString('hex');
  const held = new Map<string, Held>();
  const removing = new Set<Promise<void>>();
  let made = 0;

  const remove = (path: string): void => {
    const gone = removeAll(path).finally(() => removing.delete(gone));
    removing.add(gone);
  };
  try {
    fs.mkdirSync(dir, { recursive: true, mode: 0o700 });
    for (const name of fs.readdirSync(dir)) remove(join(dir, name));
  } catch (thrown) {
    return err(explainTreeError(dir, thrown));
  }

  const drop = (it: Held): void => {
    held.delete(it.key);
    remove(it.tree.root);
  };
  const sweep = (all = false): void => {
    const oldBefore = performance.now() - idleMs;
    const kept = new Map<string, number>();
    const unused = [...held.values()].filter((it) => it.users === 0).sort((a, b) => b.usedMs - a.usedMs);
    for (const it of unused) {
      const count = (kept.get(it.client) ?? 0) + 1;
      kept.set(it.client, count);
      if (all || it.usedMs < oldBefore || count > perClient) drop(it);
    }
  };
  const timer = setInterval(sweep, sweepMs, false).unref();

  const find = (client: string, epoch: string): Result<Held, TreeError> => {
    const key = `${client}\0${epoch}`;
    const there = held.get(key);
    if (there) return ok(there);
    const root = join(dir, `${run}-${made++}`);
    try {
      const it = { client, key, tree: new Tree(root, blobs), users: 0, usedMs: performance.now() };
      held.set(key, it);
      // Now, not when the timer comes: a client that edits between builds starts an epoch each time.
      sweep();
      return ok(it);
    } catch (thrown) {
      remove(root);
      return err(explainTreeError(root, thrown));
    }
  };

  const lease = (it: Held, request: TreeRequest): TreeLease => {
    let released = false;
    return {
      root: it.tree.root,
      ensureDir: (path) => it.tree.ensureDir(path),
      childrenOf: (path, also) => it.tree.childrenOf(path, request, also),
      release() {
        if (released) return;
        released = true;
        it.users--;
        it.usedMs = performance.now();
      },
    };
  };

  return ok({
    acquire(request) {
      const found = find(request.client, request.epoch);
      if (!found.ok) return found;
      const it = found.value;
      it.usedMs = performance.now();
      it.users++; // before placing: no sweep may take it meanwhile
      const placed = it.tree.place(request);
      if (placed.ok) return ok(lease(it, request));
      it.users--;
      // What unused trees link to, the store of blobs can let go.
      if (placed.error.code === 'disk-full') sweep(true);
      return placed;
    },
    sweep,
    figures: () => ({ trees: held.size, held: [...held.values()].filter((it) => it.users > 0).length }),
    async close() {
      clearInterval(timer);
      await Promise.all(removing);
    },
  });
}
