// Where this process stands in the kernel's control groups, and where it may make one of its own: both versions, as the mounts say.
import fs from 'node:fs';
import { join } from 'node:path';

export interface CgroupRoots {
  /** /proc */
  readonly procRoot: string;
  /** Put before mount points: empty but in tests. */
  readonly mountPrefix: string;
}

export interface CgroupPlaces {
  /** This process's directory in version 1's `cpu` and `freezer`, and in version 2; null: there is no such thing here. */
  readonly cpu: string | null;
  readonly freezer: string | null;
  readonly unified: string | null;
}

/** Of this process, or of another one by its number. */
export function findPlaces({ procRoot, mountPrefix }: CgroupRoots, pid: number | 'self' = 'self'): CgroupPlaces {
  const mounts = read(join(procRoot, 'self/mountinfo')).split('\n').map(parseMount);
  const own = read(join(procRoot, `${pid}/cgroup`));
  const place = (controller: string | null): string | null => {
    const line = own.split('\n').find((each) => {
      const [number, controllers] = each.split(':');
      return controller === null ? number === '0' : controllers?.split(',').includes(controller) === true;
    });
    const path = line?.split(':').slice(2).join(':');
    const mount = mounts.find((each) =>
      controller === null ? each?.type === 'cgroup2' : each?.type === 'cgroup' && each.options.includes(controller),
    );
    if (path === undefined || mount == null) return null;
    // What is mounted may be a part of the hierarchy, as in containers.
    const isPart = mount.root !== '/' && `${path}/`.startsWith(`${mount.root}/`);
    const inMount = isPart ? path.slice(mount.root.length) : path;
    const dir = join(mountPrefix, mount.point, inMount);
    return fs.existsSync(join(dir, 'cgroup.procs')) ? dir : null;
  };
  return { cpu: place('cpu'), freezer: place('freezer'), unified: place(null) };
}

interface Mount {
  readonly root: string;
  readonly point: string;
  readonly type: string;
  readonly options: readonly string[];
}

/** A line of mountinfo: `36 35 98:0 /root /point rw,noatime shared:1 - type source options`. */
function parseMount(line: string): Mount | null {
  const [before = '', after = ''] = line.split(' - ');
  const [, , , root, point] = before.split(' ');
  const [type, , options] = after.split(' ');
  if (root === undefined || point === undefined || type === undefined) return null;
  return { root: unescaped(root), point: unescaped(point), type, options: (options ?? '').split(',') };
}

function unescaped(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

function read(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
