// A real worker agent whose sandbox has compiled everything before: it answers with kept outputs at once. The session, the blobs,
// the awards and the agent around it are the real ones; started by the benchmark only.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runAgent } from '../src/apps/agent/agent.ts';
import type { RunResult, RunSpec, Sandbox } from '../src/adapters/sandbox/types.ts';
import { noTrees } from './no-trees.ts';
import { err, ok, type Result } from '../src/base/result.ts';
import type { RunFailure } from '../src/adapters/sandbox/types.ts';

type Output = { readonly data: Buffer; readonly mode: number };

const [outDir = '', keptDir = ''] = process.argv.slice(2);
const held = new Map<string, Output>();

function load(path: string): Output | null {
  let output = held.get(path);
  if (output !== undefined) return output;
  if (!path.startsWith(`${outDir}/`)) return null;
  output = { data: readFileSync(join(keptDir, path.slice(outDir.length + 1))), mode: 0o644 };
  held.set(path, output);
  return output;
}

function answer(spec: RunSpec): Result<RunResult, RunFailure> {
  spec.onStart?.();
  try {
    const outputs = spec.outputs.map((path) => load(path));
    const nothing = Buffer.alloc(0);
    const exit = { how: 'exit', code: 0 } as const;
    return ok({ exit, stdout: nothing, stderr: nothing, outputs, ranMs: 1, cpuMs: 1, maxRssBytes: 2 ** 20 });
  } catch (error) {
    return err({ code: 'sandbox', message: `nothing kept: ${(error as Error).message}` });
  }
}

const sandbox: Sandbox = {
  version: 'canned',
  run: (spec) => ({
    kill: () => undefined,
    freeze: () => undefined,
    thaw: () => undefined,
    done: Promise.resolve(answer(spec)),
  }),
  close: () => undefined,
};

process.exitCode = await runAgent({ openSandbox: () => Promise.resolve(ok(sandbox)), openTrees: () => ok(noTrees) });
