// The order in which the compiler looks for headers, worked out as gcc's incpath.c does it: what does not exist goes, and a -I
// that is also a system directory goes too, so that it cannot change what <stdlib.h> means. Of -iquote gcc and clang differ.
import type { FileFacts, ScanRequest } from '../types.ts';

/** Directories as spelled, absolute; `quote` is searched before `angle` for a quoted name, after the includer's own. */
export interface SearchChain {
  readonly quote: readonly string[];
  /** Those of `quote` that gcc searches: it leaves out system directories, clang does not. The same object when all are. */
  readonly quoteOfGcc: readonly string[];
  readonly angle: readonly string[];
  /** All that exist, also those that go: a compiler may name a file by the first spelling of its directory. */
  readonly existing: readonly string[];
  /** Files among what is named as a directory. */
  readonly misnamed: readonly string[];
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
  const systemDirs = [
    ...spell(scan.systemDirs),
    ...request.envDirs.afterSystem,
    ...(scan.noStdInc ? [] : request.builtin.systemDirs),
    ...spell(scan.afterDirs),
  ];
  const bracketDirs = [...spell(scan.includeDirs), ...request.envDirs.afterI];
  const quoteDirs = spell(scan.quoteDirs);
  const system = keepFirst(systemDirs, new Set(), facts);
  const bracket = keepFirst(bracketDirs, new Set(system.real), facts);
  const quote = keepFirst(quoteDirs, new Set(), facts);
  const ofGcc = keepFirst(quote.spelled, new Set(system.real), facts);
  const quoteOfGcc = ofGcc.spelled.length === quote.spelled.length ? quote.spelled : ofGcc.spelled;
  const all = [...new Set([...quoteDirs, ...bracketDirs, ...systemDirs])];
  const existing = all.filter((dir) => facts.isDirectory(dir));
  return {
    quote: quote.spelled,
    quoteOfGcc,
    angle: [...bracket.spelled, ...system.spelled],
    existing,
    misnamed: existing.length === all.length ? [] : all.filter((dir) => facts.isFile(dir)),
  };
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
