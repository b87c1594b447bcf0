// A Fortran source's part of a scan request, from the plan of the command that compiles it.
import type { CompilePlan, ScanRequest, SourceSpec } from '../types.ts';
import { isFortran } from '../command/languages.ts';
import { spellAbsolute } from '../scan/directories.ts';

/** Empty for another language's source. */
export function fortranSearch(plan: CompilePlan, source: SourceSpec, cwd: string): Pick<ScanRequest, 'fortran'> {
  if (!isFortran(source.language)) return {};
  const before = plan.sources.slice(0, plan.sources.indexOf(source)).filter(({ language }) => isFortran(language));
  return {
    fortran: {
      moduleDir: spellAbsolute(plan.moduleDir === '' ? '.' : plan.moduleDir, cwd),
      preprocessed: source.language === 'fortran-cpp',
      before: before.map(({ path }) => spellAbsolute(path, cwd)),
    },
  };
}
