// Where outputs go and what lies there already: some programs of a compiler replace a file, others write into the one that is
// there, with its mode, through its links. What cannot be done as they do it stays with the compiler here.
import { accessSync, constants } from 'node:fs';
import { dirname, basename } from 'node:path';
import type { FileCache } from '../../adapters/files/file-cache.ts';
import { tryLstat, tryStat } from '../../adapters/stat.ts';
import { err, ok, type Result } from '../../base/result.ts';
import type { IncludeScanner } from '../../compiler/scan/scan.ts';
import type { CompilePlan, OutputSpec } from '../../compiler/types.ts';
import type { Unit } from './units.ts';

/** An output at the real path of its directory, absolute. */
export interface OutputPlace extends OutputSpec {
  /** Of the file that is there, where the compiler keeps it; else null. */
  readonly mode: number | null;
}

/** The plan with the module files that the unit's Fortran sources may write now; they come last. */
export function withModules({ plan, requests }: Pick<Unit, 'plan' | 'requests'>, scanner: IncludeScanner): CompilePlan {
  if (requests.every(({ fortran }) => fortran === undefined)) return plan;
  const modules = new Set(requests.flatMap((request) => scanner.scan(request).fortran?.modules ?? []));
  return { ...plan, outputs: [...plan.outputs, ...[...modules].map((path) => ({ kind: 'module' as const, path }))] };
}

/** The error is what keeps the compile here, for people. */
export function placeOutputs(
  plan: CompilePlan,
  family: 'gcc' | 'clang',
  spell: (path: string) => string,
  files: FileCache,
): Result<OutputPlace[], string> {
  // The assembler removes an old object first, gfortran an old module; clang writes another file and renames it.
  const replaces = (output: OutputSpec): boolean =>
    output.kind === 'module' || (output.kind === 'object' && (family === 'clang' || plan.args.includes('-c')));
  const places: OutputPlace[] = [];
  for (const output of plan.outputs) {
    const spelled = spell(output.path);
    const dir = files.realDirectory(dirname(spelled));
    if (dir === null) return err(`${dirname(spelled)} is no directory`);
    const path = `${dir === '/' ? '' : dir}/${basename(spelled)}`;
    const there = tryLstat(path);
    let mode: number | null = null;
    if (there !== null) {
      if (!there.isFile() && !(there.isSymbolicLink() && replaces(output) && tryStat(path)?.isFile() === true)) {
        return err(`${path} is not a regular file`);
      }
      if (!replaces(output)) {
        if (there.nlink !== 1n) return err(`${path} has other names, and is written through`);
        mode = Number(there.mode) & 0o777;
      }
      if ((!replaces(output) || family === 'clang') && !isWritable(path)) return err(`${path} may not be written to`);
    }
    places.push({ ...output, path, mode });
  }
  return ok(places);
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
