// A real worker agent on a machine that is SLEEPCC_SLOWNESS times slower: its sandbox tells that to the sleeping compiler. The rest
// of it, the sandbox included, is what users run; started by the benchmark only.
import { openSandbox } from '../../src/adapters/sandbox/open.ts';
import { openTrees } from '../../src/adapters/sandbox/trees.ts';
import { runAgent } from '../../src/apps/agent/agent.ts';
import { ok } from '../../src/base/result.ts';

const slowness = `SLEEPCC_SLOWNESS=${process.env['SLEEPCC_SLOWNESS'] ?? '1'}`;

process.exitCode = await runAgent({
  openTrees,
  openSandbox: async (dir, options) => {
    const opened = await openSandbox(dir, options);
    if (!opened.ok) return opened;
    const sandbox = opened.value;
    return ok({
      version: sandbox.version,
      run: (spec) => sandbox.run({ ...spec, env: [...spec.env, slowness] }),
      close: () => sandbox.close(),
    });
  },
});
