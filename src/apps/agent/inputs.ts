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
  const files = new Set<string>();
  const unlisted: string[] = [];
  const searchDirs = new Set<string>();
  let usesDate = false;
  for (const request of unit.requests) {
    const scanned = disk.scanner.scan(request);
    if (scanned.usesTimestamp) return stays('time-macro', '__TIMESTAMP__ is the time of the file here');
    if (scanned.hasAssemblerIncludes) return stays('assembler-includes', 'the assembler pulls in files of its own');
    if (scanned.precompiledHeader !== null) return stays('precompiled-header', scanned.precompiledHeader);
    if (scanned.unresolved.length > 0 && unit.asked === null) return 'unresolved';
    for (const file of scanned.files) files.add(file);
    for (const dir of scanned.searchDirs) searchDirs.add(dir);
    unlisted.push(...scanned.unlisted);
    usesDate ||= scanned.usesDate;
  }
  const optional = plan.optionalInputs.filter((path) => disk.files.isFile(spellAbsolute(path, cwd)));
  const given = [...plan.extraInputs, ...optional, ...unit.bearings, ...listLocaleFiles(surroundings.variables)];
  const named = [...(unit.asked ?? []), ...given].map((path) => spellAbsolute(path, cwd));
  const dirs = [...searchDirs, cwd, ...plan.outputs.map((output) => dirname(spellAbsolute(output.path, cwd)))];
  for (const dir of surroundings.dirs) dirs.push(spellAbsolute(dir, cwd));
  const piece = disk.files.fragment([...files, ...named], dirs);
  if (!piece.ok) return stays('file-missing', piece.error.message);
  const places = [...piece.value.files, ...piece.value.symlinks].map(({ path }) => path);
  const reserved = [...places, ...piece.value.dirs].find(isReserved);
  if (reserved !== undefined) return stays('path-reserved', reserved);
  const both = outputs.find(({ path }) => places.includes(path));
  if (both !== undefined) return stays('output-not-a-file', `${both.path} is read by the compile that writes it`);
  const fragment = joinPieces(piece.value, toolchain);
  return {
    fragment,
    bytes: piece.value.files.reduce((sum, file) => sum + file.size, 0),
    searchDirs: [...searchDirs],
    scanned: [...files],
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
