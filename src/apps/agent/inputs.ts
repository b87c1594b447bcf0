// All that a unit reads, as it is in this moment: the scan's files, what the command names besides, and the piece of the name
// space in which a worker finds them as they lie here. Or why the unit must stay.
import { dirname } from 'node:path';
import { spellAbsolute } from '../../compiler/scan/directories.ts';
import type { IncludeScanner } from '../../compiler/scan/scan.ts';
import type { NameSpacePiece } from '../../compiler/types.ts';
import type { FileCache } from '../../adapters/files/file-cache.ts';
import { isReserved } from '../../adapters/sandbox/paths.ts';
import { listLocaleFiles } from '../../adapters/toolchain/index.ts';
import type { OutputPlace } from './output-places.ts';
import { stays, type Stay } from './stay.ts';
import type { Surroundings } from './surroundings.ts';
import type { Taken, Unit } from './units.ts';

/** `unresolved`: an include by macro that only the compiler can follow. */
export function takeUnit(
  unit: Unit,
  surroundings: Surroundings,
  outputs: readonly OutputPlace[],
  disk: { readonly files: FileCache; readonly scanner: IncludeScanner },
): Taken | Stay | 'unresolved' {
  const { plan, toolchain, cwd } = unit;
  let files: readonly string[] = [];
  const unlisted: string[] = [];
  const searchDirs = new Set<string>();
  let usesDate = false;
  for (const request of unit.requests) {
    const scanned = disk.scanner.scan(request);
    if (scanned.usesTimestamp) return stays('time-macro', '__TIMESTAMP__ is the time of the file here');
    if (scanned.hasAssemblerIncludes) return stays('assembler-includes', 'the assembler pulls in files of its own');
    if (scanned.precompiledHeader !== null) return stays('precompiled-header', scanned.precompiledHeader);
    if (scanned.unresolved.length > 0 && unit.asked === null) {
      // Asked with -M, the Fortran compiler would write module files.
      if (scanned.fortran !== null) return stays('include-not-resolved', `«${scanned.unresolved[0] ?? ''}»`);
      return 'unresolved';
    }
    if (scanned.fortran?.doubt != null) return stays('module', scanned.fortran.doubt);
    files = files.length === 0 ? scanned.files : [...new Set([...files, ...scanned.files])];
    for (const dir of scanned.searchDirs) searchDirs.add(dir);
    unlisted.push(...scanned.unlisted);
    usesDate ||= scanned.usesDate;
  }
  const optional = plan.optionalInputs.filter((path) => disk.files.isFile(spellAbsolute(path, cwd)));
  const given = [...plan.extraInputs, ...optional, ...unit.bearings, ...listLocaleFiles(surroundings.variables)];
  const named = [...(unit.asked ?? []), ...given].map((path) => spellAbsolute(path, cwd));
  const dirs = [...searchDirs, cwd, ...plan.outputs.map((output) => dirname(spellAbsolute(output.path, cwd)))];
  for (const dir of surroundings.dirs) dirs.push(spellAbsolute(dir, cwd));
  const taken = disk.files.fragment(named.length === 0 ? files : [...files, ...named], dirs);
  if (!taken.ok) return stays('file-missing', taken.error.message);
  const piece = taken.value;
  const madeModules = new Set(outputs.flatMap(({ kind, path }) => (kind === 'module' ? [path] : [])));
  const written = outputs.map(({ path }) => path);
  let bytes = 0;
  for (const { path, size } of piece.files) {
    if (isReserved(path)) return stays('path-reserved', path);
    if (madeModules.has(path)) return stays('module', `${path} is of an earlier compile and may be read or made anew`);
    if (written.includes(path)) return stays('output-not-a-file', `${path} is read by the compile that writes it`);
    bytes += size;
  }
  const places = [...piece.symlinks.map(({ path }) => path), ...piece.dirs];
  const reserved = places.find(isReserved);
  if (reserved !== undefined) return stays('path-reserved', reserved);
  const both = piece.symlinks.find(({ path }) => written.includes(path));
  if (both !== undefined) return stays('output-not-a-file', `${both.path} is read by the compile that writes it`);
  return {
    fragment: joinPieces(piece, toolchain),
    bytes,
    searchDirs: [...searchDirs],
    scanned: files,
    unlisted,
    repeatable: !usesDate || surroundings.env.has('SOURCE_DATE_EPOCH'),
  };
}

interface OwnPaths {
  readonly files: ReadonlySet<string>;
  readonly symlinks: ReadonlySet<string>;
}

const ownPaths = new WeakMap<NameSpacePiece, OwnPaths>();

/** The unit's files and the compiler's, each path once. */
function joinPieces(unit: NameSpacePiece, toolchain: NameSpacePiece): NameSpacePiece {
  let own = ownPaths.get(toolchain);
  if (own === undefined) {
    const pathsOf = (entries: readonly { readonly path: string }[]): Set<string> =>
      new Set(entries.map(({ path }) => path));
    own = { files: pathsOf(toolchain.files), symlinks: pathsOf(toolchain.symlinks) };
    ownPaths.set(toolchain, own);
  }
  const { files, symlinks } = own;
  return {
    files: [...unit.files.filter(({ path }) => !files.has(path)), ...toolchain.files],
    symlinks: [...unit.symlinks.filter(({ path }) => !symlinks.has(path)), ...toolchain.symlinks],
    dirs: [...new Set([...unit.dirs, ...toolchain.dirs])],
  };
}
