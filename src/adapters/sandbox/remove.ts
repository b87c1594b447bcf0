// Removes what a task may have shaped: directories without permissions, names nested too deep for one path.
// The ordinary way first; what it cannot remove goes to chmod and rm, which walk by directory, not by path.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** Removes a directory and all in it, following no links. What cannot be removed stays for the next start. */
export async function removeAll(path: string): Promise<void> {
  try {
    await fs.promises.rm(path, { recursive: true, force: true });
  } catch {
    await execute('chmod', ['-R', 'u+rwx', '--', path]).catch(() => undefined);
    await execute('rm', ['-rf', '--', path]).catch(() => undefined);
  }
}
