// The words of one sandbox: bubblewrap's own (through a pipe: they may be many and hold paths) and the command's.
// Pure, so that what a task can see is read in one place.
import type { Kit } from './kit.ts';
import type { OutputMount } from './outputs.ts';
import { initDir, tmpDir } from './paths.ts';
import type { RunSpec } from './types.ts';
import { insideUid } from './user-namespaces.ts';

/** File numbers in bubblewrap and the shell. stdout and stderr are pipes, so a full disk can still be told of. */
export const fds = { stdout: 1, log: 2, args: 3, stderr: 4, userNamespace: 5, info: 6 } as const;

/** Whether the task becomes a user of its own inside a prepared namespace (root), or stays who the agent is. */
export type Identity = 'own-user' | 'agent-user';

export interface Place {
  readonly kit: Kit;
  readonly identity: Identity;
  /** bubblewrap's --disable-userns works here. */
  readonly disableUserns: boolean;
  readonly tmpHostDir: string;
  readonly mounts: readonly OutputMount[];
  readonly maxProcesses: number;
}

/** What goes through `--args`. */
export function listMounts(spec: RunSpec, place: Place): string[] {
  const { root } = spec.tree;
  const words = ['--ro-bind', root, '/', '--proc', '/proc'];
  for (const device of ['/dev/null', '/dev/zero', '/dev/urandom']) words.push('--dev-bind', device, device);
  words.push('--ro-bind', place.kit.dir, initDir, '--bind', place.tmpHostDir, tmpDir);
  for (const { dir, hostDir, readOnly } of place.mounts) {
    words.push('--bind', hostDir, dir);
    for (const name of readOnly) words.push('--ro-bind', `${root}${dir}/${name}`, `${dir}/${name}`);
  }
  words.push('--unshare-pid', '--unshare-net', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try');
  words.push('--hostname', 'tender', '--cap-drop', 'ALL', '--die-with-parent');
  if (place.identity === 'own-user') {
    words.push('--userns', String(fds.userNamespace), '--uid', '0', '--gid', '0');
    // For setpriv, which gives them up with everything else before the shell starts.
    for (const name of ['SETUID', 'SETGID', 'SETPCAP']) words.push('--cap-add', `CAP_${name}`);
  } else {
    words.push('--unshare-user', '--uid', String(insideUid), '--gid', String(insideUid));
    if (place.disableUserns) words.push('--disable-userns');
    // Then the sandbox has ended when bubblewrap has. A process that changes its user would not die with its parent, though.
    words.push('--as-pid-1');
  }
  words.push('--chdir', spec.cwd);
  return words;
}

// The shell's own messages and the times go to the log, apart from what the command prints. bash calls -u what dash calls -p.
const script = `exec ${fds.args}>&- ${fds.userNamespace}>&- ${fds.info}>&-
umask "$1"
ulimit -c 0
ulimit -S -t "$2"
ulimit -H -t "$(($2 + 2))"
ulimit -f "$3"
ulimit -n "$4"
ulimit -v "$5"
ulimit -u "$6" 2>/dev/null || ulimit -p "$6"
shift 6
unset PWD
while [ "$1" != -- ]; do
  export "$1"
  shift
done
shift
"$@" 2>&${fds.stderr} ${fds.stderr}>&-
code=$?
times >&2
exit $code
`;

// Names that a shell refuses to be given, and it would end over them.
const shellsOwn = new Set(['UID', 'EUID', 'PPID', 'BASHOPTS', 'SHELLOPTS', 'BASH_VERSINFO']);

/** bubblewrap's own command line after its options. */
export function listCommand(spec: RunSpec, place: Place): string[] {
  const { kit, identity } = place;
  const { limits } = spec;
  const user = String(insideUid);
  const become = ['--reuid', user, '--regid', user, '--clear-groups', '--inh-caps=-all', '--bounding-set=-all'];
  const enter = identity === 'own-user' ? [...kit.setpriv, ...become] : [];
  const env = spec.env.filter((it) => {
    const name = /^([A-Za-z_][A-Za-z0-9_]*)=/.exec(it)?.[1];
    return name !== undefined && !shellsOwn.has(name) && name !== 'TMPDIR';
  });
  return [
    ...enter,
    ...kit.shell,
    ...['-c', script, 'sh', spec.umask.toString(8).padStart(4, '0')],
    String(Math.max(1, Math.ceil(limits.cpuSeconds))),
    String(Math.ceil(limits.outputBytes / 512)),
    String(limits.openFiles),
    String(Math.ceil(limits.memBytes / 1024)),
    String(place.maxProcesses),
    ...env,
    `TMPDIR=${tmpDir}`,
    '--',
    ...spec.argv,
  ];
}
