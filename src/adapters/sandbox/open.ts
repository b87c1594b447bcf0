// Finds out, by doing it, whether this machine can confine tasks, and says in one sentence and one line what is missing if not.
// The trial goes through exactly what tasks go through, so that «it works» means just that.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { err, ok, type Result } from '../../base/result.ts';
import { makeKit } from './kit.ts';
import { startRun, type Confinement } from './run.ts';
import { Tree } from './tree.ts';
import type { Cell, RunFailure, RunSpec, Sandbox, SandboxProblem } from './types.ts';
import { countOutOfMemoryKills } from './usage.ts';
import { openUserNamespaces } from './user-namespaces.ts';

const execute = promisify(execFile);
const installLine = 'sudo apt-get install -y bubblewrap util-linux';

export interface SandboxOptions {
  /** 0 to 19; default 19, so that the owner of the machine does not feel it. */
  readonly niceness?: number;
  /** Where each run's processes go, if the machine has such places. */
  readonly takeCell?: (() => Cell) | null;
}

/** Makes the sandbox ready in `dir` (private, on a disk that may hold programs), or says what the machine lacks. */
export async function openSandbox(
  dir: string,
  { niceness = 19, takeCell = null }: SandboxOptions = {},
): Promise<Result<Sandbox, SandboxProblem>> {
  const bwrap = findProgram('bwrap');
  if (bwrap === null) return err({ message: 'bubblewrap is not installed', command: installLine });
  const version = await readVersion(bwrap);
  if (version === null) return err({ message: `${bwrap} does not run`, command: installLine });
  const isRoot = process.getuid?.() === 0;
  const kit = await makeKit(join(dir, 'kit'), isRoot);
  if (!kit.ok) return err({ message: `cannot prepare the sandbox: ${kit.error}`, command: installLine });

  const base = {
    bwrap,
    niceness,
    takeCell,
    kit: kit.value,
    oomKills: countOutOfMemoryKills(),
    minProcessLimit: minProcessLimit(os.release()),
  };
  const namespaces = isRoot ? openUserNamespaces() : null;
  const plain = { ...base, namespaces: null };
  // Best first; an older bubblewrap knows no --disable-userns, a container may not know other users.
  const ways: Confinement[] = [
    ...(namespaces ? [{ ...base, namespaces, disableUserns: false }] : []),
    { ...plain, disableUserns: true },
    { ...plain, disableUserns: false },
  ];
  let failure: RunFailure = { code: 'sandbox', message: '' };
  for (const way of ways) {
    const tried = await tryRun(dir, way);
    if (tried.ok) {
      if (way.namespaces === null) namespaces?.close();
      return ok({ version, run: (spec) => startRun(way, spec), close: () => way.namespaces?.close() });
    }
    failure = tried.error;
  }
  namespaces?.close();
  return err(explainProblem(failure.message, readSettings()));
}

