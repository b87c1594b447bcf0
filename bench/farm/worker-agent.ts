// A real worker agent on a machine that is SLEEPCC_SLOWNESS times slower. Only its sandbox and trees are replaced: the sleeping compiler
// runs as a plain child and reads the client's source where it lies. Confining a task takes 15 ms of CPU, which twenty workers on two
// cores would take from each other and not, as on a farm, each from itself.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Run, RunResult, RunSpec, Sandbox } from '../../src/adapters/sandbox/types.ts';
import { runAgent } from '../../src/apps/agent/agent.ts';
import { noTrees } from '../no-trees.ts';
import { err, ok } from '../../src/base/result.ts';

function start(spec: RunSpec): Run {
  let child: ChildProcess | null = null;
  let killed: string | null = null;
  const run = async (): ReturnType<Sandbox['run']>['done'] => {
    mkdirSync(spec.scratchDir, { recursive: true });
    const startedAt = performance.now();
    // Outputs are named by the client's absolute paths, of which none is ours to write.
    const files = spec.outputs.map((_, index) => join(spec.scratchDir, String(index)));
    const words = spec.argv.slice(1).map((word) => files[spec.outputs.indexOf(join(spec.cwd, word))] ?? word);
    child = spawn(spec.argv[0] ?? '', words, { cwd: spec.scratchDir, env: process.env, stdio: 'ignore' });
    if (killed !== null) child.kill('SIGKILL');
    else spec.onStart?.();
    try {
      const [code] = (await once(child, 'close')) as [number | null];
      if (killed !== null) return err({ code: 'killed', message: killed });
      if (code !== 0) return err({ code: 'sandbox', message: `the compiler ended with ${code}` });
      const outputs = files.map((file) => ({ data: readFileSync(file), mode: 0o644 }));
      const nothing = Buffer.alloc(0);
      const ranMs = Math.round(performance.now() - startedAt);
      const exit = { how: 'exit', code } as const;
      const result: RunResult = {
        exit,
        stdout: nothing,
        stderr: nothing,
        outputs,
        ranMs,
        cpuMs: 1,
        maxRssBytes: 2 ** 20,
      };
      return ok(result);
    } catch (error) {
      return err({ code: 'sandbox', message: (error as Error).message });
    } finally {
      rmSync(spec.scratchDir, { recursive: true, force: true });
    }
  };
  const kill = (why: string): void => {
    killed ??= why;
    child?.kill('SIGKILL');
  };
  return { kill, freeze: () => child?.kill('SIGSTOP'), thaw: () => child?.kill('SIGCONT'), done: run() };
}

const sandbox: Sandbox = { version: 'none', run: start, close: () => undefined };

process.exitCode = await runAgent({ openSandbox: () => Promise.resolve(ok(sandbox)), openTrees: () => ok(noTrees) });
