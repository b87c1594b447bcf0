// A watcher for the case that the demo itself is killed: a shell that waits for the end of a pipe, which the kernel closes with
// the demo, and then ends every process that carries the demo's mark and removes its namespaces and directory.
import { spawn } from 'node:child_process';
import { MARK, signalProcess } from './processes.ts';

const SCRIPT = `
dir=$1; shift
cat >/dev/null
for round in 1 2 3 4 5 6 7 8 9 10; do
  pids=
  for file in $(grep -lzsxF "${MARK}=$dir" /proc/[0-9]*/environ); do
    pid=\${file#/proc/}; pids="$pids \${pid%/environ}"
  done
  [ -n "$pids" ] || break
  kill -KILL $pids
  sleep 0.1
done
for name in "$@"; do ip netns del "$name"; done
rm -rf -- "$dir"
`;

export interface Sweeper {
  /** All is cleaned up already: the watcher ends without touching anything. */
  dismiss(): void;
}

/** Starts the watcher over the demo's directory (also the mark's value) and its network namespaces. */
export function startSweeper(dir: string, namespaces: readonly string[]): Sweeper {
  const env = { ...process.env };
  delete env[MARK];
  const child = spawn('sh', ['-c', SCRIPT, 'tender-demo-sweeper', dir, ...namespaces], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    env,
  });
  // Without a shell there is nobody to watch, and the demo's own clean-up still runs.
  child.on('error', () => {});
  child.unref();
  return {
    dismiss: () => {
      if (child.pid !== undefined) signalProcess(-child.pid, 'SIGKILL');
    },
  };
}