/** The same trial in a directory of its own, for those who only want to know. */
export async function checkSandbox(): Promise<Result<{ readonly version: string }, SandboxProblem>> {
  const dir = fs.mkdtempSync(join(os.tmpdir(), 'tender-check-'));
  try {
    // Whoever asks waits for the answer.
    const opened = await openSandbox(dir, { niceness: 0 });
    if (!opened.ok) return opened;
    opened.value.close();
    return ok({ version: opened.value.version });
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
}

function findProgram(name: string): string | null {
  const dirs = [...(process.env['PATH'] ?? '').split(':'), '/usr/local/bin', '/usr/bin', '/bin'];
  for (const dir of dirs.filter((it) => it.startsWith('/'))) {
    try {
      fs.accessSync(join(dir, name), fs.constants.X_OK);
      return join(dir, name);
    } catch {
      // Not there.
    }
  }
  return null;
}

async function readVersion(bwrap: string): Promise<string | null> {
  try {
    const { stdout } = await execute(bwrap, ['--version']);
    return /\d+(?:\.\d+)+/.exec(stdout)?.[0] ?? stdout.trim();
  } catch {
    return null;
  }
}

async function tryRun(dir: string, way: Confinement): Promise<Result<void, RunFailure>> {
  const root = join(dir, 'trial-tree');
  try {
    fs.rmSync(root, { recursive: true, force: true });
    const tree = new Tree(root, { has: () => false, link: () => err({ code: 'missing', message: '' }) });
    const nothing = { client: '', epoch: '', files: [], symlinks: [], dirs: [] };
    const spec: RunSpec = {
      tree: {
        root,
        ensureDir: (path) => tree.ensureDir(path),
        childrenOf: (path, also) => tree.childrenOf(path, nothing, also),
      },
      argv: [...way.kit.shell, '-c', 'echo works >/trial/out'],
      cwd: '/',
      env: [],
      umask: 0o022,
      outputs: ['/trial/out'],
      scratchDir: join(dir, 'trial-scratch'),
      limits: { cpuSeconds: 10, memBytes: 2 ** 30, outputBytes: 2 ** 20, processes: 20, openFiles: 64, wallMs: 20_000 },
    };
    const done = await startRun(way, spec).done;
    if (!done.ok) return done;
    if (done.value.outputs[0]?.data.toString() === 'works\n') return ok(undefined);
    return err({ code: 'sandbox', message: `the trial run printed: ${done.value.stderr.toString().slice(0, 300)}` });
  } catch (thrown) {
    return err({ code: 'sandbox', message: thrown instanceof Error ? thrown.message : String(thrown) });
  } finally {
    fs.rmSync(root, { recursive: true, force: true });
  }
}

/** The kernel's settings that forbid sandboxes, as far as they exist. */
interface KernelSettings {
  readonly unprivilegedUsernsClone: string;
  readonly maxUserNamespaces: string;
  readonly apparmorRestrictsUserns: string;
  readonly inContainer: boolean;
}

function readSettings(): KernelSettings {
  const read = (path: string): string => {
    try {
      return fs.readFileSync(`/proc/sys/${path}`, 'utf8').trim();
    } catch {
      return '';
    }
  };
  return {
    unprivilegedUsernsClone: read('kernel/unprivileged_userns_clone'),
    maxUserNamespaces: read('user/max_user_namespaces'),
    apparmorRestrictsUserns: read('kernel/apparmor_restrict_unprivileged_userns'),
    inContainer: fs.existsSync('/.dockerenv') || fs.existsSync('/run/.containerenv'),
  };
}

/** What to tell the owner of a machine where the trial ended with `said`. */
export function explainProblem(said: string, settings: KernelSettings): SandboxProblem {
  if (settings.maxUserNamespaces === '0') {
    return {
      message: 'this machine allows no user namespaces (user.max_user_namespaces is 0)',
      command: 'sudo sysctl -w user.max_user_namespaces=15000',
    };
  }
  if (settings.unprivilegedUsernsClone === '0') {
    return {
      message: 'this machine allows user namespaces to root only (kernel.unprivileged_userns_clone is 0)',
      command: 'sudo sysctl -w kernel.unprivileged_userns_clone=1',
    };
  }
  if (settings.apparmorRestrictsUserns === '1') {
    return {
      message: 'AppArmor keeps bubblewrap from making user namespaces (apparmor_restrict_unprivileged_userns is 1)',
      command: 'sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
    };
  }
  if (settings.inContainer) {
    return {
      message: `this container does not let bubblewrap make namespaces (${said}); it must be started with the options named`,
      command:
        'docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined …',
    };
  }
  return { message: `bubblewrap cannot make a sandbox here: ${said}`, command: '' };
}

/** Linux counts processes per namespace from 5.14 on; before, a task's limit has to leave room for all that its user runs. */
export function minProcessLimit(release: string): number {
  const [major = 0, minor = 0] = release.split('.').map((part) => Number.parseInt(part, 10));
  return major > 5 || (major === 5 && minor >= 14) ? 0 : 4096;
}
