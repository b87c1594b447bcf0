// Which files must stay as they are for a compile to come out the same. A depfile does not name all of them: of two equal files a
// compiler reads one only when #pragma once or #import stands in them, and never says that it looked at the other.
import type { ScanResult } from '../types.ts';

/**
 * The files whose contents and resolutions, unchanged, mean that a compile reads the same again. `read`: what the depfile names,
 * absolute; `contentOf`: equal texts for equal contents (a digest), null for a file that cannot be read.
 */
export function filesToRemember(
  read: readonly string[],
  scanned: Pick<ScanResult, 'files' | 'unlisted'>,
  contentOf: (path: string) => string | null,
): readonly string[] {
  const remembered = new Set([...read, ...scanned.unlisted]);
  const contents = new Set(read.map(contentOf));
  contents.delete(null);
  for (const path of scanned.files) {
    if (!remembered.has(path) && contents.has(contentOf(path))) remembered.add(path);
  }
  return [...remembered];
}
