// What a Fortran compile reads besides what its preprocessor does: INCLUDE lines and module files, wherever they could be found;
// and which module files it writes. A superset; what cannot be told for certain is a doubt, and keeps the command here.
import type { FileFacts, ScanRequest } from '../types.ts';
import { spellAbsolute } from '../scan/directories.ts';
import { isPregnant, type ParsedFortran } from './parse.ts';

/** What a compile of one Fortran source needs to be told besides `ScanOptions`. */
export interface FortranSearch {
  /** Where module files go: absolute. */
  readonly moduleDir: string;
  /** The source passes through the preprocessor. */
  readonly preprocessed: boolean;
  /** Sources that the same command compiles before this one, absolute: their modules are there when it is compiled. */
  readonly before: readonly string[];
}

export interface FortranFindings {
  /** Files that it may read, absolute. */
  readonly files: readonly string[];
  /** Directories that the compiler looks at for themselves, absolute. */
  readonly dirs: readonly string[];
  /** Module files that it may write, absolute. */
  readonly modules: readonly string[];
  /** Why that is not certain; null: it is. */
  readonly doubt: string | null;
  /** All that was looked for, and where it is: equal texts, equal answers. */
  readonly lookups: string;
}

/** An included file may include others, but not without end. */
const MAX_FILES = 2_000;
/** A unit with more module files stays: each is an output. */
const MAX_MODULES = 1_000;

interface Made {
  readonly at: number;
  readonly certain: boolean;
}

/**
 * Follows the source and all that it includes. `scanned`: the files that the preprocessor may read, the source first; `searched`:
 * directories that exist, in which files are looked for.
 */
export function followFortran(
  request: ScanRequest,
  search: FortranSearch,
  facts: FileFacts,
  { scanned, searched }: { readonly scanned: readonly string[]; readonly searched: readonly string[] },
): FortranFindings {
  const source = spellAbsolute(request.source, request.cwd);
  const dirs = listDirectories(request, search, source, searched);
  const walk = new Walk(facts, dirs, request.cwd);
  for (const path of request.builtin.bearings ?? []) walk.files.add(path);
  walk.visit([source, ...(search.preprocessed ? scanned : [])]);
  const texts = walk.texts();
  const made = new Map<string, Made>();
  for (const path of search.before) {
    const earlier = new Walk(facts, dirs, request.cwd);
    earlier.visit([path]);
    for (const { parsed } of earlier.texts()) addMade(made, parsed, -1);
  }
  const modules = new Set<string>();
  for (const { path, parsed } of texts) {
    addMade(made, parsed, path === source ? null : 0);
    for (const { name, isSubmodule } of parsed.modules) {
      if (!isSubmodule) modules.add(`${search.moduleDir}/${name}.mod`);
      modules.add(`${search.moduleDir}/${name}.smod`);
    }
  }
  let doubt = search.preprocessed
    ? findMacroDoubt(
        request,
        texts.map(({ parsed }) => parsed),
      )
    : null;
  if (modules.size > MAX_MODULES) doubt ??= `it holds more than ${MAX_MODULES} modules`;
  const reads = new Map<string, number>();
  for (const { path, parsed } of texts) {
    const read = (names: ParsedFortran['uses'], suffix: string): void => {
      for (const { name, at } of names) {
        const file = name + suffix;
        const line = path === source ? at : 0;
        reads.set(file, Math.min(line, reads.get(file) ?? line));
      }
    };
    read(parsed.uses, '.mod');
    read(parsed.parents, '.smod');
  }
  for (const [file, at] of reads) {
    const itself = made.get(file);
    if (itself?.certain === true && itself.at < at) {
      // Its own work: what lies there now is of an earlier compile. Another one of that name could be meant, too.
      if (walk.find(file, search.moduleDir).length > 0) doubt ??= `${file} is there more than once`;
    } else walk.find(file, null);
  }
  const own = [search.moduleDir, ...(request.builtin.intrinsicDirs ?? [])];
  const there = own.filter((dir) => facts.isDirectory(dir));
  // In the place of a directory it is an error.
  if (facts.isFile(search.moduleDir)) walk.files.add(search.moduleDir);
  return {
    files: [...walk.files],
    dirs: there,
    modules: [...modules],
    doubt,
    lookups: [own.map((dir) => (there.includes(dir) ? '+' : '-')).join(''), walk.lookups()].join('\0'),
  };
}

