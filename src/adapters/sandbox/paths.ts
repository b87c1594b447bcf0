// Which paths a client may ask for in a tree: absolute, normalised, bounded, and outside what the sandbox itself mounts.
// Pure text; symbolic links are the tree's business.

export const maxPathBytes = 4095;
const maxNameBytes = 255;
const maxDepth = 128;

/** Mount points of the sandbox, made in every tree; nothing of a client's may lie in them. */
export const initDir = '/.tender/init';
export const tmpDir = '/.tender/tmp';
const reserved = ['/.tender', '/proc', '/dev', '/sys'];

/** The dynamic linker would load what this names into our own first steps inside the sandbox. */
const preload = '/etc/ld.so.preload';

const SECOND_LETTERS = '.pds';

/** Whether a place belongs to the machine that runs a task, so that no task can bring its own. Asked of every file of every unit. */
export function isReserved(path: string): boolean {
  if (!SECOND_LETTERS.includes(path.charAt(1))) return false;
  return reserved.some((top) => path.startsWith(top) && (path.length === top.length || path[top.length] === '/'));
}

/** Why a path cannot be a file, link or directory in a tree, or null. */
export function findPathFault(path: string): string | null {
  if (!path.startsWith('/')) return 'is not absolute';
  if (path.includes('\0')) return 'has a zero byte';
  if (Buffer.byteLength(path) > maxPathBytes) return `is longer than ${maxPathBytes} bytes`;
  if (path === '/') return 'is the root directory';
  const names = path.slice(1).split('/');
  if (names.length > maxDepth) return `is deeper than ${maxDepth} directories`;
  for (const name of names) {
    if (name === '' || name === '.' || name === '..') return 'is not normalised';
    if (Buffer.byteLength(name) > maxNameBytes) return `has a name longer than ${maxNameBytes} bytes`;
  }
  const top = `/${names[0] ?? ''}`;
  if (isReserved(path)) return `lies in ${top}, which the sandbox keeps for itself`;
  if (path === preload || path.startsWith(`${preload}/`)) return 'would be loaded into every program';
  return null;
}

/** Why a symbolic link cannot point there, or null. Any place is fine: inside the sandbox it is resolved inside the tree. */
export function findTargetFault(target: string): string | null {
  if (target === '') return 'points to nothing';
  if (target.includes('\0')) return 'points to a name with a zero byte';
  return Buffer.byteLength(target) > maxPathBytes ? `points to a name longer than ${maxPathBytes} bytes` : null;
}

/** The directory of a normalised absolute path. */
export function parentOf(path: string): string {
  const at = path.lastIndexOf('/');
  return at <= 0 ? '/' : path.slice(0, at);
}

/** A path for a message: quoted and cut. */
export function show(path: string): string {
  return JSON.stringify(path.length > 200 ? `${path.slice(0, 200)}…` : path);
}
