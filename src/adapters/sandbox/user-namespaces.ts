// User namespaces for an agent that runs as root, made once and used again: in each, number 1000 is a host user that owns nothing.
// Without them a task of a root agent would be root's own number on the host: the kernel does not limit that one's processes,
// and files of root would be its own if it ever got out. One namespace serves one task at a time, so limits are per task.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { err, ok, type Result } from '../../base/result.ts';

export interface UserNamespace {
  readonly fd: number;
  /** The user (and group) that the task is on the host. */
  readonly hostUid: number;
}

export interface UserNamespaces {
  /** Gives one that nobody uses, made now if need be. */
  take(): Promise<Result<UserNamespace, string>>;
  giveBack(it: UserNamespace): void;
  close(): void;
}

/** The task's number inside. */
export const insideUid = 1000;

// 1,879,048,192 and up are numbers that no distribution hands out.
const firstUid = 1_900_000_000;
const patienceMs = 10_000;

export function openUserNamespaces(): UserNamespaces {
  const idle: UserNamespace[] = [];
  let made = 0;
  let closed = false;
  return {
    async take() {
      const there = idle.pop();
      if (there) return ok(there);
      return await makeNamespace(chooseUid(made++));
    },
    giveBack(it) {
      if (closed) fs.closeSync(it.fd);
      else idle.push(it);
    },
    close() {
      closed = true;
      for (const it of idle.splice(0)) fs.closeSync(it.fd);
    },
  };
}

/** In a container that knows fewer users, the last of those it knows. */
function chooseUid(index: number): number {
  const [first = 0, , count = 0] = fs.readFileSync('/proc/self/uid_map', 'utf8').trim().split(/\s+/).map(Number);
  return Math.min(firstUid, first + count - 1000) + index;
}

// Forbids user namespaces within, where the kernel lets it, and then only keeps the namespace alive until it has been opened.
const holder = 'echo up; read go; echo 0 2>/dev/null >/proc/sys/user/max_user_namespaces; echo ready; read end';

async function makeNamespace(hostUid: number): Promise<Result<UserNamespace, string>> {
  const child = spawn('unshare', ['--user', '--keep-caps', '/bin/sh', '-c', holder], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const deadline = setTimeout(() => child.kill('SIGKILL'), patienceMs);
  let said = '';
  let wake: () => void = () => undefined;
  let ended = false;
  const hear = (chunk: Buffer): void => {
    said += chunk.toString();
    wake();
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  child.stdin.on('error', () => undefined);
  child.on('error', (error) => hear(Buffer.from(error.message)));
  const gone = new Promise<void>((resolve) => {
    child.on('close', () => {
      ended = true;
      wake();
      resolve();
    });
  });
  const wait = async (word: string): Promise<boolean> => {
    while (!said.includes(word)) {
      if (ended) return false;
      await new Promise<void>((resolve) => (wake = resolve));
    }
    return true;
  };
  try {
    if (!(await wait('up\n'))) return err(`unshare: ${said.trim() || 'ended early'}`);
    // Number 0 too: the namespace's own root sets up the mounts, and is root of nothing outside it.
    const map = `0 0 1\n${insideUid} ${hostUid} 1\n`;
    fs.writeFileSync(`/proc/${child.pid}/uid_map`, map);
    fs.writeFileSync(`/proc/${child.pid}/gid_map`, map);
    child.stdin.write('go\n');
    if (!(await wait('ready\n'))) return err(`unshare: ${said.trim()}`);
    return ok({ fd: fs.openSync(`/proc/${child.pid}/ns/user`, 'r'), hostUid });
  } catch (thrown) {
    return err(thrown instanceof Error ? thrown.message : String(thrown));
  } finally {
    clearTimeout(deadline);
    child.kill('SIGKILL');
    await gone;
  }
}