/** Where anything could be found, each directory once; compilers differ in which of them they take for what. */
function listDirectories(
  request: ScanRequest,
  search: FortranSearch,
  source: string,
  searched: readonly string[],
): readonly string[] {
  const { scan, builtin, cwd } = request;
  const given = [scan.includeDirs, scan.quoteDirs, scan.systemDirs, scan.afterDirs].flat();
  return [
    ...new Set([
      cwd,
      source.slice(0, source.lastIndexOf('/')) || '/',
      search.moduleDir,
      ...given.map((dir) => spellAbsolute(dir, cwd)),
      ...(builtin.intrinsicDirs ?? []),
      ...searched,
    ]),
  ];
}

function addMade(made: Map<string, Made>, parsed: ParsedFortran, at: number | null): void {
  for (const module of parsed.modules) {
    const one = { at: at ?? module.at, certain: !module.conditional && at !== 0 };
    for (const file of module.isSubmodule ? [`${module.name}.smod`] : [`${module.name}.mod`, `${module.name}.smod`]) {
      const known = made.get(file);
      if (known === undefined || (one.certain && !known.certain)) made.set(file, one);
    }
  }
}

/** Why macros could change what the statements say, or null. */
function findMacroDoubt(request: ScanRequest, texts: readonly ParsedFortran[]): string | null {
  const macros = new Set<string>();
  for (const parsed of texts) {
    const [pregnant] = parsed.pregnantMacros;
    if (pregnant !== undefined) return `the macro ${pregnant} holds a word that names modules or files`;
    if (parsed.odd !== null) return `«${parsed.odd}»: what it names, only the preprocessor can tell`;
    for (const name of parsed.macros) macros.add(name);
  }
  for (const [kind, text] of request.scan.macros) {
    if (kind !== 'D') continue;
    const [name = ''] = text.split(/[=(]/, 1);
    if (isPregnant(text.slice(name.length))) return `the macro ${name} holds a word that names modules or files`;
    macros.add(name);
  }
  for (const parsed of texts) {
    for (const name of parsed.sensitive) if (macros.has(name)) return `${name} in a USE, MODULE or INCLUDE is a macro`;
  }
  return null;
}

class Walk {
  readonly files = new Set<string>();
  readonly #facts: FileFacts;
  readonly #dirs: readonly string[];
  readonly #texts = new Map<string, ParsedFortran>();
  readonly #lookups: string[] = [];

  readonly #cwd: string;

  constructor(facts: FileFacts, dirs: readonly string[], cwd: string) {
    this.#facts = facts;
    this.#dirs = dirs;
    this.#cwd = `${cwd}/`;
  }

  texts(): { readonly path: string; readonly parsed: ParsedFortran }[] {
    return [...this.#texts].map(([path, parsed]) => ({ path, parsed }));
  }

  lookups(): string {
    return this.#lookups.join('\0');
  }

  /** Reads these and all that they include. */
  visit(paths: readonly string[]): void {
    const pending = paths.toReversed();
    for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
      if (this.#texts.has(path) || this.#texts.size >= MAX_FILES) continue;
      const parsed = this.#facts.parsedFortran(path);
      if (parsed === null) continue;
      this.#texts.set(path, parsed);
      const beside = path.slice(0, path.lastIndexOf('/')) || '/';
      for (const name of parsed.includes) pending.push(...this.#look(name, [...this.#dirs, beside]));
    }
  }

  /** Every file of that name that could be meant, but for the one in the directory `except`. */
  find(name: string, except: string | null): string[] {
    const left = except === null ? null : this.#facts.realDirectory(except);
    const dirs = left === null ? this.#dirs : this.#dirs.filter((dir) => this.#facts.realDirectory(dir) !== left);
    return this.#look(name, dirs);
  }

  #look(name: string, dirs: readonly string[]): string[] {
    const places = name.startsWith('/') ? [''] : dirs;
    const found = [...new Set(places.map((dir) => spellAbsolute(`${dir === '/' ? '' : dir}/${name}`, '/')))].filter(
      (path) => this.#facts.isFile(path),
    );
    for (const path of found) this.files.add(path);
    const told = found.map((path) => (path.startsWith(this.#cwd) ? path.slice(this.#cwd.length) : path));
    this.#lookups.push([name, ...told].join('\u0001'));
    return found;
  }
}
