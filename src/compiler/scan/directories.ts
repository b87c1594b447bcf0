// The order in which the compiler looks for headers, worked out as gcc's incpath.c does it (clang agrees): what does not
// exist goes, and a -I that is also a system directory goes too, so that it cannot change what <stdlib.h> means.
import type { FileFacts, ScanRequest } from '../types.ts';

/** Directories as spelled, absolute; `quote` is searched before `angle` for a quoted name, after the includer's own. */
export interface SearchChain {
  readonly quote: readonly string[];
  readonly angle: readonly string[];
}

/** An absolute spelling without `.` and doubled slashes; `..` stays, for it may follow a symlink. */
export function spellAbsolute(path: string, cwd: string): string {
  const joined = path.startsWith('/') ? path : `${cwd}/${path}`;
  if (!/\/\.?(?:\/|$)/.test(joined)) return joined;
  const kept = joined.split('/').filter((part) => part !== '' && part !== '.');
  return `/${kept.join('/')}`;
}

/** Orders the search directories of a command; only existing ones remain. */
export function orderDirectories(request: ScanRequest, facts: FileFacts): SearchChain {
  const { scan, cwd } = request;
  const spell = (dirs: readonly string[]): string[] =>
    dirs.map((dir) => spellAbsolute(inSysroot(dir, scan.sysroot), cwd));
  const system = keepFirst(
    [
      ...spell(scan.systemDirs),
      ...request.envDirs.afterSystem,
      ...(scan.noStdInc ? [] : request.builtin.systemDirs),
      ...spell(scan.afterDirs),
    ],
    new Set(),
    facts,
  );
  const bracket = keepFirst([...spell(scan.includeDirs), ...request.envDirs.afterI], new Set(system.real), facts);
  const quote = keepFirst(spell(scan.quoteDirs), new Set(system.real), facts);
  return { quote: quote.spelled, angle: [...bracket.spelled, ...system.spelled] };
}

/** A leading `=` or `$SYSROOT` stands for the sysroot, when there is one. */
function inSysroot(dir: string, sysroot: string | null): string {
  if (sysroot === null) return dir;
  if (dir.startsWith('=')) return sysroot + dir.slice(1);
  if (dir.startsWith('$SYSROOT')) return sysroot + dir.slice('$SYSROOT'.length);
  return dir;
}

function keepFirst(
  dirs: readonly string[],
  taken: Set<string>,
  facts: FileFacts,
): { readonly spelled: string[]; readonly real: string[] } {
  const spelled: string[] = [];
  const real: string[] = [];
  for (const dir of dirs) {
    const path = facts.realDirectory(dir);
    if (path === null || taken.has(path)) continue;
    taken.add(path);
    spelled.push(dir);
    real.push(path);
  }
  return { spelled, real };
}
