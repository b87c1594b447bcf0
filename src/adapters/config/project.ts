// A project's own wishes: `.tender.toml` at its root, found upwards from where a command runs. It comes with a checkout, perhaps
// of someone else's: it can say which machines to ask and how to choose among them, and nothing else.
import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { Result } from '../../base/result.ts';
import { policyNames, type PolicyName } from '../../core/selection/index.ts';
import { criteriaText } from './criteria.ts';
import { readToml } from './toml.ts';

export const projectFile = '.tender.toml';

export interface Project {
  /** The directory of its file, else of its version control, else null: where a command runs belongs to no project. */
  readonly root: string | null;
  /** Null: not said. */
  readonly policy: PolicyName | null;
  readonly needs: string | null;
  /** What is wrong in its file, for people: nothing of it holds. */
  readonly fault: string | null;
  /** Of a file nearer than that which does not count, why. */
  readonly ignored: string | null;
}

const levelsMax = 40;
const bytesMax = 64 * 1024;
const versionControl = ['.git', '.hg', '.jj', '.svn'];

const schema = z.strictObject({
  delegate: z.strictObject({ policy: z.enum(policyNames).optional(), needs: criteriaText.optional() }).optional(),
});

/** Looks from `cwd` (absolute) upwards, not in the home directory itself and not above it. */
export function findProject(cwd: string, home: string = homedir()): Project {
  let root: string | null = null;
  let ignored: string | null = null;
  let dir = cwd;
  for (let level = 0; level < levelsMax && dir !== home; level++) {
    const read = readProjectFile(join(dir, projectFile));
    if (read !== null && 'settings' in read) {
      const { settings } = read;
      if (!settings.ok) return { root: dir, policy: null, needs: null, fault: settings.error, ignored };
      const { policy = null, needs = null } = settings.value.delegate ?? {};
      return { root: dir, policy, needs, fault: null, ignored };
    }
    if (read !== null) ignored ??= read.ignored;
    if (
      root === null &&
      versionControl.some((name) => statSync(join(dir, name), { throwIfNoEntry: false }) !== undefined)
    )
      root = dir;
    const parent = dirname(dir);
    if (parent === dir) break;
    dir = parent;
  }
  return { root, policy: null, needs: null, fault: null, ignored };
}

type Read = { readonly settings: Result<z.infer<typeof schema>, string> } | { readonly ignored: string };

/** Null: there is none. */
function readProjectFile(file: string): Read | null {
  let fd: number;
  try {
    // Without blocking: it may be a pipe that nobody writes to.
    fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    return { ignored: `${file}: cannot be read (${code}) and does not count` };
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) return { ignored: `${file}: is no file and does not count` };
    if (stat.uid !== process.getuid?.()) return { ignored: `${file}: belongs to another user and does not count` };
    if (stat.size > bytesMax) return { ignored: `${file}: is larger than 64 KiB and does not count` };
    const bytes = Buffer.alloc(stat.size);
    const length = readSync(fd, bytes, 0, stat.size, 0);
    return { settings: readToml(bytes.subarray(0, length).toString(), file, schema) };
  } finally {
    closeSync(fd);
  }
}
