// How the drivers make one file name from another.

/** The directory with its slash, and the rest. */
export function splitPath(path: string): { readonly dir: string; readonly name: string } {
  const slash = path.lastIndexOf('/') + 1;
  return { dir: path.slice(0, slash), name: path.slice(slash) };
}

/** The name up to its last dot. A dot in front counts as one only when `hidden` is true. */
export function stem(name: string, hidden: boolean): string {
  const dot = name.lastIndexOf('.');
  return dot > 0 || (hidden && dot === 0) ? name.slice(0, dot) : name;
}

/** The suffix of a source with its dot, or nothing. */
export function suffix(path: string): string {
  const { name } = splitPath(path);
  return name.slice(stem(name, false).length);
}

/** Whether a compiler would make a regular file of that name. `isDirectory` is asked with the same path. */
export function isFileName(path: string, isDirectory: (path: string) => boolean): boolean {
  return path !== '' && path !== '-' && !path.endsWith('/') && !path.startsWith('/dev/') && !isDirectory(path);
}
